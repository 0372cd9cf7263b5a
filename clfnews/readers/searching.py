"""Which files an input is: itself, those of a folder or a pattern; and what of a folder is left out."""

from __future__ import annotations

import glob
import os
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from clfnews.errors import UserError, counted, nearest
from clfnews.files import RUN, valid
from clfnews.readers.base import ReadOptions
from clfnews.readers.formats import FORMATS, SUFFIXES, format_of


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
