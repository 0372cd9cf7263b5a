"""Labelled pages: reading gold rows and the project's data folder.

This module alone imports `datasets`, and only when a folder is read.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.data.rows import page_of_gold, registered_domain
from clfnews.errors import UserError, nearest
from clfnews.files import numbered_rows
from clfnews.labels import ARTICLE, COARSE, SHIPPED, TASKS, Task, is_article
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


class MissingSplit(UserError):
    """A data folder has no such split."""


def load_split(folder: str | Path, config: str, split: str) -> Corpus:
    """One split of a data folder (`data/`) through `datasets.load_dataset`.

    Parameters: `folder` with a dataset card, the card's configuration (`pages`
    or `stance`) and the split (`train`, `validation`, `test`).
    Raises `UserError` for a folder or configuration that is not there, `MissingSplit` for a split.
    """
    folder = Path(folder)
    # datasets takes a mistyped path for a name on the hub, and waits for it.
    _check_card(folder)
    import datasets

    datasets.disable_progress_bars()
    # datasets keys its cache of a local folder by the path, not by what the
    # files hold: after an edit it would answer with the old rows. So: no cache.
    with tempfile.TemporaryDirectory(prefix="clfnews-") as cache:
        try:
            builder = datasets.load_dataset_builder(str(folder), config, cache_dir=cache)
            known = sorted(str(name) for name in builder.config.data_files or {})
        except FileNotFoundError as error:
            raise UserError(f"{folder}: its card names a file that is not there ({str(error).splitlines()[0]:.200})") from error
        except ValueError as error:
            raise UserError(f"{folder}: {str(error).splitlines()[0]}") from error
        if split not in known:
            raise MissingSplit(f"{folder}: no split {split!r} in {config!r}{nearest(split, known)}")
        try:
            table = datasets.load_dataset(str(folder), config, split=split, cache_dir=cache, keep_in_memory=True)
            names = {key: labels for key, labels in _line_labels(table.features).items() if key in TASKS}
            return corpus_from_rows(_decoded(table), f"{config}/{split}", str(folder), names=names)
        except (ValueError, datasets.exceptions.DatasetGenerationError) as error:
            # Its message hides which row is wrong; the check names them all.
            raise UserError(f"{folder}: {config}/{split} cannot be read; run: clfnews data check {folder}") from error


def _check_card(folder: Path) -> None:
    if not (folder / "README.md").is_file():
        raise UserError(f"{folder}: not a data folder (no README.md dataset card in {folder.absolute()})")


def config_names(folder: str | Path) -> list[str]:
    """Names of the configurations of a data folder, as its card has them; raises `UserError` without a card."""
    folder = Path(folder)
    _check_card(folder)
    import datasets

    try:
        return list(map(str, datasets.get_dataset_config_names(str(folder))))
    except ValueError as error:
        raise UserError(f"{folder}: {str(error).splitlines()[0]}") from error


def _decoded(table: Any) -> Iterator[dict[str, Any]]:
    """Rows with label names instead of class numbers."""
    names = _line_labels(table.features)
    of_page = {key: feature.names for key, feature in table.features.items() if hasattr(feature, "names")}
    for row in table:
        for item in row["lines"]:
            item |= {key: _name(item[key], labels) for key, labels in names.items()}
            item["labels"] = {key: item[key] for key in names if key not in TASKS and item[key] is not None}
        row["labels"] = {key: name for key, labels in of_page.items() if (name := _name(row[key], labels)) is not None}
        yield row


def _name(value: int | None, labels: Sequence[str]) -> str | None:
    return None if value is None or value < 0 else labels[value]


def label_names(folder: str | Path, config: str = "pages") -> dict[str, dict[str, tuple[str, ...]]]:
    """The label names that a card's ClassLabel features give, in order: task -> names, of `lines` and of `pages`."""
    folder = Path(folder)
    _check_card(folder)
    import datasets

    with tempfile.TemporaryDirectory(prefix="clfnews-") as cache:
        try:
            features: Any = datasets.load_dataset_builder(str(folder), config, cache_dir=cache).info.features or {}
        except (ValueError, FileNotFoundError) as error:
            raise UserError(f"{folder}: {str(error).splitlines()[0]:.200}") from error
    return {"lines": _line_labels(features), "pages": {k: tuple(x.names) for k, x in features.items() if hasattr(x, "names")}}


def _line_labels(features: Any) -> dict[str, tuple[str, ...]]:
    """Task -> label names of the ClassLabel features of the lines."""
    line: Any = features.get("lines", {})
    line = getattr(line, "feature", line[0] if isinstance(line, list) else line)
    return {key: tuple(x.names) for key, x in line.items() if hasattr(x, "names")}


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


