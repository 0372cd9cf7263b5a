"""The record of a page, completed with what only the filter knows: which lines are the article, and which the byline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clfnews.page import Page
from clfnews.record.dates import read_date
from clfnews.record.language import language_of
from clfnews.record.names import is_publisher, names_of_line

if TYPE_CHECKING:
    from clfnews.filtering.tagged import TaggedLine

_MENU = 0.5
"""Share of links from which on a line tells nothing of a page's language."""


def completed(page: Page, lines: Sequence[TaggedLine]) -> Page:
    """The page with the language of its article, and with date and authors of its byline where nothing else tells them.

    What a row gave stays as it is.
    """
    changes: dict[str, Any] = {}
    if page.language is None or "language" in page.guessed:
        language, p = language_of(_texts(page, lines), page.language)
        changes |= {"language": language, "language_p": p}
    authors = _are_missing(page)
    if page.date is None or authors:
        bylines = _bylines(lines)
        if page.date is None:
            changes["date"] = next(filter(None, map(read_date, bylines)), None)
        if authors:
            changes["authors"] = next(filter(None, map(names_of_line, bylines)), page.authors)
    return replace(page, **changes) if changes else page


def _texts(page: Page, lines: Sequence[TaggedLine]) -> list[str]:
    """The kept lines; without any, those that are no menu."""
    kept = [line.text for line in lines if line.keep]
    return kept or [line.text for line in page.lines if line.cues is None or line.cues.link_density < _MENU]


def _are_missing(page: Page) -> bool:
    """Whether a byline may tell authors: there are none, or markup names the publisher alone."""
    guessed = "authors" in page.guessed
    return not page.authors or (guessed and all(is_publisher(name, page.site_name, page.site) for name in page.authors))


def _bylines(lines: Sequence[TaggedLine]) -> list[str]:
    """Lines of bylines: those behind the beginning of the article, in their order, then those before it, the nearest first."""
    start = next((i for i, line in enumerate(lines) if line.keep), None)
    if start is None:
        return []
    behind = [line.text for line in lines[start:] if line.type == "byline"]
    return behind + [line.text for line in reversed(lines[:start]) if line.type == "byline"]
