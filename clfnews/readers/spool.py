"""Standard input, and others that can be read only once, as files that can be read again."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import BinaryIO

from clfnews.readers.formats import SUFFIXES, sniff
from clfnews.readers.streams import StreamError, open_bytes, sniff_compression


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
            name = sniff(open_bytes(file, compression).peek(512)[:512])
        except StreamError:  # reading it will tell
            name = "text"
    suffix = next(suffix for suffix, format_ in SUFFIXES.items() if format_ == name)
    return path.rename(path.with_name(f"{path.name}{suffix}{compression or ''}"))
