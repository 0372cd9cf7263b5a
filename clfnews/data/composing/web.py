"""Pages of composed sites: an article under a template, as HTML or as the text that a converter makes of it.

Deterministic: page i of a seed is the same whatever else is composed. Articles
and templates are dealt into cells; a page takes both, and its teasers, from one
cell, and the cell is its group.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clfnews.data.composing.articles import Article, Story
from clfnews.data.composing.cells import TextCell
from clfnews.data.composing.converters import text_lines
from clfnews.data.composing.drawing import draw_page
from clfnews.data.composing.labels import html_lines, without_labels
from clfnews.data.composing.site import Site, Stories, Wording
from clfnews.data.composing.templates import Template
from clfnews.errors import UserError
from clfnews.labels import ARTICLE, GUIDELINES_VERSION
from clfnews.page import Line

LANGUAGES = {"vi": 8.0, "en": 5.0}
"""How often a language is drawn; all others once."""
FORM_WEIGHTS = {"html": 11, "blocks": 3, "strings": 2, "markdown": 3, "layout": 1, "glued": 1}
"""How often a page is kept in a form."""
HARD = (
    "list", "digest", "table", "poem", "recipe", "live", "liveblog", "photo", "interview", "brief", "short", "video", "notice",
)  # fmt: skip
HARD_WEIGHT, PICTURES_WEIGHT = 1.5, 3.0
"""Shapes that are taken for noise, because their lines are short, are drawn more often; picture stories most, because lists
that are the article teach that short lines are body."""
CONTAINER = 0.4
"""Share of texts that are cut to the box of the article, as crawls keep it that know their sites."""
BRIEF = 0.05
"""Share of pages with the headline and first paragraph of their article alone."""
ENDS = 0.3
"""Share of these boxes that are followed by the last lines of the page."""
CARDS = 0.2
"""Share of texts in which the headline and summary of another story are one line."""
BARE = 0.2
"""Share of texts that have lost the headlines of other stories, which were links, and kept their summaries."""
LONG = 0.7
"""Share of pages with paragraphs as long as most sites print them: many articles are written in short ones."""
AGAIN = 0.12
"""Share of pages whose story has a paragraph twice: else a line that comes back would always be the site's."""
_ATTEMPTS = 20
"""How often a page is drawn again whose text another has: briefs without their page have few."""
LISTING = 0.06
"""Share of pages without an article."""


@dataclass(frozen=True, slots=True)
class WebCell:
    """The articles and templates that share a group."""

    name: str
    articles: Mapping[str, Sequence[Article]]
    """Language -> articles."""
    templates: Sequence[Template]


@dataclass(frozen=True, slots=True)
class WebPage:
    """A drawn page in one form."""

    id: str
    cell: str
    site: Site
    form: str
    article: Article | None
    html: str
    """With the labels on its elements."""
    lines: tuple[Line, ...]

    def as_row(self) -> dict[str, Any]:
        """The gold row."""
        return {
            "id": self.id,
            "origin": "composed",
            "language": self.site.language,
            "shape": self.article.shape if self.article else "listing",
            "form": self.form,
            "site": f"{self.site.template.name}-{self.site.language}.example",
            "layout": self.site.template.name,
            "article": self.article.id if self.article else None,
            "group": self.cell,
            "date": self.article.date if self.article else None,
            "guidelines": GUIDELINES_VERSION,
            "lines": [
                {"text": line.text, "type": line.type, "stance": None} | ({"cues": line.cues._asdict()} if line.cues else {})
                for line in self.lines
            ],
        }

    @property
    def source(self) -> str:
        """The HTML as the site would send it."""
        return without_labels(self.html)


