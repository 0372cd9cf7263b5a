"""Which lines of a page a gold text holds, and word-F1.

A benchmark gives the clean text of a page, not labels of its lines. A line is
gold if its words stand in the gold text; a short line that the page repeats
("Reply", "Add to cart") is gold where the order of both texts says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

_GRAM = 3
"""Words of a run by which places in the gold text are found."""
_PLACES = 24
"""Places of the gold text at which a line is tried; a run that is more frequent tells little."""
COVERED = 0.6
"""Share of a line's words that have to stand at one place of the gold text."""
LOOSE = 0.8
"""The same for a line that stands elsewhere than its neighbours' order says; it needs `LOOSE_WORDS` words too."""
LOOSE_WORDS = 5


class Place(NamedTuple):
    """Words `start` to before `end` of the gold text, and how many of them a line has."""

    line: int
    start: int
    end: int
    hits: int


def align(lines: Sequence[Sequence[str]], gold: Sequence[str]) -> list[bool]:
    """For each line (as words) whether the gold text (as words) holds it.

    The heaviest chain of lines whose places in the gold text follow each other
    comes first; then long lines that stand elsewhere, at words no line took.
    A line without words is gold if the lines on both sides of it are.
    """
    places = _places(lines, gold)
    taken = np.zeros(len(gold), dtype=bool)
    chosen = [False] * len(lines)
    for place in _chain(places):
        chosen[place.line] = True
        taken[place.start : place.end] = True
    for place in sorted(places, key=lambda p: (-p.hits, p.line, p.start)):
        size = len(lines[place.line])
        if chosen[place.line] or size < LOOSE_WORDS or place.hits < LOOSE * size:
            continue
        if taken[place.start : place.end].mean() < 0.3:
            chosen[place.line] = True
            taken[place.start : place.end] = True
    for i, line in enumerate(lines):
        if not line:
            chosen[i] = 0 < i < len(lines) - 1 and chosen[i - 1] and chosen[i + 1]
    return chosen


def _places(lines: Sequence[Sequence[str]], gold: Sequence[str]) -> list[Place]:
    """Where in the gold text the lines may stand, at most `_PLACES` a line."""
    at: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for size in range(1, _GRAM + 1):
        for i in range(len(gold) - size + 1):
            at[tuple(gold[i : i + size])].append(i)
    out = []
    for n, line in enumerate(lines):
        if not line:
            continue
        size = min(_GRAM, len(line))
        votes: Counter[int] = Counter()
        for i in range(len(line) - size + 1):
            for place in at.get(tuple(line[i : i + size]), ())[: 4 * _PLACES]:
                votes[place - i] += 1
        if not votes and len(line) > 1:  # no run in common: a table row, a list with other signs
            continue
        bag = Counter(line)
        for offset, _ in votes.most_common(_PLACES):
            start, end = max(offset, 0), min(offset + len(line), len(gold))
            hits = (bag & Counter(gold[start:end])).total()
            if hits >= COVERED * len(line):
                out.append(Place(n, start, end, hits))
    return out


def _chain(places: Sequence[Place]) -> list[Place]:
    """The chain of places, lines and words both increasing, that holds the most words.

    Weighted interval chaining over lines in order; `best[w]` is the best chain
    that ends at or before word w, kept as a staircase.
    """
    by_line: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        by_line[place.line].append(place)
    # Staircase: ends increase, values increase.
    ends: list[int] = [0]
    values: list[float] = [0.0]
    links: list[Any] = [None]  # (place, link) or None
    for n in sorted(by_line):
        new = []
        for place in by_line[n]:
            # Two words of overlap are allowed: a heading may also open its paragraph.
            k = bisect_right(ends, place.start + min(2, (place.end - place.start) // 3)) - 1
            new.append((place.end, values[k] + place.hits, (place, links[k])))
        for end, value, link in new:
            k = bisect_right(ends, end)
            if values[k - 1] >= value:
                continue
            drop = k
            while drop < len(ends) and values[drop] <= value:
                drop += 1
            if ends[k - 1] == end:
                k -= 1
            ends[k:drop], values[k:drop], links[k:drop] = [end], [value], [link]
    out: list[Place] = []
    link = links[-1]
    while link is not None:
        out.append(link[0])
        link = link[1]
    return out[::-1]
