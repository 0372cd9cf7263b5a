"""Boosted trees that tell two sides apart, and the cut of a page with the largest expected F1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from clfnews.models.base import load_skops

_TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
"""A saved forest holds this type beside those that `load_skops` trusts; it is data, no code."""


_LEAVES, _RATE, _MIN_LEAF, _L2 = 31, 0.15, 40, 5.0
_COLUMNS, _TRIAL_ROWS, _TRIAL_TREES = 140, 20_000, 12
_BLOCK = 512
"""Rows that go through all trees together: they stay in the processor's cache."""


class Forest:
    """p(side) of rows of features by boosted trees on histograms (Friedman 2001, Ke et al. 2017); NaN is a value.

    Of all columns those with the most gain in a short trial are kept: half of
    the time goes into columns that tell nothing.
    """

    def __init__(self, trees: int, seed: int) -> None:
        self.trees, self.seed = trees, seed
        self.columns = np.zeros(0, dtype=np.int64)
        self.edges = np.zeros((0, BINS - 1), dtype=np.float32)
        self._model: Any = None
        self._nodes: list[Any] = []

    def fit(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Forest:
        """Learn from rows x features (float32), one side (bool) and one weight a row."""
        self.columns = self._chosen(x, y, weight)
        x = x[:, self.columns]
        self.edges = edges_of(x)
        self._nodes = []
        self._model = self._boosting(self.trees).fit(binned(x, self.edges), y, sample_weight=weight)
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
        """The probability of the side for each row."""
        classes = list(self._model.classes_)
        if len(classes) < 2:
            return np.full(len(x), float(classes == [True]))
        if not self._nodes:
            self._nodes = self._unbinned()
        odds = np.full(len(x), float(self._model._baseline_prediction.ravel()[0]))
        nothing = np.zeros((0, 8), dtype=np.uint32), np.zeros(0, dtype=np.uint32)
        for first in range(0, len(x), _BLOCK):
            rows = x[first : first + _BLOCK, self.columns].astype(np.float64, order="C")
            of_rows = odds[first : first + _BLOCK]
            for tree in self._nodes:
                of_rows += tree.predict(rows, *nothing, 1)
        return np.asarray(1 / (1 + np.exp(-odds)))

    def _unbinned(self) -> list[Any]:
        """The trees with borders of features in the place of numbers of bins: the same decisions without `binned`.

        A value's bin is the number of borders below it, so it is at most t if
        the value is at most border t.
        """
        trees = []
        for (predictor,) in self._model._predictors:
            nodes = predictor.nodes.copy()
            inner = ~nodes["is_leaf"].astype(bool)
            column, bins = nodes["feature_idx"][inner], np.floor(nodes["num_threshold"][inner])
            border = self.edges[column, np.clip(bins, 0, BINS - 2).astype(np.int64)]
            nodes["num_threshold"][inner] = np.where(bins < 0, -np.inf, np.where(bins > BINS - 2, np.inf, border))
            trees.append(type(predictor)(nodes, predictor.binned_left_cat_bitsets, predictor.raw_left_cat_bitsets))
        return trees

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be stored beside `save`."""
        return {"columns": self.columns, "edges": self.edges}

    def save(self, file: Path) -> None:
        import skops.io

        skops.io.dump(self._model, file)

    def load(self, file: Path, arrays: dict[str, np.ndarray]) -> None:
        """The forest that `save` wrote, with its `arrays`."""
        self._nodes = []
        self._model = load_skops(file, (_TREE,))
        self.columns, self.edges = arrays["columns"], arrays["edges"]


BINS, _BIN_ROWS = 64, 20_000
"""Values of a feature that trees tell apart, and lines by which their borders are found."""


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
