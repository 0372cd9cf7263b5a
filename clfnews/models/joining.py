"""Two models of the same lines joined: a regression over vectors, its weight beside the other, and where it need not be asked."""

from __future__ import annotations

import numpy as np

from clfnews.models.base import normalised

_WEIGHTS = np.linspace(0.0, 1.0, 21)
_CUTS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)
_LOST = 0.002
"""Macro-F1 out of fold that a smaller share of asked lines may cost."""


def fit_regression(x: np.ndarray, y: np.ndarray, k: int, C: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (dimensions x labels) and bias of a logistic regression over standardised vectors, for vectors as they are.

    Parameters: `x` vectors, `y` columns of their labels, at least two of the `k`; `C`, the inverse of the
    regularisation strength.
    """
    from sklearn.linear_model import LogisticRegression

    x = x.astype(np.float64)  # the vectors lie in a narrow cone: what differs between them is small
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    model = LogisticRegression(C=C, max_iter=500, tol=1e-4, random_state=seed).fit((x - mean) / scale, y)
    coef, intercept = model.coef_, model.intercept_
    if len(coef) == 1:  # two labels only: one row of coefficients
        coef, intercept = np.vstack([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
    weight, bias = np.zeros((x.shape[1], k)), np.full(k, -30.0)  # -30: a label that training lacked
    weight[:, model.classes_] = (coef / scale).T
    bias[model.classes_] = intercept - (coef / scale) @ mean
    return weight, bias


def softmax(z: np.ndarray) -> np.ndarray:
    """Rows of scores as probabilities."""
    z = z - z.max(axis=1, keepdims=True)
    return normalised(np.exp(z))


def joint(fast: np.ndarray, head: np.ndarray, weight: float) -> np.ndarray:
    """Weighted geometric mean of two rows of probabilities, scaled to sum to 1."""
    return normalised(np.maximum(fast, 1e-9) ** (1 - weight) * np.maximum(head, 1e-9) ** weight)


def best_weight(fast: np.ndarray, head: np.ndarray, gold: np.ndarray) -> float:
    """The weight of the head with the smallest log loss."""
    rows = np.arange(len(gold))
    losses = [-float(np.log(joint(fast, head, weight)[rows, gold]).mean()) for weight in _WEIGHTS.tolist()]
    return float(_WEIGHTS[int(np.argmin(losses))])


def best_cut(fast: np.ndarray, joint: np.ndarray, gold: np.ndarray) -> float:
    """The smallest cut on the fast model's confidence that costs at most `_LOST` of macro-F1 against asking always."""

    def score(cut: float) -> float:
        found = np.where(fast.max(axis=1) < cut, joint.argmax(axis=1), fast.argmax(axis=1))
        return _macro_f1(gold, found, fast.shape[1])

    least = score(1.0) - _LOST
    return next(cut for cut in _CUTS if score(cut) >= least)


def _macro_f1(gold: np.ndarray, found: np.ndarray, k: int) -> float:
    f1 = []
    for label in range(k):
        either = (gold == label).sum() + (found == label).sum()
        if either:
            f1.append(2 * ((gold == label) & (found == label)).sum() / either)
    return float(np.mean(f1)) if f1 else 0.0
