"""What is counted on a page, and the scores that are functions of these counts.

Counts are arrays of pages x anything, so that they can be summed over groups of
pages, weighted as a bootstrap draws them (see `scores.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from clfnews.data.corpus import Corpus
from clfnews.evaluation.labelled import by_page, gold_columns, labelled_lines
from clfnews.filtering.decisions import article_probability, decide_types, page_stance
from clfnews.labels import SIDES, STANCE, STANCES, TYPE, TYPES, Task, columns_of
from clfnews.models.base import Probabilities

_BINS = 100
"""Bins of p(article), for precision-recall and calibration."""
_ECE_BINS = 15
_SIDES = columns_of(SIDES, STANCES)

Counts = dict[str, np.ndarray]
"""Name -> array of groups x anything; summed over the first axis."""
Metric = Callable[[Counts], np.ndarray]


def type_counts(corpus: Corpus, probabilities: Probabilities, threshold: float, task: Task = TYPE) -> Counts:
    """Counts of the type task, one row a page."""
    n, k, article = len(corpus), len(task.labels), columns_of(task.keep, task.labels)
    counts = {
        "confusion": np.zeros((n, k, k)),
        "chars": np.zeros((n, 3)),
        "pages": np.zeros((n, 3)),
        "bins": np.zeros((n, _BINS, 3)),
        "brier": np.zeros((n, 2)),
    }
    for i, known, gold, p in by_page(corpus.pages, task, probabilities):
        chars = np.array([len(line.text) for line in corpus.pages[i].lines])[known]
        pred = decide_types(p, threshold, task)
        y, kept = np.isin(gold, article), np.isin(pred, article)
        np.add.at(counts["confusion"][i], (gold, pred), 1)
        counts["chars"][i] = chars[y & kept].sum(), chars[~y & kept].sum(), chars[y & ~kept].sum()
        tp, wrong = (y & kept).sum(), (y ^ kept).sum()
        f1 = 2 * tp / (2 * tp + wrong) if tp + wrong else 1.0
        counts["pages"][i] = 1, f1, f1 < 0.5
        q = article_probability(p, task)
        add_bins(counts["bins"][i], q, y, _BINS)
        counts["brier"][i] = len(q), ((q - y) ** 2).sum()
    return counts


def stance_counts(corpus: Corpus, probabilities: Probabilities, task: Task = STANCE) -> Counts:
    """Counts of the stance task, or another that keeps no lines, over lines with a gold label, one row a page."""
    n, k = len(corpus), len(task.labels)
    counts = {
        "confusion": np.zeros((n, k, k)),
        "confident": np.zeros((n, k, k)),
        "bins": np.zeros((n, _ECE_BINS, 3)),
        "brier": np.zeros((n, 2)),
    }
    top = labelled_lines(corpus.pages, task, probabilities).p.max(axis=1)
    confident = np.quantile(top, 0.4) if len(top) else 0.0
    for i, _, gold, p in by_page(corpus.pages, task, probabilities):
        pred, sure = p.argmax(axis=1), p.max(axis=1)
        np.add.at(counts["confusion"][i], (gold, pred), 1)
        np.add.at(counts["confident"][i], (gold[sure >= confident], pred[sure >= confident]), 1)
        add_bins(counts["bins"][i], sure, pred == gold, _ECE_BINS)
        counts["brier"][i] = len(gold), ((p - np.eye(k)[gold]) ** 2).sum()
    return counts


def end_to_end_counts(corpus: Corpus, keep: Sequence[np.ndarray], probabilities: Probabilities) -> Counts:
    """Counts of stances on the lines that were kept, one row a page; the last row and column stand for no stance."""
    k = len(STANCES)
    confusion, of_pages = np.zeros((len(corpus), k + 1, k + 1)), np.zeros((len(corpus), 2))
    for i, (page, kept, p) in enumerate(zip(corpus.pages, keep, probabilities, strict=True)):
        gold = gold_columns(page, "stance")
        gold[gold < 0] = k
        pred = np.where(kept, p.argmax(axis=1), k) if len(p) else np.zeros(0, dtype=int)
        np.add.at(confusion[i], (gold, pred), 1)
        labelled = gold < k
        if labelled.any():
            wanted = page_stance([line for line in page.lines if line.stance], np.eye(k)[gold[labelled]])
            found = page_stance([line for line, keeps in zip(page.lines, kept, strict=True) if keeps], p[kept])
            of_pages[i] = 1, wanted.label == found.label
    return {"confusion": confusion, "pages": of_pages}


def add_bins(out: np.ndarray, p: np.ndarray, y: np.ndarray, n_bins: int) -> None:
    """Add to bins x 3 of equal width: count, sum of p, sum of y."""
    index = np.minimum((p * n_bins).astype(int), n_bins - 1)
    for column, weight in enumerate((np.ones_like(p), p, y.astype(float))):
        out[:, column] += np.bincount(index, weight, minlength=n_bins)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, 0 where b is 0."""
    out = np.zeros_like(np.asarray(a, dtype=float))
    np.divide(a, b, out=out, where=np.asarray(b) > 0)
    return out


