"""What goes to the terminal or a file: tables, progress, warnings, text that may be shown."""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from clfnews.errors import counted
from clfnews.files import replacing, valid

# Control characters, line and paragraph separators, marks of direction, half characters and invisible tags. Joiners are
# letters of many scripts.
_STEERING = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]"
)
_NUMBER = re.compile(r"|-|[+-]?\d[\d.,]*( .*)?")
"""A number, also with its interval or unit, or nothing."""


def printable(text: str) -> str:
    r"""Text whose control and direction marks are written as `\u001b`: text from the web must not steer the terminal.

    What is JSON stays the same JSON.
    """
    return text if text.isprintable() else _STEERING.sub(lambda found: json.dumps(found[0])[1:-1], text)


def escaped(text: str) -> str:
    """`printable` of every line of a text; its lines stay lines."""
    return "\n".join(map(printable, text.split("\n")))


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """`typer.echo` of a text that may hold what others wrote (see `escaped`)."""
    typer.echo(escaped(str(text)), err=err, nl=nl)


def print_table(header: list[str], rows: list[list[str]], gives_way: Sequence[str] = ()) -> None:
    """A table whose columns fit the terminal; numbers to the right, never broken, and texts broken between words.

    Where there is no room, the columns of `gives_way` are left out, its first one first, and named below.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    width = _width(bool(gives_way))
    cells = [[printable(row[i]) for row in rows] for i in range(len(header))]
    shown, widths = _columns(header, cells, gives_way, width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for i, of_column in zip(shown, widths, strict=True):
        numbers = _are_numbers(cells[i])
        name = "\n".join(textwrap.wrap(header[i], of_column)) if numbers and header[i] else header[i]
        table.add_column(name, justify="right" if numbers and i else "left", overflow="fold", width=of_column)
    for row in zip(*(cells[i] for i in shown), strict=True):
        table.add_row(*row)
    # Where even that is too wide, the terminal breaks the lines: nothing is cut off.
    Console(width=max(width, _total(widths)), highlight=False, markup=False).print(table)
    left_out = [name for i, name in enumerate(header) if i not in shown]
    if left_out:
        echo(wrapped(f"no room for: {', '.join(left_out)}"))


def wrapped(text: str) -> str:
    """A text broken between words where it is wider than the terminal; as it is for a pipe."""
    if not sys.stdout.isatty():
        return text
    return textwrap.fill(text, _width(True), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def cut(text: str) -> str:
    """A text as far as the terminal has room for it in one line; all of it for a pipe."""
    from rich.cells import cell_len, set_cell_size

    width = _width(True)
    return text if not sys.stdout.isatty() or cell_len(text) <= width else f"{set_cell_size(text, width - 3).rstrip()}..."


def _width(gives_way: bool) -> int:
    """Columns of a table: of the terminal; of a pipe as many as texts need, but few where some of them can be left out."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console().width
    if not gives_way:
        return 200
    known = sys.stderr.isatty() or "COLUMNS" in os.environ  # such as behind `| tee log`
    return Console(stderr=True).width if known else 100


