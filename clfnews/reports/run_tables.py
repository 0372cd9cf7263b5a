"""The tables of a run in its report: leaderboards, scores by label and by site, confusions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clfnews.evaluation.labelled import labelled_lines
from clfnews.evaluation.metrics import score_columns
from clfnews.evaluation.predictions import END_TO_END, PREDICTED_SETS, PredictedPart, RunData
from clfnews.evaluation.scores import Scores

_TASK_TITLES = {"type": "Line types", "stance": "Stance of article lines", END_TO_END: "Stance end to end"}


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


def leaderboards(run: RunData, task: str, scored: dict[tuple[str, str, str], Scores]) -> Iterator[Leaderboard]:
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


def part_scores(part: PredictedPart, scores: Scores) -> PartScores:
    """Scores of a part by label; those of types by site too."""
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


def confusion(part: PredictedPart) -> Confusion:
    """How often each label was taken for each other."""
    labels = part.spec.labels
    gold = labelled_lines(part.corpus.pages, part.spec, part.p).gold
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (gold, part.decided_columns()), 1)
    shades = 0.6 * (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    rows = [list(zip(n, shade, strict=True)) for n, shade in zip(counts.tolist(), shades.tolist(), strict=True)]
    return Confusion(f"{part.task}, {part.set}, {part.model}", labels, list(zip(labels, rows, strict=True)))


def _columns(task: str, labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Title and metric of the columns of a task."""
    return (("macro-F1", "end_to_end/stance_macro_f1"),) if task == END_TO_END else score_columns(task, labels)


def _title(task: str) -> str:
    return _TASK_TITLES.get(task, task.capitalize())


def _with_interval(scores: Scores, name: str) -> TableCell:
    if name not in scores.values:  # of a label that the set does not have
        return ""
    return Interval(f"{scores.values[name]:.3f}", scores.interval(name))
