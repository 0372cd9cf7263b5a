"""Training: load, split, fit out of fold, calibrate, refit, score once, pick, join, log."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clfnews.config.schema import Config
from clfnews.data.corpus import Splits
from clfnews.errors import UserError
from clfnews.evaluation.metrics import headline
from clfnews.evaluation.results import Result, TrainResult
from clfnews.evaluation.scores import Bootstrap, Scores, score_end_to_end
from clfnews.filtering.decisions import keep_mask
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.risk import RiskCurve
from clfnews.labels import STANCE
from clfnews.reports.model_card import training_info
from clfnews.reports.tables import told_leaks
from clfnews.tracking import store as tracking_store
from clfnews.tracking.log import log_training
from clfnews.training.fitting import Work, fit_and_score, risk_of, with_sites
from clfnews.training.folds import Progress
from clfnews.training.splits import find_leaks, load_tasks, models_of
from clfnews.training.steps import Steps


def train(
    config: Config,
    *,
    config_path: str = "",
    changed: Sequence[str] = (),
    progress: Progress = lambda _: None,
    track: bool = True,
) -> TrainResult:
    """Train, score and register the models of a configuration.

    A data folder without stance labels gives a filter without a stance model.
    For each task and model: grouped out-of-fold predictions on train; from
    these the temperature and the threshold; a refit on all of train; one
    scoring of validation and test. The best out of fold is the champion of its
    task; the two champions together are the page filter. With `track`, all of
    it is logged to MLflow and the filter is registered. `changed`: what was set
    otherwise than in the file, such as `seed=1`; names and tags of the run tell it.
    """
    started = time.time()
    bootstrap = Bootstrap(config.bootstrap.samples, config.bootstrap.level, config.seed)
    by_task, skipped = load_tasks(config)
    splits = {task.name: of_task for task, of_task in by_task.items()}
    if skipped:
        progress(skipped)
    if track:
        # Before the processes of the folds begin: a store that cannot be opened should not cost a training.
        tracking_store.check(config.tracking)
    works = [
        Work(task, name, options, of_task)
        for task, of_task in by_task.items()
        for name, options in [("majority", {}), *models_of(config, task).items()]
    ]
    prepared, sites = sum(work.prepares for work in works), config.type.sites and "type" in splits
    later = sites + track + ("stance" in splits)
    steps = Steps(progress, [work.name for work in works], config.folds, before=1 + prepared, after=later)
    results, leaked = _fit_all(config, works, bootstrap, progress, steps)
    champions = {task: max(results[task][1:], key=lambda result: result.headline) for task in splits}
    if sites:
        steps("type sites: what others of a page's site are worth")
        _learn_sites(results["type"], champions, splits["type"], config.seed)
    risk = None
    if "stance" in champions and champions["stance"].fitted.task == STANCE:
        steps("stance risk: how often it is wrong at which confidence")
        risk = risk_of(splits["stance"].train, champions["stance"])
    page_filter = _join(config, champions, splits, risk)
    if config.stance.risk is not None:
        page_filter = _at_risk(page_filter, config.stance.risk)
    end_to_end = _score_end_to_end(page_filter, splits, bootstrap)
    outcome = TrainResult(
        config, splits, results, champions, end_to_end, page_filter, None, skipped, tuple(leaked), tuple(changed)
    )
    page_filter.info |= training_info(outcome)
    if not track:
        return outcome
    steps("logging to MLflow")
    try:
        return log_training(outcome, config_path, started)
    except UserError as error:
        raise UserError(f"{error}; {_kept(page_filter)}") from error


def _fit_all(
    config: Config, works: Sequence[Work], bootstrap: Bootstrap, tell: Progress, steps: Steps
) -> tuple[dict[str, list[Result]], list[str]]:
    """Results by task, in the order of `works`, and the pages on both sides of a split, which are looked for meanwhile."""
    results: dict[str, list[Result]] = {work.task.name: [] for work in works}
    with fit_and_score(config, works, bootstrap, steps) as fitting:
        steps("data: looking for leakage between the splits")
        leaked = find_leaks(config)
        if leaked:
            tell(f"warning: {told_leaks(leaked, config.data.folder)}")
        for result in fitting:
            results[result.task].append(result)
    return results, leaked


def _learn_sites(results: list[Result], champions: dict[str, Result], splits: Splits, seed: int) -> None:
    """Give the champion of types its weights of sites; tables know it as one of the results."""
    plain = champions["type"]
    champions["type"] = with_sites(plain, splits.train, seed)
    results[:] = [champions["type"] if result is plain else result for result in results]


def _kept(page_filter: PageFilter) -> str:
    """Where the filter is kept that could not be logged: a store that fails must not cost a training."""
    folder = Path(f"unlogged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    try:
        page_filter.save(folder)
    except OSError as error:
        return f"the fitted models could not be kept in {folder} either: {error.strerror}"
    return (
        f"the fitted models are in {folder}: use them with --model {folder}, log and promote them with: clfnews promote {folder}"
    )


def _join(config: Config, champions: dict[str, Result], splits: dict[str, Splits], risk: RiskCurve | None) -> PageFilter:
    fitted = {task: result.fitted for task, result in champions.items()}
    kind, first = champions.get("type"), next(iter(splits.values()))
    info: dict[str, Any] = {
        task: {"model": result.name, "oof": result.headline, "test": result.test.values[headline(task)]}
        for task, result in champions.items()
    }
    info |= {
        "data": {f"{task}/{part}": getattr(s, part).digest for task, s in splits.items() for part in ("train", "test")},
        "seed": config.seed,
    }
    return PageFilter.of(
        fitted,
        threshold=kind.threshold if kind else 0.5,
        min_confidence=config.stance.min_confidence,
        least={task: section.min_confidence for task, section in config.tasks.items()},
        name=f"{'+'.join(result.name for result in champions.values())}-{first.train.digest[:6]}",
        info=info,
        risk=risk,
    )


def _at_risk(page_filter: PageFilter, risk: float) -> PageFilter:
    """The filter with the confidence that a risk asks for; if none reaches it, what was trained is kept."""
    try:
        return page_filter.with_risk(risk)
    except UserError as error:
        raise UserError(f"stance.risk: {error}; {_kept(page_filter)}") from error


def _score_end_to_end(page_filter: PageFilter, splits: dict[str, Splits], bootstrap: Bootstrap) -> Scores | None:
    """Stance on the lines that the type champion keeps on the test pages; None if there are no stances."""
    if page_filter.type_task is None or page_filter.stance_task is None or not splits["type"].test.has("stance"):
        return None
    test, task = splits["type"].test, page_filter.type_task.task
    p_type = page_filter.type_task.predict(test.pages)
    keep = [keep_mask(p, page_filter.threshold, task) for p in p_type]
    return score_end_to_end(test, keep, page_filter.stance_task.predict(test.pages), bootstrap)
