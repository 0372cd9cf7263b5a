"""What is in a data folder, as tables and a figure (`clfnews data stats`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.data.rows import SplitRow, read_folder
from clfnews.errors import UserError
from clfnews.files import replacing
from clfnews.labels import TASKS, TYPES, is_article

_TITLES = {"type": "line types", "stance": "stances"}
_Names = dict[str, tuple[str, ...]]
"""Task -> its labels."""


def stats_tables(folder: Path) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, header and rows of the tables that describe a data folder: its pages, and each task that its card names.

    Raises `UserError` if there is no data folder or a row in it cannot be read.
    """
    files = _readable(folder)
    of_lines, of_pages = _tasks(folder)
    task, labels = _first(of_lines, of_pages)
    lengths = {name: _lengths(rows, task, labels) for name, rows in files.items() if name.startswith("pages/")}
    of_shipped = of_lines.get("type") == TYPES
    header = ["split", "pages", "lines", "listings", "articles", "layouts", "sites", "groups", "origins"]
    if not of_shipped:  # whose rows have nothing of how they were made
        header = ["split", "pages", "lines", "sites", "groups"]
    tables = [("pages", header, [[name, *_page_counts(rows, of_shipped)] for name, rows in files.items()])]
    for name, names in of_lines.items():
        title = _TITLES[name] if TASKS.get(name) == names else f"labels of lines: {name}"
        tables.append((title, [name, *files], _label_counts({x: _of_lines(rows, name) for x, rows in files.items()}, names)))
    for name, names in of_pages.items():
        counted = {x: [row.data.get(name) for row in rows] for x, rows in files.items()}
        tables.append((f"labels of pages: {name}", [name, *files], _label_counts(counted, names)))
    by_label = [[label, *(_quantiles(part[label]) for part in lengths.values())] for label in labels]
    return [*tables, ("line length in characters: 10% / median / 90% / longest", [task, *lengths], by_label)]


def stats_figure(folder: Path, path: Path) -> None:
    """Write one PNG: share of the types per split, and line lengths by type; or another task, if the card names no types.

    Raises `UserError` if the folder cannot be read or the file not be written.
    """
    from matplotlib.figure import Figure

    if path.suffix.lower() != ".png":
        raise UserError(f"{path}: expected a name that ends in .png")
    task, types = _first(*_tasks(folder))
    lengths = {name: _lengths(rows, task, types) for name, rows in _readable(folder).items() if name.startswith("pages/")}
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    shares, boxes = figure.subplots(1, 2)
    left = np.zeros(len(lengths))
    for kind in types:
        share = np.array([len(part[kind]) / max(1, sum(map(len, part.values()))) for part in lengths.values()])
        shares.barh(list(lengths), share, left=left, label=kind)
        left += share
    shares.invert_yaxis()
    shares.set(xlabel="share of lines", xlim=(0, 1), title="line types" if task == "type" else f"lines by {task}")
    shares.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.15), frameon=False)
    boxes.boxplot([[n for part in lengths.values() for n in part[kind]] for kind in types], whis=(5, 95), showfliers=False)
    boxes.set_xticks(range(1, len(types) + 1), types, rotation=30, ha="right")
    boxes.set(yscale="log", ylabel="characters", title="line length: quartiles, whiskers at 5% and 95%")
    boxes.yaxis.set_major_formatter("{x:g}")
    boxes.grid(axis="y", alpha=0.3)
    with replacing(path) as place:
        figure.savefig(place, dpi=120, format="png")


def _readable(folder: Path) -> dict[str, list[SplitRow]]:
    """Rows by `config/split`; a row that cannot be read must not be missing in a count."""
    problems: list[str] = []
    rows = read_folder(folder, problems)
    if problems:
        raise UserError(f"{folder}/{problems[0]}; see all: clfnews data check {folder}")
    return {name.removesuffix(".gz").removesuffix(".jsonl"): list(part) for name, part in groupby(rows, key=lambda row: row.file)}


def _tasks(folder: Path) -> tuple[_Names, _Names]:
    """The tasks of lines and of pages that the card names; the shipped ones if it names none."""
    from clfnews.data.folder import label_names

    try:
        names = label_names(folder)
    except UserError:  # no front matter: training and `clfnews data check` tell
        return dict(TASKS), {}
    if names["lines"].items() <= TASKS.items() and not names["pages"]:
        return dict(TASKS), {}
    return names["lines"], names["pages"]


def _first(of_lines: _Names, of_pages: _Names) -> tuple[str, tuple[str, ...]]:
    """The task by which lines are told apart: `type`, else the first of lines, else the first of pages."""
    return ("type", of_lines["type"]) if "type" in of_lines else next(iter({**of_lines, **of_pages}.items()))


def _of_lines(rows: Sequence[SplitRow], task: str) -> list[Any]:
    """The label of each line that has a text; the page's for a task of pages."""
    labels = []
    for row in rows:
        of_page = None if task in TASKS else row.data.get(task)
        labels += [row.data["lines"][line.n - 1].get(task, of_page) for line in row.lines]
    return labels


def _page_counts(rows: Sequence[SplitRow], shipped: bool) -> list[str]:
    def distinct(key: str) -> int:
        return len({str(row.data[key]) for row in rows if row.data.get(key)})

    if not shipped:
        return [f"{n:,}" for n in (len(rows), sum(len(row.lines) for row in rows), distinct("site"), distinct("group"))]
    listings = sum(not any(is_article(line.type) for line in row.lines) for row in rows)
    counts = [len(rows), sum(len(row.lines) for row in rows), listings]
    counts += [distinct(key) for key in ("article", "layout", "site", "group")]
    origins = Counter(str(row.data.get("origin")) for row in rows)
    return [f"{n:,}" for n in counts] + [", ".join(f"{name} {n:,}" for name, n in origins.most_common())]


def _label_counts(given: Mapping[str, Sequence[Any]], labels: Sequence[str]) -> list[list[str]]:
    """A row a label: count and share among what is labelled of each split."""
    counts = [Counter(label for label in part if isinstance(label, str) and label) for part in given.values()]
    return [[label, *(f"{count[label]:,} ({count[label] / max(1, count.total()):.1%})" for count in counts)] for label in labels]


def _lengths(rows: Sequence[SplitRow], task: str, labels: Sequence[str]) -> dict[str, list[int]]:
    """Label -> characters of each of its lines."""
    lengths: dict[str, list[int]] = {label: [] for label in labels}
    for label, line in zip(_of_lines(rows, task), (line for row in rows for line in row.lines), strict=True):
        if isinstance(label, str) and label in lengths:
            lengths[label].append(len(line.text))
    return lengths


def _quantiles(lengths: Sequence[int]) -> str:
    return " / ".join(f"{q:.0f}" for q in np.quantile(lengths, [0.1, 0.5, 0.9, 1.0])) if lengths else "-"
