"""What there is to do for `job.filter_to_folder`: files, parts of files, bundles of small files."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clfnews.bulk.names import part_name, shard_names
from clfnews.errors import MachineError, UserError, is_passing
from clfnews.readers.base import FilePart, ReadOptions
from clfnews.readers.formats import ONE_PAGE, format_of
from clfnews.readers.searching import expand
from clfnews.readers.spool import spool, spool_stdin

SPLIT_BYTES = 64 * 1024 * 1024
"""JSONL and Parquet files larger than this are filtered in parts of about this size."""
BUNDLE_FILES, BUNDLE_BYTES = 256, 4 * 1024 * 1024
"""Files of one page are read together up to this many, so that the model sees many pages at once."""


STDIN = Path("/dev/stdin")
"""Stands for standard input until it is kept in a file."""

Stamp = tuple[int, int, int]
"""Number, size and time of change of a file: another one, or one that was written to, has others."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input file, or a part of it, and the name of its shard."""

    path: Path
    shard: str
    """Path below the output folder, without suffix."""
    size: int
    stamp: Stamp | None
    """The file when the work was planned; None if it could not be looked at."""
    part: FilePart | None = None


Unit = tuple[Item, ...]
"""Items that are filtered together, in one process. What is in a unit depends on the inputs alone."""


def list_inputs(inputs: Sequence[str], options: ReadOptions, out: Path) -> list[tuple[Path, str]]:
    """Every input file once, with the name of its shard.

    For the names see `shard_names`. Files in the output folder are no inputs.
    Raises `UserError` for devices, which need not end, and if there is no input.
    """
    found: dict[Path, str] = {}
    own = Path(os.path.realpath(out))
    for name in inputs:
        for path in expand(name, options):
            if path is not None and not Path(os.path.realpath(path)).is_relative_to(own):
                inside = path.relative_to(name) if Path(name).is_dir() else Path(path.name)
                found.setdefault(path, inside.as_posix())
    for path in found:
        if path != STDIN and (stat.S_ISCHR(_mode(path)) or stat.S_ISBLK(_mode(path))):
            raise UserError(f"{path}: is a device; give a file, or - for standard input")
    if "-" in inputs:
        found[STDIN] = "stdin"
    if not found:
        raise UserError(f"{out}: all inputs lie in the output folder")
    return list(shard_names(found).items())


def kept(path: Path, folder: Path, number: int) -> Path:
    """The file itself; or a copy in `folder` of what can be read only once: standard input or a pipe."""
    if path == STDIN:
        return spool_stdin(folder)
    if not stat.S_ISFIFO(_mode(path)):
        return path
    with path.open("rb") as file:
        return spool(file, folder / f"stdin-{number}")


def _mode(path: Path) -> int:
    """The kind of a file, for `stat`; 0 if it cannot be looked at, of which reading it will tell why."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def units(files: Iterable[tuple[Path, str]], options: ReadOptions, split_bytes: int = SPLIT_BYTES) -> Iterator[Unit]:
    """The units of the files, in their order; large files are looked into only when their turn comes."""
    bundle: list[Item] = []
    for path, shard in files:
        format_, compression = format_of(path.name)
        format_ = options.format or format_ or "text"
        stamp = stamp_of(path)
        item = Item(path, shard, stamp[1] if stamp else 0, stamp)
        if format_ in ONE_PAGE:
            if bundle and (len(bundle) >= BUNDLE_FILES or sum(i.size for i in bundle) + item.size > BUNDLE_BYTES):
                yield tuple(bundle)
                bundle = []
            bundle.append(item)
            continue
        if bundle:
            yield tuple(bundle)
            bundle = []
        if item.size > split_bytes and not compression and format_ in ("jsonl", "parquet"):
            for k, (part, size) in enumerate(_parts(path, format_, item.size, split_bytes)):
                yield (Item(path, part_name(shard, k), size, stamp, part),)
        else:
            yield (item,)
    if bundle:
        yield tuple(bundle)


def stamp_of(path: Path) -> Stamp | None:
    """What a file is now; None if it cannot be looked at, of which reading it will tell why."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _parts(path: Path, format: str, size: int, split_bytes: int) -> Iterator[tuple[FilePart | None, int]]:
    try:
        yield from _line_parts(path, size, split_bytes) if format == "jsonl" else _group_parts(path, split_bytes)
    except OSError:
        yield None, size  # reading it will tell why


def _line_parts(path: Path, size: int, split_bytes: int) -> Iterator[tuple[FilePart, int]]:
    """Byte ranges that end at ends of lines."""
    start = first = 0
    with path.open("rb") as file:
        while start < size:
            rows, end = 0, start
            file.seek(start)
            while end < size and end - start < split_bytes:
                block = file.read(min(1 << 20, split_bytes - (end - start)))
                rows, end = rows + block.count(b"\n"), end + len(block)
                if not block:
                    break
            while block and not block.endswith(b"\n"):
                block = file.readline(1 << 20)
                rows, end = rows + block.count(b"\n"), end + len(block)
            end = max(end, start + 1)
            yield FilePart(start, end, first), end - start
            start, first = end, first + rows


def _group_parts(path: Path, split_bytes: int) -> Iterator[tuple[FilePart | None, int]]:
    """Runs of row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_metadata(path)
    except pa.ArrowException:
        yield None, path.stat().st_size
        return
    start = first = rows = size = 0
    for group in range(table.num_row_groups):
        rows, size = rows + table.row_group(group).num_rows, size + table.row_group(group).total_byte_size
        if size >= split_bytes or group == table.num_row_groups - 1:
            yield FilePart(start, group + 1, first, in_bytes=False), size
            start, first, rows, size = group + 1, first + rows, 0, 0


def content_hash(unit: Unit) -> str:
    """SHA-256 over names and contents of the items (their byte ranges; Parquet parts hash their whole file).

    Raises `MachineError` if a file cannot be read just now.
    """
    sha = hashlib.sha256()
    for item in unit:
        sha.update(f"\0{item.shard}\0{item.part}\0".encode("utf-8", "surrogateescape"))
        try:
            with item.path.open("rb") as file:
                left = None
                if item.part is not None and item.part.in_bytes:
                    file.seek(item.part.start)
                    left = item.part.end - item.part.start
                while block := file.read(1 << 20 if left is None else min(1 << 20, left)):
                    sha.update(block)
                    left = None if left is None else left - len(block)
        except OSError as error:
            if is_passing(error):
                raise MachineError(f"{item.path}: cannot be read now: {error.strerror}") from error
            sha.update(f"unreadable: {error.strerror}".encode())
    return sha.hexdigest()
