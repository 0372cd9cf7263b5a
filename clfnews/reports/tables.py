"""Tables and figures of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clfnews.data.markdown import markdown_table
from clfnews.evaluation.metrics import CHALLENGE, FEW_GROUPS, headline, score_columns, short
from clfnews.evaluation.scores import Scores
from clfnews.filtering.schema import tells_stance

if TYPE_CHECKING:
    from clfnews.evaluation.results import Result, TrainResult


def table_rows(results: Sequence[Result]) -> dict[str, list[Any]]:
    """Column -> values, one entry a model: what `log_table` takes."""
    rows: dict[str, list[Any]] = {"model": [r.name for r in results]}
    for title, name in _columns(results):
        rows[f"oof {title}"] = [round(r.oof.values[name], 4) for r in results]
        rows[f"test {title}"] = [round(r.test.values[name], 4) for r in results]
        rows[f"test {title} interval"] = [f"{r.test.low[name]:.3f}-{r.test.high[name]:.3f}" for r in results]
    for title, name in CHALLENGE:
        if all(r.challenge is not None for r in results):
            rows[title] = [round(r.challenge.values[name], 4) for r in results if r.challenge is not None]
    rows["CPU s"] = [round(r.seconds, 1) for r in results]
    rows["MB"] = [round(r.size / 1e6, 2) for r in results]
    return rows


def _columns(results: Sequence[Result]) -> tuple[tuple[str, str], ...]:
    """Title and metric of the columns of a task's tables."""
    return score_columns(results[0].task, results[0].fitted.task.labels)


