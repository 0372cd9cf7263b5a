"""What the tables of a dataset card count: rows of the data folder, and how counts are written."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clfnews.errors import UserError
from clfnews.files import numbered_rows

_KINDS = {"lines": list, "a": dict, "b": dict}


def rows_of(path: Path, *needed: str) -> list[dict[str, Any]]:
    """The rows of a JSONL file, none if there is no such file; raises `UserError` for a row without what is needed."""
    rows = []
    for number, row in numbered_rows(path) if path.is_file() else ():
        for key in needed:
            value, kind = row.get(key), _KINDS.get(key, str)
            if not isinstance(value, kind) or (isinstance(value, list) and not all(isinstance(item, dict) for item in value)):
                raise UserError(f"{path}: row {number}: no {key!r} ({'a list of objects' if kind is list else kind.__name__})")
        rows.append(row)
    return rows


def challenges(folder: Path) -> list[dict[str, Any]]:
    """The challenge pairs of a data folder."""
    return [pair for path in sorted((folder / "challenge").glob("*.jsonl")) for pair in rows_of(path, "kind", "a", "b")]


def json_object(path: Path) -> dict[str, Any]:
    """The object of a JSON file; raises `UserError` for anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: cannot be read as JSON") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}: not a JSON object")
    return found


def file_digest(path: Path) -> str:
    """Twelve hexadecimal digits of a file's bytes; empty if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


def counted(rows: Iterable[Mapping[str, Any]], key: str) -> list[tuple[str, int]]:
    """How many rows have each value of a key, the most frequent first."""
    return most_common(Counter(str(row.get(key) or "none given") for row in rows))


def most_common(count: Counter[str]) -> list[tuple[str, int]]:
    """By number, then by name: the order of the rows may not show."""
    return sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))


def listed(pairs: Iterable[tuple[str, object]]) -> str:
    """Pairs as a list in a sentence."""
    return ", ".join(f"{name} {n:,}" if isinstance(n, int) else f"{name} {n}" for name, n in pairs)
