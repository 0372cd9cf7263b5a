"""Tags, comments and scripts in the bytes of an HTML document, found without a parser in one pass.

For what has to be known before or beside parsing. Time grows with the document
alone, whatever is in it: no pattern here tries a byte twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

COMMENT = b"!--"
"""The name of a piece that is a comment."""

# A tag as the HTML standard reads it (13.2.5): a ">" in quotes does not end it,
# and quotes count only behind "=".
_VALUE = rb"""(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+))?+"""
_TAG = re.compile(rb"<(/?+[A-Za-z][^\s/>]*+)((?:[\s/]++|[^\s/>][^\s/>=]*+" + _VALUE + rb")*+)>")
_PAIR = re.compile(rb"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+)))?+""")
_ANY = re.compile(rb"<(?:!--|/?[A-Za-z])")
_RAW = ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
"""Elements whose content is text up to their closing tag, whatever it looks like."""
_CLOSING = {name.encode(): re.compile(rf"</{name}(?=[\s/>])[^>]*+>?".encode(), re.IGNORECASE) for name in _RAW}
_START = re.compile(rb"</?[A-Za-z]")
MANY_ATTRIBUTES = 4_000
"""Attributes of one tag; four thousand are 0.1 s of parsing, twice as many four times that."""
LONG_TAG = 2 * MANY_ATTRIBUTES
"""Bytes; a shorter tag cannot have so many attributes."""
_SELF_CLOSED = re.compile(
    rb"<(?:!--|(?:" + "|".join(_RAW).encode() + rb")(?=[\s/>])"
    rb"|(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)(?=[\s/>]))[A-Za-z][^<>]*+>(?<=/>))",
    re.IGNORECASE,
)
"""Where a tag may close itself that is none of the empty elements of HTML; and comments and texts, which hold no tags."""
_BEFORE_SLASH = (b"'", b'"', b" ", b"\n", b"\t", b"\r")
_NESTED_SCRIPT = re.compile(rb"<!--.*?<script\b", re.IGNORECASE | re.DOTALL)


class Piece(NamedTuple):
    """A comment, a tag, or an element of `_RAW` with its content and closing tag."""

    name: bytes
    """In lower case; a closing tag begins with `/`."""
    start: int
    end: int
    attributes: bytes = b""
    content: bytes = b""
    closed: bool = True
    """False if the document ends in it."""


def pieces(utf8: bytes, points: re.Pattern[bytes] = _ANY) -> Iterator[Piece]:
    """The pieces of a document in their order; `points` finds the beginnings that count."""
    at = 0
    while found := points.search(utf8, at):
        piece = _piece(utf8, found.start())
        yield piece
        at = piece.end


def _piece(utf8: bytes, start: int) -> Piece:
    if utf8.startswith(b"<!--", start):
        end = utf8.find(b"-->", start + 2)  # "<!-->" is a whole comment
        return Piece(COMMENT, start, end + 3) if end >= 0 else Piece(COMMENT, start, len(utf8), closed=False)
    tag = _TAG.match(utf8, start)
    if tag is None:
        return Piece(b"", start, len(utf8), closed=False)
    name = tag[1].lower()
    if name not in _CLOSING:
        return Piece(name, start, tag.end(), tag[2])
    closing = _CLOSING[name].search(utf8, tag.end())
    content = utf8[tag.end() : closing.start() if closing else len(utf8)]
    return Piece(name, start, closing.end() if closing else len(utf8), tag[2], content, closing is not None)


def attributes_of(piece: Piece) -> dict[bytes, bytes]:
    """Attributes by their names in lower case, as they are written; of equal names the first counts."""
    found: dict[bytes, bytes] = {}
    for name, double, single, bare in _PAIR.findall(piece.attributes):
        found.setdefault(name.lower(), double or single or bare)
    return found


def is_xhtml(utf8: bytes) -> bool:
    """Whether a document says that it is XML: by its declaration, or by doctype and name space."""
    start = utf8[:2048].lstrip()
    return start.startswith(b"<?xml") or (b"//DTD XHTML" in start and b"http://www.w3.org/1999/xhtml" in start)


def closed_empty(utf8: bytes) -> bytes:
    """An XHTML document with `<script ... />` and `<a ... />` as `<script ... ></script>` and `<a ... ></a>`.

    In XML such an element is empty. A parser of HTML overlooks the slash, and
    takes the rest of the page for a script, or for a link.
    """
    kept, at, last = [], 0, 0
    while found := _SELF_CLOSED.search(utf8, at):
        tag = None if found[0] == b"<!--" else _TAG.match(utf8, found.start())
        # The slash of `<a href=http://a.example/>` belongs to the address.
        if tag and tag[2].endswith(b"/") and (len(tag[2]) == 1 or tag[2][-2:-1] in _BEFORE_SLASH):
            kept += [utf8[last : tag.end() - 2], b"></", tag[1], b">"]
            at = last = tag.end()
        else:
            at = max(_piece(utf8, found.start()).end, found.end())
    return b"".join([*kept, utf8[last:]])


def without_unseen(utf8: bytes) -> bytes:
    """The document without comments, scripts and styles: nothing of them is seen, and they are half of many pages."""
    kept, at = [], 0
    for piece in pieces(utf8):
        if piece.name == b"script" and _NESTED_SCRIPT.match(piece.content.lstrip()):
            return utf8  # where such a script ends only a parser knows
        if piece.name in (COMMENT, b"script", b"style", b""):
            kept.append(utf8[at : piece.start])
            at = piece.end
    kept.append(utf8[at:])
    return b"".join(kept)


def has_huge_tag(utf8: bytes) -> bool:
    """Whether some tag may have more than `MANY_ATTRIBUTES`, wherever a parser sees tags begin.

    A parser compares every attribute of a tag with all others. What is text and
    what is a tag only a parser knows, so every "<" in a place where a long tag
    can begin is tried; True also if that would take too long.
    """
    left = 4 * len(utf8) + LONG_TAG
    for start in _suspicious(utf8):
        tag = _TAG.match(utf8, start)
        size = (tag.end() if tag else len(utf8)) - start
        left -= size
        if left < 0 or (size > LONG_TAG and (tag is None or len(_PAIR.findall(tag[2])) > MANY_ATTRIBUTES)):
            return True
    return False


def _suspicious(utf8: bytes) -> Iterator[int]:
    """Every beginning of a tag before a long piece without ">", or in a piece that ends with a ">" in quotes."""
    import numpy as np

    data = np.frombuffer(utf8, dtype=np.uint8)
    ends = np.append(np.flatnonzero(data == ord(">")), len(data))
    starts = np.concatenate(([0], ends[:-1] + 1))
    long = ends - starts > LONG_TAG
    # A value that holds a ">" begins with the last quote of its kind before it.
    crossing = np.zeros(len(ends), dtype=bool)
    for quote in (b'"', b"'"):
        places = np.flatnonzero(data == quote[0])
        if not len(places):
            continue
        last = places[np.searchsorted(places, ends[:-1]) - 1]
        inside = np.flatnonzero((last > starts[:-1]) & (last < ends[:-1]))
        before = data[last[inside] - 1]
        inside = inside[(before == ord("=")) | (before <= ord(" "))]
        for i in inside.tolist():
            crossing[i] |= utf8[int(starts[i]) : int(last[i])].rstrip().endswith(b"=")
    for i in np.flatnonzero(long | crossing).tolist():
        yield from (found.start() for found in _START.finditer(utf8, int(starts[i]), min(int(ends[i]) + 1, len(utf8))))
