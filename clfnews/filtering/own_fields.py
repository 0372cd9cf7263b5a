"""The user's own fields of a page: what came in beside its text goes out with the result.

They have any name and any type. In a row of results they stand under their own
name, or as `input_NAME` where the result has a field of that name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from clfnews.files import valid

_DEEPEST = 50
"""Lists and objects within each other that are looked into."""


def own_names(names: Collection[str], taken: Collection[str]) -> dict[str, str]:
    """Name of each of the user's fields -> its name among the results, which have the names `taken`."""
    out: dict[str, str] = {}
    for name in names:
        new = name
        while new in taken or new in out.values() or (new != name and new in names):
            new = f"input_{new}"
        out[name] = new
    return out


def with_own(row: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A row of results with the user's fields before its last one (`lines`, which is long)."""
    if not own:
        return dict(row)
    names, (last, value) = own_names(own, row), next(reversed(row.items()))
    head = {key: item for key, item in row.items() if key != last}
    return head | {names[name]: item for name, item in own.items()} | {last: value}


def to_json(row: Any) -> str:
    """A row (or a value) as one line of JSON that every reader takes: no NaN, no half characters, dates as text."""
    try:
        return valid(json.dumps(row, ensure_ascii=False, allow_nan=False, default=_plain))
    except ValueError:  # NaN, or half characters as keys
        return valid(json.dumps(_without_nan(row), ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    """A value that JSON does not know: numbers of numpy as numbers, bytes that are text as text, others as they are written."""
    if hasattr(value, "tolist"):
        return _without_nan(value.tolist())
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return None if value != value else value.isoformat() if hasattr(value, "isoformat") else str(value)


def _without_nan(value: Any, down: int = _DEEPEST) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping) and down:
        return {key: _without_nan(item, down - 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and down:
        return [_without_nan(item, down - 1) for item in value]
    return value
