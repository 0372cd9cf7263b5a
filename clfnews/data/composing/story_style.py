"""How a site marks up the body of its articles: its habits, and how they are drawn."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class StoryStyle:
    """A site's habits; `CHOICES` has the values, common ones more often."""

    p: str = "p"
    """`p`, `div`, `br` (one box, texts between breaks), `span` (a span in a p), `section` (each in a box of its own)."""
    p_class: str = ""
    h: str = "as"
    """`as`: h2 and h3 as the article has them; `strong`: a bold paragraph; `h3`, `h4`."""
    caption: str = "figure"
    """`figure`, `p`, `table`, `em`, `div`, `dl`, `none` (not shown)."""
    caption_class: str = ""
    caption_end: str = "as"
    """`as`: as the article has it; `stop`, `none`: every caption with or without a full stop."""
    items: str = "ul"
    """List items: `ul`, `dash`, `p`."""
    rows: str = "table"
    """Table rows: `table` (with `th` in the first row), `p`, `div` (a grid of boxes)."""
    read_also: str = "p"
    """A link to another story in the middle: `p`, `box`, `ul`, `label`, `none`."""
    quote: str = "blockquote"
    """`blockquote`, `p`, `aside`."""
    links: float = 0.1
    """Share of paragraphs with a link in them."""
    inserts: float = 0.3
    """Chance of each kind of box between paragraphs on a page."""
    groups: int = 0
    """Paragraphs in a box before the next one begins, often behind a wall of offers; 0: one box."""
    shown: float = 0.8
    """Share of captions that are shown."""


CHOICES: Mapping[str, tuple[Any, ...]] = {
    "p": ("p",) * 9 + ("div", "div", "br", "br", "span", "section"),
    "p_class": ("", "", "", "", "Normal", "article__p", "css-1k2j", "text-block", "paragraph", "ArticleParagraph"),
    "h": ("as", "as", "as", "strong", "h3", "h4"),
    "caption": ("figure", "figure", "figure", "figure", "p", "p", "table", "em", "div", "dl", "none"),
    "caption_class": ("", "caption", "wp-caption-text", "Image", "PhotoCMS_Caption", "media-caption", "credit", "desc", "legend"),
    "caption_end": ("as", "as", "as", "stop", "none", "none"),
    "items": ("ul", "ul", "ul", "dash", "p"),
    "rows": ("table", "table", "table", "div", "p"),
    "read_also": ("p", "p", "box", "ul", "label", "none"),
    "quote": ("blockquote", "blockquote", "p", "aside"),
    "links": (0.0, 0.05, 0.1, 0.1, 0.25, 0.5),
    "inserts": (0.0, 0.15, 0.3, 0.3, 0.5, 0.8),
    "groups": (0, 0, 0, 0, 3, 6),
    "shown": (1.0, 1.0, 0.7, 0.4),
}


def style_of(rng: random.Random, fixed: Mapping[str, Any]) -> StoryStyle:
    """A site's style, drawn but for what its template fixes."""
    drawn = {f.name: rng.choice(CHOICES[f.name]) for f in fields(StoryStyle)}
    return replace(StoryStyle(**drawn), **fixed)
