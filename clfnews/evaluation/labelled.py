"""The lines that carry a label, flat over all pages, beside what a model says of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from clfnews.labels import Task, as_task
from clfnews.page import Page


class LabelledLines(NamedTuple):
    """All lines with a label of a task, in the order of the pages."""

    places: np.ndarray
    """Lines x 2: number of the page, and of the line on it, both from 0."""
    gold: np.ndarray
    """Columns of the labels of the task."""
    p: np.ndarray
    """Lines x labels: probabilities."""


def gold_columns(page: Page, task: Task | str) -> np.ndarray:
    """Column among the labels of the task of the label of every line; -1 for a line without one."""
    name, labels = as_task(task).name, as_task(task).labels
    return np.array([labels.index(label) if (label := line.label(name)) else -1 for line in page.lines], dtype=int)


class PageLines(NamedTuple):
    """The labelled lines of one page."""

    number: int
    """Of the page, from 0."""
    known: np.ndarray
    """Which of the lines of the page they are: a mask."""
    gold: np.ndarray
    p: np.ndarray


def by_page(pages: Sequence[Page], task: Task | str, probabilities: Sequence[np.ndarray]) -> Iterator[PageLines]:
    """The labelled lines of each page that has any."""
    for i, (page, p) in enumerate(zip(pages, probabilities, strict=True)):
        gold = gold_columns(page, task)
        known = gold >= 0
        if known.any():
            yield PageLines(i, known, gold[known], p[known])


def labelled_lines(pages: Sequence[Page], task: Task | str, probabilities: Sequence[np.ndarray]) -> LabelledLines:
    """The labelled lines of all pages; `probabilities` has an array of lines x labels for each page."""
    gold = [gold_columns(page, task) for page in pages]
    places = [(i, j) for i, columns in enumerate(gold) for j in np.flatnonzero(columns >= 0).tolist()]
    rows = [p[columns >= 0] for p, columns in zip(probabilities, gold, strict=True)]
    return LabelledLines(
        np.array(places, dtype=int).reshape(-1, 2),
        np.concatenate([columns[columns >= 0] for columns in gold]) if gold else np.zeros(0, dtype=int),
        np.concatenate(rows) if rows else np.zeros((0, len(as_task(task).labels))),
    )
