"""What a training gives back: every model with its scores, the champions joined, and where the run was logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from clfnews.config.schema import Config
from clfnews.data.corpus import Splits
from clfnews.evaluation.metrics import headline
from clfnews.evaluation.predictions import END_TO_END, Key, PredictedPart
from clfnews.evaluation.scores import Bootstrap, Scores
from clfnews.filtering.decisions import keep_mask
from clfnews.filtering.filter import PageFilter
from clfnews.labels import SHIPPED
from clfnews.models.base import Probabilities
from clfnews.models.calibration import FittedTask


@dataclass(frozen=True, slots=True)
class Result:
    """One model of one task: fitted on all of train, scored out of fold and on test."""

    task: str
    name: str
    fitted: FittedTask
    threshold: float
    oof: Scores
    validation: Scores | None
    test: Scores
    oof_p: Probabilities
    validation_p: Probabilities | None
    test_p: Probabilities
    make: Callable[[], Any] = field(repr=False)
    """Makes an unfitted model of the same kind and options."""
    seconds: float
    """CPU time of the fits and of the predictions out of fold."""
    size: int
    """Bytes of the saved model."""
    challenge: Scores | None = None
    """Of a stance model, if the data folder has challenge pairs."""
    unconverged: int = 0
    """How many of its fits, those of the folds too, stopped before they converged."""
    span: tuple[float, float] = (0.0, 0.0)
    """When its first fit began, in seconds since 1970, and that plus the time of all its fits: others run beside them."""

    @property
    def headline(self) -> float:
        """The out-of-fold score by which champions are picked."""
        return self.oof.values[headline(self.task)]


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """Where a training run went."""

    run_id: str
    experiment_id: str
    name: str
    store: str
    model_uri: str | None
    """`models:/NAME/VERSION`, if registered."""
    promoted: bool
    """Whether the alias `champion` now points to this run's model."""
    reason: str
    """Why it does or does not."""


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a training run gives back."""

    config: Config
    splits: dict[str, Splits]
    results: dict[str, list[Result]]
    champions: dict[str, Result]
    end_to_end: Scores | None
    """Stance on the kept lines; None without stances."""
    page_filter: PageFilter
    run: LoggedRun | None
    skipped: str | None = None
    """Why the stance task was left out, if it was."""
    leaked: tuple[str, ...] = ()
    """What stands on both sides of a split of the data folder: scores are then better than they should be."""
    changed: tuple[str, ...] = ()
    """What was set otherwise than in the configuration's file, such as `seed=1`."""


def parts_of(outcome: TrainResult) -> dict[Key, PredictedPart]:
    """Everything a finished training predicted on validation and test, and its champions out of fold."""
    bootstrap = Bootstrap(outcome.config.bootstrap.samples, outcome.config.bootstrap.level, outcome.config.seed)
    parts = {}
    for task, results in outcome.results.items():
        splits = outcome.splits[task]
        for result in results:
            for name, corpus, p, scores in (
                ("validation", splits.validation, result.validation_p, result.validation),
                ("test", splits.test, result.test_p, result.test),
            ):
                if corpus is not None and p is not None and scores is not None:
                    parts[task, result.name, name] = PredictedPart(
                        task,
                        result.name,
                        name,
                        corpus,
                        p,
                        result.threshold,
                        bootstrap,
                        scores.signature,
                        known=scores,
                        of=None if result.fitted.task == SHIPPED.get(task) else result.fitted.task,
                    )
    for task, result in outcome.champions.items():
        of = None if result.fitted.task == SHIPPED.get(task) else result.fitted.task
        parts[task, result.name, "oof"] = PredictedPart(
            task, result.name, "oof", outcome.splits[task].train, result.oof_p, result.threshold, bootstrap,
            result.oof.signature, known=result.oof, of=of,
        )  # fmt: skip
    if outcome.page_filter.stance_task is None or outcome.end_to_end is None:
        return parts
    chosen, test = outcome.champions, outcome.splits["type"].test
    keep = [keep_mask(p, outcome.page_filter.threshold, chosen["type"].fitted.task) for p in chosen["type"].test_p]
    p = outcome.page_filter.stance_task.predict(test.pages)
    model = f"{chosen['type'].name}+{chosen['stance'].name}"
    parts[END_TO_END, model, "test"] = PredictedPart(
        END_TO_END, model, "test", test, p, outcome.page_filter.threshold, bootstrap, outcome.end_to_end.signature, keep,
        outcome.end_to_end,
    )  # fmt: skip
    return parts
