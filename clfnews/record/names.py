"""Names of authors in what bylines and fields of authors say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from clfnews.lexicons import fold, lexicon

_SIGNS = re.compile(r"[;|•·、，]| / | [-–—] |, |& ")
_PARTS = re.compile(r"[|•·;]| [-–—] ")
_ASIDE = re.compile(r"\([^()]*+\)")
_ADDRESS = ("http://", "https://", "www.")
_EDGES = ' \t.,:;!?–—-*|"“”()[]{}<>/@'
_FEW_NAMES, _MOST_WORDS, _PARTICLE = 4, 5, 3
"""Names of a line, words of a name, and letters of a word in it that may be small, such as "van"."""
_MOST, _LONGEST, _LONGEST_NAME = 50, 600, 80


def read_names(values: Iterable[str]) -> tuple[str, ...]:
    """The names in the values of a field for authors, each once and in their order."""
    found: dict[str, str] = {}
    for value in values:
        for name in _split(value[:_LONGEST]):
            found.setdefault(name.casefold(), name)
    return tuple(found.values())[:_MOST]


def names_of_line(text: str) -> tuple[str, ...]:
    """The names in a line of a page that may be a byline; empty if it looks like anything else.

    A name is up to five words that begin with a capital, in scripts that have
    them. Behind "by" a comma ends the names, as in "By Jane Doe, Nairobi",
    unless they are a list.
    """
    for part in _PARTS.split(_plain(text[:_LONGEST])):
        part = part.strip(_EDGES)
        if not part or any(map(str.isdecimal, part)):
            continue
        found_by = _by("byline_by").match(part) or _by("byline_by_or_name").match(part)
        by = found_by is not None and not part[found_by.end() :][:1].islower()
        if found_by and by:
            part = part[found_by.end() :]
            part = part if _and().search(part) else part.split(",")[0]
        found = read_names([part])
        if found and len(found) <= _FEW_NAMES and all(_is_name(name, by) for name in found):
            return found
    return ()


def is_publisher(name: str, site_name: str | None, site: str | None = None) -> bool:
    """Whether a name is that of the site or of its address, or of another as addresses are written."""
    letters = _letters(name)
    same = any(of and _letters(of).startswith(letters) for of in (site_name, site)) if len(letters) > 2 else False
    return same or (" " not in name and "." in name)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).lower()


def _is_name(name: str, by: bool) -> bool:
    if ":" in name:  # "Source: ..."
        return False
    words = name.split()
    particles = all(len(word) <= _PARTICLE or not word[0].islower() for word in words)
    return 2 - by <= len(words) <= _MOST_WORDS and particles and not words[0][0].islower()


def _split(value: str) -> Iterator[str]:
    for part in _SIGNS.split(_plain(value)):
        for piece in _and().split(part):
            name = _without_by(" ".join(piece.split()).strip(_EDGES))
            if 1 < len(name) <= _LONGEST_NAME and fold(name) not in lexicon()["byline_no_name"] and any(map(str.isalpha, name)):
                yield name


def _plain(text: str) -> str:
    """The text without addresses and what is in brackets, its words one space apart."""
    words = _ASIDE.sub(" ", text).split()
    return " ".join(word for word in words if "@" not in word[1:] and not word.lower().startswith(_ADDRESS))


def _without_by(name: str) -> str:
    """The name without the word for "by" before it."""
    if found := _by("byline_by").match(name):
        return name[found.end() :].strip(_EDGES) or name
    found = _by("byline_by_or_name").match(name)
    rest = name[found.end() :] if found else ""
    return rest if " " in rest and not rest[0].islower() else name


@lru_cache(maxsize=1)
def _and() -> re.Pattern[str]:
    return re.compile(rf"\s(?:{_any_of('byline_and')})\s", re.IGNORECASE)


@lru_cache(maxsize=2)
def _by(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{_any_of(words)})(?:\s*+:)?+\s++", re.IGNORECASE)


def _any_of(name: str) -> str:
    return "|".join(map(re.escape, sorted(lexicon()[name], key=lambda word: (-len(word), word))))
