"""Pages and lines with what the filter thinks of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from clfnews.events.page import Event, events_of
from clfnews.filtering.decisions import PageStance, rounded
from clfnews.filtering.own_fields import with_own
from clfnews.filtering.schema import tells_stance
from clfnews.labels import STANCES, TYPES, Task
from clfnews.page import Page
from clfnews.record.cells import FACTS


class TaggedLine(NamedTuple):
    """A line with what the filter thinks of it."""

    n: int
    text: str
    type: str | None
    """None: the filter has no types, and keeps all lines."""
    keep: bool
    stance: str | None
    """None: not kept, or the model abstains."""
    type_row: Sequence[float] | None
    """Probabilities in the order of `type_labels`."""
    stance_row: Sequence[float] | None
    """Probabilities in the order of `labels.STANCES`; None for lines that are not kept."""
    type_labels: Sequence[str] = TYPES
    own: Mapping[str, Any] = {}
    """Task of the user's -> `label` and `p`."""

    @property
    def p(self) -> dict[str, float] | None:
        """Type -> probability, four digits."""
        return rounded(self.type_labels, self.type_row) if self.type_row is not None else None

    @property
    def p_stance(self) -> dict[str, float] | None:
        """Stance -> probability, four digits; None for lines that are not kept."""
        return rounded(STANCES, self.stance_row) if self.stance_row is not None else None

    def as_row(self, tells_stance: bool = True) -> dict[str, Any]:
        """The fields of `schema.line_schema`; `tells_stance`: with those of the shipped stance."""
        return {
            "n": self.n,
            "text": self.text,
            "type": self.type,
            "p": self.p,
            "keep": self.keep,
            **({"stance": self.stance, "p_stance": self.p_stance} if tells_stance else {}),
            **self.own,
        }


@dataclass(frozen=True, slots=True)
class TaggedPage:
    """A page with all its lines tagged, its stance and how sure the filter is."""

    page: Page
    lines: tuple[TaggedLine, ...]
    stance: PageStance
    confidence: float
    """Expected F1 of the kept lines, given their probabilities; 0 to 1. In rows `text_confidence`: it is not of the stance."""
    model: str
    """Which model tagged it, and `run`, which run logged that: see `origin.Origin`."""
    run: str | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    """Task of the user's -> `label` and `p` of the page."""
    tasks: Mapping[str, Task] = field(default_factory=dict, repr=False)
    """What the filter tells, by name; empty if all labels are the shipped ones."""
    events: tuple[Event, ...] | None = None
    """What the kept lines say of who does what to whom; None: not looked for (see `with_events`)."""

    def with_events(self) -> TaggedPage:
        """The page with its events; as it is if its labels are the user's alone: events hang on the shipped stance."""
        return replace(self, events=events_of(self.kept, self.page.date)) if self.tells_stance else self

    @property
    def tells_stance(self) -> bool:
        """Whether the row has the shipped stance, if only as null; not if the tasks are the user's alone."""
        return not self.tasks or tells_stance(self.tasks)

    @property
    def title(self) -> str | None:
        """The headline: what a row or the markup calls so and a reader sees, else the kept one, else what markup says."""
        own = self.page.title
        if own and ("title" not in self.page.guessed or any(line.text == own for line in self.lines)):
            return own
        return next((line.text for line in self.lines if line.keep and line.type == "title"), own)

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
            sizes[line.type or "text"] += len(line.text)
        return f"no article (p={self.confidence:.2f}): mostly {sizes.most_common(1)[0][0]}"

    def record(self) -> dict[str, Any]:
        """The record of the page: `record.cells.FACTS` by name, with lists for tuples (`docs/record.md`)."""
        facts = {name: getattr(self.page, name) for name in FACTS}
        return facts | {"title": self.title, "authors": [*self.page.authors], "tags": [*self.page.tags]}

    def as_row(self, all_lines: bool = True) -> dict[str, Any]:
        """The page as a dict, one row of output: all lines (`tag`) or the kept ones (`filter`).

        It has the fields of `schema.row_schema`, with `events` if they were looked for.
        The user's own fields (`Page.own`) stand under their names before `lines`;
        `own_fields.to_json` writes the row as JSON, whatever they are.
        """
        stance = self.tells_stance  # what is special to the shipped stance is not of others' labels
        row = {
            "id": self.page.id,
            "source": self.page.source,
            **self.record(),
            "text_from": self.page.text_from,
            "text": self.text,
            **({"stance": self.stance.as_row()} if stance else {}),
            "text_confidence": self.confidence,
            "reason": self.reason,
            **self.own,
            "model": self.model,
            "run": self.run,
            **({} if self.events is None else {"events": [event.as_row() for event in self.events]}),
            "lines": [line.as_row(stance) for line in (self.lines if all_lines else self.kept)],
        }
        return with_own(row, self.page.own)