def _prf(confusion: np.ndarray, j: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    tp, predicted, gold = confusion[..., j, j], confusion[..., :, j].sum(-1), confusion[..., j, :].sum(-1)
    return _ratio(tp, predicted), _ratio(tp, gold), _ratio(2 * tp, predicted + gold)


def _macro_f1(confusion: np.ndarray, labels: Sequence[int] | None = None) -> np.ndarray:
    """Mean F1 over the labels that occur as gold or prediction."""
    n = confusion.shape[-1]
    columns = range(n) if labels is None else labels
    f1 = np.stack([_prf(confusion, j)[2] for j in columns], axis=-1)
    used = np.stack([(confusion[..., j, :].sum(-1) + confusion[..., :, j].sum(-1)) > 0 for j in columns], axis=-1)
    return _ratio((f1 * used).sum(-1), used.sum(-1))


def _article(confusion: np.ndarray, task: Task) -> np.ndarray:
    """2 x 2 (article, noise) from the types."""
    sides = columns_of(task.keep, task.labels), columns_of(task.noise, task.labels)
    rows = np.stack([confusion[..., columns, :].sum(-2) for columns in sides], axis=-2)
    return np.stack([rows[..., columns].sum(-1) for columns in sides], axis=-1)


def _ece(bins: np.ndarray) -> np.ndarray:
    """Expected calibration error: mean |confidence - accuracy| over equal-width bins."""
    return _ratio(np.abs(bins[..., 1] - bins[..., 2]).sum(-1), bins[..., 0].sum(-1))


def _ece_of_article(bins: np.ndarray) -> np.ndarray:
    # 100 bins summed into 20 of five: fewer would hide, more would measure noise.
    return _ece(bins.reshape(*bins.shape[:-2], 20, 5, 3).sum(-2))


def _recall_at(bins: np.ndarray, precision: float) -> np.ndarray:
    """Largest recall among the cuts of p whose precision reaches the given one."""
    kept = bins[..., ::-1, 0].cumsum(-1)
    hits = bins[..., ::-1, 2].cumsum(-1)
    recall = _ratio(hits, np.broadcast_to(hits[..., -1:], hits.shape))
    best: np.ndarray = np.where((_ratio(hits, kept) >= precision) & (kept > 0), recall, 0).max(-1)
    return best


def _sides_f1(confusion: np.ndarray) -> np.ndarray:
    """Macro-F1 of the two sides among lines where gold and prediction both take one."""
    return _macro_f1(confusion[..., _SIDES, :][..., _SIDES])


def _swap_rate(confusion: np.ndarray) -> np.ndarray:
    """Share of lines whose side was taken for the other one."""
    one, other = _SIDES
    return _ratio(confusion[..., one, other] + confusion[..., other, one], confusion.sum((-2, -1)))


def type_metrics(task: Task = TYPE) -> dict[str, Metric]:
    """Name -> score of the counts of `type_counts`."""
    noise = columns_of(task.noise, task.labels)
    metrics: dict[str, Metric] = {
        "type/article_f1": lambda c: _prf(_article(c["confusion"], task), 0)[2],
        "type/article_precision": lambda c: _prf(_article(c["confusion"], task), 0)[0],
        "type/article_recall": lambda c: _prf(_article(c["confusion"], task), 0)[1],
        "type/article_char_f1": lambda c: _ratio(2 * c["chars"][..., 0], 2 * c["chars"][..., 0] + c["chars"][..., 1:].sum(-1)),
        "type/page_macro_f1": lambda c: _ratio(c["pages"][..., 1], c["pages"][..., 0]),
        "type/pages_below_half": lambda c: _ratio(c["pages"][..., 2], c["pages"][..., 0]),
        "type/macro_f1": lambda c: _macro_f1(c["confusion"]),
        "type/recall_at_p98": lambda c: _recall_at(c["bins"], 0.98),
        "type/ece": lambda c: _ece_of_article(c["bins"]),
        "type/brier": lambda c: _ratio(c["brier"][..., 1], c["brier"][..., 0]),
    }
    for j, label in enumerate(task.labels):
        for i, part in enumerate(("precision", "recall", "f1")):
            metrics[f"type/{label}_{part}"] = lambda c, j=j, i=i: _prf(c["confusion"], j)[i]  # type: ignore[misc]
        # Share of lines of a noise type that were not kept, whatever type they were given.
        if label not in task.keep:
            metrics[f"type/{label}_dropped"] = lambda c, j=j: _ratio(  # type: ignore[misc]
                c["confusion"][..., j, noise].sum(-1), c["confusion"][..., j, :].sum(-1)
            )
    return metrics


def label_metrics(task: Task = STANCE) -> dict[str, Metric]:
    """Name -> score of the counts of `stance_counts`; what is about sides is of our stance alone."""
    name = task.name
    metrics: dict[str, Metric] = {
        f"{name}/macro_f1": lambda c: _macro_f1(c["confusion"]),
        f"{name}/accuracy": lambda c: _ratio(np.trace(c["confusion"], axis1=-2, axis2=-1), c["confusion"].sum((-2, -1))),
    }
    if task == STANCE:
        metrics |= {
            "stance/sides_f1": lambda c: _sides_f1(c["confusion"]),
            "stance/swap_rate": lambda c: _swap_rate(c["confusion"]),
        }
    metrics |= {
        f"{name}/macro_f1_at_60": lambda c: _macro_f1(c["confident"]),
        f"{name}/ece": lambda c: _ece(c["bins"]),
        f"{name}/brier": lambda c: _ratio(c["brier"][..., 1], c["brier"][..., 0]),
    }
    for j, label in enumerate(task.labels):
        for i, part in enumerate(("precision", "recall", "f1")):
            metrics[f"{name}/{label}_{part}"] = lambda c, j=j, i=i: _prf(c["confusion"], j)[i]  # type: ignore[misc]
    return metrics


END_TO_END_METRICS: dict[str, Metric] = {
    "end_to_end/stance_macro_f1": lambda c: _macro_f1(c["confusion"], range(len(STANCES))),
    # The page's stance against the one its gold lines give by the same rule.
    "end_to_end/page_stance_accuracy": lambda c: _ratio(c["pages"][..., 1], c["pages"][..., 0]),
}
FEW_GROUPS = 10
"""With fewer groups the bootstrap's intervals are too narrow: they leave out zero in up to a fifth of equal pairs."""
HEADLINE = {"type": "type/article_f1", "stance": "stance/macro_f1"}
"""The metric by which the champion of each task is picked."""

SCORE_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "type": (
        ("article F1", "type/article_f1"),
        ("precision", "type/article_precision"),
        ("recall", "type/article_recall"),
        ("F1 by page", "type/page_macro_f1"),
        (f"macro-F1 of {len(TYPES)}", "type/macro_f1"),
    ),
    "stance": (
        ("macro-F1", "stance/macro_f1"),
        ("c-vs-h F1", "stance/sides_f1"),
        ("macro-F1 at 60%", "stance/macro_f1_at_60"),
        ("ECE", "stance/ece"),
    ),
}

