"""Events of a line: each act between its subject and its object, if the line reports it as a fact.

One pass over the spans of a sentence, after the pattern parsers of event data
(PETRARCH: Schrodt, Beieler and Idris 2014), with rules for Vietnamese: subject,
act, object in this order; the passive with "bị" and "được"; what is negated,
conditional, somebody's opinion, or only named ("vụ tấn công") is no event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from clfnews.events.classes import quad_of
from clfnews.events.lexicon import names, sentences_of, words_of
from clfnews.events.roles import Clause, Codes, Memory, agent_of, clause_of, object_of, subject_of
from clfnews.events.spans import STATED, Span, named_in, spans_of


class Act(NamedTuple):
    """One actor does something to another."""

    source: str
    target: str
    event: str
    """A name of `classes.CLASSES`."""


RETURN = "RETURN"
"""Class of acts that give back what was done before."""
_BLAMED = frozenset(("ACCUSE", "APPEAL", "DEMAND", "THREATEN"))
_INTENT = {"material-cooperation": "AGREE", "material-conflict": "THREATEN"}
"""Quad class -> class of an act of it that is only announced."""
_NEAR = 1
_THIS = "này"
"""In words for an actor that was named before ("nước này")."""
_BEFORE_YEARS = frozenset(("năm", "đoạn", "/"))


def acts_of(text: str, memory: Memory | None = None) -> list[Act]:
    """The events of a line, each once, in the order of their acts; `memory` carries actors from the lines before."""
    memory = memory if memory is not None else Memory()
    found: dict[Act, None] = {}
    known = names().keys()
    for sentence in sentences_of(text):
        words = words_of(sentence)
        several = sum(word in known for word in words)
        if not several:
            continue
        # Most sentences name at most one actor; looking for no more than that is quick.
        if several == 1 and _THIS not in words:
            memory.add(named_in(words))
            continue
        lower = [word.lower() for word in words]
        spans = spans_of(words, lower)
        if not _tells_of_others(spans) and not _is_history(lower, spans):
            found.update(dict.fromkeys(_Reading(spans, lower, memory).acts()))
        memory.add(tuple(code for span in spans for code in span.codes))
    return list(found)


def _tells_of_others(spans: Sequence[Span]) -> bool:
    """Whether analysts, papers or polls speak: they are no actors, and what they say is no report."""
    for i, span in enumerate(spans):
        if span.kind == "act":
            return False
        if span.kind == "outsider":
            quoted = i > 0 and spans[i - 1].kind in ("clause", "next") and span.start - spans[i - 1].end <= _NEAR
            return quoted or _speaks(spans[i + 1 :])
    return False


def _speaks(spans: Sequence[Span]) -> bool:
    for span in spans:
        if span.kind in ("act", "say"):
            return span.kind == "say"
    return False


def _is_history(words: Sequence[str], spans: Sequence[Span]) -> bool:
    """Whether the sentence tells of another century."""
    if any(span.kind == "past" for span in spans):
        return True
    years = (word for before, word in pairwise(words) if before in _BEFORE_YEARS)
    return any(len(year) == 4 and year.isdigit() and year < "2000" for year in years)


class _Reading:
    """One sentence, read from left to right."""

    def __init__(self, spans: Sequence[Span], words: Sequence[str], memory: Memory) -> None:
        self.spans, self.words = spans, words
        self.known = list(memory.mentioned)
        """Actors mentioned so far, the last one last."""
        self.topic: Codes = ()
        """Who acted last."""
        self.stated = ""
        """Class of the last act of words, whose content may go on behind a comma."""
        self.last: Act | None = None

    def acts(self) -> Iterator[Act]:
        for i, span in enumerate(self.spans):
            if span.kind == "if":
                return  # what hangs on a condition is no event, nor is the condition
            if span.kind == "next":
                self.stated = ""
            elif span.kind == "actor":
                self._mention(span)
            elif span.kind == "act":
                for act in self._read(i, span):
                    self.last = act
                    yield act

    def _mention(self, span: Span) -> None:
        self.known = [code for code in self.known if code not in span.codes] + list(span.codes)
        if not self.topic and not span.place and not span.aside and not span.private:
            self.topic = span.codes

    def _read(self, i: int, act: Span) -> list[Act]:
        assert act.phrase is not None
        clause = clause_of(self.spans, i)
        if clause.border == "content" or clause.denied or any(span.kind in ("not", "unsure") for span in clause.before):
            return []
        passive = next((k for k in range(len(clause.before) - 1, -1, -1) if clause.before[k].kind == "passive"), None)
        if passive is not None:
            return self._passive(i, act, clause, passive)
        if self._is_content(act, clause):
            return []
        subject = subject_of(clause, act, self.topic, self.known)
        if not subject:
            return []
        self.topic = subject
        if act.phrase.event in STATED:
            self.stated = act.phrase.event
        elif clause.has_subject:
            self.stated = ""
        return self._active(i, act, clause, subject)

    def _is_content(self, act: Span, clause: Clause) -> bool:
        """Whether the act is only what an act of words speaks of: "cáo buộc B tấn công C"."""
        assert act.phrase is not None
        hard = act.phrase.event == RETURN or quad_of(act.phrase.event) == "material-conflict"
        if clause.previous is None:
            goes_on = clause.border == "clause" or (clause.border == "comma" and hard)
            return goes_on and not clause.has_subject and self.stated in _BLAMED
        assert clause.previous.phrase is not None
        if clause.previous.phrase.event not in STATED:
            return False
        joined = any(span.kind == "and" and act.start - span.end <= _NEAR for span in clause.before)
        return not joined or (hard and clause.previous.phrase.event in _BLAMED)

    def _active(self, i: int, act: Span, clause: Clause, subject: Codes) -> list[Act]:
        assert act.phrase is not None
        event, mutual = act.phrase.event, act.phrase.mutual
        if event == RETURN:
            return self._returned(i, subject)
        if any(span.kind == "will" and act.start - span.end <= _NEAR for span in clause.before):
            event = _INTENT.get(quad_of(event), event)
        target = object_of(self.spans, self.words, i, subject, self.known)
        if not mutual:
            return [Act(a, b, event) for a in subject for b in target if a != b]
        if target:
            pairs = [(a, b) for a in subject for b in target]
        else:
            pairs = [(a, b) for n, a in enumerate(subject) for b in subject[n + 1 :]]
        return [Act(*pair, event) for a, b in pairs for pair in ((a, b), (b, a))]

    def _returned(self, i: int, subject: Codes) -> list[Act]:
        """The last act the other way round, unless the clause says itself what is done."""
        for span in self.spans[i + 1 :]:
            if span.kind == "act":
                return []
            if span.kind in ("comma", "colon", "clause", "next"):
                break
        if self.last is None or self.last.target not in subject or quad_of(self.last.event).endswith("cooperation"):
            return []
        return [Act(self.last.target, self.last.source, self.last.event)]

    def _passive(self, i: int, act: Span, clause: Clause, passive: int) -> list[Act]:
        assert act.phrase is not None
        agents = agent_of(self.spans, clause, passive, i)
        patients = subject_of(
            clause._replace(before=clause.before[:passive]), clause.before[passive], self.topic, self.known, suffers=True
        )
        if not agents or act.phrase.event == RETURN:
            return []
        self.topic = patients or self.topic
        return [Act(a, b, act.phrase.event) for a in agents for b in patients if a != b]
