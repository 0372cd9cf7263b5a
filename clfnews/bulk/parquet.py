"""Pages as Parquet: the fields of the JSONL rows, each column with one type in all of a file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from clfnews.files import Draft, publish, valid
from clfnews.filtering.own_fields import to_json
from clfnews.filtering.schema import Kind, Many, Record, Shares, row_schema
from clfnews.filtering.tagged import TaggedPage
from clfnews.labels import SHIPPED, Task

_GROUP_ROWS, _GROUP_CHARS = 2_000, 8_000_000
_EXACT = 2**53
"""Whole numbers up to this one are the same as floating-point numbers."""


class ParquetWriter:
    """One page a row, with `parquet_schema` and the user's own columns.

    The type of an own column is that of its values: whole numbers and others are
    numbers, values of two kinds are text (JSON), and so is a column without any
    value. A value that does not fit the rows before it makes the file anew.

    Parameters: `more`, texts that every row has beside these.
    """

    def __init__(
        self, path: Path, tasks: Mapping[str, Task] | None = None, events: bool = False, more: Sequence[str] = ()
    ) -> None:
        self._base = schema_of(SHIPPED if tasks is None else tasks, events, more)
        self._path, self._own = path, {}  # type: Path, dict[str, Any]
        self._large: set[str] = set()
        """Own columns with whole numbers that would change as numbers of another kind."""
        self._rows: list[dict[str, Any]] = []
        self._chars = 0
        self._open(path)

    def write(self, tagged: TaggedPage) -> None:
        self.write_row(tagged.as_row(all_lines=False))

    def write_row(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._chars += len(self._rows[-1]["text"])
        if len(self._rows) >= _GROUP_ROWS or self._chars >= _GROUP_CHARS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._shut()

    def _open(self, path: Path) -> None:
        import pyarrow.parquet as pq

        # Opened here: Arrow takes no path that is not UTF-8.
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(self._file, self._schema(), compression="zstd")

    def _shut(self) -> None:
        self._writer.close()
        self._file.close()

    def _schema(self) -> Any:
        return _with_own(self._base, self._own)

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        known = set(self._base.names)
        own: dict[str, list[Any]] = {}
        for i, row in enumerate(self._rows):
            for name in row.keys() - known:
                own.setdefault(valid(name), [None] * len(self._rows))[i] = _whole(row[name])
        order = dict.fromkeys(valid(name) for row in self._rows for name in row if name not in known)
        self._large |= {name for name in order if any(type(value) is int and abs(value) > _EXACT for value in own[name])}
        found = {name: _common(self._own.get(name), own[name]) for name in order}
        types = self._own | {name: _unchanged(kind, name in self._large) for name, kind in found.items()}
        if types != self._own:
            self._widen(types)
        rows = [{name: row[name] for name in known} for row in self._rows]
        table = pa.Table.from_pylist(rows, schema=self._base)
        self._writer.write_table(_joined(table, self._own, own))
        self._rows, self._chars = [], 0

    def _widen(self, types: dict[str, Any]) -> None:
        """Write the file again with other own columns, a row group at a time."""
        self._shut()
        old = self._path.with_name(f"{self._path.name.removesuffix('.tmp')}.0.tmp")
        self._path.replace(old)
        self._own = types
        self._open(self._path)
        for table in _tables(old, self._base, types):
            self._writer.write_table(table)
        old.unlink()


def unite(out: Path, shards: Sequence[dict[str, Any]], tasks: Mapping[str, Task], events: bool) -> None:
    """Give all shards of a run the own columns of all, each with one type, so that a folder loads as one table.

    Of columns that differ, absent values are null, whole numbers beside others become numbers (text if that would change
    them), and values of two kinds become text. A shard that has them already stays as it is; the others are written
    again, a row group at a time, and renamed when they are whole. Their new size and hash go into `shards`. A marker of
    such a shard does not hold any more: a run that goes on in the folder reads its input again, and ends with the same
    bytes.
    """
    import pyarrow as pa

    base = schema_of(tasks, events)
    large: set[str] = set()
    found = {str(row["shard"]): _own_types(out / str(row["shard"]), base, large) for row in shards}
    own: dict[str, Any] = {}
    for name in sorted(found):
        for column, kind in found[name].items():
            own[column] = _wider(own.get(column), kind)
    types = {column: _unchanged(kind or pa.string(), column in large) for column, kind in own.items()}
    for row in shards:
        path = out / str(row["shard"])
        if list(types.items()) != [(column, kind or pa.string()) for column, kind in found[str(row["shard"])].items()]:
            row |= _written_again(path, base, types)


def _own_types(path: Path, base: Any, large: set[str]) -> dict[str, Any]:
    """Own column -> its type, None for one without any value, of a shard; those with numbers above `_EXACT` go into `large`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        shard = pq.ParquetFile(file)
        groups = [shard.metadata.row_group(i) for i in range(shard.metadata.num_row_groups)]
        nulls: Counter[str] = Counter()
        for group in groups:
            for i in range(group.num_columns):
                column = group.column(i)
                known = column.statistics if column.is_stats_set else None
                nulls[column.path_in_schema] += known.null_count if known else 0
                if known and known.has_min_max and type(known.max) is int and max(known.max, -known.min) > _EXACT:
                    large.add(column.path_in_schema)
        own = {field.name: field.type for field in shard.schema_arrow if field.name not in base.names}
        rows = shard.metadata.num_rows
        return {name: None if pa.types.is_string(kind) and nulls[name] == rows else kind for name, kind in own.items()}


