"""Lists in Parquet files: how much is in them, told before it is there.

A few bytes of a file can say "this text a million times" or "a billion times
nothing". Texts of lists are read as references to the different ones, and
counted before Python has a copy of each.
"""

from __future__ import annotations

from typing import Any

MAX_PLAIN_VALUES = 2_000_000
"""Values of one column of a row group that are read however well they are packed."""
VALUES_A_BYTE = 50
"""More values than this to a byte of the file are no lists of texts."""


def text_leaves(schema: Any, columns: list[str]) -> list[str]:
    """Paths of the texts within lists, which `pyarrow.parquet.ParquetFile` may read as dictionaries."""
    leaves = [schema.column(i) for i in range(len(schema))]
    return [
        leaf.path
        for leaf in leaves
        if leaf.max_repetition_level > 0 and leaf.physical_type == "BYTE_ARRAY" and leaf.path.split(".")[0] in columns
    ]


def has_too_many_values(group: Any, columns: list[str]) -> bool:
    """Whether a column of a row group has more values than its bytes can mean; a column without a value has one, too."""
    values: dict[str, int] = {}
    packed: dict[str, int] = {}
    for chunk in (group.column(i) for i in range(group.num_columns)):
        root = chunk.path_in_schema.split(".")[0]
        values[root] = max(values.get(root, 0), chunk.num_values)
        packed[root] = packed.get(root, 0) + chunk.total_compressed_size
    return any(
        count > max(MAX_PLAIN_VALUES, VALUES_A_BYTE * packed[root], group.num_rows)
        for root, count in values.items()
        if root in columns
    )


def text_bytes(array: Any) -> int:
    """Bytes of all texts in an array, each as often as it is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(array.dictionary)
        return pc.sum(lengths.cast(pa.int64()).take(array.indices)).as_py() or 0
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return text_bytes(array.flatten())
    if pa.types.is_map(kind):
        return text_bytes(array.keys) + text_bytes(array.items)
    if pa.types.is_struct(kind):
        return sum(map(text_bytes, array.flatten()))
    return int(array.nbytes)
