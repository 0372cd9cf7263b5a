"""How far a line is from what lines of its story are like: their lengths, and whether they end with a stop.

Of the lines inside a story, captions, lists of links and signatures are told apart by
what its paragraphs are like: one site writes paragraphs of a sentence, another of six.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clfnews.labels import TYPES
from clfnews.models.features.characters import CharTable, class_code

_FEW = 1.5
"""Lines of a story (by their probabilities) below which nothing is typical."""


def typical_names() -> tuple[str, ...]:
    """Names of the columns of `typical_features`."""
    return ("typical_length", "length_to_typical", "typical_shorter", "typical_stops", "stop_to_typical")


def typical_features(p: np.ndarray, table: CharTable, sizes: Sequence[int]) -> np.ndarray:
    """Lines x features (float32): each line beside the other lines of its page, weighted by p(body) of a first reading.

    Parameters: `p`, lines x `labels.TYPES`; `sizes`, the lines of each page. Page by page, so that the sums of one
    do not depend on the pages before it. NaN on pages without a story.
    """
    length = np.log1p(table.chars.astype(np.float64))
    stop = ((table.last == class_code("stop")) | (table.last == class_code("quote"))).astype(np.float64)
    weight = p[:, TYPES.index("body")].astype(np.float64)
    pages = [slice(end - n, end) for end, n in zip(np.cumsum(sizes).tolist(), sizes, strict=True) if n]
    parts = [_of_page(weight[page], length[page], stop[page]) for page in pages]
    return np.concatenate(parts) if parts else np.zeros((0, len(typical_names())), dtype=np.float32)


def _of_page(weight: np.ndarray, length: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Means over all lines but the line itself."""
    others = weight.sum() - weight
    known = others >= _FEW
    others = np.where(known, others, np.nan)
    mean = ((weight * length).sum() - weight * length) / others
    stops = ((weight * stop).sum() - weight * stop) / others
    order = np.argsort(length, kind="stable")
    before = np.concatenate(([0.0], np.cumsum(weight[order])))
    shorter = before[np.searchsorted(length[order], length)] / others
    return np.stack([mean, length - mean, shorter, stops, stop - stops], axis=1).astype(np.float32)
