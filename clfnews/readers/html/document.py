"""`read_html`: a document to a page, in another process if it could take long."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clfnews.page import Line, Page, site_of
from clfnews.readers.html.encoding import to_utf8
from clfnews.readers.html.facts import facts_of
from clfnews.readers.html.guard import guarded
from clfnews.readers.html.jsonld import read_linked
from clfnews.readers.html.scan import closed_empty, is_xhtml
from clfnews.readers.html.tree import BLOCK_TAGS
from clfnews.readers.html.unseen import with_article, with_shadow_roots

MAX_HTML_BYTES = 16 * 1024 * 1024
"""A larger HTML page is not read."""
MAX_SECONDS = 20.0
"""How long the conversion of one suspicious page may take."""
_SOME_TAG = re.compile(rb"<(?:!doctype|html|head|body|div|p|a|table|meta|title)\b", re.IGNORECASE)
_OTHER_FILES = (b"%PDF-", b"GIF8", b"PK\x03\x04", b"RIFF")
"""How files begin that are no HTML, whatever they are called, and may hold no NUL."""
_SPACE = re.compile(r"[\s\ufeff]*+")
_MARKUP = re.compile(r"<(?:!doctype\s++html|head|" + "|".join((*BLOCK_TAGS, "td", "th")) + r")(?=[\s/>])", re.IGNORECASE)
_CLOSING_TAG = re.compile(r"</[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Document:
    """A page and how well it could be read."""

    page: Page
    replaced: int
    """Bytes that were not valid in the page's encoding."""


def read_html(
    data: bytes | str,
    id: str = "page",
    *,
    url: str | None = None,
    charset: str | None = None,
    seconds: float = MAX_SECONDS,
    hidden: bool = False,
) -> Document:
    """The page of an HTML document.

    Parameters: `charset` of the HTTP header; `url` if known (else the canonical
    one of the document); `seconds` that a suspicious document may take.
    Raises `ValueError` for a document that is too large, is binary, has too many
    lines or takes too long, and `UserError` if selectolax is not installed.
    """
    if len(data) > MAX_HTML_BYTES:
        raise ValueError(f"is larger than {MAX_HTML_BYTES // 2**20} MiB; not a page")
    utf8, replaced = (data.encode("utf-8", errors="replace"), 0) if isinstance(data, str) else to_utf8(data, charset)
    if isinstance(data, bytes) and (
        utf8.startswith(_OTHER_FILES) or (b"\0" in utf8[:8192] and not _SOME_TAG.search(utf8[:65536]))
    ):
        raise ValueError("is a binary file, not HTML")
    if is_xhtml(utf8):
        utf8 = closed_empty(utf8)
    utf8 = with_shadow_roots(utf8)
    shown, marked = guarded(utf8, seconds, hidden)
    titles = [title for title in marked["title"] if title]
    rows, text_from = with_article(
        shown, utf8, titles[0] if titles else None, lambda page, everything: guarded(page, seconds, everything).rows
    )
    lines = tuple(Line(text, n, None, None, cues) for n, (text, cues) in enumerate(rows, 1))
    # Of the bytes, not of the tree: scripts are cut out of what is parsed where they look dangerous.
    facts = facts_of(marked, read_linked(utf8), lines, url)
    facts["url"] = url or facts.get("url")
    page = Page(
        id, lines, site=site_of(facts["url"]) if facts["url"] else None, guessed=frozenset(facts), text_from=text_from, **facts
    )
    return Document(page, replaced)


def is_html(text: str) -> bool:
    """Whether a text is an HTML document or fragment: it begins with a doctype or a block and has closing tags."""
    at = _after_prologue(text)
    return _MARKUP.match(text, at) is not None and _CLOSING_TAG.search(text, at) is not None


def _after_prologue(text: str) -> int:
    """Where a document begins behind white space, an XML declaration and comments."""
    at = _after_space(text, 0)
    if text.startswith("<?xml", at) and (end := text.find(">", at, at + 206)) >= 0:
        at = _after_space(text, end + 1)
    while text.startswith("<!--", at) and (end := text.find("-->", at + 4)) >= 0:
        at = _after_space(text, end + 3)
    return at


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
