"""Events summed over many pages: source x target x stance x week."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from clfnews.events.classes import QUADS
from clfnews.events.dates import week_of
from clfnews.events.page import Event

HEADER = ("week", "source", "target", "stance", "events", *(quad.replace("-", "_") for quad in QUADS))
"""Columns of the CSV file."""


class Cell(NamedTuple):
    """What is counted together."""

    week: str
    """ISO week, such as `2025-W07`; empty if no date is known."""
    source: str
    target: str
    stance: str
    """Of the line; empty if it has none."""


class EventTable:
    """Numbers of events by cell and quad class. On one page the same act counts once, however often it is told."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[Cell, str]] = Counter()
        self.pages = 0

    def add(self, events: Iterable[Event]) -> None:
        """Count the events of a page."""
        first: dict[tuple[str, str, str], Event] = {}
        for event in events:
            first.setdefault((event.source, event.target, event.event), event)
        for event in first.values():
            self.counts[Cell(week_of(event.day), event.source, event.target, event.stance or ""), event.quad] += 1
        self.pages += 1

    def rows(self) -> list[tuple[str | int, ...]]:
        """A row a cell, in the order of its names, with the columns of `HEADER`."""
        cells = sorted({cell for cell, _ in self.counts})
        numbers = {cell: [self.counts[cell, quad] for quad in QUADS] for cell in cells}
        return [(*cell, sum(numbers[cell]), *numbers[cell]) for cell in cells]

    def as_csv(self) -> str:
        """The table as CSV text."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(self.rows())
        return out.getvalue()
