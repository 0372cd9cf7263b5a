"""Changed copies of labelled pages for training: no single cue may carry the answer.

Only the order, presence and cutting of lines changes, or the boxes around them; labels go with their text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise
from zlib import crc32

import numpy as np

from clfnews.labels import ARTICLE
from clfnews.lexicons import as_written, fold, lexicon
from clfnews.models.augment_boxes import BoxChanges
from clfnews.page import Line, Page

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[\"“«A-ZÀ-Ỹ])")

_BOXED = 0.6
"""Share of the copies of HTML pages that stay HTML, in changed boxes."""
_NOISY = 0.3
"""Share of the copies as text that get noise of other pages inside the story."""
_MARK = 30
"""Characters of a line that is set between paragraphs again and again."""

Change = Callable[[list[Line], np.random.Generator], list[Line]]


@dataclass(frozen=True, slots=True)
class Augmented:
    """Pages to learn from: given ones and changed copies."""

    pages: list[Page]
    of: list[int]
    """Position of each page, or of the page that it is a copy of, among those given."""
    changed: list[bool]


def augment(pages: Sequence[Page], copies: int, seed: int, most: int | None = None) -> Augmented:
    """The pages with `copies` changed versions of each; deterministic in `seed`.

    Pages that have `most` lines by themselves do not become more: for each page either itself or one of its versions is drawn.
    """
    drawn = [(copy, i) for copy in range(-1, copies) for i in range(len(pages))]
    if copies and most is not None and sum(len(page.lines) for page in pages) >= most:
        chosen = np.random.default_rng(seed).integers(-1, copies, len(pages)).tolist()
        drawn = [(copy, i) for i, copy in enumerate(chosen)]
    change = _Changes(pages) if copies else None
    out = Augmented([], [], [])
    for copy, i in drawn:
        page = pages[i]
        if change is not None and copy >= 0:
            # What is drawn for a page depends on the page, not on its place among the others.
            page = change(page, np.random.default_rng([seed, copy, crc32(page.id.encode())]))
        out.pages.append(page)
        out.of.append(i)
        out.changed.append(copy >= 0)
    return out


class _Changes:
    """Changed versions of pages; noise of other pages comes from those given.

    Some versions of HTML pages keep their lines and have other boxes (`BoxChanges`). The others are text: boxes would not
    fit their lines any more.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        self._boxes, self._runs = BoxChanges(pages), _runs_of(pages)

    def __call__(self, page: Page, rng: np.random.Generator) -> Page:
        if any(line.cues for line in page.lines) and rng.random() < _BOXED:
            return self._boxes.copy(page, rng)
        lines = [replace(line, cues=None) for line in page.lines if not (line.cues and line.cues.hidden)]
        for change, probability in CHANGES:
            if rng.random() < probability:
                lines = change(lines, rng) or lines
        if rng.random() < _NOISY:
            lines = _with_runs(lines, self._runs[page.language], rng)
        return replace(page, lines=tuple(lines))


def _runs_of(pages: Sequence[Page]) -> dict[str | None, list[list[Line]]]:
    """Stretches of noise of the text pages, by language."""
    out: dict[str | None, list[list[Line]]] = defaultdict(list)
    for page in pages:
        if not any(line.cues for line in page.lines):
            of_noise = groupby(page.lines, lambda line: line.type is not None and line.type not in ARTICLE)
            out[page.language] += [run for run in (list(lines) for noise, lines in of_noise if noise) if len(run) > 1]
    return out


def _with_runs(lines: list[Line], runs: Sequence[list[Line]], rng: np.random.Generator) -> list[Line]:
    """Noise of other pages inside the story."""
    gaps = [i for i in range(1, len(lines)) if lines[i - 1].type in ARTICLE and lines[i].type in ARTICLE]
    if not gaps or not runs:
        return lines
    out: list[Line] = []
    last = 0
    for gap in sorted(rng.choice(gaps, min(len(gaps), int(rng.integers(1, 4))), replace=False).tolist()):
        run = runs[int(rng.integers(len(runs)))]
        n = min(len(run), int(rng.integers(1, 12)))
        at = int(rng.integers(len(run) - n + 1))
        out += [*lines[last:gap], *run[at : at + n]]
        last = gap
    return out + lines[last:]


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


def _container(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Only the box of the article: nothing above its first line, next to nothing below its last."""
    start, end = _span(lines)
    return lines[max(0, start - int(rng.integers(2))) : end + int(rng.integers(4))]


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
            text = _credit().sub("", line.text).strip()
            text = f"{text.rstrip('.')}." if text and stop else text
            line = replace(line, text=text or line.text)
        out.append(line)
    return out


@lru_cache(maxsize=1)
def _credit() -> re.Pattern[str]:
    """The credit at the end of a caption."""
    marks = "|".join(as_written()["credit_marks"])
    return re.compile(rf"(?<![\s(.–-])[\s(.–-]*+\b(?:{marks})\s*+:.*$")


def _marked(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """One short line of interface or of an ad again and again between the paragraphs."""
    short = [line for line in lines if line.type in ("ui", "ad") and len(line.text) <= _MARK]
    if not short:
        return lines
    mark, share = short[int(rng.integers(len(short)))], rng.choice((0.2, 0.5, 1.0))
    out = lines[:1]
    for above, below in pairwise(lines):
        if above.type == "body" and below.type in ARTICLE and rng.random() < share:
            out.append(mark)
        out.append(below)
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
    (_marked, 0.10),
    (_swap_tail, 0.25),
    (_tail_to_top, 0.10),
    (_container, 0.12),
    (_cut_top, 0.30),
    (_cut_bottom, 0.25),
)
"""Each change with the probability that a copy gets it, in the order of application."""
