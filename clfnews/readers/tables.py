"""Pages from rows: JSON, JSONL, CSV and Parquet."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from functools import partial
from itertools import count
from typing import Any, BinaryIO

from clfnews.errors import BadRecord
from clfnews.page import Page
from clfnews.readers.base import ROLES, Part, ReadOptions, Records, Source, Warn, missing_content, page_of_row

_BATCH_ROWS = 32
_OPEN_OBJECT = re.compile(rb"\{\s*\n")
"""How an object begins that goes on over several lines."""


def read_jsonl_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """One JSON object a line with `lines`, `text` or `html`, optional `id`, `url`, `site`, `date`."""
    pages, number, left, found = _Rows(source, options, warn), 0, None, False
    if part is not None:
        file.seek(part.start)
        number, left = part.first, part.end - part.start
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
            yield _json_row(raw, number, pages)
        found = found or bool(raw.strip())
        left = None if left is None else left - size
    if not found and part is None:
        yield BadRecord(source.name, "file", "is empty")


def read_json_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """An array of objects, or one object over several lines, read whole; else one object a line as in JSONL."""
    first = file.peek(1 << 12).lstrip()  # type: ignore[attr-defined]
    if not (first.startswith(b"[") or _OPEN_OBJECT.match(first)):
        yield from read_jsonl_rows(file, source, options, warn, part)
        return
    data = file.read(options.max_bytes + 1)
    if len(data) > options.max_bytes:
        yield BadRecord(source.name, "file", f"{options.too_large}; write one object a line (jq -c '.[]')")
        return
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        yield BadRecord(source.name, "file", f"not JSON: {error}")
        return
    rows = found if isinstance(found, list) else [found]
    pages = _Rows(source, options, warn)
    for number, row in enumerate(rows, 1):
        yield pages.page(row, number)
    if not rows:
        yield BadRecord(source.name, "file", "is empty")


def _json_row(raw: bytes, number: int, pages: _Rows) -> Page | BadRecord:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return pages.bad(number, "not JSON")
    return pages.page(row, number)


class _Rows:
    """Rows of one file as pages; what is to be said of many of them is said once."""

    def __init__(self, source: Source, options: ReadOptions, warn: Warn) -> None:
        self._source, self._options, self._warn = source, options, warn
        self._said: set[str] = set()

    def page(self, row: Any, number: int) -> Page | BadRecord:
        """The page of a row, or why it is none."""
        if not isinstance(row, dict):
            return self.bad(number, "not a JSON object")
        try:
            return page_of_row(row, f"{self._source.stem}-{number}", self._options, partial(self._note, number))
        except ValueError as error:
            return self.bad(number, str(error))

    def bad(self, number: int, reason: str) -> BadRecord:
        """The record of a row that is no page."""
        return BadRecord(self._source.name, f"row {number}", reason)

    def _note(self, number: int, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            self._warn(f"{self._source.name}: row {number}: {message}")


def _missing(names: list[str], source: Source, options: ReadOptions, warn: Warn) -> str | None:
    """Why a table has no pages; of other columns that were named and are not there is warned."""
    problem = missing_content(names, options)
    absent = [name for name in options.columns.values() if name not in names]
    if not problem and absent:
        warn(f"{source.name}: has no column {' or '.join(map(repr, absent))} (--column)")
    return problem


def read_csv_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """A header and one page a row; separated by commas, semicolons or tabs, UTF-8."""
    lines = _TextLines(file, options)
    # The limit is a setting of the whole process; fields are bounded by lines and by it.
    csv.field_size_limit(options.max_bytes)
    try:
        first = next(lines, "")
        separator = max(",;\t", key=first.count)
        names = next(csv.reader([first], delimiter=separator), [])
        problem = _missing(names, source, options, warn) if first.strip() else "is empty"
    except (csv.Error, ValueError) as error:
        problem = f"has no header that can be read: {error}"
    if problem:
        yield BadRecord(source.name, "file", problem)
        return
    rows, pages = csv.reader(lines, delimiter=separator), _Rows(source, options, warn)
    text, html = options.column("text"), options.column("html")
    for number in count(1):
        try:
            values = next(rows, None)
            if values is None:
                break
            if values:
                row = dict.fromkeys(names) | {name: value or None for name, value in zip(names, values, strict=False)}
                if text in names and row[text] is None and row.get(html) is None:
                    row[text] = ""  # a page without text is a page
                yield pages.page(row, number)
        except (csv.Error, ValueError) as error:
            yield pages.bad(number, str(error))
    if lines.replaced:
        warn(f"{source.name}: not valid UTF-8; {lines.replaced} bad bytes were replaced")


class _TextLines:
    """Lines of a file as text; one longer than the limit raises `ValueError` and is passed over."""

    def __init__(self, file: BinaryIO, options: ReadOptions) -> None:
        self._file, self._options, self.replaced, self._first = file, options, 0, True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(self._options.max_bytes + 1)
        if not raw:
            raise StopIteration
        if len(raw) > self._options.max_bytes:
            while raw and not raw.endswith(b"\n"):
                raw = self._file.readline(1 << 20)
            raise ValueError(self._options.too_large)
        text = raw.decode("utf-8-sig" if self._first else "utf-8", errors="replace")
        self._first = False
        self.replaced += text.count("\ufffd")
        return text


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
            groups = list(range(part.start, part.end)) if part else None
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, row_groups=groups, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield _parquet_row(row, number, pages, options)
        except (pa.ArrowException, OSError) as error:
            place = f"after row {number}" if number else "file"
            yield BadRecord(source.name, place, f"is not readable as Parquet: {str(error).splitlines()[0][:200]}")
            return
        if number == 0:
            yield BadRecord(source.name, "file", "is empty")


def _parquet_row(row: dict[str, Any], number: int, pages: _Rows, options: ReadOptions) -> Page | BadRecord:
    clean = {key: _plain(value) for key, value in row.items()}
    if any(isinstance(value, str | bytes) and len(value) > options.max_bytes for value in clean.values()):
        return pages.bad(number, options.too_large)
    return pages.page(clean, number)


def _plain(value: Any) -> Any:
    """Values of columns that JSON does not know, as text."""
    if isinstance(value, date):
        return str(value)
    return value
