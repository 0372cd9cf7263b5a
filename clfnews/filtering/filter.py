"""`PageFilter`: the trained page filter. Tags every line first, keeps later.

`tag` never drops or changes anything; `keep` is a decision on the tags, so a
threshold can be changed without the model.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clfnews.errors import UserError
from clfnews.filtering.decisions import (
    NO_MODEL,
    article_probability,
    decide_pages,
    expected_f1,
    mean_of,
    page_stance,
    rounded,
    told,
)
from clfnews.filtering.frames import as_pages, tag_frame
from clfnews.filtering.origin import Origin, of_folder
from clfnews.filtering.record import completed
from clfnews.filtering.saved import META, SCHEMA, check_files, checksums, read_meta
from clfnews.filtering.tagged import TaggedLine, TaggedPage
from clfnews.labels import SHIPPED, STANCE, STANCES, Task, columns_of
from clfnews.models import load_model, save_model
from clfnews.models.calibration import FittedTask
from clfnews.page import Line, Page, joined
from clfnews.readers.base import ReadOptions, missing_content, parse_columns
from clfnews.sites.memory import SiteMemory
from clfnews.sites.weights import FILE as SITES
from clfnews.sites.weights import SiteWeights
from clfnews.version import __version__

if TYPE_CHECKING:
    import pandas as pd

BATCH = 256
"""Pages that are tagged in one go; more costs memory, fewer costs speed."""


class PageFilter:
    """A type model and a stance model joined, with the decisions on top.

    Without a type model (`type_task` None) all lines are kept; without a stance
    model (`stance_task` None) every stance is None. `own` has the tasks of the
    user's labels by name, `least` the confidence below which their label is None.

    Parameters: `threshold` on p(article) from which a line is kept;
    `min_confidence` below which a line's stance is None; `origin`, what rows say of
    the model that made them (default: its name).
    """

    def __init__(
        self,
        type_task: FittedTask | None,
        stance_task: FittedTask | None,
        *,
        own: Mapping[str, FittedTask] | None = None,
        least: Mapping[str, float] | None = None,
        threshold: float = 0.5,
        min_confidence: float = 0.0,
        name: str = "unnamed",
        info: dict[str, Any] | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.type_task, self.stance_task = type_task, stance_task
        self.threshold, self.min_confidence, self.name = threshold, min_confidence, name
        self.info = info or {}
        self.origin = origin or Origin(name)
        self.own, self.least = dict(own or {}), dict(least or {})

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
            own=self.own,
            least=self.least,
            threshold=threshold,
            min_confidence=self.min_confidence,
            name=self.name,
            info=self.info,
            origin=self.origin,
        )

    @property
    def reads_hidden(self) -> bool:
        """Whether lines of hidden boxes of HTML belong to a page, as they did when the type model learnt."""
        return bool(self.type_task and getattr(self.type_task.model, "reads_hidden", False))

    def tag(self, pages: Iterable[Page | str], sites: SiteMemory | None = None) -> Iterator[TaggedPage]:
        """Every page with every line tagged, in order; reads `BATCH` pages at a time.

        Parameters: `pages`, or texts of pages (HTML is read as such), also as a
        pandas Series; `sites`, what is known of the pages' sites (pages of other
        sites are tagged as without). Raises `TypeError` for what is neither page
        nor text, `ValueError` for HTML that cannot be read, `UserError` for `sites`
        if the filter takes none (`site_weights`).
        """
        if sites is not None:
            self.site_weights()
        for batch in _batches(as_pages(pages, self.reads_hidden), BATCH):
            with _no_collection():
                tagged = self._tag_batch(batch, sites)
            yield from tagged

    def tag_frame(
        self,
        frame: pd.DataFrame,
        text: str | None = None,
        *,
        html: str | None = None,
        columns: Mapping[str, str] | None = None,
        all_lines: bool = False,
    ) -> pd.DataFrame:
        """A frame of pages with what the filter thinks of each: a row a page, the same index, all its columns, then the results.

        Parameters: `text` or `html`, the column that the pages are read from
        (default: `lines`, `text` or `html`, the first that has a value); `columns`, the
        names of further roles, such as `{"id": "doc"}`; `all_lines`, also those that are not kept.

        The results are the fields of `TaggedPage.as_row`, and `error`: why a row is
        no page. A column of the frame that is called like one of them becomes `input_NAME`.
        Raises `UserError` if the frame has no column to read.
        """
        named = {"text": text, "html": html, **(columns or {})}
        options = ReadOptions(
            None, parse_columns(f"{role}={name}" for role, name in named.items() if name), hidden=self.reads_hidden
        )
        problem = missing_content(map(str, frame.columns), options)
        if problem:
            raise UserError(f"the frame {problem.partition(';')[0]}; name it: tag_frame(frame, text=NAME)")
        return tag_frame(self.tag, frame, options, all_lines)

    def keep(self, pages: Iterable[Page | str], sites: SiteMemory | None = None) -> Iterator[Page]:
        """Every page with only its article lines, typed and with stance; `sites` as in `tag`."""
        for tagged in self.tag(pages, sites):
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
            out.append({"label": label, "p": rounded(STANCES, row)})
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

    @property
    def no_events(self) -> str | None:
        """Why its pages never have events, which hang on the shipped stance; None: they can have some."""
        if not self.own or self.stance_task:
            return None
        return f"the filter {self.name} has labels of your own and no stance, so it gives no events"

    def stance_model(self) -> FittedTask:
        """The stance model; raises `UserError` if there is none."""
        if self.stance_task is None:
            raise UserError(f"the filter {self.name} has no stance model: it was trained without stance labels")
        return self.stance_task

    def type_model(self) -> FittedTask:
        """The type model; raises `UserError` if there is none."""
        if self.type_task is None:
            raise UserError(f"the filter {self.name} has no type model: it was trained without types of lines, and keeps all")
        return self.type_task

    def site_weights(self) -> SiteWeights:
        """What a memory of sites is worth; raises `UserError` if the filter was trained without (`type.sites`)."""
        if self.type_task is None:
            raise UserError(f"--sites: the filter {self.name} has no type model that a memory of sites could help")
        return self.type_task.site_weights()

    def fit_sites(self, pages: Iterable[Page | str], memory: SiteMemory | None = None) -> SiteMemory:
        """A memory of the sites of pages, with what this filter thinks of each: more than `SiteMemory.fit` knows, and slower.

        A `memory` that is given grows by them. Raises `UserError` if the filter has no type model, else as `tag` does.
        """
        fitted, memory = self.type_model(), SiteMemory() if memory is None else memory
        task = fitted.task
        for batch in _batches(as_pages(pages, self.reads_hidden), BATCH):
            p_types = fitted.predict(batch)
            for page, p, types in zip(batch, p_types, decide_pages(p_types, self.threshold, task), strict=True):
                memory.add(page, article_probability(p, task), expected_f1(p, types, task))
        return memory

    def _tag_batch(self, pages: Sequence[Page], sites: SiteMemory | None) -> list[TaggedPage]:
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
        return TaggedPage(completed(page, lines), tuple(lines), of_page, confidence, self.origin.model, self.origin.run)

    def _tag_untyped(self, pages: Sequence[Page]) -> list[TaggedPage]:
        """Pages of a filter that keeps all lines."""
        bare = [page.with_lines(Line(line.text, line.n) for line in page.lines) for page in pages]  # without labels of people
        p_stances = self.stance_task.predict(bare) if self.stance_task else [None] * len(pages)
        tagged = []
        for page, article, p_stance in zip(pages, bare, p_stances, strict=True):
            rows = p_stance.tolist() if p_stance is not None else [None] * len(page.lines)
            lines = tuple(
                TaggedLine(line.n, line.text, None, True, self._stance_of(row), None, row, ())
                for line, row in zip(page.lines, rows, strict=True)
            )
            of_page = NO_MODEL if p_stance is None else page_stance(article.lines, p_stance)
            tagged.append(TaggedPage(completed(page, lines), lines, of_page, 1.0, self.origin.model, self.origin.run))
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
                tasks=whole,
            )
            for page, found, lines in zip(tagged, of_pages, of_lines, strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write the filter as a folder that `load` reads; `filter.json` comes last, so that a folder with it is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / META).unlink(missing_ok=True)
        for task, fitted in self._tasks().items():
            save_model(fitted.model, folder / task, fitted.options)
            if fitted.sites:
                fitted.sites.save(folder / task)
            else:
                (folder / task / SITES).unlink(missing_ok=True)  # of another filter that was saved here
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
            "tasks": {
                task: {"labels": x.labels, "of": x.of, "keep": [label for label in x.labels if label in x.keep]}
                for task, fitted in self._tasks().items()
                if not (x := fitted.task).shipped or x != SHIPPED[task]
            },
            "least": self.least,
            "models": {task: fitted.model.kind for task, fitted in self._tasks().items()},
            "temperature": {task: fitted.temperature for task, fitted in self._tasks().items()},
            "info": self.info,
        }

    @property
    def tasks(self) -> dict[str, Task]:
        """What the filter tells, by name; a filter of types alone has the stance too, which is null."""
        found = {name: fitted.task for name, fitted in self._tasks().items()}
        return found if self.own else found | {"stance": STANCE}

    def _tasks(self) -> dict[str, FittedTask]:
        ours = {"type": self.type_task, "stance": self.stance_task}
        return {task: fitted for task, fitted in ours.items() if fitted} | self.own

    @classmethod
    def load(cls, folder: Path | str, origin: Origin | None = None) -> PageFilter:
        """The filter that `save` wrote; raises `UserError` if it is not one, of another schema, or not whole.

        `origin`: where the folder came from (default: `origin.of_folder`).
        """
        folder = Path(folder)
        meta = read_meta(folder)
        check_files(folder, meta)
        tasks = {}
        for task, temperature in meta["temperature"].items():
            model, options = load_model(folder / task, task, known=f"{task}/model.bin" in meta.get("files", {}))
            about = meta.get("tasks", {}).get(task)
            spec = Task(task, model.labels, about["of"], frozenset(about["keep"])) if about else None
            tasks[task] = FittedTask(model, options, temperature, spec, SiteWeights.load(folder / task))
        return cls(
            tasks.pop("type", None),
            tasks.pop("stance") if "stance" in tasks and tasks["stance"].spec is None else None,
            own=tasks,
            least=meta.get("least"),
            threshold=meta["threshold"],
            min_confidence=meta["min_confidence"],
            name=meta["name"],
            info=meta["info"],
            origin=origin or of_folder(folder),
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
