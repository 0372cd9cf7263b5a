"""Tables in Markdown: the one function that all cards, reports and indexes are written with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[object], rows: Iterable[Sequence[object]], numbers_from: int | None = None) -> str:
    """A Markdown table without a line end after it; a `|` inside a cell is escaped.

    Parameters: `numbers_from`, the first of the columns that are numbers, set to the right; None: no column is aligned.
    """
    if numbers_from is None:
        rule = "|---" * len(header) + "|"
    else:
        rule = _row([":---" if column < numbers_from else "---:" for column in range(len(header))])
    return "\n".join([_row(header), rule, *map(_row, rows)])


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"
