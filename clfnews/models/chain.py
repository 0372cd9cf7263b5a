"""Which type follows which: a first-order chain over the lines of a page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from clfnews.page import Page


def transitions(pages: Sequence[Page], labels: tuple[str, ...]) -> np.ndarray:
    """log P(type | type above) / P(type), from the training pages (labels x labels)."""
    k = len(labels)
    counts = np.ones((k, k))
    for page in pages:
        index = [labels.index(line.type) for line in page.lines if line.type in labels]
        np.add.at(counts, (index[:-1], index[1:]), 1)
    joint = counts / counts.sum()
    return np.asarray(np.log(joint / (joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True))))


def smooth(p: np.ndarray, sizes: Sequence[int], log_ratio: np.ndarray, weight: float) -> np.ndarray:
    """Posterior of each line's type in a chain: forward-backward (Rabiner 1989).

    Parameters: `p` lines x labels, `sizes` the lines of each page, `log_ratio`
    labels x labels (how much more often a type follows another than by chance),
    `weight` its exponent; 0 returns `p`.
    """
    if weight == 0 or not len(p):
        return p
    ratio = np.exp(weight * log_ratio)
    place, n_at = _in_step(np.asarray(sizes))
    evidence = np.maximum(p, 1e-9)[place]
    starts = np.cumsum(n_at) - n_at
    forward, backward = evidence.copy(), np.ones_like(evidence)
    steps = list(pairwise(zip(starts.tolist(), n_at.tolist(), strict=True)))
    passed, total = _Passing(len(sizes), ratio), np.empty((len(sizes), 1))
    for (before, _), (start, n) in steps:
        rows, of_row = forward[start : start + n], total[:n]
        np.multiply(rows, passed(forward[before : before + n]), out=rows)
        np.divide(rows, np.add.reduce(rows, axis=1, keepdims=True, out=of_row), out=rows)
    # Beyond a page's end nothing is known: its last line keeps a flat message.
    passed = _Passing(len(sizes), ratio.T)
    seen = np.empty((len(sizes), p.shape[1]))
    for (before, _), (start, n) in reversed(steps):
        rows = passed(np.multiply(backward[start : start + n], evidence[start : start + n], out=seen[:n]))
        np.divide(rows, np.add.reduce(rows, axis=1, keepdims=True, out=total[:n]), out=backward[before : before + n])
    forward *= backward
    out: np.ndarray = np.empty_like(forward)
    out[place] = forward / forward.sum(axis=1, keepdims=True)
    return out


class _Passing:
    """`messages @ ratio` for at most `most` rows, added up in the same order however many rows there are.

    A page has hundreds of steps of a few rows: what numpy does before and behind a step costs more than the step,
    so the arrays are made once. A result holds until the next call.
    """

    def __init__(self, most: int, ratio: np.ndarray) -> None:
        self._ratio = ratio
        # In the layout of the ratio, which decides in which order numpy adds up.
        self._products = np.zeros((most, 1, 1)) * ratio
        self._sums = np.empty((most, ratio.shape[1]))

    def __call__(self, messages: np.ndarray) -> np.ndarray:
        n = len(messages)
        products = np.multiply(messages[:, :, None], self._ratio, out=self._products[:n])
        return np.asarray(np.add.reduce(products, axis=1, out=self._sums[:n]))


def _in_step(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pages' first lines, then all second lines and so on, longest page first.

    Returns the indices of the lines in this order, and how many pages still
    have a line at each step: they are the first of the step before.
    """
    order = np.argsort(-sizes, kind="stable")
    first = (np.cumsum(sizes) - sizes)[order]
    n_at = len(sizes) - np.searchsorted(sizes[order][::-1], np.arange(sizes.max()), side="right")
    rank = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(n_at) - n_at, n_at)
    return first[rank] + np.repeat(np.arange(len(n_at)), n_at), n_at
