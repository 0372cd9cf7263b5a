"""Boosted trees as plain arrays: what is stored, whether it can be, and the sum of the leaves that rows fall into."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clfnews.models.leaf_masks import BITS, LeafMasks

BINS = 64
"""Values of a feature that trees tell apart."""
_FEW = 20_000
"""Rows that a process reads before it imports scikit-learn (two seconds) for its faster walk."""
_BLOCK, _MASK_BLOCK = 512, 1024
"""Rows that go through all trees together, by the walk and by masks: more leave the processor's cache, fewer cost calls."""
_ARRAYS = ("start", "column", "cut", "nan_left", "value")


class Trees:
    """The log-odds of rows: a start plus a leaf of each tree, added in the order of the trees (float64).

    All nodes stand in one row, tree after tree, each in preorder: a node, what is
    below its left child, what is below its right one. So the places of the
    leaves tell the shape, and no array can lead in a circle.

    Parameters: `start`, one number; per node its `column` (-1: a leaf), its `cut`
    (values of the first `cut` bins go left: values up to border `cut` - 1),
    `nan_left`, and its `value` (of a leaf); `edges`, columns x borders of bins, ascending.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], edges: np.ndarray) -> None:
        self._arrays = {name: arrays[name] for name in _ARRAYS}
        self._edges, self._read = edges, 0
        leaf = arrays["column"] < 0
        self._right, self._roots = _shape(leaf.tolist())
        self._masks: LeafMasks | None = None
        self._walks: list[Any] = []

    @classmethod
    def constant(cls, odds: float, edges: np.ndarray) -> Trees:
        """No tree at all: the same log-odds for every row."""
        return cls({"start": np.array([odds]), **dict.fromkeys(_ARRAYS[1:], np.zeros(0, dtype=np.int16))}, edges)

    @classmethod
    def grown(cls, model: Any, edges: np.ndarray) -> Trees:
        """The trees of a fitted `HistGradientBoostingClassifier` that learnt from numbers of bins."""
        classes = list(model.classes_)
        if len(classes) < 2:
            return cls.constant(np.inf if classes == [True] else -np.inf, edges)
        nodes = np.concatenate([_preorder(predictor.nodes) for (predictor,) in model._predictors])
        leaf = nodes["is_leaf"].astype(bool)
        # A value of bin t or below goes left if t is at most the threshold.
        cut = np.clip(np.floor(nodes["num_threshold"]) + 1, 1, BINS)
        return cls(
            {
                "start": np.array([float(model._baseline_prediction.ravel()[0])]),
                "column": np.where(leaf, -1, nodes["feature_idx"]).astype(np.int16),
                "cut": np.where(leaf, 0, cut).astype(np.uint8),
                "nan_left": ~leaf & nodes["missing_go_to_left"].astype(bool),
                "value": np.where(leaf, nodes["value"], 0.0),
            },
            edges,
        )

    def odds(self, x: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The log-odds of rows x features (float32; NaN is a value), of which the trees know these columns.

        Two ways with the same bits: masks in numpy, and the walk of scikit-learn,
        which is faster and is taken once it is imported, or has paid for its import.
        """
        self._read += len(x)
        walk = self._read > _FEW or _WALK in sys.modules
        odds = np.full(len(x), float(self._arrays["start"][0]))
        add, block = (self.add_by_walk, _BLOCK) if walk else (self.add_by_masks, _MASK_BLOCK)
        for first in range(0, len(x), block):
            rows = slice(first, first + block)
            add(x[rows, columns], odds[rows])
        return odds

    def add_by_masks(self, x: np.ndarray, odds: np.ndarray) -> None:
        """Add the leaves of a block of rows x columns to their odds, with numpy alone."""
        if self._masks is None:
            a = self._arrays
            self._masks = LeafMasks(a["column"], a["cut"], a["nan_left"], a["value"], self._right, self._roots, self._edges)
        self._masks.add(x, odds)

    def add_by_walk(self, x: np.ndarray, odds: np.ndarray) -> None:
        """The same with scikit-learn."""
        if not self._walks:
            self._walks = self._walked()
        x = x.astype(np.float64, order="C")
        nothing = np.zeros((0, 8), dtype=np.uint32), np.zeros(0, dtype=np.uint32)
        for tree in self._walks:
            odds += tree.predict(x, *nothing, 1)

    def _walked(self) -> list[Any]:
        """The trees as scikit-learn has them, with borders in the place of numbers of bins."""
        from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        a, n = self._arrays, len(self._right)
        nodes = np.zeros(n, dtype=PREDICTOR_RECORD_DTYPE)
        inner = a["column"] >= 0
        column, cut = a["column"][inner].astype(np.int64), a["cut"][inner].astype(np.int64)
        border = self._edges[column, np.minimum(cut, BINS - 1) - 1]
        nodes["num_threshold"][inner] = np.where(cut < BINS, border, np.inf)
        nodes["is_leaf"], nodes["value"], nodes["missing_go_to_left"] = ~inner, a["value"], a["nan_left"]
        nodes["feature_idx"][inner] = column
        root = np.repeat(self._roots[:-1], np.diff(self._roots))
        nodes["left"][inner], nodes["right"][inner] = (np.arange(1, n + 1) - root)[inner], (self._right - root)[inner]
        nothing = np.zeros((0, 8), dtype=np.uint32)
        return [TreePredictor(nodes[i:j].copy(), nothing, nothing) for i, j in zip(self._roots, self._roots[1:], strict=False)]

    # --- storage --------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be stored beside the edges."""
        return {f"tree_{name}": array for name, array in self._arrays.items()}

    @classmethod
    def restored(cls, arrays: Mapping[str, np.ndarray], edges: np.ndarray) -> Trees:
        """The trees whose `arrays` were stored; raises `ValueError` if they cannot be trees over these columns."""
        a = {name: arrays[f"tree_{name}"] for name in _ARRAYS}
        if (edges[:, 1:] < edges[:, :-1]).any():
            raise ValueError("borders of bins do not ascend")
        whole = all(a[name].dtype.kind in "biu" for name in ("column", "cut", "nan_left"))
        if not whole or (a["column"] < -1).any() or (a["column"] >= len(edges)).any():
            raise ValueError("a tree asks for a column that is not there")
        if ((a["cut"] < 1) | (a["cut"] > BINS))[a["column"] >= 0].any():
            raise ValueError("a tree cuts where no bin ends")
        return cls(a, edges)


