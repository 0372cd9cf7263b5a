"""JSONL rows read with the place of every error; files that are written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clfnews.errors import UserError


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a JSONL file; raises `UserError` at the first broken row."""
    return (row for _, row in numbered_rows(path))


def numbered_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """`read_rows` with the number of the line in the file, which also counts empty lines."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                if not text.strip():
                    continue
                try:
                    row = json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise UserError(f"{path}: row {number}: not JSON ({getattr(error, 'msg', error)})") from error
                if not isinstance(row, dict):
                    raise UserError(f"{path}: row {number}: not a JSON object")
                yield number, row
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise UserError(f"{path}: is a folder; give a JSONL file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, so that a full disk leaves no half of it."""
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {path.parent} does not exist")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file that is whole whenever it has its name."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace").decode(), encoding="utf-8")
    temporary.replace(path)
