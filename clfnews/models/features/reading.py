"""What a first reading of a page found, as features of a second one.

A line is seen with what the model thinks of all the others: how much of the
page is menu, what stands above and below, how far the nearest sure line of the
story is. Stacked sequential learning (Cohen and Carvalho 2005).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clfnews.labels import ARTICLE, TYPES, columns_of
from clfnews.models.features.flat import FAR
from clfnews.models.forest import log_odds

_ENDS = 10
"""Lines of a page's top and bottom that are described for themselves."""
_REACHES = (1, 3, 8)
_LONGEST = 400
"""Length of a line beyond which it weighs no more."""
_SURE = {"article": 0.7, "noise": 0.85, "navigation": 0.5, "teaser": 0.5}
_STORY = 0.6
_PARTS = ("page", "top", "bottom", "above", "below", *(f"{side}_{n}" for n in _REACHES for side in ("above", "below")))


def reading_names() -> tuple[str, ...]:
    """Names of the columns of `reading_features`."""
    return (
        *(f"read_{part}_{label}" for part in _PARTS for label in TYPES),
        "read_text_above", "read_text", "read_text_share",
        *(f"read_{side}_{name}" for name in _SURE for side in ("since", "until")),
        "read_from_first", "read_from_last", "read_odds", *(f"read_{label}" for label in TYPES),
    )  # fmt: skip


def reading_features(p: np.ndarray, length: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Lines x features (float32) from the lines' probabilities in a first reading.

    Parameters: `p`, lines x `labels.TYPES`; `length` of each line in characters; `sizes`, the lines of each page.
    Page by page, so that the sums of one do not depend on the pages before it.
    """
    out = np.empty((len(reading_names()), len(p)), dtype=np.float32)
    for end, n in zip(np.cumsum(sizes).tolist(), sizes, strict=True):
        if n:
            _fill(out[:, end - n : end], p[end - n : end], length[end - n : end])
    return out.T  # column by column in memory, as networks and trees read it


def _fill(out: np.ndarray, p: np.ndarray, length: np.ndarray) -> None:
    """Write the features of a page's lines, features x lines."""
    n, k = p.shape
    at = np.arange(n)
    total = np.concatenate((np.zeros((1, k)), np.cumsum(p, axis=0)))
    some = min(_ENDS, n)
    parts = [(total[n] / n)[None], (total[some] / some)[None], ((total[n] - total[n - some]) / some)[None]]
    parts += [total[at] / np.maximum(at, 1)[:, None], (total[n] - total[at + 1]) / np.maximum(n - 1 - at, 1)[:, None]]
    for reach in _REACHES:
        parts.append((total[at] - total[np.maximum(at - reach, 0)]) / reach)
        parts.append((total[np.minimum(at + 1 + reach, n)] - total[at + 1]) / reach)
    for i, part in enumerate(parts):
        out[i * k : (i + 1) * k] = part.T
    article = p[:, columns_of(ARTICLE)].sum(axis=1)
    worth = np.minimum(length, _LONGEST).astype(np.float64)
    text = np.concatenate(([0.0], np.cumsum(article * worth)))
    columns = [text[at] / max(text[n], 1.0), np.full(n, np.log1p(text[n])), np.full(n, text[n] / max(worth.sum(), 1.0))]
    scores = {"article": article, "noise": 1 - article} | {name: p[:, TYPES.index(name)] for name in ("navigation", "teaser")}
    for name, cut in _SURE.items():
        columns += _distances(scores[name] > cut, at)
    story = np.flatnonzero(article > _STORY)
    first, last = (story[0], story[-1]) if len(story) else (0, n - 1)
    columns += [np.clip(at - first, -FAR, FAR), np.clip(at - last, -FAR, FAR), log_odds(article)]
    for i, column in enumerate(columns, len(parts) * k):
        out[i] = column
    out[-k:] = p.T


def _distances(flag: np.ndarray, at: np.ndarray) -> list[np.ndarray]:
    """Lines since the last true one at or above each line, and until the next at or below; at most `FAR`."""
    last = np.maximum.accumulate(np.where(flag, at, -FAR))
    following = np.minimum.accumulate(np.where(flag, at, len(at) + FAR)[::-1])[::-1]
    return [np.minimum(at - last, FAR), np.minimum(following - at, FAR)]
