"""More pages of the composed sites: what a crawl of them would have beside the pages of a split.

A site keeps its template, its wording and its habits. Articles come from the
whole split, not from the site's cell alone, which has too few; so these pages
are for memories of sites only: the split's groups do not hold for them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from clfnews.data.composing import pages as text_pages
from clfnews.data.composing import web as web_pages
from clfnews.data.composing.articles import Article
from clfnews.data.composing.cells import make_cells
from clfnews.data.composing.recipe import load_recipe, split_parts, web_cells
from clfnews.data.composing.site import Wording
from clfnews.data.composing.web import WebCell, load_wording
from clfnews.page import Page

SAME_DAYS = 0.5
"""Share of the pages that tease the stories of the site's cell, as the split's own pages do: they are of the same days. The
others tease stories of any days."""


class SitePage(NamedTuple):
    """A further page of a site."""

    site: str
    article: str | None
    """Id of the article on it."""
    page: Page


def more_pages(recipe_path: Path, name: str, n: int, seed: int = 1) -> Iterator[SitePage]:
    """`n` further pages of every site of a split, with distinct articles as long as there are any; the sites in order.

    Raises `UserError` for a recipe and parts that are missing or broken.
    """
    recipe, folder = load_recipe(recipe_path), recipe_path.parent
    parts, split = split_parts(recipe, folder)[name], recipe.splits[name]
    cells = make_cells(name, parts.articles, parts.layouts, split.cells, recipe.seed)
    for cell in cells:
        for layout in cell.layouts:
            rng = random.Random(f"{seed}-{layout.site}")
            everything = replace(cell, articles=tuple(parts.articles))
            articles: Sequence[Article | None] = [None] if layout.listing else _shuffled(parts.articles, rng)
            for i in range(n):
                of = cell if rng.random() < SAME_DAYS else everything
                drawn = text_pages.draw(f"{layout.site}-{i}", of, layout, articles[i % len(articles)], parts.noise, rng)
                site = f"{layout.site}.example"
                yield SitePage(
                    site, drawn.article.id if drawn.article else None, Page(drawn.id, drawn.lines, site=site, date=drawn.date)
                )
    if recipe.web:
        wording = load_wording(folder / recipe.web.wording)
        yield from _of_web(web_cells(recipe, folder, name, cells), wording, n, seed)


def _of_web(cells: Sequence[WebCell], wording: Mapping[str, Wording], n: int, seed: int) -> Iterator[SitePage]:
    everything: dict[str, list[Article]] = {}
    for cell in cells:
        for language, some in cell.articles.items():
            everything.setdefault(language, []).extend(some)
    for cell in cells:
        for template in cell.templates:
            for language in sorted(cell.articles):
                if language not in wording or (template.languages and language not in template.languages):
                    continue
                site = web_pages.site_of(cell, template, language, wording)
                rng = random.Random(f"{seed}-{site.seed}")
                articles = _shuffled(everything[language], rng)
                for i in range(n):
                    article = None if template.listing else articles[i % len(articles)]
                    around = cell.articles[language] if rng.random() < SAME_DAYS else everything[language]
                    drawn = web_pages.draw(f"{site.seed}-{i}", cell, site, article, web_pages.stories(around, article, rng), rng)
                    name = drawn.as_row()["site"]
                    yield SitePage(name, article.id if article else None, Page(drawn.id, drawn.lines, site=name))


def _shuffled(articles: Sequence[Article], rng: random.Random) -> list[Article]:
    out = sorted(articles, key=lambda article: article.id)
    rng.shuffle(out)
    return out
