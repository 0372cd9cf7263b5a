"""Scores of a finished filter on a labelled file."""

from __future__ import annotations

from dataclasses import replace

from clfnews.dataset import Corpus
from clfnews.errors import UserError
from clfnews.evaluate import Bootstrap, Scores, keep_mask, score_end_to_end, score_stance, score_type
from clfnews.filter import PageFilter
from clfnews.labels import ARTICLE
from clfnews.page import Page


def evaluate_filter(page_filter: PageFilter, corpus: Corpus, bootstrap: Bootstrap | None = None) -> list[Scores]:
    """All scores the labels of the corpus allow: type, stance, stance end to end.

    Pages of a single body line (stance rows) have no page to be found in; they
    get stance scores only. Raises `UserError` if there are no labels at all.
    """
    bootstrap = bootstrap or Bootstrap()
    scores = []
    whole_pages = any(line.type not in ARTICLE for page in corpus.pages for line in page.lines if line.type)
    if whole_pages:
        p = page_filter.type_task.predict(corpus.pages)
        scores.append(score_type(corpus, p, page_filter.threshold, bootstrap))
    if corpus.has("stance") and page_filter.stance_task is not None:
        articles = [_gold_article(page) for page in corpus.pages]
        gold = replace(corpus, pages=tuple(articles))
        p_stance = page_filter.stance_task.predict(articles)
        scores.append(score_stance(gold, p_stance, bootstrap))
        if whole_pages:
            keep = [keep_mask(rows, page_filter.threshold) for rows in p]
            scores.append(score_end_to_end(corpus, keep, page_filter.stance_task.predict(corpus.pages), bootstrap))
    if not scores:
        raise UserError(f"{corpus.name}: no labels of lines that this filter predicts")
    return scores


def trained_on(page_filter: PageFilter, corpus: Corpus) -> bool:
    """Whether these are the very pages that a model of the filter learnt from."""
    data: dict[str, str] = page_filter.info.get("data", {})
    return corpus.digest in {digest for part, digest in data.items() if part.endswith("/train")}


def _gold_article(page: Page) -> Page:
    """The page's article as labelled: what the stance model reads when no filter is in front."""
    return page.with_lines(line for line in page.lines if line.type in ARTICLE)
