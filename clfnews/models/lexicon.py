"""The keyword rule without training: the floor of every table of the stance task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.labels import STANCES
from clfnews.lexicons import lexicon
from clfnews.models.base import Probabilities, split_back
from clfnews.page import Page


class Lexicon:
    """Counts of cooperation and conflict keywords, with negation and contrast.

    A keyword right after a negation counts for the other side; keywords after
    the last contrast word ("tuy nhiên", "nhưng", "song") count double. The two
    counts c and h give p = softmax(c, h, 1) over the three stances.
    """

    kind = "lexicon"

    def __init__(self, task: str = "stance", labels: tuple[str, ...] = STANCES) -> None:
        self.task, self.labels = task, labels

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Lexicon:
        """Nothing to learn."""
        return self

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        return split_back(self.predict_texts([line.text for page in pages for line in page.lines]), pages)

    def predict_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Texts x labels, rows summing to 1."""
        score = np.ones((len(texts), len(self.labels)))
        for i, text in enumerate(texts):
            score[i, self.labels.index("conciliatory")], score[i, self.labels.index("hostile")] = keyword_counts(text)
        e = np.exp(score - score.max(axis=1, keepdims=True))
        p: np.ndarray = e / e.sum(axis=1, keepdims=True)
        return p

    def explain(self, text: str, most: int = 6) -> list[tuple[str, float]]:
        """The keywords for the winning side, with their weight; against it negative. Strongest first."""
        found = [(word, weight if hostile else -weight) for word, hostile, weight in _keywords(text)]
        sign = 1 if sum(part for _, part in found) >= 0 else -1
        return sorted(((word, sign * part) for word, part in found), key=lambda item: -abs(item[1]))[:most]

    def save(self, folder: Path) -> None:
        """Nothing to store."""

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **_: Any) -> Lexicon:
        return cls(task, labels)


def keyword_counts(text: str) -> tuple[float, float]:
    """Weighted counts of cooperation and of conflict keywords in a line."""
    sides = [0.0, 0.0]
    for _, hostile, weight in _keywords(text):
        sides[hostile] += weight
    return sides[0], sides[1]


def _keywords(text: str) -> list[tuple[str, bool, float]]:
    """Every keyword of a line with its negation, whether it counts as hostile, and its weight."""
    lower = text.lower()
    keyword, turn = _patterns()
    turns = [m.end() for m in turn.finditer(lower)]
    after = turns[-1] if turns else len(lower)
    found = []
    for m in keyword.finditer(lower):
        side = m.lastgroup == "hostile"
        if m["negated"]:
            side = not side
        found.append((m[0], side, 2.0 if m.start() >= after else 1.0))
    return found


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    lists = lexicon()

    def any_of(name: str) -> str:
        # Longest first: "tối hậu thư" before "tố".
        return "|".join(re.escape(word) for word in sorted(lists[name], key=len, reverse=True))

    keyword = re.compile(
        rf"\b(?P<negated>(?:{any_of('negations')}) (?:\w+ )?)?"
        rf"(?:(?P<conciliatory>{any_of('conciliatory')})|(?P<hostile>{any_of('hostile')}))\b"
    )
    return keyword, re.compile(rf"\b(?:{any_of('contrasts')})\b")
