"""`clfnews drift`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import clfnews
from clfnews.cli.terminal import echo, print_table, working
from clfnews.errors import counted

if TYPE_CHECKING:
    from clfnews.evaluation.drift import Change, Drift

_OUTPUT = "File or folder of clfnews filter, JSONL or Parquet"


def drift(
    reference: Annotated[Path, typer.Argument(help=f"{_OUTPUT}: pages as they should be.")],
    new: Annotated[Path, typer.Argument(help=f"{_OUTPUT}: those of tonight.")],
    show: Annotated[int, typer.Option("--show", min=0, help="Print this many sites.")] = 10,
    seed: Annotated[int, typer.Option("--seed", help="Of samples and tests.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One object, with all sites.")] = False,
) -> None:
    """Tell whether new outputs still look like those of a reference: confidence, labels, words, languages, by site.

    Needs no labels. Exit code 0: no drift; 1: drift; 2: a mistake, such as fewer than 30 pages.

    Example: clfnews drift nights/reference nights/tonight
    Example: clfnews drift reference.jsonl tonight.jsonl --json
    """
    with working("reading and comparing"):
        found = clfnews.drift(reference, new, seed=seed)
    if as_json:
        echo(json.dumps(found.as_row(), ensure_ascii=False, indent=1))
    else:
        _show(found, show)
    raise typer.Exit(1 if found.drifted else 0)


def _show(found: Drift, most: int) -> None:
    from clfnews.evaluation.drift import ALPHA, LIMIT

    drifting = [change.name for change in found.measures if change.drifts]
    sites = [change.name for change in found.sites if change.drifts]
    if sites:
        drifting.append(f"{counted(len(sites), 'site')} ({', '.join(sites[:3])}{', ...' * (len(sites) > 3)})")
    sizes = (counted(side.total, "page") for side in (found.reference, found.new))
    echo("{}; {} of reference, {} of new".format(f"drift: {', '.join(drifting)}" if drifting else "no drift", *sizes))
    for note in found.notes():
        echo(note)
    header = ["ref.", "new", "change [95%]", "bits", "p"]
    print_table(["", "measure", *header], [row for change in found.measures for row in _rows(change)])
    if shown := found.sites[:most]:
        print_table(["", "site", *header], [row for change in shown for row in _site_rows(change)])
    if len(found.sites) > len(shown):
        echo(f"{counted(len(found.sites) - len(shown), 'more site')} that changed less (--show, --json)")
    echo(f"* drifts: p < {ALPHA:g} and at least {LIMIT:g} bits (Jensen-Shannon)")
    echo("p: how often chance alone changes as much (permutation of pages, Holm)")


def _rows(change: Change) -> Iterator[list[str]]:
    """One row a figure; what is said of the measure as a whole stands in the first."""
    for i, figure in enumerate(change.figures):
        whole = ["*" * change.drifts, f"{change.divergence:.3f}", f"{change.p:.3f}"] if i == 0 else ["", "", ""]
        delta = f"{figure.new - figure.reference:+.2f} [{figure.low:+.2f}, {figure.high:+.2f}]"
        values = [f"{value:.3f}" if value < 10 else f"{value:.1f}" for value in (figure.reference, figure.new)]
        yield [whole[0], figure.name, *values, delta, *whole[1:]]


def _site_rows(change: Change) -> Iterator[list[str]]:
    """The rows of a site, below its name."""
    first, *others = _rows(change)
    yield [first[0], change.name, "", "", "", *first[-2:]]
    for row in (first, *others):
        yield ["", f"  {row[1]}", *row[2:5], "", ""]
