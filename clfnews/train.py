"""Training: load, split, fit out of fold, calibrate, refit, score once, pick, join, log."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from clfnews import tracking
from clfnews.calibrate import best_threshold, fit_temperature, scale
from clfnews.challenge import folder_pairs, score_challenge
from clfnews.config import Config, chosen_models
from clfnews.dataset import Corpus, config_names, load_gold, load_split
from clfnews.errors import UserError
from clfnews.evaluate import (
    HEADLINE,
    Bootstrap,
    Scores,
    article_probability,
    keep_mask,
    score_end_to_end,
    score_stance,
    score_type,
)
from clfnews.filter import FittedTask, PageFilter
from clfnews.labels import ARTICLE, TASKS
from clfnews.modelcard import training_info
from clfnews.models import Probabilities, make_model, save_model

HELD_OUT = 0.1
"""Share of the groups of train that are the test split if there is none."""
Progress = Callable[[str], None]
"""Called with one line of text when a step begins."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The corpora of one task."""

    train: Corpus
    validation: Corpus | None
    test: Corpus


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
    seconds: float
    size: int
    """Bytes of the saved model."""
    challenge: Scores | None = None
    """Of a stance model, if the data folder has challenge pairs."""

    @property
    def headline(self) -> float:
        """The out-of-fold score by which champions are picked."""
        return self.oof.values[HEADLINE[self.task]]


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
    run: tracking.LoggedRun | None
    skipped: str | None = None
    """Why the stance task was left out, if it was."""


def train(config: Config, *, config_path: str = "", progress: Progress = lambda _: None, track: bool = True) -> TrainResult:
    """Train, score and register the models of a configuration.

    A data folder without stance labels gives a filter without a stance model.
    For each task and model: grouped out-of-fold predictions on train; from
    these the temperature and the threshold; a refit on all of train; one
    scoring of validation and test. The best out of fold is the champion of its
    task; the two champions together are the page filter. With `track`, all of
    it is logged to MLflow and the filter is registered.
    """
    if track:
        tracking.check(config.tracking)  # a store that cannot be opened should not cost a training
    bootstrap = Bootstrap(config.bootstrap.samples, config.bootstrap.level, config.seed)
    splits, skipped = load_tasks(config)
    if skipped:
        progress(skipped)
    results: dict[str, list[Result]] = {}
    for task in splits:
        models = {"majority": {}, **chosen_models(getattr(config, task))}
        results[task] = [
            fit_and_score(config, task, name, options, splits[task], bootstrap, progress) for name, options in models.items()
        ]
    champions = {task: max(results[task][1:], key=lambda result: result.headline) for task in splits}
    page_filter = _join(config, champions, splits)
    end_to_end = _score_end_to_end(page_filter, splits, bootstrap)
    outcome = TrainResult(config, splits, results, champions, end_to_end, page_filter, None, skipped)
    page_filter.info |= training_info(outcome)
    if not track:
        return outcome
    progress("logging to MLflow")
    return tracking.log_training(outcome, config_path)


def load_tasks(config: Config) -> tuple[dict[str, Splits], str | None]:
    """The corpora of the tasks that have labels, and why stance is not among them, if it is not.

    Raises `UserError` if there are no types to learn from: without them no page can be filtered.
    """
    splits = {"type": load_splits(config, "type")}
    try:
        return splits | {"stance": load_splits(config, "stance")}, None
    except MissingLabels as missing:
        return splits, f"stance: left out ({missing})"


class MissingLabels(UserError):
    """The data has nothing to learn a task from."""


