"""What the page shows of a tagged page, as plain records that Jinja2 escapes and writes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from clfnews.errors import counted
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.tagged import TaggedLine, TaggedPage
from clfnews.labels import STANCES, TYPE, Task, columns_of
from clfnews.reports.style import shared_style
from clfnews.serving.limits import Limits
from clfnews.serving.work import Shown, Work
from clfnews.version import __version__

LINES_SHOWN = 3000
"""Lines of a page that are shown; a browser draws no more of them fast."""
_EXPLAINED = 60
"""Kept lines whose stance is explained."""
_ECHOED = 200_000
"""Characters of a pasted text that are written into the form again."""
_MARKS = dict(zip(STANCES, ("+", "−", ""), strict=True))
EXAMPLES = {"english": "english.html", "vietnamese": "vietnamese.txt"}
"""Name of an example and its file in `examples/`."""
_STANCE_REASONS = {
    "side": "most of what takes a side takes this one",
    "coverage": "too little of the page is about relations between states",
    "balance": "both sides speak alike",
    "no article lines": "nothing is kept that could have one",
    "no stance model": "this model was trained without stances",
}


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with its marks; `why`: what moved its stance, as text and its part of the score."""

    n: int
    text: str
    type: str
    keep: bool
    p: float
    """p(article)."""
    stance: str
    mark: str
    carries: bool
    """Whether it is one of the lines that carry the page's stance."""
    why: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a bar of 100: label, where it begins, how long it is."""

    label: str
    start: float
    length: float


@dataclass(frozen=True, slots=True)
class Result:
    """A page as the filter sees it."""

    title: str
    facts: list[str]
    reason: str | None
    confidence: float
    sureness: str
    stance: str
    """Of the page, `none` without one; empty if the labels are the user's alone."""
    stance_reason: str
    bars: list[Bar]
    dropped: list[tuple[str, int]]
    """Type and number of the lines that were dropped, most first."""
    kept: int
    total: int
    lines: list[ShownLine]
    hidden: int
    article: list[tuple[str, str]]
    """Type and text of the kept lines."""
    article_text: str
    notes: tuple[str, ...]


class Templates:
    """The pages of the server; rendered from one template, with the files beside it."""

    def __init__(self, page_filter: PageFilter, limits: Limits) -> None:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        loader = PackageLoader("clfnews.serving")
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._template = environment.get_template("serve.html")
        kinds = page_filter.meta()["models"]
        self._known = {
            "version": __version__,
            "model": page_filter.name,
            "kinds": ", ".join(f"{task}: {kind}" for task, kind in kinds.items()),
            "threshold": page_filter.threshold,
            "limits": limits,
            "examples": list(EXAMPLES),
        }
        folder = files("clfnews.serving") / "templates"
        own, script = ((folder / name).read_text(encoding="utf-8") for name in ("serve.css", "serve.js"))
        self.static = {
            "style.css": (f"{shared_style()}\n{own}", "text/css"),
            "page.js": (script, "text/javascript"),
        }
        """Name -> content and media type of the files beside the page."""

    def empty(self, text: str = "") -> str:
        """The form alone."""
        return self._render(text, None, None)

    def problem(self, said: str, text: str = "") -> str:
        """The form, and why there is no page."""
        return self._render(text, None, said)

    def result(self, work: Work, shown: Shown, text: str) -> str:
        """The form and the tagged page."""
        if shown.tagged is None:
            raise ValueError("nothing was tagged")
        return self._render(text, result_of(work, shown.tagged, shown), None)

    def example(self, name: str | None) -> str:
        """The text of an example; nothing for a name that is none."""
        if name not in EXAMPLES:
            return ""
        return (files("clfnews.serving") / "examples" / EXAMPLES[name]).read_text(encoding="utf-8")

    def _render(self, text: str, result: Result | None, problem: str | None) -> str:
        text = text if len(text) <= _ECHOED else ""
        return self._template.render(self._known, text=text, result=result, problem=problem)


def result_of(work: Work, tagged: TaggedPage, shown: Shown) -> Result:
    """What is shown of a page; the stances of the first kept lines are explained."""
    page, stance = tagged.page, tagged.stance
    explained = {line.n for line in tagged.kept[:_EXPLAINED] if line.stance not in (None, "neutral")}
    kind = tagged.tasks.get("type", TYPE)
    lines = [
        _line(line, kind, line.n in stance.lines, work.why(line) if line.n in explained else [])
        for line in tagged.lines[:LINES_SHOWN]
    ]
    counts = {label: sum(line.type == label for line in tagged.lines) for label in kind.noise}
    milliseconds = f"{1000 * shown.seconds:,.0f} ms"
    return Result(
        title=tagged.title or ("The article has no headline" if tagged.kept else "No article on this page"),
        facts=[*filter(None, (page.site, page.date, page.url)), *_own(tagged), counted(len(tagged.lines), "line"), milliseconds],
        reason=tagged.reason,
        confidence=tagged.confidence,
        sureness=_sureness(tagged),
        stance=(stance.label or "none") if tagged.tells_stance else "",
        stance_reason=_STANCE_REASONS[stance.reason],
        bars=_bars(stance.p or {}),
        dropped=sorted(((label, n) for label, n in counts.items() if n), key=lambda row: -row[1]),
        kept=len(tagged.kept),
        total=len(tagged.lines),
        lines=lines,
        hidden=len(tagged.lines) - len(lines),
        article=[(line.type or "", line.text) for line in tagged.kept],
        article_text=tagged.text,
        notes=shown.notes,
    )


def _own(tagged: TaggedPage) -> list[str]:
    """What the user's own tasks say of the page."""
    return [f"{task}: {told['label']}" for task, told in tagged.own.items() if told.get("label")]


def _line(line: TaggedLine, kind: Task, carries: bool, why: list[tuple[str, float]]) -> ShownLine:
    p = 1.0 if line.type_row is None else float(sum(line.type_row[column] for column in columns_of(kind.keep, kind.labels)))
    parts = [(text, f"{part:+.2f}") for text, part in why]
    stance = line.stance or ""
    return ShownLine(line.n, line.text, line.type or "", line.keep, p, stance, _MARKS.get(stance, ""), carries, parts)


def _sureness(tagged: TaggedPage) -> str:
    how = "sure" if tagged.confidence >= 0.9 else "fairly sure" if tagged.confidence >= 0.7 else "not sure, look yourself"
    what = "the probability of no article" if tagged.reason else "the F1 to expect of the kept lines"
    return f"{how}; {what}"


def _bars(p: Any) -> list[Bar]:
    """The probabilities side by side, in the order of `STANCES` with neutral in the middle."""
    bars, start = [], 0.0
    for label in ("conciliatory", "neutral", "hostile"):
        if p:
            bars.append(Bar(label, round(start, 2), round(100 * p[label], 2)))
            start += 100 * p[label]
    return bars
