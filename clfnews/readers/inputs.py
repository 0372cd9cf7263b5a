"""Pages from files of any kind, folders, patterns and standard input.

Everything streams: memory does not grow with the file. A record that cannot be
read becomes a `BadRecord` in the stream, with its place and reason; the others
go on.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from clfnews.errors import BadRecord, MachineError, is_passing
from clfnews.files import valid
from clfnews.readers.base import FilePart, ReadOptions, Records, Source, Warn, checked, silent
from clfnews.readers.formats import FORMATS, format_of, sniff, stem_of
from clfnews.readers.searching import expand, passed_over, told
from clfnews.readers.streams import StreamError, open_bytes, sniff_compression


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
    source = Source(valid(str(path)), valid(stem_of(path.name)), skip)
    try:
        with path.open("rb") as file:
            # Parquet wants to jump about in the file, parts begin in its middle.
            stream = open_bytes(file, compression) if compression or (part is None and name != "parquet") else file
            name = name or sniff(stream.peek(512)[:512])
            yield from _guarded(FORMATS[name](stream, source, options, warn, part), source, warn)
    except StreamError as error:
        yield BadRecord(source.name, "file", str(error))
    except OSError as error:
        if is_passing(error):
            raise MachineError(f"{source.name}: cannot be read now: {error.strerror}") from error
        yield BadRecord(source.name, "file", error.strerror or str(error))


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
        name = options.format or sniff(stream.peek(512)[:512])
    except StreamError as error:
        yield BadRecord(source.name, "file", str(error))
        return
    yield from _guarded(FORMATS[name](stream, source, options, warn, None), source, warn)


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
