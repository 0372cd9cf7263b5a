"""The output folder of a run: whose it is, and what earlier runs have finished in it.

A finished unit leaves a marker in `STATE`. It is trusted if its own checksum,
those of the files it names, and the key of the work all hold.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clfnews.errors import UserError
from clfnews.files import MANIFEST, valid, write_json

STATE = ".clfnews"
"""Folder below the output folder with the markers of finished units."""
_EARLIER = "earlier"
"""File in `STATE`: what stood in the output folder when the run began, for the run after one that is stopped."""


@contextmanager
def own_folder(out: Path, resume: bool) -> Iterator[set[str]]:
    """The output folder for this run alone, without half files of runs that were killed.

    Gives the names of the shards and error files that earlier runs have left.
    Raises `UserError` for a folder that another run uses or that is not ours.
    """
    state = out / STATE
    try:
        if out.exists() and not out.is_dir():
            raise UserError(f"{out}: is a file; give a folder")
        if not resume and (state.exists() or (out / MANIFEST).exists()):
            raise UserError(f"{out}: holds the results of an earlier run; continue it with --resume, or choose another folder")
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
            # A worker that was killed may have left a shard and no marker: with the state the folder stays one of ours.
            if [path.name for path in state.iterdir()] == ["lock"] and not _first_visible(out):
                shutil.rmtree(state, ignore_errors=True)  # nothing was done: a second try needs no --resume


def write_marker(path: Path, key: str, shards: Sequence[dict[str, Any]]) -> None:
    """Say that a unit is finished: `key` of the work, and what the manifest tells of its shards."""
    write_json(path, {"key": key, "shards": shards, "sha256": _checksum(key, shards)})


def read_marker(path: Path, key: str, out: Path) -> tuple[dict[str, Any], ...] | None:
    """The shards of a finished unit; None if there is no marker of this work, or a file that it names is not whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        shards = found["shards"]
        if found["key"] != key or found["sha256"] != _checksum(key, shards):
            return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # half a marker, or JSON of someone else
        return None
    files = [(row["shard"], row["bytes"], row["sha256"]) for row in shards]
    files += [(row["errors"], row["errors_bytes"], row["errors_sha256"]) for row in shards if row["errors"] is not None]
    return tuple(shards) if all(_is_whole(out, *file) for file in files) else None


def _checksum(key: str, shards: Sequence[dict[str, Any]]) -> str:
    # Of what a file can hold: the name of an input may have bytes that are not UTF-8.
    text = valid(json.dumps([key, shards], sort_keys=True, ensure_ascii=False))
    return hashlib.sha256(text.encode()).hexdigest()


def _is_whole(out: Path, name: str, size: int, digest: str) -> bool:
    """True if a file still holds what was written."""
    try:
        with (out / name).open("rb") as file:
            return (out / name).stat().st_size == size and hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False


def earlier_format(out: Path) -> str | None:
    """The output format of the run whose results a folder holds; None if there is none."""
    try:
        found = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["options"]["output_format"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) else None


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
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):  # half a marker is no marker
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
