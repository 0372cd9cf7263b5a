"""Pages from Parquet, a few rows at a time."""

from __future__ import annotations

import shutil
import tempfile
from typing import Any, BinaryIO

from clfnews.errors import BadRecord, MachineError, is_passing
from clfnews.page import Page
from clfnews.readers.base import CONTENT, ROLES, FilePart, ReadOptions, Records, Source, Warn
from clfnews.readers.nested import has_too_many_values, text_bytes, text_leaves
from clfnews.readers.rows import RowPages, missing_columns
from clfnews.readers.streams import BOMB_RATIO

_BATCH_ROWS = 4
_DENSE_CHUNK = 1024 * 1024
"""Bytes of a column of a row group from which on one that packs as text never does is read row by row."""
_LARGE_CHUNK = 64 * 1024 * 1024
"""Bytes of a column of a row group from which on they may be a decompression bomb."""


def read_parquet_rows(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: FilePart | None = None) -> Records:
    """The rows of a Parquet file, a few at a time; `part` counts row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryFile() as copy:
        if not file.seekable():  # compressed, or standard input
            shutil.copyfileobj(file, copy, 1 << 20)
            file = copy
        number, pages = part.first if part else 0, RowPages(source, options, warn)
        try:
            # Without buffering ahead, memory is a page of each column instead of a row group.
            table = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
            names = table.schema_arrow.names
            problem = missing_columns(names, source, options, warn)
            if problem:
                yield BadRecord(source.name, "file", problem)
                return
            columns = [options.column(role) for role in ROLES if options.column(role) in names]
            columns += _own_columns(table, [name for name in names if name not in columns], source, warn)
            if leaves := text_leaves(table.schema, columns):
                table = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20, read_dictionary=leaves)
            for group in range(part.start, part.end) if part else range(table.num_row_groups):
                rows = table.metadata.row_group(group)
                dense = _densest(rows, columns)
                # One page of it may be all of it.
                if dense > _LARGE_CHUNK or has_too_many_values(rows, columns):
                    place = f"rows {number + 1} to {number + rows.num_rows}"
                    yield BadRecord(
                        source.name, place, f"unpack to more than {BOMB_RATIO} times their size: a decompression bomb"
                    )
                    number += rows.num_rows
                    continue
                size = 1 if dense > _DENSE_CHUNK else _BATCH_ROWS
                for batch in table.iter_batches(batch_size=size, row_groups=[group], columns=columns):
                    found = [_parquet_row(batch, i, number + 1 + i, pages, options) for i in range(batch.num_rows)]
                    number += batch.num_rows
                    del batch  # its texts are not to stand beside their pages while these are tagged
                    if size == 1:
                        pa.default_memory_pool().release_unused()
                    yield from found
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and is_passing(error):
                raise MachineError(f"{source.name}: cannot be read now: {error.strerror}") from error
            place = f"after row {number}" if number else "file"
            yield BadRecord(source.name, place, f"is not readable as Parquet: {str(error).splitlines()[0][:200]}")
            return
        if number == 0:
            yield BadRecord(source.name, "file", "is empty")


def _own_columns(table: Any, names: list[str], source: Source, warn: Warn) -> list[str]:
    """The user's own columns, but for those that unpack to far more than they are: no row is worth losing for them."""
    groups = [table.metadata.row_group(group) for group in range(table.num_row_groups)]
    dense = [name for name in names if any(_densest(group, [name]) > _LARGE_CHUNK for group in groups)]
    if dense:
        few = f"{', '.join(map(repr, dense[:3]))} unpack{'s' * (len(dense) == 1)} to more than {BOMB_RATIO} times the size"
        warn(f"{source.name}: {few} and {'is' if len(dense) == 1 else 'are'} left out")
    return [name for name in names if name not in dense]


def _densest(group: Any, columns: list[str]) -> int:
    """Bytes of the largest column of a row group among those that are packed as text never is; 0 without one."""
    chunks = [group.column(i) for i in range(group.num_columns)]
    sizes = (
        chunk.total_uncompressed_size
        for chunk in chunks
        if chunk.path_in_schema.split(".")[0] in columns
        and chunk.total_uncompressed_size > BOMB_RATIO * chunk.total_compressed_size
    )
    return max(sizes, default=0)


def _parquet_row(batch: Any, i: int, number: int, pages: RowPages, options: ReadOptions) -> Page | BadRecord:
    import pyarrow as pa

    row: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_nested(column.type) and text_bytes(column.slice(i, 1)) > options.max_bytes:
            return pages.bad(number, options.too_large)
        try:
            row[name] = _python(column[i])
        except ValueError as error:
            if name not in (options.column(role) for role in CONTENT):
                pages.note(number, f"{name!r} {error} and is left out (said once a file)")
                continue
            return pages.bad(number, f"{name!r} {error}")
    if any(isinstance(value, str | bytes) and len(value) > options.max_bytes for value in row.values()):
        return pages.bad(number, options.too_large)
    return pages.page(row, number)


def _python(scalar: Any) -> Any:
    """The value of a cell; raises `ValueError` for one that Python has no value for."""
    import pyarrow as pa

    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        buffer = getattr(scalar, "as_buffer", None)  # a string, not a list of them
        if buffer is None:
            raise ValueError("is not valid UTF-8") from None
        return buffer().to_pybytes()
    except (
        pa.ArrowException,
        ValueError,
        OverflowError,
        LookupError,
    ) as error:  # a date beyond the year 9999, an unknown time zone
        raise ValueError(f"cannot be read ({str(error)[:80]})") from error
