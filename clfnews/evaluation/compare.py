"""Two runs side by side: settings, scores with paired differences, lines on which they disagree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from clfnews.data.gold import load_gold
from clfnews.evaluation.metrics import FEW_GROUPS, SETS, headline
from clfnews.evaluation.predictions import END_TO_END, PredictedPart, RunData, filter_parts, model_kinds
from clfnews.evaluation.scores import Scores
from clfnews.evaluation.verdict import Verdict, deciding
from clfnews.filtering.filter import PageFilter
from clfnews.labels import TASKS

_TASKS = (*TASKS, END_TO_END)
_OPTION = re.compile(r"(?<!\w)(\w++)\.models\.(\w++)\.")
_TAGS = {
    "clfnews.version": "clfnews version", "clfnews.git_commit": "git commit", "clfnews.config": "configuration file",
    "clfnews.data_hash": "training data", "clfnews.test_hash": "test data",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DifferingLine:
    """A line that two runs label differently; `right` is `a`, `b` or `neither`."""

    page: str
    n: int
    text: str
    gold: str
    a: str
    b: str
    right: str


@dataclass(frozen=True, slots=True)
class PartComparison:
    """One task on one set: scores side by side, or the reason why they must not stand there."""

    task: str
    set: str
    models: tuple[str, str]
    refusal: str | None = None
    signature: str = ""
    metrics: list[tuple[str, float, float, tuple[float, float, float]]] = field(default_factory=list)
    """Name, value of a, value of b, and b - a with its interval."""
    lines: list[DifferingLine] = field(default_factory=list)
    pages: list[tuple[str, int, int]] = field(default_factory=list)
    """Page, wrong lines of a, wrong lines of b; the largest change first."""
    groups: int = 0
    """Groups that were resampled; with fewer than `FEW_GROUPS` no difference is called sure."""

    def sure(self, low: float, high: float) -> bool:
        """Whether the interval of a difference leaves out zero, and there are groups enough to believe it."""
        return self.groups >= FEW_GROUPS and (low > 0 or high < 0)

    def judged(self) -> Verdict:
        """b against a, by the headline score."""
        _, a, b, (_, low, high) = headline_first(self)[0]
        return Verdict(self.task, self.set, a, b, low, high, self.groups)

    def verdict(self) -> str:
        """`better`, `worse` or `cannot tell`: b against a, by the headline score."""
        return self.judged().said

    def counts(self) -> Counter[str]:
        """How many of the differing lines `a`, `b` or `neither` has right."""
        return Counter(line.right for line in self.lines)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs between two runs."""

    names: tuple[str, str]
    settings: list[tuple[str, str, str]]
    """Key, value of a, value of b, where they differ."""
    parts: list[PartComparison]

    def deciding(self) -> dict[str, PartComparison]:
        """Task -> the part by which it is judged (see `verdict.deciding`); nothing of a task of which no numbers agree."""
        found: dict[str, PartComparison] = {}
        for task in dict.fromkeys(part.task for part in self.parts):
            of_task = {part.set: part for part in self.parts if part.task == task and part.refusal is None}
            chosen = deciding({name: part.groups for name, part in of_task.items()})
            if chosen is not None and (task != END_TO_END or not found):  # the tasks decide, not the two together
                found[task] = of_task[chosen]
        return found


def compare_runs(a: RunData, b: RunData) -> Comparison:
    """Compare what two runs logged; each task by the runs' champions (or the one model of a model's run)."""
    of_a, of_b = a.compared(), b.compared()
    order = sorted(of_a, key=lambda key: (_place(key[0]), SETS.index(key[1])))
    parts = [_compare(of_a[key], _aligned(of_b[key], of_a[key])) for key in order if key in of_b]
    return Comparison((f"{a.name} ({a.id[:8]})", f"{b.name} ({b.id[:8]})"), list(_settings(a, b)), parts)


def _place(task: str) -> tuple[int, str]:
    """Order of the tasks: the shipped ones come first."""
    return (_TASKS.index(task) if task in _TASKS else len(_TASKS), task)


