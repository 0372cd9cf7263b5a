"""Pages from rows: JSON, JSONL, CSV and Parquet."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any, BinaryIO, NamedTuple

from clfnews.errors import BadRecord, counted
from clfnews.page import Page
from clfnews.readers.base import CONTENT, ROLES, Part, ReadOptions, Records, Source, Warn, missing_content, page_of_row
from clfnews.readers.streams import BOMB_RATIO, as_utf8, is_utf16

_BATCH_ROWS = 4
_DENSE_CHUNK = 1024 * 1024
"""Bytes of a column of a row group from which on one that packs as text never does is read row by row."""
_LARGE_CHUNK = 64 * 1024 * 1024
"""Bytes of a column of a row group from which on they may be a decompression bomb."""
_OPEN_OBJECT = re.compile(rb"\{\s*\n")
"""How an object begins that goes on over several lines."""
MAX_VALUES, _FEW_BYTES = 2_000_000, 2 * 1024 * 1024
"""Values of one piece of JSON, which take up to 80 bytes each for two of the file; fewer bytes cannot hold too many."""
_JSON_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
_MARK = b"\xef\xbb\xbf"


def read_jsonl_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """One JSON object a line with `lines`, `text` or `html`, optional `id` and facts of the page."""
    pages, number, left, found = _Rows(source, options, warn), 0, None, False
    if part is not None and is_utf16(file.read(2)):
        yield BadRecord(source.name, "file", "is UTF-16 and too large to be read in one piece; save it as UTF-8")
        return
    if part is not None:
        file.seek(part.start)
        number, left = part.first, part.end - part.start
    if part is None or part.start == 0:
        file = as_utf8(file)
    while left is None or left > 0:
        raw = file.readline(options.max_bytes + 1)
        if not raw:
            break
        number += 1
        size = len(raw)
        if size > options.max_bytes:
            yield BadRecord(source.name, f"row {number}", options.too_large)
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(1 << 20)
                size += len(raw)
        elif raw.strip():
            yield _json_row(raw.removeprefix(_MARK) if number == 1 else raw, number, pages)
        found = found or bool(raw.strip())
        left = None if left is None else left - size
    pages.tell_replaced()
    if not found and part is None:
        yield BadRecord(source.name, "file", "is empty")


def read_json_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """An array of objects, or one object over several lines, read whole; else one object a line as in JSONL."""
    file = as_utf8(file)
    first = file.peek(1 << 12).removeprefix(_MARK).lstrip()  # type: ignore[attr-defined]
    if not (first.startswith(b"[") or _OPEN_OBJECT.match(first)):
        yield from read_jsonl_rows(file, source, options, warn, part)
        return
    data = file.read(options.max_bytes + 1)
    if len(data) > options.max_bytes:
        yield BadRecord(source.name, "file", f"{options.too_large}; write one object a line (jq -c '.[]')")
        return
    pages = _Rows(source, options, warn)
    try:
        found = _json(data.removeprefix(_MARK), pages)
    except _TooManyValues as error:
        yield BadRecord(source.name, "file", f"{error}; write one object a line (jq -c '.[]')")
        return
    except (ValueError, RecursionError) as error:
        yield BadRecord(source.name, "file", f"not JSON: {error}")
        return
    rows = found if isinstance(found, list) else [found]
    for number, row in enumerate(rows, 1):
        yield pages.page(row, number)
    pages.tell_replaced()
    if not rows:
        yield BadRecord(source.name, "file", "is empty")


class _TooManyValues(ValueError):
    """JSON whose objects would take far more memory than its bytes."""


def _json_row(raw: bytes, number: int, pages: _Rows) -> Page | BadRecord:
    try:
        row = _json(raw, pages)
    except _TooManyValues as error:
        return pages.bad(number, str(error))
    except (ValueError, RecursionError):
        return pages.bad(number, "not JSON")
    return pages.page(row, number)


def _json(raw: bytes, pages: _Rows) -> Any:
    if len(raw) > _FEW_BYTES:
        marks = _JSON_STRING.sub(b"", raw)
        if sum(map(marks.count, (b",", b":", b"[", b"{"))) > MAX_VALUES:
            raise _TooManyValues(f"holds more than {MAX_VALUES:,} values")
    text = raw.decode("utf-8", errors="replace")
    value = json.loads(text)
    if "\ufffd" in text:
        pages.replaced += text.count("\ufffd") - raw.count("\ufffd".encode())
    return value


class _Rows:
    """Rows of one file as pages; what is to be said of many of them is said once."""

    def __init__(self, source: Source, options: ReadOptions, warn: Warn) -> None:
        self._source, self._options, self._warn = source, options, warn
        self._said: set[str] = set()
        self.replaced = 0
        """Bytes that were not UTF-8."""

    def page(self, row: Any, number: int) -> Page | BadRecord:
        """The page of a row, or why it is none."""
        if not isinstance(row, dict):
            return self.bad(number, "not a JSON object")
        try:
            return page_of_row(row, f"{self._source.stem}-{number}", self._options, partial(self.note, number))
        except ValueError as error:
            return self.bad(number, str(error))

    def bad(self, number: int, reason: str) -> BadRecord:
        """The record of a row that is no page."""
        return BadRecord(self._source.name, f"row {number}", reason)

    def note(self, number: int, message: str) -> None:
        """Say something of a row, unless it was said of another."""
        if message not in self._said:
            self._said.add(message)
            self._warn(f"{self._source.name}: row {number}: {message}")

    def tell_replaced(self) -> None:
        """Say how many bytes were replaced, at the end of a file."""
        if self.replaced > 0:
            self._warn(f"{self._source.name}: not valid UTF-8; {self.replaced} bad bytes were replaced")


def _missing(names: list[str], source: Source, options: ReadOptions, warn: Warn) -> str | None:
    """Why a table has no pages; of other columns that were named and are not there is warned."""
    problem = missing_content(names, options)
    absent = [name for name in options.columns.values() if name not in names]
    if not problem and absent:
        warn(f"{source.name}: has no column {' or '.join(map(repr, absent))} (--column)")
    return problem


# --- CSV ------------------------------------------------------------------------------


def read_csv_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """A header and one page a row; separated by commas, semicolons or tabs.

    Quotes in a quoted field are doubled, or written with a backslash. A row of
    another width than the header's is no page: where quotes are wrong, pieces of
    a text look like columns.
    """
    # The limit is a setting of the whole process; fields are bounded by lines and by it.
    csv.field_size_limit(options.max_bytes)
    pages = _Rows(source, options, warn)
    table = _CsvTable(as_utf8(file), options, pages)
    header = table.header()
    problem = header.problem or _missing(header.values, source, options, warn)
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

    def __init__(self, file: BinaryIO, options: ReadOptions, pages: _Rows) -> None:
        self._lines = _CsvLines(file, options, pages)
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
            return _CsvRow(next(csv.reader(lines, delimiter=self._separator, strict=True), []))
        except (csv.Error, ValueError) as error:
            return _CsvRow([], str(error).partition(" - ")[0])

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
                if line.count('"') % 2 == 0 and not self._problem(
                    _CsvRow(next(csv.reader([line], delimiter=self._separator, strict=True), []))
                ):
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

    def __init__(self, file: BinaryIO, options: ReadOptions, pages: _Rows) -> None:
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


# --- Parquet --------------------------------------------------------------------------


def read_parquet_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """The rows of a Parquet file, a few at a time; `part` counts row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryFile() as copy:
        if not file.seekable():  # compressed, or standard input
            shutil.copyfileobj(file, copy, 1 << 20)
            file = copy
        number, pages = part.first if part else 0, _Rows(source, options, warn)
        try:
            # Without buffering ahead, memory is a page of each column instead of a row group.
            table = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
            names = table.schema_arrow.names
            problem = _missing(names, source, options, warn)
            if problem:
                yield BadRecord(source.name, "file", problem)
                return
            columns = [options.column(role) for role in ROLES if options.column(role) in names]
            for group in range(part.start, part.end) if part else range(table.num_row_groups):
                rows = table.metadata.row_group(group)
                dense = _densest(rows, columns)
                if dense > _LARGE_CHUNK:  # one page of it may be all of it
                    place = f"rows {number + 1} to {number + rows.num_rows}"
                    yield BadRecord(
                        source.name, place, f"unpack to more than {BOMB_RATIO} times their size: a decompression bomb"
                    )
                    number += rows.num_rows
                    continue
                size = 1 if dense > _DENSE_CHUNK else _BATCH_ROWS
                for batch in table.iter_batches(batch_size=size, row_groups=[group], columns=columns):
                    for i in range(batch.num_rows):
                        number += 1
                        yield _parquet_row(batch, i, number, pages, options)
        except (pa.ArrowException, OSError) as error:
            place = f"after row {number}" if number else "file"
            yield BadRecord(source.name, place, f"is not readable as Parquet: {str(error).splitlines()[0][:200]}")
            return
        if number == 0:
            yield BadRecord(source.name, "file", "is empty")


