"""How a site's pages were over time: what shows that its layout has changed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

PERIOD = 16
"""Pages of a period, in the order in which they were read."""
PERIODS = 64
"""Periods that are kept; before them only their sum."""
UNIT = 10_000
FALL_F1, FALL_FAMILIAR = 0.1, 0.25
"""Falls of the last period against those before that are an alarm: of the expected F1, of the share of known places."""
ENOUGH = 2
"""Periods before the last that an alarm needs, of `PERIOD` pages each."""
PAGES, JUDGED, CONFIDENCE, MET, FAMILIAR, CHARS, OWN = range(7)
"""Columns of `History.rows`, all sums of whole numbers: pages; pages that a model has read, and their expected F1; pages of which
the site was known, and their share of known places; characters, and those of lines that are the site's (in `UNIT`s)."""


@dataclass(frozen=True, slots=True)
class Period:
    """Means over the pages of a period; None where there is nothing to take a mean of."""

    pages: int
    expected_f1: float | None
    familiar: float | None
    """Share of a page's places (boxes; of text its short lines) that the site had shown before."""
    own: float | None
    """Share of the characters in lines that are the site's."""


@dataclass
class History:
    """Sums over periods of pages, the oldest first."""

    rows: np.ndarray = field(default_factory=lambda: np.zeros((0, 7), np.int64))

    def add(self, confidence: float | None, familiar: float | None, chars: int, own: int) -> None:
        """Count a page; `confidence` is its expected F1, None if no model has read it; `familiar` None for the first ones."""
        if not len(self.rows) or self.rows[-1, PAGES] >= PERIOD:
            self.rows = np.concatenate((self.rows, np.zeros((1, 7), np.int64)))
            self._shorten()
        self.rows[-1] += [
            1,
            confidence is not None,
            round(UNIT * (confidence or 0.0)),
            familiar is not None,
            round(UNIT * (familiar or 0.0)),
            chars,
            own,
        ]

    def merge(self, other: History) -> None:
        """The other's periods come after one's own."""
        self.rows = np.concatenate((self.rows, other.rows))
        self._shorten()

    def _shorten(self) -> None:
        if len(self.rows) > PERIODS:
            first = self.rows[: -PERIODS + 1].sum(axis=0, keepdims=True)
            self.rows = np.concatenate((first, self.rows[-PERIODS + 1 :]))

    def periods(self) -> list[Period]:
        """The means of each period."""
        return [_period(row) for row in self.rows]

    def total(self) -> Period:
        """The means over all pages."""
        return _period(self.rows.sum(axis=0))

    def alarm(self) -> str | None:
        """What has fallen in the last period against all before, in words; None if nothing has, or there are too few pages."""
        rows = self.rows
        if len(rows) and rows[-1, PAGES] < PERIOD // 2 and len(rows) > 1:  # too few to judge by: with the period before
            rows = np.concatenate((rows[:-2], rows[-2:].sum(axis=0, keepdims=True)))
        if len(rows) < 2 or rows[:-1, PAGES].sum() < ENOUGH * PERIOD:
            return None
        before, last = _period(rows[:-1].sum(axis=0)), _period(rows[-1])
        said = []
        for what, old, new, fall in (
            ("expected F1", before.expected_f1, last.expected_f1, FALL_F1),
            ("share of known places", before.familiar, last.familiar, FALL_FAMILIAR),
        ):
            if old is not None and new is not None and old - new > fall:
                said.append(f"{what} fell from {old:.2f} to {new:.2f}")
        return " and ".join(said) or None


def _period(row: np.ndarray) -> Period:
    def mean(total: int, number: int, unit: int = UNIT) -> float | None:
        return float(row[total] / row[number] / unit) if row[number] else None

    return Period(int(row[PAGES]), mean(CONFIDENCE, JUDGED), mean(FAMILIAR, MET), mean(OWN, CHARS, 1))
