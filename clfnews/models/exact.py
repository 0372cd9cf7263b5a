"""Layers of a network whose sums are exact, so that a row's result does not depend on the rows beside it.

Sums of floating-point products depend on their order, and BLAS chooses the order by the number of rows, the
threads and the processor. Here inputs and weights are whole numbers of a power of two, small enough that every
partial sum has at most 53 bits: float64 then holds each of them exactly, and all orders give the same bits.
"""

from __future__ import annotations

from math import ceil, frexp, log2

import numpy as np

_BITS = 53
"""Of the whole numbers that float64 holds exactly."""


class ExactLayer:
    """`x @ weight + bias` for rows `x` with values of at most `bound`.

    Parameters: `weight`, inputs x outputs; `bias`, outputs. With 300 inputs the
    steps are 2**-22 of the largest weight and of `bound`: about what float32
    resolves. `largest` is the bound of the outputs.
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray, bound: float) -> None:
        weight, self.bias = weight.astype(np.float64), bias.astype(np.float64)
        half = (_BITS - ceil(log2(max(len(weight), 2)))) // 2
        self._per_unit = 2.0 ** (half - frexp(bound)[1])
        w_step = 2.0 ** (frexp(float(np.abs(weight).max(initial=0)))[1] - half)
        weight = np.rint(weight / w_step) * w_step
        self._weight = weight / self._per_unit
        self.largest = float((bound * np.abs(weight).sum(axis=0) + np.abs(self.bias)).max(initial=0))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Rows x outputs (float64)."""
        steps = x * x.dtype.type(self._per_unit)
        np.rint(steps, out=steps)
        out: np.ndarray = steps.astype(np.float64, copy=False) @ self._weight
        out += self.bias
        return out
