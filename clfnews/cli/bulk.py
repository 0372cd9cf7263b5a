"""`clfnews filter -o FOLDER`: many files in many processes, and what is told of them at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

import clfnews
from clfnews.cli.filter_options import check_events, check_threshold, told_skipped
from clfnews.cli.terminal import Few, echo, now_and_then, status, warner
from clfnews.errors import BadRecord, Stopped, UserError, counted
from clfnews.files import MANIFEST, RUN, read_rows

if TYPE_CHECKING:
    from clfnews.bulk.report import Report
    from clfnews.readers.base import ReadOptions


def filter_to_folder(
    inputs: list[str],
    output: Path | None,
    model: str | None,
    format: str | None,
    threshold: float | None,
    risk: float | None,
    sites: str | None,
    options: ReadOptions,
    workers: int | None,
    engine: str | None,
    address: str | None,
    resume: bool,
    quiet: bool,
    events: bool,
    duplicates: str | None,
) -> None:
    """Filter into a folder and tell how it went; exit codes as `filter` promises them."""
    if output is None:
        raise UserError("--workers, --engine, --address, --resume and --duplicates need -o FOLDER")
    check_threshold(threshold)
    check_events(events, format not in ("text", "markdown"))
    if address and engine != "ray":
        raise UserError("--address is for --engine ray")
    warnings = Few("warning")
    try:
        with status(quiet) as show:
            report = clfnews.filter_folder(
                inputs,
                output,
                model=model,
                workers=workers,
                resume=resume,
                format=format,
                threshold=threshold,
                risk=risk,
                sites=sites,
                input_format=options.format,
                columns=options.columns,
                engine=engine or "local",
                address=address,
                events=events,
                duplicates=duplicates,
                progress=now_and_then(lambda report: show(report.line())),
                warn=warnings,
            )
    except KeyboardInterrupt as stop:
        raise Stopped("what is finished is kept, go on with --resume") from stop
    warnings.rest(report.untold)
    _show_report(report, output, duplicates)
    if report.unfinished:
        raise typer.Exit(3)
    if report.counts.errors or report.folders_not_read:
        raise typer.Exit(1)


def _show_report(report: Report, output: Path, duplicates: str | None) -> None:
    """What was written to a folder, and what was not."""
    warn, counts = warner(), report.counts
    kept = f"{counts.kept:,} of {counted(counts.lines, 'line')}"
    before = f" ({report.resumed} of them by an earlier run)" if report.resumed else ""
    echo(f"{counted(counts.pages, 'page')} in {counted(report.shards, 'file')}{before}, {kept} kept")
    if counts.empty:
        echo(f"nothing kept of {counted(counts.empty, 'page')}; `reason` in their rows says why")
    if counts.duplicates:
        done = "marked" if duplicates == "mark" else "dropped"
        echo(f"{counted(counts.duplicates, 'page')} with the text of an earlier one {done}")
    if counts.skipped:
        echo(told_skipped(counts.skipped))
    if report.set_aside:
        echo(f"left out: {counted(report.set_aside, 'file')} or folders that are hidden or results of earlier runs")
    echo(f"{report.seconds:.1f} s: {output / MANIFEST}")
    if counts.errors:
        errors = output / RUN / "errors"
        warn(f"{counted(counts.errors, 'record')} could not be read{_first_of(errors)}; see {errors}")
    if report.unfinished:
        first = report.unfinished[0]
        warn(
            f"{counted(len(report.unfinished), 'input')} not finished (the first: {first['reason']}); "
            "see the manifest, go on with --resume"
        )
    if report.left_over:
        few = ", ".join(report.left_over[:3]) + ", ..." * (len(report.left_over) > 3)
        warn(
            f"{counted(len(report.left_over), 'file')} in {output} of inputs or a format of earlier runs, not of this one ({few})"
        )


def _first_of(errors: Path) -> str:
    """The first record that could not be read: a mistake in an option gives all of them one reason."""
    for path in sorted(errors.rglob("*.jsonl")):
        for row in read_rows(path):
            return f" (the first: {BadRecord(row['source'], row['record'], row['reason'])})"
    return ""
