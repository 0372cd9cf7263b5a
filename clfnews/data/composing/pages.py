"""Composed pages: an article under a site layout, with other articles as teasers.

Deterministic: page i of a seed is the same whatever else is composed. Articles
and layouts are dealt into cells; a page takes its article, its teasers and its
layout from one cell, and the cell is its group. So no text stands in two groups,
and within a cell the same text is article on one page and teaser on another.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from clfnews.data.composing.articles import Article, Story, split_cells
from clfnews.data.composing.corruption import make_mistakes
from clfnews.data.composing.layout import (
    PLACEHOLDER,
    Body,
    Layout,
    LayoutRow,
    Lede,
    LiteralLine,
    OptionalRows,
    Tags,
    Teasers,
    Title,
)
from clfnews.data.composing.wording import (
    AGENCIES,
    AUTHORS,
    BOX_HEADINGS,
    BOX_MARKS,
    CAPTION_HABITS,
    CREDIT,
    SECTIONS,
    WEEKDAYS,
    break_at_name,
    caption_text,
    long_paragraphs,
    photo_credit,
    time_text,
)
from clfnews.errors import UserError
from clfnews.labels import GUIDELINES_VERSION
from clfnews.page import Line, normalise

_RELATED = LiteralLine("teaser", "{related}")
NoisePool = dict[str, list[str]]
"""Type -> texts that may be strewn into any page."""


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


def compose(name: str, cells: Sequence[TextCell], noise: NoisePool, n_pages: int, seed: int) -> Iterator[ComposedPage]:
    """`n_pages` pages, the cells in turn."""
    for i in range(n_pages):
        cell = cells[i % len(cells)]
        round_ = i // len(cells)
        rng = random.Random(f"{seed}-{name}-{i}")
        layout = cell.layouts[round_ % len(cell.layouts)]
        # Coprime steps bring every article under every layout before a pair repeats.
        article = None if layout.listing else cell.articles[(round_ + round_ // len(cell.articles)) % len(cell.articles)]
        yield _Composer(cell, layout, article, noise, rng).page(f"{name}-{i:04d}")


@dataclass
class _Composer:
    """Writes one page; `lines` grows from top to bottom."""

    cell: TextCell
    layout: Layout
    article: Article | None
    noise: NoisePool
    rng: random.Random
    lines: list[Line] = field(default_factory=list)
    queues: dict[str, list[Story]] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    when: datetime = datetime(2020, 1, 1)

    def page(self, page_id: str) -> ComposedPage:
        self._set_values()
        self.queues = self._story_queues()
        self._write(self.layout.rows)
        lines = make_mistakes(self.lines, self.noise, self.rng)
        clean = ((line, normalise(line.text)) for line in lines)
        numbered = [Line(text, n, line.type, line.stance) for n, (line, text) in enumerate(((a, t) for a, t in clean if t), 1)]
        return ComposedPage(page_id, self.cell.name, self.layout, self.article, f"{self.when:%Y-%m-%d %H:%M}", tuple(numbered))

    # --- values -------------------------------------------------------------

    def _set_values(self) -> None:
        rng, article = self.rng, self.article
        try:
            self.when = datetime.strptime(article.date if article else "", "%Y-%m-%d %H:%M")
        except ValueError:
            self.when = datetime(2008, 1, 1, 6) + timedelta(minutes=rng.randrange(60 * 24 * 365 * 18))
        when, now = self.when, self.when + timedelta(minutes=rng.randrange(5, 60 * 24 * 400))
        self.values = {
            "dd": f"{when:%d}", "d": str(when.day), "mm": f"{when:%m}", "m": str(when.month),
            "yyyy": str(when.year), "yy": f"{when:%y}", "HH": f"{when:%H}", "MM": f"{when:%M}",
            "weekday": WEEKDAYS[when.weekday()], "now": f"{WEEKDAYS[now.weekday()]}, {now:%d/%m/%Y %H:%M}",
            "site": self.layout.site, "title": article.title if article else self.layout.name,
            "lede": article.lede if article else "",
            "section": (article.section if article else "") or rng.choice(SECTIONS), "section2": rng.choice(SECTIONS),
            "author": (article.author if article else "") or rng.choice(AUTHORS), "source": rng.choice(AGENCIES),
            "topic_tag": rng.choice(article.tags) if article and article.tags else rng.choice(SECTIONS),
        }  # fmt: skip

    def _fill(self, text: str, **extra: str) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name == "n":
                return str(self.rng.randrange(1, 60))
            if name == "N":
                return f"{self.rng.randrange(1_000, 900_000):,}".replace(",", self.rng.choice(".,"))
            if name in ("teaser", "related"):
                return self._next_story("mixed" if name == "teaser" else name).title
            return extra.get(name, self.values.get(name, match[0]))

        return PLACEHOLDER.sub(value, text)

    def _story_queues(self) -> dict[str, list[Story]]:
        """Stories for each source, shuffled, without the page's own."""
        own = self.article.title if self.article else None
        others = [story for story in self.cell.stories if story.title != own]
        related = list(self.article.related) if self.article else []
        same = {story.title for story in related}
        rest = [story for story in others if story.title not in same]
        for stories in (related, rest):
            self.rng.shuffle(stories)
        mixed = related[:] + rest[: max(6, len(related))]
        self.rng.shuffle(mixed)
        return {"related": related + rest, "other": rest, "mixed": mixed + rest}

    def _next_story(self, source: str) -> Story:
        queue = self.queues[source]
        if not queue:
            return Story(self.layout.name, "", self.values["section2"])
        queue.append(queue.pop(0))
        return queue[-1]

    # --- rows ---------------------------------------------------------------

    def _write(self, rows: Sequence[LayoutRow]) -> None:
        for row in rows:
            if self.rng.random() >= row.p:
                continue
            if isinstance(row, OptionalRows):
                self._write(row.rows)
            elif isinstance(row, LiteralLine):
                self._add(row.type, self._fill(row.text))
            elif isinstance(row, Teasers):
                self._teasers(row)
            elif self.article is None:
                continue
            elif isinstance(row, Tags):
                self._tags(row)
            elif isinstance(row, Title):
                self._article_line("title", upper=row.upper)
            elif isinstance(row, Lede):
                self._article_line("lede")
            else:
                self._body(row)

    def _add(self, kind: str, text: str, stance: str | None = None) -> None:
        if text.strip():
            self.lines.append(Line(text, 0, kind, stance))

    def _article_line(self, which: str, upper: bool = False) -> None:
        assert self.article is not None
        kind = "title" if which == "title" else "body"
        line = next((line for line in self.article.lines if line.type == kind), None)
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
            story = self._next_story(row.source)
            values = {
                "title": story.title, "summary": self._summary(story, cut), "section": story.section or self.values["section2"],
                "time": time_text(self.when, style, self.rng), "rank": str(rank),
            }  # fmt: skip
            for part in row.form:
                if "{summary}" in part.text and not values["summary"]:
                    continue
                self._add(part.type, self._fill(part.text, **values))

    def _summary(self, story: Story, cut: bool) -> str:
        text, words = story.summary, story.summary.split()
        if cut and len(words) > 24:
            text = " ".join(words[: self.rng.randrange(14, 24)]) + self.rng.choice(("...", "…", " ..."))
        if text and self.layout.prefix and self.rng.random() < 0.7 and not text.startswith("("):
            text = f"{self.layout.prefix} {text}"
        return text

    def _tags(self, row: Tags) -> None:
        assert self.article is not None
        tags = list(self.article.tags) or [self.values["section"]]
        tags += [word.lower() for word in tags[: self.rng.randrange(3)]]
        tags = tags[: max(1, self.rng.randint(row.low, row.high))]
        if row.join is not None:
            self._add(row.type, row.join.join(tags))
        else:
            for tag in tags:
                self._add(row.type, self._fill(row.form, tag=tag))

    # --- the article's own lines ----------------------------------------------

    def _body(self, row: Body) -> None:
        assert self.article is not None
        lines = [line for line in self.article.lines if line.type != "title"]
        lede = next((i for i, line in enumerate(lines) if line.type == "body"), None)
        if lede is not None:
            del lines[lede]
        if self.rng.random() < 0.6:
            lines = long_paragraphs(lines, self.rng.randrange(160, 320))
        body = [i for i, line in enumerate(lines) if line.type == "body"]
        places: dict[int, list[LiteralLine]] = {}
        for insert in row.inserts:
            if body and self.rng.random() < 0.5:
                places.setdefault(self.rng.choice(body[: max(1, len(body) - 1)]), []).append(insert)
        for place, link in self._links_between(row, body):
            places.setdefault(place, []).append(link)
        habit = self.rng.choice(CAPTION_HABITS)
        shown = self.rng.choice((1.0, 0.7, 0.4, 0.4))
        credit = photo_credit(self.values["source"], self.rng)
        for i, line in enumerate(lines):
            if line.type == "caption":
                if self.rng.random() < shown:
                    self._caption(row.caption, caption_text(line.text, habit))
                    if habit == "credit line" and row.caption != "none" and not CREDIT.search(line.text):
                        self._add("caption", credit)
            elif line.type == "teaser":
                self._read_also(row, line.text)
            elif line.type == "byline":
                self._add("byline", line.text)
            else:
                self._paragraph(row, line)
            for insert in places.get(i, ()):
                self._add(insert.type, self._fill(insert.text))

    def _links_between(self, row: Body, body: list[int]) -> Iterator[tuple[int, LiteralLine]]:
        """Places and rows of further links to other stories: one behind every few paragraphs, or a box of several."""
        if row.readalso == "none" or len(body) < 4:
            return
        kind = self.rng.random()
        if kind < 0.1:
            yield from ((place, _RELATED) for place in self.rng.sample(body[:-1], self.rng.randint(1, 3)))
        elif kind < 0.3:
            mark = self.rng.choice(BOX_MARKS)
            for place in self.rng.sample(body[:-1], self.rng.choice((1, 1, 1, 2))):
                if self.rng.random() < 0.5:
                    yield place, LiteralLine("navigation", self.rng.choice(BOX_HEADINGS))
                link = LiteralLine("teaser", mark + _RELATED.text)
                yield from ((place, link) for _ in range(self.rng.choice((2, 2, 3, 3, 4))))

    def _paragraph(self, row: Body, line: Line) -> None:
        text = line.text
        if row.bullets and len(text) < 200 and not text.startswith("-"):
            text = f"- {text}"
        if row.links and self.rng.random() < row.links:
            for part in break_at_name(text, self.rng):
                self._add("body", part, line.stance)
        else:
            self._add("body", text, line.stance)

    def _read_also(self, row: Body, title: str) -> None:
        if row.readalso == "none":
            return
        text = {"bullet": f"• {title}", "label": f"{row.label}{title}"}.get(row.readalso, title)
        self._add("teaser", text)
        if row.readalso == "summary":
            story = self._next_story("related")
            self._add("teaser", self._summary(story, False))

    def _caption(self, style: str, text: str) -> None:
        credit = CREDIT.search(text)
        if style == "none":
            return
        if style == "bar":
            self._add("caption", f"| {text} |")
        elif style == "markdown":
            self._add("ui", "![]() |")
            self._add("caption", f"| {text} |")
        elif style == "italic":
            self._add("caption", f"*{text}*")
        elif style == "split" and credit and credit.start() > 0:
            self._add("caption", text[: credit.start()])
            self._add("caption", credit[1].upper() if self.rng.random() < 0.3 else credit[1])
        else:
            self._add("caption", text)
            if style == "double":
                self._add("caption", text)
