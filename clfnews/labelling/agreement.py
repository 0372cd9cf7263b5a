"""How far two sets of labels of the same lines agree: two annotators, or a model and a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from clfnews.data.gold import with_labels
from clfnews.data.rows import page_of_gold
from clfnews.errors import UserError, counted
from clfnews.files import read_rows
from clfnews.labelling.tasks import Tasks, of_lines, of_pages, tasks_of_file, tasks_of_row
from clfnews.labels import COARSE, SHIPPED, TASKS
from clfnews.page import Line, Page

_Unit = tuple[str, int | None, str, Line | Page, Line | Page]
"""What has a label, in both files: id of the page, number of the line (None: the page itself), text, and the two versions."""


@dataclass(frozen=True, slots=True)
class TaskAgreement:
    """Agreement on one task, over the lines that both files label; pages in the place of lines if its labels are of pages."""

    lines: int
    only_one: int
    """Lines that only one of the files labels; they are not compared."""
    agreement: float
    """Share of equal labels, 0 to 1."""
    kappa: float | None
    """Cohen's kappa; None where both use one and the same label throughout, which leaves it undefined."""
    f1: dict[str, float]
    """Label -> F1 of either file against the other, for the labels that occur."""
    counts: dict[str, tuple[int, int]]
    """Label -> how often file A and file B give it."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A line, or page, to which the files give different labels of a task."""

    page: str
    line: int | None
    """None: the label is the page's."""
    text: str
    """Of the line; of a page the first one."""
    task: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What `agreement` found."""

    pages: int
    """Pages of both files."""
    lines: int
    only_a: int
    """Pages that only file A has; they are not compared."""
    only_b: int
    tasks: dict[str, TaskAgreement]
    """`type`, `article` (the types as article against noise), `stance` and the user's, as far as both files have labels."""
    disagreements: tuple[Disagreement, ...]
    """Differences in all of them but `article`, in the order of file A, those of pages last."""

    def as_row(self) -> dict[str, Any]:
        """The same as JSON-ready dicts and lists."""
        return asdict(self)

    def tables(self, show: int) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, header and rows of the tables for a terminal, with the first `show` disagreements."""
        kappas = {name: "undefined" if task.kappa is None else f"{task.kappa:.3f}" for name, task in self.tasks.items()}
        tasks = [
            [name, f"{task.lines:,}", f"{task.agreement:.1%}", kappas[name], f"{task.only_one:,}"]
            for name, task in self.tasks.items()
        ]
        labels = [
            [name, label, f"{f1:.3f}", *(f"{n:,}" for n in task.counts[label])]
            for name, task in self.tasks.items()
            for label, f1 in task.f1.items()
        ]
        shown = [[d.page, str(d.line or ""), d.task, d.a, d.b, d.text] for d in self.disagreements[:show]]
        title = f"{counted(self.pages, 'page')}, {counted(self.lines, 'line')}"
        if self.only_a or self.only_b:
            title += f"; not compared: {counted(self.only_a, 'page')} only in A, {counted(self.only_b, 'page')} only in B"
        tables = [
            (title, ["task", "lines", "agreement", "kappa", "in one file only"], tasks),
            ("by label", ["task", "label", "F1", "in A", "in B"], labels),
        ]
        if shown:
            title = f"disagreements ({len(shown):,} of {len(self.disagreements):,})"
            tables.append((title, ["page", "line", "task", "A", "B", "text"], shown))
        return tables


def agreement(path_a: str | Path, path_b: str | Path) -> Agreement:
    """Compare two label files line by line.

    Both are JSONL of gold rows, or both of stance rows (`id`, `text`, `stance`),
    in any order of pages. The names of the labels are those of the card of the
    data folder that a file is in, or those that its rows name (`tasks`, of
    `clfnews data export`), else the shipped ones. Pages are matched by id, lines
    by place and text; pages that one file lacks are counted and not compared.
    Raises `UserError` that names the page and line where the files do not
    match, and if no page is in both or no line has a label in both.
    """
    path_a, path_b = Path(path_a), Path(path_b)
    tasks = _tasks_of(path_a, path_b)
    a, b = _pages(path_a, tasks), _pages(path_b, tasks)
    common = [page_id for page_id in a if page_id in b]
    if not common:
        raise UserError(f"{path_a} and {path_b}: no page in common ({next(iter(a))!r} here, {next(iter(b))!r} there)")
    pairs = [pair for page_id in common for pair in _matched(a[page_id], b[page_id], path_a, path_b)]
    units: dict[bool, list[_Unit]] = {
        False: [(page, x.n, x.text, x, y) for page, x, y in pairs],
        True: [(page, None, a[page].lines[0].text if a[page].lines else "", a[page], b[page]) for page in common],
    }
    named = _compared(tasks)
    labels = {name: units[name in of_pages(tasks)] for name in named}
    compared = {
        name: found
        for name, classes in named.items()
        if (found := _compare([(_label(x, name, tasks), _label(y, name, tasks)) for *_, x, y in labels[name]], classes))
    }
    if not compared:
        raise UserError(f"{path_a} and {path_b}: no line has a label in both files")
    own = [(unit, name) for unit in units[False] for name in of_lines(tasks)]
    own += [(unit, name) for unit in units[True] for name in of_pages(tasks)]
    different = (
        Disagreement(page, n, text, task, one, other)
        for (page, n, text, x, y), task in own
        if (one := _label(x, task, tasks)) and (other := _label(y, task, tasks)) and one != other
    )
    n = len(common)
    return Agreement(n, len(pairs), len(a) - n, len(b) - n, compared, tuple(different))


def _tasks_of(path_a: Path, path_b: Path) -> Tasks:
    """The tasks of both files; one that does not say what its labels are has those of the other."""
    a, b = (_told(path) for path in (path_a, path_b))
    if a is not None and b is not None and {**_labels(a)} != {**_labels(b)}:
        here, there = (", ".join(f"{name}: {' '.join(labels)}" for name, labels in _labels(x).items()) for x in (a, b))
        raise UserError(f"{path_a} and {path_b}: labels of other names cannot be compared ({here}; {there})")
    return a or b or SHIPPED


def _labels(tasks: Tasks) -> dict[str, tuple[str, ...]]:
    return {name: task.labels for name, task in tasks.items()}


def _told(path: Path) -> Tasks | None:
    """What a file says of its labels; None: nothing."""
    for number, row in enumerate(read_rows(path), 1):
        try:
            return tasks_of_row(row) if row.get("tasks") is not None else tasks_of_file(path)
        except ValueError as error:
            raise UserError(f"{path}: row {number}: {error}") from error
    return None


def _compared(tasks: Tasks) -> dict[str, tuple[str, ...]]:
    """What is compared: the tasks, and after the types the same as article against noise."""
    named: dict[str, tuple[str, ...]] = {}
    for name in [*of_lines(tasks), *of_pages(tasks)]:
        named[name] = tasks[name].labels
        if name == "type" and tasks[name].keep:
            named["article"] = COARSE
    return named


def _pages(path: Path, tasks: Tasks) -> dict[str, Page]:
    """Page id -> page of a label file."""
    names = {name: task.labels for name, task in tasks.items() if name in TASKS}
    pages: dict[str, Page] = {}
    for number, row in enumerate(read_rows(path), 1):
        try:
            page = page_of_gold(with_labels(row, tasks), f"row {number}", names)
        except (ValueError, UserError) as error:
            raise UserError(f"{path}: row {number}: {error}") from error
        if row.get("lines") is None:
            # A stance row becomes a body line; nobody has judged that type.
            page = page.with_lines(Line(line.text, line.n, None, line.stance) for line in page.lines)
        if page.id in pages:
            raise UserError(f"{path}: row {number}: a second page with id {page.id!r}; ids have to tell the pages apart")
        pages[page.id] = page
    if not pages:
        raise UserError(f"{path}: no labelled pages in it")
    return pages


def _matched(a: Page, b: Page, path_a: Path, path_b: Path) -> list[tuple[str, Line, Line]]:
    """The lines of two versions of a page in pairs; raises `UserError` at the first that differs."""
    for x, y in zip(a.lines, b.lines, strict=False):
        if x.text != y.text:
            same = takewhile(lambda pair: pair[0] == pair[1], zip(x.text, y.text, strict=False))
            start = max(0, len(list(same)) - 20)  # long lines often differ far from their beginning
            mine, other = (_short(f"{'…' if start else ''}{line.text[start:]}") for line in (x, y))
            raise UserError(f"page {a.id!r}, line {x.n}: {path_a} has {mine}, {path_b} has {other}")
    if len(a.lines) != len(b.lines):
        longer, path = (a, path_a) if len(a.lines) > len(b.lines) else (b, path_b)
        line = longer.lines[min(len(a.lines), len(b.lines))]
        raise UserError(f"page {a.id!r}, line {line.n}: only {path} has the line {_short(line.text)}")
    return [(a.id, x, y) for x, y in zip(a.lines, b.lines, strict=True)]


def _label(of: Line | Page, task: str, tasks: Tasks) -> str | None:
    if isinstance(of, Page):
        return of.labels.get(task) if of.labels else None
    if task != "article":
        return of.label(task)
    return None if of.type is None else COARSE[of.type not in tasks["type"].keep]


def _compare(found: Sequence[tuple[str | None, str | None]], labels: Sequence[str]) -> TaskAgreement | None:
    """Scores of pairs of labels; None if no pair has both."""
    from sklearn.metrics import cohen_kappa_score, f1_score

    both = [(x, y) for x, y in found if x and y]
    if not both:
        return None
    a, b = [x for x, _ in both], [y for _, y in both]
    used = [label for label in labels if label in a or label in b]
    f1 = f1_score(a, b, labels=used, average=None, zero_division=0.0)
    return TaskAgreement(
        lines=len(both),
        only_one=sum((x is None) != (y is None) for x, y in found),
        agreement=sum(x == y for x, y in both) / len(both),
        # Chance alone would agree on every line: 0 / 0.
        kappa=float(cohen_kappa_score(a, b, labels=used)) if len(used) > 1 else None,
        f1=dict(zip(used, map(float, f1), strict=True)),
        counts={label: (a.count(label), b.count(label)) for label in used},
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
