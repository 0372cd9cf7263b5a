"""The stance of a whole page, from the probabilities of its article lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clfnews.labels import STANCES
from clfnews.page import Line

COVERAGE = 0.25
"""Below this share of weight on a side a page is not about relations: neutral."""
LEAD = 0.55
"""The larger side needs this share of both, or the page is neutral: both speak."""
CARRIERS = 3
"""Lines named as those that carry the page's stance."""
_C, _H = STANCES.index("conciliatory"), STANCES.index("hostile")

NO_STANCE: dict[str, Any] = {
    "label": None, "p": None, "reason": "no article lines", "coverage": None, "shares": None, "lines": [],
}  # fmt: skip
"""What a page without article lines gets."""


def page_stance(lines: Sequence[Line], p: np.ndarray) -> dict[str, Any]:
    """The stance of a page: a decision on a weighted mean, and what it rests on.

    Parameters: the article lines and their probabilities (lines x `STANCES`).
    Lines weigh by the square root of their length, the headline double.
    Returns `label`; `p` (weighted mean); `reason`: `side`, `coverage` (neutral:
    too little of the page takes a side) or `balance` (neutral: both sides
    do alike); `coverage` (weight on either side, 0 to 1); `shares` (share of
    lines by most probable stance); `lines` (numbers of the lines that carry the
    label most, strongest first; empty if neutral).
    """
    if not len(lines):
        return NO_STANCE
    weight = np.sqrt([len(line.text) for line in lines]) * np.where([line.type == "title" for line in lines], 2.0, 1.0)
    weighted = p * (weight / weight.sum())[:, None]
    mean = weighted.sum(axis=0)
    side = _C if mean[_C] >= mean[_H] else _H
    coverage = float(mean[_C] + mean[_H])
    reason = "coverage" if coverage < COVERAGE else "balance" if mean[side] < LEAD * coverage else "side"
    carriers: list[int] = []
    if reason == "side":
        strength = weighted[:, side] - weighted[:, _C + _H - side]
        strongest = np.argsort(-strength, kind="stable")[:CARRIERS].tolist()
        carriers = [lines[i].n for i in strongest if strength[i] > 0]
    shares = np.bincount(p.argmax(axis=1), minlength=len(STANCES)) / len(lines)
    return {
        "label": STANCES[side] if reason == "side" else "neutral",
        "p": _named(mean.tolist()),
        "reason": reason,
        "coverage": round(coverage, 4),
        "shares": _named(shares.tolist()),
        "lines": carriers,
    }


def _named(row: Sequence[float]) -> dict[str, float]:
    return {stance: round(value, 4) for stance, value in zip(STANCES, row, strict=True)}
