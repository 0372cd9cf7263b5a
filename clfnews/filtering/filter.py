"""`PageFilter`: the trained page filter. Tags every line first, keeps later.

`tag` never drops or changes anything; `keep` is a decision on the tags, so a
threshold can be changed without the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clfnews.errors import UserError
from clfnews.filtering.batches import batches, no_collection
from clfnews.filtering.decisions import article_probability, decide_pages, expected_f1, rounded
from clfnews.filtering.frames import as_pages, tag_frame
from clfnews.filtering.origin import Origin, of_folder
from clfnews.filtering.risk import RiskCurve
from clfnews.filtering.saved import SCHEMA, read_meta, read_tasks, write_filter
from clfnews.filtering.schema import tells_stance
from clfnews.filtering.tagged import TaggedPage
from clfnews.filtering.tagging import Tagger
from clfnews.labels import SHIPPED, STANCE, STANCES, Task
from clfnews.models.calibration import FittedTask
from clfnews.models.encoder import Encoder
from clfnews.page import Page
from clfnews.readers.base import ReadOptions, missing_content, parse_columns
from clfnews.sites.memory import SiteMemory
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
    the model that made them (default: its name); `risk`, the stance's out of fold.
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
        risk: RiskCurve | None = None,
    ) -> None:
        self.type_task, self.stance_task = type_task, stance_task
        self.threshold, self.min_confidence, self.name = threshold, min_confidence, name
        self.info = info or {}
        self.origin = origin or Origin(name)
        self.own, self.least = dict(own or {}), dict(least or {})
        self.risk = risk

    def __repr__(self) -> str:
        kinds = ", ".join(f"{task}={fitted.model.kind!r}" for task, fitted in self.fitted.items())
        return f"PageFilter({self.name!r}, {kinds}, threshold={self.threshold:g})"

    def with_threshold(self, threshold: float | None) -> PageFilter:
        """A filter of the same models that keeps lines from another threshold on; None: from the same."""
        return self if threshold is None else self._with(threshold, self.min_confidence)

    def with_risk(self, risk: float | None) -> PageFilter:
        """A filter of the same models that gives a stance only so often that at most this share is wrong; None: as it is.

        By the scores out of fold (`RiskCurve`). Raises `UserError` if no confidence reaches it, or nothing is known of it.
        """
        if risk is None:
            return self
        if not 0 < risk < 1:
            raise UserError(f"risk {risk:g}: expected a share between 0 and 1, such as 0.2")
        if self.risk is None:
            why = "has no stance model" if self.stance_task is None else "was trained without what tells the risk; train again"
            raise UserError(f"risk {risk:g}: the filter {self.name} {why}")
        return self._with(self.threshold, self.risk.cut(risk))

    def _with(self, threshold: float, min_confidence: float) -> PageFilter:
        return PageFilter(
            self.type_task,
            self.stance_task,
            own=self.own,
            least=self.least,
            threshold=threshold,
            min_confidence=min_confidence,
            name=self.name,
            info=self.info,
            origin=self.origin,
            risk=self.risk,
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
        for batch in batches(as_pages(pages, self.reads_hidden), BATCH):
            with no_collection():
                tagged = self._tagger().tag(batch, sites)
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
        if tells_stance(self.tasks):
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
        for batch in batches(as_pages(pages, self.reads_hidden), BATCH):
            p_types = fitted.predict(batch)
            for page, p, types in zip(batch, p_types, decide_pages(p_types, self.threshold, task), strict=True):
                memory.add(page, article_probability(p, task), expected_f1(p, types, task))
        return memory

    def _tagger(self) -> Tagger:
        models = self.type_task, self.stance_task, self.own, self.least
        tasks = self.tasks if any(not task.shipped for task in self.tasks.values()) else {}
        return Tagger(*models, self.threshold, self.min_confidence, self.origin, tasks)

    def save(self, folder: Path) -> None:
        """Write the filter as a folder that `load` reads; `filter.json` comes last, so that a folder with it is whole."""
        write_filter(folder, self.fitted, self.meta())

    def meta(self) -> dict[str, Any]:
        """What `filter.json` holds but for the checksums; the model card is written from it."""
        encoders = {task: fitted.model.about for task, fitted in self.fitted.items() if isinstance(fitted.model, Encoder)}
        return {
            "schema": SCHEMA,
            "clfnews": __version__,
            "name": self.name,
            "reads_hidden": self.reads_hidden,
            "threshold": self.threshold,
            "min_confidence": self.min_confidence,
            "tasks": {
                task: {"labels": x.labels, "of": x.of, "keep": [label for label in x.labels if label in x.keep]}
                for task, fitted in self.fitted.items()
                if not (x := fitted.task).shipped or x != SHIPPED[task]
            },
            "least": self.least,
            "models": {task: fitted.model.kind for task, fitted in self.fitted.items()},
            "temperature": {task: fitted.temperature for task, fitted in self.fitted.items()},
            **({"needs": self.needs} if self.needs else {}),
            **({"encoders": encoders} if encoders else {}),
            **({"risk": self.risk.as_json()} if self.risk else {}),
            "info": self.info,
        }

    @property
    def needs(self) -> dict[str, str]:
        """Package -> version of what its models need beside clfnews."""
        return {name: version for fitted in self.fitted.values() for name, version in getattr(fitted.model, "needs", {}).items()}

    @property
    def tasks(self) -> dict[str, Task]:
        """What the filter tells, by name; a filter of the shipped types alone has the stance too, which is null."""
        found = {name: fitted.task for name, fitted in self.fitted.items()}
        return found | {"stance": STANCE} if all(task.shipped for task in found.values()) else found

    @property
    def fitted(self) -> dict[str, FittedTask]:
        """Its models with their calibration, by the name of their task."""
        ours = {"type": self.type_task, "stance": self.stance_task}
        return {task: fitted for task, fitted in ours.items() if fitted} | self.own

    @classmethod
    def of(cls, fitted: Mapping[str, FittedTask], **settings: Any) -> PageFilter:
        """A filter of models by the name of their task, with the settings of the class."""
        own = dict(fitted)
        types = own.pop("type", None)
        stances = own.pop("stance") if "stance" in own and own["stance"].task == STANCE else None
        return cls(types, stances, own=own, **settings)

    @classmethod
    def load(cls, folder: Path | str, origin: Origin | None = None) -> PageFilter:
        """The filter that `save` wrote; raises `UserError` if it is not one, of another schema, or not whole.

        `origin`: where the folder came from (default: `origin.of_folder`).
        """
        folder = Path(folder)
        meta = read_meta(folder)
        tasks = read_tasks(folder, meta)
        return cls.of(
            tasks,
            least=meta.get("least"),
            threshold=meta["threshold"],
            min_confidence=meta["min_confidence"],
            name=meta["name"],
            info=meta["info"],
            origin=origin or of_folder(folder),
            risk=RiskCurve.from_json(meta["risk"]) if "risk" in meta else None,
        )
