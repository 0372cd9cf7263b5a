"""Changed boxes of labelled HTML pages for training: other names, other landmarks, noise inside the story.

Real sites name and nest their boxes in more ways than composed ones do. Lines keep their text and label; what is put
between them are lines of noise of the same page or of others in its language, in boxes of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise

import numpy as np

from clfnews.labels import ARTICLE
from clfnews.models.features.tree import NO_CUES
from clfnews.page import Line, Page

_LANDMARKS = ("article", "main", "header", "footer", "nav", "aside", "form")
"""Tags that `Cues.region` names."""
_ROOTS = 2
"""The outermost boxes, `html` and `body`, stay as they are."""
_WALL = range(2, 61)
"""Lines of a box of noise that is set into a story."""
_MARK = 30
"""Characters of a line that is set between paragraphs again and again."""
_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))

Box = tuple[int, str]
"""A number of its own, and its step of a path: tag and names."""


@dataclass(frozen=True, slots=True)
class Boxed:
    """A line and the boxes around it, outermost first."""

    line: Line
    boxes: tuple[Box, ...]
    lead: str
    """The last part of its path that is no box (`~` and names), or empty."""

    def within(self, boxes: Sequence[Box], region: str) -> Boxed:
        """The line in other boxes and another landmark."""
        cues = self.line.cues
        if cues:
            cues = cues._replace(region=region, depth=max(cues.depth + len(boxes) - len(self.boxes), 0))
        return Boxed(replace(self.line, cues=cues) if cues is not self.line.cues else self.line, tuple(boxes), self.lead)

    @property
    def region(self) -> str:
        """The landmark around it."""
        return self.line.cues.region if self.line.cues else ""


class BoxChanges:
    """Draws changed copies of HTML pages; walls of noise come from the pages given, by language."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._walls: dict[str | None, list[list[Boxed]]] = defaultdict(list)
        for page in pages:
            if any(line.cues for line in page.lines):
                self._walls[page.language].extend(_noise(boxed(page)))

    def copy(self, page: Page, rng: np.random.Generator) -> Page:
        """A changed copy of an HTML page."""
        lines = boxed(page)
        new = count(sum(len(one.boxes) for one in lines))  # numbers of boxes that the page does not have yet
        walls = self._walls[page.language]
        if rng.random() < 0.3:
            lines = _split(lines, new, rng)
        if walls and rng.random() < 0.5:
            lines = _with_walls(lines, walls, new, rng)
        if rng.random() < 0.25:
            lines = _with_marks(lines, new, rng)
        if walls and rng.random() < 0.35:
            lines = _with_menus(lines, walls, new, rng)
        if rng.random() < 0.3:
            lines = _wrapped(lines, new, rng)
        if rng.random() < 0.4:
            lines = _without_landmarks(lines, rng)
        if rng.random() < 0.5:
            lines = _renamed(lines, rng)
        return page.with_lines(told(lines))


def boxed(page: Page) -> list[Boxed]:
    """The lines of a page with their boxes (`Cues.path`, `Cues.shared`); `told` is its inverse."""
    out: list[Boxed] = []
    before: tuple[Box, ...] = ()
    numbers = count()
    for line in page.lines:
        cues = line.cues or NO_CUES
        steps = cues.path.split("/")[1:]
        lead = steps.pop() if steps and steps[-1][:1] == "~" else ""
        kept = before[: min(cues.shared, len(steps))]
        before = (*kept, *zip(numbers, steps[len(kept) :], strict=False))
        out.append(Boxed(line, before, lead))
    return out


def told(lines: Sequence[Boxed]) -> Iterator[Line]:
    """Lines whose cues tell their boxes."""
    before: tuple[Box, ...] = ()
    for one in lines:
        if one.line.cues:
            path = "".join(f"/{step}" for _, step in one.boxes) + (f"/{one.lead}" if one.lead else "")
            shared = len(_common(before, one.boxes))
            cues = one.line.cues
            same = cues.path == path and cues.shared == shared
            yield one.line if same else replace(one.line, cues=cues._replace(path=path, shared=shared))
        else:
            yield one.line
        before = one.boxes


