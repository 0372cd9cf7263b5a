"""How pages, and records that are none, are written to a file: as text, Markdown, JSONL or Parquet.

A shard and its error file are written under temporary names and take their
names together when all of the input has been read, so a file that has its name
is complete. Error files have a folder of their own (`names.RUN`): what reads the
output folder as one dataset (pandas, Spark, datasets) passes it over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from clfnews.bulk.parquet import ParquetWriter
from clfnews.errors import BadRecord
from clfnews.files import valid
from clfnews.filtering.own_fields import to_json
from clfnews.filtering.shown import RULE, as_markdown
from clfnews.filtering.tagged import TaggedPage
from clfnews.labels import Task

SHARD_SUFFIXES = {"text": ".txt", "markdown": ".md", "jsonl": ".jsonl", "parquet": ".parquet"}
"""Name of an output format and the end of its files."""
ERROR_BYTES = 1 << 20
"""About as much is written of the bad records of a file one by one."""
OTHER_REASONS = "other reasons"
_REASONS, _LONGEST = 100, 500


class Writer(Protocol):
    """Writes tagged pages to a file that is closed by `close`."""

    def write(self, tagged: TaggedPage) -> None: ...

    def close(self) -> None: ...


class RowWriter(Writer, Protocol):
    """One that also writes pages of which the row alone is at hand, as another run of `clfnews filter` wrote it."""

    def write_row(self, row: dict[str, Any]) -> None: ...


class TextWriter:
    """The kept lines, with an empty line between pages."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._first = True

    def write(self, tagged: TaggedPage) -> None:
        self._add(tagged.text)

    def write_row(self, row: dict[str, Any]) -> None:
        self._add(row["text"])

    def _add(self, text: str) -> None:
        self._file.write(valid(f"{text}\n" if self._first else f"\n{text}\n"))
        self._first = False

    def close(self) -> None:
        self._file.close()


class MarkdownWriter:
    """Pages as `as_markdown` has them, with a rule between two."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._first = True

    def write(self, tagged: TaggedPage) -> None:
        self._file.write(valid(f"{'' if self._first else RULE}{as_markdown(tagged)}\n"))
        self._first = False

    def close(self) -> None:
        self._file.close()


class JsonlWriter:
    """One page a line, as `TaggedPage.as_row` with the kept lines."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, tagged: TaggedPage) -> None:
        self.write_row(tagged.as_row(all_lines=False))

    def write_row(self, row: dict[str, Any]) -> None:
        self._file.write(to_json(row) + "\n")

    def close(self) -> None:
        self._file.close()


class ErrorWriter:
    """Bad records, one JSON object a line: `source`, `record`, `reason`.

    After `ERROR_BYTES` the others are counted: a line for each reason, with the
    first and the last of them as `record` and their number as `records`. Three
    bytes of input can be a bad record, and what is said of it is a hundred times as long.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._written = 0
        self._counted: dict[str, tuple[BadRecord, BadRecord, int]] = {}
        """Reason -> first and last record, number."""

    def write(self, record: BadRecord) -> None:
        if self._written < ERROR_BYTES:
            self._add(record.source, record.record, record.reason)
            return
        reason = record.reason if record.reason in self._counted or len(self._counted) < _REASONS else OTHER_REASONS
        first, _, number = self._counted.get(reason, (record, record, 0))
        self._counted[reason] = first, record, number + 1

    def close(self) -> None:
        for reason, (first, last, number) in self._counted.items():
            record = first.record if number == 1 else f"{_cut(first.record)} to {_cut(last.record)}"
            self._add(first.source, record, reason, records=number)
        self._file.close()

    def _add(self, source: str, record: str, reason: str, **more: int) -> None:
        row = {"source": source, "record": _cut(record), "reason": _cut(reason)} | more
        self._written += self._file.write(valid(json.dumps(row, ensure_ascii=False)) + "\n")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


WRITERS: dict[str, type[TextWriter] | type[MarkdownWriter] | type[JsonlWriter] | type[ParquetWriter]] = {
    "text": TextWriter,
    "markdown": MarkdownWriter,
    "jsonl": JsonlWriter,
    "parquet": ParquetWriter,
}


def row_writer(path: Path, format: str, tasks: Mapping[str, Task], events: bool = False, more: Sequence[str] = ()) -> RowWriter:
    """The writer of rows of a filter of these tasks, with `more` texts in each; not for Markdown, which rows are too poor for."""
    if format == "parquet":
        return ParquetWriter(path, tasks, events, more)
    return TextWriter(path) if format == "text" else JsonlWriter(path)
