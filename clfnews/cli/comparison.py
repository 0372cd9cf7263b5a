"""`clfnews compare` on the terminal: the verdict, the scores that differ, the settings, and lines; `--all` for everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clfnews.cli.terminal import cut, echo, print_table, printable, wrapped
from clfnews.errors import counted

if TYPE_CHECKING:
    from clfnews.evaluation.compare import Comparison, DifferingLine, PartComparison

_SAID = {"better": "b is better than a", "worse": "b is worse than a"}
_FEW = 3
"""Settings, and scores beside the headline, that are shown without `--all`."""
_TEXT = 60
"""Characters of a setting that are shown."""


def show_comparison(outcome: Comparison, show: int, every: bool) -> None:
    """Print it; `show` differing lines of each task, or `every` line, score, setting and page."""
    from clfnews.evaluation.metrics import FEW_GROUPS
    from clfnews.evaluation.verdict import NAMES

    echo(f"a: {outcome.names[0]}\nb: {outcome.names[1]}")
    deciding = outcome.deciding()
    for task, part in deciding.items():
        verdict = part.judged()
        told = f"{task}: {_SAID.get(verdict.said, 'cannot tell which is better')}: {verdict}"
        echo(wrapped(told))
    if not outcome.parts:
        echo("the runs have no task and set in common")
    compared = [part for part in outcome.parts if part.refusal is None]
    rows = [row for part in compared for row in _rows(part, part is deciding.get(part.task), every)]
    if rows:
        print_table(["", "task", "set", "measure", "a", "b", "b - a, interval"], rows, gives_way=["b"])
        few = f"; interval - below {FEW_GROUPS} groups" * any(part.groups < FEW_GROUPS for part in compared)
        echo(f"+ b is better, - b is worse, beyond the interval{few}")
    for refused in (part for part in outcome.parts if part.refusal is not None):
        why = f"the numbers are not of the same thing: {refused.refusal}"
        echo(wrapped(f"{refused.task}, {NAMES.get(refused.set, refused.set)}: not set side by side, for {why}"))
    _show_settings(outcome, every)
    for part in compared if every else deciding.values():
        _show_lines(part, None if every else show)
    if every:
        for signature in dict.fromkeys(part.signature for part in compared):
            echo(signature)


def _rows(part: PartComparison, decides: bool, every: bool) -> Iterator[list[str]]:
    """The headline of a part, and the scores that differ beyond the interval where it decides; or every score."""
    from clfnews.evaluation.compare import headline_first
    from clfnews.evaluation.metrics import FEW_GROUPS, LOWER, short
    from clfnews.evaluation.predictions import END_TO_END
    from clfnews.evaluation.verdict import NAMES

    first, *others = headline_first(part)
    sure = [row for row in others if part.sure(*row[3][1:])] if decides else []
    for name, a, b, (delta, low, high) in [first, *(others if every else sure[:_FEW])]:
        better = (delta > 0) != (short(name) in LOWER)
        mark = ("+" if better else "-") if part.sure(low, high) else ""
        interval = "-" if part.groups < FEW_GROUPS else f"[{low:+.3f}, {high:+.3f}]"
        where = NAMES.get(part.set, part.set)
        task, measure = part.task, short(name)
        if task == END_TO_END:
            task, where, measure = "stance", "end to end", measure.removeprefix("stance_")
        yield [mark, task, where, measure, f"{a:.3f}", f"{b:.3f}", f"{delta:+.3f} {interval}"]


def _show_settings(outcome: Comparison, every: bool) -> None:
    settings = [f"{key}: {printable(a)} -> {printable(b)}" for key, a, b in outcome.settings]
    if not settings:
        echo("no setting differs")
    elif every:
        echo("\n".join(settings))
    else:
        shown = [text if len(text) <= _TEXT else f"{text[:_TEXT]}..." for text in settings[:_FEW]]
        more = f"; {len(settings) - _FEW} more with --all" * (len(settings) > _FEW)
        echo(wrapped(f"settings: {'; '.join(shown)}{more}"))


def _show_lines(part: PartComparison, show: int | None) -> None:
    """Lines of the part on which the two disagree, those that one of them has right first; `show`: so many, None for all."""
    from clfnews.evaluation.verdict import NAMES

    where = f"{part.task}, {NAMES.get(part.set, part.set)}"
    if not part.lines:
        echo(f"{where}: every line is labelled the same")
        return
    n = part.counts()
    told = (
        f"{where}: {counted(len(part.lines), 'line')} labelled differently; "
        f"a is right {n['a']}, b is right {n['b']}, neither {n['neither']}"
    )
    echo(wrapped(told))
    chosen = part.lines if show is None else sorted(part.lines, key=lambda line: line.right == "neither")[:show]
    for line in chosen:
        echo(cut(f"  {_line(line)}"))
    if show is None:
        for page, of_a, of_b in part.pages:
            echo(f"  {page}: wrong lines of a {of_a}, of b {of_b}")


def _line(line: DifferingLine) -> str:
    right = {"a": "a is right", "b": "b is right"}.get(line.right, f"it is {line.gold}")
    return printable(f"{line.page} {line.n}: a {line.a}, b {line.b}, {right}: {line.text}")
