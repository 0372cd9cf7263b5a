"""Lines that begin alike, as the items of a list do, and where on the page they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clfnews.models.features.characters import WORD_BITS, CharTable
from clfnews.models.features.flat import FlatLines

_WORDS = 2
"""Lines begin alike if their first two words do; all digits are the same, and marks are words."""


def groups_of(table: CharTable, page: np.ndarray) -> np.ndarray:
    """N: the number of the lines of its page that begin like each line; `page` has the page of each."""
    n = len(page)
    key = np.zeros(n, dtype=np.int64)
    if not n:
        return key
    first = np.searchsorted(table.word_line, np.arange(n))
    last = max(len(table.word_line) - 1, 0)
    for i in range(_WORDS if len(table.word_line) else 0):
        at = np.minimum(first + i, last)
        has = (first + i <= last) & (table.word_line[at] == np.arange(n))
        key = (key << WORD_BITS) | np.where(has, table.word_bucket[at], 0)
    _, group = np.unique(np.stack((page, key)), axis=1, return_inverse=True)
    return np.asarray(group.ravel())


def odds_of_alike(odds: np.ndarray, table: CharTable, sizes: Sequence[int]) -> np.ndarray:
    """N: the mean log-odds of the other lines of its page that begin like each line; NaN where there is none.

    In 256ths, whose sums are exact. Items of one list are read alike: what is known of most of them holds for all.
    """
    group = groups_of(table, np.repeat(np.arange(len(sizes)), sizes))
    values = np.rint(256 * odds)
    others = np.bincount(group)[group] - 1 if len(group) else group
    total = np.bincount(group, values)[group] - values if len(group) else values
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(others > 0, total / others / 256, np.nan)


def add_openings(lines: FlatLines, table: CharTable, segment: np.ndarray) -> None:
    """How many lines of the page begin like each line, how many of them in the story's first guess, and whether one is near.

    Parameters: `segment`, mask of the lines of the first guess. Items of a list that is the article begin alike
    ("Step 1: ..."); headlines of other stories seldom do.
    """
    n = len(lines.texts)
    if not n:
        for name in ("alike", "alike_above", "alike_in_story", "alike_near"):
            lines.add(name, lines.index)
        return
    group = groups_of(table, lines.page)
    count = np.bincount(group)[group]
    order = np.argsort(group, kind="stable")
    rank = np.empty(n, dtype=np.int64)
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    rank[order] = np.arange(n) - np.repeat(starts, np.diff(np.append(starts, n)))
    lines.add("alike", np.log1p(np.minimum(count - 1, 60)))
    lines.add("alike_above", np.log1p(np.minimum(rank, 60)))
    inside = np.bincount(group, segment)[group] - segment
    lines.add("alike_in_story", inside / np.maximum(count - 1, 1))
    near = np.zeros(n)
    for reach in (-2, -1, 1, 2):
        near += lines.shift(group.astype(np.float64), reach) == group
    lines.add("alike_near", near)
