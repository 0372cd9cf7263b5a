"""Whose labels gold rows have: the shipped ones, or those of the user's own tasks.

The names of the user's labels stand in the card of a data folder, or in the
filter that gives them. They travel to a labelling tool and back in the field
`tasks` of every row: `{"topic": {"of": "pages", "labels": [...], "keep": []}}`.
Rows with the shipped labels have no such field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.config.schema import load_config, task_name
from clfnews.data.rows import CONFIGS
from clfnews.errors import UserError
from clfnews.files import read_rows, valid
from clfnews.labels import SHIPPED, TASKS, Task
from clfnews.page import normalise

if TYPE_CHECKING:
    from clfnews.filtering.filter import PageFilter

Tasks = Mapping[str, Task]
"""Name -> task."""

FIELD = "tasks"
"""The field of a row that has them."""
CONFIG = "train.yaml"
"""Name of the configuration in a folder that `clfnews data import` made of a table."""
_KINDS = ("lines", "kept lines", "pages")


def tasks_of_row(row: Mapping[str, Any]) -> Tasks:
    """The tasks of a row, the shipped ones if it names none; raises `ValueError` if its field is damaged."""
    about = row.get(FIELD)
    if about is None:
        return SHIPPED
    if not isinstance(about, dict) or not about or not all(_is_task(name, task) for name, task in about.items()):
        raise ValueError(f"its field {FIELD!r} does not say what the labels are: export the page again")
    return {name: Task(name, tuple(x["labels"]), x["of"], frozenset(x["keep"])) for name, x in about.items()}


def _is_task(name: str, about: Any) -> bool:
    try:
        if name not in TASKS:
            task_name(name)
    except ValueError:
        return False
    if not isinstance(about, dict) or about.get("of") not in _KINDS or (name in TASKS and about["of"] == "pages"):
        return False
    labels, keep = about.get("labels"), about.get("keep")
    if not isinstance(labels, list) or not isinstance(keep, list) or not labels:
        return False
    clean = all(isinstance(label, str) and label and normalise(label) == label == valid(label) for label in labels)
    return clean and len(set(labels)) == len(labels) and all(isinstance(x, str) and x in labels for x in keep)


def described(tasks: Tasks) -> dict[str, Any]:
    """The field of a row, to be joined with it: none for the shipped tasks."""
    if tasks == SHIPPED:
        return {}
    about = {t.name: {"of": t.of, "labels": [*t.labels], "keep": [x for x in t.labels if x in t.keep]} for t in tasks.values()}
    return {FIELD: about}


def of_lines(tasks: Tasks) -> list[str]:
    """The tasks whose labels stand on lines, `type` first."""
    return sorted((name for name, task in tasks.items() if task.of != "pages"), key=lambda name: name != "type")


def of_pages(tasks: Tasks) -> list[str]:
    """The tasks that have one label a page."""
    return [name for name, task in tasks.items() if task.of == "pages"]


def tasks_of_filter(page_filter: PageFilter) -> Tasks:
    """What a filter tells of lines and pages."""
    found = {name: fitted.task for name, fitted in page_filter.fitted.items()}
    return found if any(SHIPPED.get(name) != task for name, task in found.items()) else SHIPPED


def tasks_of_file(path: Path) -> Tasks | None:
    """The tasks of the data folder that a file of rows is in, by its card; None if it is in none.

    What its labels keep is known if the folder has the configuration that trains on it.
    """
    folder = path.resolve().parent.parent
    if path.resolve().parent.name not in CONFIGS or not (folder / "README.md").is_file():
        return None
    return tasks_of_folder(folder)


def tasks_of_labelled(path: Path) -> Tasks:
    """The tasks of a file of gold rows: as its first row names them, else as the card of its folder does, else the shipped."""
    first: Mapping[str, Any] = next(iter(read_rows(path)), {})
    try:
        return tasks_of_row(first) if first.get(FIELD) is not None else tasks_of_file(path) or SHIPPED
    except ValueError as error:
        raise UserError(f"{path}: row 1: {error}") from error


def tasks_of_folder(folder: Path) -> Tasks | None:
    """The tasks of a data folder, by its card; None if its card names no labels."""
    from clfnews.data.folder import label_names

    try:
        names = label_names(folder)
    except UserError:  # no front matter: training and `clfnews data check` tell
        return None
    if not names["lines"] and not names["pages"]:
        return None
    if names["lines"].items() <= TASKS.items() and not names["pages"]:
        return SHIPPED
    lines = {name: Task(name, labels, "kept lines" if name == "stance" else "lines") for name, labels in names["lines"].items()}
    tasks = lines | {name: Task(name, labels, "pages") for name, labels in names["pages"].items()}
    if (folder / CONFIG).is_file():
        config = load_config(folder / CONFIG)
        kinds = {name: section.of for name, section in config.tasks.items() if name in lines}
        tasks |= {name: replace(tasks[name], of=kind) for name, kind in kinds.items() if kind != "pages"}
        if "type" in tasks:
            keep = frozenset(config.type.keep) & set(tasks["type"].labels)
            tasks["type"] = replace(tasks["type"], keep=keep)
    elif tasks.get("type", SHIPPED["stance"]).labels == TASKS["type"]:
        tasks["type"] = SHIPPED["type"]
    return tasks
