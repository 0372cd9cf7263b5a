"""Pages from files: text, JSONL, folders, standard input.

A record that cannot be read becomes a `BadRecord` in the stream, with its place
and reason; the others go on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from clfnews.errors import BadRecord, UserError
from clfnews.page import Page

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""A text file or row larger than this is not one page; it becomes a `BadRecord`."""

Records = Iterator[Page | BadRecord]
Warn = Callable[[str], None]


def read_pages(inputs: Iterable[str], warn: Warn = lambda _: None) -> Records:
    """The pages of files and folders, in order; `-` is standard input.

    `.jsonl` files hold one page a row, all other files are one page of text.
    Raises `UserError` for an input that does not exist, before any is read.
    """
    paths = [path for name in inputs for path in _expand(name)]
    for path in paths:
        if path is None:
            yield from _standard_input(warn)
        elif path.suffix in (".jsonl", ".ndjson"):
            yield from read_jsonl(path)
        else:
            yield read_text(path, warn)


def read_text(path: Path, warn: Warn = lambda _: None) -> Page | BadRecord:
    """One text file as one page; invalid UTF-8 is replaced and said."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RECORD_BYTES + 1)
    except OSError as error:
        return BadRecord(str(path), "file", error.strerror or str(error))
    return _text_page(data, str(path), path.stem, warn)


def read_jsonl(path: Path) -> Records:
    """The rows of a JSONL file (`text` or `lines`, optional `id`, `url`, `site`, `date`)."""
    try:
        with path.open("rb") as file:
            yield from _json_rows(file, str(path), path.stem)
    except OSError as error:
        yield BadRecord(str(path), "file", error.strerror or str(error))


def _expand(name: str) -> list[Path | None]:
    """Files of an input: itself, the files of a folder (sorted, recursive), or standard input (None)."""
    if name == "-":
        return [None]
    path = Path(name)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix in (".txt", ".jsonl", ".ndjson") and p.is_file())
        if not files:
            raise UserError(f"{name}: no .txt or .jsonl files in this folder")
        return list(files)
    if not path.exists():
        raise UserError(f"{name}: no such file or folder")
    return [path]


def _standard_input(warn: Warn) -> Records:
    """JSONL if the first character is `{`, else one page of text."""
    stream = sys.stdin.buffer
    first = stream.peek(1)[:1]  # type: ignore[attr-defined]
    if first == b"{":
        yield from _json_rows(stream, "stdin", "stdin")
    else:
        yield _text_page(stream.read(MAX_RECORD_BYTES + 1), "stdin", "stdin", warn)


def _text_page(data: bytes, source: str, page_id: str, warn: Warn) -> Page | BadRecord:
    if not data.strip():
        return BadRecord(source, "file", "is empty")
    if len(data) > MAX_RECORD_BYTES:
        return BadRecord(source, "file", f"is larger than {MAX_RECORD_BYTES // 2**20} MiB; one text file is one page")
    # Text has no NUL bytes; PNG, PDF, zip and compiled files have some early on.
    if b"\0" in data[:8192] or data[:5] == b"%PDF-":
        return BadRecord(source, "file", "is a binary file, not text")
    text = data.decode("utf-8-sig", errors="replace")
    if "\ufffd" in text:
        warn(f"{source}: not valid UTF-8; {text.count(chr(0xFFFD))} bad bytes were replaced")
    return Page.from_text(text, page_id)


def _json_rows(file: BinaryIO, source: str, stem: str) -> Records:
    found = False
    number = 0
    while raw := file.readline(MAX_RECORD_BYTES + 1):
        number += 1
        if len(raw) > MAX_RECORD_BYTES:
            yield BadRecord(source, f"row {number}", f"is larger than {MAX_RECORD_BYTES // 2**20} MiB")
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(MAX_RECORD_BYTES)
            continue
        if not raw.strip():
            continue
        found = True
        try:
            row = json.loads(raw)
            if not isinstance(row, dict):
                raise ValueError("not a JSON object")
            yield Page.from_row(row, f"{stem}-{number}")
        except (ValueError, RecursionError) as error:
            reason = "not JSON" if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)) else str(error)
            yield BadRecord(source, f"row {number}", reason)
    if not found:
        yield BadRecord(source, "file", "is empty")
