"""`clfnews events`; `app.py` adds it to the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

import clfnews
from clfnews.cli.filter_options import told_skipped
from clfnews.cli.options import Column, InputFormat, Inputs, Model, Output, Quiet
from clfnews.cli.terminal import Few, echo, now_and_then, printable, sink, warner, working
from clfnews.errors import UserError, counted
from clfnews.files import is_folder, write_text

if TYPE_CHECKING:
    from clfnews.events.page import Event
    from clfnews.events.table import EventTable
    from clfnews.readers.base import ReadOptions

_NOTHING = "no kept line tells what one actor of the word lists, which are Vietnamese, did to another"
_KINDS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".html": "html"}


class Found(NamedTuple):
    """The events of a page."""

    id: str
    url: str | None
    events: tuple[Event, ...]


def events(
    inputs: Inputs,
    output: Output = None,
    model: Model = None,
    input_format: InputFormat = None,
    column: Column = None,
    quiet: Quiet = False,
) -> None:
    """Write who does what to whom: source, target, class, stance, date and the line that says so.

    Without -o, or with -o X.jsonl, one event a line. With -o X.csv a table over
    all pages: week, source, target, stance, and the number of events in all and
    by quad class. With -o X.html the same as a figure. An input may be the
    output folder of clfnews filter (JSONL or Parquet): no model is needed then.
    Only Vietnamese lines give events; filters of labels of your own give none.

    Example: clfnews events seeds/*.txt
    Example: clfnews events filtered -o events.csv
    """
    from clfnews.filtering.own_fields import to_json
    from clfnews.readers.base import ReadOptions, parse_columns
    from clfnews.readers.searching import passed_over

    kind = _kind(output)
    errors, options = Few("bad record"), ReadOptions(input_format, parse_columns(column or []))
    folders, others = _told_apart(inputs, options)
    found = _found(folders, others, model, options, quiet, errors)
    shown = output is None and sys.stdout.isatty()
    pages = events = 0
    if kind == "jsonl":
        with sink(output) as write:
            for page in found:
                pages += 1
                events += len(page.events)
                for event in page.events:
                    text = to_json({"page": page.id, "url": page.url} | event.as_row())
                    write(printable(text) if shown else text)
    else:
        assert output is not None
        table = _table(found)
        write_text(output, table.as_csv() if kind == "csv" else _html(table))
        pages, events = table.pages, sum(table.counts.values())
        echo(f"{counted(events, 'event')} of {counted(pages, 'page')}: {output}")
    if pages and not events and not quiet:
        warner()(f"no events in {counted(pages, 'page')}: {_NOTHING}")
    errors.rest()
    if errors.count:
        warner()(f"{counted(errors.count, 'record')} could not be read (see above)")
    if errors.count or any(is_folder(path) for name in others for path in passed_over(name, options)):
        raise typer.Exit(1)


def _kind(output: Path | None) -> str:
    kind = _KINDS.get(output.suffix.lower()) if output else "jsonl"
    if kind is None:
        raise UserError(f"-o {output}: events are written to .jsonl, .csv (table) or .html (figure)")
    return kind


def _told_apart(inputs: list[str], options: ReadOptions) -> tuple[list[str], list[str]]:
    """Output folders of `clfnews filter`, and the other inputs, which have to be there."""
    from clfnews.bulk.output import is_output
    from clfnews.readers.searching import check_inputs

    folders = [name for name in inputs if is_output(Path(name))]
    others = [name for name in inputs if name not in folders]
    check_inputs(others, options)
    return folders, others


def _found(
    folders: list[str], others: list[str], model: str | None, options: ReadOptions, quiet: bool, errors: Few
) -> Iterator[Found]:
    with working("reading", quiet) as show:
        tell = now_and_then(lambda number: show(counted(number, "page")))
        number = 0
        for pages in (_of_folders(folders), _of_pages(others, model, options, quiet, errors) if others else ()):
            for page in pages:
                number += 1
                tell(number)
                yield page


def _of_folders(folders: list[str]) -> Iterator[Found]:
    from clfnews.bulk.output import filtered_pages
    from clfnews.events.page import events_of

    for folder in folders:
        for page in filtered_pages(Path(folder)):
            yield Found(page.id, page.url, events_of(page.lines, page.date))


def _of_pages(names: list[str], model: str | None, options: ReadOptions, quiet: bool, errors: Few) -> Iterator[Found]:
    warnings = Few("warning")
    pages = clfnews.tag_files(
        names,
        model=model,
        input_format=options.format,
        columns=options.columns,
        warn=warnings,
        bad=lambda record: errors(str(record), record.reason),
    )
    if pages.page_filter.no_events:
        raise UserError(f"{pages.page_filter.no_events}; choose another with -m")
    for tagged in pages:
        yield Found(tagged.page.id, tagged.page.url, tagged.with_events().events or ())
    warnings.rest()
    if pages.skipped and not quiet:
        warner()(told_skipped(pages.skipped))


def _table(found: Iterator[Found]) -> EventTable:
    from clfnews.events.table import EventTable

    table = EventTable()
    for page in found:
        table.add(page.events)
    return table


def _html(table: EventTable) -> str:
    from clfnews.reports.events_report import render

    return render(table)
