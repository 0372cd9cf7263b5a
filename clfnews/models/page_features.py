"""The features of the page model: of lines, of markup, and of what its scorers say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from clfnews.labels import ARTICLE, TYPES, columns_of
from clfnews.models.features.characters import CharTable
from clfnews.models.features.lines import line_columns, page_table
from clfnews.models.features.markup import markup_features
from clfnews.models.features.openings import odds_of_alike
from clfnews.models.features.reading import reading_features, reading_names
from clfnews.models.features.scores import score_features
from clfnews.models.features.tree import Tree, tree_of
from clfnews.models.features.typical import typical_features, typical_names
from clfnews.models.forest import log_odds
from clfnews.page import Page


@lru_cache(maxsize=1)
def feature_names() -> tuple[str, ...]:
    """Names of the columns of `page_features`."""
    page = [Page.from_lines(["line"])]
    words, paths = np.full((1, len(TYPES)), np.nan), np.full(1, np.nan)
    return page_features(page, page_table(page), tree_of(page), words, paths, None, True)[1]


@lru_cache(maxsize=1)
def columns_of_words() -> np.ndarray:
    """Columns of `page_features` that come from the scorer of words, and are NaN without it."""
    names = feature_names()
    return np.array([i for i, name in enumerate(names) if name.startswith(("score_", "words_")) or name == "words"])


@lru_cache(maxsize=1)
def second_names() -> tuple[str, ...]:
    """Names of the columns that `second_features` adds."""
    page = [Page.from_lines(["line"])]
    around = _odds_around(page, page_table(page), tree_of(page), np.zeros(1))
    return (*reading_names(), *typical_names(), _ALIKE, *around)


def page_features(
    pages: Sequence[Page], table: CharTable, tree: Tree, words: np.ndarray, paths: np.ndarray, idf: np.ndarray | None, boxes: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Lines x features (float32) of text, markup and scorers, and their names.

    Parameters: `table` and `tree`, `page_table` and `tree_of` the pages; `words`, lines x
    `labels.TYPES` (`word_scores`), and `paths`, one number a line (`path_odds`);
    `idf` as in `line_columns`; `boxes`: False makes all that markup says NaN.
    """
    own, names = line_columns(pages, words, idf, table)
    counts = _words_of(table)
    markup, markup_names = markup_features(pages, table, tree)
    odds = log_odds(words[:, columns_of(ARTICLE)].sum(axis=1))
    scores = score_features(pages, odds, counts, tree, "words") | score_features(pages, paths, counts, tree, "paths")
    # Column by column in memory, as the features were made and as networks and trees read them.
    x = np.concatenate([own.T, markup.T, np.stack(list(scores.values())).astype(np.float32)]).T
    if not boxes:
        x[:, own.shape[1] : own.shape[1] + markup.shape[1]] = np.nan
    return x, (*names, *markup_names, *scores)


_ALIKE = "read_odds_of_alike"


def second_features(pages: Sequence[Page], table: CharTable, tree: Tree, p: np.ndarray) -> np.ndarray:
    """Lines x features (float32): what a first reading, `p` (lines x `labels.TYPES`), found on the page and in its boxes."""
    odds = log_odds(p[:, columns_of(ARTICLE)].sum(axis=1))
    around = _odds_around(pages, table, tree, odds)
    sizes = [len(page.lines) for page in pages]
    read = reading_features(p, table.chars, sizes)
    odds_there = np.stack([odds_of_alike(odds, table, sizes), *around.values()]).astype(np.float32)
    # Column by column in memory, as they are read.
    return np.concatenate([read.T, typical_features(p, table, sizes).T, odds_there]).T


def _odds_around(pages: Sequence[Page], table: CharTable, tree: Tree, odds: np.ndarray) -> dict[str, np.ndarray]:
    return score_features(pages, odds, _words_of(table), tree, "read_odds_of")


def _words_of(table: CharTable) -> np.ndarray:
    """Words of each line."""
    return np.bincount(table.word_line[table.word_text], minlength=len(table.length)).astype(np.float64)
