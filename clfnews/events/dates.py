"""When an event was: the day that its line names, else the day of the page."""

from __future__ import annotations

import re
from datetime import date, timedelta

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_NAMED = re.compile(
    r"\b(?:ngày|hôm|sáng|trưa|chiều|tối|đêm|hai|ba|tư|năm|sáu|bảy|nhật) \(?"
    r"(\d{1,2})[/.-](\d{1,2})(?:[/.-](20\d{2})\b|(?![/.,-]?\d))",
    re.IGNORECASE,
)
"""A day and a month, perhaps a year, behind a word that says that it is a date ("sáng 12/3", "ngày 5/6/2025")."""
_AHEAD, _BACK = timedelta(days=60), timedelta(days=366)


def page_day(text: str | None) -> date | None:
    """The day of a page's date that begins as ISO 8601 has it; None for others."""
    found = _ISO.match(text) if text else None
    return _day(int(found[1]), int(found[2]), int(found[3])) if found else None


def event_day(text: str, page: date | None) -> date | None:
    """The first day that a line names, in the year that is nearest to its page; the page's day if it names none."""
    for found in _NAMED.finditer(text):
        day, month = int(found[1]), int(found[2])
        if found[3]:
            named = _day(int(found[3]), month, day)
        elif page is None:
            continue
        else:
            near = (_day(page.year + shift, month, day) for shift in (1, 0, -1))
            named = next((one for one in near if one and page - _BACK <= one <= page + _AHEAD), None)
        if named is not None:
            return named
    return page


def week_of(day: date | None) -> str:
    """The ISO week of a day, such as `2025-W07`; empty for None."""
    if day is None:
        return ""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:  # 31/2
        return None
