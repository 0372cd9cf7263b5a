"""Labelled pages of JSONL files: gold rows and stance rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from clfnews.data.corpus import Corpus
from clfnews.data.rows import page_of_gold, registered_domain
from clfnews.errors import UserError, nearest
from clfnews.files import numbered_rows
from clfnews.labels import SHIPPED, TASKS, Task


def load_gold(path: str | Path, tasks: Mapping[str, Task] = SHIPPED) -> Corpus:
    """Labelled pages of one JSONL file: gold rows or stance rows.

    `tasks`, whose labels are read: the keys of lines, and those of pages of the row itself.

    A gold row has `lines` with `type` (and `stance`), a stance row has `text`
    and `stance` and becomes a page of one body line. The group of a row is its
    `group`, else its `site`, else its `id`.
    Raises `UserError` that names file and row for anything that is wrong.
    """
    path = Path(path)
    rows = list(numbered_rows(path))
    if not rows:
        raise UserError(f"{path}: no labelled pages in it")
    names = {name: task.labels for name, task in tasks.items() if name in TASKS} if tasks is not SHIPPED else TASKS
    told = (with_labels(row, tasks) for _, row in rows)
    return corpus_from_rows(told, path.name.partition(".jsonl")[0], str(path), [number for number, _ in rows], names)


def with_labels(row: dict[str, Any], tasks: Mapping[str, Task]) -> dict[str, Any]:
    """A gold row whose own labels stand where `Page.from_row` reads them, without those of the tasks that are not read.

    Raises `UserError` for a label that is none of the task's.
    """
    own, unread = [task for name, task in tasks.items() if name not in TASKS], TASKS.keys() - tasks
    if not own:
        return row

    def found(item: Any, tasks: Sequence[Task]) -> dict[str, str]:
        labels = {task.name: item[task.name] for task in tasks if isinstance(item, dict) and item.get(task.name) is not None}
        for task in tasks:
            if task.name in labels and labels[task.name] not in task.labels:
                known = nearest(str(labels[task.name]), task.labels)
                raise UserError(f"page {row.get('id')!r}: unknown {task.name} {labels[task.name]!r}{known}")
        return labels

    of_lines, of_pages = ([t for t in own if (t.of == "pages") == pages] for pages in (False, True))
    lines = row.get("lines")
    if isinstance(lines, list):
        lines = [
            {key: value for key, value in item.items() if key not in unread} | {"labels": found(item, of_lines)}
            if isinstance(item, dict)
            else item
            for item in lines
        ]
    return {**row, "labels": found(row, of_pages), **({"lines": lines} if lines is not None else {})}


def corpus_from_rows(
    rows: Iterator[dict[str, Any]],
    name: str,
    source: str,
    numbers: Sequence[int] | None = None,
    names: Mapping[str, Sequence[str]] = TASKS,
) -> Corpus:
    """Rows as a `Corpus`; raises `UserError` naming the row (by `numbers`, or counted) for unknown labels."""
    pages, groups, origins, kinds, references = [], [], [], [], []
    for number, row in zip(numbers or count(1), rows, strict=False):
        try:
            page = page_of_gold(row, f"{Path(source).stem}:{number}", names)
        except ValueError as error:
            raise UserError(f"{source}: row {number}: {error}") from error
        pages.append(page)
        groups.append(str(row.get("group") or (registered_domain(page.site) if page.site else page.id)))
        origins.append(str(row.get("origin") or ""))
        kinds.append(str(row.get("kind") or ""))
        references.append(str(row["reference"]) if row.get("reference") is not None else None)
    known = any(reference is not None for reference in references)
    return Corpus(name, tuple(pages), tuple(groups), tuple(origins), tuple(kinds), tuple(references) if known else ())
