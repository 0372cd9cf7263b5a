"""The label sets of the guidelines, in the one order that the package uses."""

from __future__ import annotations

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

STANCES: tuple[str, ...] = ("conciliatory", "hostile", "neutral")
"""Stances of article lines; see `data/guidelines.md`, section 2."""

GUIDELINES_VERSION = "1.1"

TASKS: dict[str, tuple[str, ...]] = {"type": TYPES, "stance": STANCES}


def is_article(label: str | None) -> bool:
    """True for the types that are kept (`title`, `body`)."""
    return label in ARTICLE
