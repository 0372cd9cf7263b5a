"""A line as a row of spans: actors, acts, and the words and marks that turn them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clfnews.events.lexicon import Entries, Phrase, longest, names, phrases

STATED = frozenset(("APPEAL", "AGREE", "SUPPORT", "DEMAND", "ACCUSE", "REJECT", "THREATEN"))
"""Acts of words: what they speak of is no act of its own."""
_NO_NAMES: Entries[str] = Entries(None, {})
_NO_PHRASES: Entries[Phrase] = Entries(None, {})
_MARKS = {",": "comma", ":": "colon"}
_SYLLABLES = frozenset(("Anh", "Pháp", "Đức", "Mỹ", "Nga", "Lào", "Nhật", "Thái", "Ý", "Áo", "Bỉ", "Úc", "Séc", "Síp"))
"""Names of states that are syllables of persons' names, or words, as well."""
_PRONOUN_LIKE = ("Anh", "GBR")
"""Britain, and the word for "he" at the head of a sentence."""
_TITLES = frozenset(("Ông", "Bà", "Anh", "Chị", "Cô", "Em", "Bé"))
_JOIN_GAP, _ASIDE_GAP, _PLACE_GAP, _PRIVATE_GAP = 3, 3, 4, 5
"""Words that may stand between: two joined actors; a word and the actor that it says something of."""


class Span(NamedTuple):
    """Some words of a sentence and what they are: `actor`, `comma`, `colon` or the kind of a `Phrase`."""

    kind: str
    start: int
    """First token."""
    end: int
    """Token after the last."""
    codes: tuple[str, ...] = ()
    """Of actors: several if they are joined."""
    phrase: Phrase | None = None
    place: bool = False
    """An actor that only says where."""
    aside: bool = False
    """An actor behind a preposition: not the one that acts."""
    private: bool = False
    """People or firms of a state that do not act for it."""

    @property
    def may_act(self) -> bool:
        """Whether an actor stands where a subject can."""
        return not self.place and not self.aside

    @property
    def is_stated(self) -> bool:
        """Whether this is an act of words, done or only named."""
        return self.phrase is not None and self.phrase.event in STATED


def spans_of(words: list[str], lower: list[str]) -> list[Span]:
    """The spans of a sentence in their order; actors that are joined are one, and acts that are only named are no acts.

    Parameters: its words as they are written, and the same in small letters.
    """
    return _joined(_described(_without_nouns(list(_found(words, lower)))))


def named_in(words: list[str]) -> tuple[str, ...]:
    """Codes of the actors that a sentence names, in their order."""
    known = names()
    found = (longest(known[word], words, i)[0] for i, word in enumerate(words) if word in known)
    return tuple(code for code in found if code)


def _without_nouns(spans: list[Span]) -> list[Span]:
    """Acts and speech that are only named become `noun`: "vụ tấn công", "cáo buộc của", "cấm bán"."""
    out: list[Span] = []
    for i, span in enumerate(spans):
        after = spans[i + 1] if i + 1 < len(spans) else None
        owned = after is not None and after.kind == "of" and after.start == span.end
        named = bool(out) and out[-1].end == span.start and (out[-1].kind == "noun" or (span.kind == "act" == out[-1].kind))
        if span.kind in ("act", "say", "unsure", "will") and (owned or named):
            span = span._replace(kind="noun")
        out.append(span)
    return out


def _found(words: list[str], lower: list[str]) -> Iterator[Span]:
    known, said = names(), phrases()
    i, named_until = 0, 0
    while i < len(words):
        named, told = known.get(words[i]), said.get(lower[i])
        if named is None and told is None:
            if words[i] in _MARKS:
                yield Span(_MARKS[words[i]], i, i + 1)
            i += 1
            continue
        name = longest(named or _NO_NAMES, words, i)
        text = longest(told or _NO_PHRASES, lower, i)
        (code, size), (phrase, length) = name, text
        if size and size >= length:
            if code and not _part_of_a_name(words, i, size, code, lower, i == named_until):
                yield Span("actor", i, i + size, (code,))
                named_until = i + size
            i += size
        elif phrase and length:
            yield Span(phrase.kind, i, i + length, phrase=phrase)
            i += length
        else:
            i += 1


def _part_of_a_name(words: list[str], i: int, size: int, code: str, lower: list[str], named: bool) -> bool:
    """Whether a short name of a state is a syllable of a person's: "ông Đức", "Hồ Đức Phớc"; `named`: behind an actor."""
    if size > 1 or words[i] not in _SYLLABLES:
        return False
    before = words[i - 1] if i else ""
    if before[:1].isupper() and not before.isupper() and (i > 1 or before in _TITLES) and not named:
        return True
    if (words[i], code) == _PRONOUN_LIKE and i == 0:
        entries = phrases().get(lower[1]) if len(lower) > 1 else None
        following = longest(entries, lower, 1)[0] if entries else None
        return following is not None and following.kind in ("say", "skip", "not")
    return False


def _described(spans: list[Span]) -> list[Span]:
    """Actors with what the words before them say: a place, an aside, private people."""
    out: list[Span] = []
    for span in spans:
        if span.kind == "actor":
            before = out[-1] if out else None
            gap = span.start - before.end if before else 99
            if before and before.kind == "actor" and gap == 0:
                out[-1] = before._replace(end=span.end)  # "Tổng thống Mỹ Trump": one actor
                continue
            owner = before
            if before and before.kind == "of":
                owner = out[-2] if len(out) > 1 else None
                gap = span.start - owner.end if owner else 99
            if owner and owner.kind != "actor":
                span = span._replace(
                    place=owner.kind == "place" and gap <= _PLACE_GAP,
                    aside=owner.kind == "aside" and gap <= _ASIDE_GAP,
                    private=owner.kind == "private" and gap <= _PRIVATE_GAP,
                )
        out.append(span)
    return out


def _joined(spans: list[Span]) -> list[Span]:
    """Lists of actors ("A, B và C") as one span each."""
    out: list[Span] = []
    i = 0
    while i < len(spans):
        span = spans[i]
        if span.kind == "actor" and (last := _end_of_list(spans, i)) > i:
            members = [part for part in spans[i : last + 1] if part.kind == "actor"]
            codes = tuple(dict.fromkeys(code for part in members for code in part.codes))
            out.append(span._replace(end=spans[last].end, codes=codes))
            i = last
        else:
            out.append(span)
        i += 1
    return out


def _end_of_list(spans: list[Span], first: int) -> int:
    """Index of the last actor of the list that begins at `first`; a list needs a word that joins, or commas alone make none."""
    last, joined, i = first, first, first
    acted = any(span.kind == "act" for span in _clause_before(spans, first))
    while i + 2 < len(spans):
        link, actor = spans[i + 1], spans[i + 2]
        close = link.start - spans[i].end <= 1 and actor.start - link.end <= _JOIN_GAP
        if link.kind not in ("and", "comma") or actor.kind != "actor" or not close:
            break
        if acted and i + 3 < len(spans) and spans[i + 3].kind in ("act", "say", "skip") and spans[i + 3].start - actor.end <= 1:
            break  # "A tấn công B và C đáp trả": C begins a clause
        i += 2
        last = i
        if link.kind == "and":
            joined = last
    return joined


def _clause_before(spans: list[Span], i: int) -> list[Span]:
    out: list[Span] = []
    while i > 0 and spans[i - 1].kind not in ("comma", "colon", "clause", "next", "say"):
        i -= 1
        out.append(spans[i])
    return out
