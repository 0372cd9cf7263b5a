"""What a scorer says of the lines around each line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clfnews.models.features.tree import Tree
from clfnews.page import Page


def score_features(pages: Sequence[Page], z: np.ndarray, words: np.ndarray, tree: Tree, name: str) -> dict[str, np.ndarray]:
    """Means of a scorer's log-odds around each line: its boxes, the lines next to it, lines of its path, the page.

    Parameters: `z`, log-odds of N lines (NaN where not known); `words` of each
    line, whose square root is its weight.
    """
    sizes = np.array([len(page.lines) for page in pages], dtype=np.int64)
    page, index = np.repeat(np.arange(len(pages)), sizes), np.arange(int(sizes.sum()))
    end = np.cumsum(sizes)[page] if len(index) else page
    start = end - sizes[page] if len(index) else page
    # Sixteenths and 256ths sum exactly.
    weight = np.rint(16 * np.sqrt(np.maximum(words, 1))) * ~np.isnan(z)
    values = np.nan_to_num(np.rint(256 * z)) * weight
    total, mass = np.concatenate(([0.0], np.cumsum(values))), np.concatenate(([0.0], np.cumsum(weight)))

    def mean(first: np.ndarray, last: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((total[last] - total[first]) / (mass[last] - mass[first]) / 256)

    out = {name: np.where(np.isnan(z), np.nan, np.rint(256 * z) / 256)}
    box = tree.box
    for up in range(5):
        if up:
            box = np.where(tree.depth[box] > 1, tree.parent[box], box)
        if up != 3:
            out[f"{name}_up{up}"] = mean(tree.first[box], tree.last[box])
    for reach in (1, 3, 8):
        out[f"{name}_above_{reach}"] = mean(np.maximum(index - reach, start), index)
        out[f"{name}_below_{reach}"] = mean(np.minimum(index + 1, end), np.minimum(index + 1 + reach, end))
    out[f"{name}_page"] = mean(start, end)
    for part, code in (("path", tree.leaf), ("step", tree.step[tree.box])):
        _, group = np.unique(page * (code.max(initial=0) + 1) + code, return_inverse=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            out[f"{name}_{part}"] = (np.bincount(group, values) / np.bincount(group, weight) / 256)[group]
    return out
