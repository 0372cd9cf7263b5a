"""Pages from CSV: a header and one page a row."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, BinaryIO, NamedTuple

from clfnews.errors import BadRecord, counted
from clfnews.readers.base import FilePart, ReadOptions, Records, Source, Warn
from clfnews.readers.rows import RowPages, missing_columns
from clfnews.readers.streams import as_utf8


def read_csv_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: FilePart | None = None) -> Records:
    """A header and one page a row; separated by commas, semicolons or tabs.

    Quotes in a quoted field are doubled, or written with a backslash. A row of
    another width than the header's is no page: where quotes are wrong, pieces of
    a text look like columns.
    """
    pages = RowPages(source, options, warn)
    table = _CsvTable(as_utf8(file), options, pages)
    header = table.header()
    problem = header.problem or missing_columns(header.values, source, options, warn)
    if problem:
        yield BadRecord(source.name, "file", problem)
        return
    names, text, html = header.values, options.column("text"), options.column("html")
    for number in count(1):
        found = table.next()
        if found is None:
            break
        if found.problem:
            yield pages.bad(number, found.problem)
            continue
        row: dict[str, Any] = {name: value or None for name, value in zip(names, found.values, strict=False)}
        if text in names and row[text] is None and row.get(html) is None:
            row[text] = ""  # a page without text is a page
        yield pages.page(row, number)
    pages.tell_replaced()


class _CsvRow(NamedTuple):
    """The fields of one row, or what is wrong with it."""

    values: list[str]
    problem: str | None = None


class _CsvTable:
    """Rows of a CSV file, read so that a quote left open costs its own row and not those after it."""

    def __init__(self, file: BinaryIO, options: ReadOptions, pages: RowPages) -> None:
        self._options, self._lines = options, _CsvLines(file, options, pages)
        self._separator, self._width, self._backslash = ",", 0, False

    def header(self) -> _CsvRow:
        """The first row; it decides the separator and how many fields a row has."""
        try:
            first = next(self._lines, "")
        except ValueError as error:
            return _CsvRow([], f"has no header that can be read: {error}")
        if not first.strip():
            return _CsvRow([], "is empty")
        self._separator = max(",;\t", key=first.count)
        self._lines.give_back([first])
        found = self._parsed(self._backslash)
        if found.problem:
            return _CsvRow([], f"has no header that can be read: {found.problem}")
        self._width = len(found.values)
        return found

    def next(self) -> _CsvRow | None:
        """The next row that is not empty; None at the end."""
        while True:
            found = self._parsed(self._backslash)
            if not self._lines.taken:
                return None
            if found.problem is None and len(found.values) < self._width and not any(map(str.strip, found.values)):
                continue
            if not self._problem(found):
                return found
            return self._other_quotes(found)

    def _parsed(self, backslash: bool) -> _CsvRow:
        """A row from the lines that come next."""
        self._lines.taken, self._lines.size = [], 0
        lines = map(_doubled_quotes, self._lines) if backslash else self._lines
        try:
            return _CsvRow(self._fields(lines))
        except (csv.Error, ValueError) as error:
            return _CsvRow([], str(error).partition(" - ")[0])

    def _fields(self, lines: Iterable[str]) -> list[str]:
        """The fields of the first row of lines."""
        # The limit is a setting of the whole process. Fields are bounded by it and by the lines.
        before = csv.field_size_limit(self._options.max_bytes)
        try:
            return next(csv.reader(lines, delimiter=self._separator, strict=True), [])
        finally:
            csv.field_size_limit(before)

    def _problem(self, found: _CsvRow) -> str | None:
        if found.problem:
            return found.problem
        width = len(found.values)
        if width < self._width or any(found.values[self._width :]):
            return f"has {counted(width, 'field')}, the header has {self._width}"
        return None

    def _other_quotes(self, failed: _CsvRow) -> _CsvRow:
        """The row with the other way to write quotes, if that makes it one; else what is wrong with it."""
        taken = self._lines.taken
        if any('\\"' in line for line in taken):
            self._lines.give_back(taken)
            found = self._parsed(not self._backslash)
            if not self._problem(found):
                self._backslash = not self._backslash
                return found
            self._lines.give_back(self._lines.taken)
            self._parsed(self._backslash)  # the lines of the first try are taken again
        problem = self._problem(failed) or ""
        if failed.problem:
            # With the right number of separators and no quotes, what an open quote took in are rows.
            rest = list(taken[1:])
            if rest and self._width > 1 and all(map(self._is_plain, rest[:-1] or rest)):
                self._lines.give_back(rest)
                n = 1
            else:
                n = len(taken) + self._skip()
            if rest:
                problem = f"has a quote that is not closed as it should be ({problem})"
            problem += f"; {n:,} lines left out" * (n > 1)
        return _CsvRow([], problem)

    def _skip(self) -> int:
        """Pass over lines up to one that is a row by itself: others may be pieces of a text, even with commas."""
        skipped = 0
        while True:
            try:
                line = next(self._lines, None)
                if line is None:
                    return skipped
                if line.count('"') % 2 == 0 and not self._problem(_CsvRow(self._fields([line]))):
                    self._lines.give_back([line])
                    return skipped
            except (csv.Error, ValueError):
                pass
            self._lines.taken, self._lines.size = [], 0
            skipped += 1

    def _is_plain(self, line: str) -> bool:
        return '"' not in line and line.count(self._separator) == self._width - 1


_ESCAPED = re.compile(r'(?<!\\)(\\++)"')


def _doubled_quotes(line: str) -> str:
    r"""A line with ``\"`` as ``""``, the way the csv module reads quotes in every place; ``\\"`` ends a field."""
    if '\\"' not in line:
        return line
    return _ESCAPED.sub(lambda found: "\\" * (len(found[1]) // 2) + ('""' if len(found[1]) % 2 else '"'), line)


class _CsvLines:
    """Lines of a file as text, which can be given back.

    A line, or a row of many, longer than the limit raises `ValueError`; a line is passed over then.
    """

    def __init__(self, file: BinaryIO, options: ReadOptions, pages: RowPages) -> None:
        self._file, self._options, self._pages, self._first = file, options, pages, True
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        """Lines of the current row."""
        self.size = 0
        """Their characters."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        self.taken.append(line)
        self.size += len(line)
        if self.size > self._options.max_bytes:
            raise ValueError(self._options.too_large)
        return line

    def give_back(self, lines: list[str]) -> None:
        """Lines that come next once more."""
        self._again.extendleft(reversed(lines))

    def _read(self) -> str:
        raw = self._file.readline(self._options.max_bytes + 1)
        if not raw:
            raise StopIteration
        if len(raw) > self._options.max_bytes:
            while raw and not raw.endswith(b"\n"):
                raw = self._file.readline(1 << 20)
            self.taken.append("")
            raise ValueError(self._options.too_large)
        text = raw.decode("utf-8-sig" if self._first else "utf-8", errors="replace")
        self._first = False
        if "\ufffd" in text:
            self._pages.replaced += text.count("\ufffd") - raw.count("\ufffd".encode())
        return text
