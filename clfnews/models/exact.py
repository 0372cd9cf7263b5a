"""Sums of products that do not depend on the rows beside a row: whole layers of a network, and single rows in their order.

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


def summed(values: np.ndarray, line: np.ndarray, n: int) -> np.ndarray:
    """Lines x columns: the sum of each line's rows, one after the other, in their own precision.

    The bits are those of a product with a sparse matrix, without the import of
    scipy.sparse, which takes as long as a page. Parameters: `values`, rows x columns; `line` of each row, below `n`.
    """
    k = values.shape[1]
    out = np.zeros(n * k, dtype=values.dtype)
    np.add.at(out, (line[:, None] * k + np.arange(k)).ravel(), values.ravel())  # `add.at` is fast along one axis only
    return out.reshape(n, k)
