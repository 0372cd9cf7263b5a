"""What `drift` counts of pages: cells that are compared, and figures that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from clfnews.evaluation.outputs import KEPT_TYPES, Output, Seen
from clfnews.labels import SIDES, STANCES, TYPES

_CONFIDENCE = np.linspace(0, 1, 11)[1:-1]
_OUTCOME = np.array([0.5, 0.7, 0.9])
_LINES = np.array([1, 2, 4, 8, 16, 32, 64])
"""Edges of the bins of a confidence, of a site's, and of the number of kept lines."""


MAX_LABELS = 10
"""Labels of a task of the user's that are shown, most frequent first; all are compared."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Counts of both sides, pages x cells, and what is shown: name, column above and column below the line, of `shown`."""

    name: str
    cells: tuple[np.ndarray, np.ndarray]
    shown: tuple[np.ndarray, np.ndarray]
    figures: tuple[tuple[str, int, int], ...]


def measures_of(reference: Output, new: Output, rng: np.random.Generator) -> Iterator[Measure]:
    a, b = reference.pages, new.pages

    def one_of(name: str, cells: Sequence[str], of_pages: tuple[list[str], list[str]], figures: dict[str, str]) -> Measure:
        """A measure whose cells are names, one a page; shown are the shares of some: how they are called, and their cell."""
        counts = _one_hot(of_pages[0], cells), _one_hot(of_pages[1], cells)
        shown = tuple(np.column_stack([found, np.ones(len(found))]) for found in counts)
        return Measure(
            name, counts, (shown[0], shown[1]), tuple((title, cells.index(x), len(cells)) for title, x in figures.items())
        )

    yield _confidence(a, b)
    found = [["no article" if not page.kept else "article" for page in side] for side in (a, b)]
    yield one_of("pages without article", ("no article", "article"), (found[0], found[1]), {"no article": "no article"})
    yield _lines(a, b)
    yield from _types(a, b)
    if any(page.stance is not None for page in (*a, *b)):
        of_pages = ([page.stance or "none" for page in a], [page.stance or "none" for page in b])
        yield one_of("page stance", (*STANCES, "none"), of_pages, {f"page {x}": x for x in STANCES})
        yield _shares(
            "line stance", STANCES, [page.stances for page in a], [page.stances for page in b], {f"line {x}": x for x in SIDES}
        )
    for task in sorted({task for page in (*a, *b) for task in page.tasks}):
        labels = ([page.tasks.get(task, "none") for page in a], [page.tasks.get(task, "none") for page in b])
        often = Counter(labels[0] + labels[1])
        yield one_of(f"page {task}", sorted(often), labels, {f"page {task} {x}": x for x, _ in often.most_common(MAX_LABELS)})
    for task in sorted({task for page in (*a, *b) for task in page.line_tasks}):
        yield _labels(f"line {task}", [[page.line_tasks.get(task, {}) for page in side] for side in (a, b)], f"line {task} {{}}")
    yield _words(a, b, rng)
    for name, of_page in (("script", lambda page: page.script), ("language", lambda page: page.language or "unknown")):
        told = [list(map(of_page, side)) for side in (a, b)]
        if set(told[0] + told[1]) != {"unknown"}:
            cells = [cell for cell, _ in Counter(told[0] + told[1]).most_common()]
            yield one_of(name, cells, (told[0], told[1]), {f"{name} {(most := Counter(told[0]).most_common(1)[0][0])}": most})
    if reference.errors is not None and new.errors is not None:
        # A sample of the pages goes with as large a part of the errors.
        unread = [round((side.errors or 0) * len(side.pages) / side.total) for side in (reference, new)]
        records = [["read"] * len(side) + ["unread"] * n for side, n in zip((a, b), unread, strict=True)]
        yield one_of("records that cannot be read", ("read", "unread"), (records[0], records[1]), {"unread records": "unread"})


def _one_hot(names: Sequence[str], cells: Sequence[str]) -> np.ndarray:
    index = {cell: i for i, cell in enumerate(cells)}
    counts = np.zeros((len(names), len(cells)))
    # What is in no cell, such as a stance of another version, counts as the last.
    counts[np.arange(len(names)), [index.get(name, len(cells) - 1) for name in names]] = 1
    return counts


