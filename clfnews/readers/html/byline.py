"""Date and authors in the lines around the headline: what a reader sees where the markup says nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from clfnews.page import Line
from clfnews.record.dates import read_date
from clfnews.record.names import names_of_line

_AUTHOR = re.compile(r"\b(?:authors?|byline|bylines|autor|autores|auteur|auteurs|tacgia|writer|reporter|penulis|yazar)\b")
_ELSEWHERE = frozenset({"related", "comment", "side", "footer", "navigation", "share", "ad", "form"})
_BEFORE, _BEHIND, _LONGEST = 6, 15, 150
"""Lines before and behind the headline that are looked at, and characters of a line that can be of a byline."""
_FEW_WORDS = 6


class Byline(NamedTuple):
    """What the lines say."""

    date: str | None = None
    authors: tuple[str, ...] = ()


def read_byline(lines: Sequence[Line], title: str | None, month_first: bool = False) -> Byline:
    """The first date behind the headline, else before it; names in boxes that are called author or byline."""
    at = _headline(lines, title)
    if at is None:
        return Byline()
    near = [*lines[at + 1 : at + 1 + _BEHIND], *reversed(lines[max(0, at - _BEFORE) : at])]
    short = [line for line in near if len(line.text) <= _LONGEST]
    dates = (read_date(line.text, month_first=month_first) for line in short if _may_be_a_date(line.text))
    return Byline(next(filter(None, dates), None), _authors([*short, *lines[at + 1 + _BEHIND :]]))


def _may_be_a_date(text: str) -> bool:
    """Whether a line has figures and few words beside them; captions end with dates too."""
    return any(map(str.isdecimal, text)) and sum(map(str.isalpha, text.split())) <= _FEW_WORDS


def _headline(lines: Sequence[Line], title: str | None) -> int | None:
    """Where the headline is: the first `<h1>` with its text, else the first line with it."""
    found = [i for i, line in enumerate(lines) if line.text == title]
    return next((i for i in found if (cues := lines[i].cues) and cues.tag == "h1"), found[0] if found else None)


def _authors(lines: Sequence[Line]) -> tuple[str, ...]:
    for line in lines:
        cues = line.cues
        if cues is None or len(line.text) > _LONGEST or cues.hint in _ELSEWHERE or cues.region == "footer":
            continue
        own = cues.path.rsplit("/", 2)
        if _AUTHOR.search("/".join(own[-2:])) and "quote" not in cues.path and (found := names_of_line(line.text)):
            return found
    return ()
