"""Labels of a drawn page: from `data-l` on its elements to the lines of any converter.

The label of every text is written into the text as a private character; it
travels with the text through whatever makes lines of the page. A line that
holds several labels gets the one of most of its characters (guidelines, rule 7).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from clfnews.labels import TYPES
from clfnews.page import Line, normalise
from clfnews.readers.html.blocks import html_rows

_FIRST = 0xE100
_MARKS = {label: chr(_FIRST + i) for i, label in enumerate(TYPES)}
_LABELS = {mark: label for label, mark in _MARKS.items()}
_MARK = re.compile(f"([{chr(_FIRST)}-{chr(_FIRST + len(TYPES) - 1)}])")
_START = re.compile(r"""<([a-zA-Z][^\s/<>]*+)((?:"[^"]*+"|'[^']*+'|[^"'<>])*+)>""")
_END = re.compile(r"</([a-zA-Z][^\s/>]*+)[^>]*+>")
_TEXT = re.compile(r"[^<&]++")
_REFERENCE = re.compile(r"&(#(?:[0-9]++|[xX][0-9a-fA-F]++)|[a-zA-Z][-.a-zA-Z0-9]*+);?")
_ATTRIBUTE = re.compile(r"""\s+data-l=(?:"([^"]*)"|'([^']*)')""")
_BARE_VALUE = re.compile(r"=[^\s\"'=]*+\Z")
"""A value without quotes at the end of a tag: a slash there is part of it."""
_VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
_CODE = {tag: re.compile(rf"</{tag}\s*>", re.IGNORECASE) for tag in ("script", "style")}
"""Elements that hold no markup, and where each ends."""
_SILENT = frozenset((*_CODE, "title"))
DEFAULT = "ui"
"""The type of a text without a label around it."""


class _Marking:
    """Writes a page twice, without its labels: as it is, and each text with the mark of its label before it."""

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.marked: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._mark = _MARKS[DEFAULT]

    def read(self, html: str) -> None:
        at = 0
        while at < len(html):
            if found := _TEXT.match(html, at):
                silent = bool(self._open) and self._open[-1][0] in _SILENT
                self._write(found[0], mark=not silent and not found[0].isspace())
                at = found.end()
            elif found := _END.match(html, at):
                at = found.end()
                self._end(found[1].lower())
            elif found := _START.match(html, at):
                at = found.end()
                if (tag := self._start(found)) in _CODE:
                    close = _CODE[tag].search(html, at)
                    until = close.start() if close else len(html)
                    self._write(html[at:until])
                    at = until
            elif html.startswith(("<!", "<?", "</"), at):
                at = self._no_element(html, at)
            elif found := _REFERENCE.match(html, at):
                self._write(f"&{found[1]};", mark=True)
                at = found.end()
            else:
                self._write(html[at], mark=True)
                at += 1

    def _no_element(self, html: str, at: int) -> int:
        """Write a comment, or what a browser takes for one, or a document type, but no `<?xml ?>`; returns where it ends."""
        opening, closing = ("<!--", "-->") if html.startswith("<!--", at) else (html[at : at + 2], ">")
        start = at + len(opening)
        end = html.find(closing, start)
        inside = html[start : end if end >= 0 else len(html)]
        if opening == "<!" and inside[:7].lower() == "doctype":
            self._write(f"<!{inside}>")
        elif opening != "<?":
            self._write(f"<!--{inside}-->")
        return start + len(inside) + len(closing)

    def _write(self, text: str, mark: bool = False) -> None:
        self.plain.append(text)
        self.marked.append(self._mark + text if mark else text)

    def _start(self, found: re.Match[str]) -> str:
        """Write the start of an element; returns its name if it stays open, else nothing."""
        text, tag, rest = found[0], found[1].lower(), found[2]
        label = ""
        if "data-l" in rest and (own := _ATTRIBUTE.search(rest)):
            label = own[1] or own[2] or ""
            if label and label not in TYPES:
                raise ValueError(f"data-l={label!r} is no type")
            text = _ATTRIBUTE.sub("", text)
        self._write(text)
        if tag in _VOID or (rest.endswith("/") and not _BARE_VALUE.search(rest)):
            return ""
        self._open.append((tag, label or (self._open[-1][1] if self._open else DEFAULT)))
        self._mark = _MARKS[self._open[-1][1]]
        return tag

    def _end(self, tag: str) -> None:
        self._write(f"</{tag}>")
        for i in range(len(self._open) - 1, -1, -1):
            if self._open[i][0] == tag:
                del self._open[i:]
                self._mark = _MARKS[self._open[-1][1] if self._open else DEFAULT]
                break


def without_labels(html: str) -> str:
    """The page as a site would send it."""
    return _rewritten(html)[0]


def with_marks(html: str) -> str:
    """The page with the label of every text in the text."""
    return _rewritten(html)[1]


@lru_cache(maxsize=1)  # both are asked for of one page after the other
def _rewritten(html: str) -> tuple[str, str]:
    marking = _Marking()
    marking.read(html)
    return "".join(marking.plain), "".join(marking.marked)


def labelled(text: str) -> tuple[str, str]:
    """A marked line as its text and the label of most of its characters."""
    counts: Counter[str] = Counter()
    label = DEFAULT
    for piece in _MARK.split(text):
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
    marks = _marks_of_letters(row.text for row in html_rows(with_marks(html).encode(), hidden=True))
    lines, at = [], 0
    for n, row in enumerate(rows, 1):
        of_row = marks[at : at + len(_NO_LETTER.sub("", row.text))]
        at += len(of_row)
        lines.append(Line(row.text, n, _LABELS[_most_frequent(of_row)] if of_row else DEFAULT, None, row.cues))
    return lines


_NO_LETTER = re.compile(r"[\s|]+")
"""What the reader itself puts between texts, and so is no letter of the page."""


def _marks_of_letters(texts: Iterable[str]) -> str:
    """For each letter of marked texts the mark of its label."""
    out, mark = [], _MARKS[DEFAULT]
    for text in texts:
        for piece in _MARK.split(_NO_LETTER.sub("", text)):
            if piece in _LABELS:
                mark = piece
            else:
                out.append(mark * len(piece))
    return "".join(out)


def _most_frequent(marks: str) -> str:
    return marks[0] if marks == marks[0] * len(marks) else Counter(marks).most_common(1)[0][0]
