"""The rule without training: the floor of every table of the type task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.labels import TYPES
from clfnews.lexicons import fold, lexicon
from clfnews.models.base import Probabilities
from clfnews.page import Line, Page

LONG_SENTENCE = 60
"""Characters from which a line that ends like a sentence counts as running text."""
TERMINAL = (".", "!", "?", "…", '."', ".”", "?”", "!”", '?"', '!"', ".»", "”", '"', "./.", ":", ";")

_REMEMBERED = 120
"""Characters of a line whose type is kept: menus and footers stand on many pages, and longer lines would fill the memory."""
_DATE = re.compile(r"\d{1,2}[:h]\d{2}|\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d{2}")


class Rules:
    """Maximum-sum segment of sentence-like lines, cut at the first link-list heading.

    A line is worth +3 if it is at least `LONG_SENTENCE` characters long and ends
    like a sentence, and -1 otherwise; the article is the run of lines with the
    largest sum (Kadane), after everything from the first heading of a list of
    links, tags or comments below the first sentences was cut off. The rule needs
    no training and is the floor that a trained model has to beat.
    """

    kind = "rules"

    def __init__(self, task: str = "type", labels: tuple[str, ...] = TYPES) -> None:
        self.task, self.labels = task, labels

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Rules:
        """Nothing to learn."""
        return self

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        """0.9 for the rule's type of each line, the rest spread evenly."""
        return [self._page(page.lines) for page in pages]

    def _page(self, lines: tuple[Line, ...]) -> np.ndarray:
        types = rule_types(lines)
        p = np.full((len(lines), len(self.labels)), 0.1 / (len(self.labels) - 1))
        for i, name in enumerate(types):
            p[i, self.labels.index(name)] = 0.9
        return p

    def save(self, folder: Path) -> None:
        """Nothing to store."""

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **_: Any) -> Rules:
        """The same rule."""
        return cls(task, labels)


def rule_types(lines: Sequence[Line]) -> list[str]:
    """The type that the rule gives to each line."""
    folded = [fold(line.text) for line in lines]
    words = lexicon()
    headings = words["link_headings"] | words["tag_headings"] | words["end_marks"]
    long = [len(line.text) >= LONG_SENTENCE and line.text.endswith(TERMINAL) for line in lines]
    first, end = _segment(folded, long, headings)
    title = _title_above(lines, folded, first)
    types = []
    for i, line in enumerate(lines):
        if i == title:
            types.append("title")
        elif first <= i < end and (long[i] or len(line.text) >= 2 * LONG_SENTENCE):
            types.append("body")
        else:
            types.append(_noise_type(line.text))
    return types


def _segment(folded: list[str], long: list[bool], headings: frozenset[str]) -> tuple[int, int]:
    """First line and end (exclusive) of the article; `(n, n)` if there is none."""
    n = len(folded)
    best, best_range, total, start, seen = 0.0, (n, n), 0.0, 0, 0
    for i in range(n):
        seen += long[i]
        # Two sentences first: menus above a story have headings of the same words.
        if seen >= 2 and folded[i] in headings:
            total, start, seen = 0.0, i + 1, 0
            if best > 0:
                break
            continue
        total += 3.0 if long[i] else -1.0
        if total <= 0:
            total, start = 0.0, i + 1
        elif total > best:
            best, best_range = total, (start, i + 1)
    return best_range


def _title_above(lines: Sequence[Line], folded: list[str], first: int) -> int | None:
    """The headline: the nearest line of 25 to 200 characters above the story."""
    for i in range(min(first, len(lines)) - 1, max(first - 6, -1), -1):
        text = lines[i].text
        if 25 <= len(text) <= 200 and not _DATE.search(text) and not text.endswith("."):
            return i
    return None


def _noise_type(text: str) -> str:
    """The type of a line outside the story."""
    return _noise_type_once(text) if len(text) <= _REMEMBERED else _noise_type_of(text)


def _noise_type_of(text: str) -> str:
    key, words = fold(text), lexicon()
    if not any(c.isalnum() for c in text) or key in words["ui_words"] or key in words["end_marks"]:
        return "ui"
    if key in words["link_headings"] or key in words["tag_headings"]:
        return "navigation"
    lower = text.lower()
    if any(word in lower for word in words["legal_words"]):
        return "ui"
    if len(text) < 200 and any(f"{word}:" in lower for word in words["photo_words"]):
        return "caption"
    return "teaser" if len(text) >= 30 else "navigation"


_noise_type_once = lru_cache(maxsize=20_000)(_noise_type_of)
