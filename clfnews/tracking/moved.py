"""A project that was moved: MLflow notes the files of runs by their full paths, which are then elsewhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from clfnews.errors import UserError

_FOLDER = "/mlruns/"
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns of MLflow's SQLite store that hold such paths."""


def follow_move(file: Path) -> None:
    """Note the new place of the runs' files where the old one is gone and they are beside the store.

    Raises `UserError` if the store cannot be written, and `sqlite3.Error` if it is broken.
    """
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=20)) as store:
        tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master")}
        if not tables.issuperset(table for table, _ in _PLACES):
            return  # MLflow itself says what is the matter with it
        places = [place for (place,) in store.execute("SELECT artifact_location FROM experiments WHERE artifact_location > ''")]
    moves = _moves(places, file.absolute().parent)
    if not moves:
        return
    try:
        with closing(sqlite3.connect(file, timeout=20)) as store, store:
            for old, new in moves.items():
                for table, column in _PLACES:
                    store.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                        (new, len(old) + 1, len(old), old),
                    )
    except sqlite3.OperationalError as error:
        gone = next(iter(moves))
        raise UserError(
            f"{file}: the files of its runs were in {gone}, which is gone (was the folder moved?), "
            f"and their new place cannot be noted: {error}"
        ) from error


def _moves(places: list[str], folder: Path) -> dict[str, str]:
    """Beginnings of addresses that lead nowhere, up to `mlruns/`, and what they are now."""
    moves = {}
    for place in places:
        root, found, rest = place.rpartition(_FOLDER)
        if not found or (path := local_path(root)) is None:
            continue
        here = folder / "mlruns"
        if not (path / "mlruns").exists() and (here / unquote(rest.split("/")[0])).exists():
            moves[root + _FOLDER] = f"{here.as_uri()}/"
    return moves


def local_path(address: str) -> Path | None:
    """The path of a `file:` address or a bare path; None for what is on a server."""
    if address.startswith("file:"):
        return Path(unquote(urlsplit(address).path))
    return Path(address) if address.startswith("/") or Path(address).is_absolute() else None
