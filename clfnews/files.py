"""JSONL rows read with the place of every error; files that are written whole or not at all."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import secrets
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clfnews.errors import UserError

RUN = "__run__"
"""Folder below an output folder with what is not pages: the manifest, and the records that could not be read. What reads
the output folder as one dataset passes it over: datasets for its two underscores, pandas and Spark for the first."""
MANIFEST = f"{RUN}/manifest.json"
_HALF = re.compile("[\ud800-\udfff]")
_LONG_NAME = 200
"""Bytes of a file name that its temporary name repeats."""


def valid(text: str) -> str:
    """The text with U+FFFD for half characters: bytes of a file's name that are not UTF-8, which no UTF-8 file can hold."""
    return text if text.isascii() else _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def jsonl_files(folder: Path) -> list[Path]:
    """The files of rows in a folder, by name: `*.jsonl` and `*.jsonl.gz`."""
    return sorted(path for path in folder.glob("*.jsonl*") if path.name.endswith((".jsonl", ".jsonl.gz")))


def is_folder(path: Path) -> bool:
    """Whether a folder is there; False for names that no system takes, which writing to them will tell."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_there(path: Path) -> bool:
    """Whether anything is there; False for names that no system takes, which writing to them will tell."""
    try:
        return path.exists()
    except OSError:
        return False


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a JSONL file; raises `UserError` at the first broken row."""
    return (row for _, row in numbered_rows(path))


def numbered_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """`read_rows` with the number of the line in the file, which also counts empty lines."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                if not text.strip():
                    continue
                try:
                    row = json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise UserError(f"{path}: row {number}: not JSON ({getattr(error, 'msg', error)})") from error
                if not isinstance(row, dict):
                    raise UserError(f"{path}: row {number}: not a JSON object")
                yield number, row
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path}: is damaged or no gzip file ({error})") from error
    except OSError as error:
        raise not_readable(path, error, "a JSONL file") from error


def not_readable(path: Path, error: OSError, wanted: str, missing: str = "no such file") -> UserError:
    """Why a file cannot be read, as an error of the user; `wanted` is what to give in the place of a folder."""
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path}: {missing}")
    if isinstance(error, IsADirectoryError):
        return UserError(f"{path}: is a folder; give {wanted}")
    return UserError(f"{path}: cannot be read: {error.strerror}")


class Draft:
    """A file under a temporary name beside its own, until `publish` gives it that."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Beside names of 255 bytes there has to be room for a temporary one.
        known = path.name if len(os.fsencode(path.name)) <= _LONG_NAME else path.name[: _LONG_NAME // 4]
        self.temporary = path.with_name(f".{known}.{os.getpid()}-{secrets.token_hex(3)}.tmp")

    def discard(self) -> None:
        """Remove what was not published."""
        self.temporary.unlink(missing_ok=True)


def publish(drafts: Sequence[Draft]) -> None:
    """Give drafts their names, once all of them are on the disk: after a power cut a file is the old one or the new one."""
    for draft in drafts:
        _sync(draft.temporary)
    for draft in drafts:
        draft.temporary.replace(draft.path)
    for folder in dict.fromkeys(draft.path.parent for draft in drafts):
        _sync(folder)


def _sync(path: Path) -> None:
    """Wait until a file, or what a folder lists, is on the disk."""
    if os.name == "nt" and path.is_dir():  # Windows does not open folders
        return
    number = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that cannot say
            raise
    finally:
        os.close(number)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write a file that takes its name in one step, when the block has ended well.

    What stands behind a link is replaced, not the link; a device or a pipe
    (`/dev/stdout`) is written to as it is. Raises `UserError` for a name that
    does not do, and for a disk that does not.
    """
    try:
        target = Path(os.path.realpath(path))
        if not target.parent.is_dir():
            raise UserError(f"{path}: cannot be written: the folder {path.parent} does not exist")
        if target.is_dir():
            raise UserError(f"{path}: is a folder; give the name of a file")
        if path.exists() and not path.is_file():
            yield path
            return
        draft = Draft(target)
        try:
            yield draft.temporary
            if target.exists():
                shutil.copymode(target, draft.temporary)
            publish([draft])
        finally:
            draft.discard()
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step (see `replacing`)."""
    with replacing(path) as place:
        place.write_text(valid(text), encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file in one step; unlike `write_text` leaves an `OSError` to the caller."""
    draft = Draft(path)
    try:
        draft.temporary.write_text(valid(json.dumps(value, ensure_ascii=False, indent=1)), encoding="utf-8")
        publish([draft])
    finally:
        draft.discard()
