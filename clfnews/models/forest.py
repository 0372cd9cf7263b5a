"""Boosted trees that tell two sides apart, and the cut of a page with the largest expected F1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from clfnews.models.base import load_skops

_TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
"""A saved forest holds this type beside those that `load_skops` trusts; it is data, no code."""


class Forest:
    """p(side) of rows of features by boosted trees on histograms (Friedman 2001, Ke et al. 2017); NaN is a value.

    Parameters: `trees`, `leaves` of each, `rate`, `min_leaf` rows in a leaf, `l2` regularisation.
    """

    def __init__(self, trees: int, leaves: int, rate: float, min_leaf: int, l2: float, seed: int) -> None:
        self.options = {"max_iter": trees, "max_leaf_nodes": leaves, "learning_rate": rate,
                        "min_samples_leaf": min_leaf, "l2_regularization": l2}  # fmt: skip
        self.seed = seed
        self.edges = np.zeros((0, BINS - 1), dtype=np.float32)
        self._model: Any = None

    def fit(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Forest:
        """Learn from rows x features (float32), one side (bool) and one weight a row."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        self.edges = edges_of(x)
        model = HistGradientBoostingClassifier(
            **self.options, max_bins=BINS, max_features=0.3, early_stopping=False, random_state=self.seed
        )
        self._model = model.fit(binned(x, self.edges), y, sample_weight=weight)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The probability of the side for each row."""
        p = self._model.predict_proba(binned(x, self.edges))
        classes = list(self._model.classes_)
        return np.asarray(p[:, classes.index(True)]) if True in classes else np.zeros(len(x))

    def save(self, file: Path) -> None:
        import skops.io

        skops.io.dump(self._model, file)

    def load(self, file: Path, edges: np.ndarray) -> None:
        """The forest that `save` wrote, with its `edges`."""
        self._model, self.edges = load_skops(file, (_TREE,)), edges


BINS, _BIN_ROWS = 64, 20_000
"""Values of a feature that trees tell apart, and lines by which their borders are found."""
FEW_WORDS = 8
"""A page on which fewer words of an article are expected, and no line is likely, has none (experiments/010-wcxb)."""


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


def at_best_cut(q: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Probabilities moved in log-odds so that 0.5 is the cut with the largest expected word-F1.

    The expected F1 of the k likeliest lines is 2 * sum of p * words over them,
    divided by their words plus the expected words of the article (Lipton et
    al. 2014). The order of the lines stays. A page on which fewer than
    `FEW_WORDS` are expected and no line is likely keeps none: it has no article.
    """
    if not len(q):
        return q
    odds = log_odds(q, 1e-6)
    order = np.argsort(-odds, kind="stable")
    hits, size = np.cumsum((q * words)[order]), np.cumsum(words[order])
    if hits[-1] < FEW_WORDS and q.max() < 0.5:
        cut = odds.max() + 0.5
    else:
        low = odds[order[int(np.argmax(hits / (size + hits[-1] + 1e-9)))]]
        below = odds[odds < low]
        cut = (low + below.max()) / 2 if len(below) else low - 0.5
    return np.asarray(1 / (1 + np.exp(cut - odds)))
