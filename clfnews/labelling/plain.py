"""A data folder of a plain table of texts and labels: `clfnews data import FILE.csv -o FOLDER`.

A row is a page (`text`) or, if the table has a column `page`, a line of one
(`page` and `line` or `text`). The labels stand in columns of their own, whose
names become those of the tasks. What is written is a data folder with its card,
and the configuration that trains on it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clfnews.config.schema import task_name
from clfnews.data.rows import registered_domain, site_of
from clfnews.errors import UserError, nearest
from clfnews.files import is_there, write_text
from clfnews.labelling.card import card_text, config_text
from clfnews.labelling.folder import HOW_OWN, SHARES, neediest
from clfnews.labelling.plain_table import table_rows
from clfnews.labelling.rows import raise_problems
from clfnews.labelling.tasks import CONFIG
from clfnews.labels import ARTICLE, TASKS, Task
from clfnews.page import lines_of, normalise

_META = ("id", "site", "url", "date", "group")
ROLES = ("page", "line", "text", *_META)
"""Columns that are read beside those of labels; one of another name can be given for each."""
_NUMBER = re.compile(r"\s*+(?:\d++(?:\.0++)?+)?+\s*+")
"""A number of a line, or none."""
_MAX_LABELS = 200
"""More labels than this are numbers or texts by mistake."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns have labels: of `lines` (the first one filters if `keep` names some of its labels) and of `pages`."""

    lines: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    """Role (of `ROLES`) -> the column that has it, where that has another name."""

    @property
    def tasks(self) -> dict[str, str]:
        """Column -> task: the labels that filter are the task `type`."""
        names = {name: "_".join(name.lower().split()) for name in (*self.lines, *self.pages)}
        return names | ({self.lines[0]: "type"} if self.keep else {})


