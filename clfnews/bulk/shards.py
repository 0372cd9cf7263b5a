"""A shard: the output file of one input, written beside its errors under a temporary name until it is whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from clfnews.bulk.writers import _WRITERS, FORMATS, Writer
from clfnews.errors import BadRecord
from clfnews.filtering.tagged import TaggedPage


@dataclass
class Counts:
    """What went into and out of a shard; sums with `add`."""

    records: int = 0
    pages: int = 0
    errors: int = 0
    warnings: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    """Kind (`redirect`, `error`, `image` ...) -> responses of web archives that are no pages; they are no records."""
    lines: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    """Type -> lines."""
    stances: dict[str, int] = field(default_factory=dict)
    """Stance (or `none`) -> kept lines."""
    page_stances: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, other: Counts) -> None:
        """Add the numbers of another shard."""
        for name, value in asdict(other).items():
            mine = getattr(self, name)
            total = dict(Counter(mine) + Counter(value)) if isinstance(value, dict) else mine + value
            total = round(total, 4) if isinstance(total, float) else total  # of seconds; 0.1 + 0.2 is 0.30000000000000004
            setattr(self, name, dict(sorted(total.items())) if isinstance(total, dict) else total)

    def count(self, tagged: TaggedPage) -> None:
        """Count a page that was written."""
        self.pages += 1
        self.lines += len(tagged.lines)
        for line in tagged.lines:
            if line.keep:
                self.kept += 1
                self.stances[line.stance or "none"] = self.stances.get(line.stance or "none", 0) + 1
            else:
                self.dropped[line.type] = self.dropped.get(line.type, 0) + 1
        label = tagged.stance["label"] or "none"
        self.page_stances[label] = self.page_stances.get(label, 0) + 1


class Shard:
    """One output file, with its error file beside it if there are errors."""

    def __init__(self, folder: Path, name: str, format: str) -> None:
        self.path = folder / f"{name}{FORMATS[format]}"
        self.errors_path = self.path.with_name(f"_{Path(name).name}.errors.jsonl")
        self.counts = Counts()
        self._format = format
        self._writer: Writer | None = None
        self._errors: IO[str] | None = None

    def write(self, tagged: TaggedPage) -> None:
        """Add a page."""
        self.open().write(tagged)
        self.counts.count(tagged)

    def write_error(self, record: BadRecord) -> None:
        """Add a record that could not be read."""
        if self._errors is None:
            self.errors_path.parent.mkdir(parents=True, exist_ok=True)
            self._errors = _temporary(self.errors_path).open("w", encoding="utf-8", newline="\n")
        row = {"source": record.source, "record": record.record, "reason": record.reason}
        self._errors.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n")
        self.counts.errors += 1

    def open(self) -> Writer:
        """The writer of the temporary file."""
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _WRITERS[self._format](_temporary(self.path))
        return self._writer

    def close(self) -> None:
        """No more pages; the file stays under its temporary name."""
        self.open().close()
        if self._errors is not None:
            self._errors.close()

    def commit(self) -> dict[str, Any]:
        """Check what was written, give it its name, and tell its size and hash."""
        size, digest, rows = _inspect(_temporary(self.path), self._format)
        counts = self.counts
        if counts.records != counts.pages + counts.errors or rows not in (None, counts.pages):
            raise RuntimeError(
                f"{self.path}: {counts.records} records in, {counts.pages} pages ({rows} found) and {counts.errors} errors out"
            )
        if self._errors is None:
            self.errors_path.unlink(missing_ok=True)  # of an earlier run
        else:
            _temporary(self.errors_path).replace(self.errors_path)
        _temporary(self.path).replace(self.path)
        return {"bytes": size, "sha256": digest}

    def discard(self) -> None:
        """Remove what is left under temporary names."""
        for path in (self.path, self.errors_path):
            _temporary(path).unlink(missing_ok=True)


def is_whole(path: Path, size: int, digest: str) -> bool:
    """True if a finished shard still holds what was written."""
    try:
        return path.stat().st_size == size and _inspect(path, "text")[1] == digest
    except OSError:
        return False


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _inspect(path: Path, format: str) -> tuple[int, str, int | None]:
    """Bytes, SHA-256 and, where the format shows it, rows of a file on disk."""
    sha, size, newlines = hashlib.sha256(), 0, 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
            size += len(block)
            newlines += block.count(b"\n") if format == "jsonl" else 0
    rows = newlines if format == "jsonl" else None
    if format == "parquet":
        import pyarrow.parquet as pq

        rows = pq.read_metadata(path).num_rows
    return size, sha.hexdigest(), rows
