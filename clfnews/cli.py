"""The command line: every command parses, calls one function of the library, prints."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clfnews import __version__
from clfnews.cli_data import annotate_app, data_app
from clfnews.cli_filter import Model, add_filter_commands
from clfnews.cli_runs import add_commands
from clfnews.errors import Stopped, UserError
from clfnews.labels import GUIDELINES_VERSION
from clfnews.terminal import keep_examples, print_table, status, warner, working

if TYPE_CHECKING:
    from clfnews.train import TrainResult

app = typer.Typer(
    name="clfnews",
    help="Find the article's lines on news pages, and their stance: train, compare, filter.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="""\b
Exit codes:
  0    done
  1    done, but something is to be looked at: bad records, problems in the data
  2    wrong input, option or configuration; nothing was written
  130  stopped by Ctrl-C
  141  the reader of a pipe has gone

NO_COLOR is respected; progress goes to standard error.""",
)
app.add_typer(data_app, name="data")
app.add_typer(annotate_app, name="annotate")


def _show_version(asked: bool) -> None:
    if asked:
        from clfnews.modelcard import model_version

        typer.echo(f"clfnews {__version__}, labelling guidelines {GUIDELINES_VERSION}")
        typer.echo(f"model: {model_version()}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Versions of clfnews, model and data.", callback=_show_version, is_eager=True)
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
    with status(quiet) as show:
        outcome = run(settings, config_path=str(config), progress=show)
    _show_training(outcome)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Where to put them; default: here.")] = Path()) -> None:
    """Copy the shipped configurations, labelled data and seed pages, for a first training after pip install.

    Example: clfnews init news
    """
    from clfnews.starter import write_starter

    for path in write_starter(folder):
        typer.echo(path)
    typer.echo(f"\nnext:  {f'cd {folder} && ' * (folder != Path())}clfnews train configs/base.yaml")


@app.command()
def evaluate(
    arguments: Annotated[
        list[str],
        typer.Argument(help="Labelled pages, stance rows or challenge pairs, JSONL.", metavar="[MODEL] FILE"),
    ],
    model: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="One flat object of metrics.")] = False,
) -> None:
    """Score a model on labelled pages, stance rows or challenge pairs, with intervals.

    Example: clfnews evaluate data/pages/test.jsonl --model models:/clfnews/1 --json
    Example: clfnews evaluate data/challenge/pairs.jsonl
    """
    from clfnews.challenge import is_challenge, load_pairs, score_challenge
    from clfnews.dataset import load_gold
    from clfnews.scoring import evaluate_filter, trained_on
    from clfnews.tracking import load_filter

    if len(arguments) > 2:
        raise UserError(f"evaluate: expected [MODEL] FILE, got {len(arguments)} arguments")
    if len(arguments) == 2 and model is not None:
        raise UserError(f"evaluate: two models are given, {arguments[0]} and --model {model}")
    file, model = Path(arguments[-1]), arguments[0] if len(arguments) == 2 else model
    if is_challenge(file):
        pairs = load_pairs(file)
        with working("scoring"):
            scores = [score_challenge(load_filter(model).stance_model(), pairs)]
    else:
        corpus = load_gold(file)
        with working("scoring"):
            page_filter = load_filter(model)
            scores = evaluate_filter(page_filter, corpus)
        if trained_on(page_filter, corpus):
            warner()(f"warning: the model was trained on {file}: it knows these pages, and its scores on new ones are lower")
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


add_filter_commands(app)
add_commands(app, data_app)
for _app in (app, data_app, annotate_app):
    keep_examples(_app)


def main() -> None:
    """Entry point: a user's mistake is one line on standard error and exit code 2."""
    try:
        app()
    except UserError as error:
        typer.echo(f"clfnews: {error}", err=True)
        sys.exit(2)
    except Stopped as stop:
        typer.echo(f"clfnews: stopped; {stop}", err=True)
        sys.exit(130)
    except SystemExit as stop:
        # typer makes 1 of a closed pipe; a short output meets it only now.
        if isinstance(stop.__context__, BrokenPipeError) or not _flushed():
            # The reader (head, less) has gone; what it took is complete.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # type: ignore[union-attr]
            sys.exit(141)
        if stop.code == 130:  # Ctrl-C, as typer reports it
            typer.echo("clfnews: stopped", err=True)
        raise


def _flushed() -> bool:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return False
    return True


def _show_training(outcome: TrainResult) -> None:
    from clfnews import report

    for task in outcome.results:
        header, rows = report.cells(outcome, task)
        typer.echo(f"\n{task}: * is the champion (best out of fold)")
        print_table(header, rows)
    words = report.word_cells(outcome)
    if words:
        typer.echo("\nword-F1 out of fold, mean over pages, by kind of page")
        print_table(*words)
    if outcome.skipped:
        typer.echo(f"\n{outcome.skipped}")
    if outcome.end_to_end:
        found = report.with_interval(outcome.end_to_end, "end_to_end/stance_macro_f1")
        typer.echo(f"stance end to end on test, macro-F1: {found}")
    for warning in report.warnings(outcome):
        warner()(f"warning: {warning}")
    run = outcome.run
    if run is None:
        return
    if run.model_uri:
        typer.echo(f"model: {run.model_uri}; champion: {'moved here' if run.promoted else 'not moved'} ({run.reason})")
    typer.echo(f"run: {run.name} ({run.run_id[:8]})")
    typer.echo(f"runs: {run.store}")
    typer.echo("\nnext:  clfnews ui        (the runs, in the browser)")
    default = run.promoted and run.model_uri and run.model_uri.startswith("models:/clfnews/")
    model = "" if default or not run.model_uri else f" --model {run.model_uri}"
    typer.echo(f"       clfnews filter PAGE.txt{model}")


def _metric_rows(scores: Any) -> list[list[str]]:
    return [[name, f"{value:.4f}", f"{scores.low[name]:.4f} to {scores.high[name]:.4f}"] for name, value in scores.values.items()]


if __name__ == "__main__":
    main()