@dataclass(slots=True)
class _Page:
    meta: dict[str, str | None]
    lines: list[dict[str, Any]] = field(default_factory=list)
    labels: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written."""

    counts: dict[str, tuple[int, int, int]]
    """Split -> pages, groups and lines."""
    labels: dict[str, Counter[str]]
    """Task -> how often each label stands."""
    config: Path


def is_plain(path: Path) -> bool:
    """Whether a file is a plain table: a CSV, or a table or JSONL with a column `label`."""
    if path.suffix.lower() == ".csv":
        return True
    if path.suffix.lower() not in (".tsv", ".jsonl") or not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.readline(1 << 20)
    if path.suffix.lower() == ".tsv":
        names = set(first.rstrip("\n").split("\t"))
    else:
        try:
            names = set(json.loads(first))
        except (ValueError, TypeError, RecursionError):  # told by whoever reads it
            return False
    return "label" in names and not names.isdisjoint(("text", "line"))


def import_plain(source: Path, folder: Path, columns: Columns) -> Imported:
    """Write the data folder of a table; the groups (`group`, site or page) are dealt out to the splits.

    Parameters: `columns`; without any of labels: `label`, of lines if the table has a column `page`, else of pages.
    Raises `UserError` that names the rows that are wrong, and for a folder that is there already.
    """
    if is_there(folder):
        raise UserError(f"{folder}: is there already; give a new folder (a table is imported whole)")
    rows = list(table_rows(source, columns.named))
    if not rows:
        raise UserError(f"{source}: no rows in it")
    header = list(rows[0][1])
    if not columns.lines and not columns.pages:
        columns = replace(columns, lines=("label",)) if "page" in header else replace(columns, pages=("label",))
    _check_columns(source, header, columns)
    pages = _pages(source, rows, columns)
    names = {task: _names(source, found) for task, found in _counts(pages, columns).items()}
    if "type" in names:
        columns = _check_kept(source, columns, names["type"])
    parts = _split(pages)
    try:
        (folder / "pages").mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror}") from error
    for name, part in parts.items():
        write_text(folder / "pages" / f"{name}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part))
    own = _own(names, columns)
    write_text(folder / "README.md", card_text(list(parts), own, _META, HOW_OWN))
    write_text(folder / CONFIG, config_text(folder, list(parts), own))
    counts = {n: (len(p), len({row["group"] for row in p}), sum(len(row["lines"]) for row in p)) for n, p in parts.items()}
    return Imported(counts, _counts(pages, columns), folder / CONFIG)


def _check_columns(source: Path, header: Sequence[str], columns: Columns) -> None:
    wanted = [*columns.lines, *columns.pages]
    missing = [name for name in wanted if name not in header]
    if missing:
        raise UserError(
            f"{source}: no column {missing[0]!r}{nearest(missing[0], list(header))}; name it: --lines or --pages COLUMN"
        )
    if "text" not in header and "line" not in header:
        close = next((name for name in header if name.strip().lower() in ("text", "line")), "NAME")
        raise UserError(
            f"{source}: no column 'text' or 'line' (columns: {', '.join(header)[:200]}); name it: --column 'text={close}'"
        )
    if columns.lines and "page" not in header:
        raise UserError(f"{source}: labels of lines need a column 'page', which tells the lines of one page from the others")
    for column, task in columns.tasks.items():
        _check_task(source, column, task, column in columns.pages)
    if columns.keep and not columns.lines:
        raise UserError("--keep: names labels of lines; name their column: --lines COLUMN")
    if len(set(columns.tasks.values())) < len(wanted):
        raise UserError("--lines and --pages: two columns would be one task; rename one")


def _check_kept(source: Path, columns: Columns, labels: Sequence[str]) -> Columns:
    """The columns with the labels of the task `type` that are kept; raises `UserError` for what no training could filter by."""
    if unknown := [label for label in columns.keep if label not in labels]:
        raise UserError(f"--keep {unknown[0]}: no line has this label{nearest(unknown[0], tuple(labels))}")
    if not columns.keep and set(labels) > ARTICLE:  # the labels of our guidelines
        return replace(columns, lines=("type", *(name for name in columns.lines if name != "type")), keep=tuple(sorted(ARTICLE)))
    if not columns.keep:
        column = next(name for name, task in columns.tasks.items() if task == "type")
        raise UserError(
            f"{source}: column {column!r}: the task 'type' says which lines are the article; name the labels that are kept: "
            f"--keep LABEL,... (of {', '.join(labels)}), or rename the column to keep all lines"
        )
    if set(columns.keep) == set(labels):
        raise UserError(f"--keep {','.join(columns.keep)}: names all labels; leave it out to keep all lines")
    return columns


def _check_task(source: Path, column: str, task: str, of_pages: bool) -> None:
    """Raise `UserError` for a column whose name no task of its kind can have: said now, not by the training."""
    if task in TASKS:
        if of_pages:
            raise UserError(f"{source}: column {column!r}: the task {task!r} is of lines, not of pages; rename the column")
        return
    try:
        task_name(task)
    except ValueError as error:
        raise UserError(f"{source}: column {column!r}: {error}: rename the column") from error


def _pages(source: Path, rows: Sequence[tuple[int, Mapping[str, Any]]], columns: Columns) -> dict[str, _Page]:
    """Pages by id, with the problems of all rows told at once."""
    pages: dict[str, _Page] = {}
    problems: list[str] = []
    tasks, role = columns.tasks, _text_role(source, rows, columns.named)
    for number, row in rows:
        place = f"{source}: row {number}"
        text = str(row.get(role) or "")
        texts = [line.text for line in lines_of(text)] if "page" not in row else [normalise(text)]
        if not texts or not texts[0]:
            problems.append(f"{place}: no text")
            continue
        name = normalise(str(row.get("page") or row.get("id") or f"row-{number}"))
        if "page" not in row and name in pages:
            problems.append(f"{place}: a second page with id {name!r}")
            continue
        page = pages.setdefault(name, _Page({key: _cell(row.get(key)) for key in _META}))
        labels = {tasks[column]: _cell(row.get(column)) for column in columns.lines}
        page.lines += [{"text": text, **labels} for text in texts]
        for column in columns.pages:
            label = _cell(row.get(column))
            known = page.labels.setdefault(tasks[column], label)
            if label != known and label is not None and known is not None:
                problems.append(f"{place}: {column} {label!r}, but page {name!r} is {known!r} before")
            page.labels[tasks[column]] = known or label
    raise_problems(problems)
    return pages


def _text_role(source: Path, rows: Sequence[tuple[int, Mapping[str, Any]]], named: Mapping[str, str]) -> str:
    """`line` or `text`: the one that was named, or is there; of both `line`, unless it has numbers of lines only."""
    given = [role for role in ("line", "text") if role in named] or [role for role in ("line", "text") if role in rows[0][1]]
    if given[0] == "line" and all(_NUMBER.fullmatch(str(row["line"] or "")) for _, row in rows):
        if given[-1] == "line":
            raise UserError(
                f"{source}: column {named.get('line', 'line')!r} has numbers only; name the texts: --column text=NAME"
            )
        return "text"
    return given[0]


def _cell(value: Any) -> str | None:
    return normalise(str(value)) or None if value is not None else None


def _counts(pages: Mapping[str, _Page], columns: Columns) -> dict[str, Counter[str]]:
    """Task -> how often each label stands."""
    out: dict[str, Counter[str]] = {}
    for column, task in columns.tasks.items():
        rows = (
            [page.labels for page in pages.values()] if column in columns.pages else [x for p in pages.values() for x in p.lines]
        )
        out[task] = Counter(label for row in rows if (label := row[task]) is not None)
    return out


def _names(source: Path, counts: Counter[str]) -> list[str]:
    """Names of labels, in order; raises `UserError` for what cannot be learnt."""
    if not 2 <= len(counts) <= _MAX_LABELS:
        few = ", ".join(list(counts)[:5]) or "none"
        raise UserError(f"{source}: {len(counts)} different labels ({few}); a model needs 2 to {_MAX_LABELS}")
    joined = Counter("_".join(label.split()) for label in counts)
    if twice := [label for label, n in joined.items() if n > 1]:
        raise UserError(f"{source}: two labels are {twice[0]!r} but for spaces; make them one")
    return sorted(counts)


def _split(pages: Mapping[str, _Page]) -> dict[str, list[dict[str, Any]]]:
    """The rows of every split; pages of a group stay together."""
    parts: dict[str, list[dict[str, Any]]] = {name: [] for name in SHARES}
    of_group: dict[str, str] = {}
    for name, page in pages.items():
        site = site_of(page.meta)
        group = page.meta["group"] or (registered_domain(site) if site else name)
        split = of_group.get(group) or neediest(Counter(of_group.values()))
        of_group[group] = split
        meta = {"id": name, "site": site, "url": page.meta["url"], "date": page.meta["date"], "group": group}
        parts[split].append(meta | page.labels | {"lines": page.lines})
    return {name: part for name, part in parts.items() if part}


def _own(names: Mapping[str, Sequence[str]], columns: Columns) -> dict[str, Task]:
    """The tasks of the columns."""
    tasks = columns.tasks
    of_pages = {tasks[column] for column in columns.pages}
    return {
        task: Task(
            task, tuple(labels), "pages" if task in of_pages else "lines", frozenset(columns.keep if task == "type" else ())
        )
        for task, labels in names.items()
    }
