"""The report of a run as one HTML file: scores, curves and a browser of its pages.

The file needs nothing from the network. What it shows is collected here as plain
records; `templates/report.html` writes them, and Jinja2 escapes every text. The
only script filters the pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clfnews.evaluation.predictions import END_TO_END, PREDICTED_SETS, RunData
from clfnews.reports.run_charts import run_charts
from clfnews.reports.run_tables import Table, confusion, leaderboards, part_scores
from clfnews.reports.worst_pages import PAGES_SHOWN, kinds_of, worst_pages


def render(run: RunData) -> str:
    """The HTML text of a run's report; the same run gives the same text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("clfnews.reports")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    run = replace(run, parts={key: part for key, part in run.parts.items() if key[2] in PREDICTED_SETS})
    shown = dict(sorted(run.compared().items(), key=lambda item: _place(*item[0])))
    scored = {key: part.scores() for key, part in run.parts.items()}
    browsable = {key: part for key, part in shown.items() if key[0] != END_TO_END}
    return environment.get_template("report.html").render(
        title=f"clfnews: {run.name}",
        subtitle=_subtitle(run),
        leaderboards=[board for task in dict.fromkeys(task for task, _ in shown) for board in leaderboards(run, task, scored)],
        labels=[part_scores(part, scored[task, part.model, name]) for (task, name), part in browsable.items()],
        confusions=[confusion(part) for part in browsable.values()],
        charts=list(run_charts(shown)),
        pages_shown=PAGES_SHOWN,
        sets=_test_first(browsable),
        kinds_of_error={part.task: kinds_of(part.spec) for part in browsable.values()},
        pages=(page for part in browsable.values() for page in worst_pages(part)),
        settings=Table("Settings", ["setting", "value"], sorted(run.params.items()), style="settings"),
    )


def _place(task: str, name: str) -> tuple[int, int]:
    """Order of tasks and sets, wherever the run was read from."""
    return _order(task), PREDICTED_SETS.index(name) if name in PREDICTED_SETS else len(PREDICTED_SETS)


def _order(task: str) -> int:
    """The shipped tasks come first, then the user's, then stance end to end."""
    return {"type": 0, "stance": 1, END_TO_END: 3}.get(task, 2)


def _test_first(keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(keys, key=lambda key: (_order(key[0]), key[0], key[1] != "test"))


def _subtitle(run: RunData) -> str:
    champions = ", ".join(f"{task}: {name}" for task, name in run.champions.items())
    version, commit = (run.tags.get(f"clfnews.{key}", "unknown") for key in ("version", "git_commit"))
    return f"Run {run.id}. Models shown: {champions}. clfnews {version}, commit {commit[:12]}."
