"""What goes wrong between a site and a text file, done to composed pages on purpose.

Converters drop headlines, cut pages, glue and split menu lines, double
thumbnails and leave marks. Every page gets its own draw of these, so that no
single cue (a heading, a date, a bullet) decides alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from clfnews.labels import ARTICLE
from clfnews.lexicons import fold, lexicon
from clfnews.page import Line

_BULLETS = ("• ", "- ", "* ", "+ ", "» ", "▪ ", "· ")
_SEPARATORS = (" ", " ", " | ", " - ", " / ", ", ")


def make_mistakes(lines: Sequence[Line], noise: dict[str, list[str]], rng: random.Random) -> list[Line]:
    """The lines of a composed page after a converter's accidents."""
    out = list(lines)
    if rng.random() < 0.25:
        out = _drop_headings(out, rng)
    if rng.random() < 0.06:
        out = [line for line in out if line.type != "title"]
    if rng.random() < 0.5:
        out = _strew(out, noise, rng)
    if rng.random() < 0.20:
        out = _join(out, rng)
    if rng.random() < 0.15:
        out = _bullet(out, rng)
    if rng.random() < 0.15:
        out = _rank(out, rng)
    if rng.random() < 0.08:
        out = _double_menu(out)
    if rng.random() < 0.10:
        out = _swap_tail(out, rng)
    if rng.random() < 0.04:
        out = _typographic(out, rng)
    if rng.random() < 0.35:
        out = _cut_top(out, rng)
    if rng.random() < 0.25:
        out = _cut_bottom(out, rng)
    return out


def _article_span(lines: Sequence[Line]) -> tuple[int, int]:
    places = [i for i, line in enumerate(lines) if line.type in ARTICLE]
    return (places[0], places[-1] + 1) if places else (len(lines), len(lines))


def _drop_headings(lines: list[Line], rng: random.Random) -> list[Line]:
    """Without the headings above the link lists (all, or each with probability one half)."""
    words = lexicon()
    headings = words["link_headings"] | words["tag_headings"]
    share = rng.choice((1.0, 0.5))
    return [line for line in lines if not (line.type == "navigation" and fold(line.text) in headings and rng.random() < share)]


def _strew(lines: list[Line], noise: dict[str, list[str]], rng: random.Random) -> list[Line]:
    """With further noise beside lines of the same type, and now and then a foreign caption."""
    out: list[Line] = []
    share = rng.choice((0.03, 0.08, 0.15))
    for i, line in enumerate(lines):
        out.append(line)
        kind = line.type or ""
        pool = noise.get(kind)
        if pool and kind in {"ui", "navigation", "ad"} and rng.random() < share:
            out.extend(Line(rng.choice(pool), 0, kind) for _ in range(rng.choice((1, 1, 2, 4))))
        last = i + 1 == len(lines)
        if kind == "body" and noise.get("caption") and not last and lines[i + 1].type == "body" and rng.random() < share / 2:
            out.append(Line(rng.choice(noise["caption"]), 0, "caption"))
    return out


def _join(lines: list[Line], rng: random.Random) -> list[Line]:
    """Short menu or button lines in a row glued together."""
    kind, separator = rng.choice(("navigation", "navigation", "ui")), rng.choice(_SEPARATORS)
    out: list[Line] = []
    room = 0
    for line in lines:
        if line.type == kind and len(line.text) < 30 and out and out[-1].type == kind and room > 0 and len(out[-1].text) < 120:
            out[-1] = Line(out[-1].text + separator + line.text, 0, kind)
            room -= 1
        else:
            out.append(line)
            room = rng.randrange(0, 6)
    return out


def _bullet(lines: list[Line], rng: random.Random) -> list[Line]:
    """List items with a mark in front, or the mark on a line of its own."""
    mark, kinds = rng.choice(_BULLETS), rng.choice((("navigation",), ("teaser",), ("navigation", "teaser", "ui")))
    if rng.random() < 0.25:
        return [
            x for line in lines for x in ([Line(mark, 0, "ui"), line] if line.type in kinds and rng.random() < 0.7 else [line])
        ]
    return [Line(mark + line.text, 0, line.type) if line.type in kinds else line for line in lines]


def _rank(lines: list[Line], rng: random.Random) -> list[Line]:
    """One run of menu lines numbered."""
    starts = [i for i, line in enumerate(lines) if line.type == "navigation"]
    if not starts:
        return lines
    out, n = list(lines), 0
    for i in range(rng.choice(starts), len(lines)):
        if lines[i].type != "navigation":
            break
        n = 1 if rng.random() < 0.15 else n + 1
        out[i] = Line(f"{n}. {lines[i].text}", 0, "navigation")
    return out


def _double_menu(lines: list[Line]) -> list[Line]:
    """Every menu line twice (desktop and mobile version of the site)."""
    return [x for line in lines for x in ([line, line] if line.type == "navigation" and len(line.text) < 40 else [line])]


def _swap_tail(lines: list[Line], rng: random.Random) -> list[Line]:
    """Two stretches below the article in the other order."""
    end = _article_span(lines)[1]
    tail = lines[end:]
    if len(tail) < 6:
        return lines
    cut = rng.randrange(2, len(tail) - 2)
    return lines[:end] + tail[cut:] + tail[:cut]


def _typographic(lines: list[Line], rng: random.Random) -> list[Line]:
    """Other quotes, dashes or ellipses all over the page."""
    table = rng.choice(({'"': "“"}, {"“": '"', "”": '"'}, {"–": "-"}, {"...": "…"}, {" - ": " – "}, {"“": "« ", "”": " »"}))
    out = []
    for line in lines:
        text = line.text
        for old, new in table.items():
            text = text.replace(old, new)
        out.append(Line(text, 0, line.type, line.stance))
    return out


def _cut_top(lines: list[Line], rng: random.Random) -> list[Line]:
    """The page starts somewhere above the article, often right at it."""
    start = _article_span(lines)[0]
    if start in (0, len(lines)):
        return lines
    return lines[start if rng.random() < 0.3 else rng.randrange(start) :]


def _cut_bottom(lines: list[Line], rng: random.Random) -> list[Line]:
    """The page ends somewhere below the article, seldom inside it."""
    start, end = _article_span(lines)
    if end == len(lines):
        return lines
    if rng.random() < 0.1 and end - start > 4:
        return lines[: rng.randrange(start + 3, end)]
    return lines[: rng.randrange(end, len(lines)) + 1]
