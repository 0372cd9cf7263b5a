"""What a run predicted: pages, probabilities and scores, kept so that runs can be compared and shown.

Training writes one file a split with the labelled pages, and one file a model
and split with a probability for every line. Both are gzipped JSON lines; the
same run writes the same bytes.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.data.corpus import Corpus, task_corpus
from clfnews.errors import UserError
from clfnews.evaluation.scores import Bootstrap, Scores, score_end_to_end, score_task, signature
from clfnews.filtering.decisions import decide_types, keep_mask
from clfnews.filtering.filter import PageFilter
from clfnews.labels import ARTICLE, SHIPPED, Task
from clfnews.models.base import Probabilities
from clfnews.models.calibration import FittedTask
from clfnews.page import Page
from clfnews.sites.memory import SiteMemory

PAGES, PREDICTIONS = "pages", "predictions"
"""Folders of a run's artefacts."""
END_TO_END = "end_to_end"
"""The task of stance on the lines that the type champion keeps."""
PREDICTED_SETS = ("validation", "test")
"""What a run keeps predictions of by every model; of its champions also out of fold."""

Key = tuple[str, str, str]
"""Task, model, set."""


@dataclass(frozen=True, slots=True)
class PredictedPart:
    """What one model predicted on one set: an array of lines x labels for each page."""

    task: str
    model: str
    set: str
    corpus: Corpus
    p: list[np.ndarray]
    threshold: float
    bootstrap: Bootstrap
    signature: str
    keep: list[np.ndarray] | None = None
    """End to end only: the lines that the type model kept."""
    known: Scores | None = field(default=None, repr=False)
    """Its scores, where the training has just made them."""
    of: Task | None = None
    """The task, if it is not one of the shipped."""

    @property
    def spec(self) -> Task:
        """What is predicted."""
        return self.of or SHIPPED["stance" if self.task == END_TO_END else self.task]

    @property
    def label(self) -> str:
        """The name under which lines have the label."""
        return self.spec.name

    def scores(self) -> Scores:
        """All scores of the part, under the signature of the run that made it."""
        if self.known is not None:
            return self.known
        if self.task == END_TO_END:
            scores = score_end_to_end(self.corpus, self.keep or [], self.p, self.bootstrap)
        else:
            scores = score_task(self.spec, self.corpus, self.p, self.threshold, self.bootstrap)
        return replace(scores, signature=self.signature)

    def decisions(self) -> list[list[str]]:
        """The label of every line of every page."""
        labels = self.spec.labels
        if self.spec.keep:
            return [[labels[j] for j in decide_types(p, self.threshold, self.spec)] if len(p) else [] for p in self.p]
        found = [[labels[j] for j in p.argmax(axis=1)] if len(p) else [] for p in self.p]
        if self.keep is None:
            return found
        pairs = zip(found, self.keep, strict=True)
        return [[x if kept else "dropped" for x, kept in zip(*row, strict=True)] for row in pairs]

    def decided_columns(self) -> np.ndarray:
        """Column of the label that each labelled line was given, in the order of `labelled.labelled_lines`."""
        labels = self.spec.labels
        pairs = ((line, found) for page, row in zip(self.corpus.pages, self.decisions(), strict=True)
                 for line, found in zip(page.lines, row, strict=True))  # fmt: skip
        return np.array([labels.index(found) for line, found in pairs if line.label(self.label)], dtype=int)


@dataclass(frozen=True, slots=True)
class RunData:
    """A training run: its settings, the scores it logged and what its models predicted."""

    id: str
    name: str
    params: dict[str, str]
    tags: dict[str, str]
    champions: dict[str, str]
    metrics: dict[tuple[str, str], dict[str, float]]
    """(task, model) -> metric -> value."""
    parts: dict[Key, PredictedPart] = field(repr=False, default_factory=dict)

    def compared(self) -> dict[tuple[str, str], PredictedPart]:
        """(task, set) -> the part of the champion of the task."""
        return {(t, s): part for (t, m, s), part in self.parts.items() if m == self.champions.get(t, m)}


