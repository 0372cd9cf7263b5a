"""HTML bytes as a `Page`: one line a block, with what the markup says about it (`Cues`).

A text stands on the page if a reader can see it: hidden boxes, scripts, styles
and alternative texts are left out. So is `<title>`: it is no part of the page
that a reader scrolls through, and the converters whose text the models learnt
from leave it out as well; its text is one of those that `Page.title` is chosen from.

Parsing uses selectolax (lexbor). Markup can be written so that any parser takes
minutes or gigabytes for a few kilobytes; `guard.guarded` says what is safe
to parse here, the rest goes to a process of its own with limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from clfnews.errors import UserError
from clfnews.page import Cues, normalise
from clfnews.readers.html.marked import Marked, found_in
from clfnews.readers.html.names import ABSENT, naming, step_of

MAX_LINES = 50_000
"""A page with more lines is not read."""
MAX_BOXES, MAX_PATH_CHARS = 128, 2_048
"""Boxes around a line that its path tells, outermost first, and characters of it. Pages have up to 45 and 1,900."""
MAX_PATHS_CHARS = 4_000_000
"""Characters of all paths of a page; lines after that have none. Pages have up to 600,000."""
LONG_CELL = 80
"""A table cell longer than this is a line of its own; shorter ones join their row."""

_BLOCKS = """
    address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main marquee menu nav ol p pre section search summary table tbody tfoot
    thead tr ul button"""
BLOCK_TAGS = tuple(_BLOCKS.split())
"""Elements that begin a line of their own."""
_UNSEEN = """
    head script style noscript template svg iframe select textarea object embed audio video canvas noframes noembed
    datalist title"""
_LANDMARKS = frozenset({"main", "article", "nav", "header", "footer", "aside", "form"})

_HIDING = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
# Elements that a parser must open again in every block until they are closed:
# n of them left open times n blocks are n * n nodes. No cue needs them.
_NAMES = "b|big|code|em|font|i|s|small|strike|strong|tt|u"
# Both cases spelled out: with a flag the search would not jump from "<" to "<".
_FORMATTING = re.compile(
    # A tag without an end goes to the end of the document, and is no tag to a parser either.
    rb"</?(?:" + re.sub("[a-z]", lambda x: f"[{x[0]}{x[0].upper()}]", _NAMES).encode() + rb")(?:[\s/][^>]*+)?+(?:>|\Z)"
)
FEW_TAGS = 1_500


class RawLine(NamedTuple):
    """A line before it is a `Line`."""

    text: str
    cues: Cues


class Parsed(NamedTuple):
    """What is read from the tree of a document."""

    rows: list[RawLine]
    marked: Marked
    """What its elements say of the page: `marked.found_in`."""


def parsed(utf8: bytes, hidden: bool = False) -> Parsed:
    """Lines and facts of a document in valid UTF-8; see `html_rows`."""
    tree = _tree(utf8)
    return Parsed(_rows(tree, hidden), found_in(tree))


def html_rows(utf8: bytes, hidden: bool = False) -> list[RawLine]:
    """The lines of a document in valid UTF-8, those of hidden boxes too if `hidden`.

    Raises `ValueError` if there are more than `MAX_LINES`.
    """
    return _rows(_tree(utf8), hidden)


def _tree(utf8: bytes) -> Any:
    if utf8.count(b"<") > FEW_TAGS:
        # NUL: the parser drops it, but no new tag can grow together over it.
        utf8 = _FORMATTING.sub(b"\0", utf8)
    return _tables().parser(utf8)


def _rows(tree: Any, hidden: bool) -> list[RawLine]:
    root = tree.root
    # A page that shows nothing without its scripts often carries its text in hidden boxes.
    return _Walk(hidden).run(root) or _Walk(everything=True).run(root) if root is not None else []


_INLINE, _TEXT, _UNSEEN_KIND, _BREAK, _BLOCK, _CELL, _LINK = range(7)


@dataclass(frozen=True)
class _Tables:
    """What lexbor's tag numbers mean. Comparing numbers is faster than asking for names."""

    parser: Any
    kinds: dict[int, int]
    names: dict[int, str]
    noscript: int


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    try:
        from selectolax.lexbor import LexborHTMLParser
    except ImportError as error:
        raise UserError("reading HTML needs selectolax, which is missing: pip install selectolax") from error
    document = LexborHTMLParser("<p>text</p>")
    blocks, unseen, cells = BLOCK_TAGS, _UNSEEN.split(), ("td", "th")
    number = {name: document.create_node(name).tag_id for name in (*blocks, *unseen, *cells, "br", "a")}
    paragraph = document.css_first("p")
    text = paragraph.first_child if paragraph else None
    kinds = {number[name]: _BLOCK for name in blocks} | {number[name]: _UNSEEN_KIND for name in unseen}
    kinds |= {number[name]: _CELL for name in cells} | {number["br"]: _BREAK, number["a"]: _LINK}
    kinds[text.tag_id if text else 2] = _TEXT
    names = {n: name for name, n in number.items()}
    return _Tables(LexborHTMLParser, kinds, names, number["noscript"])