def load_gold(path: str | Path, tasks: Mapping[str, Task] = SHIPPED) -> Corpus:
    """Labelled pages of one JSONL file: gold rows or stance rows.

    `tasks`, whose labels are read: the keys of lines, and those of pages of the row itself.

    A gold row has `lines` with `type` (and `stance`), a stance row has `text`
    and `stance` and becomes a page of one body line. The group of a row is its
    `group`, else its `site`, else its `id`.
    Raises `UserError` that names file and row for anything that is wrong.
    """
    path = Path(path)
    rows = list(numbered_rows(path))
    if not rows:
        raise UserError(f"{path}: no labelled pages in it")
    names = {name: task.labels for name, task in tasks.items() if name in TASKS} if tasks is not SHIPPED else TASKS
    own = [task for name, task in tasks.items() if name not in TASKS]
    unread = TASKS.keys() - tasks
    told = (_with_labels(row, own, unread) if own else row for _, row in rows)
    return corpus_from_rows(told, path.name.partition(".jsonl")[0], str(path), [number for number, _ in rows], names)


def _with_labels(row: dict[str, Any], own: Sequence[Task], unread: Collection[str]) -> dict[str, Any]:
    """A gold row whose own labels stand where `Page.from_row` reads them, without those of the tasks that are not read."""

    def found(item: Any, tasks: Sequence[Task]) -> dict[str, str]:
        labels = {task.name: item[task.name] for task in tasks if isinstance(item, dict) and item.get(task.name) is not None}
        for task in tasks:
            if task.name in labels and labels[task.name] not in task.labels:
                known = nearest(str(labels[task.name]), task.labels)
                raise UserError(f"page {row.get('id')!r}: unknown {task.name} {labels[task.name]!r}{known}")
        return labels

    of_lines, of_pages = ([t for t in own if (t.of == "pages") == pages] for pages in (False, True))
    lines = row.get("lines")
    if isinstance(lines, list):
        lines = [
            {key: value for key, value in item.items() if key not in unread} | {"labels": found(item, of_lines)}
            if isinstance(item, dict)
            else item
            for item in lines
        ]
    return {**row, "labels": found(row, of_pages), **({"lines": lines} if lines is not None else {})}


def corpus_from_rows(
    rows: Iterator[dict[str, Any]],
    name: str,
    source: str,
    numbers: Sequence[int] | None = None,
    names: Mapping[str, Sequence[str]] = TASKS,
) -> Corpus:
    """Rows as a `Corpus`; raises `UserError` naming the row (by `numbers`, or counted) for unknown labels."""
    pages, groups, origins, kinds, references = [], [], [], [], []
    for number, row in zip(numbers or count(1), rows, strict=False):
        try:
            page = page_of_gold(row, f"{Path(source).stem}:{number}", names)
        except ValueError as error:
            raise UserError(f"{source}: row {number}: {error}") from error
        pages.append(page)
        groups.append(str(row.get("group") or (registered_domain(page.site) if page.site else page.id)))
        origins.append(str(row.get("origin") or ""))
        kinds.append(str(row.get("kind") or ""))
        references.append(str(row["reference"]) if row.get("reference") is not None else None)
    known = any(reference is not None for reference in references)
    return Corpus(name, tuple(pages), tuple(groups), tuple(origins), tuple(kinds), tuple(references) if known else ())


@dataclass(frozen=True, slots=True)
class Further:
    """Pages that are only learnt from, beside the split that is scored."""

    corpus: Corpus
    weight: float
    """Of each line; a line of the split has 1."""


def coarse(corpus: Corpus) -> Corpus:
    """The pages with `labels.COARSE` in the place of types: a source that tells no more."""
    article, noise = COARSE
    pages = tuple(
        page.with_lines(replace(x, type=x.type and (article if is_article(x.type) else noise)) for x in page.lines)
        for page in corpus.pages
    )
    return replace(corpus, pages=pages)


@dataclass(frozen=True, slots=True)
class Splits:
    """The corpora of one task."""

    train: Corpus
    validation: Corpus | None
    test: Corpus
    further: tuple[Further, ...] = ()


def article_lines(corpus: Corpus, keep: frozenset[str] = ARTICLE) -> Corpus:
    """The pages cut down to the article as it is labelled; pages without one are left out."""
    cut = corpus.only_articles(keep)
    return cut.select([i for i, page in enumerate(cut.pages) if page.lines], corpus.name.replace("pages", "stance"))


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
