"""The events of a page, with the lines that report them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple, Protocol

from clfnews.events.classes import CLASSES
from clfnews.events.dates import event_day, page_day
from clfnews.events.extract import acts_of
from clfnews.events.roles import Memory


class Evidence(Protocol):
    """A line of a page, as far as its events need it."""

    @property
    def n(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def stance(self) -> str | None: ...


class Event(NamedTuple):
    """Who does what to whom, when, and where that is said."""

    source: str
    """Code of the actor (`lexicons/actor_codes.csv`)."""
    target: str
    event: str
    """A name of `classes.CLASSES`."""
    stance: str | None
    """That of the line; None if it has none."""
    day: date | None
    n: int
    """Number of the line."""
    text: str
    """The line."""

    @property
    def quad(self) -> str:
        """One of `classes.QUADS`."""
        return CLASSES[self.event].quad

    def as_row(self) -> dict[str, Any]:
        """The JSON object of an event in the record of its page."""
        kind = CLASSES[self.event]
        return {
            "source": self.source,
            "target": self.target,
            "event": kind.name,
            "cameo": kind.cameo,
            "plover": kind.plover,
            "quad": kind.quad,
            "stance": self.stance,
            "date": self.day.isoformat() if self.day else None,
            "n": self.n,
            "text": self.text,
        }


def events_of(lines: Iterable[Evidence], page_date: str | None = None) -> tuple[Event, ...]:
    """The events that the article lines of a page report, in their order.

    Parameters: the lines, in order, without the noise; the date of the page as the page has it.
    """
    memory, day = Memory(), page_day(page_date)
    out = []
    for line in lines:
        acts = acts_of(line.text, memory)
        when = event_day(line.text, day) if acts else None
        out += [Event(act.source, act.target, act.event, line.stance, when, line.n, line.text) for act in acts]
    return tuple(out)
