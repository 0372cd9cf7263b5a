"""Likely label errors in the training split (`clfnews data suspects`).

Every line is predicted by a model that saw no page of its group; a line is a
suspect if that model is confident of another label, by the class-wise
thresholds of confident learning (Northcutt et al. 2021, as in cleanlab). The
test split is never read: labels corrected by looking at a model's answers
would flatter it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.config.schema import Config
from clfnews.data.corpus import share_of_groups, task_corpus
from clfnews.data.folder import config_names, load_split
from clfnews.errors import UserError, nearest
from clfnews.evaluation.labelled import labelled_lines
from clfnews.files import numbered_rows
from clfnews.labels import ARTICLE, Task
from clfnews.models import make_model
from clfnews.page import Page
from clfnews.training.fitting import seeded
from clfnews.training.folds import Progress, out_of_fold
from clfnews.training.splits import models_of, tasks_of

AROUND = 2
"""Lines that are shown before and after a suspect."""
JUDGES = {"type": "page", "stance": "linear"}
"""The model that predicts the labels of each task, if the configuration has it; else its last."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A line whose label the other pages speak against."""

    page: str
    n: int
    text: str
    given: str
    suggested: str
    p_given: float
    p_suggested: float
    context: tuple[tuple[int, str, str], ...]
    """Number, label and text of the lines around it, itself among them."""
    edit: str
    """The command that opens the place where the label is written."""


def find_suspects(
    config: Config, task: str, model: str | None = None, top: int = 50, progress: Progress = lambda _: None
) -> tuple[list[Suspect], int]:
    """The `top` worst suspects of the training split, and how many there are.

    Raises `UserError` if cleanlab is not installed, for an unknown task or
    model, and if the configuration trains on its test split.
    """
    filter_issues = _cleanlab()
    known = tasks_of(config)
    if task not in known:
        raise UserError(f"--task {task}: unknown{nearest(task, list(known))}")
    spec = known[task]
    if config.data.main == config.data.test:
        raise UserError(f"data.train is {config.data.test!r}, the test split: models must not suggest its labels")
    models = {"majority": {}, **models_of(config, spec)}
    name = model or (JUDGES[task] if JUDGES.get(task) in models else list(models)[-1])
    if name not in models:
        raise UserError(f"--model {name}: not in the configuration{nearest(name, list(models))}")
    source = "stance" if task == "stance" and "stance" in config_names(config.data.folder) else "pages"
    corpus = share_of_groups(load_split(config.data.folder, source, config.data.main), config.data.train_share, config.seed)
    corpus = task_corpus(corpus, spec, frozenset(config.type.keep))
    make = partial(make_model, name, task, spec.labels, seeded(name, models[name], config.seed))
    p = out_of_fold(make, corpus, config.folds, config.seed, lambda text: progress(f"{task} {name}: {text}"))
    lines = labelled_lines(corpus.pages, spec, p)
    ranked = filter_issues(lines.gold, lines.p, return_indices_ranked_by="normalized_margin", n_jobs=1)
    edits = _Edits(Path(config.data.folder), source, config.data.main)
    found = []
    for i in ranked[:top]:
        page, line = lines.places[i].tolist()
        found.append(_suspect(corpus.pages[page], line, spec, lines.p[i], edits))
    return found, len(ranked)


def _cleanlab() -> Any:
    try:
        from cleanlab.filter import find_label_issues
    except ImportError as error:
        raise UserError("data suspects needs cleanlab: pip install 'clfnews[labels]'") from error
    return find_label_issues


def _suspect(page: Page, j: int, task: Task, p: np.ndarray, edits: _Edits) -> Suspect:
    line, names = page.lines[j], task.labels
    given, best = line.label(task.name) or "", int(p.argmax())
    around = page.lines[max(0, j - AROUND) : j + AROUND + 1]
    context = tuple((x.n, x.label(task.name) or "-", x.text) for x in around)
    p_given = float(p[names.index(given)])
    edit = edits.command(page.id, line.type)
    return Suspect(page.id, line.n, line.text, given, names[best], p_given, float(p[best]), context, edit)


class _Edits:
    """Where the label of a line is written: in the parts that the row was built from, if they are there."""

    def __init__(self, folder: Path, source: str, split: str) -> None:
        self.folder, self.file = folder, folder / source / f"{split}.jsonl"
        rows = numbered_rows(self.file) if self.file.is_file() else iter(())
        self.rows = {str(row.get("id")): (number, row) for number, row in rows}
        # `data compose` writes the splits from these files; an edit of the split would be lost.
        self.parts = {
            str(row.get("id")): (number, path) for path in sorted(folder.glob("*.jsonl")) for number, row in numbered_rows(path)
        }

    def command(self, page: str, kind: str | None) -> str:
        """A shell command for one line of a page."""
        number, row = self.rows.get(page, (1, {}))
        layout = self.folder / "layouts" / f"{row.get('layout')}.layout"
        if kind not in ARTICLE and layout.is_file():
            return f"${{EDITOR:-vi}} {layout}"
        number, file = self.parts.get(str(row.get("article") or page), (number, self.file))
        return f"${{EDITOR:-vi}} +{number} {file}"


def summary(suspects: list[Suspect]) -> list[tuple[str, str, int]]:
    """Given label, suggested label and number, the most frequent pair first."""
    counts = Counter((x.given, x.suggested) for x in suspects)
    return [(given, suggested, n) for (given, suggested), n in counts.most_common()]


def after_edit(config: Config) -> str:
    """What is to be done once a label is edited: splits that were composed are built again, others are only checked."""
    folder = Path(config.data.folder)
    recipe = folder / "compose.yaml"
    if recipe.is_file():
        return f"build the splits again: clfnews data compose{'' if config.data.folder == 'data' else f' {recipe}'}"
    return f"check the folder: clfnews data check {folder}"
