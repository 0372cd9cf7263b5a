"""What a worker does: filter the items of a unit into shards, unless a marker says that it is done."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clfnews.bulk.folder import STATE, read_marker, write_marker
from clfnews.bulk.memories import memory_of, part_of
from clfnews.bulk.shards import RecordCounts, Shard, commit
from clfnews.bulk.units import Item, Stamp, Unit, content_hash, stamp_of
from clfnews.errors import BadRecord, MachineError
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.origin import Origin
from clfnews.page import Page
from clfnews.readers.base import ReadOptions
from clfnews.readers.inputs import read_file
from clfnews.sites.memory import SiteMemory
from clfnews.version import __version__

_ROWS = 3
"""Which names and fields rows have: what an earlier version wrote is written again."""
BATCH_PAGES, BATCH_LINES, BATCH_CHARS = 256, 20_000, 2_000_000
"""Pages that are tagged in one go: what bounds memory, and part of what makes equal bytes."""


@dataclass(frozen=True)
class Job:
    """What every worker has to know. Equal jobs on equal inputs give equal bytes."""

    out: Path
    format: str
    fingerprint: str
    """Hash of the model's files."""
    origin: Origin
    """What rows say of the model."""
    threshold: float | None
    options: ReadOptions
    resume: bool
    sites: str = ""
    """Hash of the memory of sites that lies in the output folder's state; empty: none."""
    fits: bool = False
    """Whether this is the first of two passes: it learns the memory and writes no shards."""
    events: bool = False
    """Whether pages get their events."""
    risk: float | None = None
    """Share of wrong stances that is borne; None: the model's `min_confidence`."""

    @property
    def key(self) -> str:
        """Hash of all that decides what is written, but for the input."""
        options = asdict(self.options)
        batches = BATCH_PAGES, BATCH_LINES, BATCH_CHARS
        model = self.fingerprint, self.origin.model, self.origin.run, self.threshold
        what: list[Any] = [__version__, _ROWS, *model, self.format, self.events, options, *batches]
        text = json.dumps(what + [self.sites] * bool(self.sites) + [{"risk": self.risk}] * (self.risk is not None))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Done:
    """A finished unit."""

    shards: tuple[dict[str, Any], ...]
    """Per item: `input`, `part`, `shard`, `errors` (file or None), size and SHA-256 of both, `counts`."""
    size: int
    """Bytes of input."""
    resumed: bool = False
    warnings: tuple[str, ...] = ()
    unfinished: tuple[dict[str, Any], ...] = ()
    """Per item of a unit that the machine did not let finish: `input`, `part`, `reason`; another run may."""
    memory: tuple[str, str] | None = None
    """Of a first pass: the name of the unit's first shard, and the file with what its pages say of their sites."""


