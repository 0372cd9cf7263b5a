"""Features as the networks take them: amounts in standard deviations, codes one-hot."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from clfnews.models.nets import CLIP

_CODES = {"first_class": 14, "last_class": 14, "html_tag": 18, "html_region": 8}
"""Columns that hold codes, with their number; columns of neighbours begin with these names."""


def encoder(x: np.ndarray, names: Sequence[str], used: Sequence[int] | None = None) -> dict[str, np.ndarray]:
    """Which columns of rows x features are amounts (with mean and scale) and which codes (with their number)."""
    numeric, coded, sizes = [], [], []
    for i in range(len(names)) if used is None else used:
        size = next((n for code, n in _CODES.items() if names[i].startswith(code)), None)
        if size is None:
            numeric.append(i)
        else:
            coded.append(i)
            sizes.append(size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without any value: markup of plain text
        mean, std = np.nanmean(x[:, numeric], axis=0), np.nanstd(x[:, numeric], axis=0)
    scale = np.where(std > 1e-6, 1 / np.maximum(std, 1e-6), 0.0)
    return {
        "numeric": np.array(numeric),
        "coded": np.array(coded, dtype=np.int64),
        "sizes": np.array(sizes, dtype=np.int64),
        "mean": np.nan_to_num(mean).astype(np.float32),
        "scale": np.nan_to_num(scale).astype(np.float32),
    }


def encode(x: np.ndarray, a: Mapping[str, np.ndarray]) -> np.ndarray:
    """Rows x inputs (float32) by an `encoder`; what is not known becomes 0, the mean."""
    n = len(a["numeric"])
    # Column by column, as the features come.
    out = np.empty((n + int(a["sizes"].sum()), len(x)), dtype=np.float32)
    z = np.take(x.T, a["numeric"], axis=0, out=out[:n], mode="clip")
    z -= a["mean"][:, None]
    z *= a["scale"][:, None]
    np.clip(z, -CLIP, CLIP, out=z)
    z[np.isnan(z)] = 0.0
    for column, size in zip(x.T[a["coded"]], a["sizes"].tolist(), strict=True):
        np.equal(column, np.arange(size, dtype=np.float32)[:, None], out=out[n : n + size])
        n += size
    return out.T
