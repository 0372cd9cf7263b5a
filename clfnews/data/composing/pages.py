"""Composed pages: an article under a site layout, with other articles as teasers.

Deterministic: page i of a seed is the same whatever else is composed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clfnews.data.composing.articles import Article
from clfnews.data.composing.cells import TextCell
from clfnews.data.composing.corruption import make_mistakes
from clfnews.data.composing.layout import Layout, LayoutRow, Lede, LiteralLine, OptionalRows, Tags, Teasers, Title
from clfnews.data.composing.page_texts import PageTexts
from clfnews.data.composing.text_body import body_lines
from clfnews.data.composing.wording import time_text
from clfnews.labels import GUIDELINES_VERSION
from clfnews.page import Line, normalise

NoisePool = dict[str, list[str]]
"""Type -> texts that may be strewn into any page."""


@dataclass(frozen=True, slots=True)
class ComposedPage:
    """A labelled page and where its parts come from."""

    id: str
    cell: str
    layout: Layout
    article: Article | None
    date: str
    lines: tuple[Line, ...]

    def as_row(self) -> dict[str, Any]:
        """The gold row."""
        return {
            "id": self.id,
            "origin": "composed",
            "site": f"{self.layout.site}.example",
            "layout": self.layout.site,
            "article": self.article.id if self.article else None,
            "group": self.cell,
            "date": self.date,
            "guidelines": GUIDELINES_VERSION,
            "lines": [{"text": line.text, "type": line.type, "stance": line.stance} for line in self.lines],
        }


def compose(name: str, cells: Sequence[TextCell], noise: NoisePool, n_pages: int, seed: int) -> Iterator[ComposedPage]:
    """`n_pages` pages, the cells in turn."""
    for i in range(n_pages):
        cell = cells[i % len(cells)]
        round_ = i // len(cells)
        rng = random.Random(f"{seed}-{name}-{i}")
        layout = cell.layouts[round_ % len(cell.layouts)]
        # Coprime steps bring every article under every layout before a pair repeats.
        article = None if layout.listing else cell.articles[(round_ + round_ // len(cell.articles)) % len(cell.articles)]
        yield draw(f"{name}-{i:04d}", cell, layout, article, noise, rng)


def draw(
    page_id: str, cell: TextCell, layout: Layout, article: Article | None, noise: NoisePool, rng: random.Random
) -> ComposedPage:
    """A page of a layout; it teases the stories of the cell."""
    return _Composer(cell, layout, article, noise, rng).page(page_id)


class _Composer:
    """Writes one page; `lines` grows from top to bottom."""

    def __init__(self, cell: TextCell, layout: Layout, article: Article | None, noise: NoisePool, rng: random.Random) -> None:
        self.cell, self.layout, self.article, self.noise, self.rng = cell, layout, article, noise, rng
        self.texts = PageTexts(cell, layout, article, rng)
        self.lines: list[Line] = []

    def page(self, page_id: str) -> ComposedPage:
        self._write(self.layout.rows)
        lines = make_mistakes(self.lines, self.noise, self.rng)
        clean = ((line, normalise(line.text)) for line in lines)
        numbered = [Line(text, n, line.type, line.stance) for n, (line, text) in enumerate(((a, t) for a, t in clean if t), 1)]
        date = f"{self.texts.when:%Y-%m-%d %H:%M}"
        return ComposedPage(page_id, self.cell.name, self.layout, self.article, date, tuple(numbered))

    def _write(self, rows: Sequence[LayoutRow]) -> None:
        for row in rows:
            if self.rng.random() >= row.p:
                continue
            if isinstance(row, OptionalRows):
                self._write(row.rows)
            elif isinstance(row, LiteralLine):
                self._add(row.type, self.texts.fill(row.text))
            elif isinstance(row, Teasers):
                self._teasers(row)
            elif self.article is None:
                continue
            elif isinstance(row, Tags):
                self._tags(row, self.article)
            elif isinstance(row, Title):
                self._article_line(self.article, "title", upper=row.upper)
            elif isinstance(row, Lede):
                self._article_line(self.article, "lede")
            else:
                self.lines.extend(line for line in body_lines(self.article, row, self.texts, self.rng) if line.text.strip())

    def _add(self, kind: str, text: str, stance: str | None = None) -> None:
        if text.strip():
            self.lines.append(Line(text, 0, kind, stance))

    def _article_line(self, article: Article, which: str, upper: bool = False) -> None:
        kind = "title" if which == "title" else "body"
        line = next((line for line in article.lines if line.type == kind), None)
        if line is not None:
            text = line.text.upper() if upper else line.text
            # The site's dateline, unless the article has one of its own.
            if which == "lede" and self.layout.prefix and not re.match(r"\(|[A-ZĐ. ]{3,} [-–]", text):
                text = f"{self.layout.prefix} {text}"
            self._add(kind, text, line.stance)

    def _teasers(self, row: Teasers) -> None:
        style = row.time or self.rng.choice(("ago", "clock", "date", "datetime", "short"))
        cut = self.rng.random() < 0.25
        for rank in range(1, self.rng.randint(row.low, row.high) + 1):
            story = self.texts.next_story(row.source)
            values = {
                "title": story.title,
                "summary": self.texts.summary(story, cut),
                "section": story.section or self.texts.values["section2"],
                "time": time_text(self.texts.when, style, self.rng),
                "rank": str(rank),
            }
            for part in row.form:
                if "{summary}" in part.text and not values["summary"]:
                    continue
                self._add(part.type, self.texts.fill(part.text, **values))

    def _tags(self, row: Tags, article: Article) -> None:
        tags = list(article.tags) or [self.texts.values["section"]]
        tags += [word.lower() for word in tags[: self.rng.randrange(3)]]
        tags = tags[: max(1, self.rng.randint(row.low, row.high))]
        if row.join is not None:
            self._add(row.type, row.join.join(tags))
        else:
            for tag in tags:
                self._add(row.type, self.texts.fill(row.form, tag=tag))
