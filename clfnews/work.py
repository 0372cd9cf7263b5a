"""What there is to do for `scale.filter_to_folder`: files, parts of files, bundles of small files; and where it goes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clfnews.errors import UserError
from clfnews.readers import ONE_PAGE, ReadOptions, expand, format_of
from clfnews.records import Part

SPLIT_BYTES = 64 * 1024 * 1024
"""JSONL and Parquet files larger than this are filtered in parts of about this size."""
BUNDLE_FILES, BUNDLE_BYTES = 256, 4 * 1024 * 1024
"""Files of one page are read together up to this many, so that the model sees many pages at once."""

STATE = ".clfnews"
"""Folder below the output folder with the markers of finished units."""
MANIFEST = "_manifest.json"
_EARLIER = "earlier"
"""File in `STATE`: what stood in the output folder when the run began, for the run after one that is stopped."""


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


# --- the output folder ---------------------------------------------------------------


@contextmanager
def own_folder(out: Path, resume: bool) -> Iterator[set[str]]:
    """The output folder for this run alone, without half files of runs that were killed.

    Gives the names of the shards and error files that earlier runs have left.
    Raises `UserError` for a folder that another run uses or that is not ours.
    """
    state = out / STATE
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; give a folder")
    if not resume and (state.exists() or (out / MANIFEST).exists()):
        raise UserError(f"{out}: holds the results of an earlier run; continue it with --resume, or choose another folder")
    try:
        if not state.exists() and not (out / MANIFEST).exists() and out.exists() and _first_visible(out):
            raise UserError(
                f"{out}: holds other files ({_first_visible(out)}), results would be mixed with them; give a new or empty folder"
            )
        state.mkdir(parents=True, exist_ok=True)
        lock = (state / "lock").open("a")
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror}") from error
    with lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows
            pass
        except OSError as error:
            raise UserError(f"{out}: another run is writing to this folder") from error
        _remove_temporary(out)
        try:
            yield _earlier(out)
        finally:
            _remove_temporary(out)
            if [path.name for path in state.iterdir()] == ["lock"] and not (out / MANIFEST).exists():
                shutil.rmtree(state, ignore_errors=True)  # nothing was done: a second try needs no --resume


def earlier_format(out: Path) -> str | None:
    """The output format of the run whose results a folder holds; None if there is none."""
    try:
        found = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["options"]["output_format"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file that is whole whenever it has its name."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace").decode(), encoding="utf-8")
    temporary.replace(path)


def _first_visible(folder: Path) -> str | None:
    return next((path.name for path in folder.iterdir() if not path.name.startswith(".")), None)


def _earlier(out: Path) -> set[str]:
    """Names of shards and error files of earlier runs, by their manifest, their markers and their own list of them.

    They are kept at once: this run writes markers over those of bundles that
    hold other files now, and may be stopped before it has a manifest.
    """
    names: set[str] = set()
    for path in (out / MANIFEST, out / STATE / _EARLIER, *(out / STATE).glob("*.json")):
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            names.update(name for row in known["shards"] for name in (row["shard"], row["errors"]) if isinstance(name, str))
            names.update(name for name in known.get("left_over", ()) if isinstance(name, str))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # half a marker is no marker
            continue
    if names:
        try:
            write_json(out / STATE / _EARLIER, {"shards": [], "left_over": sorted(names)})
        except OSError as error:
            raise UserError(f"{out}: cannot be written: {error.strerror}") from error
    return names


def _remove_temporary(out: Path) -> None:
    for path in (*out.rglob(".*.[0-9]*.tmp"), *(out / STATE).glob("stdin*")):
        path.unlink(missing_ok=True)
