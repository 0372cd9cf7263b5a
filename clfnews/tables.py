"""Pages from rows: JSON, JSONL, CSV and Parquet."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import count
from typing import Any, BinaryIO

from clfnews.errors import BadRecord
from clfnews.records import ROLES, Part, ReadOptions, Records, Source, Warn, page_of_row

_BATCH_ROWS = 32
_OPEN_OBJECT = re.compile(rb"\{\s*\n")
"""How an object begins that goes on over several lines."""


def read_jsonl_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """One JSON object a line with `lines`, `text` or `html`, optional `id`, `url`, `site`, `date`."""
    number, left, found = 0, None, False
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
            yield _json_row(raw, number, source, options)
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
    for number, row in enumerate(rows, 1):
        yield _row(row, number, source, options)
    if not rows:
        yield BadRecord(source.name, "file", "is empty")


def _json_row(raw: bytes, number: int, source: Source, options: ReadOptions) -> Any:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return BadRecord(source.name, f"row {number}", "not JSON")
    return _row(row, number, source, options)


def _row(row: Any, number: int, source: Source, options: ReadOptions) -> Any:
    try:
        if not isinstance(row, dict):
            raise ValueError("not a JSON object")
        return page_of_row(row, f"{source.stem}-{number}", options)
    except ValueError as error:
        return BadRecord(source.name, f"row {number}", str(error))


# --- CSV ------------------------------------------------------------------------


def read_csv_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """A header and one page a row; separated by commas, semicolons or tabs, UTF-8."""
    lines = _TextLines(file, options)
    # The limit is a setting of the whole process; fields are bounded by lines and by it.
    csv.field_size_limit(options.max_bytes)
    try:
        first = next(lines, "")
        separator = max(",;\t", key=first.count)
        names = next(csv.reader([first], delimiter=separator), [])
        problem = missing_text(names, options) if first.strip() else "is empty"
    except (csv.Error, ValueError) as error:
        problem = f"has no header that can be read: {error}"
    if problem:
        yield BadRecord(source.name, "file", problem)
        return
    rows = csv.reader(lines, delimiter=separator)
    for number in count(1):
        try:
            values = next(rows, None)
            if values is None:
                break
            if values:
                row = {name: value for name, value in zip(names, values, strict=False) if value}
                if options.column("text") in names and options.column("html") not in row:
                    row.setdefault(options.column("text"), "")  # a page without text is a page
                yield page_of_row(row, f"{source.stem}-{number}", options)
        except (csv.Error, ValueError) as error:
            yield BadRecord(source.name, f"row {number}", str(error))
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


def missing_text(names: Iterable[str], options: ReadOptions) -> str | None:
    """Why a table has no pages: none of its columns is the text."""
    names = list(names)
    if any(options.column(role) in names for role in ("text", "html", "lines")):
        return None
    shown = ", ".join(name[:40] for name in names[:12])
    return f"has no column {options.column('text')!r} (columns: {shown}); name it: --column text=NAME"


# --- Parquet ----------------------------------------------------------------------


def read_parquet_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """The rows of a Parquet file, a few at a time; `part` counts row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryFile() as copy:
        if not file.seekable():  # compressed, or standard input
            shutil.copyfileobj(file, copy, 1 << 20)
            file = copy
        number = part.first if part else 0
        try:
            # Without buffering ahead, memory is a page of each column instead of a row group.
            table = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
            names = table.schema_arrow.names
            problem = missing_text(names, options)
            if problem:
                yield BadRecord(source.name, "file", problem)
                return
            columns = [options.column(role) for role in ROLES if options.column(role) in names]
            groups = list(range(part.start, part.end)) if part else None
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, row_groups=groups, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield _parquet_row(row, number, source, options)
        except (pa.ArrowException, OSError) as error:
            place = f"after row {number}" if number else "file"
            yield BadRecord(source.name, place, f"is not readable as Parquet: {str(error).splitlines()[0][:200]}")
            return
        if number == 0:
            yield BadRecord(source.name, "file", "is empty")


def _parquet_row(row: dict[str, Any], number: int, source: Source, options: ReadOptions) -> Any:
    try:
        clean = {key: _plain(value) for key, value in row.items()}
        if any(isinstance(value, str | bytes) and len(value) > options.max_bytes for value in clean.values()):
            raise ValueError(options.too_large)
        return page_of_row(clean, f"{source.stem}-{number}", options)
    except ValueError as error:
        return BadRecord(source.name, f"row {number}", str(error))


def _plain(value: Any) -> Any:
    """Values of columns that JSON does not know, as text."""
    if isinstance(value, date):
        return str(value)
    return value