def _binned(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts: np.ndarray = np.eye(len(edges) + 1)[np.digitize(values, edges)]
    return counts


def _confidence(a: Sequence[Seen], b: Sequence[Seen]) -> Measure:
    found = [np.array([page.confidence for page in side if page.kept]) for side in (a, b)]
    cells = [_binned(values, _CONFIDENCE) for values in found]
    shown = [np.column_stack([values, np.ones(len(values))]) for values in found]
    return Measure("expected F1", (cells[0], cells[1]), (shown[0], shown[1]), (("expected F1", 0, 1),))


def _lines(a: Sequence[Seen], b: Sequence[Seen]) -> Measure:
    found = [np.array([page.kept for page in side], dtype=float) for side in (a, b)]
    cells = [_binned(values, _LINES) for values in found]
    shown = [np.column_stack([values, np.ones(len(values))]) for values in found]
    return Measure("kept lines a page", (cells[0], cells[1]), (shown[0], shown[1]), (("kept lines", 0, 1),))


def _shares(name: str, labels: Sequence[str], a: Sequence[Any], b: Sequence[Any], shown: dict[str, str]) -> Measure:
    """A measure of lines, many a page."""
    cells = [np.array(side, dtype=float).reshape(len(side), len(labels)) for side in (a, b)]
    with_sum = [np.column_stack([counts, counts.sum(axis=1)]) for counts in cells]
    figures = tuple((title, labels.index(label), len(labels)) for title, label in shown.items())
    return Measure(name, (cells[0], cells[1]), (with_sum[0], with_sum[1]), figures)


def _types(a: Sequence[Seen], b: Sequence[Seen]) -> Iterator[Measure]:
    """Types of kept lines; those that the shipped filter keeps if there are no others."""
    found = [[page.types for page in side] for side in (a, b)]
    known = {label for side in found for counts in side for label in counts}
    if known - set(TYPES):
        yield _labels("kept lines by type", found, "{} lines")
    elif known or any(page.stance is not None for page in (*a, *b)):
        cells = [[tuple(counts.get(label, 0) for label in KEPT_TYPES) for counts in side] for side in found]
        yield _shares("kept lines by type", KEPT_TYPES, cells[0], cells[1], {"title lines": "title"})


def _labels(name: str, found: Sequence[Sequence[Mapping[str, int]]], title: str) -> Measure:
    """A measure of lines by labels of the user's."""
    often: Counter[str] = Counter()
    for counts in chain.from_iterable(found):
        often.update(counts)
    labels = sorted(often)
    cells = [[tuple(counts.get(label, 0) for label in labels) for counts in side] for side in found]
    return _shares(name, labels, cells[0], cells[1], {title.format(x): x for x, _ in often.most_common(MAX_LABELS)})


def _words(a: Sequence[Seen], b: Sequence[Seen], rng: np.random.Generator) -> Measure:
    """Words that half of the reference does not have, of its other half and of the new pages: both know it equally well."""
    order = rng.permutation(len(a)).tolist()
    known = np.unique(np.concatenate([np.zeros(1, dtype=np.uint32), *(a[i].words for i in order[: len(a) // 2])]))

    def counts(pages: Iterable[Seen]) -> list[tuple[int, int]]:
        places = ((page, np.searchsorted(known, page.words)) for page in pages)
        found = ((len(page.words), int((known.take(at, mode="clip") == page.words).sum())) for page, at in places)
        return [(old, n - old) for n, old in found]

    return _shares(
        "words", ("known", "unknown"), counts(a[i] for i in order[len(a) // 2 :]), counts(b), {"unknown words": "unknown"}
    )


def site_measure(name: str, a: Sequence[Seen], b: Sequence[Seen]) -> Measure:
    """What became of the pages of a site: no article, or how sure the filter is."""
    cells = [_outcomes(side) for side in (a, b)]
    shown = [
        np.array([[page.confidence * bool(page.kept), page.kept > 0, page.kept == 0, 1] for page in side], dtype=float)
        for side in (a, b)
    ]
    return Measure(name, (cells[0], cells[1]), (shown[0], shown[1]), (("expected F1", 0, 1), ("no article", 2, 3)))


def _outcomes(pages: Sequence[Seen]) -> np.ndarray:
    """Pages x (no article, and bins of the expected F1)."""
    sure = _binned(np.array([page.confidence for page in pages]), _OUTCOME)
    none = np.array([[not page.kept] for page in pages], dtype=float)
    return np.column_stack([none, sure * (1 - none)])
