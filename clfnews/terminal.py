"""Tables on the terminal, and text that may be shown there."""

from __future__ import annotations

import sys


def printable(text: str) -> str:
    """Without control characters: text from the web must not steer the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def print_table(header: list[str], rows: list[list[str]]) -> None:
    """A table whose columns fit the terminal; numbers to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(header):
        table.add_column(name, justify="left" if i < 2 and not rows[0][i][:1].isdigit() else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False, markup=False).print(table)
