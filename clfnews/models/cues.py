"""Stance from word patterns with the actors masked, and from cues of the line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.models.base import Probabilities, check_shapes, load_arrays, normalised, split_back
from clfnews.models.exact import summed
from clfnews.models.features.actors import actor_mentions
from clfnews.models.features.characters import WORD_BITS, CharTable, char_table, class_code
from clfnews.models.features.events import event_classes, event_phrases
from clfnews.page import Page

_ACTOR = 2**WORD_BITS
"""The placeholder's id, behind those of the words."""
_GRAM_BITS = 22
# What a hash is of stands in its upper bits: n-grams of words from 0, of events from 8, then these.
_EVENTS, _FIRST, _LAST, _TURNED, _CUE = 8, 12, 13, 14, 15
_CUES = ("actors 0", "actors 1", "actors 2", "actors 3+", "no stop", "quotation", "long", "numbers")
_EVENT_NGRAMS = 3
_WORDS = re.compile(r"[^\W_]+|[^\s]")


class StanceCues:
    """Logistic regression over hashed n-grams of masked lines and a few cues.

    Every mention of a political actor becomes one placeholder
    (`actors.actor_mentions`): what is learnt is what is said or done, not who is
    named. The cues tell how many mentions there are, and whether the line is
    long, quotes, counts or lacks its stop, as headlines do. The events
    (`events.event_phrases`) are a second, shorter text: a line as the sequence of
    what is done in it ("actor no agree actor"), with its own n-grams, its first and
    last event, and what comes after the last "but". N-grams up to `ngrams` words
    are hashed and weighted by TF-IDF; all is numpy, ten thousand lines a second.
    Lines of pages without any side (off topic) weigh `offtopic_weight`: they
    are many and easy.
    """

    kind = "cues"

    def __init__(
        self,
        task: str,
        labels: tuple[str, ...],
        *,
        C: float = 4.0,
        ngrams: int = 3,
        min_df: int = 2,
        mask: bool = True,
        cues: bool = True,
        events: bool = True,
        offtopic_weight: float = 0.1,
        neutral_weight: float = 1.5,
        seed: int = 7,
    ) -> None:
        self.task, self.labels = task, labels
        self.C, self.ngrams, self.min_df, self.seed = C, ngrams, min_df, seed
        self.mask, self.cues, self.events = mask, cues, events
        self.offtopic_weight, self.neutral_weight = offtopic_weight, neutral_weight
        self._grams = np.zeros(0, dtype=np.int64)  # sorted hashes in use; a column each
        self._maybe = np.zeros(0, dtype=bool)  # by the lower bits of a hash: whether it can be in use
        self._idf = np.zeros(0, dtype=np.float32)
        self._coef = np.zeros((0, len(labels)), dtype=np.float32)
        self._bias = np.zeros(len(labels), dtype=np.float32)

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> StanceCues:
        """Learn from lines that carry a stance."""
        from sklearn.linear_model import LogisticRegression

        texts, y, weights = self._weighted_lines(pages)
        table = char_table(texts)
        line, gram = self._line_grams(table)
        distinct = np.unique((line << (_GRAM_BITS + 4)) | gram)
        grams, counts = np.unique(distinct & (2 ** (_GRAM_BITS + 4) - 1), return_counts=True)
        often = counts >= (self.min_df if len(texts) >= 50 else 1)
        self._grams, self._maybe = grams[often], np.zeros(0, dtype=bool)
        self._idf = (np.log((1 + len(texts)) / (1 + counts[often])) + 1).astype(np.float32)
        classifier = LogisticRegression(C=self.C, max_iter=500, tol=1e-5, random_state=self.seed)
        classifier.fit(self._matrix(line, gram, len(texts)), y, sample_weight=weights)
        coef, bias = classifier.coef_, classifier.intercept_
        if len(coef) == 1:  # two labels only: one row of coefficients
            coef, bias = np.vstack([-coef, coef]) / 2, np.concatenate([-bias, bias]) / 2
        self._coef = np.zeros((len(self._grams), len(self.labels)), dtype=np.float32)
        self._bias = np.full(len(self.labels), -30.0, dtype=np.float32)  # a label that training lacked
        self._coef[:, classifier.classes_] = coef.T
        self._bias[classifier.classes_] = bias
        return self

    def _weighted_lines(self, pages: Sequence[Page]) -> tuple[list[str], np.ndarray, np.ndarray]:
        texts, y, weights = [], [], []
        for page in pages:
            known = [line for line in page.lines if line.stance]
            sides = sum(line.stance != "neutral" for line in known)
            weight = self.offtopic_weight if len(known) > 1 and sides < 2 else 1.0
            for line in known:
                texts.append(line.text)
                y.append(self.labels.index(str(line.stance)))
                weights.append(weight * (self.neutral_weight if line.stance == "neutral" else 1.0))
        return texts, np.array(y), np.array(weights)

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        return split_back(self.predict_texts([line.text for page in pages for line in page.lines]), pages)

    def predict_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Texts x labels, rows summing to 1."""
        row, column, data = self._cells(*self._line_grams(char_table(texts)), len(texts))
        z = summed(data[:, None] * self._coef[column], row, len(texts)) + self._bias
        z -= z.max(axis=1, keepdims=True)
        return normalised(np.exp(z))

    def explain(self, text: str, most: int = 6) -> list[tuple[str, float]]:
        """The patterns that moved a line towards its label, strongest first.

        Each with its exact part of the score: weight times value, against the
        mean of the other labels (log-odds). Negative parts speak against.
        """
        best = int(self.predict_texts([text])[0].argmax())
        _, column, data = self._cells(*self._line_grams(char_table([text])), 1)
        others = np.delete(self._coef, best, axis=1).mean(axis=1)
        parts = data * (self._coef[:, best] - others)[column]
        names = self._gram_names(text)
        order = np.argsort(-np.abs(parts), kind="stable")[:most]
        return [(names.get(int(self._grams[column[i]]), "?"), round(float(parts[i]), 4)) for i in order]

    # --- features ---------------------------------------------------------------

    def _line_grams(self, table: CharTable) -> tuple[np.ndarray, np.ndarray]:
        """Line and hash of every n-gram, event and cue."""
        line, ids = self._sequence(table)[:2]
        parts = _grams(line, ids, self.ngrams, 0)
        if self.cues:
            where, cue = self._line_cues(table)
            parts.append((where, cue + (_CUE << _GRAM_BITS)))
        if self.events:
            parts += _event_grams(table)
        return np.concatenate([where for where, _ in parts]), np.concatenate([gram for _, gram in parts])

    def _sequence(self, table: CharTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Line, id and place of every word, a mention of an actor as one word."""
        place = np.arange(len(table.word_line))
        if not self.mask:
            return table.word_line, table.word_bucket, place
        named, begins = actor_mentions(table)
        keep = ~named | begins
        return table.word_line[keep], np.where(named, _ACTOR, table.word_bucket)[keep], place[keep]

    def _line_cues(self, table: CharTable) -> tuple[np.ndarray, np.ndarray]:
        n = len(table.length)
        _, begins = actor_mentions(table)
        mentions = np.minimum(np.bincount(table.word_line[begins], minlength=n), 3)
        stops = np.isin(table.last, [class_code(name) for name in ("stop", "quote", "slash")])
        flags = (~stops, table.counts[:, class_code("quote")] > 1, table.length > 220, table.counts[:, class_code("digit")] > 3)
        lines, cues = [np.arange(n)], [mentions.astype(np.int64)]
        for number, flag in enumerate(flags, 4):
            lines.append(np.flatnonzero(flag))
            cues.append(np.full(int(flag.sum()), number))
        return np.concatenate(lines), np.concatenate(cues)

    def _matrix(self, line: np.ndarray, gram: np.ndarray, n: int) -> Any:
        """Lines x known n-grams, sparse."""
        from scipy.sparse import csr_matrix

        row, column, data = self._cells(line, gram, n)
        return csr_matrix((data, (row, column)), shape=(n, len(self._grams)))

    def _cells(self, line: np.ndarray, gram: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Line, column and value of every known n-gram: TF-IDF with sublinear counts, lines of length 1."""
        if not len(self._maybe):
            self._maybe = np.zeros(2**_GRAM_BITS, dtype=bool)
            self._maybe[self._grams & (2**_GRAM_BITS - 1)] = True
        # Most n-grams are unknown; one look into a small table is cheaper than a search.
        some = self._maybe[gram & (2**_GRAM_BITS - 1)]
        line, gram = line[some], gram[some]
        at = np.minimum(np.searchsorted(self._grams, gram), max(len(self._grams) - 1, 0))
        known = self._grams[at] == gram
        cells = np.sort((line[known] << (_GRAM_BITS + 4)) | at[known])
        first = np.flatnonzero(np.diff(cells, prepend=-1))  # the same n-gram again in a line raises its count
        row, column = cells[first] >> (_GRAM_BITS + 4), cells[first] & (2 ** (_GRAM_BITS + 4) - 1)
        count = np.diff(first, append=len(cells)).astype(np.float32)
        data = (1 + np.log(count)) * self._idf[column]
        norm = np.sqrt(np.bincount(row, data**2, minlength=n))
        data /= np.maximum(norm, 1e-9).astype(np.float32)[row]
        return row, column, data

    def _gram_names(self, text: str) -> dict[int, str]:
        """Hash -> what can be read of every n-gram, event and cue of a line."""
        table = char_table([text])
        line, ids, place = self._sequence(table)
        words = _WORDS.findall(text.lower())
        if len(words) != len(table.word_line):  # a sign that the two split differently
            words = ["?"] * len(table.word_line)
        shown = ["<actor>" if i == _ACTOR else words[p] for i, p in zip(ids.tolist(), place.tolist(), strict=True)]
        names: dict[int, str] = {}
        for size, (_, grams) in enumerate(_grams(line, ids, self.ngrams, 0), 1):
            names |= {gram: " ".join(shown[i : i + size]) for i, gram in enumerate(grams.tolist())}
        kinds = (*event_classes(), "actor")
        line, tokens = _event_tokens(table)
        shown = [kinds[token] for token in tokens.tolist()]
        for size, (_, grams) in enumerate(_grams(line, tokens + 1, _EVENT_NGRAMS, _EVENTS), 1):
            names |= {gram: f"[{' '.join(shown[i : i + size])}]" for i, gram in enumerate(grams.tolist())}
        for order, place_name in ((_FIRST, "first"), (_LAST, "last"), (_TURNED, "after but")):
            hashes = _hashed(np.arange(len(kinds)) + 1, order).tolist()
            names |= {gram: f"[{place_name}: {kind}]" for gram, kind in zip(hashes, kinds, strict=True)}
        return names | {i + (_CUE << _GRAM_BITS): f"[{cue}]" for i, cue in enumerate(_CUES)}

    # --- storage ------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        np.savez_compressed(folder / "cues.npz", grams=self._grams, idf=self._idf, coef=self._coef, bias=self._bias)

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> StanceCues:
        model = cls(task, labels, **options)
        path, k = folder / "cues.npz", len(labels)
        arrays = load_arrays(path)
        n = arrays["grams"].size if "grams" in arrays else 0
        check_shapes(path, arrays, {"grams": (n,), "idf": (n,), "coef": (n, k), "bias": (k,)})
        if (np.diff(arrays["grams"]) <= 0).any():
            raise UserError(f"{path}: broken (grams are not in order); copy the model again, or train again")
        model._grams, model._idf = arrays["grams"], arrays["idf"]
        model._coef, model._bias = arrays["coef"], arrays["bias"]
        return model


def _hashed(key: np.ndarray, order: int) -> np.ndarray:
    """Hashes of n-grams; the order stands in the upper bits, so lengths never collide."""
    mixed = (key.astype(np.uint64) + np.uint64(1)) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(64 - _GRAM_BITS)).astype(np.int64) + (order << _GRAM_BITS)


def _grams(line: np.ndarray, ids: np.ndarray, longest: int, order: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Line and hash of the n-grams of each size from 1 on, within lines."""
    out = [(line, _hashed(ids, order))]
    key = ids.astype(np.uint64)
    for size in range(2, longest + 1):
        key = key[:-1] * np.uint64(0x9E3779B97F4A7C15) + ids[size - 1 :].astype(np.uint64)
        whole = line[: len(key)] == line[size - 1 :]
        out.append((line[: len(key)][whole], _hashed(key[whole], order + size - 1)))
    return out


def _event_tokens(table: CharTable) -> tuple[np.ndarray, np.ndarray]:
    """Line and class of the events and mentions of actors (class: behind the events), in reading order."""
    place, kind = event_phrases(table)
    actors = np.flatnonzero(actor_mentions(table)[1])
    place, kind = np.concatenate([place, actors]), np.concatenate([kind, np.full(len(actors), len(event_classes()))])
    order = np.argsort(place, kind="stable")
    return table.word_line[place[order]], kind[order]


def _event_grams(table: CharTable) -> list[tuple[np.ndarray, np.ndarray]]:
    line, token = _event_tokens(table)
    parts = _grams(line, token + 1, _EVENT_NGRAMS, _EVENTS)
    alone = token < len(event_classes())  # how many actors there are is a cue
    parts[0] = parts[0][0][alone], parts[0][1][alone]
    line, token = line[alone], token[alone]
    if len(line):
        change = line[1:] != line[:-1]
        first, last = np.insert(change, 0, True), np.append(change, True)
        turns = np.flatnonzero(token == event_classes().index("but"))
        turn = np.full(len(table.length), len(token))
        turn[line[turns]] = turns  # the last one of a line stays
        turned = np.arange(len(token)) > turn[line]
        for order, some in ((_FIRST, first), (_LAST, last), (_TURNED, turned)):
            parts.append((line[some], _hashed(token[some] + 1, order)))
    return parts
