"""Boosted trees that tell two sides apart, and the cut of a page with the largest expected F1."""

from __future__ import annotations

from typing import Any

import numpy as np

from clfnews.models.trees import BINS, Trees, shapes_of

_LEAVES, _RATE, _MIN_LEAF, _L2 = 31, 0.15, 40, 5.0
_COLUMNS, _TRIAL_ROWS, _TRIAL_TREES = 140, 20_000, 12


class Forest:
    """p(side) of rows of features by boosted trees on histograms (Friedman 2001, Ke et al. 2017); NaN is a value.

    Of all columns those with the most gain in a short trial are kept: half of
    the time goes into columns that tell nothing.
    """

    def __init__(self, trees: int, seed: int) -> None:
        self.trees, self.seed = trees, seed
        self.columns = np.zeros(0, dtype=np.int64)
        self.edges = np.zeros((0, BINS - 1), dtype=np.float32)
        self._trees = Trees.constant(0.0, self.edges)

    def fit(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Forest:
        """Learn from rows x features (float32), one side (bool) and one weight a row."""
        self.columns = self._chosen(x, y, weight)
        x = x[:, self.columns]
        self.edges = edges_of(x)
        model = self._boosting(self.trees).fit(binned(x, self.edges), y, sample_weight=weight)
        self._trees = Trees.grown(model, self.edges)
        return self

    def _chosen(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        rows = np.random.default_rng(self.seed).permutation(len(x))[:_TRIAL_ROWS]
        some = x[rows]
        tried = varied(some)
        if len(tried) <= _COLUMNS:
            return tried
        some = some[:, tried]
        trial = self._boosting(_TRIAL_TREES).fit(binned(some, edges_of(some)), y[rows], sample_weight=weight[rows])
        gain = np.zeros(len(tried))
        for (tree,) in trial._predictors:
            nodes = tree.nodes[~tree.nodes["is_leaf"].astype(bool)]
            np.add.at(gain, nodes["feature_idx"], nodes["gain"])
        return np.sort(tried[np.argsort(-gain, kind="stable")[:_COLUMNS]])

    def _boosting(self, trees: int) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            max_iter=trees, max_leaf_nodes=_LEAVES, learning_rate=_RATE, min_samples_leaf=_MIN_LEAF, l2_regularization=_L2,
            max_bins=BINS, max_features=0.3, early_stopping=False, random_state=self.seed,
        )  # fmt: skip

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The probability of the side for each row; a row's result does not depend on the rows beside it."""
        return np.asarray(1 / (1 + np.exp(-self._trees.odds(x, self.columns))))

    # --- storage --------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be stored."""
        return {"columns": self.columns, "edges": self.edges, **self._trees.arrays()}

    @staticmethod
    def shapes(stored: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
        """The shape that each stored array has to have, from those that say how many columns and nodes there are."""
        columns, nodes = (stored[name].size if name in stored else 0 for name in ("columns", "tree_column"))
        return {"columns": (columns,), "edges": (columns, BINS - 1), **shapes_of(nodes)}

    def restore(self, arrays: dict[str, np.ndarray]) -> Forest:
        """The forest whose `arrays` were stored; raises `ValueError` if they cannot be one."""
        self.columns, self.edges = arrays["columns"], arrays["edges"]
        self._trees = Trees.restored(arrays, self.edges)
        return self


_BIN_ROWS = 20_000
"""Lines by which the borders of bins are found."""


def varied(x: np.ndarray) -> np.ndarray:
    """Columns with two values at least; the others, such as cues of plain text, tell nothing."""
    low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
    return np.flatnonzero(high > low)


def edges_of(x: np.ndarray) -> np.ndarray:
    """Columns x borders between the bins of each column, its quantiles among the known values.

    scikit-learn's own binning sorts every column again for every bin when lines have weights.
    """
    step = max(1, len(x) // _BIN_ROWS)
    edges = np.full((x.shape[1], BINS - 1), np.inf, dtype=np.float32)
    for j, column in enumerate(x[::step].T):
        known = column[~np.isnan(column)]
        if len(known):
            values = np.unique(np.quantile(known, np.linspace(0, 1, BINS), method="nearest"))
            edges[j, : len(values) - 1] = (values[:-1] + values[1:]) / 2
    return edges


def binned(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Numbers of the bins (float32); NaN stays."""
    out = np.empty(x.shape, dtype=np.float32, order="F")
    for j in range(x.shape[1]):
        out[:, j] = np.searchsorted(edges[j], x[:, j])
    out[np.isnan(x)] = np.nan
    return out


def log_odds(p: np.ndarray, least: float = 1e-3) -> np.ndarray:
    """log(p / (1 - p)), p kept `least` away from 0 and 1."""
    p = np.clip(p, least, 1 - least)
    return np.asarray(np.log(p / (1 - p)))
