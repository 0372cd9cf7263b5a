"""clfnews out of fold and other extractors on the pages of WCXB, side by side.

    python compare.py BENCHMARK_FOLDER WORK_FOLDER

Needs `pip install 'clfnews[web,bench]'` and wcxb.jsonl in WORK_FOLDER
(`clfnews data import wcxb BENCHMARK_FOLDER -o WORK_FOLDER/wcxb.jsonl`). What each
system scores on each page is kept in WORK_FOLDER, so a run that was stopped goes
on; results.csv and table.md are written beside this file. Scores only: no text
of the pages.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: time is told of one core

import csv
import gzip
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from clfnews.config.schema import Config, load_config
from clfnews.data.corpus import Corpus
from clfnews.data.gold import load_gold
from clfnews.evaluation.scores import Bootstrap
from clfnews.evaluation.words import word_scores
from clfnews.filtering.decisions import keep_mask
from clfnews.labels import TYPES
from clfnews.models import make_model
from clfnews.models.base import Model
from clfnews.readers.html.document import read_html

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OURS = {"clfnews, HTML": "wcxb.yaml", "clfnews, text": "wcxb-text.yaml"}
KINDS = ("article", "documentation", "service", "forum", "listing", "collection", "product")
SPEED_BATCH = 50
"""Pages that each system reads before the next one has its turn."""
Scores = dict[str, float]
"""Page id -> word-F1."""


def main() -> None:
    folder, work = Path(sys.argv[1]), Path(sys.argv[2])
    corpus = load_gold(work / "wcxb.jsonl")
    scores: dict[str, Scores] = {}
    for name, config in OURS.items():
        scores[name] = _cached(work / f"{config}.json", lambda config=config: _ours(corpus, config, work))
    for name, extract in _others().items():
        scores[name] = _cached(work / f"{name}.json", lambda extract=extract: _other(corpus, extract, folder))
    _write(corpus, scores, _speeds(corpus, folder))


def _cached(path: Path, run: Callable[[], Scores]) -> Scores:
    if not path.is_file():
        path.write_text(json.dumps(run()), encoding="utf-8")
        print(path.stem, "done", flush=True)
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _html(folder: Path, page_id: str) -> bytes:
    return gzip.decompress((folder / "dev" / "html" / f"{page_id.removeprefix('wcxb-')}.html.gz").read_bytes())


# --- clfnews -----------------------------------------------------------------------


def _ours(corpus: Corpus, config: str, work: Path) -> Scores:
    """Out-of-fold word-F1 of every page, in the folds of domains that training makes."""
    from sklearn.model_selection import GroupKFold

    settings = load_config(ROOT / "configs" / config)
    corpus = corpus if settings.data.cues else corpus.without_cues()
    scores: Scores = {}
    splits = GroupKFold(settings.folds, shuffle=True, random_state=settings.seed).split(corpus.pages, groups=corpus.groups)
    for fold, (fit, held) in enumerate(splits):
        path = work / f"{config}.fold{fold}.json"
        if not path.is_file():
            test = corpus.select(held.tolist())
            predicted = _fitted(settings, corpus.select(fit.tolist())).predict_proba(test.pages)
            found = {}
            for page, p, gold in zip(test.pages, predicted, test.references, strict=True):
                kept = keep_mask(p, settings.type.threshold)
                text = "\n".join(line.text for line, chosen in zip(page.lines, kept, strict=True) if chosen)
                found[page.id] = word_scores(text, gold or "")[0]
            path.write_text(json.dumps(found), encoding="utf-8")
            print(config, "fold", fold, round(sum(found.values()) / len(found), 4), flush=True)
        scores |= json.loads(path.read_text(encoding="utf-8"))
    return scores


def _fitted(settings: Config, corpus: Corpus) -> Model:
    options = settings.type.models.trees.model_dump() | {"seed": settings.seed}
    return make_model("trees", "type", TYPES, options).fit(corpus.pages, corpus.groups)


# --- others -------------------------------------------------------------------------


def _others() -> dict[str, Callable[[str], str]]:
    import justext
    import lxml.html
    import trafilatura
    from readability import Document
    from resiliparse.extract.html2text import extract_plain_text

    stop = justext.get_stoplist("English")

    def of_justext(html: str) -> str:
        paragraphs = justext.justext(html.encode(), stop, encoding="utf-8")
        return "\n".join(paragraph.text for paragraph in paragraphs if not paragraph.is_boilerplate)

    def of_readability(html: str) -> str:
        summary = Document(html).summary(html_partial=True)
        return "\n".join(lxml.html.fromstring(summary).itertext()) if summary.strip() else ""

    return {
        "trafilatura": lambda html: trafilatura.extract(html) or "",
        "resiliparse": lambda html: extract_plain_text(html, main_content=True, alt_texts=False),
        "jusText": of_justext,
        "readability-lxml": of_readability,
    }


def _other(corpus: Corpus, extract: Callable[[str], str], folder: Path) -> Scores:
    """Word-F1 of every page; a page on which an extractor fails has an empty text."""
    scores = {}
    for page, gold in zip(corpus.pages, corpus.references, strict=True):
        scores[page.id] = word_scores(_text(extract, _html(folder, page.id), page.id), gold or "")[0]
    return scores


def _text(extract: Callable[[str], str], html: bytes, page_id: str) -> str:
    try:
        return extract(html.decode("utf-8", errors="replace"))
    except Exception as error:  # noqa: BLE001  (whatever a parser raises; the page counts)
        print(page_id, type(error).__name__, error, file=sys.stderr)
        return ""


def _speeds(corpus: Corpus, folder: Path) -> dict[str, float]:
    """Pages a second of CPU time, all systems in turn on the same pages; clfnews from the HTML on.

    The model is fitted on a fifth of the pages: how fast it answers does not depend on what it learnt.
    """
    some = corpus.select(range(0, len(corpus), 5))
    models = {name: _fitted(load_config(ROOT / "configs" / config), some) for name, config in OURS.items()}
    spent: dict[str, float] = dict.fromkeys([*OURS, *_others()], 0.0)
    ids = [page.id for page in corpus.pages[1::10]]
    for start in range(0, len(ids), SPEED_BATCH):
        batch = [(page_id, _html(folder, page_id)) for page_id in ids[start : start + SPEED_BATCH]]
        for name, model in models.items():
            started = time.process_time()
            model.predict_proba([read_html(html, page_id, hidden=True).page for page_id, html in batch])
            spent[name] += time.process_time() - started
        for name, extract in _others().items():
            started = time.process_time()
            for page_id, html in batch:
                _text(extract, html, page_id)
            spent[name] += time.process_time() - started
    return {name: len(ids) / seconds for name, seconds in spent.items()}


# --- table --------------------------------------------------------------------------


def _write(corpus: Corpus, scores: dict[str, Scores], speed: dict[str, float]) -> None:
    """results.csv (a row a page) and table.md."""
    order = sorted(scores, key=lambda name: -sum(scores[name].values()))
    with (HERE / "results.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["id", "kind", *order])
        for page, kind in zip(corpus.pages, corpus.kinds, strict=True):
            rows.writerow([page.id, kind, *(f"{scores[name][page.id]:.4f}" for name in order)])
    f1 = {name: np.array([scores[name][page.id] for page in corpus.pages]) for name in order}
    kinds, weights = np.array(corpus.kinds), _draws(corpus)
    lines = [
        f"Word-F1, mean over pages ({len(corpus):,} pages of {len(set(corpus.groups)):,} domains); clfnews out of fold.",
        "", "| system | all | " + " | ".join(KINDS) + " | pages/s |", "|---|" + "---|" * (len(KINDS) + 2),
    ]  # fmt: skip
    for name in order:
        cells = [_interval(f1[name], weights, corpus)] + [f"{f1[name][kinds == kind].mean():.3f}" for kind in KINDS]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {speed[name]:.1f} |")
    lines.append("| pages | " + " | ".join(f"{n:,}" for n in [len(kinds), *((kinds == kind).sum() for kind in KINDS)]) + " | |")
    lines += ["", "Paired differences, with 95% intervals (domains resampled 1,000 times):", ""]
    lines += ["| minus | all | articles |", "|---|---|---|"]
    for ours in OURS:
        for name in order:
            if name not in OURS:
                delta = f1[ours] - f1[name]
                article = _interval(delta, weights, corpus, kinds == "article", "+")
                lines.append(f"| {ours} - {name} | {_interval(delta, weights, corpus, sign='+')} | {article} |")
    (HERE / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def _draws(corpus: Corpus) -> np.ndarray:
    return Bootstrap().weights(len(set(corpus.groups)))


def _interval(values: np.ndarray, weights: np.ndarray, corpus: Corpus, among: np.ndarray | None = None, sign: str = "") -> str:
    """`0.876 [0.867, 0.885]`: the mean over pages, domains resampled."""
    among = np.ones(len(values), dtype=bool) if among is None else among
    index = np.unique(np.array(corpus.groups), return_inverse=True)[1]
    total = np.bincount(index, values * among, minlength=weights.shape[1])
    count = np.bincount(index, among, minlength=weights.shape[1])
    low, high = np.quantile(weights @ total / np.maximum(weights @ count, 1), [0.025, 0.975])
    return f"{values[among].mean():{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


if __name__ == "__main__":
    main()
