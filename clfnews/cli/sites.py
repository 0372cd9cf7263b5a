"""`clfnews sites`: what is known of sites, learnt and shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clfnews.cli.options import Column, InputFormat, Inputs, Model, Quiet
from clfnews.cli.terminal import Few, echo, print_table, warner, working
from clfnews.errors import BadRecord, counted

if TYPE_CHECKING:
    from clfnews.page import Page
    from clfnews.readers.base import ReadOptions
    from clfnews.sites.history import Period
    from clfnews.sites.report import SiteReport

sites_app = typer.Typer(help="What comes back over the pages of a site: fit, show.", no_args_is_help=True)
_SHOWN = 40
"""Sites that are listed."""


@sites_app.command()
def fit(
    inputs: Inputs,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, such as sites.npz.")],
    onto: Annotated[Path | None, typer.Option("--onto", help="A file of an earlier fit that these pages are added to.")] = None,
    model: Model = None,
    unread: Annotated[
        bool, typer.Option("--unread", help="Without a model: faster, but no expected F1 and no alarm of it.")
    ] = False,
    input_format: InputFormat = None,
    column: Column = None,
    quiet: Quiet = False,
) -> None:
    """Learn what comes back over the pages of each site, for --sites of tag, filter and evaluate.

    Pages have to say their site: a key site or url, the address in a web archive, the canonical address of HTML.
    Exit code 1: there are bad records.

    Example: clfnews sites fit crawl/*.warc.gz -o sites.npz
    Example: clfnews sites fit today/ --onto sites.npz -o sites.npz
    """
    import clfnews
    from clfnews.readers.base import ReadOptions, parse_columns
    from clfnews.readers.searching import expand
    from clfnews.sites.memory import SiteMemory

    options = ReadOptions(input_format, parse_columns(column or []))
    for name in inputs:
        expand(name, options)
    memory = SiteMemory.load(onto) if onto else SiteMemory()
    page_filter = None if unread else clfnews.load(model)
    if page_filter is not None:
        options = ReadOptions(options.format, options.columns, hidden=page_filter.reads_hidden)
    pages = _SitePages(inputs, options)
    with working("reading", quiet):
        if page_filter is None:
            SiteMemory.fit(pages, memory)
        else:
            page_filter.fit_sites(pages, memory)
    memory.save(output)
    pages.rest()
    if not quiet:
        read = sum(memory[name].site.pages for name in memory.names)
        echo(f"{counted(len(memory), 'site')}, {counted(read, 'page')}, {memory.bytes / 1e6:.1f} MB: {output}")
    if pages.left_out:
        warner()(f"{counted(pages.left_out, 'page')} left out: nothing says which site they are of (a key site or url does)")
    if pages.errors.count:
        raise typer.Exit(1)


class _SitePages:
    """The pages of files, each of which tells its bad records as it is read; counts the pages that name no site."""

    def __init__(self, inputs: list[str], options: ReadOptions) -> None:
        self.inputs, self.options = inputs, options
        self.warnings, self.errors = Few("warning"), Few("bad record")
        self.left_out = 0

    def __iter__(self) -> Iterator[Page]:
        from clfnews.readers.inputs import read_pages

        for record in read_pages(self.inputs, self.warnings, self.options):
            if isinstance(record, BadRecord):
                self.errors(str(record), record.reason)
            else:
                self.left_out += not record.site
                yield record

    def rest(self) -> None:
        """Tell how many messages were not printed."""
        self.warnings.rest()
        self.errors.rest()


@sites_app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A file of clfnews sites fit.", metavar="SITES")],
    site: Annotated[str | None, typer.Argument(help="One site, in detail.", metavar="[SITE]")] = None,
    alarm: Annotated[
        bool, typer.Option("--alarm", help="Only sites whose layout seems to have changed; exit code 1 if there are any.")
    ] = False,
) -> None:
    """Show how many pages of each site are known, what is the site's own, and whether its layout has changed.

    The alarm compares the last pages of a site with those before: their expected
    F1, or the share of their boxes that the site had shown before, has fallen.

    Example: clfnews sites show sites.npz
    Example: clfnews sites show sites.npz --alarm
    """
    from clfnews.sites.memory import SiteMemory
    from clfnews.sites.report import site_report, site_reports

    memory = SiteMemory.load(file)
    reports = site_reports(memory) if site is None else [site_report(memory, site)]
    if alarm:
        reports = [report for report in reports if report.alarm]
    if site is not None and reports:
        _show_one(reports[0])
    elif reports:
        _show_all(reports)
    else:
        echo("no alarm" if alarm else "no sites")
    if alarm and reports:
        raise typer.Exit(1)


def _show_all(reports: list[SiteReport]) -> None:
    rows = [
        [r.name, f"{r.pages:,}", f"{r.stories:,}", _number(r.own), _number(r.expected_f1), r.alarm or ""]
        for r in reports[:_SHOWN]
    ]
    print_table(["site", "pages", "stories", "site's own", "expected F1", "alarm"], rows)
    if len(reports) > _SHOWN:
        echo(f"and {counted(len(reports) - _SHOWN, 'more site')}")


def _show_one(report: SiteReport) -> None:
    echo(f"{report.name}: {counted(report.pages, 'page')} of {report.stories:,} distinct stories")
    echo(f"share of the text that is the site's own: {_number(report.own)}; expected F1: {_number(report.expected_f1)}")
    echo(f"alarm: {report.alarm or 'none'}")
    if report.repeated:
        echo("\nlines that came back most (share of the stories)")
        for share, text in report.repeated:
            echo(f"{share:5.2f}  {text}")
    echo("\nover time")
    print_table(["pages", "expected F1", "known places", "site's own"], [_period(period) for period in report.periods])


def _period(period: Period) -> list[str]:
    return [str(period.pages), _number(period.expected_f1), _number(period.familiar), _number(period.own)]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
