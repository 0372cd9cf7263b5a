"""The browser of pages: the pages of a set as the champion of a task sees them, those with the most errors first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from clfnews.evaluation.predictions import PredictedPart
from clfnews.filtering.decisions import article_probability
from clfnews.labels import STANCE, Task, as_task
from clfnews.page import Line

PAGES_SHOWN = 80
"""Pages of a set, the worst first."""
KINDS = {
    "type": {"noise-kept": "noise kept", "article-lost": "article lost", "wrong-type": "only the type wrong"},
    "stance": {"swap": "conciliatory and hostile swapped", "side-missed": "side missed", "false-side": "side where none is"},
}
"""Task -> kind of error -> how it is called."""
_OWN_KINDS = {"wrong": "wrong label"}
"""The same of a task of the user's labels."""
_STYLES = {
    "wrong": "bad",
    "noise-kept": "bad", "article-lost": "lost", "wrong-type": "kind",
    "swap": "bad", "side-missed": "lost", "false-side": "bad",
}  # fmt: skip
_WEIGHT = {"wrong-type": 0.01}
"""How much an error counts in the order of the pages; others count 1."""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a page: what is wrong with it, and how sure the model is."""

    n: int
    text: str
    mark: str
    style: str
    kind: str | None
    """A key of `KINDS`; None if nothing is wrong."""
    p: float


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Lines one below the other; those that were dropped are folded."""

    folded: bool
    lines: list[ShownLine]


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page as the champion of a task sees it."""

    set: str
    """Task and set."""
    kinds: str
    """Kinds of its errors, with spaces between."""
    summary: str
    blocks: list[LineBlock]


def kinds_of(spec: Task) -> dict[str, str]:
    """Kind of error of a task -> how it is called."""
    return KINDS[spec.name] if spec.keep or spec == STANCE else _OWN_KINDS


def worst_pages(part: PredictedPart) -> Iterator[ShownPage]:
    """The pages of a part, at most `PAGES_SHOWN`, the one with the most errors first."""
    scored = []
    decided = part.decisions()
    for i, page in enumerate(part.corpus.pages):
        kinds = [error_kind(part.spec, line, found) for line, found in zip(page.lines, decided[i], strict=True)]
        scored.append((-sum(_WEIGHT.get(kind, 1) for kind in kinds if kind), i, kinds))
    scored.sort(key=lambda row: row[:2])
    for _, i, kinds in scored[:PAGES_SHOWN]:
        yield _shown_page(part, i, decided[i], kinds)


def error_kind(task: Task | str, line: Line, found: str) -> str | None:
    """What is wrong with the label of a line (a key of `KINDS`); None if it is right or not labelled."""
    task = as_task(task)
    gold = line.label(task.name)
    if gold is None or gold == found:
        return None
    if task.keep:
        if (gold in task.keep) == (found in task.keep):
            return "wrong-type"
        return "article-lost" if gold in task.keep else "noise-kept"
    if task != STANCE:
        return "wrong"
    if gold == "neutral":
        return "false-side"
    return "side-missed" if found == "neutral" else "swap"


def _shown_page(part: PredictedPart, i: int, decided: list[str], kinds: list[str | None]) -> ShownPage:
    page, keep = part.corpus.pages[i], part.spec.keep
    p = article_probability(part.p[i], part.spec) if keep else part.p[i].max(axis=1)
    rows = zip(page.lines, decided, kinds, p.tolist(), strict=True)
    folds = groupby(rows, key=lambda row: bool(keep) and row[1] not in keep and row[2] != "article-lost")
    blocks = [LineBlock(folded, [_shown_line(part.spec, *row) for row in group]) for folded, group in folds]
    found = [kind for kind in kinds if kind]
    said = (
        ", ".join(f"{found.count(kind)} {title}" for kind, title in kinds_of(part.spec).items() if kind in found) or "all right"
    )
    summary = " · ".join(filter(None, (page.id, page.site, f"{len(page.lines)} lines", said)))
    return ShownPage(f"{part.task}-{part.set}", " ".join(sorted(set(found))), summary, blocks)


def _shown_line(task: Task, line: Line, found: str, kind: str | None, p: float) -> ShownLine:
    gold = line.label(task.name)
    if kind:
        style, mark = _STYLES[kind], f"✗ {kinds_of(task)[kind]}: {gold}, not {found}"
    elif task.keep:
        style, mark = ("ok", f"✓ {found}") if found in task.keep else ("", found)
    else:
        style, mark = ("ok", f"✓ {found}") if gold else ("", f"not labelled: {found}")
    return ShownLine(line.n, line.text, mark, style, kind, p)
