"""Cells: the articles and layouts that share a group.

Articles and layouts are dealt into cells; a page takes its article, its teasers
and its layout from one cell, and the cell is its group. So no text stands in two
groups, and within a cell the same text is article on one page and teaser on another.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from clfnews.data.composing.articles import Article, Story, split_cells
from clfnews.data.composing.layout import Layout
from clfnews.errors import UserError


@dataclass(frozen=True, slots=True)
class TextCell:
    """The articles and layouts that share a group."""

    name: str
    articles: tuple[Article, ...]
    layouts: tuple[Layout, ...]

    @property
    def stories(self) -> list[Story]:
        own = [article.as_story() for article in self.articles if article.title]
        return own + [story for article in self.articles for story in article.related]


def make_cells(name: str, articles: Sequence[Article], layouts: Sequence[Layout], n_cells: int, seed: int) -> list[TextCell]:
    """Articles and layouts dealt into cells; raises `UserError` if there are too few."""
    if min(len(articles), len(layouts)) < n_cells:
        raise UserError(f"{name}: {len(articles)} articles and {len(layouts)} layouts are too few for {n_cells} cells")
    rng = random.Random(f"{seed}-{name}-cells")
    by_id = {article.id: article for article in articles}
    by_site = {layout.site: layout for layout in layouts}
    article_cells = split_cells(by_id, n_cells, rng)
    # Every cell needs a layout that shows an article.
    shown = split_cells((s for s, layout in by_site.items() if not layout.listing), n_cells, rng)
    listing = split_cells((s for s, layout in by_site.items() if layout.listing), n_cells, rng)
    return [
        TextCell(f"{name}-{i:02d}", tuple(by_id[a] for a in article_cells[i]), tuple(by_site[s] for s in shown[i] + listing[i]))
        for i in range(n_cells)
    ]
