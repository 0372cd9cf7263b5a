"""A site that shows articles: a template written as HTML, the words of its language, and its habits."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clfnews.data.composing.articles import Story
from clfnews.data.composing.templates import Template

Wording = Mapping[str, Sequence[str]]
"""Role (such as `related`) -> what sites of a language write there: `data/wording/XX.json`."""


@dataclass(frozen=True, slots=True)
class Site:
    """A template in one language with one set of habits: all its pages share menus, footers and markup."""

    template: Template
    language: str
    wording: Wording = field(repr=False)
    seed: str
    """Of the site's habits."""


@dataclass(slots=True)
class Stories:
    """The other stories that a page can tease, by how near they are; each is shown once before any again."""

    related: list[Story]
    """Of the same actors and subject."""
    other: list[Story]
    _next: dict[str, int] = field(default_factory=dict)

    def take(self, source: str, rng: random.Random) -> Story | None:
        """The next story of `related`, `other` or `mixed`."""
        if source == "mixed":
            source = "related" if rng.random() < 0.6 else "other"
        first, second = (self.related, self.other) if source == "related" else (self.other, self.related)
        both = [*first, *second]
        if not both:
            return None
        at = self._next.get(source, 0)
        self._next[source] = at + 1
        return both[at % len(both)]
