"""What `clfnews filter` wrote, read back: of each page what can be counted without labels."""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.files import MANIFEST
from clfnews.labels import ARTICLE, STANCES, TYPES

SUFFIXES = (".jsonl", ".parquet")
"""Ends of the files that have rows; the text format has no confidence to look at."""
MAX_PAGES = 5_000
"""Pages of a side that are looked at; of more, a sample without a pattern."""
KEPT_TYPES = tuple(label for label in TYPES if label in ARTICLE)
_WORD = re.compile(r"\w++")
_SCRIPT_CHARS = 400
CONFIDENCES = ("text_confidence", "confidence")
"""Names of the expected F1 of a row's kept lines, the second in rows of earlier versions; the first that a row has counts."""
_TOLD = {"label", "p"}
"""What a task of the user's says."""
_COLUMNS = ("id", "site", "text", "stance", *CONFIDENCES, "model", "language", "lines")


@dataclass(frozen=True, slots=True)
class Seen:
    """A page of an output, as numbers."""

    site: str
    confidence: float
    kept: int
    """Lines that were kept."""
    types: Mapping[str, int]
    """Type -> kept lines."""
    stance: str | None
    """Stance of the page; `none` without one, None in rows that tell no stance: their labels are the user's alone."""
    stances: tuple[int, ...]
    """Kept lines of each stance."""
    words: np.ndarray
    """Checksums of the different words of the kept text."""
    script: str
    """Most frequent script of its letters, such as `latin`; `none` without letters."""
    language: str | None
    """What the row says; None if it says nothing."""
    tasks: Mapping[str, str]
    """Task of the user's -> label of the page, `none` without one."""
    line_tasks: Mapping[str, Mapping[str, int]]
    """Task of the user's -> label -> kept lines."""


@dataclass(frozen=True, slots=True)
class Output:
    """One side of a comparison."""

    name: str
    total: int
    """Pages, of which `pages` is all or a sample."""
    pages: Sequence[Seen]
    models: tuple[str, ...]
    errors: int | None
    """Records that could not be read; None where no manifest tells."""


def read_output(path: Path, seed: int = 0) -> Output:
    """The pages of a file or folder of `clfnews filter`, JSONL or Parquet; at most `MAX_PAGES`, drawn by `seed`.

    Raises `UserError` that names what is no such output.
    """
    rng = np.random.default_rng(seed)
    kept: list[Seen] = []
    models: Counter[str] = Counter()
    total = 0
    for place, row in chain.from_iterable(map(_rows, _files(path))):
        problem = _problem(row)
        if problem:
            raise UserError(f"{place}: not a page of clfnews filter ({problem})")
        models[str(row.get("model"))] += 1
        total += 1
        if len(kept) < MAX_PAGES:
            kept.append(_seen(row))
        elif (at := int(rng.integers(total))) < MAX_PAGES:  # Vitter's algorithm R: every page is as likely as any other
            kept[at] = _seen(row)
    return Output(str(path), total, kept, tuple(name for name, _ in models.most_common(3)), _errors(path))


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise UserError(f"{path}: expected JSONL or Parquet of clfnews filter (-o X.jsonl, -o FOLDER --format parquet)")
        return [path]
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix in SUFFIXES and not any(part.startswith(("_", ".")) for part in file.relative_to(path).parts)
    )
    if not found:
        text = "; text has no confidence to compare" * any(path.rglob("*.txt"))
        raise UserError(f"{path}: no .jsonl or .parquet files of clfnews filter in it{text}")
    return found


def _errors(path: Path) -> int | None:
    """What the manifest of a folder says of records that could not be read."""
    try:
        count = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["totals"]["errors"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return count if isinstance(count, int) and count >= 0 else None


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Place and row of every page of a file."""
    read: Callable[[Path], Iterator[Any]] = _parquet if path.suffix == ".parquet" else _jsonl
    for number, row in enumerate(read(path), 1):
        yield f"{path}: row {number}", row


def _jsonl(path: Path) -> Iterator[Any]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    try:
                        yield json.loads(line)
                    except (ValueError, RecursionError) as error:
                        raise UserError(f"{path}: row {number}: not JSON") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = [column.name for column in file.schema_arrow if column.name in _COLUMNS or _tells_label(column.type)]
            for batch in file.iter_batches(batch_size=256, columns=names):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: not a Parquet file that can be read ({str(error).splitlines()[0][:120]})") from error


def _tells_label(kind: Any) -> bool:
    """Whether a column has what a task of the user's says of a page."""
    import pyarrow as pa

    return bool(pa.types.is_struct(kind)) and {field.name for field in kind} == _TOLD


def _told(row: Mapping[str, Any]) -> dict[str, str]:
    """Task of the user's -> label in a row or line; the shipped stance says more, and is none."""
    told = {str(name): value["label"] for name, value in row.items() if isinstance(value, Mapping) and value.keys() == _TOLD}
    return {name: label if isinstance(label, str) else "none" for name, label in told.items()}


def _seen(row: Mapping[str, Any]) -> Seen:
    lines = [line for line in row["lines"] if line.get("keep", True)]
    types = Counter(line["type"] for line in lines if isinstance(line.get("type"), str))
    stances = Counter(line.get("stance") for line in lines if not isinstance(line.get("stance"), Mapping))
    text, language, own = row["text"], row.get("language"), _told(row)
    line_tasks: dict[str, Counter[str]] = {}
    for line in lines:
        for name, label in _told(line).items():
            line_tasks.setdefault(name, Counter())[label] += 1
    return Seen(
        site=str(row.get("site") or ""),
        confidence=float(row[_confidence_in(row)]),
        kept=len(lines),
        types=types,
        stance=_stance(row) if "stance" in row and "stance" not in own else None,
        stances=tuple(stances[label] for label in STANCES),
        words=np.array([zlib.crc32(word.encode()) for word in set(_WORD.findall(text.casefold()))], dtype=np.uint32),
        script=_script(text),
        language=str(language) if language else None,
        tasks=own,
        line_tasks=line_tasks,
    )


def _stance(row: Mapping[str, Any]) -> str:
    """The shipped stance of a page."""
    return (row.get("stance") or {}).get("label") or "none"


def _problem(row: Any) -> str | None:
    if not isinstance(row, Mapping):
        return "not an object"
    confidence = _confidence_in(row)
    for key, kind in (("text", str), ("lines", list), (confidence, int | float)):
        if not isinstance(row.get(key), kind):
            return f"no {key!r}" if row.get(key) is None else f"{key!r} is {row[key]!r:.60}"
    if not 0 <= row[confidence] <= 1:
        return f"{confidence!r} is {row[confidence]!r:.60}"
    if not isinstance(row.get("stance") or {}, Mapping):
        return f"'stance' is {row['stance']!r:.60}"
    if not all(isinstance(line, Mapping) for line in row["lines"]):
        return "a line is not an object"
    return None


def _confidence_in(row: Mapping[str, Any]) -> str:
    """The name under which a row has its confidence; today's if it has none."""
    return next((name for name in CONFIDENCES if row.get(name) is not None), CONFIDENCES[0])


def _script(text: str) -> str:
    """The first word of the Unicode name of most of the letters: `LATIN SMALL LETTER A`."""
    letters = Counter(char for char in text[:_SCRIPT_CHARS] if char.isalpha())
    scripts = Counter[str]()
    for char, n in letters.items():
        scripts[unicodedata.name(char, "").partition(" ")[0].lower()] += n
    return scripts.most_common(1)[0][0] if scripts else "none"
