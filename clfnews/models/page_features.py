"""The features of the page model: of lines, of markup, and of what its scorers say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from clfnews.labels import ARTICLE, TYPES, columns_of
from clfnews.models.features.characters import CharTable
from clfnews.models.features.lines import line_columns, page_table
from clfnews.models.features.markup import markup_features
from clfnews.models.features.scores import score_features
from clfnews.models.features.tree import tree_of
from clfnews.models.forest import log_odds
from clfnews.page import Page


@lru_cache(maxsize=1)
def feature_names() -> tuple[str, ...]:
    """Names of the columns of `page_features`."""
    page = [Page.from_lines(["line"])]
    words, paths = np.full((1, len(TYPES)), np.nan), np.full(1, np.nan)
    return page_features(page, page_table(page), words, paths, None, True)[1]


def page_features(
    pages: Sequence[Page], table: CharTable, words: np.ndarray, paths: np.ndarray, idf: np.ndarray | None, boxes: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Lines x features (float32) of text, markup and scorers, and their names.

    Parameters: `table`, the `page_table` of the pages; `words`, lines x
    `labels.TYPES` (`word_scores`), and `paths`, one number a line (`path_odds`);
    `idf` as in `line_columns`; `boxes`: False makes all that markup says NaN.
    """
    own, names = line_columns(pages, words, idf, table)
    counts = np.bincount(table.word_line[table.word_text], minlength=len(table.length)).astype(np.float64)
    tree = tree_of(pages)
    markup, markup_names = markup_features(pages, table, tree)
    odds = log_odds(words[:, columns_of(ARTICLE)].sum(axis=1))
    scores = score_features(pages, odds, counts, tree, "words") | score_features(pages, paths, counts, tree, "paths")
    x = np.concatenate([own, markup, np.stack(list(scores.values()), axis=1).astype(np.float32)], axis=1)
    if not boxes:
        x[:, own.shape[1] : own.shape[1] + markup.shape[1]] = np.nan
    return x, (*names, *markup_names, *scores)
