"""Where a run is, or how it ended; and the manifest, which tells the same of a finished one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clfnews.bulk.shards import RecordCounts
from clfnews.bulk.worker import Done, Job
from clfnews.errors import counted
from clfnews.files import MANIFEST, is_folder, write_json
from clfnews.filtering.filter import PageFilter
from clfnews.readers.base import ReadOptions
from clfnews.readers.searching import passed_over, set_aside, told
from clfnews.version import __version__

_TELLING = 0.02
"""Share of the input from which on the time left can be told."""


@dataclass
class Report:
    """Where a run is, or how it ended."""

    total_bytes: int
    bytes: int = 0
    shards: int = 0
    resumed: int = 0
    seconds: float = 0.0
    counts: RecordCounts = field(default_factory=RecordCounts)
    new: RecordCounts = field(default_factory=RecordCounts)
    """Without what earlier runs had done."""
    left_over: list[str] = field(default_factory=list)
    """Shards and error files of earlier runs that belong to no input, or not to the format, of this one."""
    untold: int = 0
    """Warnings that were only counted: a unit tells its first ones."""
    passed_over: list[str] = field(default_factory=list)
    """Files of the input folders that were not read, since their names tell no format, and folders that were not looked into."""
    folders_not_read: int = 0
    """How many of `passed_over` are folders: nobody knows what is in them."""
    set_aside: int = 0
    """Hidden files and folders of the input folders, and files that earlier runs wrote there, which are never inputs."""
    unfinished: list[dict[str, Any]] = field(default_factory=list)
    """Inputs that trouble of the machine did not let finish: `input`, `part`, `reason`. Another run with `resume` may."""

    def pass_over(self, inputs: Sequence[str], options: ReadOptions, out: Path) -> list[str]:
        """Count what of the input folders is not read; the lines that say so."""
        lines = []
        for name in inputs:
            not_read = passed_over(name, options)
            self.passed_over += map(str, not_read)
            self.folders_not_read += sum(map(is_folder, not_read))
            self.set_aside += sum(not path.resolve().is_relative_to(out.resolve()) for path in set_aside(name))
            lines += [told(name, not_read)] if not_read else []
        return lines

    def add(self, done: Done) -> None:
        """Count a finished unit."""
        self.bytes += done.size
        self.shards += len(done.shards)
        self.resumed += len(done.shards) * done.resumed
        for shard in done.shards:
            self.counts.add(RecordCounts(**shard["counts"]))
            if not done.resumed:
                self.new.add(RecordCounts(**shard["counts"]))
                self.untold += shard["counts"]["warnings"]
        self.untold -= len(done.warnings)
        self.unfinished += done.unfinished

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


def write_manifest(
    job: Job, report: Report, shards: list[dict[str, Any]], page_filter: PageFilter, duplicates: str | None
) -> None:
    """Check that nothing was lost, and write the manifest."""
    counts = report.counts
    if counts.records != counts.pages + counts.errors or len({row["shard"] for row in shards}) != len(shards):
        raise RuntimeError(f"{job.out}: {counts.records} records in, {counts.pages} pages and {counts.errors} errors out")
    manifest = {
        "clfnews": __version__,
        **asdict(job.origin),
        "filter": {
            "name": page_filter.name,
            "sha256": job.fingerprint,
            "threshold": page_filter.with_threshold(job.threshold).threshold,
            **({"risk": job.risk, "min_confidence": page_filter.min_confidence} if job.risk is not None else {}),
        },
        **({"sites": job.sites} if job.sites else {}),
        "options": {
            "output_format": job.format,
            "input_format": job.options.format,
            "events": job.events,
            "duplicates": duplicates,
        }
        | {key: value for key, value in asdict(job.options).items() if key != "format"},
        "seconds": round(report.seconds, 2),
        "totals": asdict(counts),
        "left_over": report.left_over,
        "passed_over": report.passed_over,
        "set_aside": report.set_aside,
        "unfinished": report.unfinished,
        "shards": sorted(shards, key=lambda row: str(row["shard"])),
    }
    (job.out / MANIFEST).parent.mkdir(exist_ok=True)
    write_json(job.out / MANIFEST, manifest)
