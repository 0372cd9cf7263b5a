"""The bar of a training: what runs, how many steps are done, for how long, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from clfnews.cli.terminal import printable

_WARNING = "warning: "
"""Lines that begin so stay above the bar."""


@contextmanager
def bar(first: str, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Shows lines of progress (`training.steps.Step` with their numbers) as a bar that moves while nothing is told.

    In a file or a pipe each is a line of its own.
    """
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    if quiet:
        yield lambda _: None
    elif not console.is_terminal:
        yield lambda text: console.print("clfnews: " * text.startswith(_WARNING) + printable(text), soft_wrap=True)
    else:
        with _bar(console) as shown:
            task = shown.add_task(printable(first), total=None, share=0.0, at=time.monotonic())

            def show(text: str) -> None:
                if text.startswith(_WARNING):
                    console.print(f"clfnews: {printable(text)}", soft_wrap=True)
                    return
                done, total, share = getattr(text, "done", 0), getattr(text, "total", None), getattr(text, "share", 0.0)
                shown.update(
                    task, description=printable(text), completed=done, total=total, share=share, at=time.monotonic(), refresh=True
                )

            yield show


def _bar(console: Any) -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    what = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1))
    columns = (SpinnerColumn(), what, BarColumn(bar_width=12), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, _left_column(), console=console, transient=True, expand=console.width < 100)


def _left_column() -> Any:
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Left(ProgressColumn):
        """Time that is left, as the finished part of the work took it."""

        max_refresh = 0.5

        def render(self, task: Any) -> Text:
            return Text(left(task.elapsed or 0.0, time.monotonic() - task.fields["at"], task.fields["share"]), no_wrap=True)

    return Left()


def left(elapsed: float, since: float, share: float) -> str:
    """`1:20 left`: of work of which a share was done `since` seconds ago; no guess from less than a twentieth."""
    if share < 0.05:
        return "   - left"
    seconds = round((elapsed - since) * (1 - share) / share - since)
    if seconds <= 0:
        return "   - left"
    return f"{seconds // 60:2d}:{seconds % 60:02d} left"
