"""Commands about labels: agreement, export and import, what to label next, likely errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clfnews.cli.data import data_app
from clfnews.cli.options import INPUTS, Column, InputFormat, Quiet
from clfnews.cli.terminal import Few, echo, now_and_then, print_table, printable, status, warner, working
from clfnews.errors import UserError, counted
from clfnews.files import is_folder

if TYPE_CHECKING:
    from clfnews.filtering.filter import PageFilter
    from clfnews.labelling.tasks import Tasks

annotate_app = typer.Typer(help="Choose what to label next.", no_args_is_help=True)

LabellingConfig = Annotated[
    Path | None, typer.Option("--labelling-config", help="Also write Label Studio's labelling configuration to this file.")
]


@data_app.command("agreement")
def data_agreement(
    a: Annotated[Path, typer.Argument(help="Labelled pages or stance rows, JSONL.")],
    b: Annotated[Path, typer.Argument(help="The same lines, labelled by someone else.")],
    as_json: Annotated[bool, typer.Option("--json", help="One object with all scores and all disagreements.")] = False,
    show: Annotated[int, typer.Option("--show", min=0, help="Print this many disagreements.")] = 10,
) -> None:
    """Compare two sets of labels of the same lines: Cohen's kappa, agreement, F1 by label.

    Example: clfnews data agreement data/votes/seeds-annotator1.jsonl data/pages/test.jsonl
    """
    from clfnews.labelling.agreement import agreement

    outcome = agreement(a, b)
    if as_json:
        echo(json.dumps(outcome.as_row(), ensure_ascii=False, indent=1))
        return
    for title, header, rows in outcome.tables(show):
        echo(title)
        print_table(header, rows)


@data_app.command("export")
def data_export(
    file: Annotated[Path, typer.Argument(help="Gold rows, JSONL.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    format: Annotated[str | None, typer.Option("--format", "-f", help="labelstudio, tsv or jsonl. Default: by the name.")] = None,
    blank: Annotated[bool, typer.Option("--blank", help="Without the labels, for a second opinion.")] = False,
    config: LabellingConfig = None,
) -> None:
    """Write labelled pages as Label Studio tasks, or as a table for an editor or spreadsheet.

    Example: clfnews data export data/pages/test.jsonl -o seeds.tsv
    """
    from clfnews.labelling.exchange import export_rows

    n = export_rows(file, output, format, blank)
    echo(f"{output}: {counted(n, 'page')}")
    if config is not None:
        from clfnews.labelling.tasks import tasks_of_labelled

        _write_config(config, tasks_of_labelled(file))


def _write_config(config: Path | None, tasks: Tasks) -> None:
    """Write Label Studio's labelling configuration for these labels, if a file for it is named."""
    from clfnews.labelling.exchange import write_labelling_config

    if config is not None:
        write_labelling_config(config, tasks)
        echo(f"{config}: paste it into the project's labelling setup")


