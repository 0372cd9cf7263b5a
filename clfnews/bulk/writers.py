"""Shards: the filtered pages of one input file, written as text, JSONL or Parquet.

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

from clfnews.filtering.tagged import TaggedPage
from clfnews.labels import STANCES, TYPES

FORMATS = {"text": ".txt", "jsonl": ".jsonl", "parquet": ".parquet"}
"""Name of an output format and the end of its files."""
_GROUP_ROWS, _GROUP_CHARS = 2_000, 8_000_000


class Writer(Protocol):
    """Writes tagged pages to a file that is closed by `close`."""

    def write(self, tagged: TaggedPage) -> None: ...

    def close(self) -> None: ...


class TextWriter:
    """The kept lines, with an empty line between pages."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._first = True

    def write(self, tagged: TaggedPage) -> None:
        self._file.write(f"{tagged.text}\n" if self._first else f"\n{tagged.text}\n")
        self._first = False

    def close(self) -> None:
        self._file.close()


class JsonlWriter:
    """One page a line, as `TaggedPage.as_row` with the kept lines."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, tagged: TaggedPage) -> None:
        self._file.write(json.dumps(tagged.as_row(all_lines=False), ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


class ParquetWriter:
    """One page a row, the fields of the JSONL rows with `parquet_schema`."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(path, parquet_schema(), compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self._chars = 0

    def write(self, tagged: TaggedPage) -> None:
        self._rows.append(tagged.as_row(all_lines=False))
        self._chars += len(self._rows[-1]["text"])
        if len(self._rows) >= _GROUP_ROWS or self._chars >= _GROUP_CHARS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=parquet_schema()))
        self._rows, self._chars = [], 0


@lru_cache(maxsize=1)
def parquet_schema() -> Any:
    """The schema of every Parquet shard, whatever is in it."""
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
            ("title", pa.string()),
            ("text", pa.string()),
            ("stance", stance),
            ("confidence", pa.float64()),
            ("model", pa.string()),
            ("lines", pa.list_(line)),
        ]
    )


_WRITERS: dict[str, type[TextWriter] | type[JsonlWriter] | type[ParquetWriter]] = {
    "text": TextWriter,
    "jsonl": JsonlWriter,
    "parquet": ParquetWriter,
}
