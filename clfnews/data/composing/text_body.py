"""The body of an article under a layout: its paragraphs, pictures and links as the lines of a text page."""

from __future__ import annotations

import random
from collections.abc import Iterator

from clfnews.data.composing.articles import Article
from clfnews.data.composing.layout import Body, LiteralLine
from clfnews.data.composing.page_texts import PageTexts
from clfnews.data.composing.wording import (
    BOX_HEADINGS,
    BOX_MARKS,
    CAPTION_HABITS,
    CREDIT,
    break_at_name,
    caption_text,
    long_paragraphs,
    photo_credit,
)
from clfnews.page import Line

_RELATED = LiteralLine("teaser", "{related}")


def body_lines(article: Article, row: Body, texts: PageTexts, rng: random.Random) -> Iterator[Line]:
    """The lines of the body but for its headline and first paragraph, which stand in rows of their own; some may be blank."""
    return _BodyWriter(row, texts, rng).lines(article)


class _BodyWriter:
    def __init__(self, row: Body, texts: PageTexts, rng: random.Random) -> None:
        self.row, self.texts, self.rng = row, texts, rng

    def lines(self, article: Article) -> Iterator[Line]:
        rng, row = self.rng, self.row
        lines = self._paragraphs(article)
        inserts = self._inserts([i for i, line in enumerate(lines) if line.type == "body"])
        habit = rng.choice(CAPTION_HABITS)
        shown = rng.choice((1.0, 0.7, 0.4, 0.4))
        credit = photo_credit(self.texts.values["source"], rng)
        for i, line in enumerate(lines):
            if line.type == "caption":
                if rng.random() < shown:
                    yield from self._caption(caption_text(line.text, habit))
                    if habit == "credit line" and row.caption != "none" and not CREDIT.search(line.text):
                        yield _line("caption", credit)
            elif line.type == "teaser":
                yield from self._read_also(line.text)
            elif line.type == "byline":
                yield _line("byline", line.text)
            else:
                yield from self._paragraph(line)
            for insert in inserts.get(i, ()):
                yield _line(insert.type, self.texts.fill(insert.text))

    def _paragraphs(self, article: Article) -> list[Line]:
        """The article's lines without headline and lede, on some pages with several paragraphs joined to one."""
        lines = [line for line in article.lines if line.type != "title"]
        lede = next((i for i, line in enumerate(lines) if line.type == "body"), None)
        if lede is not None:
            del lines[lede]
        return long_paragraphs(lines, self.rng.randrange(160, 320)) if self.rng.random() < 0.6 else lines

    def _inserts(self, body: list[int]) -> dict[int, list[LiteralLine]]:
        """Position of a paragraph -> rows that stand behind it."""
        places: dict[int, list[LiteralLine]] = {}
        for insert in self.row.inserts:
            if body and self.rng.random() < 0.5:
                places.setdefault(self.rng.choice(body[: max(1, len(body) - 1)]), []).append(insert)
        for place, link in self._links_between(body):
            places.setdefault(place, []).append(link)
        return places

    def _links_between(self, body: list[int]) -> Iterator[tuple[int, LiteralLine]]:
        """Places and rows of further links to other stories: one behind every few paragraphs, or a box of several."""
        if self.row.readalso == "none" or len(body) < 4:
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

    def _paragraph(self, line: Line) -> Iterator[Line]:
        text = line.text
        if self.row.bullets and len(text) < 200 and not text.startswith("-"):
            text = f"- {text}"
        if self.row.links and self.rng.random() < self.row.links:
            yield from (_line("body", part, line.stance) for part in break_at_name(text, self.rng))
        else:
            yield _line("body", text, line.stance)

    def _read_also(self, title: str) -> Iterator[Line]:
        style = self.row.readalso
        if style == "none":
            return
        yield _line("teaser", {"bullet": f"• {title}", "label": f"{self.row.label}{title}"}.get(style, title))
        if style == "summary":
            yield _line("teaser", self.texts.summary(self.texts.next_story("related"), False))

    def _caption(self, text: str) -> Iterator[Line]:
        style, credit = self.row.caption, CREDIT.search(text)
        if style == "none":
            return
        if style == "bar":
            yield _line("caption", f"| {text} |")
        elif style == "markdown":
            yield _line("ui", "![]() |")
            yield _line("caption", f"| {text} |")
        elif style == "italic":
            yield _line("caption", f"*{text}*")
        elif style == "split" and credit and credit.start() > 0:
            yield _line("caption", text[: credit.start()])
            yield _line("caption", credit[1].upper() if self.rng.random() < 0.3 else credit[1])
        else:
            yield _line("caption", text)
            if style == "double":
                yield _line("caption", text)


def _line(kind: str, text: str, stance: str | None = None) -> Line:
    return Line(text, 0, kind, stance)