class _Box(NamedTuple):
    """The innermost block around a place, as far as `Cues` tell of it."""

    tag: str = "body"
    region: str = ""
    hint: str = ""
    depth: int = 1
    path: str = ""
    level: int = 0
    hidden: bool = False


class _Walk:
    """Goes through the tree once, without recursion: depth is no limit.

    Parameters: `everything`: hidden boxes and `<noscript>` too.
    """

    def __init__(self, everything: bool = False) -> None:
        self.everything = everything
        self.names = _tables().names
        self.rows: list[RawLine] = []
        self.parts: list[str] = []
        self.size = self.link_size = 0
        self.joint = ""
        # Where the text of the current table cell begins in the line: (parts, size, size of links).
        self.cell = (0, 0, 0)
        self.box = _Box()
        self.broken = False
        # Boxes around the place that were also around the line before.
        self.shared = 0
        # Words of class and id of the first inline element of the line.
        self.lead = ""
        self.path = ""
        self.paths_left = MAX_PATHS_CHARS

    def run(self, root: Any) -> list[RawLine]:
        """The lines below an element, in reading order."""
        tables = _tables()
        kinds = (tables.kinds | ({tables.noscript: _BLOCK} if self.everything else {})).get
        # What is outside of the current element: (element, its kind, box, in a link?, in <pre>?)
        stack: list[tuple[Any, int, _Box, bool, bool]] = []
        in_link, in_pre, node = False, False, root
        enter, flush, text = self._enter, self._flush, self._text
        while True:
            kind = kinds(node.tag_id, _INLINE)
            if kind == _TEXT:
                found = node.text_content
                # Half of all pieces of text only set off the markup.
                if not found.isspace():
                    text(found, in_link, in_pre)
                elif self.size:
                    self.parts.append(" ")
            elif kind == _BREAK:
                self._break()
            elif kind != _UNSEEN_KIND:
                outside = self.box
                child = enter(node, kind, len(stack))
                if child is not None:
                    stack.append((node, kind, outside, in_link, in_pre))
                    in_link, in_pre, node = in_link or kind == _LINK, in_pre or self.box.tag == "pre", child
                    continue
                self.box = outside
            following = node.next
            while following is None:
                if not stack:
                    flush()
                    return self.rows
                node, kind, outside, in_link, in_pre = stack.pop()
                if kind == _BLOCK:
                    if self.size:
                        flush()
                elif kind == _CELL:
                    # Behind a break, the rest of a cell is no part of its row.
                    if self.broken and self.size:
                        flush()
                    self.broken = False
                elif kind == _LINK and not self.joint:
                    self.joint = "\0"
                self.box = outside
                if outside.level < self.shared:
                    self.shared = outside.level
                following = node.next
            node = following

    def _enter(self, node: Any, kind: int, depth: int) -> Any:
        """Begin an element; its first child, or None if there is nothing to see in it."""
        attributes, hidden = node.attributes, False
        # <html> and <body> are hidden only until a script has run.
        if attributes and depth > 1 and ("aria-hidden" in attributes or "style" in attributes or "hidden" in attributes):
            hidden = _is_hidden(attributes)
            if hidden and not self.everything:
                return None
        if kind in (_BLOCK, _CELL):
            name = self.names[node.tag_id]
            if name in ("dialog", "noscript") and (name == "noscript" or "open" not in attributes):
                hidden = True
                if not self.everything:
                    return None
            if self.size:
                if kind == _BLOCK or self.size > LONG_CELL:
                    self._flush()
                else:
                    # Cells without a text keep their place between others.
                    self.joint = " | " if not self.joint.endswith("| ") else f"{self.joint}| "
            if kind == _CELL:
                self.cell, self.broken = (len(self.parts), self.size, self.link_size), False
            _, region, hint, _, path, level, was_hidden = self.box
            if name in _LANDMARKS:
                region = name
            step = name
            if attributes:
                get = attributes.get
                role, own, step = step_of(name, get("class"), get("id"), get("role", ABSENT), get("itemprop", ABSENT))
                region, hint = role or region, own or hint
            # Short cells share the line of their row.
            tag = "td" if name in ("tr", "th") else name
            if level < MAX_BOXES and len(path) + len(step) < MAX_PATH_CHARS:
                path, level = f"{path}/{step}", level + 1
            box = (tag, region, hint, depth + 1, path, level, was_hidden or hidden)
            self.box = tuple.__new__(_Box, box)  # what `_Box(...)` does, in half the time
            return node.first_child
        if hidden:
            self.box = self.box._replace(hidden=True)
        if attributes and not self.size and not self.lead:
            self.lead = naming(attributes.get("class"), attributes.get("id"))[1]
        if kind == _LINK and self.joint == "\0":
            # Links without a space between them stand apart on the screen: menus.
            self.joint = " "
        return node.first_child

    def _text(self, text: str, in_link: bool, in_pre: bool) -> None:
        size = len(text.strip())
        if not size:
            if self.size:
                self.parts.append(" ")
            return
        if in_pre and "\n" in text:
            for part in text.split("\n"):
                self._text(part, in_link, False)
                self._flush()
            return
        if self.joint:
            if self.size and self.joint != "\0":
                self.parts.append(self.joint)
            self.joint = ""
        self.parts.append(text)
        self.size += size
        if in_link:
            self.link_size += size

    def _break(self) -> None:
        """End the line at a `<br>`: a cell that has lines of its own does not stand in the line of its row."""
        self.broken = self.broken or self.box.tag == "td"
        n, size, link_size = self.cell
        if not 0 < size < self.size or self.box.tag != "td":
            self._flush()
            return
        rest, rest_size, rest_links, lead = self.parts[n:], self.size - size, self.link_size - link_size, self.lead
        self.parts, self.size, self.link_size = self.parts[:n], size, link_size
        self._flush()
        self.parts, self.size, self.link_size, self.lead = rest[rest[0].endswith("| ") :], rest_size, rest_links, lead
        self._flush()

    def _flush(self) -> None:
        """End the line."""
        if not self.size:
            return
        text = normalise("".join(self.parts) if len(self.parts) > 1 else self.parts[0])
        if text:
            density = round(min(self.link_size / self.size, 1.0), 3) if self.link_size else 0.0
            tag, region, hint, depth, path, level, hidden = self.box
            path = f"{path}/~ {self.lead}" if self.lead else path
            if path != self.path:
                self.paths_left -= len(path)
                self.path = path = path if self.paths_left > 0 else ""
            cues = tuple.__new__(Cues, (tag, density, region, depth, hint, path, self.shared, hidden))
            self.rows.append(tuple.__new__(RawLine, (text, cues)))
            self.shared = level
            if len(self.rows) > MAX_LINES:
                raise ValueError(f"has more than {MAX_LINES:,} lines")
        self.size = self.link_size = 0
        self.parts = []
        self.joint = self.lead = ""
        self.cell = (0, 0, 0)


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    style = attributes.get("style")
    return bool(style) and _HIDING.search(style or "") is not None
