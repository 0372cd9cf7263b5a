"""What an encoder behind `cues` is worth, and whether a stated risk holds.

    python experiments/003-stance/encoder.py CUES ENCODER FILE [--cache FOLDER] [--across]

CUES and ENCODER are filters (folders) of the same data, FILE labelled lines that neither learnt from. Prints Markdown: scores
of both on FILE with paired differences; the real risk there by the stated one, from a curve across kinds of lines and from one
out of fold; what the encoder costs on the pages of FILE. With --across also both models across kinds of training lines, which
fits each of them twice (with a --cache of vectors: two minutes).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from clfnews.config.schema import load_config
from clfnews.data.corpus import Corpus
from clfnews.data.gold import load_gold
from clfnews.data.markdown import markdown_table
from clfnews.errors import UserError
from clfnews.evaluation.labelled import labelled_lines
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.risk import RiskCurve
from clfnews.labels import STANCES
from clfnews.models import make_model
from clfnews.models.across import across_kinds
from clfnews.models.calibration import scale
from clfnews.models.features.actors import mentions
from clfnews.training.folds import out_of_fold
from clfnews.training.splits import load_splits

RISKS = (0.05, 0.1, 0.15, 0.2, 0.25)
SAMPLES, SEED = 1000, 7
NEUTRAL = STANCES.index("neutral")


def macro_f1(gold: np.ndarray, p: np.ndarray) -> float:
    """Mean F1 of the stances."""
    return float(f1_score(gold, p.argmax(axis=1), average="macro"))


def relevance(gold: np.ndarray, p: np.ndarray) -> float:
    """AUC of whether a line takes a side."""
    return float(roc_auc_score(gold != NEUTRAL, 1 - p[:, NEUTRAL]))


def sides(gold: np.ndarray, p: np.ndarray) -> float:
    """Macro-F1 of the side, where gold and prediction take one."""
    found = p.argmax(axis=1)
    both = (gold != NEUTRAL) & (found != NEUTRAL)
    return float(f1_score(gold[both], found[both], average="macro"))


MEASURES = {"macro-F1": macro_f1, "relevance AUC": relevance, "sides F1": sides}


def paired(gold: np.ndarray, a: np.ndarray, b: np.ndarray, groups: Sequence[str]) -> list[list[str]]:
    """A row a measure: of both, and the difference with its 95% interval by bootstrap of groups."""
    _, index = np.unique(np.array(groups), return_inverse=True)
    rows, rng = [np.flatnonzero(index == g) for g in range(index.max() + 1)], np.random.default_rng(SEED)
    draws = [np.concatenate([rows[g] for g in rng.integers(0, len(rows), len(rows))]) for _ in range(SAMPLES)]
    table = []
    for name, measure in MEASURES.items():
        low, high = np.quantile([measure(gold[d], b[d]) - measure(gold[d], a[d]) for d in draws], [0.025, 0.975])
        first, second = measure(gold, a), measure(gold, b)
        table.append([name, f"{first:.3f}", f"{second:.3f}", f"{second - first:+.3f} [{low:+.3f}, {high:+.3f}]"])
    return table


def flat(corpus: Corpus, p: Any) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """Gold, probabilities, groups and texts of the labelled lines."""
    lines = labelled_lines(corpus.pages, "stance", p)
    places = lines.places.tolist()
    return lines.gold, lines.p, [corpus.groups[i] for i, _ in places], [corpus.pages[i].lines[j].text for i, j in places]


def across(corpus: Corpus, kind: str, options: dict[str, Any]) -> list[np.ndarray]:
    """Predictions of a model for the lines of each kind, learnt from the other."""
    found: list[np.ndarray] = [np.zeros((0, 0))] * len(corpus)
    for fit, held in across_kinds(corpus.pages, "stance"):
        part = corpus.select(fit.tolist())
        model = make_model(kind, "stance", STANCES, options).fit(part.pages, part.groups)
        for i, p in zip(held.tolist(), model.predict_proba([corpus.pages[i] for i in held.tolist()]), strict=True):
            found[i] = p
    return found


def risks(curve: RiskCurve, gold: np.ndarray, p: np.ndarray) -> list[str]:
    """The real risk and coverage by the stated risk."""
    cells = []
    for risk in RISKS:
        try:
            covered = p.max(axis=1) >= curve.cut(risk)
        except UserError:
            cells.append("refused")
            continue
        wrong = (p.argmax(axis=1) != gold)[covered]
        cells.append(f"{wrong.mean():.3f} of {covered.mean():.0%}" if len(wrong) else "- of 0%")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("cues", "encoder", "file"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--cache")
    parser.add_argument("--across", action="store_true")
    arguments = parser.parse_args()
    filters = {name: PageFilter.load(getattr(arguments, name)) for name in ("cues", "encoder")}
    corpus, train = load_gold(arguments.file), load_splits(load_config("configs/base.yaml"), "stance").train
    found, seconds = {}, {}
    for name, page_filter in filters.items():
        started = time.process_time()
        found[name] = page_filter.stance_model().predict(corpus.pages)
        seconds[name] = (time.process_time() - started) / corpus.n_lines
    gold, cues, groups, _ = flat(corpus, found["cues"])
    encoder = flat(corpus, found["encoder"])[1]
    header = ["", "cues", "encoder", "difference"]
    print(f"{arguments.file.name}: {len(gold)} lines\n")
    print(markdown_table(header, paired(gold, cues, encoder, groups)))
    print(f"\nCPU seconds a line: cues {seconds['cues']:.4f}, encoder {seconds['encoder']:.4f}\n")
    fitted = filters["cues"].stance_model()
    of_folds = scale(out_of_fold(lambda: make_model("cues", "stance", STANCES), train, 2, SEED), fitted.temperature)
    across_cues = across(train, "cues", {})
    rows = []
    for name, predicted in (("across kinds", scale(across_cues, fitted.temperature)), ("out of fold", of_folds)):
        known, p, _, texts = flat(train, predicted)
        two = mentions(texts) >= 2
        rows.append([f"cues, {name}, two actors", *risks(RiskCurve.of(p[two], known[two]), gold, cues)])
        rows.append([f"cues, {name}, all lines", *risks(RiskCurve.of(p, known), gold, cues)])
    curve = filters["encoder"].risk
    if curve is not None:
        rows.append(["encoder, across kinds, two actors", *risks(curve, gold, encoder)])
    print(markdown_table(["curve", *(f"stated {risk:g}" for risk in RISKS)], rows))
    if arguments.across:
        known, a, names, texts = flat(train, across_cues)
        b = flat(train, across(train, "encoder", {"cache": arguments.cache}))[1]
        two = mentions(texts) >= 2
        print(f"\ntrain across kinds: {two.sum()} lines with two actors\n")
        print(markdown_table(header, paired(known[two], a[two], b[two], [g for g, t in zip(names, two, strict=True) if t])))


if __name__ == "__main__":
    main()
