"""A text scorer that fastText trains and numpy reads.

The words and word pairs of a line are hashed (`characters.char_table`, which the page
features need anyway) and given to fastText as tokens. Its supervised model is
linear in the mean of the tokens' vectors, so the two matrices it learns multiply
to one score a token and label; many lines are then one sum of rows, about
twenty times faster than asking fastText line by line.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clfnews.errors import UserError
from clfnews.models.exact import summed
from clfnews.models.features.characters import WORD_BITS, CharTable, char_table
from clfnews.models.features.paths import PathWords

_PAIR_BITS = 20
"""Pairs of words have 2**20 buckets, after the 2**WORD_BITS of the words."""
_MARKS = 64
"""Buckets between the two for the line's first and last character classes."""
_SIZE = 2**WORD_BITS + _MARKS + 2**_PAIR_BITS
_PREFIX = "__label__"
_ABSENT = -30.0
"""The weight of a label that training lacked."""


class TextScorer:
    """Label probabilities of lines from their words and word pairs.

    Parameters as in `fasttext.train_supervised`: `dim`, `epoch`, `lr`.
    """

    def __init__(self, labels: tuple[str, ...], *, dim: int = 16, epoch: int = 5, lr: float = 0.4, seed: int = 7) -> None:
        self.labels, self.dim, self.epoch, self.lr, self.seed = labels, dim, epoch, lr, seed
        self._rows, self._weight = np.zeros(0, dtype=np.int32), np.zeros((0, len(labels)), dtype=np.float32)
        self._place, self._end = np.zeros(0, dtype=np.int32), np.zeros(len(labels), dtype=np.float32)

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> TextScorer:
        """Learn from lines and their labels; raises `UserError` if training diverges."""
        import fasttext

        line, token = _tokens(char_table(texts))
        cuts = np.searchsorted(line, np.arange(1, len(texts)))
        rows = [" ".join(map(str, part)) for part in np.split(token, cuts)]
        order = np.random.default_rng(self.seed).permutation(len(rows))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "train.txt"
            file.write_text("".join(f"{_PREFIX}{labels[i]} {rows[i]}\n" for i in order), encoding="ascii")
            try:
                model = fasttext.train_supervised(
                    input=str(file), label=_PREFIX, dim=self.dim, epoch=self.epoch, lr=self.lr,
                    wordNgrams=1, bucket=0, minCount=1, thread=1, seed=self.seed, verbose=0,
                )  # fmt: skip
            except RuntimeError as error:
                raise UserError(f"text scorer: fastText: {error}") from error
        columns = [self.labels.index(name.removeprefix(_PREFIX)) for name in model.labels]
        scores = model.get_input_matrix()[: len(model.words)] @ model.get_output_matrix().T
        # fastText ends every line with a token of its own.
        at = [int(word) if word != "</s>" else _SIZE for word in model.words]
        order = np.argsort(at)
        weight = np.full((len(at), len(self.labels)), _ABSENT, dtype=np.float32)
        weight[:, columns] = scores[order]
        return self._with(np.array(at, dtype=np.int32)[order], weight)

    def _with(self, rows: np.ndarray, weight: np.ndarray) -> TextScorer:
        """Take the weights of these tokens (ascending); those of all that there can be would fill 50 MB with zeros."""
        self._rows, self._weight = rows, weight.astype(np.float32, copy=False)
        self._place = np.full(_SIZE + 1, -1, dtype=np.int32)
        self._place[rows] = np.arange(len(rows), dtype=np.int32)
        absent = (weight == _ABSENT).all(axis=0) & (len(rows) > 0)
        self._end = weight[self._place[_SIZE]] if self._place[_SIZE] >= 0 else np.where(absent, _ABSENT, 0).astype(np.float32)
        return self

    def knows(self, token: np.ndarray) -> np.ndarray:
        """Whether training has seen these tokens (buckets of words)."""
        return np.asarray(self._place[token] >= 0)

    def predict(self, table: CharTable | PathWords) -> np.ndarray:
        """Lines x labels, rows summing to 1."""
        n = len(table.first)
        line, token = _tokens(table)
        place = self._place[token]
        line, place = line[place >= 0], place[place >= 0]
        total = np.bincount(line, minlength=n)
        z = (summed(self._weight[place], line, n) + self._end) / (total + 1.0)[:, None]
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        return np.asarray(e / e.sum(axis=1, keepdims=True), dtype=np.float64)

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be stored: the rows that are not empty."""
        return {"scorer_rows": self._rows, "scorer_weight": self._weight}

    @classmethod
    def from_arrays(cls, labels: tuple[str, ...], arrays: dict[str, np.ndarray]) -> TextScorer:
        """The scorer whose `arrays` were stored; raises `ValueError` if they are no scorer of these labels."""
        rows, weight = arrays["scorer_rows"], arrays["scorer_weight"]
        if weight.shape != (len(rows), len(labels)) or (len(rows) and not 0 <= rows.min() <= rows.max() <= _SIZE):
            raise ValueError("the text scorer does not fit")
        return cls(labels)._with(rows, weight)


def _tokens(table: CharTable | PathWords) -> tuple[np.ndarray, np.ndarray]:
    """Line and token of every word and every pair of neighbours, sorted by line.

    The first and the last character's class stand before the first and behind
    the last word: "begins a line" and "ends with a stop" are pairs too.
    """
    n = len(table.first)
    begin = 2**WORD_BITS + table.first.astype(np.int64)
    end = 2**WORD_BITS + _MARKS // 2 + table.last.astype(np.int64)
    # Words come in the order of lines: only the borders have to be put between.
    per_line = np.bincount(table.word_line, minlength=n)
    at = np.arange(len(table.word_line)) + 2 * table.word_line + 1
    starts = np.cumsum(per_line + 2) - per_line - 2
    ids = np.empty(len(table.word_line) + 2 * n, dtype=np.int64)
    of_line = np.repeat(np.arange(n), per_line + 2)
    ids[at] = table.word_bucket
    ids[starts], ids[starts + per_line + 1] = begin, end
    pair = (ids[:-1].astype(np.uint64) * np.uint64(0x9E3779B1) + ids[1:].astype(np.uint64)) * np.uint64(0xC2B2AE3D27D4EB4F)
    pair = (pair >> np.uint64(64 - _PAIR_BITS)).astype(np.int64) + 2**WORD_BITS + _MARKS
    # Each position gives its own token and the pair that begins there.
    together = np.concatenate((of_line[1:] == of_line[:-1], [False])) if n else np.zeros(0, dtype=bool)
    both = np.stack((ids, np.concatenate((pair, [0])) if n else ids), axis=1)
    keep = np.stack((np.ones(len(ids), dtype=bool), together), axis=1)
    return np.repeat(of_line, 2).reshape(-1, 2)[keep], both[keep]
