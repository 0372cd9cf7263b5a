"""`clfnews train`, `evaluate` and `sweep`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import clfnews
from clfnews.cli.options import Model, Quiet, Sites
from clfnews.cli.progress import bar
from clfnews.cli.terminal import echo, print_table, status, warner, working, wrapped
from clfnews.errors import UserError

if TYPE_CHECKING:
    from clfnews.evaluation.results import TrainResult
    from clfnews.evaluation.scores import Scores


_PROMOTE_IF = "better (default): beyond the interval, as compare says it; any: a higher score moves the champion."


def train(
    config: Annotated[Path, typer.Argument(help="A YAML configuration, such as configs/base.yaml.")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value, such as --set folds=3; repeatable.")] = None,
    promote_if: Annotated[str | None, typer.Option("--promote-if", help=_PROMOTE_IF)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the tables.")] = False,
) -> None:
    """Train, score and register the models of a configuration.

    Example: clfnews train configs/base.yaml --set folds=3
    """
    overrides = [*(overrides or ()), *([f"tracking.promote_if={promote_if}"] if promote_if else [])]
    with bar("reading the data", quiet) as show:
        outcome = clfnews.train(config, overrides, progress=show)
    _show_training(outcome)


def evaluate(
    arguments: Annotated[
        list[str],
        typer.Argument(help="Labelled pages, stance rows or challenge pairs, JSONL.", metavar="[MODEL] FILE"),
    ],
    model: Model = None,
    sites: Sites = None,
    as_json: Annotated[bool, typer.Option("--json", help="One flat object of metrics.")] = False,
) -> None:
    """Score a model on labelled pages, stance rows or challenge pairs, with intervals.

    Example: clfnews evaluate data/pages/test.jsonl --model models:/clfnews/1 --json
    Example: clfnews evaluate data/challenge/pairs.jsonl
    """
    if len(arguments) > 2:
        raise UserError(f"evaluate: expected [MODEL] FILE, got {len(arguments)} arguments")
    if len(arguments) == 2 and model is not None:
        raise UserError(f"evaluate: two models are given, {arguments[0]} and --model {model}")
    file, model = Path(arguments[-1]), arguments[0] if len(arguments) == 2 else model
    with working("scoring"):
        scores = clfnews.evaluate(model, file, sites=sites, warn=lambda told: warner()(f"warning: {told}"))
    from clfnews.evaluation.metrics import FEW_GROUPS

    if as_json:
        echo(json.dumps({k: round(v, 6) for s in scores.values() for k, v in s.flat().items()}, indent=1))
        return
    for part in scores.values():
        print_table(["metric", "value", "95% interval"], _metric_rows(part))
        if part.few:
            echo(f"- of an interval: fewer than {FEW_GROUPS} groups (sites) to draw from")
        echo(f"{part.signature}\n")


def _show_training(outcome: TrainResult) -> None:
    from clfnews.reports import tables as report

    for task in outcome.results:
        header, rows = report.cells(outcome, task)
        echo(f"\n{wrapped(report.caption(outcome, task))}")
        print_table(header, rows, gives_way=header[: header.index("test") : -1])
    words = report.word_cells(outcome)
    if words:
        echo("\nword-F1 out of fold, mean over pages, by kind of page; * is the best out of fold")
        print_table(*words, gives_way=words[0][:2:-1])
    if outcome.skipped:
        echo(f"\n{outcome.skipped}")
    if outcome.end_to_end:
        found = report.with_interval(outcome.end_to_end, "end_to_end/stance_macro_f1")
        echo(f"stance end to end on test, macro_f1: {found}")
    for warning in report.warnings(outcome):
        warner()(f"warning: {warning}")
    run = outcome.run
    if run is None:
        return
    if run.model_uri:
        moved = "moved here" if run.promoted else "not moved"
        echo(wrapped(f"model: {run.model_uri}; champion: {moved} ({run.reason})"))
    echo(f"run: {run.name} ({run.run_id[:8]})")
    echo(f"runs: {run.store}")
    echo("\nnext:  clfnews ui        (the runs, in the browser)")
    default = run.promoted and run.model_uri and run.model_uri.startswith("models:/clfnews/")
    model = "" if default or not run.model_uri else f" --model {run.model_uri}"
    echo(f"       clfnews filter PAGE.txt{model}")


def _metric_rows(scores: Scores) -> list[list[str]]:
    return [[name, f"{value:.4f}", scores.interval(name, "{:.4f} to {:.4f}")] for name, value in scores.values.items()]


def sweep(
    file: Annotated[Path | None, typer.Argument(help="A sweep file, such as experiments/001-baselines/sweep.yaml.")] = None,
    index: Annotated[Path | None, typer.Option("--index", help="Write the index of this folder of experiments.")] = None,
    quiet: Quiet = False,
) -> None:
    """Train and compare the variants of a sweep file; write results.csv, table.md and README.md beside it.

    One folder a question. configs/sweep.yaml shows every key of a sweep file: copy it to a folder of its own.

    Example: clfnews sweep experiments/001-baselines/sweep.yaml
    Example: clfnews sweep --index experiments
    """
    if file is None and index is None:
        raise UserError("sweep: give a sweep file, or --index FOLDER")
    if file is not None:
        from clfnews.training.sweep import run_sweep

        with status(quiet) as show:
            results = run_sweep(file, show)
        echo((results.parent / "table.md").read_text(encoding="utf-8"))
        echo(f"{results}")
    if index is not None:
        from clfnews.reports.experiments import write_index

        echo(f"{write_index(index)}")
