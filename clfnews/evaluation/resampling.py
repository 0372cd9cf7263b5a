"""Two sides of counts against each other: divergence, permutation test, bootstrap of a ratio, Holm's correction.

Pages with equal counts are dealt and drawn together: the same distribution as one by one, in far less time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

SAMPLES = 1000
"""Samples of a bootstrap."""
_AT_ONCE = 4_000_000
"""Numbers of a block of draws: bounds memory."""


def divergence(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence in bits of counts along the last axis; 0 where a side has none."""
    sums = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
    p, q = (counts / np.maximum(n, 1e-12) for counts, n in zip((a, b), sums, strict=True))
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(p > 0, p * np.log2(p / middle), 0.0) + np.where(q > 0, q * np.log2(q / middle), 0.0)
    both = (sums[0] > 0) & (sums[1] > 0)
    found: np.ndarray = np.where(both[..., 0], parts.sum(axis=-1) / 2, 0.0)
    return found


def permutation_test(a: np.ndarray, b: np.ndarray, rng: np.random.Generator, draws: int) -> tuple[float, float]:
    """Divergence of the sums of two sides (pages x cells), and how often chance makes as much of the same pages."""
    seen = float(divergence(a.sum(axis=0), b.sum(axis=0)))
    if not len(a) or not len(b):
        return seen, 1.0
    rows, counts = np.unique(np.concatenate([a, b]), axis=0, return_counts=True)
    total, reached = counts @ rows, 0
    for size in _blocks(draws, len(rows)):
        of_a = rng.multivariate_hypergeometric(counts, len(a), size=size, method="marginals") @ rows
        reached += int((divergence(of_a, total - of_a) >= seen - 1e-12).sum())
    return seen, (reached + 1) / (draws + 1)


def resampled(pages: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sums of samples of pages with replacement, `SAMPLES` x columns."""
    rows, counts = np.unique(pages, axis=0, return_counts=True)
    sizes = _blocks(SAMPLES, len(rows))
    return np.concatenate([rng.multinomial(len(pages), counts / len(pages), size=size) @ rows for size in sizes])


def _blocks(draws: int, width: int) -> Iterator[int]:
    """Numbers of draws that add up, each of as many as memory allows."""
    most = max(1, _AT_ONCE // width)
    yield from (min(most, draws - start) for start in range(0, draws, most))


def ratio(sums: np.ndarray, above: int, below: int) -> np.ndarray:
    """One column of sums by another; 0 by 0 is 0."""
    found: np.ndarray = sums[:, above] / np.maximum(sums[:, below], 1e-12)
    return found


def holm(p: Sequence[float]) -> list[float]:
    """The p-values corrected for their number (Holm 1979), in their order."""
    corrected = [1.0] * len(p)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[i]))
        corrected[i] = largest
    return corrected
