"""Political actors in a line, found by name and replaced by placeholders.

A stance must not hang on who is named: with every actor as `<actor>`, "Nga phản
đối Mỹ" and "Mỹ phản đối Nga" are one pattern. One placeholder for all measured
better than one for each actor of a line.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

_TOKEN = re.compile(r"[\w'’+-]+|[^\w\s]")
PLACEHOLDER = "<actor>"


@lru_cache(maxsize=1)
def _names() -> tuple[dict[tuple[str, ...], int], dict[str, int]]:
    """Tokens of a name -> number of its actor; first token -> longest name beginning with it."""
    text = resources.files("clfnews.lexicons").joinpath("actors.txt").read_text(encoding="utf-8")
    names: dict[tuple[str, ...], int] = {}
    longest: dict[str, int] = {}
    rows = [row for row in text.splitlines() if row and not row.startswith("#")]
    for number, row in enumerate(rows):
        for name in row.split("|"):
            tokens = tuple(_TOKEN.findall(name.strip()))
            names.setdefault(tokens, number)
            longest[tokens[0]] = max(longest.get(tokens[0], 0), len(tokens))
    return names, longest


def mask_actors(text: str) -> tuple[list[str], int]:
    """Tokens of a line with every actor as `PLACEHOLDER`, and how many different actors there are.

    Names are matched with their capitals, longest first.
    """
    names, longest = _names()
    tokens = _TOKEN.findall(text)
    out: list[str] = []
    seen: set[int] = set()
    i, n = 0, len(tokens)
    while i < n:
        token = tokens[i]
        reach = longest.get(token, 0)
        for size in range(min(reach, n - i), 0, -1):
            actor = names.get(tuple(tokens[i : i + size]))
            if actor is not None:
                # "Tổng thống Mỹ Trump": state and name are one mention.
                if not out or out[-1] != PLACEHOLDER or actor not in seen:
                    out.append(PLACEHOLDER)
                seen.add(actor)
                i += size
                break
        else:
            out.append(token)
            i += 1
    return out, len(seen)
