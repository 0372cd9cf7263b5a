"""The report of a run as one HTML file: scores, curves and a browser of its pages.

The file needs nothing from the network. What it shows is collected here as plain
records; `templates/report.html` writes them, and Jinja2 escapes every text. The
only script filters the pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from clfnews.evaluation.labelled import labelled_lines
from clfnews.evaluation.metrics import score_columns
from clfnews.evaluation.predictions import END_TO_END, PREDICTED_SETS, PredictedPart, RunData
from clfnews.evaluation.scores import Scores
from clfnews.filtering.decisions import article_probability
from clfnews.labels import STANCE, Task, as_task, columns_of
from clfnews.page import Line
from clfnews.reports import curves
from clfnews.reports.charts import Chart, line_chart

PAGES_SHOWN = 80
"""Pages of a set, the worst first."""
KINDS = {
    "type": {"noise-kept": "noise kept", "article-lost": "article lost", "wrong-type": "only the type wrong"},
    "stance": {"swap": "conciliatory and hostile swapped", "side-missed": "side missed", "false-side": "side where none is"},
}
"""Task -> kind of error -> how it is called."""
_OWN_KINDS = {"wrong": "wrong label"}
"""The same of a task of the user's labels."""
_STYLES = {
    "wrong": "bad",
    "noise-kept": "bad", "article-lost": "lost", "wrong-type": "kind",
    "swap": "bad", "side-missed": "lost", "false-side": "bad",
}  # fmt: skip
_WEIGHT = {"wrong-type": 0.01}
"""How much an error counts in the order of the pages; others count 1."""
_TASK_TITLES = {"type": "Line types", "stance": "Stance of article lines", END_TO_END: "Stance end to end"}