def compare_filters(names: tuple[str, str], a: PageFilter, b: PageFilter, file: Path) -> Comparison:
    """Compare two filters on a labelled file that neither was trained on, read and scored now."""
    corpus = load_gold(file, {**b.tasks, **a.tasks})
    parts_a, parts_b = filter_parts(a, corpus), filter_parts(b, corpus)
    settings = [
        ("threshold", f"{a.threshold:g}", f"{b.threshold:g}"),
        *((f"{task} model", x, y) for task, x, y in zip(TASKS, model_kinds(a), model_kinds(b), strict=True)),
        *((f"data {key}", str(x), str(b.info.get("data", {}).get(key))) for key, x in a.info.get("data", {}).items()),
    ]
    differing = [(key, x, y) for key, x, y in settings if x != y]
    return Comparison(names, differing, [_compare(x, y) for x in parts_a for y in parts_b if x.task == y.task])


def _settings(a: RunData, b: RunData) -> Iterator[tuple[str, str, str]]:
    """Parameters and provenance that are not the same."""
    for key in sorted(set(a.params) | set(b.params)):
        # A model that only one of the runs has is told by the list of models.
        model = _OPTION.match(key)
        if model and not all(model[2] in run.params.get(f"{model[1]}.models", model[2]).split(", ") for run in (a, b)):
            continue
        x, y = a.params.get(key, "-"), b.params.get(key, "-")
        if x != y:
            yield key, x, y
    for key, title in _TAGS.items():
        x, y = a.tags.get(key, "-"), b.tags.get(key, "-")
        if x != y:
            yield title, x, y


def _compare(a: PredictedPart, b: PredictedPart) -> PartComparison:
    models = a.model, b.model
    if a.signature != b.signature:
        return PartComparison(a.task, a.set, models, _reason(a.signature, b.signature))
    lines = list(_differing(a, b))
    metrics, groups = list(_metrics(a.scores(), b.scores(), a.bootstrap.level)), len(set(a.corpus.groups))
    return PartComparison(a.task, a.set, models, None, a.signature, metrics, lines, _pages(a, b), groups)


def _aligned(part: PredictedPart, to: PredictedPart) -> PredictedPart:
    """The part scored with the other's resampling.

    Runs of two seeds draw two bootstraps; the scores do not depend on that, and
    pairs need one. Everything else in the signature has to agree by itself.
    """
    mine, other = part.signature.split("|"), to.signature.split("|")
    signed = [theirs if theirs.startswith("bootstrap ") else own for own, theirs in zip(mine, other, strict=False)]
    return replace(part, bootstrap=to.bootstrap, signature="|".join(signed))


def _reason(a: str, b: str) -> str:
    """The parts of two signatures that differ."""
    pairs = zip(a.split("|"), b.split("|"), strict=False)
    return "; ".join(f"{x} / {y}" for x, y in pairs if x != y) or f"{a} / {b}"


def _metrics(a: Scores, b: Scores, level: float) -> Iterator[tuple[str, float, float, tuple[float, float, float]]]:
    for name in a.values:
        yield name, a.values[name], b.values[name], b.difference(a, name, level)


def _differing(a: PredictedPart, b: PredictedPart) -> Iterator[DifferingLine]:
    for page, row_a, row_b in zip(a.corpus.pages, a.decisions(), b.decisions(), strict=True):
        for line, x, y in zip(page.lines, row_a, row_b, strict=True):
            gold = line.label(a.label)
            if gold is not None and x != y:
                right = "a" if x == gold else "b" if y == gold else "neither"
                yield DifferingLine(page.id, line.n, line.text, gold, x, y, right)


def _pages(a: PredictedPart, b: PredictedPart) -> list[tuple[str, int, int]]:
    """Pages on which one has more lines wrong; for types, lines kept or dropped wrongly."""
    wrong_a, wrong_b = _wrong(a), _wrong(b)
    rows = [(page.id, int(x), int(y)) for page, x, y in zip(a.corpus.pages, wrong_a, wrong_b, strict=True) if x != y]
    return sorted(rows, key=lambda row: (-abs(row[1] - row[2]), row[0]))


def _wrong(part: PredictedPart) -> np.ndarray:
    out = []
    for page, decided in zip(part.corpus.pages, part.decisions(), strict=True):
        pairs = [(gold, d) for x, d in zip(page.lines, decided, strict=True) if (gold := x.label(part.label))]
        keep = part.spec.keep
        out.append(sum((gold in keep) != (found in keep) if keep else gold != found for gold, found in pairs))
    return np.array(out)


def headline_first(part: PartComparison) -> list[tuple[str, float, float, tuple[float, float, float]]]:
    """The metrics with the one that decides on top."""
    main = headline(part.task)
    return sorted(part.metrics, key=lambda row: row[0] != main)
