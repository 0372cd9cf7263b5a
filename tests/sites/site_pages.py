"""Pages of made-up sites: a menu that comes back, and stories that do not."""

from __future__ import annotations

import random
from collections.abc import Sequence

from clfnews.page import Page

MENU = ["Home", "World news", "Sport", "Updated 12:30 on 3 May", "All rights reserved by the publisher of this site."]


def story(number: int, paragraphs: int = 6) -> list[str]:
    """Paragraphs that no other story has."""
    rng = random.Random(number)
    word = lambda: "".join(rng.choice("abdeghiklmnorstu") for _ in range(rng.randint(3, 9)))  # noqa: E731
    return [" ".join(word() for _ in range(20)) + "." for _ in range(paragraphs)]


def page(number: int, lines: Sequence[str] | None = None, url: str | None = None, site: str = "a.example") -> Page:
    menu = [MENU[0], MENU[1], MENU[2], f"Updated {number}:30 on {number} May"]
    return Page.from_lines([*menu, *(story(number) if lines is None else lines), MENU[4]], f"p{number}", site=site, url=url)
