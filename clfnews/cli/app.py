"""The command line: every command parses, calls one function of the library, prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from clfnews.cli.data import data_app
from clfnews.cli.events import events
from clfnews.cli.filtering import filter_, tag
from clfnews.cli.interrupts import answered_interrupts
from clfnews.cli.labelling import annotate_app, data_suspects
from clfnews.cli.monitoring import drift
from clfnews.cli.runs import card, compare, promote, report, runs, ui
from clfnews.cli.serving import serve
from clfnews.cli.sites import sites_app
from clfnews.cli.terminal import echo, escaped, keep_examples, warner
from clfnews.cli.training import evaluate, sweep, train
from clfnews.errors import MachineError, Stopped, UserError
from clfnews.labels import GUIDELINES_VERSION
from clfnews.version import __version__

app = typer.Typer(
    name="clfnews",
    help="Find the article's lines on news pages, and their stance: train, compare, filter.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="""\b
Exit codes:
  0    done
  1    done, but something is to be looked at: bad records, problems in the data,
       drift
  2    wrong input, option or configuration; nothing was written
  3    trouble of the machine (a full disk, no memory, a file that changed while
       it was read); what is finished is kept, filter goes on with --resume
  130  stopped by Ctrl-C
  141  the reader of a pipe has gone

NO_COLOR is respected; progress goes to standard error.""",
)
app.add_typer(data_app, name="data")
app.add_typer(annotate_app, name="annotate")
app.add_typer(sites_app, name="sites")


_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""What the parser of the command line raises; typer has it from a package whose name changes."""


def _show_version(asked: bool) -> None:
    if asked:
        from clfnews.tracking.find import model_version

        echo(f"clfnews {__version__}, labelling guidelines {GUIDELINES_VERSION}")
        echo(f"model: {model_version()}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Versions of clfnews, model and data.", callback=_show_version, is_eager=True)
    ] = False,
) -> None: ...


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Where to put them; default: here.")] = Path()) -> None:
    """Copy the shipped configurations, labelled data and seed pages, for a first training after pip install.

    Example: clfnews init news
    """
    from clfnews.cli.starter import write_starter

    for path in write_starter(folder):
        echo(path)
    echo(f"\nnext:  {f'cd {folder} && ' * (folder != Path())}clfnews train configs/base.yaml")


def main() -> None:
    """Entry point: a user's mistake is one line on standard error and exit code 2."""
    try:
        with answered_interrupts():
            sys.exit(app(standalone_mode=False))
    except _USAGE_ERROR as error:
        error.message = escaped(error.message)  # it repeats what was typed
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        warner()(str(error))
        sys.exit(2)
    except MachineError as error:
        warner()(str(error))
        sys.exit(3)
    except MemoryError:
        warner()("not enough memory; free some, or give smaller files")
        sys.exit(3)
    except Stopped as stop:
        echo(f"clfnews: stopped; {stop}", err=True)
        sys.exit(130)
    except SystemExit as stop:
        # typer makes 1 of a closed pipe; a short output meets it only now.
        if isinstance(stop.__context__, BrokenPipeError) or not _flushed():
            # The reader (head, less) has gone; what it took is complete.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # type: ignore[union-attr]
            sys.exit(141)
        if stop.code == 130:  # Ctrl-C, as typer reports it
            echo("clfnews: stopped", err=True)
        raise


def _flushed() -> bool:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return False
    return True


def add_filter_commands(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command("filter")(filter_)
    app.command()(tag)
    app.command()(events)


def add_commands(app: typer.Typer, data_app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    for command in (train, evaluate, ui, sweep, runs, compare, promote, report, card, serve, drift):
        app.command()(command)
    data_app.command("suspects")(data_suspects)


add_filter_commands(app)
add_commands(app, data_app)
for _app in (app, data_app, annotate_app, sites_app):
    keep_examples(_app)
