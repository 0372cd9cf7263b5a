"""The body of an article as a site marks it up, and what stands in the middle of it."""

from __future__ import annotations

import random
from itertools import groupby
from typing import Any

from clfnews.data.composing.articles import Article, ArticleLine
from clfnews.data.composing.story_boxes import Boxes
from clfnews.data.composing.story_parts import Parts, Words, kind_of
from clfnews.data.composing.story_style import StoryStyle


def draw_story(article: Article, style: StoryStyle, shown: Words, rng: random.Random, *, lede: bool) -> Any:
    """The HTML of the body, without its first paragraph unless `lede`, as `markupsafe.Markup`."""
    from markupsafe import Markup

    parts = Parts(style, shown, rng)
    boxes = Boxes(style, shown, rng, parts)
    drawn = _mixed(_body(article, lede), parts, boxes, rng)
    if rng.random() < style.inserts:
        drawn.append(boxes.notice())
    if style.p == "br":
        return Markup(_joined_by_breaks(drawn))
    return Markup(_grouped(drawn, style.groups, boxes, rng) if style.groups else "\n".join(drawn))


def _body(article: Article, lede: bool) -> list[ArticleLine]:
    parts = [part for part in article.parts if part.type != "title"]
    if not lede and article.lede:
        first = next(i for i, part in enumerate(parts) if part.type == "body")
        return parts[:first] + parts[first + 1 :]
    return parts


def _mixed(body: list[ArticleLine], parts: Parts, boxes: Boxes, rng: random.Random) -> list[str]:
    """The parts of the body with the page's boxes behind some of its paragraphs."""
    out: list[str] = []
    waiting = boxes.between_paragraphs()
    for kind, group in groupby(body, key=kind_of):
        for html in parts.draw(kind, list(group)):
            out.append(html)
            if kind == "p" and waiting and rng.random() < 0.35:
                out.append(waiting.pop())
    return out


def _grouped(parts: list[str], size: int, boxes: Boxes, rng: random.Random) -> str:
    """The story in several boxes of `size` parts, with walls of offers between some."""
    out = []
    for at in range(0, len(parts), size):
        out.append('<div class="content-group">' + "\n".join(parts[at : at + size]) + "</div>")
        if at + size < len(parts) and rng.random() < 0.5:
            out.append(boxes.wall())
    return "\n".join(out)


def _joined_by_breaks(parts: list[str]) -> str:
    """Texts in one box with breaks between them, boxes as they are."""
    out = []
    for part in parts:
        out.append(part.removeprefix("<!--br-->") + "<br><br>" if part.startswith("<!--br-->") else part)
    return '<div class="content-body">' + "\n".join(out) + "</div>"
