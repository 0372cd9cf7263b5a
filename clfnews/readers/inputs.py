"""Pages from files of any kind, folders, patterns and standard input.

`FORMATS` maps the name of a format to its reader, `SUFFIXES` the end of a file
name to its format; `.gz` and `.zst` may follow. To add a format, write a reader
(an open file in, pages and bad records out) and add it to both.

Everything streams: memory does not grow with the file. A record that cannot be
read becomes a `BadRecord` in the stream, with its place and reason; the others
go on.
"""

from __future__ import annotations

import glob
import io
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from clfnews.errors import BadRecord, MachineError, UserError, counted, is_passing, nearest
from clfnews.files import RUN, valid
from clfnews.page import Page
from clfnews.readers.base import FilePart, ReadOptions, Records, Source, Warn, checked, silent
from clfnews.readers.csv_rows import read_csv_rows
from clfnews.readers.html.blocks import MAX_LINES
from clfnews.readers.html.document import is_html, read_html
from clfnews.readers.json_rows import read_json_rows, read_jsonl_rows
from clfnews.readers.parquet_rows import read_parquet_rows
from clfnews.readers.streams import COMPRESSED, StreamError, is_utf16, open_bytes, sniff_compression
from clfnews.readers.warc import read_warc

__all__ = ["FORMATS", "SUFFIXES", "ReadOptions", "Records", "expand", "format_of", "read_file", "read_pages"]

Reader = Callable[[BinaryIO, Source, ReadOptions, Warn, FilePart | None], Records]


def read_pages(
    inputs: Iterable[str], warn: Warn = silent, options: ReadOptions | None = None, skip: Callable[[str], None] = silent
) -> Records:
    """The pages of files, folders and patterns, in order; `-` is standard input.

    Parameters: `warn` gets what is to be said of files and pages that are read,
    `skip` the reason of every record that is passed over (`Source.skip`).
    Raises `UserError` for an input that does not exist, before any is read.
    """
    options, inputs = options or ReadOptions(), list(inputs)
    paths = [path for name in inputs for path in expand(name, options)]
    for name in inputs:
        not_read = passed_over(name, options)
        if not_read:
            warn(told(name, not_read))
    for path in paths:
        yield from read_file(path, warn, options, skip=skip) if path else _standard_input(warn, options, skip)


def read_file(
    path: Path,
    warn: Warn = silent,
    options: ReadOptions | None = None,
    part: FilePart | None = None,
    skip: Callable[[str], None] = silent,
) -> Records:
    """The pages of one file, or of a part of it.

    Raises `MachineError` for trouble that says nothing of the file, such as a full disk for temporary files.
    """
    options = options or ReadOptions()
    known, compression = format_of(path.name)
    name = options.format or known
    # The bytes of a name need not be UTF-8, those of an output have to.
    source = Source(valid(str(path)), valid(_stem(path.name)), skip)
    try:
        with path.open("rb") as file:
            # Parquet wants to jump about in the file, parts begin in its middle.
            stream = open_bytes(file, compression) if compression or (part is None and name != "parquet") else file
            name = name or _sniff(stream.peek(512)[:512])
            yield from _guarded(FORMATS[name](stream, source, options, warn, part), source, warn)
    except StreamError as error:
        yield BadRecord(source.name, "file", str(error))
    except OSError as error:
        if is_passing(error):
            raise MachineError(f"{source.name}: cannot be read now: {error.strerror}") from error
        yield BadRecord(source.name, "file", error.strerror or str(error))


def format_of(name: str) -> tuple[str | None, str | None]:
    """Format and compression of a file by its name; None for what the name does not tell."""
    path = Path(name.lower())
    compression = path.suffix if path.suffix in COMPRESSED else None
    return SUFFIXES.get(Path(path.stem).suffix if compression else path.suffix), compression