def load_wording(folder: Path) -> dict[str, Wording]:
    """Language -> its interface words, from `XX.json`; raises `UserError` for a broken file."""
    out = {}
    for path in sorted(folder.glob("*.json")):
        try:
            out[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{path}: not JSON ({error})") from error
    return out


def make_web_cells(
    name: str,
    cells: Sequence[TextCell],
    more: Sequence[Article],
    templates: Sequence[Template],
    n_cells: int,
    alone: int,
    seed: int,
) -> list[WebCell]:
    """Articles (by language) and templates dealt into cells.

    Parameters: `cells` of the text pages: all but `alone` of the new cells take
    the articles of one of these, and its name, so that an article stands in one
    group; `more` articles are dealt to all. Raises `UserError` for fewer templates
    that show an article than cells.
    """
    rng = random.Random(f"{seed}-{name}-web-cells")
    shown = [t for t in templates if not t.listing]
    if len(shown) < n_cells:
        raise UserError(f"{name}: {len(shown)} templates are too few for {n_cells} cells")
    shared = cells[: n_cells - alone]
    names = [cell.name for cell in shared] + [f"{name}-web-{i:02d}" for i in range(len(shared), n_cells)]
    dealt: list[dict[str, list[Article]]] = [{} for _ in names]
    for i, cell in enumerate(shared):
        for article in cell.articles:
            dealt[i].setdefault(article.language, []).append(article)
    by_language: dict[str, list[Article]] = {}
    for article in sorted(more, key=lambda a: a.id):
        by_language.setdefault(article.language, []).append(article)
    for language in sorted(by_language):
        rng.shuffle(by_language[language])
        order = rng.sample(range(n_cells), n_cells)
        for k, article in enumerate(by_language[language]):
            dealt[order[k % n_cells]].setdefault(language, []).append(article)
    of_cell: list[list[Template]] = [[] for _ in names]
    for some in (shown, [t for t in templates if t.listing]):
        mixed = sorted(some, key=lambda t: t.name)
        rng.shuffle(mixed)
        for k, template in enumerate(mixed):
            of_cell[k % n_cells].append(template)
    return [WebCell(*parts) for parts in zip(names, dealt, of_cell, strict=True)]


def compose_web(
    name: str, cells: Sequence[WebCell], wording: Mapping[str, Wording], n_pages: int, seed: int
) -> Iterator[WebPage]:
    """`n_pages` pages of types without stances, the cells in turn; no two have the same text."""
    seen: set[int] = set()
    for i in range(n_pages):
        cell = cells[i % len(cells)]
        for attempt in range(_ATTEMPTS):
            page = _page(f"{name}-web-{i:04d}", cell, wording, random.Random(f"{seed}-{name}-web-{i}-{attempt}"))
            text = hash(tuple(line.text for line in page.lines))
            if text not in seen:
                break
        seen.add(text)
        yield page


def _page(page_id: str, cell: WebCell, wording: Mapping[str, Wording], rng: random.Random) -> WebPage:
    listing = [t for t in cell.templates if t.listing]
    wants_listing = bool(listing) and rng.random() < LISTING
    # A language needs articles here and a template that it can be written in.
    choices = {
        language: [t for t in cell.templates if t.listing == wants_listing and (not t.languages or language in t.languages)]
        for language in cell.articles
        if language in wording
    }
    names = [language for language, templates in choices.items() if templates]
    if not names:
        raise UserError(f"{cell.name}: no template for its languages ({', '.join(sorted(cell.articles))})")
    language = rng.choices(names, [LANGUAGES.get(name, 1.0) for name in names])[0]
    template = rng.choice(choices[language])
    articles = cell.articles[language]
    weights = [PICTURES_WEIGHT if one.shape == "photo" else HARD_WEIGHT if one.shape in HARD else 1.0 for one in articles]
    article = None if wants_listing else rng.choices(articles, weights)[0]
    if article and rng.random() < BRIEF:
        article = article.brief()
    if article and rng.random() < LONG:
        article = article.with_long_paragraphs(round(230 * rng.lognormvariate(0, 0.35)), rng)
    if article and rng.random() < AGAIN:
        article = article.with_line_again(rng)
    return draw(page_id, cell, site_of(cell, template, language, wording), article, stories(articles, article, rng), rng)


def site_of(cell: WebCell, template: Template, language: str, wording: Mapping[str, Wording]) -> Site:
    """The site that all pages of a cell in a language under a template are of."""
    return Site(template, language, wording[language], f"{cell.name}-{template.name}-{language}")


def draw(page_id: str, cell: WebCell, site: Site, article: Article | None, others: Stories, rng: random.Random) -> WebPage:
    """A page of a site in one of its forms; it teases `others`."""
    html = draw_page(site, article, others, rng)
    form = rng.choices(list(FORM_WEIGHTS), list(FORM_WEIGHTS.values()))[0]
    lines = html_lines(html) if form == "html" else text_lines(html, form, rng)
    if form != "html" and rng.random() < CARDS:
        lines = _joined_cards(lines, rng.choice((" ", " ", " - ", ": ")))
    elif form != "html" and rng.random() < BARE:
        lines = [line for line, below in zip(lines, [*lines[1:], None], strict=True) if not (below and _is_card(line, below))]
    if form != "html" and article and rng.random() < CONTAINER:
        lines = _container(lines, rng.randint(2, 9) if rng.random() < ENDS else 0)
    return WebPage(page_id, cell.name, site, form, article, html, tuple(lines))


def _container(lines: Sequence[Line], ends: int) -> list[Line]:
    """The lines from the first to the last of the article, with what stands between them, and the page's last `ends` lines."""
    places = [i for i, line in enumerate(lines) if line.type in ARTICLE]
    if not places:
        return list(lines)
    after = places[-1] + 1
    return [*lines[places[0] : after], *lines[max(after, len(lines) - ends) :]]


def _joined_cards(lines: Sequence[Line], between: str) -> list[Line]:
    """Headlines of other stories with the summaries below them as one line each."""
    out: list[Line] = []
    for line in lines:
        above = out[-1] if out else None
        if above and _is_card(above, line):
            out[-1] = replace(above, text=f"{above.text}{between}{line.text}")
        else:
            out.append(line)
    return out


def _is_card(headline: Line, summary: Line) -> bool:
    """Whether two lines are the headline of another story and its summary."""
    return headline.type == summary.type == "teaser" and 25 <= len(headline.text) <= 140 and len(summary.text) >= 70


def stories(articles: Sequence[Article], article: Article | None, rng: random.Random) -> Stories:
    """Stories to tease: the article's own related ones, and all others of the cell in its language."""
    related = list(article.related) if article else []
    other: list[Story] = []
    for one in articles:
        if one is not article:
            other += [one.as_story(), *one.related]
    rng.shuffle(related)
    rng.shuffle(other)
    return Stories(related, other)
