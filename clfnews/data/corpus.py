"""Labelled pages as evaluation has to know them, and the parts of them that are learnt from: by task, by article, by group."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from clfnews.labels import ARTICLE, COARSE, TASKS, Task, is_article
from clfnews.page import Page, joined


@dataclass(frozen=True)
class Corpus:
    """Labelled pages with what evaluation has to know about each of them.

    `groups[i]` names the group of `pages[i]`: pages of one group never stand on
    both sides of a split, and intervals resample groups.
    """

    name: str
    pages: tuple[Page, ...]
    groups: tuple[str, ...]
    origins: tuple[str, ...] = field(default=())
    kinds: tuple[str, ...] = field(default=())
    """Kind of each page (such as `forum`), if its source tells; else empty texts."""
    references: tuple[str | None, ...] = field(default=())
    """Clean text of each page that a benchmark gives; empty if none does."""

    def __len__(self) -> int:
        return len(self.pages)

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits of the labelled content, whatever file it came from."""
        sha = hashlib.sha256()
        for page, group in zip(self.pages, self.groups, strict=True):
            lines = [(line.text, line.type, line.stance, *((line.labels,) if line.labels else ())) for line in page.lines]
            sha.update(json.dumps([page.id, group, lines], ensure_ascii=False).encode())
        return sha.hexdigest()[:12]

    @property
    def n_lines(self) -> int:
        return sum(len(page.lines) for page in self.pages)

    def has(self, task: str) -> bool:
        """True if any line carries a label of the task (`type` or `stance`)."""
        return any(line.label(task) for page in self.pages for line in page.lines)

    @property
    def has_noise(self) -> bool:
        """True for whole pages, in which an article has to be found: some line is labelled as noise."""
        return any(line.type is not None and not is_article(line.type) for page in self.pages for line in page.lines)

    def only_articles(self, keep: frozenset[str] = ARTICLE) -> Corpus:
        """The same pages with their article lines alone, as labelled: what a stance model reads without a filter before it.

        Where no line has a type, all lines are the article.
        """
        if not self.has("type"):
            return self
        pages = tuple(page.with_lines(line for line in page.lines if line.type in keep) for page in self.pages)
        return replace(self, pages=pages)

    def without_cues(self) -> Corpus:
        """The same pages as plain text."""
        pages = tuple(page.with_lines(replace(line, cues=None) for line in page.lines) for page in self.pages)
        return replace(self, pages=pages)

    def select(self, index: Sequence[int], name: str | None = None) -> Corpus:
        """The pages at these positions."""
        return Corpus(
            name or self.name,
            tuple(self.pages[i] for i in index),
            tuple(self.groups[i] for i in index),
            tuple(self.origins[i] for i in index) if self.origins else (),
            tuple(self.kinds[i] for i in index) if self.kinds else (),
            tuple(self.references[i] for i in index) if self.references else (),
        )


@dataclass(frozen=True, slots=True)
class Further:
    """Pages that are only learnt from, beside the split that is scored."""

    corpus: Corpus
    weight: float
    """Of each line; a line of the split has 1."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The corpora of one task."""

    train: Corpus
    validation: Corpus | None
    test: Corpus
    further: tuple[Further, ...] = ()


def task_corpus(corpus: Corpus, task: Task, keep: frozenset[str]) -> Corpus:
    """What a task reads of labelled pages: all lines, those of the types that are kept, or each page as one line."""
    if task.of == "pages":
        return pages_as_lines(corpus, task, keep)
    if task.of == "kept lines" and task.name not in TASKS and corpus.has("type"):
        return article_lines(corpus, keep)
    return corpus


def pages_as_lines(corpus: Corpus, task: Task, keep: frozenset[str]) -> Corpus:
    """Each labelled page as one line, its kept lines joined, that has the label of the page: what a task of pages reads."""
    index = [i for i, page in enumerate(corpus.pages) if (page.labels or {}).get(task.name)]
    cut = corpus.select(index, f"{corpus.name} {task.name}")
    pages = []
    for page in cut.pages:
        kept = [line for line in page.lines if not keep or line.type is None or line.type in keep]
        pages.append(page.with_lines([joined(kept, {task.name: (page.labels or {})[task.name]})]))
    return replace(cut, pages=tuple(pages))


def article_lines(corpus: Corpus, keep: frozenset[str] = ARTICLE) -> Corpus:
    """The pages cut down to the article as it is labelled; pages without one are left out."""
    cut = corpus.only_articles(keep)
    return cut.select([i for i, page in enumerate(cut.pages) if page.lines], corpus.name.replace("pages", "stance"))


def coarse(corpus: Corpus) -> Corpus:
    """The pages with `labels.COARSE` in the place of types: a source that tells no more."""
    article, noise = COARSE
    pages = tuple(
        page.with_lines(replace(x, type=x.type and (article if is_article(x.type) else noise)) for x in page.lines)
        for page in corpus.pages
    )
    return replace(corpus, pages=pages)


def hold_out(corpus: Corpus, share: float, seed: int) -> tuple[Corpus, Corpus]:
    """The corpus in two, by groups; the second has about a share of the groups, at least one."""
    held = _draw(corpus, share, seed)
    return (
        corpus.select([i for i, group in enumerate(corpus.groups) if group not in held]),
        corpus.select([i for i, group in enumerate(corpus.groups) if group in held], f"{corpus.name}, held out"),
    )


def share_of_groups(corpus: Corpus, share: float, seed: int) -> Corpus:
    """The pages of a part of the groups, at least one; a smaller share is part of a larger one."""
    if share >= 1:
        return corpus
    chosen = _draw(corpus, share, seed)
    return corpus.select([i for i, group in enumerate(corpus.groups) if group in chosen])


def _draw(corpus: Corpus, share: float, seed: int) -> set[str]:
    """About a share of the groups, at least one."""
    groups = sorted(set(corpus.groups))
    drawn = np.random.default_rng(seed).permutation(len(groups))[: max(1, round(share * len(groups)))]
    return {groups[i] for i in drawn}