def load_splits(config: Config, task: str) -> Splits:
    """The corpora of a task; stances come from the article lines of the pages if there is no `stance` configuration.

    A split whose name ends in `.jsonl` is a file of gold rows, not one of the folder.
    Raises `MissingLabels` if train or test has no labels of the task, or train only one.
    """
    data = config.data
    pages_only = task == "stance" and (data.train.endswith(".jsonl") or "stance" not in config_names(data.folder))
    source = "stance" if task == "stance" and not pages_only else "pages"

    def load(split: str) -> Corpus:
        corpus = load_gold(split) if split.endswith(".jsonl") else load_split(data.folder, source, split)
        corpus = corpus if data.cues else corpus.without_cues()
        return article_lines(corpus) if pages_only else corpus

    train_set = load(data.train)
    if data.test is None:
        train_set, test_set = hold_out(train_set, HELD_OUT, config.seed)
    else:
        test_set = load(data.test)
        if data.test.endswith(".jsonl"):  # a benchmark's own splits share sites: a model would know them by heart
            known = set(test_set.groups)
            train_set = train_set.select([i for i, group in enumerate(train_set.groups) if group not in known])
    for split, corpus in ((data.train, train_set), (data.test or "held out", test_set)):
        if not corpus.has(task):
            raise MissingLabels(f"{data.folder}: {source}/{split} has no {task} labels")
    given = {getattr(line, task) for page in train_set.pages for line in page.lines} - {None}
    if len(given) == 1:
        raise MissingLabels(f"{data.folder}: all {task} labels of {source}/{data.train} are {given.pop()!r}; a model needs two")
    validation = load(data.validation) if data.validation else None
    validation = validation if validation is not None and validation.has(task) else None
    return Splits(share_of_groups(train_set, data.train_share, config.seed), validation, test_set)


def article_lines(corpus: Corpus) -> Corpus:
    """The pages cut down to the article as it is labelled; pages without one are left out."""
    pages = [page.with_lines(line for line in page.lines if line.type in ARTICLE) for page in corpus.pages]
    chosen = corpus.select([i for i, page in enumerate(pages) if page.lines])
    return replace(chosen, name=corpus.name.replace("pages", "stance"), pages=tuple(page for page in pages if page.lines))


def hold_out(corpus: Corpus, share: float, seed: int) -> tuple[Corpus, Corpus]:
    """The corpus in two, by groups; the second has about a share of the groups, at least one."""
    groups = sorted(set(corpus.groups))
    drawn = np.random.default_rng(seed).permutation(len(groups))[: max(1, round(share * len(groups)))]
    held = {groups[i] for i in drawn}
    return (
        corpus.select([i for i, group in enumerate(corpus.groups) if group not in held]),
        corpus.select([i for i, group in enumerate(corpus.groups) if group in held], f"{corpus.name}, held out"),
    )


def share_of_groups(corpus: Corpus, share: float, seed: int) -> Corpus:
    """The pages of a part of the groups, at least one; a smaller share is part of a larger one."""
    if share >= 1:
        return corpus
    groups = sorted(set(corpus.groups))
    drawn = np.random.default_rng(seed).permutation(len(groups))[: max(1, round(share * len(groups)))]
    chosen = {groups[i] for i in drawn}
    return corpus.select([i for i, group in enumerate(corpus.groups) if group in chosen])


def fit_and_score(
    config: Config, task: str, name: str, options: dict[str, Any], splits: Splits, bootstrap: Bootstrap, progress: Progress
) -> Result:
    """One model of one task: out of fold, calibrated, fitted again on all of train, scored."""
    started = time.perf_counter()
    make = _maker(name, task, options, config.seed)
    raw = out_of_fold(make, splits.train, config.folds, config.seed, lambda fold: progress(f"{task} {name}: {fold}"))
    gold = [_gold_index(page, task) for page in splits.train.pages]
    known = [index >= 0 for index in gold]
    flat_p = np.concatenate([p[k] for p, k in zip(raw, known, strict=True)])
    flat_gold = np.concatenate([g[k] for g, k in zip(gold, known, strict=True)])
    temperature = fit_temperature(flat_p, flat_gold)
    oof_p = scale(raw, temperature)
    threshold = choose_threshold(config, splits.train, oof_p) if task == "type" else 0.5
    progress(f"{task} {name}: fitting on all of train")
    fitted = FittedTask(make().fit(splits.train.pages, splits.train.groups), seeded(name, options, config.seed), temperature)
    seconds = time.perf_counter() - started

    def score(corpus: Corpus, p: Probabilities) -> Scores:
        return score_type(corpus, p, threshold, bootstrap) if task == "type" else score_stance(corpus, p, bootstrap)

    test_p = fitted.predict(splits.test.pages)
    validation_p = fitted.predict(splits.validation.pages) if splits.validation else None
    validation = score(splits.validation, validation_p) if splits.validation and validation_p is not None else None
    pairs = folder_pairs(Path(config.data.folder)) if task == "stance" else []
    return Result(
        task, name, fitted, threshold, score(splits.train, oof_p), validation, score(splits.test, test_p),
        oof_p, validation_p, test_p, seconds, _saved_size(fitted),
        score_challenge(fitted, pairs, bootstrap) if pairs else None,
    )  # fmt: skip


