"""Gold rows to and from the tools in which people label: Label Studio, or a table of tab-separated values.

`labelstudio.py` has the format of Label Studio.

Table: a row a line, below a comment row with everything else of its page. It
opens in any editor or spreadsheet; the labels are what is meant to be edited,
and a digest of the texts shows if a spreadsheet has turned "20/10" into a date.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from clfnews.dataset import read_rows
from clfnews.errors import UserError, nearest
from clfnews.labelrows import Row, label_line, problems_of, raise_problems
from clfnews.labelstudio import LABELLING_CONFIG, are_texts, from_labelstudio, tasks_of, to_labelstudio
from clfnews.page import normalise

FORMATS = {"labelstudio": ".json", "tsv": ".tsv", "jsonl": ".jsonl"}
"""Format -> ending of the file names that choose it."""

_COLUMNS = ["page_id", "n", "type", "stance", "text"]
_PAGE = "# page "
_LINE_KEYS = frozenset({"n", "text", "type", "stance"})


def export_rows(source: str | Path, output: str | Path, format: str | None = None, blank: bool = False) -> int:
    """Write the gold rows of a JSONL file for labelling (see `write_rows`); returns the number of pages."""
    return write_rows(read_rows(Path(source)), output, format, blank, str(source))


def write_rows(
    rows: Iterable[Row], output: str | Path, format: str | None = None, blank: bool = False, source: str = "rows"
) -> int:
    """Write gold rows for labelling; returns their number.

    Parameters: `format`, one of `FORMATS`, by default as the ending of
    `output` says; `blank` leaves the labels out, for a second, independent
    opinion; `source` names the rows in errors.
    Raises `UserError` for an unknown format and for rows that would not come
    back as they are (no id, text not normalised, unknown labels or keys).
    """
    output = Path(output)
    endings = {ending: name for name, ending in FORMATS.items()}
    chosen = format or endings.get(output.suffix.lower())
    if chosen is None:
        raise UserError(f"{output}: give --format, or a name that ends in {' or '.join(endings)}")
    if chosen not in FORMATS:
        raise UserError(f"--format {chosen}: unknown format{nearest(chosen, tuple(FORMATS))}")
    checked = _exportable(rows, source)
    if blank:
        checked = [row | {"lines": [line | {"type": None, "stance": None} for line in row["lines"]]} for row in checked]
    write_text(output, _TO[chosen](checked))
    return len(checked)


def import_rows(source: str | Path, output: str | Path, annotator: str | None = None) -> tuple[int, int, int]:
    """Write the gold rows of a labelled file (see `read_labelled`) as JSONL.

    Returns the numbers of pages, of lines, and of lines without a type.
    """
    rows = read_labelled(source, annotator)
    write_text(Path(output), _to_jsonl(rows))
    lines = [line for row in rows for line in row["lines"]]
    return len(rows), len(lines), sum(line["type"] is None for line in lines)


def read_labelled(source: str | Path, annotator: str | None = None) -> list[Row]:
    """The gold rows of a labelled file in any of `FORMATS`.

    Parameters: `annotator` (user id or e-mail) chooses among several Label
    Studio annotations of a task.
    Raises `UserError` that names the file and row of the first problems.
    """
    source = Path(source)
    if source.suffix.lower() == FORMATS["jsonl"]:
        return _exportable(read_rows(source), str(source))
    try:
        text = source.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"{source}: no such file") from error
    except IsADirectoryError as error:
        raise UserError(f"{source}: is a folder; give a file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{source}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    is_json = text.lstrip()[:1] in ("[", "{")
    rows = from_labelstudio(tasks_of(text, source), str(source), annotator) if is_json else from_tsv(text, str(source))
    if not rows:
        raise UserError(f"{source}: no pages in it")
    return rows


def write_labelling_config(path: str | Path) -> None:
    """Write `labelstudio.LABELLING_CONFIG` to a file."""
    write_text(Path(path), LABELLING_CONFIG)


# --- table ----------------------------------------------------------------------


def to_tsv(rows: Sequence[Row]) -> str:
    """Gold rows as a table: `page_id  n  type  stance  text`, under a comment row for each page."""
    out = ["\t".join(_COLUMNS)]
    for row in rows:
        lines = row["lines"]
        about: dict[str, Any] = {"count": len(lines), "texts": _digest(line["text"] for line in lines)}
        about |= {"numbered": True} if any("n" in line for line in lines) else {}
        out.append(_PAGE + json.dumps(row | {"lines": about}, ensure_ascii=False))
        for n, line in enumerate(lines, 1):
            cells = (row["id"], str(line.get("n", n)), line.get("type") or "", line.get("stance") or "", line["text"])
            out.append("\t".join(map(_cell, cells)))
    return "\n".join(out) + "\n"


def _cell(text: str) -> str:
    """Only a quotation mark at the start means something to a reader of tab-separated values."""
    return '"' + text.replace('"', '""') + '"' if text.startswith('"') else text


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def from_tsv(text: str, source: str) -> list[Row]:
    """Gold rows of a table that `to_tsv` wrote and people have labelled; `source` names the file in errors.

    The rows may have been sorted and the cells quoted by a spreadsheet.
    Raises `UserError` for unknown labels and for lines that are missing,
    doubled or no longer have the exported text.
    """
    problems: list[str] = []
    pages: dict[str, tuple[str, Row]] = {}
    lines: dict[str, list[tuple[int, str, Row]]] = {}
    reader = csv.reader(io.StringIO(text, newline=""), dialect="excel-tab")
    try:
        for cells in reader:
            place = f"{source}:{reader.line_num}"
            if cells[:1] and cells[0].startswith("#") and not any(cells[1:]):
                _add_page(cells[0], place, pages, problems)
            elif any(cells) and cells[: len(_COLUMNS)] != _COLUMNS:
                _add_line(cells, place, lines, problems)
    except csv.Error as error:
        raise UserError(f"{source}:{reader.line_num}: not tab-separated values ({error})") from error
    for page_id in sorted(lines.keys() - pages.keys()):
        problems.append(f"{lines[page_id][0][1]}: no '{_PAGE}...' row for page {page_id!r}")
    rows = []
    for page_id, (place, meta) in pages.items():
        by_number = sorted(lines.get(page_id, []), key=lambda numbered: numbered[0])
        rows.append(_page_row(place, meta, by_number, problems))
    raise_problems(problems)
    return rows


def _add_page(comment: str, place: str, pages: dict[str, tuple[str, Row]], problems: list[str]) -> None:
    if not comment.startswith(_PAGE):
        return
    try:
        meta = json.loads(comment.removeprefix(_PAGE))
    except json.JSONDecodeError as error:
        problems.append(f"{place}: the page's fields are not JSON ({error.msg})")
        return
    if not isinstance(meta, dict) or not isinstance(meta.get("id"), str):
        problems.append(f"{place}: the page's fields have no 'id'")
    elif meta["id"] in pages:
        problems.append(f"{place}: page {meta['id']!r} a second time")
    else:
        pages[meta["id"]] = place, meta


def _add_line(cells: list[str], place: str, lines: dict[str, list[tuple[int, str, Row]]], problems: list[str]) -> None:
    if len(cells) < len(_COLUMNS) or any(cells[len(_COLUMNS) :]):
        problems.append(f"{place}: {len(cells)} cells, expected {len(_COLUMNS)} ({', '.join(_COLUMNS)}) with tabs between")
        return
    page_id, n, kind, stance, text = cells[: len(_COLUMNS)]
    if not n.strip().isdecimal():
        problems.append(f"{place}: line number {n!r} is not a number")
        return
    line = label_line(text, {"type": kind.strip(), "stance": stance.strip()}, int(n))
    problems += (f"{place}: {what}" for what in problems_of(line, int(n)))
    lines.setdefault(page_id, []).append((int(n), place, line))


def _page_row(place: str, meta: Row, lines: Sequence[tuple[int, str, Row]], problems: list[str]) -> Row:
    """The gold row of a page; `lines` are number, place and line, by number."""
    about = meta.get("lines")
    if not isinstance(about, dict):  # a table that was written by hand
        about = {}
    for (n, _, _), (other, second, _) in pairwise(lines):
        if n == other:
            problems.append(f"{second}: line {n} of page {meta['id']!r} a second time")
    texts = _digest(line["text"] for _, _, line in lines)
    if about.get("count", len(lines)) != len(lines):
        problems.append(f"{place}: page {meta['id']!r} has {len(lines)} lines, but {about['count']} were exported")
    elif about.get("texts", texts) != texts:
        hint = "a spreadsheet changes dates and numbers: open it with all columns as text"
        problems.append(f"{place}: a text of page {meta['id']!r} is not the one exported ({hint})")
    left_out = () if about.get("numbered") else ("n",)
    return meta | {"lines": [{key: line[key] for key in line if key not in left_out} for _, _, line in lines]}


# --- export and files -----------------------------------------------------------


def _exportable(rows: Iterable[Row], source: str) -> list[Row]:
    """The rows, if every one of them comes back as it is."""
    problems: list[str] = []
    checked, ids = [], set()
    for number, row in enumerate(rows, 1):
        place, page_id, lines = f"{source}: row {number}", row.get("id"), row.get("lines")
        if not isinstance(page_id, str) or not page_id or normalise(page_id) != page_id:
            problems.append(f"{place}: needs an 'id' (a string of one normalised line)")
        elif page_id in ids:
            problems.append(f"{place}: a second page with id {page_id!r}")
        ids.add(page_id)
        if not lines or not are_texts(lines):
            problems.append(f"{place}: no 'lines' with texts (only gold rows can be exported)")
            continue
        numbers = [line.get("n", n) for n, line in enumerate(lines, 1)]
        if not all(isinstance(n, int) for n in numbers) or any(x >= y for x, y in pairwise(numbers)):
            problems.append(f"{place}: the line numbers 'n' do not rise")
        for n, line in enumerate(lines, 1):
            problems += (f"{place}, line {n}: {what}" for what in problems_of(line, n))
            problems += (f"{place}, line {n}: field {key!r} cannot be exported" for key in sorted(line.keys() - _LINE_KEYS))
        checked.append(row)
    raise_problems(problems)
    if not checked:
        raise UserError(f"{source}: no labelled pages in it")
    return checked


def _to_jsonl(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _to_json(rows: Sequence[Row]) -> str:
    return json.dumps(to_labelstudio(rows), ensure_ascii=False, indent=1) + "\n"


_TO: dict[str, Callable[[Sequence[Row]], str]] = {"labelstudio": _to_json, "tsv": to_tsv, "jsonl": _to_jsonl}
"""Format -> its text."""


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
