"""Lines of gold rows on their way to and from labelling tools, and how their problems are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clfnews.data.rows import line_problems
from clfnews.errors import UserError, nearest
from clfnews.files import valid
from clfnews.labelling.tasks import FIELD, Tasks, of_lines, of_pages, tasks_of_row
from clfnews.labels import SHIPPED, TASKS
from clfnews.page import Line, normalise

GoldRow = dict[str, Any]
"""A gold row."""

_TEXTS = ("site", "url", "date", "origin", "layout", "article", "group", "guidelines", "model", "prefilled")
"""Fields of a page that are texts, or nothing."""
_DEEPEST = 10
"""Lists and objects within each other that a field may have."""
_SHOWN, _LONGEST = 5, 500
"""Problems that an error message names, and characters of each; it counts the others."""


def label_line(text: str, labels: Mapping[str, str], n: int | None, tasks: Tasks = SHIPPED) -> GoldRow:
    """A line of a gold row; an empty label is none, and only numbered lines have `n`."""
    line: GoldRow = {"text": text} | {name: labels.get(name) or None for name in of_lines(tasks)}
    return line if n is None else {"n": n} | line


def problems_of_page(row: GoldRow) -> list[str]:
    """What keeps the fields of a page, but for its lines, from being those of a gold row."""
    page_id = row.get("id")
    if not isinstance(page_id, str) or not page_id or normalise(page_id) != page_id:
        return ["needs an 'id' (a string of one normalised line)"]
    where = f"page {page_id[:100]!r}: "
    texts = {key: row.get(key) or "" for key in _TEXTS}
    bad = [f"{where}{key!r} is not a text" for key, text in texts.items() if not isinstance(text, str) or valid(text) != text]
    try:
        names = of_pages(tasks_of_row(row))
    except ValueError as error:
        return [*bad, f"{where}{error}"]
    bad += [f"{where}{what}" for name in names for what in _label_problems(name, row.get(name), tasks_of_row(row))]
    deep = (key for key, value in row.items() if key not in ("lines", FIELD) and _depth(value) > _DEEPEST)
    return bad + [f"{where}the field {key[:100]!r} is nested too deep" for key in deep]


def _depth(value: Any, down: int = _DEEPEST) -> int:
    """How many lists and objects are within each other; not more than `down` are looked into."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(part, down - 1) for part in parts), default=0) if down >= 0 and not isinstance(value, str) else 0


def _label_problems(task: str, label: Any, tasks: Tasks) -> list[str]:
    """What is wrong with a label of a task of the user's."""
    if label is None or label in tasks[task].labels:
        return []
    if not isinstance(label, str):
        return [f"{task} {label!r:.100} is not a label's name"]
    return [f"unknown {task} {label!r:.100}{nearest(label, tasks[task].labels)}"]


def problems_of(line: Mapping[str, Any], n: int, tasks: Tasks = SHIPPED) -> list[str]:
    """What keeps a line from being a gold line of these tasks."""
    labels = {key: line.get(key) for key in of_lines(tasks)}
    bad = [f"{key} {value!r:.100} is not a label's name" for key, value in labels.items() if not isinstance(value, str | None)]
    if not isinstance(line.get("n", n), int) or isinstance(line.get("n"), bool):
        bad.append(f"the line number {line['n']!r:.100} is not a whole number")
    if bad:
        return bad
    text = line["text"]
    not_clean = [] if text and normalise(text) == text else ["empty or not normalised text (see clfnews data check)"]
    names = {name: task.labels for name, task in tasks.items() if name in TASKS}
    own = [what for key in labels if key not in TASKS for what in _label_problems(key, labels[key], tasks)]
    return not_clean + line_problems(Line(text, n, labels.get("type"), labels.get("stance")), names) + own


def has_labels(row: GoldRow) -> bool:
    """Whether anybody has given the page, or any line of it, a label."""
    tasks = tasks_of_row(row)
    names = of_lines(tasks)
    return any(line.get(name) for line in row["lines"] for name in names) or any(row.get(name) for name in of_pages(tasks))


def without_labels(row: GoldRow) -> GoldRow:
    """The row with every label taken off."""
    tasks = tasks_of_row(row)
    lines = [line | dict.fromkeys(of_lines(tasks)) for line in row["lines"]]
    return row | dict.fromkeys(of_pages(tasks)) | {"lines": lines}


def by_person(row: GoldRow) -> GoldRow:
    """A row whose labels a person gave, from those of a model: the field `model` becomes `prefilled`."""
    return {{"model": "prefilled"}.get(key, key): value for key, value in row.items()}


def raise_problems(problems: Sequence[str]) -> None:
    """Raise `UserError` with the first problems in one line, if there are any."""
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise UserError("; ".join(" ".join(problem.split())[:_LONGEST] for problem in problems[:_SHOWN]) + more)
