"""The label sets of the guidelines, in the one order that the package uses."""

from __future__ import annotations

from collections.abc import Container, Sequence

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


def is_article(label: str | None) -> bool:
    """True for the types that are kept (`title`, `body`)."""
    return label in ARTICLE


def columns_of(wanted: Container[str], labels: Sequence[str] = TYPES) -> list[int]:
    """Columns of the wanted labels in an array whose columns are `labels`, from left to right."""
    return [column for column, label in enumerate(labels) if label in wanted]