def out_of_fold(
    make: Callable[[], Any], corpus: Corpus, folds: int, seed: int, progress: Progress = lambda _: None
) -> Probabilities:
    """Predictions for every page by a model that saw no page of its group.

    Raises `UserError` if there are fewer groups than folds.
    """
    from joblib import Parallel, delayed
    from sklearn.model_selection import GroupKFold

    n_groups = len(set(corpus.groups))
    if n_groups < folds:
        raise UserError(
            f"{corpus.name}: {n_groups} groups are too few for {folds} folds; set folds to {max(2, n_groups)} or add data"
        )
    out: list[np.ndarray] = [np.zeros((0, 0))] * len(corpus)
    splits = list(GroupKFold(folds, shuffle=True, random_state=seed).split(corpus.pages, groups=corpus.groups))
    # On Ctrl-C joblib warns about the folds that were not finished.
    warnings.filterwarnings("ignore", message=".*tasks which were still being processed", category=UserWarning)
    # Folds are independent and most models run on one core: one process a core.
    jobs = Parallel(n_jobs=min(folds, os.cpu_count() or 1), return_as="generator", initializer=_ignore_interrupts)(
        delayed(_predict_fold)(make, corpus.select(fit.tolist()), corpus.select(held.tolist())) for fit, held in splits
    )
    for fold, ((_, held), predicted) in enumerate(zip(splits, jobs, strict=True), 1):
        progress(f"fold {fold}/{folds} done")
        for i, p in zip(held, predicted, strict=True):
            out[i] = p
    return out


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; this one, which ends the others, answers it alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _predict_fold(make: Callable[[], Any], fit: Corpus, held: Corpus) -> Probabilities:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return list(make().fit(fit.pages, fit.groups).predict_proba(held.pages))


def _maker(name: str, task: str, options: dict[str, Any], seed: int) -> Callable[[], Any]:
    return partial(make_model, name, task, TASKS[task], seeded(name, options, seed))


def seeded(name: str, options: dict[str, Any], seed: int) -> dict[str, Any]:
    """Options with the seed, for the models that draw random numbers."""
    return options | {"seed": seed} if name not in {"majority", "rules", "lexicon"} else options


def _gold_index(page: Any, task: str) -> np.ndarray:
    labels = TASKS[task]
    return np.array([labels.index(label) if (label := getattr(line, task)) else -1 for line in page.lines], dtype=int)


def choose_threshold(config: Config, corpus: Corpus, p: Probabilities) -> float:
    """The cut on p(article) that the configuration asks for, from out-of-fold probabilities."""
    if config.type.threshold != "f1":
        return float(config.type.threshold)
    gold = [_gold_index(page, "type") for page in corpus.pages]
    q = np.concatenate([article_probability(rows[index >= 0]) for rows, index in zip(p, gold, strict=True)])
    flat = np.concatenate([index[index >= 0] for index in gold])
    return best_threshold(q, flat < 2)


def _join(config: Config, champions: dict[str, Result], splits: dict[str, Splits]) -> PageFilter:
    kind, stance = champions["type"], champions.get("stance")
    info: dict[str, Any] = {
        task: {"model": result.name, "oof": result.headline, "test": result.test.values[HEADLINE[task]]}
        for task, result in champions.items()
    }
    info |= {
        "data": {f"{task}/{part}": getattr(s, part).digest for task, s in splits.items() for part in ("train", "test")},
        "seed": config.seed,
    }
    return PageFilter(
        kind.fitted,
        stance.fitted if stance else None,
        threshold=kind.threshold,
        min_confidence=config.stance.min_confidence,
        name=f"{'+'.join(result.name for result in champions.values())}-{splits['type'].train.digest[:6]}",
        info=info,
    )


def _score_end_to_end(page_filter: PageFilter, splits: dict[str, Splits], bootstrap: Bootstrap) -> Scores | None:
    """Stance on the lines that the type champion keeps on the test pages; None if there are no stances."""
    test = splits["type"].test
    if page_filter.stance_task is None or not test.has("stance"):
        return None
    p_type = page_filter.type_task.predict(test.pages)
    keep = [keep_mask(p, page_filter.threshold) for p in p_type]
    return score_end_to_end(test, keep, page_filter.stance_task.predict(test.pages), bootstrap)


def _saved_size(fitted: FittedTask) -> int:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        save_model(fitted.model, Path(folder) / "model", fitted.options)
        return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
