"""Political actors in a line, found by name and replaced by placeholders.

A stance must not hang on who is named: with the first actor of a line as
`actora`, the second as `actorb` and so on, "A phản đối B" is one pattern for all.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

_TOKEN = re.compile(r"[\w'’+-]+|[^\w\s]")
PLACEHOLDERS = ("actora", "actorb", "actorc", "actord")


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
    """Tokens of a line with every actor as a placeholder, and how many different actors there are.

    Names are matched with their capitals, longest first. The same actor keeps
    its placeholder; from the fourth on they share the last one.
    """
    names, longest = _names()
    tokens = _TOKEN.findall(text)
    out: list[str] = []
    seen: dict[int, int] = {}
    i, n = 0, len(tokens)
    while i < n:
        token = tokens[i]
        reach = longest.get(token, 0)
        for size in range(min(reach, n - i), 0, -1):
            actor = names.get(tuple(tokens[i : i + size]))
            if actor is not None:
                place = seen.setdefault(actor, len(seen))
                # "Tổng thống Mỹ Trump": title, state and name are one mention.
                mention = PLACEHOLDERS[min(place, len(PLACEHOLDERS) - 1)]
                if not out or out[-1] != mention:
                    out.append(mention)
                i += size
                break
        else:
            out.append(token)
            i += 1
    return out, len(seen)
