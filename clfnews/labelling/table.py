"""Gold rows to and from a table of tab-separated values, which people correct in an editor or a spreadsheet.

A row a line, below a comment row with everything else of its page; a label of the
whole page stands beside its first line, or any other. The labels are what is meant
to be edited; a digest of every text shows if a spreadsheet has
turned "20/10" into a date, and a digest of a model's labels whether anybody has
corrected the page. A cell that a spreadsheet would run as a formula begins with
an apostrophe, which is taken off again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from clfnews.errors import UserError, counted, nearest
from clfnews.labelling.rows import GoldRow, by_person, label_line, problems_of, problems_of_page, raise_problems
from clfnews.labelling.tasks import Tasks, of_lines, of_pages, tasks_of_row
from clfnews.labels import SHIPPED

_PAGE = "# page "
_DIGITS = 6
"""Hexadecimal digits of the digest of a text. A spreadsheet holds 32,767 characters in a cell: lines enough."""
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How a cell begins that a spreadsheet runs, or that is one with an apostrophe before it."""
_OTHER_SIGNS = {"commas": ",", "semicolons": ";"}
"""What spreadsheets write between values unless they are told otherwise."""
_LONGEST_NUMBER = 9
"""Digits of a line's number."""
_HINT = "a spreadsheet changes dates and numbers: open it with all columns as text"

_Numbered = tuple[int, str, GoldRow]
"""A line with its number and its place in the file; with the labels of its page, as long as it has any."""


def _columns(tasks: Tasks) -> list[str]:
    return ["page_id", "n", *of_lines(tasks), *of_pages(tasks), "text"]


def to_tsv(rows: Sequence[GoldRow]) -> str:
    """Gold rows as a table: `page_id  n  type  stance  text`, or the tasks of the rows, under a comment row for each page."""
    tasks = tasks_of_row(rows[0]) if rows else SHIPPED
    names, whole = of_lines(tasks), of_pages(tasks)
    out = ["\t".join(_columns(tasks))]
    for row in rows:
        lines = row["lines"]
        about: dict[str, Any] = {"count": len(lines), "digests": "".join(_digest(line["text"], _DIGITS) for line in lines)}
        about |= {"labels": _digest_of_labels(row, tasks)} if row.get("model") else {}
        about |= {"numbered": [line.get("n", n) for n, line in enumerate(lines, 1)]} if any("n" in x for x in lines) else {}
        about |= {"escaped": True} if any(_FORMULA.match(line["text"]) for line in lines) else {}
        out.append(_PAGE + json.dumps(row | dict.fromkeys(whole) | {"lines": about}, ensure_ascii=False))
        for n, line in enumerate(lines, 1):
            labels = [line.get(name) or "" for name in names] + [(row.get(name) or "") if n == 1 else "" for name in whole]
            cells = (_escaped(row["id"]), str(line.get("n", n)), *map(_escaped, labels), _escaped(line["text"]))
            out.append("\t".join(map(_cell, cells)))
    return "\n".join(out) + "\n"


def _cell(text: str) -> str:
    """Only a quotation mark at the start means something to a reader of tab-separated values."""
    return '"' + text.replace('"', '""') + '"' if text.startswith('"') else text


