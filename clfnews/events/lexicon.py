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
from typing import NamedTuple

_TOKEN = re.compile(r"\w+|[^\w\s]")
_OLD_TONES = ("òa", "óa", "ỏa", "õa", "ọa", "òe", "óe", "ỏe", "õe", "ọe", "ùy", "úy", "ủy", "ũy", "ụy")
_NEW_TONES = ("oà", "oá", "oả", "oã", "oạ", "oè", "oé", "oẻ", "oẽ", "oẹ", "uỳ", "uý", "uỷ", "uỹ", "uỵ")
_TONES = re.compile("|".join((*_OLD_TONES, *(text.capitalize() for text in _OLD_TONES))))
_NEW = {old: new for old, new in zip(_OLD_TONES, _NEW_TONES, strict=True)}
_NEW |= {old.capitalize(): new.capitalize() for old, new in _NEW.items()}
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


Entries = dict[str, list[tuple[tuple[str, ...], str]]]
Phrases = dict[str, list[tuple[tuple[str, ...], Phrase]]]


def modern(text: str) -> str:
    """The text with tones as in "hoá", where it had them as in "hóa"; of the same length."""
    return _TONES.sub(lambda match: _NEW[match[0]], text)


class Token(NamedTuple):
    """A word or a mark, and where it stands in its line."""

    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Words and single marks; a hyphen parts words."""
    return [Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(modern(text))]


@lru_cache(maxsize=1)
def actors() -> dict[str, Actor]:
    """Code -> actor."""
    return {row["code"]: Actor(row["code"], row["kind"], row["names"].split("|")[0]) for row in _rows() if row["code"] != _NO_ACTOR}


@lru_cache(maxsize=1)
def names() -> Entries:
    """First word of a name -> (its words, code), the longest first; the code is empty for what only looks like an actor."""
    found: Entries = {}
    for row in _rows():
        code = "" if row["code"] == _NO_ACTOR else row["code"]
        for name in "|".join(filter(None, (row["names"], row["seats"], row["people"]))).split("|"):
            words = tuple(token.text for token in tokens_of(name))
            found.setdefault(words[0], []).append((words, code))
    for entries in found.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return found


@lru_cache(maxsize=1)
def phrases() -> Phrases:
    """First word of a phrase -> (its words, what it stands for), the longest first; a phrase counts where it comes first."""
    found: Phrases = {}
    known: set[tuple[str, ...]] = set()
    for row in _read("acts_vi.txt").splitlines():
        if not row or row.startswith("#"):
            continue
        head, _, texts = row.partition(":")
        phrase = _phrase(head.strip())
        for text in texts.split("|"):
            words = tuple(token.text for token in tokens_of(text.strip().lower()))
            if words and words not in known:
                known.add(words)
                found.setdefault(words[0], []).append((words, phrase))
    for entries in found.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return found


def _phrase(head: str) -> Phrase:
    if head.islower():
        return Phrase(head)
    event, frame, *needs = head.split(" ", 2)
    return Phrase("act", event, frame == "=", tuple(word.strip() for word in needs[0].split(",")) if needs else ())


def _rows() -> list[dict[str, str]]:
    return list(csv.DictReader(_read("actor_codes.csv").splitlines()))


def _read(name: str) -> str:
    return resources.files("clfnews.lexicons").joinpath(name).read_text(encoding="utf-8")
