"""Lines of a data folder that stand on pages which are only for measuring (`clfnews data check --against`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from clfnews.data.rows import SplitRow, read_folder
from clfnews.errors import counted
from clfnews.page import Page

_LINE, _SENTENCE = 20, 60
"""Characters from which a line is more than a word of the interface, and from which one alone is told."""
_LINES = 3
"""Shorter lines of one page from which they are told."""
_SITES = 3
"""A line of so many sites is a phrase that any site uses."""


def shared_with(folder: Path, pages: Iterable[Page]) -> Iterator[str]:
    """One line of text for each page of a data folder that shares lines with one of `pages`; the same lines are told once.

    A line counts from `_LINE` characters on, without regard to case; told is what shares one of `_SENTENCE` characters or
    `_LINES` others. Lines that stand on several sites are no one's. Parameters: `pages`, such as a benchmark that scores are
    told on. Raises `UserError` if there is no data folder.
    """
    problems: list[str] = []
    rows = read_folder(folder, problems)
    theirs = _lines_of(pages)
    told: set[tuple[str, ...]] = set()
    for row in rows:
        for page, lines in _shared(row, theirs).items():
            if (page, *lines) not in told:
                told.add((page, *lines))
                yield f"{row.place}: shares {counted(len(lines), 'line')} with page {page!r}: {lines[0][:80]!r}"


def _lines_of(pages: Iterable[Page]) -> dict[str, str]:
    """Line -> the first page that has it, without those of several sites."""
    page_of: dict[str, str] = {}
    sites: dict[str, set[str]] = defaultdict(set)
    for page in pages:
        for line in page.lines:
            if len(line.text) >= _LINE:
                text = line.text.casefold()
                page_of.setdefault(text, page.id)
                sites[text].add(page.site or page.id)
    return {text: page for text, page in page_of.items() if len(sites[text]) < _SITES}


def _shared(row: SplitRow, theirs: dict[str, str]) -> dict[str, Sequence[str]]:
    """Page -> the lines of a row that it has too, longest first, where they are enough to tell."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in row.lines:
        text = line.text.casefold()
        if text in theirs:
            found[theirs[text]].add(line.text)
    lines = {page: sorted(some, key=lambda text: (-len(text), text)) for page, some in found.items()}
    return {page: some for page, some in lines.items() if len(some) >= _LINES or len(some[0]) >= _SENTENCE}
