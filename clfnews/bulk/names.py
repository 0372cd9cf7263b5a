"""Where the results of an input file go: names below the output folder, one for each input and no two alike.

Names of inputs are of any bytes and length; those of shards are UTF-8 and leave
room for what is put before and after them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from clfnews.bulk.writers import SHARD_SUFFIXES
from clfnews.files import RUN, valid
from clfnews.readers.formats import format_of

_NAME_BYTES, _PATH_BYTES = 180, 1_000
"""The longest name, and the longest path, that an output gets; longer ones end in a hash of all of it."""
_PART = re.compile(r"(.+)\.part-\d+")
_ERRORS = ".errors.jsonl"
_PART_FILE = re.compile(rf"(.+)\.part-\d+(?:{'|'.join(map(re.escape, (*SHARD_SUFFIXES.values(), _ERRORS)))})")


def shard_names(found: Mapping[Path, str]) -> dict[Path, str]:
    """The path below the output folder, without suffix, of the results of each input.

    Parameters: `found`, input file -> its path below the folder that was given.
    The result is that path without its suffix; where two would share a file,
    the suffix stays, or a hash of the input's path is added.
    """
    names = {path: _fitting(_without_suffix(inside)) for path, inside in found.items()}
    names |= {path: _fitting(found[path]) for path in _claimed_twice(names)}
    return names | {path: _fitting(f"{found[path]}-{_digest(str(path))}") for path in _claimed_twice(names)}


def part_name(shard: str, k: int) -> str:
    """The shard of the k-th part of a large file."""
    return f"{shard}.part-{k:05d}"


def error_name(shard: str) -> str:
    """The error file of a shard, in a folder of its own (`RUN`)."""
    return f"{RUN}/errors/{shard}{_ERRORS}"


def _claimed_twice(names: Mapping[Path, str]) -> list[Path]:
    """Inputs of which a file could get the name of another's file, of its parts or of a folder."""
    keys = {path: _key(name) for path, name in names.items()}
    claims = Counter(keys.values())
    folders = {parent.as_posix() for key in claims for parent in PurePosixPath(key).parents}
    split = {match[1] for folder in folders if (match := _PART_FILE.fullmatch(folder))}
    return [
        path
        for path, key in keys.items()
        if claims[key] > 1
        or key in split
        or ((match := _PART.fullmatch(key)) and match[1] in claims)
        or not folders.isdisjoint(f"{key}{suffix}" for suffix in (*SHARD_SUFFIXES.values(), _ERRORS))
    ]


def _key(name: str) -> str:
    """What is the same for file systems that do not tell A from a, or é from its two characters."""
    return unicodedata.normalize("NFC", name).casefold()


def _without_suffix(inside: str) -> str:
    path = PurePosixPath(inside)
    format_, compression = format_of(path.name)
    for known in (compression, format_):
        path = path.with_suffix("") if known else path
    # The error file of shard "a" is called a.errors.jsonl, and such files are no inputs.
    return f"{path.as_posix()}_" if path.name.endswith(".errors") else path.as_posix()


def _fitting(name: str) -> str:
    """The name if any file system takes it, else what can be kept of it and a hash."""
    fitting = "/".join(_fitting_part(part) for part in name.split("/"))
    return fitting if len(fitting.encode()) <= _PATH_BYTES else f"{_cut(valid(PurePosixPath(name).name))}-{_digest(name)}"


def _fitting_part(part: str) -> str:
    cut = _cut(valid(part))
    return part if cut == part and part != RUN else f"{cut}-{_digest(part)}"


def _cut(text: str) -> str:
    return text.encode()[:_NAME_BYTES].decode(errors="ignore")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
