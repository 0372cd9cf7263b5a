"""Dates as pages and their makers write them, in the form of ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from clfnews.lexicons import lexicon

_LONGEST = 200
"""Characters of a text that are looked at."""
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?+)?+)[ ]?(Z|[+-]\d{2}(?::?\d{2})?+)?+)?+",
    re.IGNORECASE | re.ASCII,
)
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s?[-/.年년]\s?(\d{1,2})\s?[-/.月월]\s?(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})\s?[-/.]\s?(\d{1,2})\s?[-/.]\s?(\d{4})(?!\d)")
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d\d)([01]\d)([0-3]\d)(?:T?+([0-2]\d)([0-5]\d)([0-5]\d)?+)?+(?!\d)", re.ASCII)
_CLOCK = re.compile(r"(?<![\d.:+-])(\d{1,2})\s?[:hH時时시点.]\s?(\d{2})(?:[:.分분](\d{2}))?+(?!\d)")
_HOUR = re.compile(r"(?<![\d.:+-])(\d{1,2})\s?([aApP]\.?[mM])\b")
_OFFSET = re.compile(r"([+\u2212-])\s?(\d{1,2})(?::?(\d{2}))?+(?!\d)")
_WORD = re.compile(r"\d+|[^\s\d,;:/()|\[\]–—-]+")
_TOKEN = re.compile(r"[^\s\d,;:/()|\[\]–—+-]+")
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_BUDDHIST = 543


class _Day(NamedTuple):
    day: date
    rest: str
    """The text without the date."""
    clock: str = ""


def read_date(value: object, *, month_first: bool = False) -> str | None:
    """A date in a text or number as `2024-11-12`, with the time and its zone if they are there; None without one.

    Parameters: `month_first`, whether 5/6/2024 is the sixth of May. Numbers are
    seconds or milliseconds since 1970 or digits such as 20241112. What is in the
    form of ISO 8601 already stays as it is; a time without a zone gets none.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(int(value)) if value == value and abs(value) < 10**15 else ""
    if not isinstance(value, str):
        return None
    text = value.strip()[:_LONGEST]
    if whole := _ISO.fullmatch(text):
        return _strict(whole)
    if text.isdecimal() and text.isascii() and (found := _from_digits(text)):
        return found
    day = _numeric(text, month_first) or _written(text)
    if day is None:
        return None
    clock = day.clock or _clock(day.rest)
    return f"{day.day.isoformat()}T{clock}" if clock else day.day.isoformat()


def _strict(found: re.Match[str]) -> str | None:
    if _day(*found[1].split("-")) is None:
        return None
    if found[2] is None or not (found[2][:2] < "24" and found[2][3:5] < "60"):
        return found[1]
    zone = (found[3] or "").upper()
    if len(zone) in (3, 5) and zone != "Z":
        zone = f"{zone[:3]}:{zone[3:] or '00'}"
    return f"{found[1]}T{found[2]}{zone}"


def _from_digits(text: str) -> str | None:
    seconds = int(text) if len(text) == 10 else int(text) // 1000 if len(text) == 13 else 0
    if not seconds:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if _FIRST_YEAR <= moment.year < _LAST_YEAR else None


def _day(year: str | int, month: str | int, day: str | int) -> date | None:
    y = int(year)
    y -= _BUDDHIST if y > _LAST_YEAR + 300 else 0
    try:
        return date(y, int(month), int(day)) if _FIRST_YEAR <= y < _LAST_YEAR else None
    except ValueError:
        return None


def _numeric(text: str, month_first: bool) -> _Day | None:
    """A date in numbers alone."""
    if found := _YEAR_FIRST.search(text):
        day = _day(found[1], found[2], found[3])
        return _Day(day, _without(text, found)) if day else None
    if found := _YEAR_LAST.search(text):
        a, b, year = found[1], found[2], found[3]
        both = ((a, b), (b, a)) if month_first else ((b, a), (a, b))
        day = _day(year, *both[0]) or _day(year, *both[1])
        return _Day(day, _without(text, found)) if day else None
    if found := _COMPACT.search(text):
        day = _day(found[1], found[2], found[3])
        clock = f"{found[4]}:{found[5]}:{found[6] or '00'}" if found[4] and found[4] < "24" else ""
        return _Day(day, _without(text, found), f"{clock}{_zone(text[found.end() :])}" if clock else "") if day else None
    return None


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :].lstrip('日일Tt,. ')}"


