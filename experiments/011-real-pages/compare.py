"""A trained filter and other extractors on real pages that it never saw, side by side.

    python compare.py FOLDER [MODEL]

FOLDER holds `vn-dev`, `vn-dev2` and `fundus-dev` (their READMEs say what they are);
MODEL is what `clfnews.load` takes (default: the champion of the store in use).
Needs `pip install 'clfnews[web,bench]'`. table.md is written beside this file:
scores only, no text of the pages.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: time is told of one core

import gzip
import importlib.util
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import resiliparse.extract.html2text
import sklearn.ensemble  # noqa: F401  a filter imports it once it has read many lines: no start is counted, of no system
import trafilatura

import clfnews
from clfnews.data.corpus import Corpus
from clfnews.data.gold import load_gold
from clfnews.data.markdown import markdown_table
from clfnews.evaluation.scores import Bootstrap, score_type
from clfnews.filtering.filter import PageFilter

HERE = Path(__file__).parent
NO_ARTICLE = ("dantri-chubin",)
"""An error page: its word-F1 says nothing."""


def main() -> None:
    folder, model = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    page_filter = clfnews.load(model)
    systems: dict[str, Callable[[bytes, str], str]] = {
        "clfnews": lambda html, id: _ours(page_filter, html, id),
        "trafilatura": lambda html, id: trafilatura.extract(html, include_comments=False) or "",
        "trafilatura, precision": lambda html, id: trafilatura.extract(html, include_comments=False, favor_precision=True) or "",
        "resiliparse": lambda html, id: resiliparse.extract.html2text.extract_plain_text(
            html.decode("utf-8", "replace"), main_content=True
        ),
    }
    text = "\n\n".join((_texts(page_filter, folder), _html(systems, folder), _confidence(page_filter, folder)))
    (HERE / "table.md").write_text(f"Model: {page_filter.name}\n\n{text}\n", encoding="utf-8")
    print(text)


def _texts(page_filter: PageFilter, folder: Path) -> str:
    """Article F1 by line of Vietnamese pages as text."""
    rows = []
    for name in ("vn-dev", "vn-dev2"):
        corpus = load_gold(folder / name / "pages.jsonl")
        corpus = Corpus(name, corpus.pages, tuple(page.site or page.id for page in corpus.pages))
        scores = score_type(corpus, page_filter.type_task.predict(corpus.pages), page_filter.threshold, Bootstrap(1000, 0.95, 7))
        show = lambda key, scores=scores: f"{scores.values[key]:.3f}"  # noqa: E731
        low, high = scores.low["type/article_f1"], scores.high["type/article_f1"]
        rows.append([
            f"{name}, {len(corpus)} pages", f"{show('type/article_f1')} [{low:.3f}, {high:.3f}]", show("type/article_precision"),
            show("type/article_recall"), str(round(scores.values["type/pages_below_half"] * len(corpus))),
            show("type/caption_dropped"), show("type/macro_f1"),
        ])  # fmt: skip
    header = [
        "Vietnamese text",
        "article F1 by line",
        "precision",
        "recall",
        "pages below .5",
        "captions dropped",
        "macro-F1 of 8",
    ]
    return markdown_table(header, rows, numbers_from=1)


def _html(systems: dict[str, Callable[[bytes, str], str]], folder: Path) -> str:
    """Word-F1 of pages as HTML, and pages a second of CPU time, all systems in turn."""
    score = _module(folder / "fundus-dev" / "score.py")
    vietnamese, world = _vietnamese(folder, score), _world(folder, score)
    rows, by_page = [], {}
    for name, extract in systems.items():
        started = time.process_time()
        of_vn = [f1(extract(html, id)) for id, html, f1 in vietnamese]
        found = [(language, f1(extract(html, id))) for id, html, (language, f1) in world]
        seconds = time.process_time() - started
        groups: dict[str, list[float]] = defaultdict(list)
        for language, value in found:
            groups[score.group(language)].append(value)
        values = by_page[name] = np.array([value for _, value in found])
        rows.append([
            name, f"{np.mean(of_vn):.3f}", f"{np.mean(values):.3f}", str(int((values < 0.5).sum())),
            *(f"{np.mean(groups[group]):.3f}" for group in _GROUPS), f"{(len(vietnamese) + len(world)) / seconds:.0f}",
        ])  # fmt: skip
    header = [
        "HTML, word-F1",
        f"Vietnamese ({len(vietnamese)})",
        f"the world's news ({len(world)})",
        "below .5",
        *_GROUPS,
        "pages/s",
    ]
    return f"{markdown_table(header, rows, numbers_from=1)}\n\n{_lead(by_page['clfnews'] - by_page['trafilatura'])}"


def _lead(difference: np.ndarray) -> str:
    """The mean difference by page with its 95% interval (pages resampled)."""
    drawn = np.random.default_rng(7).choice(difference, (10_000, len(difference))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return f"clfnews less trafilatura, the world's news: {difference.mean():+.3f} [{low:+.3f}, {high:+.3f}]."


_GROUPS = ("English", "German", "other European Latin", "CJK", "other")


def _confidence(page_filter: PageFilter, folder: Path) -> str:
    """The page's confidence against its F1, over all sets."""
    from scipy.stats import spearmanr

    score = _module(folder / "fundus-dev" / "score.py")
    pairs: list[tuple[float, float]] = []
    for name in ("vn-dev", "vn-dev2"):
        corpus = load_gold(folder / name / "pages.jsonl")
        for page, tagged in zip(corpus.pages, page_filter.tag(corpus.pages), strict=True):
            gold = {line.n for line in page.lines if line.type in ("title", "body")}
            kept = {line.n for line in tagged.kept}
            pairs.append((tagged.confidence, 2 * len(gold & kept) / (len(gold) + len(kept)) if gold or kept else 1.0))
    for id, html, (_, f1) in _world(folder, score):
        page = clfnews.read_html(html, id, hidden=page_filter.reads_hidden)
        (tagged,) = page_filter.tag([page])
        pairs.append((tagged.confidence, f1(tagged.text)))
    confidence, real = np.array(pairs).T
    bad = int(((real < 0.5) & (confidence > 0.8)).sum())
    bins = [(low, (confidence >= low) & (confidence < low + 0.1)) for low in (0.5, 0.6, 0.7, 0.8, 0.9)]
    rows = [
        [f"{low:.1f} to {low + 0.1:.1f}", str(mask.sum()), f"{real[mask].mean():.3f}" if mask.any() else "-"]
        for low, mask in bins
    ]
    rank = f"Rank correlation of confidence and F1 over {len(pairs)} pages: {spearmanr(confidence, real)[0]:.3f}; "
    rank += f"{bad} pages with F1 below .5 have a confidence above .8.\n\n"
    return rank + markdown_table(["confidence", "pages", "mean F1"], rows, numbers_from=1)


