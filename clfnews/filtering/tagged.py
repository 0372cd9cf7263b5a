"""Pages and lines with what the filter thinks of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from clfnews.events.page import Event, events_of
from clfnews.filtering.decisions import PageStance
from clfnews.labels import STANCES, TYPES
from clfnews.page import Page


class TaggedLine(NamedTuple):
    """A line with what the filter thinks of it."""

    n: int
    text: str
    type: str
    keep: bool
    stance: str | None
    """None: not kept, or the model abstains."""
    type_row: Sequence[float]
    """Probabilities in the order of `labels.TYPES`."""
    stance_row: Sequence[float] | None
    """Probabilities in the order of `labels.STANCES`; None for lines that are not kept."""

    @property
    def p(self) -> dict[str, float]:
        """Type -> probability, four digits."""
        return _named(TYPES, self.type_row)

    @property
    def p_stance(self) -> dict[str, float] | None:
        """Stance -> probability, four digits; None for lines that are not kept."""
        return _named(STANCES, self.stance_row) if self.stance_row is not None else None

    def as_row(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "text": self.text,
            "type": self.type,
            "p": self.p,
            "keep": self.keep,
            "stance": self.stance,
            "p_stance": self.p_stance,
        }


@dataclass(frozen=True, slots=True)
class TaggedPage:
    """A page with all its lines tagged, its stance and how sure the filter is."""

    page: Page
    lines: tuple[TaggedLine, ...]
    stance: PageStance
    confidence: float
    """Expected F1 of the kept lines, given their probabilities; 0 to 1."""
    model: str
    events: tuple[Event, ...] | None = None
    """What the kept lines say of who does what to whom; None: not looked for (see `with_events`)."""

    def with_events(self) -> TaggedPage:
        """The page with its events."""
        return replace(self, events=events_of(self.kept, self.page.date))

    @property
    def title(self) -> str | None:
        """The kept headline, if the extract has one."""
        return next((line.text for line in self.lines if line.keep and line.type == "title"), None)

    @property
    def kept(self) -> tuple[TaggedLine, ...]:
        return tuple(line for line in self.lines if line.keep)

    @property
    def text(self) -> str:
        """The kept lines joined by newlines."""
        return "\n".join(line.text for line in self.kept)

    @property
    def reason(self) -> str | None:
        """Why nothing was kept, such as `no article (p=.97): mostly teaser`; None if something was."""
        if any(line.keep for line in self.lines):
            return None
        if not self.lines:
            return "no text"
        sizes: Counter[str] = Counter()
        for line in self.lines:
            sizes[line.type] += len(line.text)
        return f"no article (p={self.confidence:.2f}): mostly {sizes.most_common(1)[0][0]}"

    def as_row(self, all_lines: bool = True) -> dict[str, Any]:
        """The JSON object of a page: all lines (`tag`) or the kept ones (`filter`)."""
        return {
            "id": self.page.id,
            "url": self.page.url,
            "site": self.page.site,
            "date": self.page.date,
            "source": self.page.source,
            "title": self.title,
            "text": self.text,
            "stance": self.stance.as_row(),
            "confidence": self.confidence,
            "reason": self.reason,
            "model": self.model,
            "events": [event.as_row() for event in self.events] if self.events is not None else None,
            "lines": [line.as_row() for line in (self.lines if all_lines else self.kept)],
        }


def _named(labels: Sequence[str], row: Sequence[float] | np.ndarray) -> dict[str, float]:
    return {label: round(float(value), 4) for label, value in zip(labels, row, strict=True)}
