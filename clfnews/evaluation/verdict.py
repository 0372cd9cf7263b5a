"""Whether one model is better than another: the one rule of `compare` and of promotion.

Both are scored on the same pages, and the difference of the headline score is resampled over groups, in pairs. What
decides is the validation split, or out of fold on train where validation has fewer than `FEW_GROUPS` groups; of fewer
groups nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from clfnews.evaluation.metrics import FEW_GROUPS, headline, short
from clfnews.evaluation.predictions import PredictedPart

BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"
NAMES = {"oof": "out of fold"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The headline score of b against a on one set."""

    task: str
    set: str
    a: float
    b: float
    low: float
    high: float
    """Ends of the interval of b - a."""
    groups: int

    @property
    def said(self) -> str:
        """`better`, `worse` or `cannot tell`."""
        if self.groups < FEW_GROUPS or self.low <= 0 <= self.high:
            return CANNOT_TELL
        return BETTER if self.b > self.a else WORSE

    def __str__(self) -> str:
        """`article_f1 0.9012 against 0.8970 out of fold, +0.0042 [+0.0010, +0.0070], 24 groups`."""
        few = f"{self.groups} group{'s' * (self.groups != 1)}" + ", too few to tell" * (self.groups < FEW_GROUPS)
        interval = "-" if self.groups < FEW_GROUPS else f"[{self.low:+.4f}, {self.high:+.4f}]"
        measure, where = short(headline(self.task)), NAMES.get(self.set, f"on {self.set}")
        return f"{measure} {self.b:.4f} against {self.a:.4f} {where}, {self.b - self.a:+.4f} {interval}, {few}"


def deciding(groups: Mapping[str, int]) -> str | None:
    """The set that decides, of the sets with their numbers of groups; None if there is none."""
    if groups.get("validation", 0) >= FEW_GROUPS:
        return "validation"
    # At last a file that both were scored on, or what there is.
    return next(iter([*(name for name in ("oof", "validation") if name in groups), *groups]), None)


def judge(a: PredictedPart, b: PredictedPart) -> Verdict:
    """The verdict on two parts of one signature; raises `ValueError` if they have two."""
    of_a, of_b, main = a.scores(), b.scores(), headline(a.task)
    _, low, high = of_b.difference(of_a, main, a.bootstrap.level)
    return Verdict(a.task, a.set, of_a.values[main], of_b.values[main], low, high, len(set(a.corpus.groups)))


def on_shared_pages(a: PredictedPart, b: PredictedPart) -> tuple[PredictedPart, PredictedPart] | None:
    """Both parts on the pages that both have, with the groups and the resampling of b; None if they share none.

    Two trainings often have other pages, of which most are the same.
    """

    def content(part: PredictedPart, i: int) -> tuple[object, ...]:
        page = part.corpus.pages[i]
        return (page.id, *((line.text, line.label(part.label)) for line in page.lines))

    places = {content(a, i): i for i in range(len(a.corpus))}
    pairs = [(places[key], i) for i in range(len(b.corpus)) if (key := content(b, i)) in places]
    if not pairs:
        return None
    pages = replace(b.corpus.select([i for _, i in pairs]), references=())

    def cut(part: PredictedPart, index: Iterable[int]) -> PredictedPart:
        p = [part.p[i] for i in index]
        return replace(part, corpus=pages, p=p, bootstrap=b.bootstrap, signature=b.signature, known=None)

    return cut(a, (i for i, _ in pairs)), cut(b, (i for _, i in pairs))
