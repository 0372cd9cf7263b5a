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

from clfnews.config import load_config
from clfnews.dataset import Corpus, load_gold
from clfnews.evaluate import Bootstrap, keep_mask
from clfnews.html import read_html
from clfnews.labels import TYPES
from clfnews.models import make_model
from clfnews.wordscore import word_scores

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OURS = {"clfnews, HTML": "wcxb.yaml", "clfnews, text": "wcxb-text.yaml"}
KINDS = ("article", "documentation", "service", "forum", "listing", "collection", "product")
Scores = dict[str, float]
"""Page id -> word-F1."""


def main() -> None:
    folder, work = Path(sys.argv[1]), Path(sys.argv[2])
    corpus = load_gold(work / "wcxb.jsonl")
    scores: dict[str, Scores] = {}
    speed: dict[str, float] = {}
    for name, config in OURS.items():
        scores[name], speed[name] = _cached(work / f"{config}.json", lambda config=config: _ours(corpus, config, folder, work))
    for name, extract in _others().items():
        scores[name], speed[name] = _cached(work / f"{name}.json", lambda extract=extract: _other(corpus, extract, folder))
    _write(corpus, scores, speed)


def _cached(path: Path, run: Callable[[], tuple[Scores, float]]) -> tuple[Scores, float]:
    if not path.is_file():
        path.write_text(json.dumps(run()), encoding="utf-8")
        print(path.stem, "done", flush=True)
    found, pages_a_second = json.loads(path.read_text(encoding="utf-8"))
    return found, pages_a_second


def _html(folder: Path, page_id: str) -> bytes:
    return gzip.decompress((folder / "dev" / "html" / f"{page_id.removeprefix('wcxb-')}.html.gz").read_bytes())


# --- clfnews -----------------------------------------------------------------------


def _ours(corpus: Corpus, config: str, folder: Path, work: Path) -> tuple[Scores, float]:
    """Out-of-fold word-F1 of every page (folds of domains, as in training), and pages a second of reading and predicting."""
    from sklearn.model_selection import GroupKFold

    settings = load_config(ROOT / "configs" / config)
    corpus = corpus if settings.data.cues else corpus.without_cues()
    options = settings.type.models.trees.model_dump() | {"seed": settings.seed}
    scores, spent = {}, 0.0
    splits = GroupKFold(settings.folds, shuffle=True, random_state=settings.seed).split(corpus.pages, groups=corpus.groups)
    for fold, (fit, held) in enumerate(splits):
        path = work / f"{config}.fold{fold}.json"
        if not path.is_file():
            train, test = corpus.select(fit.tolist()), corpus.select(held.tolist())
            model = make_model("trees", "type", TYPES, options).fit(train.pages, train.groups)
            started = time.process_time()
            predicted = model.predict_proba(test.pages)
            seconds = time.process_time() - started
            found = {}
            for page, p, gold in zip(test.pages, predicted, test.references, strict=True):
                kept = keep_mask(p, settings.type.threshold)
                text = "\n".join(line.text for line, chosen in zip(page.lines, kept, strict=True) if chosen)
                found[page.id] = word_scores(text, gold or "")[0]
            path.write_text(json.dumps([found, seconds]), encoding="utf-8")
            print(config, "fold", fold, round(sum(found.values()) / len(found), 4), flush=True)
        found, seconds = json.loads(path.read_text(encoding="utf-8"))
        scores |= found
        spent += seconds
    return scores, len(corpus) / (spent + _reading(corpus, folder))


def _reading(corpus: Corpus, folder: Path) -> float:
    """Seconds to read all pages from HTML, by the reading of every tenth."""
    some = [_html(folder, page.id) for page in corpus.pages[::10]]
    started = time.process_time()
    for html in some:
        read_html(html, hidden=True)
    return (time.process_time() - started) * len(corpus) / len(some)


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


def _other(corpus: Corpus, extract: Callable[[str], str], folder: Path) -> tuple[Scores, float]:
    """Word-F1 of every page and pages a second; a page on which an extractor fails has an empty text."""
    scores, spent = {}, 0.0
    for page, gold in zip(corpus.pages, corpus.references, strict=True):
        html = _html(folder, page.id).decode("utf-8", errors="replace")
        started = time.process_time()
        try:
            text = extract(html)
        except Exception as error:  # noqa: BLE001  (whatever a parser raises; the page counts)
            print(page.id, type(error).__name__, error, file=sys.stderr)
            text = ""
        spent += time.process_time() - started
        scores[page.id] = word_scores(text, gold or "")[0]
    return scores, len(corpus) / spent


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
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {speed[name]:.0f} |")
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
