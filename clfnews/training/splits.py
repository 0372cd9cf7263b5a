"""The corpora of a training: what a model learns from, is looked at with, and is scored on."""

from __future__ import annotations

from clfnews.config.schema import Config, FurtherPages
from clfnews.data.corpus import (
    Corpus,
    Further,
    MissingSplit,
    Splits,
    article_lines,
    coarse,
    config_names,
    hold_out,
    load_gold,
    load_split,
    share_of_groups,
)
from clfnews.errors import UserError, counted

HELD_OUT = 0.1
"""Share of the groups of train that are the test split if there is none."""


class MissingLabels(UserError):
    """The data has nothing to learn a task from."""


def load_tasks(config: Config) -> tuple[dict[str, Splits], str | None]:
    """The corpora of the tasks that have labels, and why stance is not among them, if it is not.

    Raises `UserError` if there are no types to learn from: without them no page can be filtered.
    """
    splits = {"type": load_splits(config, "type")}
    try:
        return splits | {"stance": load_splits(config, "stance")}, None
    except MissingLabels as missing:
        return splits, f"stance: left out ({missing})"


def load_splits(config: Config, task: str) -> Splits:
    """The corpora of a task; stances come from the article lines of the pages if there is no `stance` configuration.

    A split whose name ends in `.jsonl` is a file of gold rows, not one of the folder.
    Raises `MissingLabels` if train or test has no labels of the task, or train only one.
    """
    data = config.data
    pages_only = task == "stance" and (data.main.endswith(".jsonl") or "stance" not in config_names(data.folder))
    source = "stance" if task == "stance" and not pages_only else "pages"

    def load(split: str, remedy: str = "") -> Corpus:
        try:
            corpus = load_gold(split) if split.endswith(".jsonl") else load_split(data.folder, source, split)
        except MissingSplit as error:
            raise MissingSplit(f"{error}{remedy}") from error
        corpus = corpus if data.cues else corpus.without_cues()
        return article_lines(corpus) if pages_only else corpus

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
    given = {getattr(line, task) for page in train_set.pages for line in page.lines} - {None}
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
