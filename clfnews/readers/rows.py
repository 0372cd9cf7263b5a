"""Rows of a table or of JSON as pages."""

from __future__ import annotations

from functools import partial
from typing import Any

from clfnews.errors import BadRecord
from clfnews.page import Page
from clfnews.readers.base import ReadOptions, Source, Warn, missing_content, page_of_row


class RowPages:
    """Rows of one file as pages; what is to be said of many of them is said once."""

    def __init__(self, source: Source, options: ReadOptions, warn: Warn) -> None:
        self._source, self._options, self._warn = source, options, warn
        self._said: set[str] = set()
        self.replaced = 0
        """Bytes that were not UTF-8."""

    def page(self, row: Any, number: int) -> Page | BadRecord:
        """The page of a row, or why it is none."""
        if not isinstance(row, dict):
            return self.bad(number, "not a JSON object")
        try:
            return page_of_row(row, f"{self._source.stem}-{number}", self._options, partial(self.note, number))
        except ValueError as error:
            return self.bad(number, str(error))

    def bad(self, number: int, reason: str) -> BadRecord:
        """The record of a row that is no page."""
        return BadRecord(self._source.name, f"row {number}", reason)

    def note(self, number: int, message: str) -> None:
        """Say something of a row, unless it was said of another."""
        if message not in self._said:
            self._said.add(message)
            self._warn(f"{self._source.name}: row {number}: {message}")

    def tell_replaced(self) -> None:
        """Say how many bytes were replaced, at the end of a file."""
        if self.replaced > 0:
            self._warn(f"{self._source.name}: not valid UTF-8; {self.replaced} bad bytes were replaced")


def missing_columns(names: list[str], source: Source, options: ReadOptions, warn: Warn) -> str | None:
    """Why a table has no pages; of other columns that were named and are not there is warned."""
    problem = missing_content(names, options)
    absent = [name for name in options.columns.values() if name not in names]
    if not problem and absent:
        warn(f"{source.name}: has no column {' or '.join(map(repr, absent))} (--column)")
    return problem