def write_parts(folder: Path, parts: dict[Key, PredictedPart]) -> None:
    """Write the pages and predictions of a run into a folder."""
    for name in (PAGES, PREDICTIONS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for (task, model, part_set), part in parts.items():
        pages = folder / PAGES / f"{part.corpus.name.replace('/', '-')}.jsonl.gz"
        if not pages.exists():
            _write(pages, _page_rows(part.corpus))
        _write(folder / PREDICTIONS / f"{task}-{model}-{part_set}.jsonl.gz", _part_rows(part))


def _page_rows(corpus: Corpus) -> Iterator[dict[str, Any]]:
    yield {"corpus": corpus.name, "digest": corpus.digest}
    origins = corpus.origins or ("",) * len(corpus)
    for page, group, origin in zip(corpus.pages, corpus.groups, origins, strict=True):
        lines = [
            {"text": x.text, "type": x.type, "stance": x.stance, "n": x.n} | ({"labels": x.labels} if x.labels else {})
            for x in page.lines
        ]
        yield {"id": page.id, "site": page.site, "url": page.url, "group": group, "origin": origin, "lines": lines}


def _part_rows(part: PredictedPart) -> Iterator[dict[str, Any]]:
    b = part.bootstrap
    yield {
        "task": part.task, "model": part.model, "set": part.set, "corpus": part.corpus.name,
        "labels": part.spec.labels, "threshold": part.threshold, "bootstrap": [b.samples, b.level, b.seed],
        "signature": part.signature, **({"of": part.of.of, "keep": sorted(part.of.keep)} if part.of else {}),
    }  # fmt: skip
    for i, (page, p) in enumerate(zip(part.corpus.pages, part.p, strict=True)):
        row: dict[str, Any] = {"id": page.id, "n": [line.n for line in page.lines]}
        row["gold"] = [line.label(part.label) for line in page.lines]
        # Every digit: lines often lie exactly on the threshold that was chosen from them.
        row["p"] = p.tolist()
        if part.keep is not None:
            row["keep"] = part.keep[i].astype(int).tolist()
        yield row


def read_parts(folder: Path) -> dict[Key, PredictedPart]:
    """What `write_parts` wrote; raises `UserError` if it is not there or broken."""
    corpora = {corpus.name: corpus for corpus in map(_read_corpus, sorted((folder / PAGES).glob("*.jsonl.gz")))}
    parts = {}
    for path in sorted((folder / PREDICTIONS).glob("*.jsonl.gz")):
        head, *rows = _read(path)
        corpus = corpora.get(head["corpus"])
        if corpus is None or [row["id"] for row in rows] != [page.id for page in corpus.pages]:
            raise UserError(f"{path.name}: does not belong to the pages of the run; train again")
        width = len(head["labels"])
        keep = [np.array(row["keep"], dtype=bool) for row in rows] if head["task"] == END_TO_END else None
        part = PredictedPart(
            head["task"], head["model"], head["set"], corpus,
            [np.array(row["p"], dtype=np.float64).reshape(-1, width) for row in rows],
            head["threshold"], Bootstrap(*head["bootstrap"]), head["signature"], keep,
            of=Task(head["task"], tuple(head["labels"]), head["of"], frozenset(head["keep"])) if "of" in head else None,
        )  # fmt: skip
        parts[part.task, part.model, part.set] = part
    return parts


def _read_corpus(path: Path) -> Corpus:
    head, *rows = _read(path)
    pages = tuple(Page.from_row(row, row["id"]) for row in rows)
    corpus = Corpus(head["corpus"], pages, tuple(row["group"] for row in rows), tuple(row["origin"] for row in rows))
    if corpus.digest != head["digest"]:
        raise UserError(f"{path.name}: its pages are not those that were written; train again")
    return corpus


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode("utf-8"), 6, mtime=0))


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode("utf-8").split("\n") if line]
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path.name}: broken file of predictions; train again") from error


def filter_parts(
    page_filter: PageFilter, corpus: Corpus, bootstrap: Bootstrap | None = None, sites: SiteMemory | None = None
) -> list[PredictedPart]:
    """What a filter predicts on a labelled corpus: type, stance, and stance end to end, as far as there are labels.

    Pages of a single body line (stance rows) have no page to be found in: of them there are stances only.
    """
    if sites is not None:
        page_filter.site_weights()
    bootstrap = bootstrap or Bootstrap()
    kind, stance = model_kinds(page_filter)
    threshold, type_task, stance_task = page_filter.threshold, page_filter.type_task, page_filter.stance_task

    def part(task: str, model: str, scored: Corpus, p: Probabilities, **more: Any) -> PredictedPart:
        return PredictedPart(task, model, corpus.name, scored, p, threshold, bootstrap, signature(scored, bootstrap), **more)

    parts, keep = [], None
    if type_task is not None and _has_noise(corpus, type_task.task):
        p_type = type_task.predict(corpus.pages, sites)
        parts.append(part("type", kind, corpus, p_type, of=_unshipped(type_task)))
        keep = [keep_mask(p, threshold, type_task.task) for p in p_type]
    if corpus.has("stance") and stance_task is not None:
        gold = corpus.only_articles(type_task.task.keep if type_task else ARTICLE)
        parts.append(part("stance", stance, gold, stance_task.predict(gold.pages)))
        if keep is not None:
            parts.append(part(END_TO_END, f"{kind}+{stance}", corpus, stance_task.predict(corpus.pages), keep=keep))
    for name, fitted in page_filter.own.items():
        gold = task_corpus(corpus, fitted.task, type_task.task.keep if type_task else frozenset())
        if gold.has(name):
            parts.append(part(name, fitted.model.kind, gold, fitted.predict(gold.pages), of=fitted.task))
    return parts


def _has_noise(corpus: Corpus, task: Task) -> bool:
    """Whether there are whole pages, in which an article has to be found: some line is labelled, and not kept."""
    return any(line.type in task.noise for page in corpus.pages for line in page.lines)


def _unshipped(fitted: FittedTask) -> Task | None:
    return None if fitted.task == SHIPPED.get(fitted.task.name) else fitted.task


def model_kinds(page_filter: PageFilter) -> tuple[str, str]:
    """Names of the type model and of the stance model; `none` where there is none."""
    kind, stance = page_filter.type_task, page_filter.stance_task
    return kind.model.kind if kind else "none", stance.model.kind if stance else "none"


def evaluate_filter(
    page_filter: PageFilter, corpus: Corpus, bootstrap: Bootstrap | None = None, sites: SiteMemory | None = None
) -> dict[str, Scores]:
    """Task -> scores, of all that the labels of the corpus allow (see `filter_parts`).

    Raises `UserError` if there are no labels that the filter predicts.
    """
    scores = {part.task: part.scores() for part in filter_parts(page_filter, corpus, bootstrap, sites)}
    if not scores:
        raise UserError(f"{corpus.name}: no labels of lines that this filter predicts")
    return scores


def trained_on(page_filter: PageFilter, corpus: Corpus) -> bool:
    """Whether these are the very pages that a model of the filter learnt from."""
    data: dict[str, str] = page_filter.info.get("data", {})
    return corpus.digest in {digest for part, digest in data.items() if part.endswith("/train")}
