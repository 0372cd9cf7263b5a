"""Who acts and on whom: subject, object and agent of an act, from the spans around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from clfnews.events.lexicon import Phrase
from clfnews.events.spans import STATED, Span

Codes = tuple[str, ...]

BORDERS = frozenset(("comma", "colon", "clause", "next", "say", "content", "if"))
"""Spans between clauses."""
_ON_LAND = frozenset(("ASSAULT", "COERCE", "MOBILIZE", "AID"))
"""Acts that a place may suffer."""
_ADDRESSED = frozenset(("APPEAL", "DEMAND"))
"""Acts of words that name whom they address before what they want."""
_MORE_WORDS = 2
"""Words of no kind that may stand between the border of a clause and an act that names no subject: more are a subject."""
_NOT_THE_OBJECT = frozenset(("chống", "chống lại", "theo", "trước", "sau", "do", "như", "ngoài", "trừ", "so với", "giống"))
"""Prepositions whose actor is no object."""
_REMEMBERED = 6


@dataclass(slots=True)
class Memory:
    """What pronouns may mean: the actors of the text so far, the last one last."""

    mentioned: list[str] = field(default_factory=list)

    def add(self, codes: Codes) -> None:
        """Remember actors in the order of a text."""
        for code in codes:
            if code in self.mentioned:
                self.mentioned.remove(code)
            self.mentioned.append(code)
        del self.mentioned[:-_REMEMBERED]


class Clause(NamedTuple):
    """What stands before an act in its clause."""

    border: str
    """Kind of the span before the clause; `start` at the head of the sentence."""
    begin: int
    """Token at which the clause, or the part of it after an earlier act, begins."""
    before: Sequence[Span]
    """The spans of that part, up to the act."""
    previous: Span | None
    """The act before this one in the clause, or an act of words that is only named ("lời kêu gọi")."""
    denied: bool
    """Whether the clause is what somebody does not say: "không cho rằng"."""

    @property
    def has_subject(self) -> bool:
        """Whether the clause names somebody who may act."""
        return any(span.kind in ("it", "both") or (span.kind == "actor" and span.may_act) for span in self.before)


def clause_of(spans: Sequence[Span], i: int) -> Clause:
    """The clause of the act with the index `i`."""
    first = i
    while first > 0 and spans[first - 1].kind not in BORDERS:
        first -= 1
    border = spans[first - 1].kind if first else "start"
    begin = spans[first - 1].end if first else 0
    denied = border == "say" and first > 1 and spans[first - 2].kind == "not" and spans[first - 2].end == spans[first - 1].start
    previous = next((k for k in range(i - 1, first - 1, -1) if spans[k].kind == "act" or spans[k].is_stated), None)
    if previous is not None:
        return Clause(border, spans[previous].end, spans[previous + 1 : i], spans[previous], denied)
    return Clause(border, begin, spans[first:i], None, denied)


def subject_of(clause: Clause, act: Span, topic: Codes, known: Sequence[str], suffers: bool = False) -> Codes:
    """Who acts: the first actor of the clause; where it names none, the one that acted before.

    Empty if people without a part in politics act, or somebody who is not known.
    `known`: the actors mentioned before, the last one last. The subject of a passive act
    `suffers`, and may be anybody of a state.
    """
    for n, span in enumerate(clause.before):
        if (
            span.kind == "private"
            and not suffers
            and not any(later.kind == "actor" and not later.private for later in clause.before[n:])
        ):
            return ()
        if span.kind == "both":
            return tuple(known[-2:])
        if span.kind == "it":
            return topic or tuple(known[-1:])
        if span.kind == "he":
            return topic
        if span.kind == "actor" and span.may_act:
            if clause.previous is None:
                return () if span.private and not suffers else span.codes
            if any(link.kind == "and" for link in clause.before[:n]):
                return span.codes
    covered = sum(span.end - span.start for span in clause.before)
    unknown = clause.previous is None and act.start - clause.begin - covered > _MORE_WORDS
    return () if unknown else topic


def object_of(spans: Sequence[Span], words: Sequence[str], i: int, subject: Codes, known: Sequence[str]) -> Codes:
    """On whom the act with the index `i` is done: the next actor behind it that can be."""
    act = spans[i]
    assert act.phrase is not None
    passes_acts = act.phrase.event in STATED - _ADDRESSED
    stated = act.phrase.event in STATED
    for k in range(i + 1, len(spans)):
        span = spans[k]
        if span.kind in ("comma", "colon", "clause", "next", "if", "say") or (span.kind == "content" and not stated):
            return ()
        if span.kind == "act" and not passes_acts:
            return ()
        codes = span.codes
        if span.kind == "it":
            codes = next(((code,) for code in reversed(known) if code not in subject), ())
        codes = tuple(code for code in codes if code not in subject)
        if codes and _can_be_object(span, spans[k - 1], act.phrase, words[act.end : span.start]):
            return codes
    return ()


def _can_be_object(span: Span, before: Span, phrase: Phrase, between: Sequence[str]) -> bool:
    if span.place and phrase.event not in _ON_LAND:
        return False
    text = f" {' '.join(between)} "
    if before.kind == "aside" and any(f" {word} " in text[-20:] for word in _NOT_THE_OBJECT):
        return False
    return not phrase.needs or not between or any(f" {word} " in text for word in phrase.needs)


def agent_of(spans: Sequence[Span], clause: Clause, passive: int, i: int) -> Codes:
    """Who acts in a passive clause: the actor behind "bị" or "được", else the one behind "bởi"."""
    for span in clause.before[passive + 1 :]:
        if span.kind == "actor" and not span.place:
            return span.codes
    for k in range(i + 1, len(spans) - 1):
        if spans[k].kind == "by":
            return spans[k + 1].codes
    return ()
