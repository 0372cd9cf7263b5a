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
from typing import TYPE_CHECKING, Any

import numpy as np

from clfnews.dataset import Corpus, page_of_gold
from clfnews.errors import UserError
from clfnews.evaluate import Bootstrap, Scores, decide_types, score_end_to_end, score_stance, score_type
from clfnews.labels import ARTICLE, STANCES, TYPES

if TYPE_CHECKING:
    from clfnews.train import TrainResult

PAGES, PREDICTIONS = "pages", "predictions"
"""Folders of a run's artefacts."""
END_TO_END = "end_to_end"
"""The task of stance on the lines that the type champion keeps."""
LABELS = {"type": TYPES, "stance": STANCES, END_TO_END: STANCES}
SETS = ("validation", "test")

Key = tuple[str, str, str]
"""Task, model, set."""


@dataclass(frozen=True, slots=True)
class Part:
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

    def scores(self) -> Scores:
        """All scores of the part, under the signature of the run that made it."""
        if self.known is not None:
            return self.known
        if self.task == "type":
            scores = score_type(self.corpus, self.p, self.threshold, self.bootstrap)
        elif self.task == "stance":
            scores = score_stance(self.corpus, self.p, self.bootstrap)
        else:
            scores = score_end_to_end(self.corpus, self.keep or [], self.p, self.bootstrap)
        return replace(scores, signature=self.signature)

    def decisions(self) -> list[list[str]]:
        """The label of every line of every page."""
        labels = LABELS[self.task]
        if self.task == "type":
            return [[labels[j] for j in decide_types(p, self.threshold)] if len(p) else [] for p in self.p]
        found = [[labels[j] for j in p.argmax(axis=1)] if len(p) else [] for p in self.p]
        if self.keep is None:
            return found
        pairs = zip(found, self.keep, strict=True)
        return [[x if kept else "dropped" for x, kept in zip(*row, strict=True)] for row in pairs]


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
    parts: dict[Key, Part] = field(repr=False, default_factory=dict)

    def compared(self) -> dict[tuple[str, str], Part]:
        """(task, set) -> the part of the champion of the task."""
        return {(t, s): part for (t, m, s), part in self.parts.items() if m == self.champions.get(t, m)}


# --- from a training ----------------------------------------------------------------


def parts_of(outcome: TrainResult) -> dict[Key, Part]:
    """Everything a finished training predicted on validation and test."""
    bootstrap = Bootstrap(outcome.config.bootstrap.samples, outcome.config.bootstrap.level, outcome.config.seed)
    parts = {}
    for task, results in outcome.results.items():
        splits = outcome.splits[task]
        for result in results:
            for name, corpus, p, scores in (
                ("validation", splits.validation, result.validation_p, result.validation),
                ("test", splits.test, result.test_p, result.test),
            ):
                if corpus is not None and p is not None and scores is not None:
                    parts[task, result.name, name] = Part(
                        task, result.name, name, corpus, p, result.threshold, bootstrap, scores.signature, known=scores
                    )
    if outcome.page_filter.stance_task is None or outcome.end_to_end is None:
        return parts
    chosen, test = outcome.champions, outcome.splits["type"].test
    decided = parts["type", chosen["type"].name, "test"].decisions()
    keep = [np.array([label in ARTICLE for label in row], dtype=bool) for row in decided]
    p = outcome.page_filter.stance_task.predict(test.pages)
    model = f"{chosen['type'].name}+{chosen['stance'].name}"
    parts[END_TO_END, model, "test"] = Part(
        END_TO_END, model, "test", test, p, outcome.page_filter.threshold, bootstrap, outcome.end_to_end.signature, keep,
        outcome.end_to_end,
    )  # fmt: skip
    return parts


# --- files --------------------------------------------------------------------------


def write_parts(folder: Path, parts: dict[Key, Part]) -> None:
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
        lines = [{"text": x.text, "type": x.type, "stance": x.stance, "n": x.n} for x in page.lines]
        yield {"id": page.id, "site": page.site, "url": page.url, "group": group, "origin": origin, "lines": lines}


def _part_rows(part: Part) -> Iterator[dict[str, Any]]:
    b = part.bootstrap
    yield {
        "task": part.task, "model": part.model, "set": part.set, "corpus": part.corpus.name,
        "labels": LABELS[part.task], "threshold": part.threshold, "bootstrap": [b.samples, b.level, b.seed],
        "signature": part.signature,
    }  # fmt: skip
    field_name = "type" if part.task == "type" else "stance"
    for i, (page, p) in enumerate(zip(part.corpus.pages, part.p, strict=True)):
        row: dict[str, Any] = {"id": page.id, "n": [line.n for line in page.lines]}
        row["gold"] = [getattr(line, field_name) for line in page.lines]
        # Every digit: lines often lie exactly on the threshold that was chosen from them.
        row["p"] = p.tolist()
        if part.keep is not None:
            row["keep"] = part.keep[i].astype(int).tolist()
        yield row


def read_parts(folder: Path) -> dict[Key, Part]:
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
        part = Part(
            head["task"], head["model"], head["set"], corpus,
            [np.array(row["p"], dtype=np.float64).reshape(-1, width) for row in rows],
            head["threshold"], Bootstrap(*head["bootstrap"]), head["signature"], keep,
        )  # fmt: skip
        parts[part.task, part.model, part.set] = part
    return parts


def _read_corpus(path: Path) -> Corpus:
    head, *rows = _read(path)
    pages = tuple(page_of_gold(row, row["id"]) for row in rows)
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
