"""Points of the curves that figures and the HTML report draw."""

from __future__ import annotations

import numpy as np

from clfnews.evaluation.metrics import add_bins


def precision_recall(p: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision at every cut of p, the highest cut first; no points if nothing is gold."""
    from sklearn.metrics import precision_recall_curve

    if not gold.any():
        return np.zeros(0), np.zeros(0)
    precision, recall, _ = precision_recall_curve(gold, p)
    # The last point of scikit-learn, recall 0 with precision 1, is no cut.
    return recall[-2::-1], precision[-2::-1]


def calibration(p: np.ndarray, right: np.ndarray, bins: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Mean p and share that was right, of the bins of equal width that are not empty.

    With the bins of the calibration error in the tables: `sklearn.calibration.calibration_curve` puts a p on the edge of two
    bins, such as the 0.5 of the rules, into the lower one.
    """
    counts = np.zeros((bins, 3))
    add_bins(counts, p, right, bins)
    n, total, hits = counts[counts[:, 0] > 0].T
    return total / n, hits / n


def risk_coverage(sure: np.ndarray, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and share of wrong lines among those covered, the surest first."""
    order = np.argsort(-sure, kind="stable")
    n = np.arange(1, len(sure) + 1)
    return n / max(len(sure), 1), wrong[order].cumsum() / n


def operating_point(p: np.ndarray, gold: np.ndarray, threshold: float) -> tuple[float, float]:
    """Recall and precision of the lines whose p reaches the threshold."""
    kept = p >= threshold
    hits = float((kept & gold).sum())
    return hits / max(float(gold.sum()), 1), hits / max(float(kept.sum()), 1)
