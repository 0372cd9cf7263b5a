"""Sweeps: one question, several variants of a configuration, one table (`experiments/`).

A sweep file names a base configuration and variants of it as dotted overrides.
Every variant is trained with every seed and scored on the same pages; each is
compared in pairs with the first. `results.csv` and `table.md` are rewritten
byte for byte by a rerun: nothing in them depends on time or machine load.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.config.schema import Config, load_config
from clfnews.data.corpus import Corpus, Splits, task_corpus
from clfnews.data.gold import load_gold
from clfnews.errors import UserError, nearest
from clfnews.evaluation.metrics import headline
from clfnews.evaluation.results import Result
from clfnews.evaluation.scores import Bootstrap, Scores, score_task
from clfnews.labels import SHIPPED, Task
from clfnews.models import ANY_LABELS, MODELS
from clfnews.reports.experiments import (
    FLOORS,
    Entry,
    alone_in_folder,
    read_results,
    write_experiment,
)
from clfnews.tracking import store
from clfnews.training.fitting import Work, choose_threshold, fit_and_score
from clfnews.training.folds import Progress
from clfnews.training.splits import load_splits, models_of, tasks_of
from clfnews.training.sweep_rows import once, rows_of, with_kept
from clfnews.training.sweep_spec import Choices, Search, Sweep, load_sweep


@dataclass(slots=True)
class _Context:
    """What all trainings of a sweep share; `done` spares training the same model twice."""

    spec: Sweep
    path: Path
    base: Path
    bootstrap: Bootstrap
    files: dict[str, Corpus]
    progress: Progress
    done: dict[str, Result]
    read: dict[str, Splits]

    def splits(self, config: Config, task: Task) -> Splits:
        """The corpora of a task, read once."""
        seed = config.seed if config.data.train_share < 1 else None
        key = json.dumps([repr((task.name, task.labels, task.of, sorted(config.type.keep))), config.data.model_dump(), seed])
        if key not in self.read:
            self.read[key] = load_splits(config, task)
        return self.read[key]


def run_sweep(path: Path, progress: Progress = lambda _: None) -> Path:
    """Train and score all variants of a sweep file; write its results and tables beside it.

    Returns the path of `results.csv`. Raises `UserError` for a sweep, variant or
    file that is wrong, before anything is trained.
    """
    spec = load_sweep(path)
    alone_in_folder(path)
    base = path.parent / spec.base
    first = load_config(base)
    configs = {name: _config(path, base, spec, items) for name, items in spec.variants.items()}
    files = _evaluation_files(spec, path, next(iter(configs.values())), progress)
    bootstrap = Bootstrap(first.bootstrap.samples, first.bootstrap.level, first.seed)
    if spec.search:
        _optuna()
    if spec.track:
        store.check(first.tracking)  # a store that cannot be opened should not cost the trainings
    context = _Context(spec, path, base, bootstrap, files, progress, {}, {})
    for task in spec.tasks:  # one without labels is told before anything is trained
        seeded = next(iter(configs.values())).model_copy(update={"seed": spec.seeds[0]})
        context.splits(seeded, tasks_of(seeded)[task])
    entries: list[Entry] = []
    for name, config in configs.items():
        entries += _run_variant(context, name, spec.variants[name], config, references=not entries)
    if spec.search:
        entries += _search(context, spec.search)
    rows = rows_of(spec, once(entries, progress), bootstrap.level)
    results = path.parent / "results.csv"
    rows = with_kept(spec, rows, read_results(results) if results.is_file() else [], progress)
    write_experiment(path, spec.question, rows, spec.shown, os.path.relpath(base))
    if spec.track:
        from clfnews.tracking.sweep_runs import log_sweep

        progress("logging to MLflow")
        try:
            log_sweep(first.tracking, path.parent.name, rows, os.path.relpath(base))
        except UserError as error:
            raise UserError(f"{error}; the results are in {results}") from error
    return results


def _config(path: Path, base: Path, spec: Sweep, overrides: Sequence[str]) -> Config:
    """The base with a variant's overrides, and only the models that the sweep names."""
    config = load_config(base, list(overrides))
    tasks = tasks_of(config)
    for task, names in spec.tasks.items():
        if task not in tasks:
            raise UserError(f"{path}: tasks: unknown task {task!r}{nearest(task, list(tasks))}; {base} has {', '.join(tasks)}")
        known = models_of(config, tasks[task])
        missing = [name for name in names if name not in known]
        if missing and missing[0] in MODELS and missing[0] not in ANY_LABELS and tasks[task] != SHIPPED.get(task):
            names_any = ", ".join(known)
            raise UserError(f"{path}: tasks: {missing[0]} knows the shipped labels alone; {task} takes {names_any}")
        if missing:
            raise UserError(f"{base}: tasks: {task} has no model {missing[0]!r}{nearest(missing[0], list(known))}")
    return config


def _evaluation_files(spec: Sweep, path: Path, config: Config, progress: Progress) -> dict[str, Corpus]:
    files = {}
    for name, file in spec.evaluate.items():
        where = path.parent / file
        if where.is_file():
            files[name] = replace(load_gold(where, tasks_of(config)), name=name)
        else:
            progress(f"{name}: {where} is not there; its rows in results.csv stay as they were")
    return files


