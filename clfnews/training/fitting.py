"""Fitting models: out of fold in many processes, calibrated, again on all of train, scored."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from clfnews.config.schema import Config
from clfnews.data.corpus import Corpus, Further, Splits
from clfnews.evaluation.challenge import folder_pairs, score_challenge
from clfnews.evaluation.labelled import gold_columns, labelled_lines
from clfnews.evaluation.results import Result
from clfnews.evaluation.scores import Bootstrap, Scores, score_task
from clfnews.filtering.decisions import article_probability
from clfnews.filtering.risk import RiskCurve
from clfnews.labels import STANCE, TYPE, Task, as_task, columns_of
from clfnews.models import MODELS, make_model, save_model
from clfnews.models.across import across_kinds
from clfnews.models.base import Probabilities
from clfnews.models.calibration import FittedTask, best_threshold, fit_temperature, scale
from clfnews.models.features.actors import mentions
from clfnews.sites.weights import SiteWeights, title_share
from clfnews.training.folds import Fold, Progress, begin_folds, collect, fitted_on, measured
from clfnews.training.steps import Part


@dataclass(frozen=True, slots=True)
class Work:
    """A model to fit: its task (one of the shipped by its name), its name in `models.MODELS`, its options and the pages."""

    of: Task | str
    name: str
    options: dict[str, Any]
    splits: Splits

    @property
    def task(self) -> Task:
        """The task."""
        return as_task(self.of)

    @property
    def further(self) -> tuple[Further, ...]:
        """Pages to learn from beside train, for the models that can."""
        return self.splits.further if getattr(MODELS[self.name], "learns_further", False) else ()

    def maker(self, seed: int, prepared: Mapping[str, Any] = MappingProxyType({})) -> Callable[[], Any]:
        """What makes the model, unfitted; processes can be given it. `prepared`: what `prepare` gave."""
        options = seeded(self.name, self.options, seed) | dict(prepared)
        return partial(make_model, self.name, self.task.name, self.task.labels, options)

    @property
    def prepares(self) -> bool:
        """Whether something is made before the folds begin."""
        return hasattr(MODELS[self.name], "prepare")

    def prepare(self, progress: Progress) -> dict[str, Any]:
        """What every fit of the model needs and one can make for all, before the folds begin."""
        if not self.prepares:
            return {}
        parts = (self.splits.train, self.splits.validation, self.splits.test)
        pages = [page for corpus in parts if corpus is not None for page in corpus.pages]
        name = f"{self.task.name} {self.name}"
        found: dict[str, Any] = MODELS[self.name].prepare(
            self.task.name, self.task.labels, self.options, pages, lambda text: progress(Part(f"{name}: {text}"))
        )
        return found


@contextmanager
def fit_and_score(config: Config, works: Sequence[Work], bootstrap: Bootstrap, progress: Progress) -> Iterator[Iterator[Result]]:
    """Every model out of fold, calibrated, fitted again on all of train, and scored; in order.

    The folds begin at once, in a process a core for all models together; the
    fits on all of train run here meanwhile. Raises `UserError` for a corpus
    with fewer groups than folds.
    """
    makers = [work.maker(config.seed, work.prepare(progress)) for work in works]
    pairs = [(make, work.splits.train, work.further) for make, work in zip(makers, works, strict=True)]
    with begin_folds(pairs, config.folds, config.seed) as folds:
        yield (_fit_one(config, work, make, folds, bootstrap, progress) for work, make in zip(works, makers, strict=True))


def _fit_one(
    config: Config, work: Work, make: Callable[[], Any], folds: Iterator[Fold], bootstrap: Bootstrap, progress: Progress
) -> Result:
    from threadpoolctl import threadpool_limits

    task, splits, name = work.task, work.splits, f"{work.task.name} {work.name}"
    progress(f"{name}: fitting on all of train")
    with threadpool_limits(1), measured() as cost:  # as in the folds, which have the other cores
        model = fitted_on(make, splits.train, work.further)
    raw, of_folds = collect(folds, len(splits.train), config.folds, lambda fold: progress(f"{name}: {fold}"))
    cost = cost + of_folds
    if note := getattr(model, "note", None):
        progress(Part(f"{name}: {note()}"))
    lines = labelled_lines(splits.train.pages, task, raw)
    temperature = fit_temperature(lines.p, lines.gold)
    oof_p = scale(raw, temperature)
    threshold = choose_threshold(config, splits.train, oof_p, task) if task.keep else 0.5
    fitted = FittedTask(model, seeded(work.name, work.options, config.seed), temperature, task)

    def score(corpus: Corpus, p: Probabilities) -> Scores:
        return score_task(task, corpus, p, threshold, bootstrap)

    test_p = fitted.predict(splits.test.pages)
    validation_p = fitted.predict(splits.validation.pages) if splits.validation else None
    validation = score(splits.validation, validation_p) if splits.validation and validation_p is not None else None
    pairs = folder_pairs(Path(config.data.folder)) if task == STANCE else []
    return Result(
        task.name, work.name, fitted, threshold, score(splits.train, oof_p), validation, score(splits.test, test_p),
        oof_p, validation_p, test_p, make, cost.seconds, _saved_size(fitted),
        score_challenge(fitted, pairs, bootstrap) if pairs else None, cost.unconverged, (cost.began, cost.began + cost.wall),
    )  # fmt: skip


def seeded(name: str, options: dict[str, Any], seed: int) -> dict[str, Any]:
    """Options with the seed, for the models that draw random numbers."""
    return options | {"seed": seed} if "seed" in signature(MODELS[name]).parameters else options


def choose_threshold(config: Config, corpus: Corpus, p: Probabilities, task: Task = TYPE) -> float:
    """The cut on p(article) that the configuration asks for, from out-of-fold probabilities."""
    if config.type.threshold != "f1":
        return float(config.type.threshold)
    lines = labelled_lines(corpus.pages, task, p)
    return best_threshold(article_probability(lines.p, task), np.isin(lines.gold, columns_of(task.keep, task.labels)))


def with_sites(result: Result, train: Corpus, seed: int) -> Result:
    """A type model with what a memory of sites is worth to it, learnt from its out-of-fold predictions.

    The composed sites have several pages each; without enough of such pages it comes back as it is.
    """
    task = result.fitted.task
    article = [article_probability(p, task) for p in result.oof_p]
    title = [title_share(p, q, task) for p, q in zip(result.oof_p, article, strict=True)]
    kept = columns_of(task.keep, task.labels)
    gold = [np.where(of < 0, -1, np.isin(of, kept)) for of in (gold_columns(page, task) for page in train.pages)]
    weights = SiteWeights.fit(train.pages, article, title, gold, result.threshold, seed)
    return replace(result, fitted=replace(result.fitted, sites=weights))


def risk_of(train: Corpus, result: Result) -> RiskCurve:
    """How often stances are wrong at which confidence, on lines that name two political actors or more.

    Predicted across kinds of pages (`across_kinds`) where train has both, which is nearer to new pages; else out of fold.
    """
    p = list(result.oof_p)
    for fit, held in across_kinds(train.pages, result.task):
        part, rest = train.select(fit.tolist()), train.select(held.tolist())
        found = fitted_on(result.make, part, ()).predict_proba(rest.pages)
        for i, rows in zip(held.tolist(), scale(found, result.fitted.temperature), strict=True):
            p[i] = rows
    lines = labelled_lines(train.pages, STANCE, p)
    texts = [train.pages[i].lines[j].text for i, j in lines.places.tolist()]
    two = mentions(texts) >= 2
    return RiskCurve.of(lines.p[two], lines.gold[two])


def _saved_size(fitted: FittedTask) -> int:
    with tempfile.TemporaryDirectory() as folder:
        save_model(fitted.model, Path(folder) / "model", fitted.options)
        return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
