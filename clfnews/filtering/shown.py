"""A filtered page as a person reads it: `as_article` in plain text, `as_markdown` with headings, lists and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from clfnews.filtering.tagged import TaggedLine, TaggedPage
from clfnews.page import Cues

_LEVELS = {"h1": 2, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
"""Tag of a section heading -> its level; the first belongs to the headline."""
RULE = "\n---\n\n"
"""What stands between two pages of Markdown in a file."""
_CELLS = " | "
"""What the reader of HTML puts between the cells of a row."""
_MARKUP = re.compile(r"([#>+*=|~`-]|\d+[.)](?=\s))")
_SECONDS = re.compile(r"(T\d\d:\d\d)(?::\d\d(?:\.\d++)?)?")


def byline(tagged: TaggedPage) -> str:
    """Date, authors, site and language, as far as they are known; in one line."""
    page = tagged.page
    date = _SECONDS.sub(r"\1", page.date).replace("T", " ") if page.date and page.date[:4].isdecimal() else page.date
    facts = (date, ", ".join(page.authors), page.site_name or page.site, page.language)
    return " | ".join(fact for fact in facts if fact)


def body_lines(tagged: TaggedPage) -> list[tuple[TaggedLine, Cues | None]]:
    """The kept lines without the headline, and what the markup said about them."""
    kept = [(line, own.cues) for line, own in zip(tagged.lines, tagged.page.lines, strict=True) if line.keep]
    at = next((i for i, (line, _) in enumerate(kept) if line.text == tagged.title), None)
    return kept if at is None else kept[:at] + kept[at + 1 :]


def as_article(tagged: TaggedPage) -> str:
    """Headline, byline and text, with an empty line between paragraphs; empty if nothing was kept."""
    if tagged.reason:
        return ""
    head = "\n".join(filter(None, (tagged.title, byline(tagged))))
    return "\n\n".join(filter(None, (head, *(line.text for line, _ in body_lines(tagged)))))


def as_markdown(tagged: TaggedPage) -> str:
    """The same with `#` for the headline, and headings, list items, quotes and tables of HTML as Markdown has them."""
    if tagged.reason:
        return ""
    title, facts = tagged.title, byline(tagged)
    blocks = [f"# {title}"] if title else []
    blocks += [f"*{_escaped(facts)}*"] if facts else []
    for kind, group in groupby(body_lines(tagged), key=lambda item: _kind(*item)):
        texts = [line.text for line, _ in group]
        if kind == "li":
            blocks.append("\n".join(f"- {text}" for text in texts))
        elif kind == "td":
            blocks.append("\n".join(_table(texts)))
        else:
            mark = "> " if kind == "blockquote" else f"{'#' * _LEVELS[kind]} " if kind in _LEVELS else ""
            blocks += [f"{mark}{_escaped(text)}" for text in texts]
    return "\n\n".join(blocks)


def _kind(line: TaggedLine, cues: Cues | None) -> str:
    """The tag of the box that decides how a line is shown; empty for a paragraph."""
    if cues is None:
        return ""
    if cues.tag in _LEVELS or (cues.tag == "td" and _CELLS.strip() in line.text):
        return cues.tag
    inner = [step.split(" ", 1)[0] for step in cues.path.rsplit("/", 4)[1:]]
    return next((tag for tag in reversed(inner) if tag in ("li", "blockquote")), "")


def _table(rows: list[str]) -> Iterator[str]:
    """Rows of cells as a table; the first is its head."""
    cells = [[cell.strip() for cell in row.split(_CELLS.strip())] for row in rows]
    width = max(map(len, cells))
    for n, row in enumerate(cells):
        yield f"| {' | '.join(row + [''] * (width - len(row)))} |"
        if n == 0:
            yield f"|{' --- |' * width}"


def _escaped(text: str) -> str:
    """A text whose beginning is no mark of Markdown."""
    return f"\\{text}" if _MARKUP.match(text) and not text[0].isdecimal() else re.sub(r"^(\d+)([.)])(?=\s)", r"\1\\\2", text)
