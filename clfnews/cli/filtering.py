"""`clfnews filter` and `clfnews tag`; `app.py` adds them to the others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import clfnews
from clfnews.cli.bulk import filter_to_folder
from clfnews.cli.filter_options import check_events, check_threshold, told_skipped
from clfnews.cli.options import Column, InputFormat, Inputs, Model, Output, Quiet, Resume, Risk, Sites
from clfnews.cli.shown import Form, Printer, alone
from clfnews.cli.terminal import Few, now_and_then, sink, warner, working
from clfnews.errors import UserError, counted
from clfnews.files import is_folder, is_there

if TYPE_CHECKING:
    from clfnews.filtering.files import TaggedFiles
    from clfnews.readers.base import ReadOptions

_SUFFIXES = {".txt": "text", ".text": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".md": "markdown"}
_FORMATS = ("text", "markdown", "jsonl")
_OTHERS = (".parquet", ".csv", ".tsv", ".xlsx", ".html", ".gz", ".zst", ".bz2", ".xz", ".zip")
"""Ends of names that promise what is never written to one file, whatever --format says."""
_EVENTS = "Rows of JSONL and Parquet also say who does what to whom (see clfnews events); half as slow again."
_FORMAT = (
    "text (kept lines alone), markdown, jsonl or (folder only) parquet. Default: jsonl for a folder or -o X.jsonl; "
    "else text, of a single page with headline and byline."
)

_DUPLICATES = (
    "mark or drop pages whose kept text an earlier page of the run has, exactly or nearly, for a folder. "
    "Needs 0.9 GB of memory a million pages."
)


def filter_(
    inputs: Inputs,
    output: Output = None,
    model: Model = None,
    format: Annotated[str | None, typer.Option("--format", "-f", help=_FORMAT)] = None,
    threshold: Annotated[float | None, typer.Option(help="Keep lines from this p(article) on. Default: the model's.")] = None,
    risk: Risk = None,
    sites: Sites = None,
    input_format: InputFormat = None,
    column: Column = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", help="Processes, for a folder. Default: one a core.", min=1)
    ] = None,
    engine: Annotated[str | None, typer.Option("--engine", help="local (default) or ray, for a folder.")] = None,
    address: Annotated[str | None, typer.Option("--address", help="Ray cluster, such as auto or ray://HOST:10001.")] = None,
    events: Annotated[bool, typer.Option("--events", help=_EVENTS)] = False,
    resume: Resume = False,
    duplicates: Annotated[str | None, typer.Option("--duplicates", help=_DUPLICATES)] = None,
    quiet: Quiet = False,
) -> None:
    """Print the article of every page: headline and paragraphs, nothing else.

    A single page is printed with its headline, its byline (date, authors, site,
    language) and an empty line between paragraphs; --format text gives its kept
    lines alone, as they are printed of several pages.

    With -o FOLDER every input file becomes a file there, in many processes, with
    error files beside them and a manifest; a run that was stopped can go on.
    Exit code 1: there are bad records, or folders that were not read. Exit code 3:
    the machine was in the way (a full disk, no memory, a killed worker, a file
    that changed while it was read); what is finished is kept, and --resume goes on.

    Example: clfnews filter seeds/001_0965331b62c00476.txt
    Example: clfnews filter pages/ -o filtered --workers 2
    """
    from clfnews.readers.base import ReadOptions, parse_columns

    options = ReadOptions(input_format, parse_columns(column or []))
    to_folder = workers is not None or engine or address or resume or duplicates
    if to_folder or (output is not None and (is_folder(output) or (not output.suffix and not is_there(output)))):
        filter_to_folder(
            inputs,
            output,
            model,
            format,
            threshold,
            risk,
            sites,
            options,
            workers,
            engine,
            address,
            resume,
            quiet,
            events,
            duplicates,
        )
        return
    chosen = format or (_SUFFIXES.get(output.suffix.lower(), "text") if output else "article")
    if chosen not in (*_FORMATS, "article"):
        where = " (parquet: only with -o FOLDER)" * (chosen == "parquet")
        raise UserError(f"--format {chosen}: expected {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}{where}")
    _check_name(output, format)
    check_events(events, chosen == "jsonl")
    _run_filter(
        inputs, output, model, threshold, risk, sites, format=chosen, all_lines=False, options=options, quiet=quiet, events=events
    )


def tag(
    inputs: Inputs,
    output: Output = None,
    model: Model = None,
    threshold: Annotated[float | None, typer.Option(help="As in filter.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Kept lines also get `why`: what moved their stance, and how much.")
    ] = False,
    risk: Risk = None,
    sites: Sites = None,
    input_format: InputFormat = None,
    column: Column = None,
    quiet: Quiet = False,
) -> None:
    """Write every line of every page with type, probabilities and stance: JSONL, on a terminal a table.

    Example: clfnews tag seeds/*.txt -o tagged.jsonl
    Example: clfnews tag --explain seeds/000_7159ef61d58be689.txt
    Example: clfnews tag pages.csv --column text=body
    """
    from clfnews.readers.base import ReadOptions, parse_columns

    options = ReadOptions(input_format, parse_columns(column or []))
    _check_name(output, "jsonl")
    _run_filter(
        inputs,
        output,
        model,
        threshold,
        risk,
        sites,
        format="jsonl",
        all_lines=True,
        options=options,
        explain=explain,
        quiet=quiet,
    )


def _check_name(output: Path | None, format: str | None) -> None:
    """Raise `UserError` for a name that means another format than the one that is written."""
    suffix = output.suffix.lower() if output else ""
    if suffix in _OTHERS or (suffix and format is None and suffix not in _SUFFIXES):
        parquet = "; Parquet goes into a folder: -o FOLDER --format parquet" * (suffix == ".parquet")
        other = "" if suffix in _OTHERS else "; say --format for another name, make the folder first for a folder of this name"
        packed = ", not compressed" * (suffix in (".gz", ".zst", ".bz2", ".xz", ".zip"))
        raise UserError(f"-o {output}: one file is .txt, .md or .jsonl{packed}{parquet}{other}")


def _run_filter(
    inputs: list[str],
    output: Path | None,
    model: str | None,
    threshold: float | None,
    risk: float | None,
    sites: str | None,
    *,
    format: str,
    all_lines: bool,
    options: ReadOptions | None = None,
    explain: bool = False,
    quiet: bool = False,
    events: bool = False,
) -> None:
    check_threshold(threshold)
    warnings, errors, empty = Few("warning"), Few("bad record"), Few("page without an article")
    with working("loading the model", quiet) as step:
        found = clfnews.tag_files(
            inputs,
            model=model,
            threshold=threshold,
            risk=risk,
            sites=sites,
            input_format=options.format if options else None,
            columns=options.columns if options else None,
            events=events,
            progress=step,
            warn=warnings,
            bad=lambda record: errors(str(record), record.reason),
            note=warner(),
        )
    if sites == "auto" and not found.memory and not quiet:
        warner()("--sites auto: no page says which site it is of; without a site nothing comes back")
    form = Form(format, all_lines, explain, on_terminal=output is None and sys.stdout.isatty())
    # On the terminal the pages themselves are the progress.
    with sink(output) as write, working("reading", quiet or output is None) as show:
        tell = now_and_then(lambda number: show(counted(number, "page")))
        printer = Printer(write, found, form)
        for number, (tagged, only) in enumerate(alone(iter(found)), 1):
            tell(number)
            if tagged.reason and not quiet:
                empty(f"{tagged.page.source or tagged.page.id}: nothing kept: {tagged.reason}", tagged.reason)
            printer.page(tagged, first=number == 1, only=only)
        if not quiet:
            printer.legend()
    for messages in (warnings, empty, errors):
        messages.rest()
    tell_unread(found, quiet)
    # What is in a folder that was not read nobody knows; that it was not has been told.
    if found.errors or found.folders_not_read:
        raise typer.Exit(1)


def tell_unread(found: TaggedFiles, quiet: bool) -> None:
    """What was passed over, and how many records could not be read."""
    if found.skipped and not quiet:
        warner()(told_skipped(found.skipped))
    if found.errors:
        warner()(f"{counted(found.errors, 'record')} could not be read (see above)")
