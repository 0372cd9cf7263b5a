"""The lines that carry a label, flat over all pages, beside what a model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clfnews.labels import TASKS
from clfnews.page import Page


class LabelledLines(NamedTuple):
    """All lines with a label of a task, in the order of the pages."""

    places: np.ndarray
    """Lines x 2: number of the page, and of the line on it, both from 0."""
    gold: np.ndarray
    """Columns of the labels in `TASKS[task]`."""
    p: np.ndarray
    """Lines x labels: probabilities."""


def gold_columns(page: Page, task: str) -> np.ndarray:
    """Column in `TASKS[task]` of the label of every line; -1 for a line without one."""
    labels = TASKS[task]
    return np.array([labels.index(label) if (label := getattr(line, task)) else -1 for line in page.lines], dtype=int)


def labelled_lines(pages: Sequence[Page], task: str, probabilities: Sequence[np.ndarray]) -> LabelledLines:
    """The labelled lines of all pages; `probabilities` has an array of lines x labels for each page."""
    gold = [gold_columns(page, task) for page in pages]
    places = [(i, j) for i, columns in enumerate(gold) for j in np.flatnonzero(columns >= 0).tolist()]
    rows = [p[columns >= 0] for p, columns in zip(probabilities, gold, strict=True)]
    return LabelledLines(
        np.array(places, dtype=int).reshape(-1, 2),
        np.concatenate([columns[columns >= 0] for columns in gold]) if gold else np.zeros(0, dtype=int),
        np.concatenate(rows) if rows else np.zeros((0, len(TASKS[task]))),
    )
