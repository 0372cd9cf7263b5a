"""What the head of an HTML document says of its page: title, address, date."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from clfnews.page import normalise
from clfnews.readers.html.scan import Piece, attributes_of, pieces

# Comments and scripts too, for what is in them is no part of the head.
_POINTS = re.compile(rb"<(?:!--|(?:meta|link|title|script|style|textarea)(?=[\s/>]))", re.IGNORECASE)
_LONGEST = 4_000
"""Bytes of a value that are read."""


class Head(NamedTuple):
    """What was found; None for what was not."""

    title: str | None
    """`og:title`, else `<title>`."""
    url: str | None
    """The canonical address, else `og:url`."""
    date: str | None
    """When the page was published, as it is written there."""


def read_head(utf8: bytes) -> Head:
    """The head of a document in valid UTF-8, by its bytes: a parser is not needed for three values.

    The whole document is looked through: its head may stand behind large
    scripts, and some pages say their date in the body. The first of equal
    elements counts.
    """
    found: dict[str, str] = {}
    for piece in pieces(utf8, _POINTS):
        for key, raw in _said(piece):
            if key not in found and (value := _clean(raw[:_LONGEST])):
                found[key] = value
        if found.keys() >= _BEST:
            break
    urls = (found.get("canonical"), found.get("og:url"))
    return Head(
        title=found.get("og:title") or found.get("title"),
        url=next((url for url in urls if url and url.lower().startswith(("http://", "https://"))), None),
        date=found.get("article:published_time") or found.get("datepublished"),
    )


_BEST = {"og:title", "canonical", "article:published_time"}
_NAMES = {"og:title", "og:url", "article:published_time", "datepublished"}


def _said(piece: Piece) -> list[tuple[str, bytes]]:
    """Names and values of an element; none if it is of no use here."""
    if piece.name == b"title":
        return [("title", piece.content)]
    if piece.name not in (b"meta", b"link"):
        return []
    attributes = attributes_of(piece)
    if piece.name == b"link":
        return (
            [("canonical", attributes.get(b"href", b""))] if b"canonical" in attributes.get(b"rel", b"").lower().split() else []
        )
    keys = {attributes.get(key, b"").strip().lower().decode("utf-8", "replace") for key in (b"property", b"name", b"itemprop")}
    return [(key, attributes.get(b"content", b"")) for key in sorted(keys & _NAMES)]


def _clean(raw: bytes) -> str | None:
    return normalise(html.unescape(raw.decode("utf-8", errors="replace"))) or None
