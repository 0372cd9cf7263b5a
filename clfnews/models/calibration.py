"""Temperature scaling and the choice of the threshold, on out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.labels import SHIPPED, Task
from clfnews.models.base import Model, Probabilities, normalised
from clfnews.page import Page
from clfnews.sites.memory import SiteMemory
from clfnews.sites.weights import SiteWeights

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
    """The cut on p(article) with the largest F1, in the middle of its plateau, but never above half of that F1.

    Of calibrated probabilities half of the best F1 is the best cut (Lipton, Elkan and
    Naryanaswamy 2014), so it is never above one half. F1 hardly changes around its best
    cut; one that training lines put higher loses whole articles of pages that are less like them.

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
    return round(min(float(cuts[good[len(good) // 2]]), float(f1.max()) / 2), 4)


@dataclass(frozen=True, slots=True)
class FittedTask:
    """A fitted model, its options (to load it again) and its calibration."""

    model: Model
    options: dict[str, Any]
    temperature: float = 1.0
    spec: Task | None = None
    """The task, if it is not one of the shipped."""
    sites: SiteWeights | None = None
    """What a memory of sites is worth to a type model; None: it was trained without."""

    @property
    def task(self) -> Task:
        """What it tells."""
        return self.spec or SHIPPED[self.model.task]

    def predict(self, pages: Sequence[Page], memory: SiteMemory | None = None) -> Probabilities:
        """Calibrated probabilities, one array a page; with a memory of sites moved by what it knows of each page's.

        Raises `UserError` for a memory if the model was trained without.
        """
        found = scale(self.model.predict_proba(pages), self.temperature)
        if memory is None:
            return found
        sites, task = self.site_weights(), self.task
        return [sites.adjusted(page, p, memory, task) for page, p in zip(pages, found, strict=True)]

    def site_weights(self) -> SiteWeights:
        """What a memory of sites is worth; raises `UserError` if the model was trained without."""
        if self.sites is None:
            raise UserError(
                "--sites: the filter was trained without what a memory of sites is worth; train again, with type.sites: true "
                "and several pages a site"
            )
        return self.sites