def _columns(header: list[str], cells: list[list[str]], gives_way: Sequence[str], width: int) -> tuple[list[int], list[int]]:
    """The columns that are shown, and their widths: those of `gives_way` go before a text of the others is broken."""
    least = [_least(name, column) for name, column in zip(header, cells, strict=True)]
    whole = [_whole(name, column) for name, column in zip(header, cells, strict=True)]
    shown = list(range(len(header)))
    for name in gives_way:
        if _total([min(whole[i], max(least[i], width // 2)) for i in shown]) <= width:
            break
        if name in header:
            shown.remove(header.index(name))
    widths = [least[i] for i in shown]
    while (free := width - _total(widths)) > 0 and (narrow := [k for k, i in enumerate(shown) if widths[k] < whole[i]]):
        for k in narrow[:free]:
            widths[k] += 1
    return shown, widths


def _total(widths: Sequence[int]) -> int:
    """The width of a table: two columns of space between columns, and one at either edge."""
    return sum(widths) + 2 * len(widths)


def _are_numbers(cells: Sequence[str]) -> bool:
    return all(_NUMBER.fullmatch(cell) for cell in cells)


def _least(name: str, cells: Sequence[str]) -> int:
    """The least width of a column: that of its numbers, or of the longest word of its texts, of paths and addresses a part."""
    from rich.cells import cell_len

    words = max(map(cell_len, name.split()), default=1)
    if _are_numbers(cells):
        return max(words, *map(cell_len, cells), 1)
    return max(words, min(24, max(cell_len(word) for cell in cells for word in cell.split() or [""])))


def _whole(name: str, cells: Sequence[str]) -> int:
    """The width of a column in which no text is broken; heads of numbers may be."""
    from rich.cells import cell_len

    return _least(name, cells) if _are_numbers(cells) else max(map(cell_len, [name, *cells]))


def styled(text: str, **style: Any) -> str:
    """`typer.style`, unless the user wants no colours (https://no-color.org) or the terminal has none."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else typer.style(text, **style)


def keep_examples(app: typer.Typer) -> None:
    """Keep the examples of all help texts line by line, to be copied; other paragraphs are wrapped."""
    for command in app.registered_commands:
        before, mark, examples = inspect.cleandoc(command.callback.__doc__ or "").partition("\n\nExample:")
        command.help = f"{before}\n\n\b\nExample:{examples}" if mark else before


@contextmanager
def working(text: str, quiet: bool = False) -> Iterator[Any]:
    """A line on the terminal while something works that prints nothing itself; call what it gives to change the line."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False, markup=False).status(printable(text)) as line:
        yield lambda text: line.update(printable(text))


@contextmanager
def status(quiet: bool) -> Iterator[Any]:
    """One changing line on standard error while something long works."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        with console.status("reading the data") as status:
            yield lambda text: status.update(printable(text))
    else:
        yield lambda text: console.print(printable(text), soft_wrap=True)


def now_and_then(show: Any) -> Any:
    """Calls at most every 10 seconds (every 0.2 on a terminal): a log is not a progress bar."""
    pause, last = (0.2 if sys.stderr.isatty() else 10.0), time.monotonic()

    def called(value: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= pause:
            last = time.monotonic()
            show(value)

    return called


def warner() -> Any:
    return lambda message: typer.echo(f"clfnews: {printable(message)}", err=True)


class Few:
    """Messages of one kind on standard error: the first ones as they are, the others by their number at the end.

    Parameters: `what` they are about, such as `warning`; how many are `named`.
    """

    def __init__(self, what: str, named: int = 20) -> None:
        self.count, self._what, self._named = 0, what, named
        self._warn, self._reasons = warner(), Counter[str]()

    def __call__(self, message: str, reason: str = "") -> None:
        """Show or count a message; `reason` is the part of it that others may share."""
        self.count += 1
        if self.count <= self._named:
            self._warn(message)
        elif reason and (reason in self._reasons or len(self._reasons) < 1000):
            self._reasons[reason] += 1

    def rest(self, untold: int = 0) -> None:
        """Say how many were not shown, and why most of them were; `untold`: how many more there are."""
        more = max(self.count - self._named, 0) + untold
        often = f"; most often: {self._reasons.most_common(1)[0][0]}" if self._reasons else ""
        if more:
            self._warn(f"{counted(more, f'more {self._what}')} not named{often}")


@contextmanager
def sink(output: Path | None) -> Iterator[Any]:
    """Writes lines to the terminal, or to a temporary file that takes the name when all is written."""
    if output is None:
        yield lambda text: typer.echo(valid(text))
        return
    with replacing(output) as place, place.open("w", encoding="utf-8", newline="\n") as file:
        yield lambda text: file.write(f"{valid(text)}\n")
