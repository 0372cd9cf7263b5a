"""The command line: every command parses, calls one function of the library, prints."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clfnews import __version__
from clfnews.cli_runs import add_commands
from clfnews.errors import BadRecord, UserError
from clfnews.terminal import print_table, printable

if TYPE_CHECKING:
    from clfnews.filter import PageFilter, TaggedPage
    from clfnews.page import Page
    from clfnews.records import ReadOptions
    from clfnews.train import TrainResult

app = typer.Typer(
    name="clfnews",
    help="Find the article's lines on news pages, and their stance: train, compare, filter.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="The labelled dataset: check, count, compose, compare, exchange.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Model = Annotated[str | None, typer.Option("--model", "-m", help="Folder, runs:/ or models:/ URI. Default: the champion.")]
_INPUTS = "Text, HTML, JSONL, CSV, Parquet, WET or WARC files (also .gz, .zst), folders, '*.txt' patterns, - for standard input."
Inputs = Annotated[list[str], typer.Argument(help=_INPUTS)]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write (filter: or folder); default: the terminal.")]
InputFormat = Annotated[
    str | None, typer.Option(help="text, html, jsonl, csv, parquet, wet or warc. Default: by the file's name.")
]
_COLUMN = "ROLE=NAME, such as text=body: the column or key that holds text, html, lines, id, url, site or date; repeatable."
Column = Annotated[list[str] | None, typer.Option(help=_COLUMN)]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an earlier run into the folder ended.")]
_FORMAT = "text, jsonl or (folder only) parquet. Default: jsonl for a folder or -o X.jsonl, else text."


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"clfnews {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None: ...


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A YAML configuration, such as configs/base.yaml.")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value, such as --set folds=3; repeatable.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the tables.")] = False,
) -> None:
    """Train, score and register the models of a configuration.

    Example: clfnews train configs/base.yaml --set folds=3
    """
    from clfnews.config import load_config
    from clfnews.train import train as run

    settings = load_config(config, overrides)
    with _status(quiet) as status:
        outcome = run(settings, config_path=str(config), progress=status)
    _show_training(outcome)


@app.command("filter")
def filter_(
    inputs: Inputs,
    output: Output = None,
    model: Model = None,
    format: Annotated[str | None, typer.Option("--format", "-f", help=_FORMAT)] = None,
    threshold: Annotated[float | None, typer.Option(help="Keep lines from this p(article) on. Default: the model's.")] = None,
    input_format: InputFormat = None,
    column: Column = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", help="Processes, for a folder. Default: one a core.", min=1)
    ] = None,
    engine: Annotated[str | None, typer.Option("--engine", help="local (default) or ray, for a folder.")] = None,
    address: Annotated[str | None, typer.Option("--address", help="Ray cluster, such as auto or ray://HOST:10001.")] = None,
    resume: Resume = False,
) -> None:
    """Print the article of every page: headline and paragraphs, nothing else.

    With -o FOLDER every input file becomes a file there, in many processes, with
    error files beside them and a manifest; a run that was stopped can go on.

    Example: clfnews filter seeds/001_0965331b62c00476.txt
    Example: clfnews filter pages/ -o filtered --workers 2
    """
    from clfnews.records import ReadOptions, parse_columns

    options = ReadOptions(input_format, parse_columns(column or []))
    to_folder = workers is not None or engine or address or resume
    if to_folder or (output is not None and (output.is_dir() or (not output.suffix and not output.exists()))):
        _filter_to_folder(inputs, output, model, format, threshold, options, workers, engine, address, resume)
        return
    chosen = format or ("jsonl" if output and output.suffix in (".jsonl", ".ndjson") else "text")
    if chosen not in ("text", "jsonl"):
        raise UserError(f"--format {chosen}: expected text or jsonl{' (parquet: only with -o FOLDER)' * (chosen == 'parquet')}")
    _run_filter(inputs, output, model, threshold, as_json=chosen == "jsonl", all_lines=False, options=options)


@app.command()
def tag(
    inputs: Inputs,
    output: Output = None,
    model: Model = None,
    threshold: Annotated[float | None, typer.Option(help="As in filter.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Kept lines also get `why`: what moved their stance, and how much.")
    ] = False,
) -> None:
    """Write every line of every page with type, probabilities and stance, as JSONL.

    Example: clfnews tag seeds/*.txt -o tagged.jsonl
    Example: clfnews tag --explain seeds/000_7159ef61d58be689.txt
    """
    _run_filter(inputs, output, model, threshold, as_json=True, all_lines=True, explain=explain)


@app.command()
def evaluate(
    arguments: Annotated[
        list[str],
        typer.Argument(help="Labelled pages, stance rows or challenge pairs, JSONL.", metavar="[MODEL] FILE"),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One flat object of metrics.")] = False,
) -> None:
    """Score a model on labelled pages, stance rows or challenge pairs, with intervals.

    Example: clfnews evaluate data/pages/test.jsonl --json
    Example: clfnews evaluate data/challenge/pairs.jsonl
    """
    from clfnews.challenge import is_challenge, load_pairs, score_challenge
    from clfnews.dataset import load_gold
    from clfnews.scoring import evaluate_filter
    from clfnews.tracking import load_filter

    if len(arguments) > 2:
        raise UserError(f"evaluate: expected [MODEL] FILE, got {len(arguments)} arguments")
    file, model = Path(arguments[-1]), arguments[0] if len(arguments) == 2 else None
    if is_challenge(file):
        pairs = load_pairs(file)
        scores = [score_challenge(load_filter(model).stance_task, pairs)]
    else:
        corpus = load_gold(file)
        scores = evaluate_filter(load_filter(model), corpus)
    if as_json:
        typer.echo(json.dumps({k: round(v, 6) for s in scores for k, v in s.flat().items()}, indent=1))
        return
    for part in scores:
        print_table(["metric", "value", "95% interval"], _metric_rows(part))
        typer.echo(f"{part.signature}\n")


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    experiment: Annotated[str, typer.Option(help="Experiment to open.")] = "clfnews",
) -> None:
    """Start the MLflow UI on the store that training uses, and print the link of the run list.

    Example: clfnews ui --port 5001
    """
    from clfnews.ui import serve_ui

    raise typer.Exit(serve_ui(experiment, port, typer.echo))


@data_app.command("check")
def data_check(folder: Annotated[Path, typer.Argument(help="Data folder.")] = Path("data")) -> None:
    """List every problem of the dataset at once, with file and row; exit code 1 if there are any.

    Example: clfnews data check
    """
    from clfnews.quality import check_folder

    problems, summary = check_folder(folder)
    for problem in problems:
        typer.echo(problem)
    typer.echo(f"{summary}: {len(problems)} problem{'s' * (len(problems) != 1)}")
    raise typer.Exit(1 if problems else 0)


@data_app.command("stats")
def data_stats(
    folder: Annotated[Path, typer.Argument(help="Data folder.")] = Path("data"),
    figure: Annotated[Path | None, typer.Option("--figure", help="Also draw types and line lengths into this PNG file.")] = None,
) -> None:
    """Count pages, lines, types, stances, layouts and groups per split.

    Example: clfnews data stats --figure stats.png
    """
    from clfnews.quality import stats_figure, stats_tables

    for title, header, rows in stats_tables(folder):
        typer.echo(title)
        print_table(header, rows)
    if figure is not None:
        stats_figure(folder, figure)


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
    from clfnews.agreement import agreement

    outcome = agreement(a, b)
    if as_json:
        typer.echo(json.dumps(outcome.as_row(), ensure_ascii=False, indent=1))
        return
    for title, header, rows in outcome.tables(show):
        typer.echo(title)
        print_table(header, rows)


@data_app.command("export")
def data_export(
    file: Annotated[Path, typer.Argument(help="Gold rows, JSONL.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    format: Annotated[str | None, typer.Option("--format", "-f", help="labelstudio or tsv. Default: as the name ends.")] = None,
    blank: Annotated[bool, typer.Option("--blank", help="Without the labels, for a second opinion.")] = False,
    config: Annotated[Path | None, typer.Option("--labelling-config", help="Also write Label Studio's configuration.")] = None,
) -> None:
    """Write labelled pages as Label Studio tasks, or as a table for an editor or spreadsheet.

    Example: clfnews data export data/pages/test.jsonl -o seeds.tsv
    """
    from clfnews.exchange import export_rows, write_labelling_config

    n = export_rows(file, output, format, blank)
    typer.echo(f"{output}: {n} page{'s' * (n != 1)}")
    if config is not None:
        write_labelling_config(config)
        typer.echo(f"{config}: paste it into the project's labelling setup")


@data_app.command("import")
def data_import(
    arguments: Annotated[
        list[str],
        typer.Argument(
            help="What Label Studio exported as JSON, or the edited table; or wcxb, aeb or pairs, and a folder.",
            metavar="FILE | BENCHMARK FOLDER",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSONL file to write.")],
    annotator: Annotated[str | None, typer.Option("--annotator", help="User id or e-mail, if several have annotated.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="Split of the benchmark. Default: dev.")] = None,
) -> None:
    """Read labels back as gold rows; names file and row of what is wrong.

    Or make gold rows of a benchmark's HTML and clean texts: wcxb, aeb
    (article-extraction-benchmark) or pairs (any folder of NAME.html and NAME.txt).

    Example: clfnews data import seeds.tsv -o seeds.jsonl
    Example: clfnews data import wcxb ../wcxb -o wcxb.jsonl
    """
    if len(arguments) == 2:
        from clfnews.benchmarks_import import import_benchmark

        with _status(False) as status:
            done = import_benchmark(arguments[0], arguments[1], output, split, _now_and_then(status))
        for problem in done.skipped:
            typer.echo(f"clfnews: {problem}", err=True)
        typer.echo(f"{output}: {done.pages:,} pages, {done.lines:,} lines, {done.content:,} of them content")
        print_table(*done.table())
        raise typer.Exit(1 if done.skipped else 0)
    if len(arguments) > 2:
        raise UserError(f"data import: expected FILE, or BENCHMARK FOLDER, got {len(arguments)} arguments")
    from clfnews.exchange import import_rows

    pages, lines, unlabelled = import_rows(arguments[0], output, annotator)
    missing = f", {unlabelled:,} without a type" if unlabelled else ""
    typer.echo(f"{output}: {pages:,} page{'s' * (pages != 1)}, {lines:,} lines{missing}")


@data_app.command("card")
def data_card(
    folder: Annotated[Path, typer.Argument(help="Data folder.")] = Path("data"),
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if the card is behind its data.")] = False,
) -> None:
    """Fill in the numbers of the dataset card (README.md) from the data beside it.

    Example: clfnews data card --check
    """
    from clfnews.datacard import refresh_card

    changed = refresh_card(folder, write=not check)
    if check and changed:
        typer.echo(f"{folder / 'README.md'}: behind its data; run: clfnews data card {folder}")
        raise typer.Exit(1)
    typer.echo(f"{folder / 'README.md'}: {'filled in' if changed else 'up to date'}")


@data_app.command("compose")
def data_compose(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML).")] = Path("data/compose.yaml"),
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write; default: the recipe's.")] = None,
) -> None:
    """Compose labelled pages from articles and layouts; the same recipe gives the same bytes.

    Example: clfnews data compose data/compose.yaml -o /tmp/pages
    """
    from clfnews.build import build

    for file, n in build(recipe, output or recipe.parent).items():
        typer.echo(f"{file}: {n} pages")


add_commands(app, data_app)


def main() -> None:
    """Entry point: a user's mistake is one line on standard error and exit code 2."""
    try:
        app()
    except UserError as error:
        typer.echo(f"clfnews: {error}", err=True)
        sys.exit(2)
    except SystemExit as stop:
        if stop.code == 130:  # Ctrl-C, as typer reports it
            typer.echo("clfnews: stopped", err=True)
        raise
    except BrokenPipeError:
        # The reader (head, less) has gone; what it took is complete.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


# --- filter and tag ---------------------------------------------------------------


def _run_filter(
    inputs: list[str],
    output: Path | None,
    model: str | None,
    threshold: float | None,
    *,
    as_json: bool,
    all_lines: bool,
    options: ReadOptions | None = None,
    explain: bool = False,
) -> None:
    from clfnews.readers import read_pages
    from clfnews.tracking import load_filter

    _check_threshold(threshold)
    warn = _warner()
    records = read_pages(inputs, warn, options)
    first = next(records, None)  # a missing input is told before the model is loaded
    page_filter = load_filter(model)
    if threshold is not None:
        page_filter.threshold = threshold
    bad: list[BadRecord] = []
    with _sink(output) as write:
        for tagged in page_filter.tag(_good(first, records, bad, warn)):
            write(_as_json(page_filter, tagged, all_lines, explain) if as_json else _as_text(tagged, output is None))
    if bad:
        typer.echo(f"clfnews: {len(bad)} record{'s' * (len(bad) > 1)} could not be read (see above)", err=True)
        raise typer.Exit(1)


def _as_json(page_filter: PageFilter, tagged: TaggedPage, all_lines: bool, explain: bool) -> str:
    row = tagged.as_row(all_lines)
    for line in row["lines"] if explain else ():
        if line["keep"]:
            line["why"] = page_filter.explain(line["text"])
    return json.dumps(row, ensure_ascii=False)


def _check_threshold(threshold: float | None) -> None:
    if threshold is not None and not 0 <= threshold <= 1:
        raise UserError(f"--threshold {threshold}: expected a number from 0 to 1")


def _filter_to_folder(
    inputs: list[str],
    output: Path | None,
    model: str | None,
    format: str | None,
    threshold: float | None,
    options: ReadOptions,
    workers: int | None,
    engine: str | None,
    address: str | None,
    resume: bool,
) -> None:
    from clfnews.engines import cores
    from clfnews.scale import MANIFEST, filter_to_folder
    from clfnews.tracking import find_filter

    if output is None:
        raise UserError("--workers, --engine, --address and --resume need -o FOLDER")
    _check_threshold(threshold)
    if address and engine != "ray":
        raise UserError("--address is for --engine ray")
    with _status(False) as status:
        report = filter_to_folder(
            inputs,
            output,
            find_filter(model),
            workers=workers or cores(),
            format=format or "jsonl",
            threshold=threshold,
            options=options,
            resume=resume,
            engine=engine or "local",
            address=address,
            progress=_now_and_then(lambda report: status(report.line())),
            warn=_warner(),
        )
    warn, counts = _warner(), report.counts
    before = f" ({report.resumed} of them by an earlier run)" if report.resumed else ""
    typer.echo(f"{counts.pages:,} pages in {report.shards:,} files{before}, {counts.kept:,} of {counts.lines:,} lines kept")
    typer.echo(f"{report.seconds:.1f} s: {output / MANIFEST}")
    if counts.errors:
        warn(f"{counts.errors:,} record{'s' * (counts.errors > 1)} could not be read; see the .errors.jsonl files in {output}")
    if report.left_over:
        warn(f"{len(report.left_over)} files in {output} are of inputs that were not given this time")


def _now_and_then(show: Any) -> Any:
    """Calls at most every 10 seconds (every 0.2 on a terminal): a log is not a progress bar."""
    pause, last = (0.2 if sys.stderr.isatty() else 10.0), 0.0

    def called(value: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= pause:
            last = time.monotonic()
            show(value)

    return called


def _good(first: Page | BadRecord | None, rest: Iterator[Page | BadRecord], bad: list[BadRecord], warn: Any) -> Iterator[Page]:
    from itertools import chain

    for record in chain([first] if first is not None else [], rest):
        if isinstance(record, BadRecord):
            bad.append(record)
            warn(str(record))
        else:
            yield record


def _warner() -> Any:
    return lambda message: typer.echo(f"clfnews: {message}", err=True)


@contextmanager
def _sink(output: Path | None) -> Iterator[Any]:
    """Writes lines to the terminal, or to a temporary file that takes the name when all is written."""
    if output is None:
        yield typer.echo
        return
    if not output.parent.is_dir():
        raise UserError(f"{output}: the folder {output.parent} does not exist")
    if output.is_dir():
        raise UserError(f"{output}: is a folder; give the name of a file")
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            yield lambda text: file.write(f"{text}\n")
        temporary.replace(output)
    except OSError as error:
        raise UserError(f"{output}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _as_text(tagged: TaggedPage, terminal: bool) -> str:
    """The article as text; on a terminal with a stance mark before each line."""
    if not (terminal and sys.stdout.isatty()):
        return f"{tagged.text}\n"
    from clfnews.report import STANCE_MARKS

    colours = {"conciliatory": typer.colors.GREEN, "hostile": typer.colors.RED}
    stance = tagged.stance
    why = stance["reason"] if stance["coverage"] is None else f"{stance['reason']}, coverage {stance['coverage']:.2f}"
    head = f"# {tagged.page.id}  stance: {stance['label']} ({why})  confidence: {tagged.confidence:.2f}"
    lines = [typer.style(head, bold=True)]
    for line in tagged.kept:
        mark = STANCE_MARKS.get(line.stance or "", "?") + ("*" if line.n in stance["lines"] else " ")
        lines.append(typer.style(f"{mark} {printable(line.text)}", fg=colours.get(line.stance or ""), bold=line.type == "title"))
    return "\n".join(lines) + "\n"


# --- tables and progress -----------------------------------------------------------


def _show_training(outcome: TrainResult) -> None:
    from clfnews import report
    from clfnews.labels import TASKS

    for task in TASKS:
        header, rows = report.cells(outcome, task)
        typer.echo(f"\n{task}: * is the champion (best out of fold)")
        print_table(header, rows)
    typer.echo(f"stance end to end on test, macro-F1: {report.with_interval(outcome.end_to_end, 'end_to_end/stance_macro_f1')}")
    run = outcome.run
    if run is None:
        return
    if run.model_uri:
        typer.echo(f"model: {run.model_uri}; champion: {'moved here' if run.promoted else 'not moved'} ({run.reason})")
    typer.echo(f"runs: {run.store}")
    typer.echo("\nnext:  clfnews ui        (the runs, in the browser)")
    model = "" if run.promoted or not run.model_uri else f" --model {run.model_uri}"
    typer.echo(f"       clfnews filter PAGE.txt{model}")


def _metric_rows(scores: Any) -> list[list[str]]:
    return [[name, f"{value:.4f}", f"{scores.low[name]:.4f} to {scores.high[name]:.4f}"] for name, value in scores.values.items()]


@contextmanager
def _status(quiet: bool) -> Iterator[Any]:
    """One changing line on standard error while something long works."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        with console.status("reading the data") as status:
            yield status.update
    else:
        yield lambda text: console.print(text)


if __name__ == "__main__":
    main()
