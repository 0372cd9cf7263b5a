"""Labels of a drawn page: from `data-l` on its elements to the lines of any converter.

The label of every text is written into the text as a private character; it
travels with the text through whatever makes lines of the page. A line that
holds several labels gets the one of most of its characters (guidelines, rule 7).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

from clfnews.labels import TYPES
from clfnews.page import Line, normalise
from clfnews.readers.html.blocks import html_rows

_FIRST = 0xE100
_MARKS = {label: chr(_FIRST + i) for i, label in enumerate(TYPES)}
_LABELS = {mark: label for label, mark in _MARKS.items()}
_MARK = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + len(TYPES) - 1)}]")
_ATTRIBUTE = re.compile(r"""\s+data-l=(?:"[^"]*"|'[^']*')""")
_VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
_SILENT = frozenset(("script", "style", "title"))
DEFAULT = "ui"
"""The type of a text without a label around it."""


class _Marking(HTMLParser):
    """Writes the page again, each text with the mark of its label before it."""

    def __init__(self, marked: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.marked = marked
        self.out: list[str] = []
        self.open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        label = dict(attrs).get("data-l") or self._label()
        if label not in TYPES:
            raise ValueError(f"data-l={label!r} is no type")
        self.out.append(_ATTRIBUTE.sub("", self.get_starttag_text() or ""))
        if tag not in _VOID:
            self.open.append((tag, label))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.out.append(_ATTRIBUTE.sub("", self.get_starttag_text() or ""))

    def handle_endtag(self, tag: str) -> None:
        self.out.append(f"</{tag}>")
        for i in range(len(self.open) - 1, -1, -1):
            if self.open[i][0] == tag:
                del self.open[i:]
                break

    def handle_data(self, data: str) -> None:
        silent = bool(self.open) and self.open[-1][0] in _SILENT
        self.out.append(self._mark() + data if self.marked and data.strip() and not silent else data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"{self._mark()}&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"{self._mark()}&#{name};")

    def handle_comment(self, data: str) -> None:
        self.out.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")

    def _label(self) -> str:
        return self.open[-1][1] if self.open else DEFAULT

    def _mark(self) -> str:
        return _MARKS[self._label()] if self.marked else ""


def without_labels(html: str) -> str:
    """The page as a site would send it."""
    return _rewritten(html, marked=False)


def with_marks(html: str) -> str:
    """The page with the label of every text in the text."""
    return _rewritten(html, marked=True)


def _rewritten(html: str, marked: bool) -> str:
    parser = _Marking(marked)
    parser.feed(html)
    parser.close()
    return "".join(parser.out)


def labelled(text: str) -> tuple[str, str]:
    """A marked line as its text and the label of most of its characters."""
    counts: Counter[str] = Counter()
    label = DEFAULT
    for piece in re.split(f"({_MARK.pattern})", text):
        if piece in _LABELS:
            label = _LABELS[piece]
        else:
            counts[label] += len(piece.strip())
    return normalise(_MARK.sub("", text)), counts.most_common(1)[0][0] if counts else label


def html_lines(html: str) -> list[Line]:
    """The lines of a drawn page as the package's reader sees them, with cues and labels; hidden ones too.

    The marks would count as characters, so the page is read without them; its letters find their labels in the
    order of the page.
    """
    rows = html_rows(without_labels(html).encode(), hidden=True)
    labels = _labels_of_letters(row.text for row in html_rows(with_marks(html).encode(), hidden=True))
    lines = []
    for n, row in enumerate(rows, 1):
        counts = Counter(next(labels) for _ in _LETTERS.sub("", row.text))
        lines.append(Line(row.text, n, counts.most_common(1)[0][0] if counts else DEFAULT, None, row.cues))
    return lines


_LETTERS = re.compile(r"[\s|]")
"""What the reader itself puts between texts, and so is no letter of the page."""


def _labels_of_letters(texts: Iterable[str]) -> Iterator[str]:
    label = DEFAULT
    for text in texts:
        for char in _LETTERS.sub("", text):
            if char in _LABELS:
                label = _LABELS[char]
            else:
                yield label
