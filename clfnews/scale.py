"""Filtering any number of pages into a folder, in many processes, so that it can be killed and resumed.

One input file becomes one shard (large JSONL and Parquet files: one a part).
The unit of work is `work.Unit`; a finished unit leaves a marker with the hash
of its input, the model and the options, and the hashes of its shards. A rerun
with `resume` trusts a marker only if all of them still hold.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clfnews import __version__
from clfnews.errors import BadRecord, UserError, counted, nearest
from clfnews.filter import PageFilter
from clfnews.page import Page
from clfnews.readers import ReadOptions, passed_over, read_file, spool_stdin, told
from clfnews.work import MANIFEST, SPLIT_BYTES, STATE, Item, Unit, content_hash, list_inputs, own_folder, units, write_json
from clfnews.writers import FORMATS, Counts, Shard, is_whole

_TELLING = 0.02
"""Share of the input from which on the time left can be told."""
BATCH_PAGES, BATCH_LINES, BATCH_CHARS = 256, 20_000, 2_000_000
"""Pages that are tagged in one go: what bounds memory, and part of what makes equal bytes."""


@dataclass(frozen=True)
class Job:
    """What every worker has to know. Equal jobs on equal inputs give equal bytes."""

    out: Path
    format: str
    fingerprint: str
    """Hash of the model's files."""
    threshold: float | None
    options: ReadOptions
    resume: bool

    @property
    def key(self) -> str:
        """Hash of all that decides what is written, but for the input."""
        options = asdict(self.options)
        text = json.dumps(
            [__version__, self.fingerprint, self.format, self.threshold, options, BATCH_PAGES, BATCH_LINES, BATCH_CHARS]
        )
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Done:
    """A finished unit."""

    shards: tuple[dict[str, Any], ...]
    """Per item: `input`, `shard`, `errors` (file or None), `bytes`, `sha256`, `counts`."""
    size: int
    """Bytes of input."""
    resumed: bool = False
    warnings: tuple[str, ...] = ()


