"""`clfnews data ...`: check, count, compose, compare and exchange the labelled dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clfnews.cli.terminal import Few, echo, print_table
from clfnews.errors import counted

data_app = typer.Typer(help="The labelled dataset: check, count, compose, compare, exchange.", no_args_is_help=True)


@data_app.command("check")
def data_check(
    folder: Annotated[Path, typer.Argument(help="Data folder.")] = Path("data"),
    against: Annotated[
        list[str] | None,
        typer.Option("--against", help="Pages that are for measuring only (files, folders): their lines may not stand here."),
    ] = None,
) -> None:
    """List every problem of the dataset at once, with file and row; exit code 1 if there are any.

    Example: clfnews data check --against benchmark/pages.jsonl
    """
    from clfnews.data.check import check_folder

    problems, summary = check_folder(folder)
    if against:
        from clfnews.data.against import shared_with
        from clfnews.page import Page
        from clfnews.readers.inputs import read_pages

        pages, warnings = [], Few("warning")
        for record in read_pages(against, warnings):
            if isinstance(record, Page):
                pages.append(record)
            else:
                problems.append(f"not compared: {record}")
        warnings.rest()
        problems += shared_with(folder, pages)
        summary += f", against {counted(len(pages), 'page')}"
    for problem in problems:
        echo(problem)
    echo(f"{summary}: {counted(len(problems), 'problem')}")
    raise typer.Exit(1 if problems else 0)


@data_app.command("stats")
def data_stats(
    folder: Annotated[Path, typer.Argument(help="Data folder.")] = Path("data"),
    figure: Annotated[Path | None, typer.Option("--figure", help="Also draw types and line lengths into this PNG file.")] = None,
) -> None:
    """Count pages, lines, groups and the labels that the card names per split.

    Example: clfnews data stats --figure stats.png
    """
    from clfnews.data.stats import stats_figure, stats_tables

    for title, header, rows in stats_tables(folder):
        echo(title)
        print_table(header, rows)
    if figure is not None:
        stats_figure(folder, figure)


@data_app.command("card")
def data_card(
    folder: Annotated[Path, typer.Argument(help="Data folder.")] = Path("data"),
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if the card is behind its data.")] = False,
) -> None:
    """Fill in the numbers of the dataset card (README.md) from the data beside it.

    Example: clfnews data card --check
    """
    from clfnews.data.card import refresh_card

    changed = refresh_card(folder, write=not check)
    if check and changed:
        echo(f"{folder / 'README.md'}: behind its data; run: clfnews data card {folder}")
        raise typer.Exit(1)
    echo(f"{folder / 'README.md'}: {'filled in' if changed else 'up to date'}")


@data_app.command("compose")
def data_compose(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML).")] = Path("data/compose.yaml"),
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write; default: the recipe's.")] = None,
) -> None:
    """Compose labelled pages from articles and layouts; the same recipe gives the same bytes.

    Example: clfnews data compose data/compose.yaml -o /tmp/pages
    """
    from clfnews.data.composing.recipe import build

    for file, n in build(recipe, output or recipe.parent).items():
        echo(f"{file}: {n} pages")
