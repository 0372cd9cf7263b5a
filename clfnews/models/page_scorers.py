"""What two text scorers say of the lines of a page: one reads the words of a line, one the boxes around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from clfnews.labels import ARTICLE, COARSE, TYPES
from clfnews.models.augment import Augmented
from clfnews.models.base import split_back
from clfnews.models.features.characters import CharTable
from clfnews.models.features.lines import page_table
from clfnews.models.features.paths import path_words
from clfnews.models.forest import log_odds
from clfnews.models.scorer import TextScorer
from clfnews.page import Page

PIECE = 64
"""Pages whose features are computed in one go."""
PATH_LABELS = ("article", "other")
"""The two labels between which the scorer of paths decides."""
KNOWN = 0.6
"""Share of a page's words that the scorer of words must have seen; on other pages it abstains."""
_OPTIONS = {"dim": 16, "epoch": 3}
_FOLDS = 2
_FIRST, _COPIES = 400, 2
"""The scorer of words learns from so many characters of a line, and from so many lines with the same ones and the same type."""


def fit_words(pages: Sequence[Page], seed: int) -> TextScorer:
    """The scorer of words, from all lines that carry a type; what stands on every page teaches no more than twice."""
    seen: Counter[tuple[str, str | None]] = Counter()
    rows = []
    for line in (line for page in pages for line in page.lines if line.type in TYPES):
        row = line.text[:_FIRST], line.type
        seen[row] += 1
        if seen[row] <= _COPIES:
            rows.append(row)
    return TextScorer(TYPES, seed=seed, **_OPTIONS).fit([text for text, _ in rows], [str(label) for _, label in rows])


def fit_paths(pages: Sequence[Page], seed: int) -> TextScorer | None:
    """The scorer of paths, from the distinct ones of each page that have a label; None if there are none."""
    rows: list[tuple[str, str]] = []
    for page in pages:
        rows += dict.fromkeys((line.cues.path, line.type) for line in page.lines if line.cues and line.cues.path and line.type)
    if not rows:
        return None
    article, other = PATH_LABELS
    sides = [article if label in ARTICLE or label == COARSE[0] else other for _, label in rows]
    return TextScorer(PATH_LABELS, seed=seed, **_OPTIONS).fit([path for path, _ in rows], sides)


def folds_of(groups: Sequence[str], seed: int) -> np.ndarray:
    """0 or 1 for each page; pages of one group are in one fold."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names)) % min(_FOLDS, len(names))
    fold_of = dict(zip(names, order.tolist(), strict=True))
    return np.array([fold_of[group] for group in groups], dtype=np.int64)


def scores_out_of_fold(
    pages: Sequence[Page], read: Augmented, folds: np.ndarray, seed: int, *, words: bool, paths: bool
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Per page that is read what both scorers say that saw no page of its fold.

    Parameters: `pages`, which the scorers learn from, and `folds`, one number for each of them (`folds_of`); `read`, those
    pages and their copies; `words` and `paths`: False leaves a scorer out, and its scores are NaN.
    """
    of_words: list[np.ndarray] = [np.zeros(0)] * len(read.pages)
    of_paths: list[np.ndarray] = [np.zeros(0)] * len(read.pages)
    for fold in np.unique(folds):
        fit = [pages[i] for i in np.flatnonzero(folds != fold).tolist()] or list(pages)
        word_scorer = fit_words(fit, seed) if words else None
        path_scorer = fit_paths(fit, seed) if paths else None
        held = np.flatnonzero(folds[read.of] == fold).tolist()
        for at in range(0, len(held), PIECE):
            index = held[at : at + PIECE]
            piece = [read.pages[i] for i in index]
            scores, odds = word_scores(word_scorer, piece, page_table(piece)), path_odds(path_scorer, piece)
            for i, own_scores, own_odds in zip(index, split_back(scores, piece), split_back(odds, piece), strict=True):
                of_words[i], of_paths[i] = own_scores, own_odds
    return of_words, of_paths


def word_scores(scorer: TextScorer | None, pages: Sequence[Page], table: CharTable) -> np.ndarray:
    """Lines x `labels.TYPES`; NaN without a scorer, and on pages of which it knows too few words."""
    n = len(table.length)
    if scorer is None:
        return np.full((n, len(TYPES)), np.nan)
    p = scorer.predict(table)
    sizes = [len(page.lines) for page in pages]
    page = np.repeat(np.arange(len(pages)), sizes)[table.word_line[table.word_text]]
    known = np.bincount(page, scorer.knows(table.word_bucket[table.word_text]), minlength=len(pages))
    share = known / np.maximum(np.bincount(page, minlength=len(pages)), 1)
    p[np.repeat(share < KNOWN, sizes)] = np.nan
    return p


def path_odds(scorer: TextScorer | None, pages: Sequence[Page]) -> np.ndarray:
    """Log-odds of every line's path; NaN without one. Each distinct path is scored once."""
    paths = [line.cues.path if line.cues else "" for page in pages for line in page.lines]
    number: dict[str, int] = {}
    code = np.array([number.setdefault(path, len(number)) for path in paths], dtype=np.int64)
    if scorer is None or not paths:
        return np.full(len(paths), np.nan)
    odds = log_odds(scorer.predict(path_words(list(number)))[:, PATH_LABELS.index("article")])
    if "" in number:
        odds[number[""]] = np.nan
    return odds[code]