@dataclass
class Report:
    """Where a run is, or how it ended."""

    total_bytes: int
    bytes: int = 0
    shards: int = 0
    resumed: int = 0
    seconds: float = 0.0
    counts: Counts = field(default_factory=Counts)
    new: Counts = field(default_factory=Counts)
    """Without what earlier runs had done."""
    left_over: list[str] = field(default_factory=list)
    """Shards and error files of earlier runs that belong to no input, or not to the format, of this one."""
    untold: int = 0
    """Warnings that were only counted: a unit tells its first ones."""
    passed_over: list[str] = field(default_factory=list)
    """Files of the input folders that were not read: their names tell no format."""

    def add(self, done: Done) -> None:
        """Count a finished unit."""
        self.bytes += done.size
        self.shards += len(done.shards)
        self.resumed += len(done.shards) * done.resumed
        for shard in done.shards:
            self.counts.add(Counts(**shard["counts"]))
            if not done.resumed:
                self.new.add(Counts(**shard["counts"]))
                self.untold += shard["counts"]["warnings"]
        self.untold -= len(done.warnings)

    def line(self) -> str:
        """Pages, rate and time left, as one line."""
        rate = self.new.records / self.seconds if self.seconds else 0.0
        text = f"{counted(self.counts.records, 'page')}, {self.bytes / max(self.total_bytes, 1):.0%}, {rate:,.0f} pages/s"
        # The first files tell more of the start of the workers than of the rate.
        if self.total_bytes * _TELLING < self.bytes < self.total_bytes:
            text += f", {_duration(self.seconds * (self.total_bytes - self.bytes) / self.bytes)} left"
        return text + (f", {counted(self.counts.errors, 'error')}" if self.counts.errors else "")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def filter_to_folder(
    inputs: Sequence[str],
    out: Path,
    model: Path,
    *,
    workers: int = 1,
    format: str = "jsonl",
    threshold: float | None = None,
    options: ReadOptions | None = None,
    resume: bool = False,
    engine: str = "local",
    address: str | None = None,
    split_bytes: int = SPLIT_BYTES,
    progress: Callable[[Report], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> Report:
    """Filter files into shards below `out`; returns the sums that are also in its `_manifest.json`.

    Parameters: `model`, the folder of a filter (`tracking.find_filter`);
    `workers`, processes (1: this one); `engine`, `local` or `ray`, with the
    `address` of a cluster; `resume` continues in a folder that an earlier run
    has left. Bytes of the shards depend on inputs, model and options only.
    Raises `UserError` for inputs, models and folders that do not do, and for
    workers that were killed; what was finished then is kept.
    """
    from clfnews.engines import ENGINES

    for name, known, what in ((format, FORMATS, "format"), (engine, ENGINES, "engine")):
        if name not in known:
            raise UserError(f"--{what} {name}: unknown{nearest(name, list(known))}")
    options, started = options or ReadOptions(), time.monotonic()
    files = list_inputs(inputs, options, out)
    page_filter = PageFilter.load(model)  # a model that does not fit is told before anything is written
    job = Job(out, format, fingerprint(model), threshold, options, resume)
    shards: list[dict[str, Any]] = []
    with own_folder(out, resume) as earlier, _write_errors(out):
        if "-" in inputs:
            files.append((spool_stdin(out / STATE), "stdin"))
        report = Report(total_bytes=sum(path.stat().st_size for path, _ in files if path.is_file()))
        for name in inputs:
            not_read = passed_over(name, options)
            report.passed_over += map(str, not_read)
            if not_read:
                warn(told(name, not_read))
        planned = units(files, options, split_bytes)
        for done in ENGINES[engine](planned, job, model, page_filter, workers, address):
            report.add(done)
            shards.extend(done.shards)
            report.seconds = time.monotonic() - started
            progress(report)
            for message in done.warnings:
                warn(message)
        written = {name for row in shards for name in (row["shard"], row["errors"])}
        report.left_over = sorted(name for name in earlier - written if (out / name).is_file())
        _finish(job, report, shards, page_filter)
    return report


def fingerprint(model: Path) -> str:
    """Hash of the names and contents of a filter's files."""
    sha = hashlib.sha256()
    for path in sorted(model.rglob("*")):
        if path.is_file():
            sha.update(f"\0{path.relative_to(model).as_posix()}\0".encode())
            sha.update(hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()


# --- one unit ---------------------------------------------------------------------


def filter_unit(unit: Unit, job: Job, page_filter: PageFilter) -> Done:
    """Filter the items of a unit, unless an earlier run has done so: the function that workers run."""
    marker = job.out / STATE / f"{hashlib.sha256(unit[0].shard.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.json"
    key = hashlib.sha256(f"{job.key}{content_hash(unit)}".encode()).hexdigest()
    size = sum(item.size for item in unit)
    finished = _finished(marker, key, job) if job.resume else None
    if finished is not None:
        return Done(finished, size, resumed=True)
    started = time.monotonic()
    warnings: list[str] = []
    shards = [Shard(job.out, item.shard, job.format) for item in unit]
    try:
        for batch in _batches(_records(unit, shards, job.options, warnings.append)):
            _write(batch, shards, page_filter)
        for shard in shards:
            shard.close()
        rows = tuple(_commit(item, shard, job) for item, shard in zip(unit, shards, strict=True))
    finally:
        for shard in shards:
            shard.discard()
    seconds = time.monotonic() - started
    records = sum(shard.counts.records for shard in shards)
    for row in rows:
        row["counts"]["seconds"] = round(seconds * row["counts"]["records"] / max(records, 1), 4)
    write_json(marker, {"key": key, "shards": rows})
    return Done(rows, size, warnings=tuple(warnings[:3]))


def _finished(marker: Path, key: str, job: Job) -> tuple[dict[str, Any], ...] | None:
    """The shards of a finished unit if its marker has the key and they are still whole."""
    try:
        known = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if known.get("key") != key:
        return None
    whole = all(is_whole(job.out / row["shard"], row["bytes"], row["sha256"]) for row in known["shards"])
    beside = all(row["errors"] is None or (job.out / row["errors"]).is_file() for row in known["shards"])
    return tuple(known["shards"]) if whole and beside else None


Numbered = tuple[int, Page | BadRecord]


def _records(unit: Unit, shards: list[Shard], options: ReadOptions, warn: Callable[[str], None]) -> Iterator[Numbered]:
    """The records of all items with the number of their item."""
    for number, item in enumerate(unit):
        counts = shards[number].counts

        def counted_warn(message: str, counts: Counts = counts) -> None:
            counts.warnings += 1
            warn(message)

        def skip(kind: str, counts: Counts = counts) -> None:
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


def _write(batch: list[Numbered], shards: list[Shard], page_filter: PageFilter) -> None:
    tagged = page_filter.tag([record for _, record in batch if isinstance(record, Page)])
    for number, record in batch:
        if isinstance(record, BadRecord):
            shards[number].write_error(record)
        else:
            shards[number].write(next(tagged))


def _commit(item: Item, shard: Shard, job: Job) -> dict[str, Any]:
    written = shard.commit()
    return {
        "input": str(item.path),
        "part": list(item.part) if item.part else None,
        "shard": shard.path.relative_to(job.out).as_posix(),
        "errors": shard.errors_path.relative_to(job.out).as_posix() if shard.counts.errors else None,
        **written,
        "counts": asdict(shard.counts),
    }


# --- the whole ----------------------------------------------------------------------


def _finish(job: Job, report: Report, shards: list[dict[str, Any]], page_filter: PageFilter) -> None:
    """Check that nothing was lost, and write the manifest."""
    counts = report.counts
    if counts.records != counts.pages + counts.errors or len({row["shard"] for row in shards}) != len(shards):
        raise RuntimeError(f"{job.out}: {counts.records} records in, {counts.pages} pages and {counts.errors} errors out")
    manifest = {
        "clfnews": __version__,
        "model": {
            "name": page_filter.name,
            "sha256": job.fingerprint,
            "threshold": page_filter.threshold if job.threshold is None else job.threshold,
        },
        "options": {"output_format": job.format, "input_format": job.options.format}
        | {key: value for key, value in asdict(job.options).items() if key != "format"},
        "seconds": round(report.seconds, 2),
        "totals": asdict(counts),
        "left_over": report.left_over,
        "passed_over": report.passed_over,
        "shards": sorted(shards, key=lambda row: str(row["shard"])),
    }
    write_json(job.out / MANIFEST, manifest)


@contextmanager
def _write_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{out}: cannot be written: {error.strerror or error}; what is finished is kept, go on with --resume"
        ) from error
