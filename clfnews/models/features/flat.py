"""Many pages as flat arrays of lines: sums and distances that stop at the borders of a page."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

FAR = 60.0
"""Distances in lines are cut off here: farther is the same."""


@dataclass
class FlatLines:
    """The flat view of pages: N lines, where pages start and end, and the columns that are known so far."""

    texts: list[str]
    start: np.ndarray
    """N: index of the first line of the line's page."""
    end: np.ndarray
    """N: index after the last line of the line's page."""
    page: np.ndarray
    """N: number of the line's page."""
    index: np.ndarray
    columns: list[np.ndarray] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    _reached: dict[int, np.ndarray] = field(default_factory=dict)

    def add(self, name: str, column: np.ndarray) -> np.ndarray:
        """Keep a column (float32) under its name."""
        self.names.append(name)
        self.columns.append(np.asarray(column, dtype=np.float32))
        return self.columns[-1]

    def reach(self, n: int) -> np.ndarray:
        """The index `n` lines on, but not beyond the page's start or end."""
        if n not in self._reached:
            self._reached[n] = np.clip(self.index + n, self.start, self.end)
        return self._reached[n]

    def before(self, values: np.ndarray) -> np.ndarray:
        """Sum over the lines of the page above each line."""
        total = cumulative(values)
        return np.asarray(total[self.index] - total[self.start])

    def page_sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over all lines of the line's page."""
        total = cumulative(values)
        return np.asarray(total[self.end] - total[self.start])

    def last_true(self, flag: np.ndarray) -> np.ndarray:
        """Index of the last true line at or above each line; before the page's start if none."""
        return np.maximum.accumulate(np.where(flag, self.index, -1)) if len(flag) else self.index

    def distance(self, flag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lines up and down to the nearest true line other than itself; `FAR` if there is none."""
        if not len(flag):
            return self.index, self.index
        last = np.concatenate(([-1], self.last_true(flag)[:-1]))
        above = np.where(last >= self.start, self.index - last, FAR)
        nxt = np.where(flag, self.index, len(flag))[::-1]
        nxt = np.concatenate((np.minimum.accumulate(nxt)[::-1][1:], [len(flag)]))
        below = np.where(nxt < self.end, nxt - self.index, FAR)
        return np.minimum(above, FAR), np.minimum(below, FAR)

    def since(self, values: np.ndarray, mark: np.ndarray) -> np.ndarray:
        """Sum over the lines after the last mark (or the page's start) and above each line."""
        if not len(values):
            return np.zeros(0)
        total = cumulative(values)
        last = np.concatenate(([-1], self.last_true(mark)[:-1]))
        return np.asarray(total[self.index] - total[np.maximum(last, self.start)])

    def shift(self, column: np.ndarray, reach: int) -> np.ndarray:
        """The column's value `reach` lines away, NaN beyond the page."""
        if not len(column):
            return column
        at = self.index + reach
        inside = (at >= self.start) & (at < self.end)
        return np.where(inside, column[np.clip(at, 0, len(column) - 1)], np.nan)


def cumulative(values: np.ndarray) -> np.ndarray:
    """Sums up to before each value, and of all: one longer than the values."""
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
