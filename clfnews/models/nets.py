"""Small neural networks over rows of features, averaged; they learn from whole and from partial labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from clfnews.models.exact import ExactLayer

CLIP = 4.0
"""Features are given in standard deviations, cut off here."""
_BATCH = 512
_RATE = 2e-3
_DECAY_1, _DECAY_2 = 0.9, 0.999


class Nets:
    """The mean of `n` networks with one hidden layer (ReLU) and a softmax.

    Parameters: `hidden` units, `epochs` over the rows, `alpha` the weight decay.
    Trained by Adam (Kingma and Ba 2015). A row's target is a mask over the
    labels: where several are possible, the loss is the negative logarithm of
    the sum of their probabilities, so a row that is known to be noise, but not
    which, teaches just that.
    """

    def __init__(self, n: int, hidden: int, epochs: int, alpha: float, seed: int) -> None:
        self.n, self.hidden, self.epochs, self.alpha, self.seed = n, hidden, epochs, alpha, seed
        self.layers: list[tuple[np.ndarray, ...]] = []
        """Per network the weights and biases of both layers (float32)."""

    def fit(self, x: np.ndarray, possible: np.ndarray, weight: np.ndarray) -> Nets:
        """Learn from rows x features (float32), rows x labels (bool) and one weight a row."""
        self.__dict__.pop("_exact", None)  # of an earlier fit
        self.layers = [self._fit_one(x, possible, weight, np.random.default_rng([self.seed, k])) for k in range(self.n)]
        return self

    def _fit_one(
        self, x: np.ndarray, possible: np.ndarray, weight: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        (n, d), k, h = x.shape, possible.shape[1], self.hidden
        bound = np.sqrt(6 / (d + h)), np.sqrt(6 / (h + k))
        layers = [rng.uniform(-bound[0], bound[0], (d, h)), np.zeros(h), rng.uniform(-bound[1], bound[1], (h, k)), np.zeros(k)]
        layers = [layer.astype(np.float32) for layer in layers]
        first = [np.zeros_like(layer) for layer in layers]
        second = [np.zeros_like(layer) for layer in layers]
        steps = self.epochs * -(-n // _BATCH)
        step = 0
        for _ in range(self.epochs):
            order = rng.permutation(n)
            for start in range(0, n, _BATCH):
                rows = order[start : start + _BATCH]
                step += 1
                gradients = self._gradients(layers, x[rows], possible[rows], weight[rows])
                # The rate falls to zero, so that the last rows decide no more than others.
                rate = _RATE * (1 - (step - 1) / steps) * np.sqrt(1 - _DECAY_2**step) / (1 - _DECAY_1**step)
                for layer, g, m, v in zip(layers, gradients, first, second, strict=True):
                    m += (1 - _DECAY_1) * (g - m)
                    v += (1 - _DECAY_2) * (g * g - v)
                    layer -= np.float32(rate) * m / (np.sqrt(v) + np.float32(1e-8))
        return tuple(layers)

    def _gradients(
        self, layers: Sequence[np.ndarray], x: np.ndarray, possible: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        w1, b1, w2, b2 = layers
        hidden = np.maximum(x @ w1 + b1, 0)
        p = softmax(hidden @ w2 + b2)
        target = p * possible
        target /= np.maximum(target.sum(axis=1, keepdims=True), 1e-12)
        error = (p - target) * (weight / len(x))[:, None]
        back = (error @ w2.T) * (hidden > 0)
        decay = np.float32(self.alpha / len(x))
        return x.T @ back + decay * w1, back.sum(axis=0), hidden.T @ error + decay * w2, error.sum(axis=0)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Rows x labels, rows summing to 1 (float64).

        Parameters: rows x features, no value beyond `CLIP`. A row's result does not depend on the rows beside it.
        """
        first, second = self._exact
        hidden = first(x)
        np.maximum(hidden, 0, out=hidden)
        p = np.zeros((len(x), self.layers[0][2].shape[1]))
        for k, layer in enumerate(second):
            p += softmax(layer(hidden[:, k * self.hidden : (k + 1) * self.hidden]))
        return np.asarray(p / self.n)

    @cached_property
    def _exact(self) -> tuple[ExactLayer, list[ExactLayer]]:
        """The first layer of all networks as one, and the second of each."""
        first = ExactLayer(
            np.concatenate([layers[0] for layers in self.layers], axis=1),
            np.concatenate([layers[1] for layers in self.layers]),
            CLIP,
        )
        return first, [ExactLayer(w2, b2, first.largest) for _, _, w2, b2 in self.layers]

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be stored."""
        names = ("w1", "b1", "w2", "b2")
        return {f"{name}_{k}": array for k, layers in enumerate(self.layers) for name, array in zip(names, layers, strict=True)}

    def restore(self, arrays: dict[str, np.ndarray]) -> Nets:
        """The networks whose `arrays` were stored."""
        self.layers = [tuple(arrays[f"{name}_{k}"] for name in ("w1", "b1", "w2", "b2")) for k in range(self.n)]
        return self


def softmax(z: np.ndarray) -> np.ndarray:
    """exp(z) scaled to sum to 1 over the last axis; by hand because scipy's makes four copies on the hot path."""
    z = z - z.max(axis=-1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=-1, keepdims=True)
    return np.asarray(z)
