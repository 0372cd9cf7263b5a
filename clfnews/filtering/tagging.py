"""How pages become tagged pages: the decisions on what the models say, for a batch of pages at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from clfnews.filtering.decisions import NO_MODEL, PageStance, decide_pages, expected_f1, mean_of, page_stance, told
from clfnews.filtering.origin import Origin
from clfnews.filtering.record import completed
from clfnews.filtering.tagged import TaggedLine, TaggedPage
from clfnews.labels import STANCES, Task, columns_of
from clfnews.models.calibration import FittedTask
from clfnews.page import Line, Page, joined
from clfnews.sites.memory import SiteMemory


@dataclass(frozen=True, slots=True)
class Tagger:
    """The models of a `PageFilter` with its settings, which are told there."""

    type_task: FittedTask | None
    stance_task: FittedTask | None
    own: Mapping[str, FittedTask]
    least: Mapping[str, float]
    threshold: float
    min_confidence: float
    origin: Origin
    tasks: Mapping[str, Task]
    """What pages are given as `TaggedPage.tasks`."""

    def tag(self, pages: Sequence[Page], sites: SiteMemory | None) -> list[TaggedPage]:
        """The pages of a batch with every line tagged, in order."""
        if self.type_task is None:
            return self._tag_untyped(pages)
        task = self.type_task.task
        article_columns = columns_of(task.keep, task.labels)
        p_types = self.type_task.predict(pages, sites)
        columns = decide_pages(p_types, self.threshold, task)
        # The stance model reads the article as the filter sees it, without the noise.
        articles = [
            page.with_lines(
                Line(page.lines[i].text, page.lines[i].n, task.labels[types[i]])
                for i in np.flatnonzero(np.isin(types, article_columns)).tolist()
            )
            for page, types in zip(pages, columns, strict=True)
        ]
        p_stances = self.stance_task.predict(articles) if self.stance_task else [None] * len(articles)
        tagged = [
            self._tag_page(task, page, p, types, article.lines, p_stance)
            for page, p, types, article, p_stance in zip(pages, p_types, columns, articles, p_stances, strict=True)
        ]
        return self._with_own(pages, tagged, articles) if self.own else tagged

    def _tag_page(
        self, task: Task, page: Page, p: np.ndarray, types: np.ndarray, article: tuple[Line, ...], p_stance: np.ndarray | None
    ) -> TaggedPage:
        stance_rows = iter(p_stance.tolist() if p_stance is not None else [None] * len(article))
        kept, labels = set(columns_of(task.keep, task.labels)), task.labels
        lines = []
        for line, row, j in zip(page.lines, p.tolist(), types.tolist(), strict=True):
            keep = j in kept
            stance = next(stance_rows) if keep else None
            lines.append(TaggedLine(line.n, line.text, labels[j], keep, self._stance_of(stance), row, stance, labels))
        of_page = NO_MODEL if p_stance is None else page_stance(article, p_stance)
        confidence = expected_f1(p, types, task)
        return self._tagged(page, lines, of_page, confidence)

    def _tagged(self, page: Page, lines: Sequence[TaggedLine], stance: PageStance, confidence: float) -> TaggedPage:
        whole, origin = completed(page, lines), self.origin
        return TaggedPage(whole, tuple(lines), stance, confidence, origin.model, origin.run, tasks=self.tasks)

    def _tag_untyped(self, pages: Sequence[Page]) -> list[TaggedPage]:
        """Pages of a filter that keeps all lines."""
        bare = [page.with_lines(Line(line.text, line.n) for line in page.lines) for page in pages]  # without labels of people
        p_stances = self.stance_task.predict(bare) if self.stance_task else [None] * len(pages)
        tagged = []
        for page, article, p_stance in zip(pages, bare, p_stances, strict=True):
            rows = p_stance.tolist() if p_stance is not None else [None] * len(page.lines)
            lines = [
                TaggedLine(line.n, line.text, None, True, self._stance_of(row), None, row, ())
                for line, row in zip(page.lines, rows, strict=True)
            ]
            of_page = NO_MODEL if p_stance is None else page_stance(article.lines, p_stance)
            tagged.append(self._tagged(page, lines, of_page, 1.0))
        return self._with_own(pages, tagged, pages)

    def _stance_of(self, row: Sequence[float] | None) -> str | None:
        """The most probable stance; None if it is not sure enough, or nothing tells."""
        return STANCES[row.index(max(row))] if row is not None and max(row) >= self.min_confidence else None

    def _with_own(self, pages: Sequence[Page], tagged: list[TaggedPage], articles: Sequence[Page]) -> list[TaggedPage]:
        """The pages with what the user's own tasks say of them."""
        of_pages: list[dict[str, Any]] = [{} for _ in pages]
        of_lines: list[list[dict[str, Any]]] = [[{} for _ in page.lines] for page in pages]
        places = [[i for i, line in enumerate(page.lines) if line.keep] for page in tagged]
        for name, fitted in self.own.items():
            read = {"lines": pages, "kept lines": articles}.get(fitted.task.of) or [
                article.with_lines([joined(article.lines)] if article.lines else []) for article in articles
            ]
            tell = partial(told, fitted.task, least=self.least.get(name, 0.0))
            for k, (page, p) in enumerate(zip(read, fitted.predict(read), strict=True)):
                of_pages[k][name] = tell(mean_of(page, p))
                rows = of_lines[k] if fitted.task.of == "lines" else [of_lines[k][i] for i in places[k]]
                for line, row in zip(rows, p, strict=False) if fitted.task.of != "pages" else ():
                    line[name] = tell(row)
        whole = {name: fitted.task for name, fitted in self.own.items()}
        nothing = {name: told(task, None) for name, task in whole.items() if task.of != "pages"}
        return [
            replace(
                page,
                lines=tuple(line._replace(own=nothing | own) for line, own in zip(page.lines, lines, strict=True)),
                own={name: found.get(name) or told(task, None) for name, task in whole.items()},
            )
            for page, found, lines in zip(tagged, of_pages, of_lines, strict=True)
        ]
