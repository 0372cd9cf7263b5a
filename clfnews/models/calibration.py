"""Temperature scaling and the choice of the threshold, on out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clfnews.labels import SHIPPED, Task
from clfnews.models.base import Model, Probabilities, normalised
from clfnews.page import Page

_FLOOR = 1e-6


def apply_temperature(p: np.ndarray, temperature: float) -> np.ndarray:
    """p ** (1/T), rows scaled to sum to 1; T > 1 makes a model less sure of itself."""
    if temperature == 1.0:
        return p
    return normalised(np.maximum(p, _FLOOR) ** (1.0 / temperature))


def fit_temperature(p: np.ndarray, gold: np.ndarray) -> float:
    """The temperature with the smallest log loss (Guo et al. 2017).

    Parameters: `p` rows x labels, `gold` label indices. Returns a value in
    [0.2, 5].
    """
    from scipy.optimize import minimize_scalar

    if not len(gold):
        return 1.0
    log_p = np.log(np.maximum(p, _FLOOR))

    def loss(log_t: float) -> float:
        z = log_p / np.exp(log_t)
        z -= z.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(gold)), gold]))

    best = minimize_scalar(loss, bounds=(np.log(0.2), np.log(5.0)), method="bounded")
    return round(float(np.exp(best.x)), 4)


def scale(probabilities: Probabilities, temperature: float) -> Probabilities:
    """`apply_temperature` to every page."""
    if temperature == 1.0 or not probabilities:
        return probabilities
    ends = np.cumsum([len(p) for p in probabilities])
    return np.split(apply_temperature(np.concatenate(probabilities), temperature), ends[:-1])


def best_threshold(p: np.ndarray, gold: np.ndarray) -> float:
    """The cut on p(article) with the largest F1, in the middle of its plateau.

    Parameters: `p` one probability a line, `gold` booleans. F1 is evaluated at
    199 cuts from 0.005 to 0.995; of all cuts within 0.0005 of the best, the
    median is taken, which moves less from sample to sample than the maximum.
    """
    cuts = np.linspace(0.005, 0.995, 199)
    bins = np.searchsorted(cuts, p, side="right")
    hits = np.bincount(bins[gold], minlength=len(cuts) + 1)[::-1].cumsum()[::-1][1:]
    kept = np.bincount(bins, minlength=len(cuts) + 1)[::-1].cumsum()[::-1][1:]
    f1 = 2 * hits / np.maximum(kept + gold.sum(), 1)
    good = np.flatnonzero(f1 >= f1.max() - 0.0005)
    return round(float(cuts[good[len(good) // 2]]), 4)


@dataclass(frozen=True, slots=True)
class FittedTask:
    """A fitted model, its options (to load it again) and its calibration."""

    model: Model
    options: dict[str, Any]
    temperature: float = 1.0
    spec: Task | None = None
    """The task, if it is not one of the shipped."""

    @property
    def task(self) -> Task:
        """What it tells."""
        return self.spec or SHIPPED[self.model.task]

    def predict(self, pages: Sequence[Page]) -> Probabilities:
        """Calibrated probabilities, one array a page."""
        return scale(self.model.predict_proba(pages), self.temperature)
