"""The small word lists that are all this package knows of a language.

Each `*.toml` beside this file is one language; the lists of all languages are
united. A new language is a new file with the same keys.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

_EDGE = " \t.,:;!?…-–—•*|#>»«<()[]{}\"'“”‘’/\\+=~_·▪■►▶→"


def fold(text: str) -> str:
    """Lower case without punctuation or digits-in-brackets at the ends."""
    return text.lower().strip(_EDGE)


@lru_cache(maxsize=1)
def as_written() -> dict[str, tuple[str, ...]]:
    """Name of list -> entries as they are written, over all languages: for patterns in which capitals count."""
    lists: dict[str, list[str]] = {}
    for file in sorted(resources.files(__name__).iterdir(), key=lambda item: item.name):
        if file.name.endswith(".toml"):
            for name, entries in tomllib.loads(file.read_text(encoding="utf-8")).items():
                lists.setdefault(name, []).extend(entries)
    return {name: tuple(entries) for name, entries in lists.items()}


@lru_cache(maxsize=1)
def lexicon() -> dict[str, frozenset[str]]:
    """Name of list -> folded entries, over all languages."""
    return {name: frozenset(map(fold, entries)) for name, entries in as_written().items()}
