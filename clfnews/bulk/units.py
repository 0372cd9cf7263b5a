"""What there is to do for `scale.filter_to_folder`: files, parts of files, bundles of small files; and where it goes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clfnews.errors import UserError
from clfnews.readers.base import Part, ReadOptions
from clfnews.readers.inputs import ONE_PAGE, expand, format_of

SPLIT_BYTES = 64 * 1024 * 1024
"""JSONL and Parquet files larger than this are filtered in parts of about this size."""
BUNDLE_FILES, BUNDLE_BYTES = 256, 4 * 1024 * 1024
"""Files of one page are read together up to this many, so that the model sees many pages at once."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input file, or a part of it, and the name of its shard."""

    path: Path
    shard: str
    """Path below the output folder, without suffix."""
    size: int
    part: Part | None = None


Unit = tuple[Item, ...]
"""Items that are filtered together, in one process. What is in a unit depends on the inputs alone."""


def list_inputs(inputs: Sequence[str], options: ReadOptions, out: Path) -> list[tuple[Path, str]]:
    """Every input file once, with the name of its shard.

    The name is the file's path below the folder that was given, without its
    suffix; files whose names would be the same keep their suffix, or get a hash
    of their path. Files in the output folder are no inputs.
    """
    found: dict[Path, str] = {}
    for name in inputs:
        for path in expand(name, options):
            if path is not None and not path.is_file() and path.exists() and not path.is_dir():
                raise UserError(
                    f"{path}: is a pipe or a device, and can be read only once; give it as standard input: - < {path}"
                )
            if path is not None and not path.resolve().is_relative_to(out.resolve()):
                inside = path.relative_to(name) if Path(name).is_dir() else Path(path.name)
                found.setdefault(path, inside.as_posix())
    if not found and "-" not in inputs:
        raise UserError(f"{out}: all inputs lie in the output folder")
    names = {path: _without_suffix(inside) for path, inside in found.items()}
    names = {path: found[path] if twice else names[path] for path, twice in _claimed_twice(names).items()}
    names = {
        path: f"{found[path]}-{_digest(str(path))[:8]}" if twice else names[path] for path, twice in _claimed_twice(names).items()
    }
    return list(names.items())


def _claimed_twice(names: dict[Path, str]) -> dict[Path, bool]:
    # Some file systems do not tell A from a.
    claims = Counter(name.lower() for name in names.values())
    return {path: claims[name.lower()] > 1 for path, name in names.items()}


def _without_suffix(name: str) -> str:
    path = Path(name)
    format_, compression = format_of(path.name)
    if compression:
        path = path.with_suffix("")
    if format_:
        path = path.with_suffix("")
    # The error file of shard "a" is called _a.errors.jsonl.
    return f"{path.as_posix()}_" if path.name.endswith(".errors") else path.as_posix()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def units(files: Iterable[tuple[Path, str]], options: ReadOptions, split_bytes: int = SPLIT_BYTES) -> Iterator[Unit]:
    """The units of the files, in their order; large files are looked into only when their turn comes."""
    bundle: list[Item] = []
    for path, shard in files:
        format_, compression = format_of(path.name)
        format_ = options.format or format_ or "text"
        item = Item(path, shard, _size(path))
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
                yield (Item(path, f"{shard}.part-{k:05d}", size, part),)
        else:
            yield (item,)
    if bundle:
        yield tuple(bundle)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it will tell why


def _parts(path: Path, format: str, size: int, split_bytes: int) -> Iterator[tuple[Part | None, int]]:
    try:
        yield from _line_parts(path, size, split_bytes) if format == "jsonl" else _group_parts(path, split_bytes)
    except OSError:
        yield None, size  # reading it will tell why


def _line_parts(path: Path, size: int, split_bytes: int) -> Iterator[tuple[Part, int]]:
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
            yield Part(start, end, first), end - start
            start, first = end, first + rows


def _group_parts(path: Path, split_bytes: int) -> Iterator[tuple[Part | None, int]]:
    """Runs of row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_metadata(path)
    except pa.ArrowException:
        yield None, _size(path)
        return
    start = first = rows = size = 0
    for group in range(table.num_row_groups):
        rows, size = rows + table.row_group(group).num_rows, size + table.row_group(group).total_byte_size
        if size >= split_bytes or group == table.num_row_groups - 1:
            yield Part(start, group + 1, first, in_bytes=False), size
            start, first, rows, size = group + 1, first + rows, 0, 0


def content_hash(unit: Unit) -> str:
    """SHA-256 over names and contents of the items (their byte ranges; Parquet parts hash their whole file)."""
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
            sha.update(f"unreadable: {error.strerror}".encode())
    return sha.hexdigest()
