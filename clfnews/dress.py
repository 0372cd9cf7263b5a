"""Cues of HTML for labelled lines that came without them, as the markup of sites would give them.

Composed pages are text. A model that has never seen a link or a heading takes no
notice of them on pages read from HTML; with these cues on some copies of its
training pages it does. Only what holds on most sites is told (links in lists,
headings, landmarks, depth), each with the exceptions that real markup has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clfnews.labels import ARTICLE
from clfnews.page import Cues, Line

_TAGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "title": (("h1",), ("h1",), ("h1",), ("h2",), ("div",), ("p",)),
    "body": (("p",), ("p",), ("p",), ("p",), ("div",), ("td",)),
    "caption": (("figcaption",), ("figcaption",), ("p",), ("td",), ("div",)),
    "byline": (("div",), ("p",), ("li",), ("div", "p"), ("td",)),
    "teaser": (("h3",), ("h3", "h2"), ("li",), ("div",), ("h4", "div"), ("h2", "h3", "li"), ("p",)),
    "navigation": (("li",), ("li",), ("li", "div"), ("li", "h3"), ("div",), ("td",)),
    "ad": (("div",), ("p",), ("div", "li")),
    "ui": (("div",), ("div", "li"), ("div", "button", "p"), ("li", "p"), ("div", "p")),
}
"""What a site uses for lines of a type: one of these at random for the page, one of its tags for each line."""
_LINKED = {"title": 0.04, "body": 0.0, "caption": 0.02, "byline": 0.25, "teaser": 0.95, "navigation": 0.88, "ad": 0.4, "ui": 0.4}
"""Share of lines of a type that are links as a whole."""
_LONG = 90
"""Characters from which a teaser is a summary, which many sites do not link."""


def dressed(lines: Sequence[Line], rng: np.random.Generator) -> list[Line]:
    """The lines with cues of one made-up site; deterministic in `rng`."""
    style = {kind: sets[int(rng.integers(len(sets)))] for kind, sets in _TAGS.items()}
    summaries_linked, body_links = rng.random() < 0.4, float(rng.choice((0.03, 0.1, 0.25)))
    places = [i for i, line in enumerate(lines) if line.type in ARTICLE]
    first, last = (places[0], places[-1]) if places else (len(lines), len(lines))
    regions = _regions(rng)
    depth, outside = int(rng.integers(5, 18)), int(rng.integers(4, 16))
    out = []
    run, before = 0, None
    for i, line in enumerate(lines):
        kind = line.type or "ui"
        run = run if kind == before else int(rng.integers(-2, 4))  # each box of the page has its own depth
        before = kind
        inside = first <= i <= last
        side = "story" if inside else "top" if i < first else "below"
        if kind in ARTICLE:
            density = float(rng.uniform(0.02, 0.3)) if rng.random() < body_links else 0.0
        elif kind == "teaser" and len(line.text) >= _LONG and not summaries_linked:
            density = 0.0
        else:
            density = 1.0 if rng.random() < _LINKED[kind] else float(rng.choice((0.0, 0.0, 0.5)))
        if kind == "title" and rng.random() < _LINKED["title"]:
            density = 1.0
        tags = style[kind]
        level = depth if kind in ARTICLE else (depth + 1 if inside else outside) + run
        cues = Cues(tags[int(rng.integers(len(tags)))], round(density, 3), _region(kind, side, regions, rng), max(level, 2))
        out.append(replace(line, cues=cues))
    return out


def _regions(rng: np.random.Generator) -> dict[str, str]:
    """Landmarks of the site around the story, above and below it; a third of the sites have none."""
    if rng.random() < 0.35:
        return {}
    story = str(rng.choice(("article", "main", "article", "")))
    return {
        "story": story,
        "top": str(rng.choice(("header", "nav", "header", ""))),
        "below": str(rng.choice(("main", "", story))),
        "side": str(rng.choice(("aside", ""))),
        "foot": str(rng.choice(("footer", "footer", ""))),
    }


def _region(kind: str, side: str, regions: dict[str, Any], rng: np.random.Generator) -> str:
    if not regions:
        return ""
    if side == "story" or kind in ARTICLE:
        return str(regions["story"])
    if side == "top":
        return str(regions["top"]) if kind in ("navigation", "ui") else str(regions["story"])
    if kind == "teaser":
        return str(regions["side"] if rng.random() < 0.4 else regions["below"])
    return str(regions["foot"] if kind in ("ui", "navigation") and rng.random() < 0.6 else regions["below"])