@data_app.command("import")
def data_import(
    arguments: Annotated[
        list[str],
        typer.Argument(
            help="What Label Studio exported as JSON, or the edited table; or wcxb, aeb or pairs, and a folder.",
            metavar="FILE | BENCHMARK FOLDER",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSONL file to write; or a folder to add the pages to.")],
    annotator: Annotated[str | None, typer.Option("--annotator", help="User id or e-mail, if several have annotated.")] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Of the benchmark (default: dev), or for the new sites of a folder.")
    ] = None,
    lines: Annotated[
        list[str] | None, typer.Option("--lines", help="Of a plain table: column with labels of lines; repeatable.")
    ] = None,
    pages: Annotated[
        list[str] | None, typer.Option("--pages", help="Of a plain table: column with labels of pages; repeatable.")
    ] = None,
    keep: Annotated[str | None, typer.Option("--keep", help="Labels of lines that are the article, such as title,text.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column", help="Of a plain table: ROLE=NAME, such as text=body: page, line, text, id, site, url, date, group."
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Read labels back as gold rows; names file and row of what is wrong, leaves out pages without any label.

    With -o FOLDER the pages are added to a data folder that `clfnews train` reads:
    sites are dealt out to train, validation and test, and keep their split.

    A plain table (CSV, TSV, JSONL) of your own labels, `text,label` or `page,line,label`,
    becomes a data folder with its card and the configuration that trains on it.

    Or make gold rows of a benchmark's HTML and clean texts: wcxb, aeb
    (article-extraction-benchmark) or pairs (any folder of NAME.html and NAME.txt).

    Example: clfnews data import seeds.tsv -o seeds.jsonl
    Example: clfnews data import queue.tsv -o labels
    Example: clfnews data import topics.csv -o topics --column text=body
    Example: clfnews data import wcxb ../wcxb -o wcxb.jsonl
    """
    from clfnews.labelling.plain import is_plain

    _check_sources(arguments)
    if len(arguments) == 2:
        if lines or pages or keep or column:
            raise UserError("data import: --lines, --pages, --keep and --column are of a plain table, not of a benchmark")
        _import_benchmark(arguments[0], arguments[1], output, split, quiet)
    elif lines or pages or keep or column or is_plain(Path(arguments[0])):
        _import_plain(Path(arguments[0]), output, lines or [], pages or [], keep, column or [])
    elif is_folder(output) or not output.suffix:
        _import_to_folder(arguments[0], output, annotator, split)
    else:
        _import_to_file(arguments[0], output, annotator)


def _check_sources(arguments: list[str]) -> None:
    if len(arguments) > 1 and _is_labelled_file(arguments[0]):
        raise UserError(f"data import: one file at a time, got {', '.join(arguments)}; -o FOLDER collects the pages of several")
    if len(arguments) > 2:
        raise UserError(f"data import: expected FILE, or BENCHMARK FOLDER, got {len(arguments)} arguments")


def _import_to_file(file: str, output: Path, annotator: str | None) -> None:
    from clfnews.labelling.exchange import import_rows

    n_pages, n_lines, unlabelled = import_rows(file, output, annotator, warner())
    missing = f", {unlabelled:,} without a type" if unlabelled else ""
    echo(f"{output}: {counted(n_pages, 'page')}, {counted(n_lines, 'line')}{missing}")


def _import_benchmark(name: str, folder: str, output: Path, split: str | None, quiet: bool) -> None:
    from clfnews.labelling.benchmarks import import_benchmark

    with status(quiet) as show:
        done = import_benchmark(name, folder, output, split, now_and_then(show))
    for problem in done.skipped:
        echo(f"clfnews: {problem}", err=True)
    echo(f"{output}: {done.pages:,} pages, {done.lines:,} lines, {done.content:,} of them content")
    print_table(*done.table())
    raise typer.Exit(1 if done.skipped else 0)


def _import_plain(file: Path, folder: Path, lines: list[str], pages: list[str], keep: str | None, named: list[str]) -> None:
    from clfnews.labelling.folder import SHARES
    from clfnews.labelling.plain import ROLES, Columns, import_plain
    from clfnews.readers.base import parse_columns

    kept = tuple(label.strip() for label in (keep or "").split(",") if label.strip())
    done = import_plain(file, folder, Columns(tuple(lines), tuple(pages), kept, parse_columns(named, ROLES)))
    print_table(["split", "pages", "groups", "lines"], [[name, *(f"{n:,}" for n in row)] for name, row in done.counts.items()])
    for task, counts in done.labels.items():
        echo(f"{task}: {', '.join(f'{label} {n:,}' for label, n in counts.most_common())}")
    missing = [name for name in SHARES if name not in done.counts]
    if missing:
        echo(f"too few groups for {' and '.join(missing)}", err=True)
    echo(f"\nnext:  clfnews train {done.config}")


def _is_labelled_file(name: str) -> bool:
    return Path(name).is_file() or Path(name).suffix.lower() in (".tsv", ".json", ".jsonl", ".csv")


def _import_to_folder(file: str, folder: Path, annotator: str | None, split: str | None) -> None:
    from clfnews.data.rows import alone_note
    from clfnews.labelling.exchange import read_labelled
    from clfnews.labelling.folder import SHARES, add_to_folder

    added = add_to_folder(read_labelled(file, annotator, warner()), folder, split)
    print_table(["split", "pages", "sites", "lines"], [[name, *(f"{n:,}" for n in row)] for name, row in added.counts.items()])
    if added.replaced:
        echo(f"{folder}: {counted(added.replaced, 'page')} replaced ({counted(added.changed, 'line')} changed)")
    if added.kept:
        warner()(f"{folder}: {counted(added.kept, 'page')} left as they are: those of {file} have a model's labels unchanged")
    if added.alone:
        warner()(f"{folder}: {alone_note(added.alone)}")
    missing = [name for name in SHARES if name not in added.counts]
    if missing:
        echo(f"no sites yet for {' and '.join(missing)}: label pages of further sites", err=True)
    echo(f"{folder}: check with: clfnews data check {folder}")


@annotate_app.command("queue")
def annotate_queue(
    model: Annotated[
        str, typer.Argument(help="Folder, runs:/ or models:/ URI, or rules (no training needed): its labels are corrected.")
    ],
    inputs: Annotated[list[str], typer.Argument(help=INPUTS, metavar="PAGES")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .tsv, .json (Label Studio) or .jsonl.")],
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="Pages to choose.")] = 50,
    format: Annotated[str | None, typer.Option("--format", "-f", help="labelstudio, tsv or jsonl. Default: by the name.")] = None,
    against: Annotated[str | None, typer.Option(help="Second model. Default: the rules, which need no training.")] = None,
    labelled: Annotated[Path | None, typer.Option(help="What is labelled already: a data folder or JSONL file.")] = None,
    config: LabellingConfig = None,
    per_site: Annotated[int, typer.Option(min=1, help="Pages of one site at most.")] = 3,
    types_only: Annotated[bool, typer.Option("--types-only", help="Without stances and labels of other tasks.")] = False,
    input_format: InputFormat = None,
    column: Column = None,
    quiet: Quiet = False,
) -> None:
    """Choose the pages most worth labelling, and write them with the model's labels, ready to be corrected.

    In turn: the best page of a new site, the page the model is least sure of, the
    page of which two models keep the most different lines. Without a model for
    the language, begin with `rules`.

    Example: clfnews annotate queue models:/clfnews@champion pages/ -n 50 -o queue.tsv
    Example: clfnews annotate queue rules pages/ -n 20 --types-only -o queue.tsv
    """
    from clfnews.labelling.exchange import format_for, write_rows
    from clfnews.labelling.queue import known_pages, queue_of_files, queue_rows
    from clfnews.labelling.tasks import tasks_of_row
    from clfnews.readers.base import ReadOptions, parse_columns
    from clfnews.readers.searching import check_inputs

    warnings, bad = Few("warning"), Few("bad record")
    format_for(output, format)  # and that nothing is overwritten, before a model is loaded
    known = known_pages(labelled) if labelled else None
    options = ReadOptions(input_format, parse_columns(column or []))
    check_inputs(inputs, options)
    page_filter, second = _filters(model, against, quiet)
    with status(quiet) as show:
        choices = queue_of_files(
            page_filter, inputs, number, options=options, against=second, labelled=known, per_site=per_site,
            progress=now_and_then(lambda n: show(f"{n:,} pages looked at")), warn=warnings,
            on_bad=lambda record: bad(str(record), record.reason),
        )  # fmt: skip
    warnings.rest()
    bad.rest()
    rows = queue_rows(choices, types_only)
    write_rows(rows, output, format)
    if not quiet:
        chosen = [[c.candidate.tagged.page.id, c.candidate.site or "", c.why] for c in choices]
        print_table(["page", "site", "chosen for"], chosen)
    echo(f"{output}: {counted(len(choices), 'page')} to label")
    _write_config(config, tasks_of_row(rows[0]))
    raise typer.Exit(1 if bad.count else 0)


def _filters(model: str, against: str | None, quiet: bool) -> tuple[PageFilter, PageFilter | None]:
    """The filter whose labels are corrected, and the one it is compared with (None: the rules)."""
    from clfnews.labelling.queue import RULES, rules_filter
    from clfnews.tracking.find import load_filter

    with working("loading the model", quiet):
        first = rules_filter() if model == RULES else load_filter(model)
        return first, load_filter(against) if against and against != RULES else None


def data_suspects(
    config: Annotated[Path, typer.Argument(help="A YAML configuration.")] = Path("configs/base.yaml"),
    task: Annotated[str, typer.Option(help="type, stance, or a task of your own.")] = "type",
    model: Annotated[
        str | None, typer.Option(help="Model that predicts. Default: page for the shipped types, else linear.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Show this many, the worst first.")] = 20,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value, such as --set folds=3; repeatable.")] = None,
    quiet: Quiet = False,
) -> None:
    """List lines of the training split whose label is likely wrong, on their page, with the command to edit it.

    The tasks are those of the configuration.

    Example: clfnews data suspects --task stance --top 10
    """
    from clfnews.config.schema import load_config
    from clfnews.training.suspects import after_edit, find_suspects, summary

    with status(quiet) as show:
        settings = load_config(config, overrides)
        found, n = find_suspects(settings, task, model, top, show)
    for suspect in found:
        chance = f"p {suspect.p_given:.2f} against {suspect.p_suggested:.2f}"
        echo(f"{suspect.page}, line {suspect.n}: {suspect.given}, rather {suspect.suggested} ({chance})")
        for number, label, text in suspect.context:
            mark, width = (">", 500) if number == suspect.n else (" ", 100)
            echo(f"  {mark} {number:4} {label:12} {printable(text)[:width]}")
        echo(f"  edit: {suspect.edit}\n")
    if found:
        print_table(["label", "rather", "lines shown"], [[given, other, str(k)] for given, other, k in summary(found)])
    echo(f"{n} suspects, {len(found)} shown; after an edit {after_edit(settings)}")
