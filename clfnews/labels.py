"""The label sets of the guidelines, in the one order that the package uses."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

TYPES: tuple[str, ...] = (
    "title",
    "body",
    "caption",
    "byline",
    "teaser",
    "navigation",
    "ad",
    "ui",
)
"""Line types; see `data/guidelines.md`, section 1."""

ARTICLE: frozenset[str] = frozenset({"title", "body"})
"""The types that make the article; all others are noise."""

NOISE: tuple[str, ...] = tuple(label for label in TYPES if label not in ARTICLE)
"""The other types, in order."""

COARSE: tuple[str, str] = ("article", "noise")
"""What stands in the place of types where a source tells no more: models may learn from it, nothing is scored by it."""

STANCES: tuple[str, ...] = ("conciliatory", "hostile", "neutral")
"""Stances of article lines; see `data/guidelines.md`, section 2."""

SIDES: tuple[str, str] = ("conciliatory", "hostile")
"""The stances that take a side."""

GUIDELINES_VERSION = "1.1"

TASKS: dict[str, tuple[str, ...]] = {"type": TYPES, "stance": STANCES}
"""The tasks of the shipped data and their labels."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be told: labels in order, of what, and which of them filter."""

    name: str
    labels: tuple[str, ...]
    of: str = "lines"
    """`lines`, `kept lines` (of the article alone) or `pages` (one label a page, from its kept lines)."""
    keep: frozenset[str] = frozenset()
    """Labels of the lines that are kept; only the task `type` has some."""

    @property
    def shipped(self) -> bool:
        """Whether its labels are those of the guidelines: then it has what is made for them, such as sides and cues."""
        return TASKS.get(self.name) == self.labels

    @property
    def noise(self) -> tuple[str, ...]:
        """The labels that are not kept, in order."""
        return tuple(label for label in self.labels if label not in self.keep)


TYPE = Task("type", TYPES, "lines", ARTICLE)
STANCE = Task("stance", STANCES, "kept lines")
SHIPPED = {"type": TYPE, "stance": STANCE}


def as_task(task: Task | str) -> Task:
    """The task, or the shipped one of this name."""
    return SHIPPED[task] if isinstance(task, str) else task


def is_article(label: str | None) -> bool:
    """True for the types that are kept (`title`, `body`)."""
    return label in ARTICLE


def columns_of(wanted: Container[str], labels: Sequence[str] = TYPES) -> list[int]:
    """Columns of the wanted labels in an array whose columns are `labels`, from left to right."""
    return [column for column, label in enumerate(labels) if label in wanted]
