"""A line as a row of spans: actors, acts, and the words and marks that turn them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from clfnews.events.lexicon import Phrase, Token, names, phrases

T = TypeVar("T")
_ENDS = frozenset(".!?;…")
_MARKS = {",": "comma", ":": "colon"}
_SYLLABLES = frozenset(("Anh", "Pháp", "Đức", "Mỹ", "Nga", "Lào", "Nhật", "Thái", "Ý", "Áo", "Bỉ", "Úc", "Séc", "Síp"))
"""Names of states that are syllables of persons' names, or words, as well."""
_PRONOUN_LIKE = ("Anh", "GBR")
"""Britain, and the word for "he" at the head of a sentence."""
_TITLES = frozenset(("Ông", "Bà", "Anh", "Chị", "Cô", "Em", "Bé"))
_JOIN_GAP, _ASIDE_GAP, _PLACE_GAP, _PRIVATE_GAP = 3, 3, 4, 5
"""Words that may stand between: two joined actors; a word and the actor that it says something of."""


@dataclass(frozen=True, slots=True)
class Span:
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


def sentences(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The sentences of a line; a dot inside a number or a name ends none."""
    begin = 0
    for i, token in enumerate(tokens):
        last = i + 1 == len(tokens)
        if token.text in _ENDS and (last or tokens[i + 1].start > token.end):
            if i > begin:
                yield list(tokens[begin:i])
            begin = i + 1
    if begin < len(tokens):
        yield list(tokens[begin:])


def spans_of(sentence: Sequence[Token]) -> list[Span]:
    """The spans of a sentence in their order; actors that are joined are one, and acts that are only named are no acts."""
    words = [token.text for token in sentence]
    found = list(_found(words, [word.lower() for word in words]))
    return _joined(_described(_without_nouns(found)))


def _without_nouns(spans: list[Span]) -> list[Span]:
    """Acts and speech that are only named become `noun`: "vụ tấn công", "cáo buộc của"."""
    out: list[Span] = []
    for i, span in enumerate(spans):
        after = spans[i + 1] if i + 1 < len(spans) else None
        owned = after is not None and after.kind == "of" and after.start == span.end
        named = bool(out) and out[-1].kind == "noun" and out[-1].end == span.start
        if span.kind in ("act", "say", "unsure", "will") and (owned or named):
            span = replace(span, kind="noun")
        out.append(span)
    return out


def _found(words: list[str], lower: list[str]) -> Iterator[Span]:
    known, said = names(), phrases()
    i = 0
    while i < len(words):
        code, size = _longest(known.get(words[i], ()), words, i)
        phrase, length = _longest(said.get(lower[i], ()), lower, i)
        if size and size >= length:
            if code and not _part_of_a_name(words, i, size, code, said, lower):
                yield Span("actor", i, i + size, (code,))
            i += size
        elif phrase and length:
            yield Span(phrase.kind, i, i + length, phrase=phrase)
            i += length
        else:
            if words[i] in _MARKS:
                yield Span(_MARKS[words[i]], i, i + 1)
            i += 1


def _longest(entries: Sequence[tuple[tuple[str, ...], T]], words: list[str], i: int) -> tuple[T | None, int]:
    for entry, value in entries:
        if len(entry) == 1 or tuple(words[i : i + len(entry)]) == entry:
            return value, len(entry)
    return None, 0


def _part_of_a_name(words: list[str], i: int, size: int, code: str, said: object, lower: list[str]) -> bool:
    """Whether a short name of a state is a syllable of a person's: "ông Đức", "Tuấn Anh"."""
    if size > 1 or words[i] not in _SYLLABLES:
        return False
    before = words[i - 1] if i else ""
    if before[:1].isupper() and not before.isupper() and (i > 1 or before in _TITLES) and names().get(before) is None:
        return True
    if (words[i], code) == _PRONOUN_LIKE and i == 0:
        following, _ = _longest(phrases().get(lower[1], ()) if len(lower) > 1 else (), lower, 1)
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
                out[-1] = replace(before, end=span.end)  # "Tổng thống Mỹ Trump": one actor
                continue
            owner = before
            if before and before.kind == "of":
                owner = out[-2] if len(out) > 1 else None
                gap = span.start - owner.end if owner else 99
            if owner and owner.kind != "actor":
                span = replace(
                    span,
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
            out.append(replace(span, end=spans[last].end, codes=codes))
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
    while i > 0 and spans[i - 1].kind not in ("comma", "colon", "clause", "say"):
        i -= 1
        out.append(spans[i])
    return out