def _written_again(path: Path, base: Any, types: Mapping[str, Any]) -> dict[str, Any]:
    """A shard with other own columns, in its place; its new size and hash."""
    import pyarrow.parquet as pq

    draft = Draft(path)
    try:
        with draft.temporary.open("wb") as file, pq.ParquetWriter(file, _with_own(base, types), compression="zstd") as writer:
            for table in _tables(path, base, types):
                writer.write_table(table)
        with draft.temporary.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        size = draft.temporary.stat().st_size
        publish([draft])
    finally:
        draft.discard()
    return {"bytes": size, "sha256": digest}


def _with_own(base: Any, types: Mapping[str, Any]) -> Any:
    """The schema of rows with own columns, which stand before `lines`, as in `TaggedPage.as_row`."""
    import pyarrow as pa

    *fields, lines = base
    return pa.schema([*fields, *types.items(), lines])


def _tables(path: Path, base: Any, types: Mapping[str, Any]) -> Iterator[Any]:
    """The row groups of a file with own columns of these types."""
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        before = pq.ParquetFile(file)
        for group in range(before.num_row_groups):
            table = before.read_row_group(group)
            own = {name: table[name].to_pylist() for name in types if name in table.column_names}
            yield _joined(table.select(base.names), types, own)


def _joined(table: Any, types: Mapping[str, Any], own: Mapping[str, Sequence[Any]]) -> Any:
    """The table with own columns of these types and values; a column without values is null."""
    import pyarrow as pa

    at = table.num_columns - 1
    for i, (name, kind) in enumerate(types.items()):
        values = own.get(name, [None] * len(table))
        table = table.add_column(at + i, pa.field(name, kind), pa.array(_as_kind(values, kind), type=kind))
    return table


def _wider(known: Any | None, found: Any | None) -> Any:
    """The type that holds the values of both; None has no values."""
    import pyarrow as pa

    if known is None or found is None or known == found:
        return known if found is None else found
    numbers = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in (known, found))
    return pa.float64() if numbers else pa.string()


def _common(known: Any | None, values: Sequence[Any]) -> Any:
    """The type that holds the values, and those of the type that is known."""
    import pyarrow as pa

    try:
        found = pa.infer_type(values)
        pa.array(values, type=found)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.string()
    if pa.types.is_null(found):
        return known or pa.string()
    if _has_gaps(found):
        return pa.string()
    return _wider(known, found)


def _unchanged(kind: Any, large: bool) -> Any:
    """The type of a column; text in place of floating-point numbers, if whole numbers would change."""
    import pyarrow as pa

    return pa.string() if large and pa.types.is_floating(kind) else kind


def _has_gaps(kind: Any) -> bool:
    """Whether a part of a nested type is not known, or has no fields: what readers make of it differs."""
    import pyarrow as pa

    parts = [kind.field(i).type for i in range(kind.num_fields)]
    return bool(pa.types.is_null(kind) or (pa.types.is_struct(kind) and not parts) or any(map(_has_gaps, parts)))


def _as_kind(values: Sequence[Any], kind: Any) -> Sequence[Any]:
    import pyarrow as pa

    if not pa.types.is_string(kind):
        return values
    return [value if value is None or isinstance(value, str) else to_json(value) for value in values]


def _whole(value: Any) -> Any:
    """A value without half characters, which no file can hold."""
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, dict):
        return {valid(str(key)): _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


@lru_cache(maxsize=1)
def parquet_schema() -> Any:
    """The schema of every Parquet shard of a filter of the shipped tasks, whatever is in it."""
    return schema_of(SHIPPED)


def schema_of(tasks: Mapping[str, Task], events: bool = False, more: Sequence[str] = ()) -> Any:
    """The schema of every Parquet shard of a filter of these tasks; the columns are those of `TaggedPage.as_row`.

    Parameters: `events`, whether there is a column with the events of each page; `more`, texts beside them.
    """
    import pyarrow as pa

    *fields, (last, lines) = row_schema(tasks, events).items()
    texts = [(name, pa.string()) for name in more]
    return pa.schema([*((name, _arrow(field.kind)) for name, field in fields), *texts, (last, _arrow(lines.kind))])


def _arrow(kind: Kind) -> Any:
    """The Arrow type of a kind of `filtering.schema`."""
    import pyarrow as pa

    match kind:
        case Record():
            return pa.struct([(name, _arrow(field.kind)) for name, field in kind.fields.items()])
        case Many():
            return pa.list_(_arrow(kind.of))
        case Shares(labels) if labels:
            return pa.struct([(label, pa.float64()) for label in labels])
        case str():
            return {"text": pa.string(), "flag": pa.bool_(), "whole": pa.int32(), "number": pa.float64()}[kind]
    return pa.string()
