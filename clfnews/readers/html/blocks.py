"""HTML bytes as a `Page`: one line a block, with what the markup says about it (`Cues`).

A text stands on the page if a reader can see it: hidden boxes, scripts, styles
and alternative texts are left out. So is `<title>`: it is no part of the page
that a reader scrolls through, and the converters whose text the models learnt
from leave it out as well; its text is one of those that `Page.title` is chosen from.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from clfnews.page import Cues, normalise
from clfnews.readers.html.marked import Marked, found_in
from clfnews.readers.html.names import ABSENT, naming, step_of
from clfnews.readers.html.tree import BLOCK, BREAK, CELL, INLINE, LINK, TEXT, UNSEEN, tags, tree_of

MAX_LINES = 50_000
"""A page with more lines is not read."""
MAX_BOXES, MAX_PATH_CHARS = 128, 2_048
"""Boxes around a line that its path tells, outermost first, and characters of it. Pages have up to 45 and 1,900."""
MAX_PATHS_CHARS = 4_000_000
"""Characters of all paths of a page; lines after that have none. Pages have up to 600,000."""
LONG_CELL = 80
"""A table cell longer than this is a line of its own; shorter ones join their row."""
_LANDMARKS = frozenset({"main", "article", "nav", "header", "footer", "aside", "form"})
_HIDING = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)


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
    tree = tree_of(utf8)
    return Parsed(_rows(tree, hidden), found_in(tree))


def html_rows(utf8: bytes, hidden: bool = False) -> list[RawLine]:
    """The lines of a document in valid UTF-8, those of hidden boxes too if `hidden`.

    Raises `ValueError` if there are more than `MAX_LINES`.
    """
    return _rows(tree_of(utf8), hidden)


def _rows(tree: Any, hidden: bool) -> list[RawLine]:
    root = tree.root
    # A page that shows nothing without its scripts often carries its text in hidden boxes.
    return _Walk(hidden).run(root) or _Walk(everything=True).run(root) if root is not None else []


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
        self.names = tags().names
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
        tables = tags()
        kinds = (tables.kinds | ({tables.noscript: BLOCK} if self.everything else {})).get
        # What is outside of the current element: (element, its kind, box, in a link?, in <pre>?)
        stack: list[tuple[Any, int, _Box, bool, bool]] = []
        in_link, in_pre, node = False, False, root
        enter, leave, text = self._enter, self._leave, self._text
        while True:
            kind = kinds(node.tag_id, INLINE)
            if kind == TEXT:
                found = node.text_content
                # Half of all pieces of text only set off the markup.
                if not found.isspace():
                    text(found, in_link, in_pre)
                elif self.size:
                    self.parts.append(" ")
            elif kind == BREAK:
                self._break()
            elif kind != UNSEEN:
                outside = self.box
                child = enter(node, kind, len(stack))
                if child is not None:
                    stack.append((node, kind, outside, in_link, in_pre))
                    in_link, in_pre, node = in_link or kind == LINK, in_pre or self.box.tag == "pre", child
                    continue
                self.box = outside
            following = node.next
            while following is None:
                if not stack:
                    self._flush()
                    return self.rows
                node, kind, outside, in_link, in_pre = stack.pop()
                if kind != INLINE:
                    leave(kind)
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
        if kind in (BLOCK, CELL):
            name = self.names[node.tag_id]
            if name in ("dialog", "noscript") and (name == "noscript" or "open" not in attributes):
                hidden = True
                if not self.everything:
                    return None
            self._begin_line(kind)
            self._enter_box(name, attributes, depth, hidden)
            return node.first_child
        if hidden:
            self.box = self.box._replace(hidden=True)
        if attributes and not self.size and not self.lead:
            self.lead = naming(attributes.get("class"), attributes.get("id"))[1]
        if kind == LINK and self.joint == "\0":
            # Links without a space between them stand apart on the screen: menus.
            self.joint = " "
        return node.first_child

    def _begin_line(self, kind: int) -> None:
        """What a block or a cell does to the line before it: short cells stand in one line with the others of their row."""
        if self.size:
            if kind == BLOCK or self.size > LONG_CELL:
                self._flush()
            else:
                # Cells without a text keep their place between others.
                self.joint = " | " if not self.joint.endswith("| ") else f"{self.joint}| "
        if kind == CELL:
            self.cell, self.broken = (len(self.parts), self.size, self.link_size), False

    def _enter_box(self, name: str, attributes: dict[str, str | None], depth: int, hidden: bool) -> None:
        """Note the innermost box around what follows: its tag, region, hint and path."""
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

    def _leave(self, kind: int) -> None:
        """End an element that is not just inline."""
        if kind == BLOCK:
            if self.size:
                self._flush()
        elif kind == CELL:
            # Behind a break, the rest of a cell is no part of its row.
            if self.broken and self.size:
                self._flush()
            self.broken = False
        elif kind == LINK and not self.joint:
            self.joint = "\0"

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
