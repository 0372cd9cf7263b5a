"""How pages, and records that are none, are written to a file: as text, JSONL or Parquet.

A shard and its error file are written under temporary names and take their
names together when all of the input has been read, so a file that has its name
is complete. Error files begin with an underscore: what reads a folder as one
dataset (pandas, Spark, datasets) passes them over.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from clfnews.errors import BadRecord
from clfnews.files import valid
from clfnews.filtering.tagged import TaggedPage
from clfnews.labels import STANCES, TYPES

SHARD_SUFFIXES = {"text": ".txt", "jsonl": ".jsonl", "parquet": ".parquet"}
"""Name of an output format and the end of its files."""
ERROR_BYTES = 1 << 20
"""About as much is written of the bad records of a file one by one."""
OTHER_REASONS = "other reasons"
_REASONS, _LONGEST = 100, 500
_GROUP_ROWS, _GROUP_CHARS = 2_000, 8_000_000


class Writer(Protocol):
    """Writes tagged pages to a file that is closed by `close`."""

    def write(self, tagged: TaggedPage) -> None: ...

    def write_row(self, row: dict[str, Any]) -> None: ...

    def close(self) -> None: ...


class TextWriter:
    """The kept lines, with an empty line between pages."""

    def __init__(self, path: Path, duplicates: bool = False) -> None:
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


class JsonlWriter:
    """One page a line, as `TaggedPage.as_row` with the kept lines."""

    def __init__(self, path: Path, duplicates: bool = False) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, tagged: TaggedPage) -> None:
        self.write_row(tagged.as_row(all_lines=False))

    def write_row(self, row: dict[str, Any]) -> None:
        self._file.write(valid(json.dumps(row, ensure_ascii=False)) + "\n")

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


class ParquetWriter:
    """One page a row, the fields of the JSONL rows with `parquet_schema`.

    Parameters: `duplicates`, also which page a page repeats.
    """

    def __init__(self, path: Path, duplicates: bool = False) -> None:
        import pyarrow.parquet as pq

        # Opened here: Arrow takes no path that is not UTF-8.
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(self._file, parquet_schema(duplicates), compression="zstd")
        self._schema = parquet_schema(duplicates)
        self._rows: list[dict[str, Any]] = []
        self._chars = 0

    def write(self, tagged: TaggedPage) -> None:
        self.write_row(tagged.as_row(all_lines=False))

    def write_row(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._chars += len(self._rows[-1]["text"])
        if len(self._rows) >= _GROUP_ROWS or self._chars >= _GROUP_CHARS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()
        self._file.close()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._chars = [], 0


@lru_cache(maxsize=2)
def parquet_schema(duplicates: bool = False) -> Any:
    """The schema of every Parquet shard, whatever is in it; with the columns of `--duplicates mark` if asked."""
    import pyarrow as pa

    def probabilities(labels: tuple[str, ...]) -> Any:
        return pa.struct([(label, pa.float64()) for label in labels])

    line = pa.struct(
        [
            ("n", pa.int32()),
            ("text", pa.string()),
            ("type", pa.string()),
            ("p", probabilities(TYPES)),
            ("keep", pa.bool_()),
            ("stance", pa.string()),
            ("p_stance", probabilities(STANCES)),
        ]
    )
    stance = pa.struct(
        [
            ("label", pa.string()),
            ("p", probabilities(STANCES)),
            ("reason", pa.string()),
            ("coverage", pa.float64()),
            ("shares", probabilities(STANCES)),
            ("lines", pa.list_(pa.int32())),
        ]
    )
    return pa.schema(
        [
            ("id", pa.string()),
            ("url", pa.string()),
            ("site", pa.string()),
            ("date", pa.string()),
            ("source", pa.string()),
            ("text_from", pa.string()),
            ("title", pa.string()),
            ("text", pa.string()),
            ("stance", stance),
            ("confidence", pa.float64()),
            ("reason", pa.string()),
            ("model", pa.string()),
            ("lines", pa.list_(line)),
            *[(name, pa.string()) for name in ("duplicate_of", "duplicate_source") if duplicates],
        ]
    )


WRITERS: dict[str, type[TextWriter] | type[JsonlWriter] | type[ParquetWriter]] = {
    "text": TextWriter,
    "jsonl": JsonlWriter,
    "parquet": ParquetWriter,
}