def cells(outcome: TrainResult, task: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table that the terminal and the report show; `caption` says what its scores are."""
    validated = outcome.splits[task].validation is not None
    main = headline(task)
    header = ["", "model", "out of fold"]
    header += ["validation"] if validated else []
    columns = [name for _, name in _columns(outcome.results[task]) if name != main]
    header += ["test", *(f"test {short(name)}" for name in columns)]
    challenged = all(result.challenge is not None for result in outcome.results[task])
    header += [short(name) for _, name in CHALLENGE if challenged] + ["CPU s", "MB"]
    rows = []
    for result in sorted(outcome.results[task], key=lambda r: r.headline):
        row = ["*" if outcome.champions[task] is result else "", result.name, with_interval(result.oof, main)]
        if result.validation is not None:
            row.append(with_interval(result.validation, main))
        row += [with_interval(result.test, main), *(f"{result.test.values[name]:.3f}" for name in columns)]
        row += [f"{result.challenge.values[name]:.3f}" for _, name in CHALLENGE if result.challenge is not None and challenged]
        rows.append([*row, f"{result.seconds:.1f}", f"{result.size / 1e6:.2f}"])
    return header, rows


def caption(outcome: TrainResult, task: str) -> str:
    """What the table of a task shows: the measure, its intervals, the mark."""
    few = any(scores.few for result in outcome.results[task] for scores in (result.oof, result.validation, result.test) if scores)
    interval = f"{outcome.config.bootstrap.level:.0%} interval" + f", - below {FEW_GROUPS} groups" * few
    return f"{task}: {short(headline(task))} [{interval}]; * is the best out of fold"


def word_cells(outcome: TrainResult) -> tuple[list[str], list[list[str]]] | None:
    """Out-of-fold word-F1 by kind of page, a row a model; None if the pages have no gold texts."""
    if "type" not in outcome.results:
        return None
    results = sorted(outcome.results["type"], key=lambda r: r.headline)
    names = [name for name in results[0].oof.values if name == "words/f1" or name.startswith("words/f1_")]
    if not names:
        return None
    header = ["", "model", "all"] + [name.removeprefix("words/f1_") for name in names[1:]]
    star = outcome.champions["type"]
    return header, [["*" * (r is star), r.name, *(with_interval(r.oof, name) for name in names)] for r in results]


def with_interval(scores: Scores, name: str) -> str:
    """`0.871 [0.80, 0.92]`; `0.871 -` of fewer groups than an interval takes."""
    return f"{scores.values[name]:.3f} {scores.interval(name)}"


def markdown(outcome: TrainResult) -> str:
    """The report of a run as Markdown."""
    parts = ["# clfnews training report", ""]
    for task in outcome.results:
        header, rows = cells(outcome, task)
        parts += [f"## {task}", "", caption(outcome, task), "", markdown_table(header, rows)]
        test = outcome.champions[task].test
        parts += ["", f"Signature of the test columns: `{test.signature}`", ""]
    return "\n".join([*parts, _closing(outcome), ""])


def _closing(outcome: TrainResult) -> str:
    """What is said below the tables: stance end to end, or why there is none."""
    if outcome.end_to_end is None:
        none = "The test pages have no stances: no score end to end." * tells_stance(outcome.page_filter.tasks)
        return outcome.skipped or none
    return f"Stance macro-F1 end to end on test: {with_interval(outcome.end_to_end, 'end_to_end/stance_macro_f1')}"


def warnings(outcome: TrainResult) -> list[str]:
    """What should not be overlooked: leakage, fits that did not converge, champions no better than one label for every line.

    The last on validation, or on test without it; out of fold they were chosen.
    """
    told = []
    if outcome.leaked:
        told.append(told_leaks(outcome.leaked, outcome.config.data.folder))
    for result in (result for results in outcome.results.values() for result in results if result.unconverged):
        fits = f"{result.unconverged} of {outcome.config.folds + 1} fits"
        told.append(f"{result.task} {result.name}: {fits} stopped before they converged; a smaller C or more lines may help")
    for task, champion in outcome.champions.items():
        floor, metric = next(r for r in outcome.results[task] if r.name == "majority"), headline(task)
        name, a, b = "test", champion.test, floor.test
        if champion.validation is not None and floor.validation is not None:
            name, a, b = "validation", champion.validation, floor.validation
        if a.values[metric] <= b.values[metric]:
            title = {column: name for name, column in _columns(outcome.results[task])}[metric]
            score = f"{title} {a.values[metric]:.3f}, majority {b.values[metric]:.3f}"
            told.append(f"{task}: the champion {champion.name} is no better than majority on {name} ({score}): do not use it")
    return told


def told_leaks(leaked: Sequence[str], folder: str) -> str:
    """What is on both sides of a split, in one line."""
    more = f", and {len(leaked) - 1} more" * (len(leaked) > 1)
    return f"leakage, so scores are too good: {leaked[0]}{more}; clfnews data check {folder} names all"


def summary(outcome: TrainResult) -> str:
    """A run's headline scores as Markdown, for its description."""
    parts = []
    for task in outcome.results:
        main = headline(task)
        title = {metric: name for name, metric in _columns(outcome.results[task])}[main]
        rows = []
        for result in sorted(outcome.results[task], key=lambda r: -r.headline):
            sets = [with_interval(scores, main) if scores else "" for scores in (result.oof, result.validation, result.test)]
            name = f"**{result.name}** (champion)" if outcome.champions[task] is result else result.name
            rows.append([name, *sets])
        table = markdown_table(["model", "out of fold", "validation", "test"], rows)
        parts += [f"**{task}**, {title}", "", table, ""]
    parts.append(_closing(outcome))
    return "\n".join([*parts, "", "Artefacts: `report.html` shows curves and pages, `scores.json` every score."])


def all_scores(outcome: TrainResult) -> dict[str, Any]:
    """Task -> model -> set -> metric -> value and interval, with the signature of each set."""
    out: dict[str, Any] = {"end_to_end": {"test": _scores(outcome.end_to_end)}} if outcome.end_to_end else {}
    for task, results in outcome.results.items():
        out[task] = {
            result.name: {part: _scores(scores) for part in ("test", "validation", "oof") if (scores := getattr(result, part))}
            for result in results
        }
    return out


def _scores(scores: Scores) -> dict[str, Any]:
    values = {name: [value, scores.low[name], scores.high[name]] for name, value in scores.values.items()}
    return {"signature": scores.signature, "scores": values}
