"""figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clfnews.filtering.decisions import article_probability, decide_types
from clfnews.labels import TASKS

if TYPE_CHECKING:
    from clfnews.data.corpus import Splits
    from clfnews.evaluation.results import Result


def figures(splits: Splits, result: Result) -> dict[str, Any]:
    """File name -> matplotlib figure: confusion matrix, and for types precision-recall."""
    from matplotlib.figure import Figure

    labels = TASKS[result.task]
    gold, p = _test_lines(splits, result)
    pred = decide_types(p, result.threshold) if result.task == "type" else p.argmax(axis=1)
    confusion = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(confusion, (gold, pred), 1)
    figure = Figure(figsize=(1.6 + 0.8 * len(labels), 1.4 + 0.7 * len(labels)), layout="constrained")
    _draw_confusion(figure.subplots(), confusion, labels, f"{result.task} {result.name}, test")
    out = {"confusion.png": figure}
    curve = Figure(figsize=(6, 4.5), layout="constrained")
    axes = curve.subplots()
    if result.task == "type":
        _draw_precision_recall(axes, article_probability(p), gold < 2)
        out["precision_recall.png"] = curve
    else:
        _draw_risk_coverage(axes, p.max(axis=1), pred != gold)
        out["risk_coverage.png"] = curve
    return out


def _test_lines(splits: Splits, result: Result) -> tuple[np.ndarray, np.ndarray]:
    labels = TASKS[result.task]
    gold, rows = [], []
    for page, p in zip(splits.test.pages, result.test_p, strict=True):
        for line, row in zip(page.lines, p, strict=True):
            label = getattr(line, result.task)
            if label:
                gold.append(labels.index(label))
                rows.append(row)
    return np.array(gold, dtype=int), np.array(rows).reshape(-1, len(labels))


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
    order = np.argsort(-p, kind="stable")
    hits = gold[order].cumsum()
    axes.plot(hits / max(gold.sum(), 1), hits / np.arange(1, len(p) + 1))
    axes.set(xlabel="recall of article lines", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01), title="precision-recall, test")
    axes.grid(alpha=0.3)


def _draw_risk_coverage(axes: Any, sure: np.ndarray, wrong: np.ndarray) -> None:
    order = np.argsort(-sure, kind="stable")
    n = np.arange(1, len(sure) + 1)
    axes.plot(n / max(len(sure), 1), wrong[order].cumsum() / n)
    axes.set(
        xlabel="coverage (most confident lines first)", ylabel="share of wrong stances", ylim=(0, 1), title="risk-coverage, test"
    )
    axes.grid(alpha=0.3)
