"""The article of a page that shows none by itself: in `<noscript>`, in boxes that a script opens, or in the page's data.

Hidden text is read as the page's own only if the page shows no article, the
hidden text is one, and no part of it is on show: a reader of the page sees it
once the scripts have run. Menus and dialogs stay hidden.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from clfnews.page import Cues
from clfnews.readers.html.blocks import RawLine
from clfnews.readers.html.scan import attributes_of, pieces
from clfnews.readers.html.state import Told, told_by_json_ld, told_by_state

PAGE = "page"
"""What `Page.text_from` says of a text that stands on the page."""
_ENOUGH = 1_000
"""Letters of running text from which a page has an article of its own, whatever is hidden."""
_LEAST, _SENTENCES = 400, 3
"""Letters and sentences that an article has at least."""
_MORE = 3
"""Hidden text is so many times as long as the running text on show."""
_PIECE, _STEP = 40, 200
"""A text is on show if two pieces of so many letters, at such distances, are."""
_LINE, _LONG_LINE = 60, 120
"""Letters of a sentence; from the second number on it needs no stop (Thai has none)."""
_STOPS = tuple(".!?…:;\"'”’»。！？」』।॥؟۔｡")
_SENTENCE_END = re.compile(r"[.!?…。！？।॥؟۔｡]++(?=[\s\"'”’»」』]|$|[\u2e80-\u9fff])")
_NO_ARTICLE = frozenset({"related", "navigation", "comment", "share", "ad", "form", "side", "footer"})
_NO_REGION = frozenset({"nav", "footer", "aside"})
_DIALOG = re.compile(r"/dialog\b|\bdialog(?=/|$| )")
_MARKUP = re.compile(r"<(?:p|br|div|h[1-6]|ul|ol|blockquote)\b[^<>]*+>", re.IGNORECASE)
_SCRIPTS = re.compile(rb"<(?:!--|(?:script|style|textarea|title)(?=[\s/>]))", re.IGNORECASE)
_SHADOW = re.compile(rb"<(?:!--|/?template(?=[\s/>])|(?:script|style|textarea|title)(?=[\s/>]))", re.IGNORECASE)

Reading = Callable[[bytes, bool], list[RawLine]]
"""`html_rows` within limits: a document, and whether its hidden lines count, to rows."""


class Article(NamedTuple):
    """Rows of a page, and where its article stands: `page`, `noscript`, `hidden`, `json-ld` or `state`."""

    rows: list[RawLine]
    origin: str


def with_article(rows: list[RawLine], utf8: bytes, title: str | None, read: Reading) -> Article:
    """The rows of a page (those of hidden boxes may be among them), with its article if only a script shows that.

    Parameters: `title` of the page, which tells its article among several.
    """
    shown = [row for row in rows if not row.cues.hidden]
    if running_text(shown, _ENOUGH) >= _ENOUGH:
        return Article(rows, PAGE)
    limit = running_text(shown)
    everything = rows if len(rows) > len(shown) else read(utf8, True)
    keeps_hidden = everything is rows
    if (found := _in_boxes(everything, shown, limit)) is not None:
        first, last = found
        origin = "noscript" if "/noscript" in everything[first].cues.path else "hidden"
        opened = [
            RawLine(text, cues._replace(hidden=False)) if first <= i < last else RawLine(text, cues)
            for i, (text, cues) in enumerate(everything)
        ]
        return Article(opened if keeps_hidden else _without_hidden(opened), origin)
    for origin, told in (("json-ld", told_by_json_ld), ("state", told_by_state)):
        article = _told(told(_scripts(utf8)), shown, limit, title, read)
        if article:
            return Article(_inserted(rows, article), origin)
    return Article(rows, PAGE)


def running_text(rows: Sequence[RawLine], enough: int | None = None) -> int:
    """Letters of the lines that read like sentences of an article; counting may stop at `enough`."""
    total = 0
    for text, cues in rows:
        if len(text) < 25 or cues.link_density > 0.5 or cues.hint in _NO_ARTICLE or cues.region in _NO_REGION:
            continue
        size = len(text)
        if not text.isascii() and size < _LONG_LINE:
            size += sum(3 for char in text if char > "\u2e80") // 2  # a sign of Chinese tells as much as 2.5 letters
        if (size >= _LONG_LINE or (size >= _LINE and text.endswith(_STOPS))) and not _DIALOG.search(cues.path):
            total += size
            if enough is not None and total >= enough:
                break
    return total


def with_shadow_roots(utf8: bytes) -> bytes:
    """The document with its declarative shadow roots as the boxes that a reader sees (HTML standard, 4.12.3)."""
    if b"shadowroot" not in utf8 and b"shadowRoot" not in utf8:
        return utf8
    kept, at, stack = [], 0, []
    for piece in pieces(utf8, _SHADOW):
        if piece.name == b"template":
            stack.append(not attributes_of(piece).keys().isdisjoint((b"shadowrootmode", b"shadowroot")))
            opens = stack[-1]
        elif piece.name == b"/template" and stack:
            opens = stack.pop()
        else:
            continue
        if opens:
            kept += [utf8[at : piece.start], b"</div>" if piece.name.startswith(b"/") else b"<div>"]
            at = piece.end
    return b"".join([*kept, utf8[at:]])


def _in_boxes(rows: list[RawLine], shown: list[RawLine], limit: int) -> tuple[int, int] | None:
    """First line of the longest article in hidden boxes, and the line after its last."""
    best, found, at = 0, None, 0
    for hidden, group in groupby(rows, key=lambda row: row.cues.hidden):
        run = list(group)
        if hidden and _is_article(run, limit) and not _is_on_show(run, shown) and (size := running_text(run)) > best:
            best, found = size, (at, at + len(run))
        at += len(run)
    return found


def _is_article(rows: list[RawLine], limit: int) -> bool:
    """Whether rows are an article that is longer than what the page shows (`limit`)."""
    size = running_text(rows)
    if size < max(_LEAST, _MORE * limit):
        return False
    return sum(len(_SENTENCE_END.findall(text)) or len(text) // _LONG_LINE for text, _ in rows) >= _SENTENCES


def _is_on_show(rows: list[RawLine], shown: list[RawLine]) -> bool:
    seen = "\n".join(text for text, _ in shown)
    found = (
        text[at : at + _PIECE] in seen
        for text, _ in rows
        for at in range(0, max(len(text) - _PIECE, 1), _STEP)
        if len(text) >= _PIECE
    )
    return sum(found) >= 2


def _without_hidden(rows: list[RawLine]) -> list[RawLine]:
    """The rows that are not hidden; what each shares with the line before it is counted anew."""
    kept: list[RawLine] = []
    shared = None
    for text, cues in rows:
        shared = cues.shared if shared is None else min(shared, cues.shared)
        if not cues.hidden:
            kept.append(RawLine(text, cues._replace(shared=shared)))
            shared = None
    return kept


def _scripts(utf8: bytes) -> Iterator[tuple[str, str]]:
    """Type and text of every script."""
    for piece in pieces(utf8, _SCRIPTS):
        if piece.name == b"script" and len(piece.content) >= _LEAST:
            kind = attributes_of(piece).get(b"type", b"").decode("utf-8", "replace").lower()
            yield kind, piece.content.decode("utf-8", "replace")


def _told(told: Sequence[Told], shown: list[RawLine], limit: int, title: str | None, read: Reading) -> list[RawLine]:
    """The article among the texts that a page's data tell; none if they are several and none has the page's title."""
    found = [(one, rows) for one in told if len(one.text) >= _LEAST and _is_article(rows := _rows_of(one, read), limit)]
    if len(found) > 1:
        found = [(one, rows) for one, rows in found if one.title and _same_title(one.title, title or "")]
    if len(found) != 1 or _is_on_show(found[0][1], shown):
        return []
    rows = found[0][1]
    # A headline that is on show needs no second one.
    return rows[1:] if rows[0].cues.tag == "h1" and any(row.text == rows[0].text for row in shown) else rows


def _same_title(one: str, other: str) -> bool:
    one, other = " ".join(one.split()).casefold(), " ".join(other.split()).casefold()
    return bool(one) and bool(other) and (one in other or other in one)


def _rows_of(told: Told, read: Reading) -> list[RawLine]:
    """The text as the lines of a small page."""
    text = told.text
    if not _MARKUP.search(text):
        text = html.unescape(text)
    if not _MARKUP.search(text):
        text = "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines())
    title = f"<h1>{html.escape(html.unescape(told.title))}</h1>" if told.title else ""
    page = f'<html><body><article class="article content">{title}{text}</article></body></html>'
    return read(page.encode("utf-8", "replace"), False)


def _inserted(rows: list[RawLine], article: list[RawLine]) -> list[RawLine]:
    """The rows of a page with an article below its headline, else below the menus at its top."""
    heads = [i for i, (_, cues) in enumerate(rows) if cues.tag == "h1" and not cues.hidden]
    at = heads[0] + 1 if heads else next((i for i, (_, cues) in enumerate(rows) if not _is_top(cues)), len(rows))
    around = 2  # <html> and <body>
    joined = [*rows[:at], *article]
    if at:
        text, cues = article[0]
        joined[at] = RawLine(text, cues._replace(shared=around))
    below = rows[at:]
    if below:
        text, cues = below[0]
        below[0] = RawLine(text, cues._replace(shared=min(cues.shared, around)))
    return joined + below


def _is_top(cues: Cues) -> bool:
    return cues.hidden or cues.region in ("nav", "header") or cues.hint == "navigation" or cues.link_density > 0.5