def _densest(group: Any, columns: list[str]) -> int:
    """Bytes of the largest column of a row group among those that are packed as text never is; 0 without one."""
    chunks = [group.column(i) for i in range(group.num_columns)]
    sizes = (
        chunk.total_uncompressed_size
        for chunk in chunks
        if chunk.path_in_schema.split(".")[0] in columns
        and chunk.total_uncompressed_size > BOMB_RATIO * chunk.total_compressed_size
    )
    return max(sizes, default=0)


def _parquet_row(batch: Any, i: int, number: int, pages: _Rows, options: ReadOptions) -> Page | BadRecord:
    row: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            row[name] = _python(column[i])
        except ValueError as error:
            if name in (options.column(role) for role in ROLES if role not in CONTENT):
                pages.note(number, f"{name!r} {error} and is left out (said once a file)")
                continue
            return pages.bad(number, f"{name!r} {error}")
    if any(isinstance(value, str | bytes) and len(value) > options.max_bytes for value in row.values()):
        return pages.bad(number, options.too_large)
    return pages.page(row, number)


def _python(scalar: Any) -> Any:
    """The value of a cell; raises `ValueError` for one that Python has no value for."""
    import pyarrow as pa

    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        buffer = getattr(scalar, "as_buffer", None)  # a string, not a list of them
        if buffer is None:
            raise ValueError("is not valid UTF-8") from None
        return buffer().to_pybytes()
    except (
        pa.ArrowException,
        ValueError,
        OverflowError,
        LookupError,
    ) as error:  # a date beyond the year 9999, an unknown time zone
        raise ValueError(f"cannot be read ({str(error)[:80]})") from error