def _escaped(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _unescaped(text: str) -> str:
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _digest_of_labels(row: Mapping[str, Any], tasks: Tasks) -> str:
    labels = [[line.get(name) or "" for name in of_lines(tasks)] for line in row["lines"]]
    labels += [[row.get(name) or "" for name in of_pages(tasks)]] if of_pages(tasks) else []
    return _digest("\n".join(map("\t".join, labels)), 12)


def from_tsv(text: str, source: str, note: Callable[[str], None] = lambda _: None) -> list[GoldRow]:
    """Gold rows of a table that `to_tsv` wrote and people have labelled; `source` names the file in errors.

    The rows may have been sorted and the cells quoted by a spreadsheet. `note` is
    told how many pages still have a model's labels; the others are a person's
    (see `rows.by_person`).
    Raises `UserError` for unknown labels and for lines that are missing,
    doubled or no longer have the exported text.
    """
    problems: list[str] = []
    pages: dict[str, tuple[str, GoldRow]] = {}
    lines: dict[str, list[_Numbered]] = {}
    comments, others = _cells(text, source)
    for place, comment in comments:
        _add_page(comment, place, pages, problems)
    tasks = _tasks_of(pages, problems)
    columns = _columns(tasks)
    for number, (place, cells) in enumerate(others):
        if [cell.strip().lower() for cell in cells[: len(columns)]] != columns:
            _add_line(cells, place, number == 0, lines, problems, tasks)
    for page_id in sorted(lines.keys() - pages.keys()):
        if _unescaped(page_id) in pages:
            lines.setdefault(_unescaped(page_id), []).extend(lines.pop(page_id))
    for page_id in sorted(lines.keys() - pages.keys()):
        problems.append(f"{lines[page_id][0][1]}: no '{_PAGE}...' row for page {page_id!r}")
    rows = []
    for page_id, (place, meta) in pages.items():
        by_number = sorted(lines.get(page_id, []), key=lambda numbered: numbered[0])
        rows.append(_page_row(place, meta, by_number, problems, tasks))
    raise_problems(problems)
    return _without_guesses([about for _, about in pages.values()], rows, note, tasks)


def _cells(text: str, source: str) -> tuple[list[tuple[str, str]], list[tuple[str, list[str]]]]:
    """The comments and the other rows of a table, each with its place."""
    comments, others = [], []
    reader = csv.reader(io.StringIO(text, newline=""), dialect="excel-tab")
    try:
        for cells in reader:
            place = f"{source}:{reader.line_num}"
            if cells[:1] and cells[0].startswith("#") and not any(cells[1:]):
                comments.append((place, cells[0]))
            elif any(cells):
                others.append((place, cells))
    except csv.Error as error:
        raise UserError(f"{source}:{reader.line_num}: not tab-separated values ({error})") from error
    return comments, others


def _tasks_of(pages: Mapping[str, tuple[str, GoldRow]], problems: list[str]) -> Tasks:
    """The tasks of the table, which are its columns; told are pages with others."""
    found: Tasks | None = None
    for place, meta in pages.values():
        tasks = tasks_of_row(meta)
        found = tasks if found is None else found
        if tasks != found:
            problems.append(f"{place}: page {meta['id']!r} has other tasks than the pages before; one table has one kind")
    return SHIPPED if found is None else found


def _without_guesses(
    exported: Sequence[GoldRow], rows: Sequence[GoldRow], note: Callable[[str], None], tasks: Tasks
) -> list[GoldRow]:
    """The rows; those with other labels than the model gave are told from those that have them still."""
    before = [about["lines"].get("labels") if isinstance(about.get("lines"), dict) else None for about in exported]
    guessed = [digest == _digest_of_labels(row, tasks) for digest, row in zip(before, rows, strict=True)]
    if any(guessed):
        n = sum(digest is not None for digest in before)
        have = "has" if sum(guessed) == 1 else "have"
        note(f"{sum(guessed):,} of {counted(n, 'page')} {have} the model's labels unchanged")
    return [row if same or digest is None else by_person(row) for row, same, digest in zip(rows, guessed, before, strict=True)]


def _add_page(comment: str, place: str, pages: dict[str, tuple[str, GoldRow]], problems: list[str]) -> None:
    if not comment.startswith(_PAGE):
        return
    try:
        meta = json.loads(comment.removeprefix(_PAGE))
    except (ValueError, RecursionError) as error:
        problems.append(f"{place}: the page's fields are not JSON ({getattr(error, 'msg', error)})")
        return
    if not isinstance(meta, dict) or not isinstance(meta.get("id"), str):
        problems.append(f"{place}: the page's fields have no 'id'")
    elif bad := problems_of_page(meta):
        problems.extend(f"{place}: {what}" for what in bad)
    elif meta["id"] in pages:
        problems.append(f"{place}: page {meta['id']!r} a second time")
    else:
        pages[meta["id"]] = place, meta


def _add_line(
    cells: list[str], place: str, first: bool, lines: dict[str, list[_Numbered]], problems: list[str], tasks: Tasks
) -> None:
    """Add a row of the table to its page; what is no line in the `first` row of the file is its header."""
    columns = _columns(tasks)
    other = next(
        (name for name, sign in _OTHER_SIGNS.items() if len(cells) == 1 and cells[0].count(sign) >= len(columns) - 1), None
    )
    if other and not first:
        return  # told once
    if other:
        problems.append(f"{place}: its values are separated by {other}; save the table as text with tabs between (.tsv)")
        return
    if len(cells) < len(columns) or any(cells[len(columns) :]):
        problems.append(f"{place}: {len(cells)} cells, expected {len(columns)} ({', '.join(columns)}) with tabs between")
        return
    page_id, n, *labels, text = cells[: len(columns)]
    if not n.strip().isdecimal() or len(n.strip()) > _LONGEST_NUMBER:
        if first or sum(cell.strip().lower() in columns for cell in cells) > 1:
            problems.append(f"{place}: the header is {', '.join(filter(None, cells))}; expected {', '.join(columns)}")
        else:
            problems.append(f"{place}: line number {n[:40]!r} is not a number of a line")
        return
    given = {name: _unescaped(label.strip()) for name, label in zip(columns[2:-1], labels, strict=True)}
    line = label_line(text, given, int(n), tasks)
    problems += (f"{place}: {what}" for what in problems_of(line, int(n), tasks))
    line |= {name: given[name] for name in of_pages(tasks) if given[name]}
    lines.setdefault(page_id, []).append((int(n), place, line))


def _page_row(place: str, meta: GoldRow, lines: Sequence[_Numbered], problems: list[str], tasks: Tasks) -> GoldRow:
    """The gold row of a page; `lines` by number."""
    about = meta.get("lines")
    if not isinstance(about, dict):  # a table that was written by hand
        about = {}
    if about.get("escaped"):
        lines = [(n, where, line | {"text": _unescaped(line["text"])}) for n, where, line in lines]
    for (n, _, _), (other, second, _) in pairwise(lines):
        if n == other:
            problems.append(f"{second}: line {n} of page {meta['id']!r} a second time")
    if isinstance(about.get("digests"), str):
        _check_lines(place, meta["id"], about, lines, problems)
    whole = of_pages(tasks)
    left_out = {*whole} if about.get("numbered") else {"n", *whole}
    labels = {name: _label_of_page(name, meta, lines, problems, tasks) for name in whole}
    return meta | labels | {"lines": [{key: line[key] for key in line if key not in left_out} for _, _, line in lines]}


def _label_of_page(task: str, meta: GoldRow, lines: Sequence[_Numbered], problems: list[str], tasks: Tasks) -> str | None:
    """The one label of a page, beside whichever of its lines it stands."""
    found: str | None = None
    for _, where, line in lines:
        label = line.get(task)
        if label is not None and label not in tasks[task].labels:
            problems.append(f"{where}: unknown {task} {label!r:.100}{nearest(label, tasks[task].labels)}")
        elif label is not None and found is not None and label != found:
            problems.append(f"{where}: {task} {label!r}, but page {meta['id']!r} is {found!r} before; a page has one")
        found = label if found is None else found
    return found


def _check_lines(place: str, page_id: str, about: GoldRow, lines: Sequence[_Numbered], problems: list[str]) -> None:
    """Every line that was exported is there, with its text, and no other."""
    digests = [about["digests"][i : i + _DIGITS] for i in range(0, len(about["digests"]), _DIGITS)]
    numbers = about.get("numbered", range(1, len(digests) + 1))
    if "numbered" in about and (not isinstance(numbers, list) or not all(isinstance(n, int) for n in numbers)):
        problems.append(f"{place}: page {page_id!r}: its field 'numbered' is damaged; export the page again")
        return
    exported = dict(zip(numbers, digests, strict=False))
    missing = [str(n) for n in exported.keys() - {n for n, _, _ in lines}]
    if missing:
        named = ", ".join(sorted(missing, key=int)[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        problems.append(f"{place}: page {page_id!r} lacks line{'s' * (len(missing) > 1)} {named}; it had {len(exported)}")
    for n, where, line in lines:
        if n not in exported:
            problems.append(f"{where}: page {page_id!r} had no line {n} when it was exported")
        elif _digest(line["text"], _DIGITS) != exported[n]:
            problems.append(f"{where}: the text of line {n} of page {page_id!r} is not the one exported ({_HINT})")
