"""What a first training needs: the shipped configurations, labelled data and seed pages (`clfnews init`)."""

from __future__ import annotations

import shutil
import site
import sys
from pathlib import Path

from clfnews.errors import UserError

PARTS = ("configs", "data", "seeds")


def write_starter(folder: Path) -> list[Path]:
    """Copy `configs/`, `data/` and `seeds/` into a folder; returns what was written.

    Raises `UserError` if one of them is there already, before anything is
    written, and if the installation lacks them.
    """
    source = _source()
    there = [folder / part for part in PARTS if (folder / part).exists()]
    if there:
        raise UserError(f"{there[0]}: is there already; give another folder: clfnews init FOLDER")
    try:
        for part in PARTS:
            shutil.copytree(source / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error}") from error
    return [folder / part for part in PARTS]


def _source() -> Path:
    """The repository of an editable installation, else where a wheel puts its data."""
    package = Path(__file__).resolve().parents[1]
    bases = (Path(sys.prefix), Path(site.getuserbase()), package.parent)
    places = [package.parent, *(base / "share" / "clfnews" for base in bases)]
    for place in places:
        if all((place / part).is_dir() for part in PARTS):
            return place
    raise UserError(f"this installation has no {', '.join(PARTS)}; take them from the source distribution of the same version")
