"""Labelled pages: reading gold rows and the project's data folder.

This module alone imports `datasets`, and only when a folder is read.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.data.rows import page_of_gold, registered_domain
from clfnews.errors import UserError, nearest
from clfnews.files import numbered_rows
from clfnews.labels import COARSE, is_article
from clfnews.page import Page


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
            lines = [(line.text, line.type, line.stance) for line in page.lines]
            sha.update(json.dumps([page.id, group, lines], ensure_ascii=False).encode())
        return sha.hexdigest()[:12]

    @property
    def n_lines(self) -> int:
        return sum(len(page.lines) for page in self.pages)

    def has(self, task: str) -> bool:
        """True if any line carries a label of the task (`type` or `stance`)."""
        return any(getattr(line, task) for page in self.pages for line in page.lines)

    @property
    def has_noise(self) -> bool:
        """True for whole pages, in which an article has to be found: some line is labelled as noise."""
        return any(line.type is not None and not is_article(line.type) for page in self.pages for line in page.lines)

    def only_articles(self) -> Corpus:
        """The same pages with their article lines alone, as labelled: what a stance model reads without a filter before it."""
        pages = tuple(page.with_lines(line for line in page.lines if is_article(line.type)) for page in self.pages)
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
            return corpus_from_rows(_decoded(table), f"{config}/{split}", str(folder))
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
    line: Any = table.features["lines"]
    line = getattr(line, "feature", line[0] if isinstance(line, list) else line)
    names = {key: line[key].names for key in ("type", "stance")}
    for row in table:
        for item in row["lines"]:
            for key, labels in names.items():
                item[key] = None if item[key] is None or item[key] < 0 else labels[item[key]]
        yield row


def load_gold(path: str | Path) -> Corpus:
    """Labelled pages of one JSONL file: gold rows or stance rows.

    A gold row has `lines` with `type` (and `stance`), a stance row has `text`
    and `stance` and becomes a page of one body line. The group of a row is its
    `group`, else its `site`, else its `id`.
    Raises `UserError` that names file and row for anything that is wrong.
    """
    path = Path(path)
    rows = list(numbered_rows(path))
    if not rows:
        raise UserError(f"{path}: no labelled pages in it")
    return corpus_from_rows((row for _, row in rows), path.name.partition(".jsonl")[0], str(path), [number for number, _ in rows])


def corpus_from_rows(rows: Iterator[dict[str, Any]], name: str, source: str, numbers: Sequence[int] | None = None) -> Corpus:
    """Rows as a `Corpus`; raises `UserError` naming the row (by `numbers`, or counted) for unknown labels."""
    pages, groups, origins, kinds, references = [], [], [], [], []
    for number, row in zip(numbers or count(1), rows, strict=False):
        try:
            page = page_of_gold(row, f"{Path(source).stem}:{number}")
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


def article_lines(corpus: Corpus) -> Corpus:
    """The pages cut down to the article as it is labelled; pages without one are left out."""
    cut = corpus.only_articles()
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
