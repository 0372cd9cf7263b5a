"""The events of many pages as one HTML file: how cooperative the weeks are, and who acts on whom.

Like the report of a run, the file needs nothing from the network.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from clfnews.errors import counted
from clfnews.events.classes import QUADS
from clfnews.events.lexicon import actors
from clfnews.events.table import EventTable

ACTORS_SHOWN, PAIRS_SHOWN, WEEKS_SHOWN = 20, 40, 104
"""The most frequent ones, and the last weeks."""
_WIDTH, _HEIGHT, _LEFT, _PAD = 900, 260, 46, 14
_NAME = 60
"""Width of a week's name."""
_COOPERATION = QUADS[:2]


class Bar(NamedTuple):
    """Events of a week on one side of the axis, in pixels."""

    style: str
    """`coop` or `conf`."""
    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Weeks:
    """The figure over weeks: cooperation above the axis, conflict below."""

    bars: list[Bar]
    names: list[tuple[float, str]]
    """Where a week's name stands, and the name; only as many as can be read."""
    top: int
    """Events at both ends of the axis."""
    middle: float = _HEIGHT / 2
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT


class Shade(NamedTuple):
    """A cell of source x target: the number of events, and the share of conflict."""

    number: int
    conflict: float
    label: str


def render(table: EventTable) -> str:
    """The HTML text of a table of events; the same table gives the same text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("clfnews.reports")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pairs = _pairs(table)
    names = _most_frequent(pairs)
    return environment.get_template("events.html").render(
        subtitle=f"{counted(sum(table.counts.values()), 'event')} of {counted(table.pages, 'page')}",
        weeks=_weeks(table),
        undated=sum(number for (cell, _), number in table.counts.items() if not cell.week),
        names=[(code, _name(code)) for code in names],
        matrix=[(code, _name(code), [_shade(pairs, code, other) for other in names]) for code in names],
        pairs=_pair_rows(table, pairs),
        shown=(ACTORS_SHOWN, PAIRS_SHOWN),
    )


def _pairs(table: EventTable) -> dict[tuple[str, str], Counter[str]]:
    """Source and target -> quad class -> events."""
    pairs: dict[tuple[str, str], Counter[str]] = {}
    for (cell, quad), number in table.counts.items():
        pairs.setdefault((cell.source, cell.target), Counter())[quad] += number
    return pairs


def _most_frequent(pairs: dict[tuple[str, str], Counter[str]]) -> list[str]:
    total: Counter[str] = Counter()
    for pair, quads in pairs.items():
        for code in pair:
            total[code] += quads.total()
    return sorted(total, key=lambda code: (-total[code], code))[:ACTORS_SHOWN]


def _shade(pairs: dict[tuple[str, str], Counter[str]], source: str, target: str) -> Shade:
    quads = pairs.get((source, target), Counter())
    number = quads.total()
    conflict = sum(quads[quad] for quad in QUADS if quad not in _COOPERATION)
    said = ", ".join(f"{quads[quad]} {quad}" for quad in QUADS if quads[quad])
    return Shade(number, conflict / number if number else 0.0, f"{_name(source)} to {_name(target)}: {said or 'none'}")


def _pair_rows(table: EventTable, pairs: dict[tuple[str, str], Counter[str]]) -> list[tuple[str, str, list[int]]]:
    """The most frequent pairs: source, target, and the number of events in all, by quad class and by stance."""
    stances: dict[tuple[str, str], Counter[str]] = {}
    for (cell, _), number in table.counts.items():
        stances.setdefault((cell.source, cell.target), Counter())[cell.stance] += number
    most = sorted(pairs, key=lambda pair: (-pairs[pair].total(), pair))[:PAIRS_SHOWN]
    by_stance = ("conciliatory", "hostile", "neutral", "")
    return [
        (
            _name(source),
            _name(target),
            [
                pairs[source, target].total(),
                *(pairs[source, target][quad] for quad in QUADS),
                *(stances[source, target][name] for name in by_stance),
            ],
        )
        for source, target in most
    ]


def _weeks(table: EventTable) -> Weeks:
    sides: dict[str, Counter[str]] = {}
    for (cell, quad), number in table.counts.items():
        if cell.week:
            sides.setdefault(cell.week, Counter())["coop" if quad in _COOPERATION else "conf"] += number
    known = sorted(sides)[-WEEKS_SHOWN:]
    top = max((max(side.values()) for side in (sides[week] for week in known)), default=1)
    step = (_WIDTH - _LEFT - _PAD) / max(len(known), 1)
    half = _HEIGHT / 2 - _PAD - 10
    bars = []
    for n, week in enumerate(known):
        for style, number in sorted(sides[week].items()):
            height = half * number / top
            y = _HEIGHT / 2 - height if style == "coop" else _HEIGHT / 2
            what = "of cooperation" if style == "coop" else "of conflict"
            bars.append(
                Bar(style, _LEFT + n * step, y, min(step * 0.8, 40), height, f"{week}: {counted(number, 'event')} {what}")
            )
    every = -(-len(known) // 10)
    places = ((_LEFT + n * step, week) for n, week in enumerate(known) if n % every == 0)
    names = [(x, week) for x, week in places if x + _NAME <= _WIDTH]
    return Weeks(bars, names, top)


def _name(code: str) -> str:
    known = actors().get(code)
    return f"{code} {known.name}" if known and known.name != code else code
