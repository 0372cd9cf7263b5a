"""The formats of files, and how a file's name or first bytes tell its own.

`FORMATS` maps the name of a format to its reader, `SUFFIXES` the end of a file
name to its format; `.gz` and `.zst` may follow. To add a format, write a reader
(an open file in, pages and bad records out) and add it to both.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from clfnews.readers.base import FilePart, ReadOptions, Records, Source, Warn
from clfnews.readers.csv_rows import read_csv_rows
from clfnews.readers.json_rows import read_json_rows, read_jsonl_rows
from clfnews.readers.one_page import read_html_page, read_text_page
from clfnews.readers.parquet_rows import read_parquet_rows
from clfnews.readers.streams import COMPRESSED
from clfnews.readers.warc import read_warc

Reader = Callable[[BinaryIO, Source, ReadOptions, Warn, FilePart | None], Records]

FORMATS: dict[str, Reader] = {
    "text": read_text_page,
    "html": read_html_page,
    "jsonl": read_jsonl_rows,
    "json": read_json_rows,
    "csv": read_csv_rows,
    "parquet": read_parquet_rows,
    "wet": read_warc,
    "warc": read_warc,
}
"""Name of a format, as in `--input-format`, and its reader."""

SUFFIXES = {
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".wet": "wet",
    ".warc": "warc",
}
"""End of a file name and its format; a file with another name that is given by itself is told by its first bytes."""

ONE_PAGE = ("text", "html")
"""Formats whose file is one page."""


def format_of(name: str) -> tuple[str | None, str | None]:
    """Format and compression of a file by its name; None for what the name does not tell."""
    path = Path(name.lower())
    compression = path.suffix if path.suffix in COMPRESSED else None
    return SUFFIXES.get(Path(path.stem).suffix if compression else path.suffix), compression


def stem_of(name: str) -> str:
    """`page` of `page.html.gz`."""
    format_, compression = format_of(name)
    stem = Path(name).stem if compression else name
    return Path(stem).stem if format_ or not compression else stem


def sniff(first: bytes) -> str:
    """The format of a file by its first bytes."""
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[{")) or start[:1] + start[1:].lstrip()[:1] == b"[{":
        return "json"
    if start.startswith(b"WARC/"):
        return "warc"
    if start.startswith(b"PAR1"):
        return "parquet"
    return "html" if start[:14].lower().startswith((b"<!doctype html", b"<html")) else "text"
