"""Sums of the leaves of many trees by bit masks (QuickScorer, Lucchese et al. 2015), with numpy alone."""

from __future__ import annotations

import numpy as np

BITS = 32
"""Leaves of a tree at most: each is a bit of a mask."""
_DE_BRUIJN = 0x077CB531
"""Times a power of two below 2**32, its five upper bits are another number for each power (Leiserson et al. 1998)."""


class LeafMasks:
    """Which leaves a row can still fall into, by the bin of each of its values.

    A node whose answer is "right" excludes the leaves on its left. When all nodes
    have been asked, in any order, the first leaf that is left is the row's. What
    all nodes of a column exclude is looked up by the bin of the value.

    Parameters: nodes of all trees in preorder, as in `Trees`; their `right`
    children; `roots`, where trees begin, with the end.
    """

    def __init__(
        self, column: np.ndarray, cut: np.ndarray, nan_left: np.ndarray, value: np.ndarray, right: np.ndarray,
        roots: np.ndarray, edges: np.ndarray,
    ) -> None:  # fmt: skip
        tree = np.repeat(np.arange(len(roots) - 1), np.diff(roots))
        number = np.concatenate(([0], np.cumsum(column < 0)))  # of leaves before a node
        first = number[roots[tree]]
        inner = np.flatnonzero(column >= 0)
        low, high = (number[at] - first[inner] for at in (inner + 1, right[inner]))
        excluded = ((np.uint64(1) << high.astype(np.uint64)) - (np.uint64(1) << low.astype(np.uint64))).astype(np.uint32)
        self._columns = np.unique(column[inner])
        self._edges, bins = edges[self._columns], edges.shape[1] + 1
        # Columns x bins (the last is NaN) x trees: leaves that can still be.
        self._left = np.full((len(self._columns), bins + 1, len(roots) - 1), 2**BITS - 1, dtype=np.uint32)
        at = np.searchsorted(self._columns, column[inner])
        some = cut[inner] < bins
        np.bitwise_and.at(self._left, (at[some], cut[inner][some], tree[inner][some]), ~excluded[some])
        np.bitwise_and.accumulate(self._left[:, :-1], axis=1, out=self._left[:, :-1])
        some = ~nan_left[inner].astype(bool)
        np.bitwise_and.at(self._left, (at[some], bins, tree[inner][some]), ~excluded[some])
        leaves = np.flatnonzero(column < 0)
        self._value = np.zeros((len(roots) - 1, BITS))
        self._value[tree[leaves], _hashed(np.uint32(1) << (number[:-1] - first)[leaves].astype(np.uint32))] = value[leaves]

    def add(self, x: np.ndarray, odds: np.ndarray) -> None:
        """Add the leaves of rows x columns to their odds, tree after tree."""
        trees = len(self._value)
        left = np.full((len(x), trees), 2**BITS - 1, dtype=np.uint32)
        of_bin = np.empty_like(left)
        for column, edges, masks in zip(self._columns.tolist(), self._edges, self._left, strict=True):
            values = x[:, column]
            bins = np.searchsorted(edges, values)
            bins[np.isnan(values)] = len(edges) + 1
            np.take(masks, bins, axis=0, out=of_bin, mode="clip")
            left &= of_bin
        leaf = _hashed(left & -left)
        for tree in range(trees):
            odds += self._value[tree][leaf[:, tree]]


def _hashed(power: np.ndarray) -> np.ndarray:
    """A place from 0 to 31 for each power of two (uint32)."""
    return (power * np.uint32(_DE_BRUIJN)) >> np.uint32(27)
