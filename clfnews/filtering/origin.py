"""Which model made a row: told in a way that means the same model tomorrow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from clfnews.filtering.saved import META

_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a filter came from; `model` and `run` of every row that it makes.

    An alias such as `champion` is never told: it moves to other versions.
    """

    model: str
    """`models:/NAME/VERSION` of a registered model; `NAME@sha256:DIGEST` of a folder (see `of_folder`); the
    name of a filter that was neither registered nor saved."""
    run: str | None = None
    """Id of the MLflow run that logged the model; None: not known."""


def of_folder(folder: Path, name: str | None = None, run: str | None = None) -> Origin:
    """The origin of a saved filter: the folder's own name (or another), and the first digits of the SHA-256 of `filter.json`.

    That file has the checksums of all others, so that it stands for the whole model.
    """
    try:
        digest = hashlib.sha256((folder / META).read_bytes()).hexdigest()[:_DIGITS]
    except OSError:
        return Origin(name or folder.name, run)  # what is wrong with it is told when it is loaded
    return Origin(f"{name or folder.resolve().name}@sha256:{digest}", run)
