"""What a memory says of its sites, in words and numbers for people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clfnews.errors import UserError, nearest
from clfnews.sites.history import Period
from clfnews.sites.memory import SiteMemory


@dataclass(frozen=True, slots=True)
class SiteReport:
    """One site."""

    name: str
    pages: int
    stories: int
    """Distinct ones, faded."""
    own: float | None
    """Share of the characters of its pages in lines that are the site's."""
    expected_f1: float | None
    """Of its pages, as a model read them without memory; None if none did."""
    alarm: str | None
    """What has fallen of late, in words; None if nothing has."""
    periods: tuple[Period, ...]
    """Its pages over time, the oldest first."""
    repeated: tuple[tuple[float, str], ...]
    """The lines that came back most, each with the share of the stories that have it."""


def site_report(memory: SiteMemory, name: str) -> SiteReport:
    """The report of one site; raises `UserError` for one that the memory does not know."""
    if name not in memory.names:
        raise UserError(f"no site {name!r} in the memory{nearest(name, memory.names[:20])}")
    known = memory[name]
    keys = np.array(list(known.texts), np.uint64)
    shares = known.site.counts(keys).seen / max(known.site.stories, 1)
    repeated = sorted(zip(shares.tolist(), known.texts.values(), strict=True), key=lambda row: (-row[0], row[1]))
    whole = known.history.total()
    return SiteReport(
        name=name,
        pages=known.site.pages,
        stories=known.site.stories,
        own=whole.own,
        expected_f1=whole.expected_f1,
        alarm=known.history.alarm(),
        periods=tuple(known.history.periods()),
        repeated=tuple((share, text) for share, text in repeated if share > 0),
    )


def site_reports(memory: SiteMemory) -> list[SiteReport]:
    """All sites: those with an alarm first, then by their number of pages."""
    reports = [site_report(memory, name) for name in memory.names]
    return sorted(reports, key=lambda report: (report.alarm is None, -report.pages, report.name))