_WALK = "sklearn.ensemble._hist_gradient_boosting.predictor"


def shapes_of(nodes: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the stored arrays of so many nodes."""
    return {f"tree_{name}": (1,) if name == "start" else (nodes,) for name in _ARRAYS}


def _shape(leaf: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Per node its right child (of a leaf: the node behind it), and where trees begin, with the end.

    Raises `ValueError` if the nodes are no whole trees of at most `BITS` leaves.
    """
    n = len(leaf)
    end = [0] * (n + 1)  # of what is below a node; from the last node on, since children come behind
    right = [0] * n
    for i in range(n - 1, -1, -1):
        right[i] = i + 1 if leaf[i] else end[i + 1] if i + 1 < n else n
        if right[i] >= n and not leaf[i]:
            raise ValueError("a tree is not whole")
        end[i] = right[i] if leaf[i] else end[right[i]]
    roots = [0]
    while roots[-1] < n:
        roots.append(end[roots[-1]])
        if roots[-1] - roots[-2] >= 2 * BITS:
            raise ValueError(f"a tree has more than {BITS} leaves")
    return np.array(right, dtype=np.int64), np.array(roots, dtype=np.int64)


def _preorder(nodes: np.ndarray) -> np.ndarray:
    """The nodes of a tree, each before what is below it, left before right."""
    order, todo = [], [0]
    while todo:
        order.append(todo.pop())
        if not nodes["is_leaf"][order[-1]]:
            todo += [int(nodes["right"][order[-1]]), int(nodes["left"][order[-1]])]
    return nodes[order]
