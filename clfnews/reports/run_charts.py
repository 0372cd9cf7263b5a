"""The charts of a run: precision and recall, calibration, risk and coverage of the models shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from clfnews.evaluation.labelled import labelled_lines
from clfnews.evaluation.predictions import END_TO_END, PREDICTED_SETS, PredictedPart
from clfnews.filtering.decisions import article_probability
from clfnews.labels import columns_of
from clfnews.reports import curves
from clfnews.reports.charts import Chart, line_chart


def run_charts(parts: Mapping[tuple[str, str], PredictedPart]) -> Iterator[Chart]:
    """Charts of each task; `parts` has what is shown by task and set, the sets of a task stand in one chart."""
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
    return lines.p.max(axis=1), part.decided_columns() != lines.gold