_OWN_COLUMNS = (("macro-F1", "macro_f1"), ("accuracy", "accuracy"), ("macro-F1 at 60%", "macro_f1_at_60"), ("ECE", "ece"))


def headline(task: str) -> str:
    """The metric by which the champion of a task is picked."""
    return HEADLINE.get(task, f"{task}/macro_f1")


LOWER = frozenset({"pages_below_half", "ece", "brier", "swap_rate"})
"""Measures, without their task, of which less is better."""


def short(metric: str) -> str:
    """The name of a measure without its task: `article_f1` of `type/article_f1`."""
    return metric.partition("/")[2]


def score_columns(task: str, labels: Sequence[Any] | None = None) -> tuple[tuple[str, str], ...]:
    """Title and metric of the columns of a task's tables; `labels`, if they are not the shipped ones."""
    if task == "type":
        own = f"macro-F1 of {len(labels or TYPES)}"
        return tuple((own if name == "type/macro_f1" else title, name) for title, name in SCORE_COLUMNS["type"])
    if task in SCORE_COLUMNS and labels in (None, STANCES):
        return SCORE_COLUMNS[task]
    return tuple((title, f"{task}/{name}") for title, name in _OWN_COLUMNS)


CHALLENGE = (("same if swapped", "challenge/invariance"), ("minimal pairs", "challenge/minimal_accuracy"))
"""Columns of stance models when the data folder has challenge pairs."""

SETS = ("oof", "validation", "test")
"""What a model is scored on, in the order in which they may decide: the test split is looked at last."""