def _tag(step: str) -> str:
    return step.partition(" ")[0]


def _common(a: Sequence[Box], b: Sequence[Box]) -> tuple[Box, ...]:
    n = 0
    while n < min(len(a), len(b)) and a[n][0] == b[n][0]:
        n += 1
    return tuple(a[:n])


def _noise(lines: Sequence[Boxed]) -> Iterator[list[Boxed]]:
    """Boxes without a line of the article, each cut out of what is around it."""
    inside: dict[tuple[int, int], list[Boxed]] = defaultdict(list)
    for one in lines:
        for level, (number, _) in enumerate(one.boxes[_ROOTS:], _ROOTS):
            inside[number, level].append(one)
    for (_, level), some in inside.items():
        if len(some) in _WALL and all(one.line.type is not None and one.line.type not in ARTICLE for one in some):
            yield [replace(one, boxes=one.boxes[level:]) for one in some]


def _moved(wall: Sequence[Boxed], around: Sequence[Box], region: str, new: Iterator[int]) -> Iterator[Boxed]:
    """A wall inside other boxes."""
    numbers: dict[int, int] = defaultdict(lambda: next(new))
    for one in wall:
        own = _landmark(one.boxes)
        yield one.within([*around, *((numbers[number], step) for number, step in one.boxes)], region if own is None else own)


def _gaps(lines: Sequence[Boxed]) -> list[int]:
    """Places between two lines of the article."""
    return [i for i in range(1, len(lines)) if lines[i - 1].line.type in ARTICLE and lines[i].line.type in ARTICLE]


def _landmark(boxes: Sequence[Box]) -> str | None:
    """The innermost of the boxes that is one."""
    tags = (_tag(step) for _, step in reversed(boxes))
    return next((tag for tag in tags if tag in _LANDMARKS), None)


def _with_walls(
    lines: Sequence[Boxed], walls: Sequence[Sequence[Boxed]], new: Iterator[int], rng: np.random.Generator
) -> list[Boxed]:
    """Boxes of noise between paragraphs, the same one each time on some pages."""
    gaps = _gaps(lines)
    same = walls[int(rng.integers(len(walls)))] if rng.random() < 0.4 else None
    out: list[Boxed] = []
    last = 0
    for gap in sorted(rng.choice(gaps, min(len(gaps), int(rng.integers(1, 6))), replace=False).tolist()) if gaps else ():
        wall = same or walls[int(rng.integers(len(walls)))]
        around = _common(lines[gap - 1].boxes, lines[gap].boxes)
        out += [*lines[last:gap], *_moved(wall, around, lines[gap].region, new)]
        last = gap
    return [*out, *lines[last:]]


def _with_marks(lines: Sequence[Boxed], new: Iterator[int], rng: np.random.Generator) -> list[Boxed]:
    """One short line of interface or of an ad again and again between the paragraphs."""
    short = [one for one in lines if one.line.type in ("ui", "ad", "navigation") and len(one.line.text) <= _MARK]
    if not short:
        return list(lines)
    mark = short[int(rng.integers(len(short)))]
    type = "ad" if mark.line.type == "ad" else "ui"
    hidden, share = bool(rng.random() < 0.3), rng.choice((0.3, 0.6, 1.0))
    cues = mark.line.cues and mark.line.cues._replace(hidden=hidden)
    mark = replace(mark, line=replace(mark.line, type=type, cues=cues))
    out = list(lines[:1])
    for above, below in pairwise(lines):
        if above.line.type == "body" and below.line.type in ARTICLE and rng.random() < share:
            own = (next(new), mark.boxes[-1][1] if mark.boxes else "div")
            out.append(mark.within([*_common(above.boxes, below.boxes), own], above.region))
        out.append(below)
    return out


