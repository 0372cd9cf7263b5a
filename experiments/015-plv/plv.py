"""Political relations in English sentences (PLV): `linear` and the encoder, binary and quad macro-F1.

    python experiments/015-plv/plv.py FOLDER

FOLDER has PLV_train.tsv and PLV_test.tsv, as in `datasets/` of github.com/snowood1/Zero-Shot-PLOVER. Prints a Markdown
table with 95% intervals by bootstrap of sentences, beside published figures.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import f1_score

from clfnews.data.markdown import markdown_table
from clfnews.errors import UserError
from clfnews.events.classes import QUADS
from clfnews.models import make_model
from clfnews.page import Line, Page, normalise

SAMPLES, SEED = 1000, 7
SIDES = ("cooperation", "conflict")
PUBLISHED = (("zero-shot, ZSP (Hu et al. 2024)", ".964", ".892"), ("frozen e5 and logistic regression", ".86", ".77"))
ROWS = {
    "linear": ("linear", {}),
    "encoder, where linear is unsure": ("encoder", {}),
    "encoder alone": ("encoder", {"weight": 1.0, "unsure": 1.0}),
}


class Sentence(NamedTuple):
    """A sentence with the quad class of one of its relations."""

    text: str
    quad: str

    @property
    def side(self) -> str:
        """Cooperation or conflict."""
        return SIDES["conflict" in self.quad]


def read(path: Path) -> list[Sentence]:
    """The sentences of a file with a quad class (`gold_penta` 1 to 4); raises `UserError` if it is none of the set."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quotechar='"'))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}; README.md beside this script says where it is from"
        ) from error
    missing = {"sentence", "gold_penta"} - set(rows[0] if rows else ())
    if missing:
        raise UserError(f"{path}: has no column {' and '.join(sorted(missing))}; is it a file of PLV?")
    known = [(normalise(row["sentence"]), row["gold_penta"].strip()) for row in rows]
    return [Sentence(text, QUADS[int(penta) - 1]) for text, penta in known if penta in ("1", "2", "3", "4")]


def pages(sentences: list[Sentence], task: str) -> list[Page]:
    """A page of one labelled line for each sentence."""
    lines = (Line(s.text, 1, labels={task: s.quad if task == "quad" else s.side}) for s in sentences)
    return [Page(str(n), (line,)) for n, line in enumerate(lines)]


def interval(gold: np.ndarray, found: np.ndarray, text: list[str]) -> str:
    """Macro-F1 with its interval; the relations of one sentence are drawn together."""
    _, group = np.unique(text, return_inverse=True)
    rng, rows = np.random.default_rng(SEED), [np.flatnonzero(group == g) for g in range(group.max() + 1)]
    samples = []
    for _ in range(SAMPLES):
        draw = np.concatenate([rows[g] for g in rng.integers(0, len(rows), len(rows))])
        samples.append(f1_score(gold[draw], found[draw], average="macro", zero_division=0))
    low, high = np.quantile(samples, [0.025, 0.975])
    return f"{f1_score(gold, found, average='macro', zero_division=0):.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", help="a folder where the vectors are kept for the next time")
    arguments = parser.parse_args()
    train, test = (read(arguments.folder / f"PLV_{part}.tsv") for part in ("train", "test"))
    seen = {sentence.text for sentence in test}
    train = [sentence for sentence in train if sentence.text not in seen]
    if not train or not test:
        raise UserError(f"{arguments.folder}: no sentences to learn from, or to score on")
    print(f"{len(train)} relations to learn from, {len(test)} to score on\n")
    table = []
    for name, (kind, options) in ROWS.items():
        cells = []
        for task, labels in (("binary", SIDES), ("quad", QUADS)):
            cache = {"cache": arguments.cache} if kind == "encoder" else {}
            model = make_model(kind, task, labels, options | cache)
            p = np.concatenate(model.fit(pages(train, task)).predict_proba(pages(test, task)))
            gold = np.array([labels.index(s.quad if task == "quad" else s.side) for s in test])
            cells.append(interval(gold, p.argmax(axis=1), [s.text for s in test]))
        table.append([name, *cells])
    print(markdown_table(["model", "binary macro-F1", "quad macro-F1"], [*table, *map(list, PUBLISHED)]))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"plv.py: {error}", file=sys.stderr)
        sys.exit(2)
