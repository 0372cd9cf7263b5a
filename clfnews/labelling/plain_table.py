"""The rows of a plain table (CSV, TSV, JSONL) by the roles of its columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clfnews.errors import UserError, nearest
from clfnews.files import not_readable, numbered_rows


def table_rows(source: Path, named: Mapping[str, str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and cells of every row.

    Parameters: `named`, role -> the column that has it, where that has another name.
    Raises `UserError` for what is no table, and for a column that is not there.
    """
    for number, row in _rows(source):
        yield number, _renamed(source, row, named)


def _rows(source: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and cells of every row."""
    if source.suffix.lower() == ".jsonl":
        yield from numbered_rows(source)
        return
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.DictReader(file, delimiter=max(",;\t", key=first.count))
            for row in reader:
                if None in row or None in row.values():
                    raise UserError(f"{source}:{reader.line_num}: has another number of cells than the header")
                yield reader.line_num, dict(row)
    except UnicodeDecodeError as error:
        if _is_workbook(source):
            raise UserError(f"{source}: is a workbook of a spreadsheet, not a table of text; save it as CSV (UTF-8)") from error
        raise UserError(f"{source}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except csv.Error as error:
        raise UserError(f"{source}: not a table ({error})") from error
    except OSError as error:
        raise not_readable(source, error, "a file") from error


def _renamed(source: Path, row: dict[str, Any], named: Mapping[str, str]) -> dict[str, Any]:
    """The cells by role, where a column has another name; a column that had the role's name by itself is not read."""
    if missing := [name for name in named.values() if name not in row]:
        raise UserError(f"{source}: no column {missing[0]!r}{nearest(missing[0], list(row))}")
    others = {name: value for name, value in row.items() if name not in named and name not in named.values()}
    return others | {role: row[name] for role, name in named.items()}


def _is_workbook(path: Path) -> bool:
    """Whether a file begins as the zipped or the old binary workbooks of spreadsheets do."""
    with path.open("rb") as file:
        return file.read(8).startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))
