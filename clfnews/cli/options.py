"""Options and arguments that several commands share."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

MODEL = "Folder, runs:/ or models:/ URI. Default: the champion, or else the filter that came with clfnews."
Model = Annotated[str | None, typer.Option("--model", "-m", help=MODEL)]
INPUTS = "Text, HTML, JSON(L), CSV, Parquet, WET or WARC files (also .gz, .zst), folders, '*.txt' patterns, - for standard input."
Inputs = Annotated[list[str], typer.Argument(help=INPUTS)]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write (filter: or folder); default: the terminal.")]
InputFormat = Annotated[
    str | None, typer.Option(help="text, html, jsonl, json, csv, parquet, wet or warc. Default: by the file's name.")
]
_COLUMN = (
    "ROLE=NAME, such as text=body: the column or key that holds text, html, lines, id or a fact of the page (url, site, date, "
    "title, authors, language ...); repeatable."
)
Column = Annotated[list[str] | None, typer.Option(help=_COLUMN)]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an earlier run into the folder ended.")]


_SITES = "What is known of the pages' sites: a file of clfnews sites fit, or auto: the inputs are read twice."
Sites = Annotated[str | None, typer.Option("--sites", help=_SITES)]


_RISK = "Give no stance where the model is unsure: of those given at most this share is wrong, by the scores out of fold."
Risk = Annotated[float | None, typer.Option("--risk", help=_RISK)]


def _silence_notes(quiet: bool) -> bool:
    """Of the library, such as which filter it uses."""
    if quiet:
        logging.getLogger("clfnews").setLevel(logging.ERROR)
    return quiet


_QUIET = "No progress and no notes of what went well."
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help=_QUIET, callback=_silence_notes)]


RunName = Annotated[str, typer.Argument(help="Run id, run name, last, best, runs:/ or models:/ URI.")]
Experiment = Annotated[str, typer.Option("--experiment", help="Experiment in which run names are looked up.")]
