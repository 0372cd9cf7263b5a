"""Pages from JSON and JSONL."""

from __future__ import annotations

import json
import re
from typing import Any, BinaryIO

from clfnews.errors import BadRecord
from clfnews.page import Page
from clfnews.readers.base import FilePart, ReadOptions, Records, Source, Warn
from clfnews.readers.rows import RowPages
from clfnews.readers.streams import as_utf8, is_utf16

_OPEN_OBJECT = re.compile(rb"\{\s*\n")
"""How an object begins that goes on over several lines."""
MAX_VALUES, _FEW_BYTES = 2_000_000, 2 * 1024 * 1024
"""Values of one piece of JSON, which take up to 80 bytes each for two of the file; fewer bytes cannot hold too many."""
_JSON_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
_MARK = b"\xef\xbb\xbf"


def read_jsonl_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: FilePart | None = None) -> Records:
    """One JSON object a line with `lines`, `text` or `html`, optional `id`, `url`, `site`, `date`."""
    pages, number, left, found = RowPages(source, options, warn), 0, None, False
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


def read_json_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: FilePart | None = None) -> Records:
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
    pages = RowPages(source, options, warn)
    try:
        found = _json(data.removeprefix(_MARK), pages)
    except TooManyValues as error:
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


class TooManyValues(ValueError):
    """JSON whose objects would take far more memory than its bytes."""


def _json_row(raw: bytes, number: int, pages: RowPages) -> Page | BadRecord:
    try:
        row = _json(raw, pages)
    except TooManyValues as error:
        return pages.bad(number, str(error))
    except (ValueError, RecursionError):
        return pages.bad(number, "not JSON")
    return pages.page(row, number)


def _json(raw: bytes, pages: RowPages) -> Any:
    value, replaced = parse_json(raw)
    pages.replaced += replaced
    return value


def parse_json(raw: bytes) -> tuple[Any, int]:
    """The value of a piece of JSON, and how many bytes that are not UTF-8 were replaced.

    Raises `TooManyValues`, another `ValueError` for what is no JSON, and `RecursionError` for what is nested too deep.
    """
    if len(raw) > _FEW_BYTES:
        marks = _JSON_STRING.sub(b"", raw)
        if sum(map(marks.count, (b",", b":", b"[", b"{"))) > MAX_VALUES:
            raise TooManyValues(f"holds more than {MAX_VALUES:,} values")
    text = raw.decode("utf-8", errors="replace")
    value = json.loads(text)
    return value, text.count("\ufffd") - raw.count("\ufffd".encode()) if "\ufffd" in text else 0
