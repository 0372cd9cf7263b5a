"""The corpora of a training: what a model learns from, is looked at with, and is scored on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clfnews.config.schema import Config, FurtherPages, chosen_models, section_of
from clfnews.data.corpus import Corpus, Further, Splits, article_lines, coarse, hold_out, share_of_groups, task_corpus
from clfnews.data.folder import MissingSplit, config_names, label_names, splits_of
from clfnews.data.gold import load_gold
from clfnews.errors import UserError, counted, nearest
from clfnews.labels import SHIPPED, STANCES, TYPE, TYPES, Task, as_task
from clfnews.models import ANY_LABELS

HELD_OUT = 0.1
"""Share of the groups of train that are the test split if there is none."""


class MissingLabels(UserError):
    """The data has nothing to learn a task from."""


def load_tasks(config: Config) -> tuple[dict[Task, Splits], str | None]:
    """The corpora of the tasks that have labels, and what is left out: a shipped task without any, models.

    Raises `UserError` if there is nothing to learn from: types, or what the configuration calls `tasks`.
    """
    tasks = tasks_of(config)
    splits, skipped = {}, []
    for task in tasks.values():
        try:
            splits[task] = load_splits(config, task)
        except MissingLabels as missing:
            if task.name not in ("type", "stance") or len(tasks) == 1 or (task.name == "type" and not config.tasks):
                raise
            skipped.append(f"{task.name}: left out ({missing})")
    skipped += filter(None, (_told_unfit(config, task) for task in splits))
    return splits, "; ".join(skipped) or None


def tasks_of(config: Config) -> dict[str, Task]:
    """The tasks of a configuration by name, with the label names of the data's card; `type` comes first.

    Raises `UserError` for a task of which the card has no labels, and labels to keep that it does not have.
    """
    if config.data.main.endswith(".jsonl"):
        if config.tasks:
            raise UserError("tasks: need a data folder, whose card has the names of their labels; data.train is a file")
        return dict(SHIPPED)
    names = label_names(config.data.folder)
    lines, pages = names["lines"], names["pages"]
    tasks: dict[str, Task] = {}
    if "type" in lines or not (config.tasks or "stance" in lines):
        labels = lines.get("type", TYPES)
        keep = frozenset(config.type.keep)
        if unknown := sorted(keep - set(labels)):
            raise UserError(
                f"type.keep: the card of {config.data.folder} has no type {unknown[0]!r}{nearest(unknown[0], labels)}"
            )
        if keep == set(labels) or not keep:
            raise UserError("type.keep: needs some of the types, not all; without types all lines are kept")
        tasks["type"] = Task("type", labels, "lines", keep)
    for name, section in config.tasks.items():
        found = (pages if section.of == "pages" else lines).get(name)
        if found is None:
            known = ", ".join({**lines, **pages}) or "nothing"
            what = "page" if section.of == "pages" else "line"
            raise UserError(f"tasks.{name}: the card of {config.data.folder} names no labels of a {what} for it (it has {known})")
        tasks[name] = Task(name, found, section.of)
    own = config.tasks or not tasks.get("type", TYPE).shipped
    expected = not own or (not config.tasks and "stance" in config_names(config.data.folder))
    if "stance" not in tasks and ("stance" in lines or expected):
        tasks["stance"] = Task("stance", lines.get("stance", STANCES), "kept lines")
    return tasks


def models_of(config: Config, task: Task) -> dict[str, dict[str, Any]]:
    """Name -> options of the models of a task; of other labels than the shipped, those that take any."""
    chosen = chosen_models(section_of(config, task.name))
    return {name: options for name, options in chosen.items() if task == SHIPPED.get(task.name) or name in ANY_LABELS}


def _told_unfit(config: Config, task: Task) -> str | None:
    """Which models a configuration names that cannot take the labels of a task; raises `UserError` if no other is left."""
    section, fit = section_of(config, task.name), models_of(config, task)
    unfit = [name for name in chosen_models(section) if name not in fit]
    why = f"{' and '.join(unfit)} know{'s' * (len(unfit) == 1)} what the shipped labels mean, and these are others"
    if not fit:
        key = f"tasks.{task.name}" if task.name in config.tasks else task.name
        raise UserError(f"{key}.models: no model is left{f': {why}' * bool(unfit)}; {', '.join(ANY_LABELS[1:])} take any labels")
    # By default all are chosen: only those that somebody asked for are missed.
    return f"{task.name}: {why}: left out" if section.models.model_fields_set.intersection(unfit) else None


def find_leaks(config: Config) -> list[str]:
    """What stands on both sides of a split of the data folder (see `data.check.leaks`); nothing of a training on files."""
    from clfnews.data.check import leaks

    return [] if config.data.main.endswith(".jsonl") else leaks(Path(config.data.folder))


def load_splits(config: Config, of_task: Task | str) -> Splits:
    """The corpora of a task; stances come from the article lines of the pages if there is no `stance` configuration.

    A split whose name ends in `.jsonl` is a file of gold rows, not one of the folder.
    Raises `MissingLabels` if train or test has no labels of the task, or train only one.
    """
    data, task = config.data, as_task(of_task).name
    pages_only = task == "stance" and (data.main.endswith(".jsonl") or "stance" not in config_names(data.folder))
    source = "stance" if task == "stance" and not pages_only else "pages"
    with splits_of(data.folder, source) as from_folder:
        return _splits(config, of_task, source, pages_only, from_folder)


def _splits(config: Config, of_task: Task | str, source: str, pages_only: bool, from_folder: Callable[[str], Corpus]) -> Splits:
    data, task, keep = config.data, as_task(of_task).name, frozenset(config.type.keep)

    def load(split: str, remedy: str = "") -> Corpus:
        try:
            corpus = load_gold(split) if split.endswith(".jsonl") else from_folder(split)
        except MissingSplit as error:
            raise MissingSplit(f"{error}{remedy}") from error
        corpus = corpus if data.cues else corpus.without_cues()
        if pages_only:
            return article_lines(corpus, keep)
        return corpus if isinstance(of_task, str) else task_corpus(corpus, of_task, keep)

    train_set = load(data.main)
    sites = len(set(train_set.groups))
    if data.test is None:
        train_set, test_set = hold_out(train_set, HELD_OUT, config.seed)
    else:
        test_set = load(data.test, "; --set data.test=null holds out a tenth of train's sites")
        if data.test.endswith(".jsonl"):  # a benchmark's own splits share sites: a model would know them by heart
            known = set(test_set.groups)
            train_set = train_set.select([i for i, group in enumerate(train_set.groups) if group not in known])
    if sites and not train_set.pages:
        taken = "which the test takes: label pages of more sites"
        raise MissingLabels(f"{data.folder}: {source}/{data.main} has only pages of {counted(sites, 'site')}, {taken}")
    for split, corpus in ((data.main, train_set), (data.test or "held out", test_set)):
        if not corpus.has(task):
            raise MissingLabels(f"{data.folder}: {source}/{split} has no {task} labels")
    given = {line.label(task) for page in train_set.pages for line in page.lines} - {None}
    if len(given) == 1:
        raise MissingLabels(f"{data.folder}: all {task} labels of {source}/{data.main} are {given.pop()!r}; a model needs two")
    validation = load(data.validation, "; --set data.validation=null goes without one") if data.validation else None
    validation = validation if validation is not None and validation.has(task) else None
    further = [_further(source, data.cues) for source in data.further] if task == "type" else []
    return Splits(share_of_groups(train_set, data.train_share, config.seed), validation, test_set, tuple(further))


def _further(source: FurtherPages, cues: bool) -> Further:
    """The pages of a further source, their labels as coarse as it says."""
    corpus = load_gold(source.path)
    corpus = corpus if cues else corpus.without_cues()
    return Further(coarse(corpus) if source.labels == "article" else corpus, source.weight)
