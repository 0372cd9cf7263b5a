"""How many lines keep a stance at which confidence, and how many of these are wrong: what `--risk` chooses by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from clfnews.errors import UserError

LEAST = 20
"""A share of fewer lines says too little of a risk."""
_CUTS = tuple(round(0.01 * step, 2) for step in range(33, 100))
"""Confidences; a third is the least that one of three labels can have."""
SHOWN = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Coverages of which tables tell the risk."""


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """Of lines that the model did not learn from, by cuts on the confidence: how many have it, and how many of them are wrong.

    For the stance these are lines that name two political actors or more: nearly
    all others are neutral, rightly, and would make the risk look small.
    """

    lines: int
    cuts: tuple[float, ...]
    covered: tuple[int, ...]
    wrong: tuple[int, ...]

    @classmethod
    def of(cls, p: np.ndarray, gold: np.ndarray) -> RiskCurve:
        """The curve of `p`, lines x labels, and the columns of the labels."""
        sure, wrong = p.max(axis=1), p.argmax(axis=1) != gold
        has = sure[:, None] >= np.array(_CUTS)
        covered, errors = has.sum(axis=0).tolist(), (has & wrong[:, None]).sum(axis=0).tolist()
        return cls(len(gold), _CUTS, tuple(covered), tuple(errors))

    def cut(self, risk: float) -> float:
        """The lowest confidence from which at most this share is wrong (El-Yaniv and Wiener 2010).

        Raises `UserError` if no cut reaches it; the least risk that one does is told.
        """
        enough = [(cut, bad / n) for cut, n, bad in zip(self.cuts, self.covered, self.wrong, strict=True) if n >= LEAST]
        reached = next((cut for cut, share in enough if share <= risk), None)
        if reached is not None:
            return reached
        if not enough:
            raise UserError(f"risk {risk:g}: {self.lines} lines out of fold are too few to choose a confidence by; label more")
        cut, least = min(enough, key=lambda pair: pair[1])
        raise UserError(f"risk {risk:g}: no confidence reaches it; the least is {least:.3f}, from a confidence of {cut:g} on")

    def table(self) -> list[tuple[float, float, float]]:
        """Coverage, risk and cut: of each coverage of `SHOWN` the lowest cut that has at most it."""
        rows: list[tuple[float, float, float]] = []
        for wanted in SHOWN:
            found = next((i for i, n in enumerate(self.covered) if LEAST <= n <= wanted * self.lines), None)
            if found is not None and (not rows or rows[-1][2] != self.cuts[found]):
                n = self.covered[found]
                rows.append((n / self.lines, self.wrong[found] / n, self.cuts[found]))
        return rows

    def as_json(self) -> dict[str, Any]:
        """What `filter.json` holds of it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: Any) -> RiskCurve:
        """The curve that `as_json` gave; raises `ValueError` for anything else."""
        if not isinstance(value, Mapping) or set(value) != {"lines", "cuts", "covered", "wrong"}:
            raise ValueError("is no curve of risks")
        lines, cuts, covered, wrong = (value[name] for name in ("lines", "cuts", "covered", "wrong"))
        lists = all(isinstance(numbers, list) and len(numbers) == len(cuts) for numbers in (cuts, covered, wrong))
        if not lists or not all(_is_count(n, lines) for n in (lines, *covered, *wrong)):
            raise ValueError("is no curve of risks")
        if not all(isinstance(cut, int | float) and 0 <= cut <= 1 for cut in cuts):
            raise ValueError("has cuts that are not from 0 to 1")
        return cls(lines, tuple(cuts), tuple(covered), tuple(wrong))


def _is_count(value: Any, most: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and isinstance(most, int) and 0 <= value <= most
