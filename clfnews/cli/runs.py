"""Commands about runs and experiments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import clfnews
from clfnews.cli.options import MODEL, Experiment, RunName
from clfnews.cli.terminal import echo, print_table, printable, working
from clfnews.errors import counted
from clfnews.files import write_text

if TYPE_CHECKING:
    from clfnews.evaluation.compare import Comparison, PartComparison


def compare(
    a: RunName,
    b: RunName,
    on: Annotated[Path | None, typer.Option("--on", help="Labelled pages, JSONL: score both filters on them now.")] = None,
    show: Annotated[int, typer.Option("--show", min=0, help="Print this many differing lines and pages of each part.")] = 10,
    experiment: Experiment = "clfnews",
) -> None:
    """Set two runs side by side: settings, every score with the paired difference, lines on which they disagree.

    Example: clfnews compare best last
    Example: clfnews compare models:/clfnews/1 models:/clfnews@champion --on data/pages/test.jsonl
    """
    with working("reading the runs" if on is None else "loading and scoring"):
        outcome = clfnews.compare(a, b, on=on, experiment=experiment)
    _show_comparison(outcome, show)


def runs(
    experiment: Experiment = "clfnews",
    as_json: Annotated[bool, typer.Option("--json", help="One list of objects.")] = False,
) -> None:
    """List the trainings, newest first: id, name, time, configuration, scores of the champions, registered version.

    Example: clfnews runs
    Example: clfnews runs --json
    """
    from dataclasses import asdict

    from clfnews.evaluation.metrics import HEADLINE
    from clfnews.tracking.runs import list_runs

    with working("reading the runs"):
        found = list_runs(experiment)
    if as_json:
        echo(json.dumps([asdict(row) for row in found], ensure_ascii=False, indent=1))
        return
    names = [m.replace("/", f"_{part}/", 1) for m in HEADLINE.values() for part in ("oof", "validation")]
    titles = [f"{task} {part}" for task in HEADLINE for part in ("out of fold", "validation")]
    rows = [
        [
            "*" * row.champion, row.id[:8], printable(row.name), row.time[:16].replace("T", " "), Path(row.config).name,
            *(f"{row.scores[name]:.4f}" if name in row.scores else "" for name in names),
            (row.version or "").removeprefix("models:/"),
        ]
        for row in found
    ]  # fmt: skip
    print_table(["", "id", "name", "time", "configuration", *titles, "model"], rows)
    echo("* is the champion; scores: article F1 by line, macro-F1 of the stances")


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
    from clfnews.tracking.registry import find_filter

    with working("looking for the model"):
        text = card_of(find_filter(model).folder)
    echo(text, nl=False)


def _show_comparison(outcome: Comparison, show: int) -> None:
    from clfnews.evaluation.compare import headline_first
    from clfnews.evaluation.metrics import FEW_GROUPS

    echo(f"a: {outcome.names[0]}\nb: {outcome.names[1]}\n")
    if outcome.settings:
        print_table(["setting", "a", "b"], [list(row) for row in outcome.settings])
    else:
        echo("no setting differs\n")
    for part in outcome.parts:
        echo(f"{part.task}, {part.set}: a is {part.models[0]}, b is {part.models[1]}")
        if part.refusal:
            echo(f"  not set side by side, for the numbers are not of the same thing: {part.refusal}\n")
            continue
        if all(delta == low == high == 0 for _, _, _, (delta, low, high) in part.metrics) and not part.lines:
            echo("  every line and every score is the same\n")
            continue
        rows = [
            [name, f"{x:.4f}", f"{y:.4f}", f"{delta:+.4f} [{low:+.4f}, {high:+.4f}]", "*" * part.sure(low, high)]
            for name, x, y, (delta, low, high) in headline_first(part)
        ]
        print_table(["metric", "a", "b", "b - a, interval", ""], rows)
        few = f"{counted(part.groups, 'group')}: too few to tell"
        echo(few if part.groups < FEW_GROUPS else "* the interval leaves out zero")
        echo(part.signature)
        n = part.counts()
        said = f"a is right {n['a']}, b is right {n['b']}, neither {n['neither']}"
        echo(f"{counted(len(part.lines), 'line')} labelled differently: {said}")
        lines = [[x.page, str(x.n), x.gold, x.a, x.b, printable(x.text)[:80]] for x in part.lines[:show]]
        if lines:
            print_table(["page", "line", "gold", "a", "b", "text"], lines)
        if part.pages and show:
            print_table(["page", "wrong lines of a", "of b"], [[p, str(x), str(y)] for p, x, y in part.pages[:show]])
        echo(f"{_verdict(part)}\n")
    if not outcome.parts:
        echo("the runs have no task and set in common")


def _verdict(part: PartComparison) -> str:
    """The part in one line: what the headline score says of b."""
    from clfnews.evaluation.compare import headline_first
    from clfnews.evaluation.metrics import FEW_GROUPS

    name, a, b, (_, low, high) = headline_first(part)[0]
    said = {"better": "b is better than a", "worse": "b is worse than a"}.get(part.verdict(), "cannot tell which is better")
    change = f"{b - a:+.4f} [{low:+.4f}, {high:+.4f}]"
    few = ", too few to tell" * (part.groups < FEW_GROUPS)
    return f"{said}: {name} {change}; {counted(part.groups, 'group')}{few}; {counted(len(part.lines), 'line')} changed"


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    experiment: Annotated[str, typer.Option(help="Experiment to open.")] = "clfnews",
) -> None:
    """Start the MLflow UI on the store that training uses, and print the link of the run list.

    Example: clfnews ui --port 5001
    """
    from clfnews.tracking.ui import serve_ui

    raise typer.Exit(serve_ui(experiment, port, echo))
