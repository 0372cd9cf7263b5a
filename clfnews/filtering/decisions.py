"""The stance of a whole page, from the probabilities of its article lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clfnews.labels import STANCES, TYPE, Task, columns_of
from clfnews.models.base import Probabilities
from clfnews.page import Line, Page

COVERAGE = 0.25
"""Below this share of weight on a side a page is not about relations: neutral."""
LEAD = 0.55
"""The larger side needs this share of both, or the page is neutral: both speak."""
CARRIERS = 3
"""Lines named as those that carry the page's stance."""
_C, _H = STANCES.index("conciliatory"), STANCES.index("hostile")


@dataclass(frozen=True, slots=True)
class PageStance:
    """The stance of a page, and what it rests on; all but `reason` is None or empty where there is none."""

    label: str | None
    """One of `labels.STANCES`."""
    p: Mapping[str, float] | None
    """Stance -> weighted mean over the article lines, four digits."""
    reason: str
    """`side`, `coverage` (neutral: too little of the page takes a side) or `balance` (neutral: both sides
    do alike); without a label `no article lines` or `no stance model`."""
    coverage: float | None
    """Weight on either side, 0 to 1."""
    shares: Mapping[str, float] | None
    """Stance -> share of the lines of which it is the most probable."""
    lines: tuple[int, ...] = ()
    """Numbers of the lines that carry the label most, strongest first; empty if it is neutral."""

    def as_row(self) -> dict[str, Any]:
        """The JSON object `stance` of a page."""
        return {
            "label": self.label,
            "p": dict(self.p) if self.p is not None else None,
            "reason": self.reason,
            "coverage": self.coverage,
            "shares": dict(self.shares) if self.shares is not None else None,
            "lines": list(self.lines),
        }


NO_STANCE = PageStance(None, None, "no article lines", None, None)
"""What a page without article lines gets."""
NO_MODEL = PageStance(None, None, "no stance model", None, None)
"""The stance of every page where the filter has no stance model."""


def page_stance(lines: Sequence[Line], p: np.ndarray) -> PageStance:
    """The stance of a page: a decision on a weighted mean, and what it rests on.

    Parameters: the article lines and their probabilities (lines x `STANCES`).
    Lines weigh by the square root of their length, the headline double.
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
    return PageStance(
        label=STANCES[side] if reason == "side" else "neutral",
        p=rounded(STANCES, mean),
        reason=reason,
        coverage=round(coverage, 4),
        shares=rounded(STANCES, shares),
        lines=tuple(carriers),
    )


def told(task: Task, row: np.ndarray | None, least: float = 0.0) -> dict[str, Any]:
    """What a task of the user's says of a line or page: `label` (None: not sure enough, or nothing to read) and `p`."""
    if row is None:
        return {"label": None, "p": None}
    best = int(row.argmax())
    return {"label": task.labels[best] if row[best] >= least else None, "p": rounded(task.labels, row)}


def mean_of(page: Page, p: np.ndarray) -> np.ndarray | None:
    """Mean of the probabilities of a page's lines, by the square root of their lengths; None without lines."""
    if not len(p):
        return None
    weight = np.sqrt([len(line.text) for line in page.lines])
    mean: np.ndarray = (p * (weight / weight.sum())[:, None]).sum(axis=0)
    return mean


def rounded(labels: Sequence[str], row: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Label -> number of a row, to four digits."""
    return {label: round(float(value), 4) for label, value in zip(labels, row, strict=True)}


def keep_mask(p: np.ndarray, threshold: float, task: Task = TYPE) -> np.ndarray:
    """Lines whose p(article) reaches the threshold."""
    return article_probability(p, task) >= threshold


def article_probability(p: np.ndarray, task: Task = TYPE) -> np.ndarray:
    """p(article) of each line: of the labels that are kept, such as p(title) + p(body)."""
    article: np.ndarray = p[:, columns_of(task.keep, task.labels)].sum(axis=1)
    return article


def decide_types(p: np.ndarray, threshold: float, task: Task = TYPE) -> np.ndarray:
    """Column of the type of each line: best article type if kept, best noise type if not."""
    article = np.array([label in task.keep for label in task.labels])
    kept = keep_mask(p, threshold, task)
    columns: np.ndarray = np.where(kept, np.where(article, p, -1).argmax(axis=1), np.where(article, -1, p).argmax(axis=1))
    return columns


def decide_pages(probabilities: Probabilities, threshold: float, task: Task = TYPE) -> list[np.ndarray]:
    """`decide_types` of every page, in one go."""
    if not probabilities:
        return []
    ends = np.cumsum([len(p) for p in probabilities])
    return np.split(decide_types(np.concatenate(probabilities), threshold, task), ends[:-1])


def expected_f1(p: np.ndarray, types: np.ndarray, task: Task = TYPE) -> float:
    """Expected F1 of the kept lines if the lines' probabilities are right (and independent)."""
    if not len(p):
        return 1.0
    q = article_probability(p, task)
    kept = np.isin(types, columns_of(task.keep, task.labels))
    if not kept.any():
        return round(float(np.prod(1 - q)), 4)
    return round(float(2 * q[kept].sum() / (kept.sum() + q.sum())), 4)