def _run_variant(context: _Context, name: str, overrides: Sequence[str], config: Config, references: bool) -> list[Entry]:
    """All models and seeds of a variant; with `references` also the floor and the majority."""
    entries = []
    tasks = tasks_of(config)
    for name_of_task, models in context.spec.tasks.items():
        task = tasks[name_of_task]
        options = {"majority": {}, **models_of(config, task)}
        extra = [
            model
            for model in (FLOORS.get(task.name), "majority")
            if references and model and model in options and model not in models
        ]
        for model in [*models, *extra]:
            for seed in context.spec.seeds:
                seeded = config.model_copy(update={"seed": seed})
                context.progress(f"{name}, seed {seed}: {task.name} {model}")
                splits = context.splits(seeded, task)
                result, fit = _fit(context, seeded, task, model, options[model], splits)
                label = f"({model})" if model in extra else name
                settings = " ".join(overrides) if model not in extra else ""
                for part, scores in _scores(context, seeded, task, result, splits):
                    train = splits.train.digest
                    own = None if task.shipped else task
                    cut = result.threshold
                    entries.append(
                        Entry(label, settings, task.name, model, str(seed), part, train, cut, scores, own, f"{fit} {cut}")
                    )
    return entries


def _fit(
    context: _Context, config: Config, task: Task, model: str, options: dict[str, Any], splits: Splits
) -> tuple[Result, str]:
    """The fitted model, or the one that an earlier variant fitted from the same options and data; and its key."""
    quick = Bootstrap(100, 0.9, 0)  # these intervals are not used
    parts = [part.digest for part in (splits.train, splits.validation, splits.test) if part is not None]
    key = json.dumps(
        [task.name, task.labels, sorted(task.keep), model, options, config.seed, config.folds, parts]
        + [source.model_dump(mode="json") for source in config.data.further]
    )
    if key not in context.done:
        with fit_and_score(config, [Work(task, model, options, splits)], quick, context.progress) as fitting:
            context.done[key] = next(fitting)
    result = context.done[key]
    if task.keep:
        result = replace(result, threshold=choose_threshold(config, splits.train, result.oof_p, task))
    return result, key


def _scores(context: _Context, config: Config, task: Task, result: Result, splits: Splits) -> Iterator[tuple[str, Scores]]:
    """Every set's name and scores; intervals of all seeds come from the same resampled groups."""
    parts = [("oof", splits.train, result.oof_p), ("validation", splits.validation, result.validation_p)]
    parts.append(("test", splits.test, result.test_p))
    for name, corpus in context.files.items():
        pages = _pages_for(corpus, task, frozenset(config.type.keep))
        if pages is not None:
            parts.append((name, pages, result.fitted.predict(pages.pages)))
    for name, scored, p in parts:
        if scored is None or p is None:
            continue
        scores = score_task(task, scored, p, result.threshold, context.bootstrap)
        # Scores on pairs are of the model, whatever the set: so that every table can show them.
        yield name, replace(scores, values=scores.values | (result.challenge.values if result.challenge else {}))


def _pages_for(corpus: Corpus, task: Task, keep: frozenset[str]) -> Corpus | None:
    """What a file has for a task: whole pages for types, article lines for stances, what the others read; None if nothing."""
    if task.keep:
        noise = any(line.type is not None and line.type not in keep for page in corpus.pages for line in page.lines)
        return corpus if noise else None
    found = corpus.only_articles(keep) if task.name == "stance" else task_corpus(corpus, task, keep)
    return found if found.has(task.name) else None


def _search(context: _Context, search: Search) -> list[Entry]:
    """Variants `trial-00`, `trial-01`, ... that Optuna proposes by the out-of-fold score."""
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    entries: list[Entry] = []

    def objective(trial: Any) -> float:
        overrides = [f"{key}={json.dumps(_suggest(trial, key, choices))}" for key, choices in search.space.items()]
        config = _config(context.path, context.base, context.spec, overrides)
        found = _run_variant(context, f"trial-{trial.number:02d}", overrides, config, references=False)
        entries.extend(found)
        wanted = [e for e in found if e.task == search.task and e.model == search.model and e.set == "oof"]
        if not wanted:
            raise UserError(f"search: {search.task} {search.model} is not among the tasks of the sweep")
        return float(np.mean([entry.scores.values[headline(search.task)] for entry in wanted]))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=context.spec.seeds[0]))
    study.optimize(objective, n_trials=search.trials)
    return entries


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise UserError("search needs Optuna: pip install 'clfnews[search]'") from error
    return optuna


def _suggest(trial: Any, key: str, choices: Choices) -> Any:
    if choices.choices is not None:
        return trial.suggest_categorical(key, choices.choices)
    if choices.low is None or choices.high is None:
        raise UserError(f"search.space.{key}: expected choices, or low and high")
    if choices.low.is_integer() and choices.high.is_integer() and choices.high - choices.low > 1:
        return trial.suggest_int(key, int(choices.low), int(choices.high), log=choices.log)
    return round(trial.suggest_float(key, choices.low, choices.high, log=choices.log), 6)
