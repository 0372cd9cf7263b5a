"""Filtering any number of pages into a folder, in many processes, so that it can be killed and resumed.

One input file becomes one shard (large JSONL and Parquet files: one a part).
The unit of work is `units.Unit`; a finished unit leaves a marker with the hash
of its input, the model and the options, and the hashes of its shards. A rerun
with `resume` trusts a marker only if all of them still hold.

Every input has a fate that the manifest tells: a shard with the numbers of its
pages, bad records and what was skipped; `unfinished`, with the reason; or `passed_over`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from clfnews.bulk.duplicates import MODES, resolve
from clfnews.bulk.folder import STATE, own_folder
from clfnews.bulk.memories import AUTO, keep, keep_merged, part_of
from clfnews.bulk.parquet import unite
from clfnews.bulk.report import Report, write_manifest
from clfnews.bulk.units import SPLIT_BYTES, Unit, kept, list_inputs, stamp_of, units
from clfnews.bulk.worker import Done, Job, fingerprint
from clfnews.bulk.writers import SHARD_SUFFIXES
from clfnews.errors import MachineError, UserError, nearest
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.origin import Origin
from clfnews.readers.base import ReadOptions
from clfnews.sites.memory import SiteMemory

_FIRST_PASS = "pages"
"""Folder below the state folder with the shards in which duplicates are looked for."""


def filter_to_folder(
    inputs: Sequence[str],
    out: Path,
    model: Path,
    *,
    origin: Origin | None = None,
    workers: int = 1,
    format: str = "jsonl",
    threshold: float | None = None,
    sites: str | None = None,
    options: ReadOptions | None = None,
    resume: bool = False,
    engine: str = "local",
    address: str | None = None,
    events: bool = False,
    split_bytes: int = SPLIT_BYTES,
    duplicates: str | None = None,
    risk: float | None = None,
    progress: Callable[[Report], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> Report:
    """Filter files into shards below `out`; returns the sums that are also in its manifest.

    Parameters: `model`, the folder of a filter, and `origin`, where it came from
    (`tracking.find.find_filter`; default: that folder); `workers`, processes
    (1: this one); `engine`, `local` or `ray`, with the `address` of a cluster;
    `resume` continues in a folder that an earlier run has left; `sites`, a file of
    what is known of the pages' sites, or `auto`: a first pass over the inputs
    learns it; `events`, whether rows get their events;
    `duplicates`, `mark` or `drop` pages whose kept text is that of an earlier page,
    exactly or nearly (see `duplicates.resolve`); `risk`, as `PageFilter.with_risk` takes it. Bytes of the shards depend on
    inputs, model and options only.
    Raises `UserError` for inputs, models and folders that do not do, and
    `MachineError` if nothing can be written any more or a worker was killed; what
    is finished then is kept. Trouble with single inputs is told in
    `Report.unfinished`; a run with `resume` tries them again.
    """
    from clfnews.bulk.engines import ENGINES

    _check_choices(format, engine, duplicates)
    options, started = options or ReadOptions(), time.monotonic()
    files = list_inputs(inputs, options, out)
    page_filter = PageFilter.load(model, origin).with_risk(risk)  # a model that does not fit is told before anything is written
    if events and page_filter.no_events:
        warn(f"--events: {page_filter.no_events}")
    events = events and page_filter.no_events is None
    whole = Job(out, format, fingerprint(model), page_filter.origin, threshold, options, resume, events=events, risk=risk)
    given = _given_memory(sites, page_filter)
    # Duplicates are known when all pages are: the first pass writes below the state folder.
    job = replace(whole, out=out / STATE / _FIRST_PASS, format="jsonl") if duplicates else whole
    with own_folder(out, resume) as earlier, _write_errors(out):
        (job.out / STATE).mkdir(parents=True, exist_ok=True)
        files = [(kept(path, out / STATE, number), shard) for number, (path, shard) in enumerate(files)]
        report = Report(total_bytes=sum(stamp[1] for path, _ in files if (stamp := stamp_of(path))))
        for message in report.pass_over(inputs, options, out):
            warn(message)

        def run(planned: Iterator[Unit], job: Job) -> Iterator[Done]:
            return ENGINES[engine](planned, job, model, page_filter.with_threshold(threshold), workers, address)

        if given is not None:
            job = replace(job, sites=keep(job.out, given))
        elif sites == AUTO:
            job = replace(job, sites=_first_pass(units(files, options, split_bytes), replace(job, fits=True), run))
        shards = _followed(run(units(files, options, split_bytes), job), report, started, progress, warn)
        if duplicates:
            shards = resolve(_in_order(shards, files), job.out, out, format, duplicates, page_filter.tasks, events)
            report.counts.duplicates = sum(row["counts"]["duplicates"] for row in shards)
            report.seconds = time.monotonic() - started
        written = {name for row in shards for name in (row["shard"], row["errors"])}
        report.left_over = sorted(name for name in earlier - written if (out / name).is_file())
        if format == "parquet":
            unite(out, shards, page_filter.tasks, events)
        write_manifest(replace(whole, sites=job.sites), report, shards, page_filter, duplicates)
    return report


def _check_choices(format: str, engine: str, duplicates: str | None) -> None:
    """Raise `UserError` for a name that is none, and for formats that have no place for duplicates."""
    from clfnews.bulk.engines import ENGINES

    choices = ((format, SHARD_SUFFIXES, "format"), (engine, ENGINES, "engine"), (duplicates or MODES[0], MODES, "duplicates"))
    for name, known, what in choices:
        if name not in known:
            raise UserError(f"--{what} {name}: unknown{nearest(name, list(known))}")
    if duplicates == "mark" and format == "text":
        raise UserError("--duplicates mark: text has no place for it; take --format jsonl or parquet, or --duplicates drop")
    if duplicates and format == "markdown":
        raise UserError("--duplicates: not for markdown; take --format text, jsonl or parquet")


def _given_memory(sites: str | None, page_filter: PageFilter) -> SiteMemory | None:
    """What is known of the sites before the run; raises `UserError` for a filter that takes none."""
    if sites is None:
        return None
    page_filter.site_weights()  # told at once
    return SiteMemory.load(sites) if sites != AUTO else None


def _followed(
    found: Iterator[Done], report: Report, started: float, progress: Callable[[Report], None], warn: Callable[[str], None]
) -> list[dict[str, Any]]:
    """The shards of all units, each of which is told as it is finished."""
    shards: list[dict[str, Any]] = []
    for done in found:
        report.add(done)
        shards.extend(done.shards)
        report.seconds = time.monotonic() - started
        progress(report)
        for message in done.warnings:
            warn(message)
    return shards


def _in_order(shards: list[dict[str, Any]], files: Sequence[tuple[Path, str]]) -> list[dict[str, Any]]:
    """The shards in the order of their inputs, whichever process was done first."""
    order = {str(path): i for i, (path, _) in enumerate(files)}
    return sorted(shards, key=lambda row: (order[row["input"]], row["part"] or []))


def _first_pass(planned: Iterator[Unit], job: Job, run: Callable[[Iterator[Unit], Job], Iterator[Done]]) -> str:
    """Learn the memory of the run from all units; its hash. Units that cannot be read now are told by the second pass."""
    order: list[str] = []

    def noted() -> Iterator[Unit]:
        for unit in planned:
            order.append(unit[0].shard)
            yield unit

    parts = dict(done.memory for done in run(noted(), job) if done.memory)
    return keep_merged(job.out, [part_of(job.out, Path(parts[shard]).stem) for shard in order if shard in parts])


@contextmanager
def _write_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"{out}: cannot be written: {error.strerror or error}; what is finished is kept, go on with --resume"
        ) from error