def _with_menus(
    lines: Sequence[Boxed], walls: Sequence[Sequence[Boxed]], new: Iterator[int], rng: np.random.Generator
) -> list[Boxed]:
    """Much more noise above or below everything."""
    root = lines[0].boxes[:_ROOTS]
    drawn = [walls[int(rng.integers(len(walls)))] for _ in range(int(rng.integers(1, 12)))]
    more = [one for wall in drawn for one in _moved(wall, root, "", new)]
    return [*more, *lines] if rng.random() < 0.6 else [*lines, *more]


def _split(lines: Sequence[Boxed], new: Iterator[int], rng: np.random.Generator) -> list[Boxed]:
    """The innermost box around most of the story as several, one after the other."""
    story = [one.boxes for one in lines if one.line.type == "body"]
    held = Counter((level, number) for boxes in story for level, (number, _) in enumerate(boxes[_ROOTS:], _ROOTS))
    level, number = max((box for box, n in held.items() if n > 0.6 * len(story)), default=(0, 0))
    if len(story) < 4 or not level:
        return list(lines)
    size, n = int(rng.choice((1, 2, 3, 5))), 0
    out, own = [], 0
    for one in lines:
        if len(one.boxes) > level and one.boxes[level][0] == number:
            own = own if n % size else next(new)
            n += 1
            one = one.within([*one.boxes[:level], (own, one.boxes[level][1]), *one.boxes[level + 1 :]], one.region)
        out.append(one)
    return out


def _wrapped(lines: Sequence[Boxed], new: Iterator[int], rng: np.random.Generator) -> list[Boxed]:
    """Further boxes around everything, and on some pages one around each line."""
    outer = tuple((next(new), "div") for _ in range(int(rng.integers(1, 5))))
    each = rng.random() < 0.3
    out = []
    for one in lines:
        root, rest = one.boxes[:_ROOTS], one.boxes[_ROOTS:]
        own = ((next(new), "div"),) if each and rest else ()
        out.append(one.within((*root, *outer, *rest[:-1], *own, *rest[-1:]), one.region))
    return out


def _without_landmarks(lines: Sequence[Boxed], rng: np.random.Generator) -> list[Boxed]:
    """Some of `article`, `main`, `nav` and so on as `div`."""
    gone = {tag for tag in (*_LANDMARKS, "section") if rng.random() < 0.6}

    def named(step: str) -> str:
        return f"div{step.removeprefix(_tag(step))}" if _tag(step) in gone else step

    out = []
    for one in _named(lines, named):
        out.append(one.within(one.boxes, _landmark(one.boxes) or "") if one.region in gone else one)
    return out


def _renamed(lines: Sequence[Boxed], rng: np.random.Generator) -> list[Boxed]:
    """Names of classes as letters, as compilers of styles make them, or gone; and with them what they hint at."""
    gone, share = rng.random() < 0.3, rng.choice((0.4, 0.8, 1.0))
    prefix = str(rng.choice(("css ", "sc ", "dcr ", "", "")))
    made: dict[str, str] = {}

    def named(step: str) -> str:
        tag, *names = step.split(" ")
        for name in names:
            if name not in made:
                letters = "".join(rng.choice(_LETTERS, int(rng.integers(3, 7))))
                made[name] = name if rng.random() >= share else "" if gone else f"{prefix}{letters}"
        return " ".join([tag, *(made[name] for name in names if made[name])])

    out = []
    for one in _named(lines, named):
        if one.line.cues and one.line.cues.hint and rng.random() < share:
            one = replace(one, line=replace(one.line, cues=one.line.cues._replace(hint="")))
        out.append(one)
    return out


def _named(lines: Sequence[Boxed], named: Callable[[str], str]) -> Iterator[Boxed]:
    made: dict[Box, Box] = {}
    for one in lines:
        for box in one.boxes:
            if box not in made:
                made[box] = (box[0], named(box[1]))
        yield Boxed(one.line, tuple(made[box] for box in one.boxes), one.lead and named(one.lead))
