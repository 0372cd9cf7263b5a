"""What every model offers, and the two helpers that flat models share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from clfnews.errors import UserError
from clfnews.page import Line, Page

# What skops may build when a model is loaded; all of it is data, no code.
_TRUSTED = ["numpy.dtype", "scipy.sparse._csr.csr_matrix"]

Probabilities = list[np.ndarray]
"""One array per page, lines x labels, rows summing to 1 (float64)."""


class Model(Protocol):
    """Pages in, per-line probabilities out.

    `task` is `type` or `stance`; `labels` gives the order of the columns and is
    stored with the model. Only lines that carry a label of the task are learnt
    from; every line gets a prediction.
    """

    kind: str
    task: str
    labels: tuple[str, ...]

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Model:
        """Learn from labelled pages; `groups` keeps related pages together inside."""
        ...

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        """Per page an array of lines x labels."""
        ...

    def save(self, folder: Path) -> None:
        """Write the fitted model into an existing, empty folder."""
        ...

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> Model:
        """The model that `save` wrote; predictions are equal to the last bit."""
        ...


def labelled_lines(pages: Sequence[Page], task: str) -> tuple[list[Line], list[str]]:
    """All lines that carry a label of the task, and those labels."""
    lines = [line for page in pages for line in page.lines if getattr(line, task)]
    return lines, [getattr(line, task) for line in lines]


def split_back(flat: np.ndarray, pages: Sequence[Page]) -> Probabilities:
    """Rows for all lines of all pages, cut into one array per page."""
    ends = np.cumsum([len(page.lines) for page in pages])
    return np.split(flat, ends[:-1]) if len(pages) else []


def normalised(p: np.ndarray) -> np.ndarray:
    """Rows clipped to [0, 1] and scaled to sum to 1 (all-zero rows become uniform)."""
    p = np.clip(np.asarray(p, dtype=np.float64), 0.0, 1.0)
    total = p.sum(axis=1, keepdims=True)
    return np.where(total > 0, p / np.where(total > 0, total, 1), 1.0 / p.shape[1])


def load_skops(path: Path, trusted: Sequence[str] = ()) -> Any:
    """A scikit-learn object from a skops file, refusing types that could run code.

    Raises `UserError` that names the foreign types.
    """
    import skops.io

    foreign = set(skops.io.get_untrusted_types(file=path)) - set(_TRUSTED) - set(trusted)
    if foreign:
        raise UserError(f"{path}: holds types that could run code, not loaded: {', '.join(sorted(foreign))}")
    return skops.io.load(path, trusted=[*_TRUSTED, *trusted])