def _ours(page_filter: PageFilter, html: bytes, id: str) -> str:
    page = clfnews.read_html(html, id, hidden=page_filter.reads_hidden)
    return next(iter(page_filter.tag([page]))).text


def _vietnamese(folder: Path, score: Any) -> list[tuple[str, bytes, Callable[[str], float]]]:
    gold = {row["id"]: row for row in _rows(folder / "vn-dev2" / "pages.jsonl")}
    out = []
    for path in sorted((folder / "vn-dev2" / "html").glob("*.html.gz")):
        id = path.name.removesuffix(".html.gz")
        if id not in NO_ARTICLE:
            text = "\n".join(line["text"] for line in gold[id]["lines"] if line["type"] in ("title", "body"))
            wanted = score.words(text)
            out.append(
                (id, gzip.decompress(path.read_bytes()), lambda found, wanted=wanted: score.f1(score.words(found), wanted))
            )
    return out


def _world(folder: Path, score: Any) -> list[tuple[str, bytes, tuple[str, Callable[[str], float]]]]:
    out = []
    for row in _rows(folder / "fundus-dev" / "pages.jsonl"):
        html = gzip.decompress((folder / "fundus-dev" / "html" / f"{row['id']}.html.gz").read_bytes())
        out.append((row["id"], html, (row["language"], lambda found, row=row: score.score(row, found))))
    return out


def _rows(path: Path) -> Sequence[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("score", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
