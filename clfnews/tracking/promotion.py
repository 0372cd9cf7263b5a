"""Whether a trained filter takes the place of the champion: the verdict of `compare`, on the same pages."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.errors import UserError
from clfnews.evaluation.metrics import FEW_GROUPS
from clfnews.evaluation.predictions import PAGES, PREDICTIONS, Key, PredictedPart, read_parts
from clfnews.evaluation.results import parts_of
from clfnews.evaluation.verdict import BETTER, CANNOT_TELL, WORSE, Verdict, judge, on_shared_pages
from clfnews.filtering.filter import PageFilter

if TYPE_CHECKING:
    from clfnews.evaluation.results import TrainResult


def is_better(mlflow: Any, outcome: TrainResult, present: Any, old: PageFilter, by_hand: str) -> tuple[bool, str]:
    """Whether the new filter takes the place of the champion, and why or why not.

    `present`: the champion's version in the registry; `old`: its filter. Better in a task beyond the interval and
    worse in none; with `tracking.promote_if: any` a higher mean of the headline scores is enough. A filter
    without a stance model never takes the place of one that has it.
    """
    name = f"models:/{present.name}/{present.version}"
    fitted = {"type": old.type_task, "stance": old.stance_task, **old.own}
    missing = [task for task, has in fitted.items() if has is not None and task not in outcome.champions]
    if missing:
        return False, f"it has no {missing[0]} model, and {name} has one"
    verdicts, found = [], _Parts(mlflow, present.run_id)
    for task, result in outcome.champions.items():
        known = fitted.get(task)
        if known is None:
            continue
        if known.task != result.fitted.task:
            return False, f"its {task} has other labels than that of {name}; {by_hand}"
        verdicts.append(_verdict(outcome, task, known, old.threshold, found))
    told = "; ".join(f"{verdict.task}: {verdict.said}, {verdict}" for verdict in verdicts)
    said = {verdict.said for verdict in verdicts}
    if outcome.config.tracking.promote_if == "any":
        higher = sum(verdict.b for verdict in verdicts) > sum(verdict.a for verdict in verdicts)
        return higher, f"{'a higher' if higher else 'no higher'} mean than {name}: {told}"
    better = BETTER in said and WORSE not in said
    why = "better than" if better else "worse than" if WORSE in said else "not known to be better than"
    return better, f"{why} {name}: {told}" + f"; {by_hand}" * (not better and CANNOT_TELL in said)


class _Parts:
    """What the champion's training predicted, read when it is first asked for; empty if it is not kept."""

    def __init__(self, mlflow: Any, run_id: str) -> None:
        self._mlflow, self._run_id = mlflow, run_id
        self._parts: dict[Key, PredictedPart] | None = None

    def of(self, task: str) -> Iterator[PredictedPart]:
        """Out of fold on a task."""
        if self._parts is None:
            self._parts = self._read()
        return (part for (of, _, name), part in self._parts.items() if (of, name) == (task, "oof"))

    def _read(self) -> dict[Key, PredictedPart]:
        client = self._mlflow.MlflowClient()
        try:
            if not {PAGES, PREDICTIONS} <= {item.path for item in client.list_artifacts(self._run_id)}:
                return {}
            with tempfile.TemporaryDirectory() as folder:
                for name in (PAGES, PREDICTIONS):
                    client.download_artifacts(self._run_id, name, folder)
                return read_parts(Path(folder))
        except (self._mlflow.exceptions.MlflowException, OSError, UserError):
            return {}  # deleted, or of an older clfnews: validation decides, if it is large enough


def _verdict(outcome: TrainResult, task: str, known: Any, threshold: float, found: _Parts) -> Verdict:
    """The new champion of a task against the present one: on validation, or out of fold where that is small."""
    name, parts = outcome.champions[task].name, parts_of(outcome)
    mine = parts.get((task, name, "validation"))
    small = mine is None or len(set(mine.corpus.groups)) < FEW_GROUPS
    for theirs in found.of(task) if small else ():
        shared = on_shared_pages(theirs, parts[task, name, "oof"])
        if shared is not None:
            return judge(*shared)
    # The present one may have learnt from the pages of train: scored on them it is at its best.
    mine = mine or parts[task, name, "oof"]
    return judge(_predicted(mine, known, threshold), mine)


def _predicted(mine: PredictedPart, known: Any, threshold: float) -> PredictedPart:
    return replace(mine, p=list(known.predict(mine.corpus.pages)), threshold=threshold, known=None)