def _columns(task: str, labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Title and metric of the columns of a task."""
    return (("macro-F1", "end_to_end/stance_macro_f1"),) if task == END_TO_END else score_columns(task, labels)


def _title(task: str) -> str:
    return _TASK_TITLES.get(task, task.capitalize())


def _kinds(spec: Task) -> dict[str, str]:
    return KINDS[spec.name] if spec.keep or spec == STANCE else _OWN_KINDS


class Interval(NamedTuple):
    """A cell: a score and its interval, in small print."""

    value: str
    interval: str


TableCell = str | Interval


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the row with the number `marked` is that of the champion."""

    label: str
    header: Sequence[str]
    rows: Sequence[Sequence[TableCell]]
    marked: int | None = None
    style: str = ""


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The models of a task on one set."""

    table: Table
    signature: str


@dataclass(frozen=True, slots=True)
class PartScores:
    """Scores of a part by label, and for types by site."""

    title: str
    by_label: Table
    by_site: Table | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """Gold labels with, for each predicted label, the number of lines and the shade of the cell (0 to 1)."""

    title: str
    labels: Sequence[str]
    rows: list[tuple[str, list[tuple[int, float]]]]


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a page: what is wrong with it, and how sure the model is."""

    n: int
    text: str
    mark: str
    style: str
    kind: str | None
    """A key of `KINDS`; None if nothing is wrong."""
    p: float


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Lines one below the other; those that were dropped are folded."""

    folded: bool
    lines: list[ShownLine]


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page as the champion of a task sees it."""

    set: str
    """Task and set."""
    kinds: str
    """Kinds of its errors, with spaces between."""
    summary: str
    blocks: list[LineBlock]


def render(run: RunData) -> str:
    """The HTML text of a run's report; the same run gives the same text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("clfnews.reports")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    run = replace(run, parts={key: part for key, part in run.parts.items() if key[2] in PREDICTED_SETS})
    shown = dict(sorted(run.compared().items(), key=lambda item: _place(*item[0])))
    scored = {key: part.scores() for key, part in run.parts.items()}
    browsable = {key: part for key, part in shown.items() if key[0] != END_TO_END}
    return environment.get_template("report.html").render(
        title=f"clfnews: {run.name}",
        subtitle=_subtitle(run),
        leaderboards=[board for task in dict.fromkeys(task for task, _ in shown) for board in _leaderboards(run, task, scored)],
        labels=[_part_scores(part, scored[task, part.model, name]) for (task, name), part in browsable.items()],
        confusions=[_confusion(part) for part in browsable.values()],
        charts=list(_charts(shown)),
        pages_shown=PAGES_SHOWN,
        sets=_test_first(browsable),
        kinds_of_error={part.task: _kinds(part.spec) for part in browsable.values()},
        pages=(page for part in browsable.values() for page in worst_pages(part)),
        settings=Table("Settings", ["setting", "value"], sorted(run.params.items()), style="settings"),
    )


def _place(task: str, name: str) -> tuple[int, int]:
    """Order of tasks and sets, wherever the run was read from."""
    return _order(task), PREDICTED_SETS.index(name) if name in PREDICTED_SETS else len(PREDICTED_SETS)


def _order(task: str) -> int:
    """The shipped tasks come first, then the user's, then stance end to end."""
    return {"type": 0, "stance": 1, END_TO_END: 3}.get(task, 2)


def _test_first(keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(keys, key=lambda key: (_order(key[0]), key[0], key[1] != "test"))


def _subtitle(run: RunData) -> str:
    champions = ", ".join(f"{task}: {name}" for task, name in run.champions.items())
    version, commit = (run.tags.get(f"clfnews.{key}", "unknown") for key in ("version", "git_commit"))
    return f"Run {run.id}. Models shown: {champions}. clfnews {version}, commit {commit[:12]}."


def _with_interval(scores: Scores, name: str) -> TableCell:
    if name not in scores.values:  # of a label that the set does not have
        return ""
    return Interval(f"{scores.values[name]:.3f}", scores.interval(name))


def _leaderboards(run: RunData, task: str, scored: dict[tuple[str, str, str], Scores]) -> Iterator[Leaderboard]:
    """One table a set: two sets have two signatures."""
    spec = next(part.spec for key, part in run.parts.items() if key[0] == task)
    columns = _columns(task, spec.labels)
    metric = columns[0][1]
    out_of_fold = task != END_TO_END
    for name in PREDICTED_SETS:
        of_set = {model: scores for (t, model, s), scores in scored.items() if (t, s) == (task, name)}
        models = sorted(of_set, key=lambda model: (-of_set[model].values[metric], model))
        if not models:
            continue
        rows: list[list[TableCell]] = []
        for model in models:
            oof = run.metrics.get((task, model), {}).get(metric.replace("/", "_oof/", 1))
            last = [f"{oof:.3f}" if oof is not None else ""] if out_of_fold else []
            rows.append([model, *(_with_interval(of_set[model], column) for _, column in columns), *last])
        header = ["model", *(title for title, _ in columns), *(["out of fold"] if out_of_fold else [])]
        champion = models.index(run.champions[task]) if run.champions.get(task) in models else None
        table = Table(f"{_title(task)}, {name}", header, rows, champion)
        yield Leaderboard(table, of_set[models[0]].signature)


def _part_scores(part: PredictedPart, scores: Scores) -> PartScores:
    gold = [line.label(part.label) for page in part.corpus.pages for line in page.lines]
    is_type = bool(part.spec.keep)
    rows: list[list[TableCell]] = []
    for label in part.spec.labels:
        values = [_with_interval(scores, f"{part.task}/{label}_{name}") for name in ("precision", "recall", "f1")]
        dropped = scores.values.get(f"{part.task}/{label}_dropped")
        values += [f"{dropped:.3f}" if dropped is not None else ""] if is_type else []
        rows.append([label, str(gold.count(label)), *values])
    header = ["label", "lines", "precision", "recall", "F1", *(["dropped"] if is_type else [])]
    title = f"{_title(part.task)}, {part.set}, {part.model}"
    # Groups of stances are single articles: nothing to list.
    return PartScores(title, Table(f"{title} by label", header, rows), _sites(part, title) if is_type else None)


def _sites(part: PredictedPart, title: str) -> Table:
    pages: dict[str, list[int]] = {}
    for i, page in enumerate(part.corpus.pages):
        pages.setdefault(page.site or part.corpus.groups[i], []).append(i)
    decided = part.decisions()
    rows = []
    for site, index in pages.items():
        pairs = [
            (line.type in part.spec.keep, found in part.spec.keep)
            for i in index
            for line, found in zip(part.corpus.pages[i].lines, decided[i], strict=True)
            if line.type
        ]
        hits = sum(gold and found for gold, found in pairs)
        kept, wanted = sum(found for _, found in pairs), sum(gold for gold, _ in pairs)
        f1 = 2 * hits / (kept + wanted) if kept + wanted else 1.0
        rows.append((f1, [site, str(len(index)), str(len(pairs)), f"{f1:.3f}", str(kept - hits), str(wanted - hits)]))
    rows.sort(key=lambda row: (row[0], row[1][0]))
    header = ["site", "pages", "lines", "article F1", "noise kept", "article lost"]
    return Table(f"{title} by site", header, [row for _, row in rows])


def _confusion(part: PredictedPart) -> Confusion:
    labels = part.spec.labels
    gold = labelled_lines(part.corpus.pages, part.spec, part.p).gold
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (gold, _decided(part)), 1)
    shades = 0.6 * (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    rows = [list(zip(n, shade, strict=True)) for n, shade in zip(counts.tolist(), shades.tolist(), strict=True)]
    return Confusion(f"{part.task}, {part.set}, {part.model}", labels, list(zip(labels, rows, strict=True)))


def _decided(part: PredictedPart) -> np.ndarray:
    """Column of the label that each labelled line was given."""
    labels = part.spec.labels
    pairs = ((line, found) for page, row in zip(part.corpus.pages, part.decisions(), strict=True)
             for line, found in zip(page.lines, row, strict=True))  # fmt: skip
    return np.array([labels.index(found) for line, found in pairs if line.label(part.label)], dtype=int)


def _charts(parts: dict[tuple[str, str], PredictedPart]) -> Iterator[Chart]:
    for task in dict.fromkeys(task for task, _ in parts if task != END_TO_END):
        of_task = [parts[task, name] for name in reversed(PREDICTED_SETS) if (task, name) in parts]
        if of_task:
            yield from _article_charts(of_task) if task == "type" else _stance_charts(of_task)
            yield _risk_chart(of_task)


def _article_charts(parts: Sequence[PredictedPart]) -> Iterator[Chart]:
    lines = [labelled_lines(part.corpus.pages, part.spec, part.p) for part in parts]
    task = parts[0].spec
    found = [(article_probability(x.p, task), np.isin(x.gold, columns_of(task.keep, task.labels))) for x in lines]
    names, model, threshold = [part.set for part in parts], parts[0].model, parts[0].threshold
    wanted = [(name, *curves.precision_recall(p, y)) for name, (p, y) in zip(names, found, strict=True)]
    marks = [curves.operating_point(p, y, part.threshold) for part, (p, y) in zip(parts, found, strict=True)]
    title, cut = f"Precision and recall of article lines, {model}", f"threshold {threshold:.2f}"
    yield line_chart(title, "recall", "precision", wanted, marks=marks, mark_label=cut)
    calibrated = [(name, *curves.calibration(p, y)) for name, (p, y) in zip(names, found, strict=True)]
    yield line_chart(f"Calibration of p(article), {model}", "p(article)", "share of article lines", calibrated, ideal="ideal")


def _stance_charts(parts: Sequence[PredictedPart]) -> Iterator[Chart]:
    calibrated = [(part.set, *curves.calibration(sure, ~wrong)) for part in parts for sure, wrong in [_sureness(part)]]
    what = parts[0].task
    title = f"Calibration of the {what}, {parts[0].model}"
    yield line_chart(title, "confidence", f"share of right {what}s", calibrated, ideal="ideal")


def _risk_chart(parts: Sequence[PredictedPart]) -> Chart:
    what = f"{parts[0].task}s"
    found = [(part.set, *curves.risk_coverage(*_sureness(part))) for part in parts]
    title = f"Risk and coverage of {what}, {parts[0].model}"
    return line_chart(title, "share of lines covered, surest first", f"share of wrong {what}", found, zoom=True)


def _sureness(part: PredictedPart) -> tuple[np.ndarray, np.ndarray]:
    """Of all labelled lines: the confidence, and whether the label that was given is wrong."""
    lines = labelled_lines(part.corpus.pages, part.spec, part.p)
    return lines.p.max(axis=1), _decided(part) != lines.gold


def worst_pages(part: PredictedPart) -> Iterator[ShownPage]:
    """The pages of a part, at most `PAGES_SHOWN`, the one with the most errors first."""
    scored = []
    decided = part.decisions()
    for i, page in enumerate(part.corpus.pages):
        kinds = [error_kind(part.spec, line, found) for line, found in zip(page.lines, decided[i], strict=True)]
        scored.append((-sum(_WEIGHT.get(kind, 1) for kind in kinds if kind), i, kinds))
    scored.sort(key=lambda row: row[:2])
    for _, i, kinds in scored[:PAGES_SHOWN]:
        yield _shown_page(part, i, decided[i], kinds)


def error_kind(task: Task | str, line: Line, found: str) -> str | None:
    """What is wrong with the label of a line (a key of `KINDS`); None if it is right or not labelled."""
    task = as_task(task)
    gold = line.label(task.name)
    if gold is None or gold == found:
        return None
    if task.keep:
        if (gold in task.keep) == (found in task.keep):
            return "wrong-type"
        return "article-lost" if gold in task.keep else "noise-kept"
    if task != STANCE:
        return "wrong"
    if gold == "neutral":
        return "false-side"
    return "side-missed" if found == "neutral" else "swap"


def _shown_page(part: PredictedPart, i: int, decided: list[str], kinds: list[str | None]) -> ShownPage:
    page, keep = part.corpus.pages[i], part.spec.keep
    p = article_probability(part.p[i], part.spec) if keep else part.p[i].max(axis=1)
    rows = zip(page.lines, decided, kinds, p.tolist(), strict=True)
    folds = groupby(rows, key=lambda row: bool(keep) and row[1] not in keep and row[2] != "article-lost")
    blocks = [LineBlock(folded, [_shown_line(part.spec, *row) for row in group]) for folded, group in folds]
    found = [kind for kind in kinds if kind]
    said = ", ".join(f"{found.count(kind)} {title}" for kind, title in _kinds(part.spec).items() if kind in found) or "all right"
    summary = " · ".join(filter(None, (page.id, page.site, f"{len(page.lines)} lines", said)))
    return ShownPage(f"{part.task}-{part.set}", " ".join(sorted(set(found))), summary, blocks)


def _shown_line(task: Task, line: Line, found: str, kind: str | None, p: float) -> ShownLine:
    gold = line.label(task.name)
    if kind:
        style, mark = _STYLES[kind], f"✗ {_kinds(task)[kind]}: {gold}, not {found}"
    elif task.keep:
        style, mark = ("ok", f"✓ {found}") if found in task.keep else ("", found)
    else:
        style, mark = ("ok", f"✓ {found}") if gold else ("", f"not labelled: {found}")
    return ShownLine(line.n, line.text, mark, style, kind, p)
