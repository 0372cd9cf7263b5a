"""Folds across kinds of pages: what single lines teach is tried on articles, and the other way round.

New pages differ from those of training more than the folds of one training
differ from each other. The lines that were written one by one differ from those of
articles about as much: scores across the two are near those on real pages
(experiments/003-stance), and what is chosen by them holds there better.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clfnews.page import Page

LEAST = 200
"""Labelled lines that each kind needs."""


def across_kinds(pages: Sequence[Page], task: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions of the pages to learn from, and of those to predict; none if the labelled lines of a kind are too few."""
    labelled = np.array([sum(line.label(task) is not None for line in page.lines) for page in pages], dtype=int)
    alone = np.array([len(page.lines) == 1 for page in pages], dtype=bool)
    if min(int(labelled[alone].sum()), int(labelled[~alone].sum())) < LEAST:
        return []
    single, longer = np.flatnonzero(alone), np.flatnonzero(~alone)
    return [(single, longer), (longer, single)]
