"""Lines that begin alike, as the items of a list do, and where on the page they stand."""

from __future__ import annotations

import numpy as np

from clfnews.models.features.characters import WORD_BITS, CharTable
from clfnews.models.features.flat import FlatLines

_WORDS = 2
"""Lines begin alike if their first two words do; all digits are the same, and marks are words."""


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
    key = np.zeros(n, dtype=np.int64)
    first = np.searchsorted(table.word_line, np.arange(n))
    for i in range(_WORDS):
        at = np.minimum(first + i, max(len(table.word_line) - 1, 0))
        has = (first + i < len(table.word_line)) & (table.word_line[at] == lines.index if len(table.word_line) else False)
        key = (key << WORD_BITS) | np.where(has, table.word_bucket[at] if len(table.word_line) else 0, 0)
    _, group = np.unique(np.stack((lines.page, key)), axis=1, return_inverse=True)
    group = group.ravel()
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
