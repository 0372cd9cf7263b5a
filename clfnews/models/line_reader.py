"""Networks and boosted trees over the same features, averaged: rows of features in, probabilities of types out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clfnews.models.encoding import encode, encoder
from clfnews.models.forest import Forest, log_odds
from clfnews.models.nets import Nets

_ROWS = 1024
"""Rows that are read in one go: what they become stays in the processor's cache."""
_ENCODER = ("numeric", "coded", "sizes", "mean", "scale")


class LineReader:
    """p(type) of lines from their features.

    The networks tell all types apart, the trees only the article types from the
    others; they are averaged in log-odds of p(article), and within each side
    the networks decide.

    Parameters: `is_article`, a mask over the types; `weight` of the trees in the
    average (0: networks alone).
    """

    def __init__(self, is_article: np.ndarray, nets: Nets, forest: Forest, weight: float) -> None:
        self._is_article, self._nets, self._forest, self._weight = is_article, nets, forest, weight
        self._encoder: dict[str, np.ndarray] = {}

    @property
    def n_types(self) -> int:
        return len(self._is_article)

    def fit(self, x: np.ndarray, names: Sequence[str], possible: np.ndarray, weight: np.ndarray) -> LineReader:
        """Learn from rows x features (float32; NaN is a value), rows x types that are possible (bool), a weight a row."""
        self._encoder = encoder(x, names)
        if self._weight < 1:
            self._nets.fit(encode(x, self._encoder), possible, (weight / weight.mean()).astype(np.float32))
        if self._weight > 0:
            self._forest.fit(x, (possible & self._is_article).any(axis=1), weight)
        return self

    def read(self, x: np.ndarray, *more: np.ndarray) -> np.ndarray:
        """Rows x types (float64). A row's result does not depend on the rows beside it.

        Parameters: `more`, further features, which are joined to the first a few rows at a time: joined as a whole they
        would take as much memory again.
        """
        parts = [self._read(_joined(x, more, slice(first, first + _ROWS))) for first in range(0, len(x), _ROWS)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self._is_article)))

    def _read(self, x: np.ndarray) -> np.ndarray:
        p = self._nets.predict(encode(x, self._encoder))
        if self._weight == 0:
            return p
        odds = log_odds(p[:, self._is_article].sum(axis=1)), log_odds(self._forest.predict(x))
        mixed = (1 - self._weight) * odds[0] + self._weight * odds[1]
        return self._with_article(p, 1 / (1 + np.exp(-mixed)))

    def _with_article(self, p: np.ndarray, q: np.ndarray) -> np.ndarray:
        """Rows whose article types sum to q, each side's shares as they were."""
        q = np.clip(q, 1e-6, 1 - 1e-6)
        side = p[:, self._is_article].sum(axis=1)
        out = p.copy()
        out[:, self._is_article] *= (q / np.maximum(side, 1e-9))[:, None]
        out[:, ~self._is_article] *= ((1 - q) / np.maximum(1 - side, 1e-9))[:, None]
        return out

    # --- storage --------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be stored."""
        nets = {f"net_{key}": array for key, array in self._nets.arrays().items()}
        return self._encoder | nets | (self._forest.arrays() if self._weight > 0 else {})

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """The reader whose `arrays` were stored; raises `ValueError` if they cannot be one."""
        self._encoder = {name: arrays[name] for name in _ENCODER}
        self._nets.restore({name.removeprefix("net_"): array for name, array in arrays.items() if name.startswith("net_")})
        if self._weight > 0:
            self._forest.restore(arrays)

    def shapes(self, stored: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
        """The shape that each stored array has to have, from the options and from those that say how many columns there are."""
        n = {name: stored[name].size if name in stored else 0 for name in ("numeric", "coded")}
        k, hidden = len(self._is_article), self._nets.hidden
        inputs = n["numeric"] + int(stored["sizes"].sum() if "sizes" in stored else 0)
        of_nets = {"w1": (inputs, hidden), "b1": (hidden,), "w2": (hidden, k), "b2": (k,)}
        return {
            "numeric": (n["numeric"],), "mean": (n["numeric"],), "scale": (n["numeric"],),
            "coded": (n["coded"],), "sizes": (n["coded"],),
            **(self._forest.shapes(stored) if self._weight > 0 else {}),
            **{f"net_{name}_{i}": shape for name, shape in of_nets.items() for i in range(self._nets.n)},
        }  # fmt: skip


def _joined(x: np.ndarray, more: Sequence[np.ndarray], rows: slice) -> np.ndarray:
    return np.concatenate([x[rows], *(features[rows] for features in more)], axis=1) if more else x[rows]