def expand(name: str, options: ReadOptions) -> list[Path | None]:
    """Files of an input: itself, the files of a folder or pattern (sorted), or standard input (None).

    A folder is searched in depth, for files whose name tells their format (all
    files if `options.format` is set); hidden files and error files are not taken.
    Links to folders are followed, each folder once. A folder that cannot be
    opened is in the list as well: reading it tells why.
    """
    if options.format is not None and options.format not in FORMATS:
        raise UserError(f"unknown input format {options.format!r}{nearest(options.format, list(FORMATS))}")
    if name == "-":
        return [None]
    path = Path(name)
    if path.is_dir():
        found, closed, _ = _searched(path)
        files: list[Path | None] = [*sorted([*(file for file in found if _is_input(file, path, options)), *closed])]
        if not files:
            raise UserError(f"{name}: no {', '.join(SUFFIXES)} files in this folder")
        return files
    if path.exists():
        return [path]
    if any(c in name for c in "*?["):
        matching = glob.glob(name, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        matches: list[Path | None] = [Path(match) for match in sorted(matching) if Path(match).is_file()]
        if not matches:
            raise UserError(f"{name}: no file matches this pattern")
        return matches
    raise UserError(f"{name}: no such file or folder")


def check_inputs(names: Iterable[str], options: ReadOptions) -> None:
    """Raise `UserError` for an input that is not there, before a model is loaded for it."""
    for name in names:
        expand(name, options)


def passed_over(name: str, options: ReadOptions) -> list[Path]:
    """Files of a folder that `expand` leaves out because their names tell no format, or because they are broken links."""
    folder = Path(name)
    if not folder.is_dir():
        return []
    return [
        file for file in sorted(_searched(folder)[0]) if not _is_input(file, folder, options) and not _is_set_aside(file, folder)
    ]


def set_aside(name: str) -> list[Path]:
    """Hidden files and folders of a folder, which `expand` leaves out, and what `clfnews filter` has written there."""
    folder = Path(name)
    if not folder.is_dir():
        return []
    found, _, hidden = _searched(folder)
    return sorted([*hidden, *(file for file in found if _is_set_aside(file, folder))])


def _searched(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """All that lies in a folder and is no folder, in any depth; the folders that cannot be opened; and the hidden ones.

    Links to folders are followed after all folders that are really there, and
    none twice, so that a file has its own path if it has one, and loops end.
    """
    found: list[Path] = []
    closed: list[Path] = []
    hidden: list[Path] = []
    seen: set[str] = set()
    todo, links = [folder], deque[Path]()
    while todo or links:
        here = todo.pop() if todo else links.popleft()
        if (real := os.path.realpath(here)) in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(here.iterdir())
        except OSError:
            closed.append(here)
            continue
        for entry in entries:
            if not _is_folder(entry):
                found.append(entry)
            elif entry.name.startswith("."):
                hidden.append(entry)
            else:
                (links if entry.is_symlink() else todo).append(entry)
    return found, closed, hidden


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a link to a place that may not be looked at
        return False


def told(name: str, not_read: Sequence[Path]) -> str:
    """What is said of the files that were passed over."""
    few = ", ".join(valid(str(path.relative_to(name))) for path in not_read[:3]) + (", ..." if len(not_read) > 3 else "")
    many = f"{counted(len(not_read), 'file')} {'is' if len(not_read) == 1 else 'are'}"
    return f"{name}: {many} not read: the name tells no format, or the link is broken ({few}); see --input-format"


def _is_input(file: Path, folder: Path, options: ReadOptions) -> bool:
    known = options.format is not None or format_of(file.name)[0] is not None
    return known and not _is_set_aside(file, folder) and file.is_file()


def _is_set_aside(file: Path, folder: Path) -> bool:
    """Hidden files, and what `clfnews filter` writes beside its pages."""
    inside = file.relative_to(folder).parts
    hidden = any(part.startswith(".") or part == RUN for part in inside)
    return hidden or file.name.endswith(".errors.jsonl") or file.name == "_manifest.json"  # of versions before 0.2


def _stem(name: str) -> str:
    """`page` of `page.html.gz`."""
    format_, compression = format_of(name)
    stem = Path(name).stem if compression else name
    return Path(stem).stem if format_ or not compression else stem


def _guarded(records: Records, source: Source, warn: Warn) -> Records:
    """The records, with the end of a broken stream as a `BadRecord` and pages that are too large as another."""
    n = 0
    try:
        for record in records:
            n += 1
            yield checked(record, source.name, warn)
    except StreamError as error:
        yield BadRecord(source.name, f"after record {n}" if n else "file", str(error))


def _standard_input(warn: Warn, options: ReadOptions, skip: Callable[[str], None]) -> Records:
    """Any format, told by its first bytes unless it was named."""
    stdin = io.BufferedReader(_Unseekable(sys.stdin.buffer), 1 << 16)
    source = Source("stdin", "stdin", skip)
    try:
        stream = open_bytes(stdin, sniff_compression(stdin.peek(8)[:8]))
        name = options.format or _sniff(stream.peek(512)[:512])
    except StreamError as error:
        yield BadRecord(source.name, "file", str(error))
        return
    yield from _guarded(FORMATS[name](stream, source, options, warn, None), source, warn)


def spool_stdin(folder: Path) -> Path:
    """Standard input as a file that can be read again; its name tells the format."""
    return spool(sys.stdin.buffer, folder / "stdin")


def spool(source: BinaryIO, path: Path) -> Path:
    """What can be read only once as a file that can be read again: `path` with a suffix that tells the format."""
    with path.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    with path.open("rb") as file:
        compression = sniff_compression(file.peek(8)[:8])
        try:
            name = _sniff(open_bytes(file, compression).peek(512)[:512])
        except StreamError:  # reading it will tell
            name = "text"
    suffix = next(suffix for suffix, format_ in SUFFIXES.items() if format_ == name)
    return path.rename(path.with_name(f"{path.name}{suffix}{compression or ''}"))


class _Unseekable(io.RawIOBase):
    """Standard input as a plain stream, whatever stands behind it (a pipe, a file, a test's buffer)."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        read = getattr(self._inner, "read1", self._inner.read)
        data = read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _sniff(first: bytes) -> str:
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[{")) or start[:1] + start[1:].lstrip()[:1] == b"[{":
        return "json"
    if start.startswith(b"WARC/"):
        return "warc"
    if start.startswith(b"PAR1"):
        return "parquet"
    return "html" if start[:14].lower().startswith((b"<!doctype html", b"<html")) else "text"


def read_text_page(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: FilePart | None = None) -> Records:
    """The whole file as one page of text; one that is HTML is read as HTML unless the format was named."""
    data = file.read(options.max_bytes + 1)
    if not data.strip():
        yield BadRecord(source.name, "file", "is empty")
    elif len(data) > options.max_bytes:
        yield BadRecord(source.name, "file", f"{options.too_large}; one text file is one page")
    elif is_utf16(data):
        yield Page.from_text(data.decode("utf-16", errors="replace"), source.stem)
    # Text has no NUL bytes; PNG, PDF, zip and compiled files have some early on.
    elif b"\0" in data[:8192] or data[:5] == b"%PDF-":
        yield BadRecord(source.name, "file", "is a binary file, not text")
    else:
        text = data.decode("utf-8-sig", errors="replace")
        if options.format != "text" and is_html(text):
            warn(f"{source.name}: is HTML and is read as such (as text: --input-format text)")
            yield _page_of_html(data, source, options, warn)
        elif max(data.count(b"\n"), data.count(b"\r")) > MAX_LINES:
            yield BadRecord(source.name, "file", f"has more than {MAX_LINES:,} lines; one text file is one page")
        else:
            if "\ufffd" in text:
                warn(f"{source.name}: not valid UTF-8; {text.count(chr(0xFFFD))} bad bytes were replaced")
            yield Page.from_text(text, source.stem)


def read_html_page(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: FilePart | None = None) -> Records:
    """The whole file as one page of HTML."""
    data = file.read(options.max_bytes + 1)
    if not data.strip():
        yield BadRecord(source.name, "file", "is empty")
    elif len(data) > options.max_bytes:
        yield BadRecord(source.name, "file", f"{options.too_large}; one HTML file is one page")
    else:
        yield _page_of_html(data, source, options, warn)


def _page_of_html(data: bytes, source: Source, options: ReadOptions, warn: Warn) -> Page | BadRecord:
    try:
        document = read_html(data, source.stem, seconds=options.seconds, hidden=options.hidden)
    except ValueError as error:
        return BadRecord(source.name, "file", str(error))
    if document.replaced > 0:
        warn(f"{source.name}: {document.replaced} bytes are not valid in the page's encoding and were replaced")
    return document.page


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
