"""`PageFilter`: the trained page filter. Tags every line first, keeps later.

`tag` never drops or changes anything; `keep` is a decision on the tags, so a
threshold can be changed without the model.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.filtering.decisions import NO_MODEL, _decide_all, expected_f1, page_stance
from clfnews.filtering.record import completed
from clfnews.filtering.saved import META, SCHEMA, check_files, checksums, read_meta
from clfnews.filtering.tagged import TaggedLine, TaggedPage, _named
from clfnews.labels import ARTICLE, STANCES, TYPES, columns_of
from clfnews.models import load_model, save_model
from clfnews.models.calibration import FittedTask
from clfnews.page import Line, Page
from clfnews.version import __version__

_ARTICLE = columns_of(ARTICLE)
BATCH = 256
"""Pages that are tagged in one go; more costs memory, fewer costs speed."""


class PageFilter:
    """A type model and a stance model joined, with the decisions on top.

    Without a stance model (`stance_task` None) every stance is None.

    Parameters: `threshold` on p(article) from which a line is kept;
    `min_confidence` below which a line's stance is None.
    """

    def __init__(
        self,
        type_task: FittedTask,
        stance_task: FittedTask | None,
        *,
        threshold: float = 0.5,
        min_confidence: float = 0.0,
        name: str = "unnamed",
        info: dict[str, Any] | None = None,
    ) -> None:
        self.type_task, self.stance_task = type_task, stance_task
        self.threshold, self.min_confidence, self.name = threshold, min_confidence, name
        self.info = info or {}

    def __repr__(self) -> str:
        kinds = ", ".join(f"{task}={fitted.model.kind!r}" for task, fitted in self._tasks().items())
        return f"PageFilter({self.name!r}, {kinds}, threshold={self.threshold:g})"

    def with_threshold(self, threshold: float | None) -> PageFilter:
        """A filter of the same models that keeps lines from another threshold on; None: from the same."""
        if threshold is None:
            return self
        return PageFilter(
            self.type_task,
            self.stance_task,
            threshold=threshold,
            min_confidence=self.min_confidence,
            name=self.name,
            info=self.info,
        )

    @property
    def reads_hidden(self) -> bool:
        """Whether lines of hidden boxes of HTML belong to a page, as they did when the type model learnt."""
        return bool(getattr(self.type_task.model, "reads_hidden", False))

    def tag(self, pages: Iterable[Page]) -> Iterator[TaggedPage]:
        """Every page with every line tagged, in order; reads `BATCH` pages at a time. Raises `TypeError` for what is no page."""
        if isinstance(pages, Page):
            raise TypeError("tag() and keep() take many pages: tag([page])")
        for batch in _batches(pages, BATCH):
            for page in batch:
                if not isinstance(page, Page):
                    raise TypeError(f"not a page: {page!r:.200}; leave out what could not be read (isinstance(x, clfnews.Page))")
            with _no_collection():
                tagged = self._tag_batch(batch)
            yield from tagged

    def keep(self, pages: Iterable[Page]) -> Iterator[Page]:
        """Every page with only its article lines, typed and with stance."""
        for tagged in self.tag(pages):
            yield tagged.page.with_lines(
                replace(line, type=tag.type, stance=tag.stance)
                for line, tag in zip(tagged.page.lines, tagged.lines, strict=True)
                if tag.keep
            )

    def stance(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Label (None: abstains) and probabilities of texts that need no filtering.

        Raises `UserError` if the filter has no stance model, `TypeError` for one text.
        """
        if isinstance(texts, str):
            raise TypeError("stance() takes a list of texts: stance([text])")
        pages = [Page.from_lines([text]) for text in texts]
        out = []
        for page, p in zip(pages, self.stance_model().predict(pages), strict=True):
            row = p[0] if len(page.lines) else np.full(len(STANCES), 1 / len(STANCES))
            label = STANCES[int(row.argmax())] if row.max() >= self.min_confidence else None
            out.append({"label": label, "p": _named(STANCES, row)})
        return out

    def explain(self, text: str, most: int = 6) -> list[tuple[str, float]]:
        """What moved a line's stance: patterns with their part of the score, strongest first.

        Raises `UserError` if the stance model has no such parts (fastText).
        """
        model = self.stance_model().model
        explain = getattr(model, "explain", None)
        if explain is None:
            raise UserError(f"the stance model {model.kind} cannot explain itself; cues, linear and lexicon can")
        found: list[tuple[str, float]] = explain(text, most)
        return found

    def stance_model(self) -> FittedTask:
        """The stance model; raises `UserError` if there is none."""
        if self.stance_task is None:
            raise UserError(f"the filter {self.name} has no stance model: it was trained without stance labels")
        return self.stance_task

    def _tag_batch(self, pages: Sequence[Page]) -> list[TaggedPage]:
        p_types = self.type_task.predict(pages)
        columns = _decide_all(p_types, self.threshold)
        # The stance model reads the article as the filter sees it, without the noise.
        articles = [
            page.with_lines(
                Line(page.lines[i].text, page.lines[i].n, TYPES[types[i]])
                for i in np.flatnonzero(np.isin(types, _ARTICLE)).tolist()
            )
            for page, types in zip(pages, columns, strict=True)
        ]
        p_stances = self.stance_task.predict(articles) if self.stance_task else [None] * len(articles)
        return [
            self._tag_page(page, p, types, article.lines, p_stance)
            for page, p, types, article, p_stance in zip(pages, p_types, columns, articles, p_stances, strict=True)
        ]

    def _tag_page(
        self, page: Page, p: np.ndarray, types: np.ndarray, article: tuple[Line, ...], p_stance: np.ndarray | None
    ) -> TaggedPage:
        stance_rows = iter(p_stance.tolist() if p_stance is not None else [None] * len(article))
        lines = []
        for line, row, j in zip(page.lines, p.tolist(), types.tolist(), strict=True):
            keep, stance, label = j in _ARTICLE, None, None
            if keep:
                stance = next(stance_rows)
                if stance is not None and max(stance) >= self.min_confidence:
                    label = STANCES[stance.index(max(stance))]
            lines.append(TaggedLine(line.n, line.text, TYPES[j], keep, label, row, stance))
        of_page = NO_MODEL if p_stance is None else page_stance(article, p_stance)
        return TaggedPage(completed(page, lines), tuple(lines), of_page, expected_f1(p, types), self.name)

    def save(self, folder: Path) -> None:
        """Write the filter as a folder that `load` reads; `filter.json` comes last, so that a folder with it is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / META).unlink(missing_ok=True)
        for task, fitted in self._tasks().items():
            save_model(fitted.model, folder / task, fitted.options)
        meta = self.meta() | {"files": checksums(folder, self._tasks())}
        (folder / META).write_text(json.dumps(meta, indent=1, ensure_ascii=False), encoding="utf-8")

    def meta(self) -> dict[str, Any]:
        """What `filter.json` holds but for the checksums; the model card is written from it."""
        return {
            "schema": SCHEMA,
            "clfnews": __version__,
            "name": self.name,
            "reads_hidden": self.reads_hidden,
            "threshold": self.threshold,
            "min_confidence": self.min_confidence,
            "models": {task: fitted.model.kind for task, fitted in self._tasks().items()},
            "temperature": {task: fitted.temperature for task, fitted in self._tasks().items()},
            "info": self.info,
        }

    def _tasks(self) -> dict[str, FittedTask]:
        return {"type": self.type_task} | ({"stance": self.stance_task} if self.stance_task else {})

    @classmethod
    def load(cls, folder: Path | str) -> PageFilter:
        """The filter that `save` wrote; raises `UserError` if it is not one, of another schema, or not whole."""
        folder = Path(folder)
        meta = read_meta(folder)
        check_files(folder, meta)
        tasks = {}
        for task, temperature in meta["temperature"].items():
            model, options = load_model(folder / task, task, known=f"{task}/model.bin" in meta.get("files", {}))
            tasks[task] = FittedTask(model, options, temperature)
        return cls(
            tasks["type"],
            tasks.get("stance"),
            threshold=meta["threshold"],
            min_confidence=meta["min_confidence"],
            name=meta["name"],
            info=meta["info"],
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without looking for cycles: a batch has tens of thousands of objects and no cycle."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def reads_hidden(folder: Path) -> bool:
    """`PageFilter.reads_hidden` of a saved filter, without loading its models; False if there is none."""
    try:
        return bool(read_meta(folder).get("reads_hidden"))
    except UserError:
        return False  # what is wrong with it is told when it is loaded


def _batches(items: Iterable[Page], size: int) -> Iterator[list[Page]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
