"""A shard: the output file of one input, written beside its errors under a temporary name until it is whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clfnews.bulk.names import error_name
from clfnews.bulk.parquet import ParquetWriter
from clfnews.bulk.writers import SHARD_SUFFIXES, WRITERS, ErrorWriter, Writer
from clfnews.errors import BadRecord
from clfnews.files import Draft, publish
from clfnews.filtering.tagged import TaggedPage
from clfnews.labels import Task


@dataclass
class RecordCounts:
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
    empty: int = 0
    """Pages of which nothing was kept; their rows say why (`reason`)."""
    duplicates: int = 0
    """Pages whose text is that of an earlier page of the run, if they were looked for; dropped ones are among `pages`."""
    seconds: float = 0.0

    def add(self, other: RecordCounts) -> None:
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
        self.empty += tagged.reason is not None
        for line in tagged.lines:
            if line.keep:
                self.kept += 1
                self.stances[line.stance or "none"] = self.stances.get(line.stance or "none", 0) + 1
            else:
                self.dropped[str(line.type)] = self.dropped.get(str(line.type), 0) + 1
        label = tagged.stance.label or "none"
        self.page_stances[label] = self.page_stances.get(label, 0) + 1


class Shard:
    """One output file, with its error file beside it if there are errors; see `commit`."""

    def __init__(
        self, folder: Path, name: str, format: str, tasks: Mapping[str, Task] | None = None, events: bool = False
    ) -> None:
        self._tasks, self._events = tasks, events
        self.path, self.errors_path = folder / f"{name}{SHARD_SUFFIXES[format]}", folder / error_name(name)
        self.counts = RecordCounts()
        self.format = format
        self.draft, self.errors_draft = Draft(self.path), Draft(self.errors_path)
        self._writer: Writer | None = None
        self._errors: ErrorWriter | None = None

    def write(self, tagged: TaggedPage) -> None:
        """Add a page."""
        self.open().write(tagged)
        self.counts.count(tagged)

    def write_error(self, record: BadRecord) -> None:
        """Add a record that could not be read."""
        if self._errors is None:
            self.errors_path.parent.mkdir(parents=True, exist_ok=True)
            self._errors = ErrorWriter(self.errors_draft.temporary)
        self._errors.write(record)
        self.counts.errors += 1

    def open(self) -> Writer:
        """The writer of the temporary file."""
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.draft.temporary
            parquet = self.format == "parquet"
            self._writer = ParquetWriter(temporary, self._tasks, self._events) if parquet else WRITERS[self.format](temporary)
        return self._writer

    def close(self) -> None:
        """No more pages; the files stay under their temporary names."""
        self.open().close()
        if self._errors is not None:
            self._errors.close()

    def discard(self) -> None:
        """Remove what is left under temporary names."""
        for draft in (self.draft, self.errors_draft):
            draft.discard()


def commit(shards: Sequence[Shard]) -> list[dict[str, Any]]:
    """Check what was written into closed shards and give them their names; tells size and hash of every file."""
    written = []
    for shard in shards:
        counts = shard.counts
        size, digest, rows = inspect(shard.draft.temporary, shard.format)
        if counts.records != counts.pages + counts.errors or rows not in (None, counts.pages):
            raise RuntimeError(
                f"{shard.path}: {counts.records} records in, {counts.pages} pages ({rows} found) and {counts.errors} errors out"
            )
        row = {"bytes": size, "sha256": digest}
        if counts.errors:
            size, digest, _ = inspect(shard.errors_draft.temporary, "text")
            row |= {"errors_bytes": size, "errors_sha256": digest}
        else:
            shard.errors_path.unlink(missing_ok=True)  # of an earlier run
        written.append(row)
    publish([draft for shard in shards for draft in (shard.draft, *[shard.errors_draft] * bool(shard.counts.errors))])
    return written


def inspect(path: Path, format: str) -> tuple[int, str, int | None]:
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
