"""Commands about runs and experiments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

import clfnews
from clfnews.cli.comparison import show_comparison
from clfnews.cli.options import MODEL, Experiment, RunName
from clfnews.cli.terminal import echo, print_table, printable, warner, working, wrapped
from clfnews.files import write_text


def compare(
    a: RunName,
    b: RunName,
    on: Annotated[Path | None, typer.Option("--on", help="Labelled pages, JSONL: score both filters on them now.")] = None,
    show: Annotated[int, typer.Option("--show", min=0, help="Print this many differing lines of each task.")] = 2,
    every: Annotated[bool, typer.Option("--all", help="Every setting, score, line and page that differs.")] = False,
    experiment: Experiment = "clfnews",
) -> None:
    """Say which of two runs is better, then the scores that differ, the settings, and lines on which they disagree.

    Verdicts are those by which a champion is replaced: paired over groups on validation, or out of fold where
    validation has fewer than ten groups.

    Example: clfnews compare best last
    Example: clfnews compare best last --all
    Example: clfnews compare models:/clfnews/1 models:/clfnews@champion --on data/pages/test.jsonl
    """
    with working("reading the runs" if on is None else "loading and scoring"):
        outcome = clfnews.compare(a, b, on=on, experiment=experiment)
    if outcome.names[0] == outcome.names[1]:
        warner()(f"{a} and {b} are the same run; name another (clfnews runs lists them)")
    show_comparison(outcome, show, every)


def runs(
    experiment: Experiment = "clfnews",
    as_json: Annotated[bool, typer.Option("--json", help="One list of objects.")] = False,
) -> None:
    """List the trainings, newest first: id, name, time, configuration, scores of the champions, registered version.

    Example: clfnews runs
    Example: clfnews runs --json
    """
    from dataclasses import asdict

    from clfnews.evaluation.metrics import HEADLINE, headline, short
    from clfnews.tracking.runs import list_runs

    with working("reading the runs"):
        found = list_runs(experiment)
    if as_json:
        echo(json.dumps([asdict(row) for row in found], ensure_ascii=False, indent=1))
        return
    # The shipped tasks first, as far as some run has them.
    told = list(dict.fromkeys(name.partition("_oof/")[0] for row in found for name in row.scores if "_oof/" in name))
    mains = {task: headline(task) for task in sorted(told, key=lambda task: ([*HEADLINE, task].index(task), task))}
    names = [metric.replace("/", f"_{part}/", 1) for metric in mains.values() for part in ("oof", "validation")]
    titles = [task + part for task in mains for part in ("", " validation")]
    rows = [
        [
            "*" * row.champion, row.id[:8], printable(row.name), (row.version or "").removeprefix("models:/"),
            *(f"{row.scores[name]:.3f}" if name in row.scores else "" for name in names),
            row.time[:16].replace("T", " "), Path(row.config).name,
        ]
        for row in found
    ]  # fmt: skip
    gives_way = ["configuration", "time", *titles[::-2], *titles[-2::-2]]
    print_table(["", "id", "name", "model", *titles, "time", "configuration"], rows, gives_way)
    measures = ", ".join(f"{task} {short(metric)}" for task, metric in mains.items())
    echo(wrapped(f"* is the champion; scores, out of fold where nothing else is said: {measures}"))


def promote(
    version: Annotated[
        str, typer.Argument(help="Number of a version, models:/NAME/VERSION, a run (id, name, last, best), or a model's folder.")
    ],
    experiment: Experiment = "clfnews",
) -> None:
    """Make a registered model the champion: the model that filter, tag and clfnews.load() use by themselves.

    A folder with a model, such as a training leaves when its store fails, is logged and registered first.

    Example: clfnews promote 2
    Example: clfnews promote models:/clfnews/2
    """
    from clfnews.tracking.runs import promote as move

    with working("moving the champion"):
        name, before, after = move(version, experiment)
    if before == after:
        echo(f"champion of {name}: version {after}, as before")
    else:
        echo(f"champion of {name}: from {f'version {before}' if before else 'none'} to version {after}")


def report(
    run: RunName = "last",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write. Default: report-ID.html.")] = None,
    experiment: Experiment = "clfnews",
) -> None:
    """Write the report of a run as one HTML file: scores, curves and its pages with right and wrong lines.

    Example: clfnews report last -o report.html
    """
    from clfnews.reports.html_report import render
    from clfnews.tracking.runs import load_run

    with working("reading the run"):
        data = load_run(run, experiment)
    path = output or Path(f"report-{data.id[:8]}.html")
    write_text(path, render(data))
    echo(f"{path}")


def card(
    model: Annotated[str | None, typer.Argument(help=MODEL)] = None,
) -> None:
    """Print the card of a model: data, scores with intervals, thresholds, limits, versions; Markdown.

    Example: clfnews card
    Example: clfnews card models:/clfnews/1 > MODEL_CARD.md
    """
    from clfnews.reports.model_card import card_of
    from clfnews.tracking.find import find_filter

    with working("looking for the model"):
        text = card_of(find_filter(model).folder)
    echo(text, nl=False)


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 5000,
    host: Annotated[str, typer.Option(help="Address; 0.0.0.0 opens the store to other machines.")] = "127.0.0.1",
    experiment: Annotated[str, typer.Option(help="Experiment to open.")] = "clfnews",
) -> None:
    """Start the MLflow UI on the store that training uses, and print the link of the run list.

    Example: clfnews ui --port 5001
    """
    from clfnews.tracking.ui import serve_ui

    raise typer.Exit(serve_ui(experiment, host, port, echo))
