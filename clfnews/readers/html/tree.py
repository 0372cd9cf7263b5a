"""The tree of an HTML document, parsed by selectolax (lexbor), and what kind of element each of its tags is.

Markup can be written so that any parser takes minutes or gigabytes for a few
kilobytes; `guard.guarded` says what is safe to parse here, the rest goes to a
process of its own with limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from clfnews.errors import UserError

_BLOCKS = """
    address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main marquee menu nav ol p pre section search summary table tbody tfoot
    thead tr ul button"""
BLOCK_TAGS = tuple(_BLOCKS.split())
"""Elements that begin a line of their own."""
_UNSEEN = """
    head script style noscript template svg iframe select textarea object embed audio video canvas noframes noembed
    datalist title"""

# Elements that a parser must open again in every block until they are closed:
# n of them left open times n blocks are n * n nodes. No cue needs them.
_NAMES = "b|big|code|em|font|i|s|small|strike|strong|tt|u"
_FIRST = "".join(sorted({letter for name in _NAMES.split("|") for letter in (name[0], name[0].upper())}))
# Both cases spelled out: with a flag the search would not jump from "<" to "<".
_FORMATTING = re.compile(
    # Most tags are ruled out by their first letter, before name after name is tried.
    rb"</?+(?=[" + _FIRST.encode() + rb"])"
    # A tag without an end goes to the end of the document, and is no tag to a parser either.
    rb"(?:" + re.sub("[a-z]", lambda x: f"[{x[0]}{x[0].upper()}]", _NAMES).encode() + rb")(?:[\s/][^>]*+)?+(?:>|\Z)"
)
FEW_TAGS = 1_500
"""A document with fewer tags needs no care."""

INLINE, TEXT, UNSEEN, BREAK, BLOCK, CELL, LINK = range(7)
"""Kinds of elements, by what they do to a line."""


def tree_of(utf8: bytes) -> Any:
    """The tree of a document in valid UTF-8."""
    if utf8.count(b"<") > FEW_TAGS:
        # NUL: the parser drops it, but no new tag can grow together over it.
        utf8 = _FORMATTING.sub(b"\0", utf8)
    return tags().parser(utf8)


@dataclass(frozen=True)
class Tags:
    """What lexbor's tag numbers mean. Comparing numbers is faster than asking for names."""

    parser: Any
    kinds: dict[int, int]
    names: dict[int, str]
    noscript: int


@lru_cache(maxsize=1)
def tags() -> Tags:
    """The tags of the installed parser; raises `UserError` if there is none."""
    try:
        from selectolax.lexbor import LexborHTMLParser
    except ImportError as error:
        raise UserError("reading HTML needs selectolax, which is missing: pip install selectolax") from error
    document = LexborHTMLParser("<p>text</p>")
    blocks, unseen, cells = BLOCK_TAGS, _UNSEEN.split(), ("td", "th")
    number = {name: document.create_node(name).tag_id for name in (*blocks, *unseen, *cells, "br", "a")}
    paragraph = document.css_first("p")
    text = paragraph.first_child if paragraph else None
    kinds = {number[name]: BLOCK for name in blocks} | {number[name]: UNSEEN for name in unseen}
    kinds |= {number[name]: CELL for name in cells} | {number["br"]: BREAK, number["a"]: LINK}
    kinds[text.tag_id if text else 2] = TEXT
    names = {n: name for name, n in number.items()}
    return Tags(LexborHTMLParser, kinds, names, number["noscript"])
