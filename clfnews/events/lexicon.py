"""The word lists behind events: names of actors, and phrases for acts and for what turns them.

`lexicons/actor_codes.csv` has a row for each actor: its code (ISO 3166 alpha-3 for
states, the usual abbreviation for others), its kind, and its names, seats and
people, each list with `|` between. Names of the code `-` are no actors.
`lexicons/acts_vi.txt` says in its head how it is written.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from importlib import resources
from typing import Generic, NamedTuple, TypeVar

_WORD = re.compile(r"\w+|[,:&/+'–-]")
_END = re.compile(r"[.!?;…](?!\S)")
_OLD_TONES = ("òa", "óa", "ỏa", "õa", "ọa", "òe", "óe", "ỏe", "õe", "ọe", "ùy", "úy", "ủy", "ũy", "ụy")
_NEW_TONES = ("oà", "oá", "oả", "oã", "oạ", "oè", "oé", "oẻ", "oẽ", "oẹ", "uỳ", "uý", "uỷ", "uỹ", "uỵ")
_NO_ACTOR = "-"


class Actor(NamedTuple):
    """A state, an organisation, or a movement that is neither."""

    code: str
    kind: str
    """`state`, `organisation` or `movement`."""
    name: str
    """Its first name in the list."""


class Phrase(NamedTuple):
    """What a phrase of `acts_vi.txt` stands for."""

    kind: str
    """`act`, or the small-letter name of its row."""
    event: str = ""
    """Class of an act."""
    mutual: bool = False
    needs: tuple[str, ...] = ()
    """Words of which one stands before the object; empty: none is needed."""


T = TypeVar("T")


class Entries(NamedTuple, Generic[T]):
    """The entries that begin with one word."""

    alone: T | None
    """What the word stands for by itself."""
    longer: dict[str, list[tuple[list[str], T]]]
    """Second word -> all words and what they stand for, the longest first."""


def longest(entries: Entries[T], words: list[str], i: int) -> tuple[T | None, int]:
    """What the longest entry that begins at a word stands for, and how many words it has; None and 0 if there is none."""
    if entries.longer and i + 1 < len(words):
        for entry, value in entries.longer.get(words[i + 1], ()):
            if words[i : i + len(entry)] == entry:
                return value, len(entry)
    return entries.alone, int(entries.alone is not None)


def words_of(text: str) -> list[str]:
    """The words of a sentence and the marks that matter; a hyphen parts words."""
    return _WORD.findall(text)


def sentences_of(text: str) -> list[str]:
    """The sentences of a line; a dot inside a number or a name ends none."""
    return _END.split(text)


def spellings(text: str) -> set[str]:
    """A name or phrase with its tones as in "hoá" and as in "hóa": both are in use."""
    new = old = text
    for before, after in zip(_OLD_TONES, _NEW_TONES, strict=True):
        new = re.sub(rf"{before}\b", after, re.sub(rf"{before.capitalize()}\b", after.capitalize(), new))
        # "quý" is written in one way: its u belongs to the q.
        old = re.sub(rf"(?<![qQ]){after}\b", before, re.sub(rf"(?<![qQ]){after.capitalize()}\b", before.capitalize(), old))
    return {text, new, old}


@lru_cache(maxsize=1)
def actors() -> dict[str, Actor]:
    """Code -> actor."""
    return {
        row["code"]: Actor(row["code"], row["kind"], row["names"].split("|")[0]) for row in _rows() if row["code"] != _NO_ACTOR
    }


@lru_cache(maxsize=1)
def names() -> dict[str, Entries[str]]:
    """First word of a name -> codes of the names with it; the code is empty for what only looks like an actor."""
    found: dict[tuple[str, ...], str] = {}
    for row in _rows():
        code = "" if row["code"] == _NO_ACTOR else row["code"]
        for name in "|".join((row["names"], row["seats"], row["people"])).split("|"):
            for spelling in spellings(name) if name else ():
                found[tuple(words_of(spelling))] = code
    return _by_first_words(found)


@lru_cache(maxsize=1)
def phrases() -> dict[str, Entries[Phrase]]:
    """First word of a phrase -> the phrases with it; a phrase counts where it comes first in the file."""
    found: dict[tuple[str, ...], Phrase] = {}
    for row in _read("acts_vi.txt").splitlines():
        if row and not row.startswith("#"):
            head, _, texts = row.partition(":")
            for text in texts.split("|"):
                for spelling in spellings(text.strip()):
                    found.setdefault(tuple(words_of(spelling)), _phrase(head.strip()))
    return _by_first_words(found)


def _by_first_words(found: dict[tuple[str, ...], T]) -> dict[str, Entries[T]]:
    out: dict[str, Entries[T]] = {}
    for words in sorted(found, key=lambda words: (-len(words), words)):
        first = out.get(words[0], Entries(None, {}))
        if len(words) == 1:
            first = Entries(found[words], first.longer)
        else:
            first.longer.setdefault(words[1], []).append((list(words), found[words]))
        out[words[0]] = first
    return out


def _phrase(head: str) -> Phrase:
    if head.islower():
        return Phrase(head)
    event, frame, *needs = head.split(" ", 2)
    return Phrase("act", event, frame == "=", tuple(word.strip() for word in needs[0].split(",")) if needs else ())


def _rows() -> list[dict[str, str]]:
    return list(csv.DictReader(_read("actor_codes.csv").splitlines()))


def _read(name: str) -> str:
    return resources.files("clfnews.lexicons").joinpath(name).read_text(encoding="utf-8")
