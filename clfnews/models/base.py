"""What every model offers, and the two helpers that flat models share."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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

    `task` is the name of one (`labels.Task`); `labels` gives the order of the columns and is
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
    found = [(line, label) for page in pages for line in page.lines if (label := line.label(task))]
    return [line for line, _ in found], [label for _, label in found]


def of_distinct(texts: Sequence[str], predict: Callable[[Sequence[str]], np.ndarray]) -> np.ndarray:
    """What is predicted of texts, a row each; menus and footers stand on many pages, and each text is asked for once."""
    number: dict[str, int] = {}
    places = [number.setdefault(text, len(number)) for text in texts]
    return predict(list(number))[np.array(places, dtype=np.int64)]


def split_back(flat: np.ndarray, pages: Sequence[Page]) -> Probabilities:
    """Rows for all lines of all pages, cut into one array per page."""
    ends = np.cumsum([len(page.lines) for page in pages])
    return np.split(flat, ends[:-1]) if len(pages) else []


def normalised(p: np.ndarray) -> np.ndarray:
    """Rows clipped to [0, 1] and scaled to sum to 1 (all-zero rows become uniform)."""
    p = np.clip(np.asarray(p, dtype=np.float64), 0.0, 1.0)
    total = p.sum(axis=1, keepdims=True)
    return np.where(total > 0, p / np.where(total > 0, total, 1), 1.0 / p.shape[1])


_DAMAGED = (
    AttributeError, EOFError, KeyError, IndexError, MemoryError, NotImplementedError, OSError, RuntimeError, TypeError,
    ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What json, numpy, skops and fastText raise of files that are damaged, and models of parts that do not fit."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever a damaged file of a model leads to is a `UserError` that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{error.filename or path}: is missing; copy the model again, or train again") from error
    except _DAMAGED as error:
        said = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise UserError(f"{path}: broken ({said[:200]}); copy the model again, or train again") from error


def load_arrays(path: Path, *, infinite: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file, numbers without NaN; those whose names do not end so are finite.

    Raises `UserError` if it is broken.
    """
    with reading(path):
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        for name, array in arrays.items():
            bounded = not name.endswith(infinite)
            if array.dtype.kind not in "biuf" or np.isnan(array).any() or (bounded and not np.isfinite(array).all()):
                raise ValueError(f"{name} holds what is not a number")
    return arrays


def check_shapes(path: Path, arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `UserError` for the first array of a file that is missing or not of its shape."""
    for name, shape in shapes.items():
        if name not in arrays:
            raise UserError(f"{path}: broken (no {name}); copy the model again, or train again")
        if arrays[name].shape != shape:
            raise UserError(f"{path}: broken ({name} is {arrays[name].shape}, not {shape}); copy the model again, or train again")


_SCHEMA = "schema.json"
"""The file of a skops file that says how its objects hang together."""
_ADDRESS = re.compile(r'(?<="__id__": )\d+|(?<="file": ")\d+')


def save_skops(model: Any, path: Path) -> None:
    """A scikit-learn object as a packed skops file; equal objects give equal bytes.

    skops names objects by their address, which differs from run to run: they are numbered in order instead. Words and
    their numbers are text in it, 20 times smaller when packed.
    """
    import skops.io

    numbers: dict[str, str] = {}

    def number(address: str) -> str:
        return numbers.setdefault(address, str(len(numbers) + 1))

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as drawn, zipfile.ZipFile(path, "w") as packed:
        schema = _ADDRESS.sub(lambda found: number(found[0]), drawn.read(_SCHEMA).decode("utf-8"))
        parts = {(number(Path(name).stem) + Path(name).suffix): drawn.read(name) for name in drawn.namelist() if name != _SCHEMA}
        for name, data in [*parts.items(), (_SCHEMA, schema.encode("utf-8"))]:
            packed.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def load_skops(path: Path) -> Any:
    """A scikit-learn object from a skops file, refusing types that could run code.

    Raises `UserError` that names the foreign types.
    """
    import skops.io

    with reading(path):
        foreign = set(skops.io.get_untrusted_types(file=path)) - set(_TRUSTED)
        if foreign:
            raise UserError(f"{path}: holds types that could run code, not loaded: {', '.join(sorted(foreign))}")
        return skops.io.load(path, trusted=_TRUSTED)