def fingerprint(model: Path) -> str:
    """Hash of the names and contents of a filter's files."""
    sha = hashlib.sha256()
    for path in sorted(model.rglob("*")):
        if path.is_file():
            sha.update(f"\0{path.relative_to(model).as_posix()}\0".encode())
            sha.update(hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()


def work(unit: Unit, job: Job, page_filter: PageFilter | None) -> Done:
    """What a worker does with a unit: learn from it in a first pass, else filter it."""
    if job.fits or page_filter is None:
        return fit_unit(unit, job)
    return filter_unit(unit, job, page_filter)


def filter_unit(unit: Unit, job: Job, page_filter: PageFilter) -> Done:
    """Filter the items of a unit, unless an earlier run has done so: the function that workers run.

    A unit that meets trouble of the machine (see `MachineError`) is told as
    unfinished and leaves nothing; the others go on. Raises `OSError` if nothing can be written.
    """
    size = sum(item.size for item in unit)
    try:
        stamps = [stamp_of(item.path) if item.part is None else item.stamp for item in unit]
        key = hashlib.sha256(f"{job.key}{content_hash(unit)}".encode()).hexdigest()
        finished = read_marker(marker_of(unit, job), key, job.out) if job.resume else None
        if finished is not None:
            return Done(finished, size, resumed=True)
        rows, warnings = _filtered(unit, stamps, job, page_filter)
    except MachineError as error:
        return Done((), size, unfinished=_unfinished(unit, str(error)))
    except MemoryError:
        return Done((), size, unfinished=_unfinished(unit, "not enough memory"))
    write_marker(marker_of(unit, job), key, rows)
    return Done(rows, size, warnings=tuple(warnings[:3]))


def _filtered(
    unit: Unit, stamps: list[Stamp | None], job: Job, page_filter: PageFilter
) -> tuple[tuple[dict[str, Any], ...], list[str]]:
    """Filter the items into shards that have their names; what the manifest says of them, and warnings."""
    started = time.monotonic()
    warnings: list[str] = []
    memory = memory_of(job.out, job.sites) if job.sites else None
    shards = [Shard(job.out, item.shard, job.format, page_filter.tasks, job.events) for item in unit]
    try:
        for batch in _batches(_records(unit, shards, job.options, warnings.append)):
            _write(batch, shards, page_filter, memory, job.events)
        for item, stamp in zip(unit, stamps, strict=True):
            if stamp_of(item.path) != stamp:
                raise MachineError(f"{item.path}: has changed while it was read")
        for shard in shards:
            shard.close()
        written = commit(shards)
    finally:
        for shard in shards:
            shard.discard()
    seconds = time.monotonic() - started
    records = sum(shard.counts.records for shard in shards)
    for shard in shards:
        shard.counts.seconds = round(seconds * shard.counts.records / max(records, 1), 4)
    return tuple(_row(item, shard, row, job) for item, shard, row in zip(unit, shards, written, strict=True)), warnings


def fit_unit(unit: Unit, job: Job) -> Done:
    """Learn from the pages of a unit what comes back over their sites, unless an earlier run has; bad records are told later.

    Raises `OSError` if nothing can be written.
    """
    size = sum(item.size for item in unit)
    try:
        key = hashlib.sha256(f"{job.key}{content_hash(unit)}".encode()).hexdigest()
        part = part_of(job.out, key)
        if not part.exists():
            records = (record for item in unit for record in read_file(item.path, lambda _: None, job.options, item.part))
            SiteMemory.fit(record for record in records if isinstance(record, Page)).save(part)
    except MachineError as error:  # the second pass meets the same trouble, or none
        return Done((), size, unfinished=_unfinished(unit, str(error)))
    except MemoryError:
        return Done((), size, unfinished=_unfinished(unit, "not enough memory"))
    return Done((), size, memory=(unit[0].shard, part.name))


def marker_of(unit: Unit, job: Job) -> Path:
    """The file that tells that a unit is finished."""
    return job.out / STATE / f"{hashlib.sha256(unit[0].shard.encode()).hexdigest()[:24]}.json"


def _unfinished(unit: Unit, reason: str) -> tuple[dict[str, Any], ...]:
    return tuple({"input": str(item.path), "part": list(item.part) if item.part else None, "reason": reason} for item in unit)


Numbered = tuple[int, Page | BadRecord]


def _records(unit: Unit, shards: list[Shard], options: ReadOptions, warn: Callable[[str], None]) -> Iterator[Numbered]:
    """The records of all items with the number of their item."""
    for number, item in enumerate(unit):
        counts = shards[number].counts

        def counted_warn(message: str, counts: RecordCounts = counts) -> None:
            counts.warnings += 1
            warn(message)

        def skip(kind: str, counts: RecordCounts = counts) -> None:
            counts.skipped[kind] = counts.skipped.get(kind, 0) + 1

        for record in read_file(item.path, counted_warn, options, item.part, skip):
            counts.records += 1
            yield number, record


def _batches(records: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """Records in groups that one call of the model can take, however large the pages are."""
    batch: list[Numbered] = []
    lines = chars = 0
    for number, record in records:
        batch.append((number, record))
        if isinstance(record, Page):
            lines += len(record.lines)
            chars += sum(len(line.text) for line in record.lines)
        if len(batch) >= BATCH_PAGES or lines >= BATCH_LINES or chars >= BATCH_CHARS:
            yield batch
            batch, lines, chars = [], 0, 0
    if batch:
        yield batch


def _write(batch: list[Numbered], shards: list[Shard], page_filter: PageFilter, memory: SiteMemory | None, events: bool) -> None:
    tagged = page_filter.tag([record for _, record in batch if isinstance(record, Page)], memory)
    for number, record in batch:
        if isinstance(record, BadRecord):
            shards[number].write_error(record)
        else:
            page = next(tagged)
            shards[number].write(page.with_events() if events else page)


def _row(item: Item, shard: Shard, written: dict[str, Any], job: Job) -> dict[str, Any]:
    return {
        "input": str(item.path),
        "part": list(item.part) if item.part else None,
        "shard": shard.path.relative_to(job.out).as_posix(),
        "errors": shard.errors_path.relative_to(job.out).as_posix() if shard.counts.errors else None,
        **written,
        "counts": asdict(shard.counts),
    }
