"""Changed copies of labelled pages for training: no single cue may carry the answer.

Only the order, presence and cutting of lines changes; labels go with their text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clfnews.labels import ARTICLE
from clfnews.lexicons import fold, lexicon
from clfnews.page import Cues, Line, Page

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[\"“«A-ZÀ-Ỹ])")

DRESSED = 0.5
"""Share of the copies that get cues of HTML, if their pages have none."""
Change = Callable[[list[Line], np.random.Generator], list[Line]]


def augment(pages: Sequence[Page], copies: int, seed: int) -> list[Page]:
    """The pages, followed by `copies` changed versions of each; deterministic in `seed`."""
    out = list(pages)
    for copy in range(copies):
        for page in pages:
            # A page's changes depend on its own text, not on its place among the pages.
            rng = np.random.default_rng([seed, copy, _number(page)])
            lines = list(page.lines)
            for change, probability in CHANGES:
                if rng.random() < probability:
                    lines = change(lines, rng) or lines
            if rng.random() < DRESSED and not any(line.cues for line in lines):
                lines = dressed(lines, rng)
            out.append(replace(page, lines=tuple(lines)))
    return out


def _number(page: Page) -> int:
    return sum(ord(c) * (i + 1) for i, c in enumerate(page.id)) % 2**31


def _split_paragraphs(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Article paragraphs cut into their sentences."""
    share = rng.choice((0.3, 1.0))
    out: list[Line] = []
    for line in lines:
        parts = _SENTENCE_END.split(line.text) if line.type == "body" and rng.random() < share else [line.text]
        out.extend(replace(line, text=part) for part in parts if part)
    return out


def _join_paragraphs(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Article paragraphs in a row glued together."""
    out: list[Line] = []
    for line in lines:
        if line.type == "body" and out and out[-1].type == "body" and rng.random() < 0.35:
            out[-1] = replace(out[-1], text=f"{out[-1].text} {line.text}")
        else:
            out.append(line)
    return out


def _drop_headings(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Without the headings of link lists."""
    words = lexicon()
    headings = words["link_headings"] | words["tag_headings"] | words["end_marks"]
    share = rng.choice((0.5, 1.0))
    return [line for line in lines if line.type in ARTICLE or fold(line.text) not in headings or rng.random() > share]


def _drop_type(*types: str) -> Change:
    def change(lines: list[Line], rng: np.random.Generator) -> list[Line]:
        return [line for line in lines if line.type not in types]

    return change


def _thin_noise(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Stretches of noise left out."""
    out, gone = [], False
    for line in lines:
        if line.type in ARTICLE:
            gone = False
        elif rng.random() < 0.12:
            gone = not gone
        if not gone or line.type in ARTICLE:
            out.append(line)
    return out


def _swap_tail(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Two stretches below the article in the other order."""
    end = _span(lines)[1]
    if len(lines) - end < 4:
        return lines
    cut = int(rng.integers(end + 1, len(lines)))
    return lines[:end] + lines[cut:] + lines[end:cut]


def _tail_to_top(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """A stretch from below the article set above it."""
    end = _span(lines)[1]
    if len(lines) - end < 6:
        return lines
    low = int(rng.integers(end, len(lines) - 3))
    high = int(rng.integers(low + 2, min(low + 20, len(lines)) + 1))
    return lines[low:high] + lines[:low] + lines[high:]


def _cut_top(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    start = _span(lines)[0]
    if start in (0, len(lines)):
        return lines
    return lines[start if rng.random() < 0.3 else int(rng.integers(start)) :]


def _cut_bottom(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    end = _span(lines)[1]
    return lines if end == len(lines) else lines[: end + int(rng.integers(len(lines) - end))]


def _no_full_stops(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Teaser summaries without their final mark, or cut with an ellipsis."""
    tail = str(rng.choice(("", "...", "…", " [...]")))
    return [
        replace(line, text=line.text.rstrip(".") + tail) if line.type == "teaser" and line.text.endswith(".") else line
        for line in lines
    ]


def _sentence_teasers(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Only the summaries of the teasers stay."""
    return [line for line in lines if line.type != "teaser" or len(line.text) >= 90]


def _bare_captions(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Captions without their credit, or ending like a sentence."""
    stop = rng.random() < 0.5
    out = []
    for line in lines:
        if line.type == "caption":
            text = re.sub(r"(?<![\s(.–-])[\s(.–-]*+\b(?:Ảnh|ẢNH|Nguồn|Video|Photo|Hình)\s*+:.*$", "", line.text).strip()
            text = f"{text.rstrip('.')}." if text and stop else text
            line = replace(line, text=text or line.text)
        out.append(line)
    return out


def _span(lines: Sequence[Line]) -> tuple[int, int]:
    places = [i for i, line in enumerate(lines) if line.type in ARTICLE]
    return (places[0], places[-1] + 1) if places else (len(lines), len(lines))


CHANGES: tuple[tuple[Change, float], ...] = (
    (_split_paragraphs, 0.30),
    (_join_paragraphs, 0.15),
    (_drop_headings, 0.35),
    (_drop_type("title"), 0.10),
    (_drop_type("byline"), 0.15),
    (_drop_type("caption"), 0.10),
    (_bare_captions, 0.30),
    (_sentence_teasers, 0.10),
    (_no_full_stops, 0.15),
    (_thin_noise, 0.30),
    (_swap_tail, 0.25),
    (_tail_to_top, 0.10),
    (_cut_top, 0.30),
    (_cut_bottom, 0.25),
)
"""Each change with the probability that a copy gets it, in the order of application."""

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
