"""Figures of a model on the test split, for the tracking store: confusion, precision and recall, risk and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clfnews.evaluation.labelled import labelled_lines
from clfnews.filtering.decisions import article_probability, decide_types
from clfnews.labels import columns_of
from clfnews.reports.curves import precision_recall, risk_coverage

if TYPE_CHECKING:
    from clfnews.data.corpus import Splits
    from clfnews.evaluation.results import Result


def figures(splits: Splits, result: Result) -> dict[str, Any]:
    """File name -> matplotlib figure: confusion matrix, and for types precision-recall."""
    from matplotlib.figure import Figure

    task, labels = result.fitted.task, result.fitted.task.labels
    _, gold, p = labelled_lines(splits.test.pages, task, result.test_p)
    pred = decide_types(p, result.threshold, task) if task.keep else p.argmax(axis=1)
    confusion = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(confusion, (gold, pred), 1)
    figure = Figure(figsize=(1.6 + 0.8 * len(labels), 1.4 + 0.7 * len(labels)), layout="constrained")
    _draw_confusion(figure.subplots(), confusion, labels, f"{result.task} {result.name}, test")
    out = {"confusion.png": figure}
    curve = Figure(figsize=(6, 4.5), layout="constrained")
    axes = curve.subplots()
    if task.keep:
        _draw_precision_recall(axes, article_probability(p, task), np.isin(gold, columns_of(task.keep, labels)))
        out["precision_recall.png"] = curve
    else:
        _draw_risk_coverage(axes, p.max(axis=1), pred != gold)
        out["risk_coverage.png"] = curve
    return out


def _draw_confusion(axes: Any, confusion: np.ndarray, labels: Sequence[str], title: str) -> None:
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="gold", title=title)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    for i, row in enumerate(confusion):
        for j, n in enumerate(row):
            axes.text(j, i, str(n), ha="center", va="center", color="white" if share[i, j] > 0.5 else "black")


def _draw_precision_recall(axes: Any, p: np.ndarray, gold: np.ndarray) -> None:
    axes.plot(*precision_recall(p, gold))
    axes.set(xlabel="recall of article lines", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01), title="precision-recall, test")
    axes.grid(alpha=0.3)


def _draw_risk_coverage(axes: Any, sure: np.ndarray, wrong: np.ndarray) -> None:
    axes.plot(*risk_coverage(sure, wrong))
    axes.set(
        xlabel="coverage (most confident lines first)", ylabel="share of wrong labels", ylim=(0, 1), title="risk-coverage, test"
    )
    axes.grid(alpha=0.3)