def _written(text: str) -> _Day | None:
    """A date whose month is a word, or a number behind a word for "month"."""
    words = [(found[0].strip("."), found.start(), found.end()) for found in _WORD.finditer(text)]
    for i, (word, start, end) in enumerate(words):
        if word.isdecimal():
            continue
        month, last = _month(word.lower()), i
        if month == 0 and i + 1 < len(words) and words[i + 1][0].isdecimal():
            month, last = int(words[i + 1][0][:4]), i + 1
        if not month:
            continue
        where = _around(words, i, last)
        if where and (day := _day(words[where[1]][0], month, words[where[0]][0])):
            used = sorted([(start, end), *((words[at][1], words[at][2]) for at in (last, *where))])
            rest = text
            for a, b in reversed(used):
                rest = f"{rest[:a]}{' ' * (b - a)}{rest[b:]}"
            return _Day(day, rest)
    return None


def _around(words: list[tuple[str, int, int]], first: int, last: int) -> tuple[int, int] | None:
    """Where day and year are beside a month from word `first` to `last`: one short word may be between, as "de"."""

    def beside(at: int, step: int) -> int | None:
        at += step
        if 0 <= at < len(words) and len(words[at][0]) <= 3 and not words[at][0].isdecimal():
            at += step if _month(words[at][0].lower()) is None else 0
        return at if 0 <= at < len(words) and words[at][0].isdecimal() else None

    before, after = beside(first, -1), beside(last, 1)
    if before is not None and _is_day(words[before][0]):
        return (before, after) if after is not None and _is_year(words[after][0]) else None
    if after is None or not _is_day(words[after][0]):
        return None
    year = beside(after, 1)
    if year is None or not _is_year(words[year][0]):
        year = before
    return (after, year) if year is not None and _is_year(words[year][0]) else None


def _is_day(word: str) -> bool:
    return word.isdecimal() and len(word) <= 2


def _is_year(word: str) -> bool:
    return word.isdecimal() and len(word) == 4


@lru_cache(maxsize=1 << 12)
def _month(word: str) -> int | None:
    """The month that a word names; 0 if its number follows; None for other words."""
    words = lexicon()
    if word in words["month_marker"]:
        return 0
    stems = _stems()
    return next((stems[word[:size]] for size in range(min(len(word), 14), 1, -1) if word[:size] in stems), None)


@lru_cache(maxsize=1)
def _stems() -> dict[str, int]:
    return {stem: month for month in range(1, 13) for stem in lexicon()[f"month_{month}"]}


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {name: key[5:] for key, names in lexicon().items() if key.startswith("zone_") for name in names}


def _clock(rest: str) -> str:
    """Time and zone in a text without its date; empty if there is none."""
    found = _CLOCK.search(rest)
    if found and int(found[1]) < 24 and int(found[2]) < 60:
        hour, after = int(found[1]), rest[found.end() :]
        seconds = f":{int(found[3]):02d}" if found[3] and int(found[3]) < 60 else ""
        words = {word.lower().strip(".") for word in _TOKEN.findall(f"{rest[: found.start()]} {after}")}
        hour = _of_day(hour, words)
        return f"{hour:02d}:{int(found[2]):02d}{seconds}{_zone(after)}"
    if (found := _HOUR.search(rest)) and 0 < int(found[1]) <= 12:
        return f"{_of_day(int(found[1]), {found[2].lower().replace('.', '')}):02d}:00{_zone(rest[found.end() :])}"
    return ""


def _of_day(hour: int, words: set[str]) -> int:
    if hour <= 12 and words & lexicon()["clock_pm"]:
        return hour % 12 + 12
    return 0 if hour == 12 and words & lexicon()["clock_am"] else hour


def _zone(after: str) -> str:
    """The offset that follows a time, such as `+07:00`; empty if none does."""
    if found := _OFFSET.search(after[:40]):
        hours, minutes = int(found[2]), int(found[3] or 0)
        if hours <= 14 and minutes < 60:
            return f"{'+' if found[1] == '+' else '-'}{hours:02d}:{minutes:02d}"
    zones = _zones()
    return next((zones[word] for word in map(str.lower, _TOKEN.findall(after[:40])) if word in zones), "")
