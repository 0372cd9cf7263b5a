"""Small helpers of the boosted trees: bins of features, log-odds, and the best cut of a page."""

from __future__ import annotations

import numpy as np

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
