"""A text scorer that fastText trains and numpy reads.

The words and word pairs of a line are hashed (`characters.char_table`, which the page
features need anyway) and given to fastText as tokens. Its supervised model is
linear in the mean of the tokens' vectors, so the two matrices it learns multiply
to one score a token and label; many lines are then one sum of rows, about
twenty times faster than asking fastText line by line.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from clfnews.errors import UserError
from clfnews.models.exact import summed
from clfnews.models.features.characters import WORD_BITS, CharTable, char_table

_PAIR_BITS = 20
"""Pairs of words have 2**20 buckets, after the 2**WORD_BITS of the words."""
_MARKS = 64
"""Buckets between the two for the line's first and last character classes."""
_SIZE = 2**WORD_BITS + _MARKS + 2**_PAIR_BITS
_PREFIX = "__label__"


class TextScorer:
    """Label probabilities of lines from their words and word pairs.

    Parameters as in `fasttext.train_supervised`: `dim`, `epoch`, `lr`.
    """

    def __init__(self, labels: tuple[str, ...], *, dim: int = 16, epoch: int = 5, lr: float = 0.4, seed: int = 7) -> None:
        self.labels, self.dim, self.epoch, self.lr, self.seed = labels, dim, epoch, lr, seed
        self.weight = np.zeros((_SIZE + 1, len(labels)), dtype=np.float32)
        self.known = np.zeros(_SIZE + 1, dtype=np.float32)

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
        self.weight[:] = 0
        self.weight[np.ix_(at, columns)] = scores
        self.known[:] = 0
        self.known[at] = 1
        absent = np.setdiff1d(np.arange(len(self.labels)), columns)
        self.weight[:, absent] = -30.0  # a label that training lacked
        return self

    def predict(self, table: CharTable) -> np.ndarray:
        """Lines x labels, rows summing to 1."""
        n = len(table.length)
        line, token = _tokens(table)
        known = self.known[token] > 0
        line, token = line[known], token[known]
        total = np.bincount(line, minlength=n)
        z = (summed(self.weight[token], line, n) + self.weight[-1]) / (total + 1.0)[:, None]
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        return np.asarray(e / e.sum(axis=1, keepdims=True), dtype=np.float64)

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be stored: the rows that are not empty."""
        rows = np.flatnonzero(self.known)
        return {"scorer_rows": rows.astype(np.int32), "scorer_weight": self.weight[rows]}

    @classmethod
    def from_arrays(cls, labels: tuple[str, ...], arrays: dict[str, np.ndarray]) -> TextScorer:
        """The scorer whose `arrays` were stored; raises `ValueError` if they are no scorer of these labels."""
        scorer = cls(labels)
        rows, weight = arrays["scorer_rows"], arrays["scorer_weight"]
        if weight.shape != (len(rows), len(labels)) or (len(rows) and not 0 <= rows.min() <= rows.max() <= _SIZE):
            raise ValueError("the text scorer does not fit")
        absent = (weight == -30.0).all(axis=0) if len(rows) else np.zeros(len(labels), dtype=bool)
        scorer.weight[:, absent] = -30.0
        scorer.weight[rows] = weight
        scorer.known[rows] = 1
        return scorer


def at_most(rows: Iterable[tuple[str, str | None]], copies: int) -> list[tuple[str, str]]:
    """Labelled texts, each at most `copies` times: what is repeated on every page teaches no more than a few copies of it."""
    seen: Counter[tuple[str, str]] = Counter()
    out = []
    for text, label in rows:
        if label is not None and seen[text, label] < copies:
            seen[text, label] += 1
            out.append((text, label))
    return out


def _tokens(table: CharTable) -> tuple[np.ndarray, np.ndarray]:
    """Line and token of every word and every pair of neighbours, sorted by line.

    The first and the last character's class stand before the first and behind
    the last word: "begins a line" and "ends with a stop" are pairs too.
    """
    n = len(table.length)
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
