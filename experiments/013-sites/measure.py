"""What a memory of sites is worth: composed sites with 1 to 30 pages in memory, and real sites with the pages there are.

    python measure.py FOLDER [MODEL]

FOLDER holds `vn-dev`, `vn-dev2` and `fundus-dev` (their READMEs say what they are);
MODEL is what `clfnews.load` takes (default: the champion of the store in use), trained
with `type.sites`. table.md is written beside this file: scores only.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: time is told of one core

import gzip
import importlib.util
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import clfnews
from clfnews.data.composing.more import more_pages
from clfnews.data.corpus import Corpus
from clfnews.data.gold import load_gold
from clfnews.data.markdown import markdown_table
from clfnews.evaluation.scores import Bootstrap, Scores, score_type
from clfnews.filtering.filter import PageFilter
from clfnews.labels import TYPES
from clfnews.models.base import Probabilities
from clfnews.page import Page
from clfnews.sites.memory import SITE_BYTES, SiteMemory

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "data"
NUMBERS = (1, 3, 10, 30)
F1, BOOTSTRAP = "type/article_f1", Bootstrap(1000, 0.95, 7)


def main() -> None:
    page_filter = clfnews.load(sys.argv[2] if len(sys.argv) > 2 else None)
    folder = Path(sys.argv[1])
    parts = [_real_text(page_filter, folder), _real_html(page_filter, folder), _composed(page_filter), _cost(page_filter)]
    text = "\n\n".join(parts)
    (HERE / "table.md").write_text(f"Model: {page_filter.name}\n\n{text}\n", encoding="utf-8")
    print(text)


# --- composed sites ---------------------------------------------------------------------------


def _composed(page_filter: PageFilter) -> str:
    """Validation pages with others of their composed sites in memory, none of them of the same article."""
    article, corpora = {}, []
    for name in ("validation.jsonl", "validation-web.jsonl.gz"):
        corpora.append(load_gold(DATA / "pages" / name))
        article |= {row["id"]: row["article"] for row in _rows(DATA / "pages" / name)}
    more: dict[str, list[tuple[str | None, Page]]] = defaultdict(list)
    for site, of, page in more_pages(DATA / "compose.yaml", "validation", max(NUMBERS) + 5):
        more[site].append((of, page))
    rows, errors = [], []
    for title, corpus, as_text in (
        ("text, layouts", corpora[0], True),
        ("text, templates", corpora[1], True),
        ("HTML and text, templates", corpora[1], False),
    ):
        pages = [_as_text(page) if as_text else page for page in corpus.pages]
        corpus = replace(corpus, pages=tuple(pages))
        plain = page_filter.type_model().predict(pages)
        base = score_type(corpus, plain, page_filter.threshold, BOOTSTRAP)
        rows.append([title, "0", _with_interval(base), "", ""])
        for n in NUMBERS:
            found = [_with_others(page_filter, page, p, more, article, n, as_text) for page, p in zip(pages, plain, strict=True)]
            scores = score_type(corpus, found, page_filter.threshold, BOOTSTRAP)
            rows.append(["", str(n), _with_interval(scores), *_change(scores, base)])
            if n == 10:
                errors += _by_type(title, corpus, plain, found, page_filter.threshold)
    table = markdown_table(["composed", "pages in memory", "article F1", "change", "errors (1 - F1)"], rows, numbers_from=1)
    return table + "\n\n" + markdown_table(["wrong lines, 10 in memory", *TYPES], errors, numbers_from=1)


def _with_others(
    page_filter: PageFilter, page: Page, p: np.ndarray, more: Any, article: Any, n: int, as_text: bool
) -> np.ndarray:
    others = [other for of, other in more[page.site] if of is None or of != article[page.id]]
    drawn = random.Random(page.id).sample(others, min(n, len(others)))
    memory = SiteMemory.fit(_as_text(other) if as_text else other for other in drawn)
    return _moved(page_filter, page, p, memory)


def _moved(page_filter: PageFilter, page: Page, p: np.ndarray, memory: SiteMemory) -> np.ndarray:
    """What `type_task.predict` gives with a memory, from what it gives without."""
    weights = page_filter.site_weights()
    return weights.adjusted(page, p, memory, page_filter.type_model().task)


def _by_type(title: str, corpus: Corpus, before: Probabilities, after: Probabilities, threshold: float) -> list[list[str]]:
    rows = []
    for name, p in (("without", before), ("with", after)):
        wrong: Counter[str] = Counter()
        for page, of_page in zip(corpus.pages, p, strict=True):
            for line, kept in zip(page.lines, of_page[:, :2].sum(axis=1) >= threshold, strict=True):
                wrong[str(line.type)] += kept != (line.type in ("title", "body"))
        rows.append([f"{title}, {name}", *(str(wrong[label]) for label in TYPES)])
    return rows


# --- real sites -------------------------------------------------------------------------------


def _real_text(page_filter: PageFilter, folder: Path) -> str:
    """Article F1 by line of Vietnamese pages as text, the other pages of the set in memory."""
    rows = []
    for name in ("vn-dev", "vn-dev2"):
        corpus = load_gold(folder / name / "pages.jsonl").without_cues()
        sites = Counter(page.site for page in corpus.pages)
        for least in (1, 2, 3):
            index = [i for i, page in enumerate(corpus.pages) if sites[page.site] >= least]
            some = corpus.select(index)
            some = Corpus(name, some.pages, tuple(page.site or page.id for page in some.pages))
            plain = page_filter.type_model().predict(some.pages)
            base = score_type(some, plain, page_filter.threshold, BOOTSTRAP)
            for said, memory in (
                ("seen", SiteMemory.fit(corpus.pages)),
                ("read by the model", page_filter.fit_sites(corpus.pages)),
            ):
                found = page_filter.type_model().predict(some.pages, memory)
                scores = score_type(some, found, page_filter.threshold, BOOTSTRAP)
                what = f"{name}, sites of {least} pages or more ({len(some)} pages, {len(set(some.groups))} sites)"
                rows.append([what, said, _with_interval(base), _with_interval(scores), *_change(scores, base)])
    header = ["real pages as text", "others were", "without", "with memory", "change", "errors (1 - F1)"]
    return markdown_table(header, rows, numbers_from=2)


def _real_html(page_filter: PageFilter, folder: Path) -> str:
    """Word-F1 of the world's pages as HTML, the other pages of the set in memory; intervals by resampling sites."""
    score = _module(folder / "fundus-dev" / "score.py")
    gold = list(_rows(folder / "fundus-dev" / "pages.jsonl"))
    pages = []
    for row in gold:
        html = gzip.decompress((folder / "fundus-dev" / "html" / f"{row['id']}.html.gz").read_bytes())
        page = clfnews.read_html(html, row["id"], url=row["url"], hidden=page_filter.reads_hidden)
        pages.append(replace(page, site=row["publisher"]))
    before = [tagged.text for tagged in page_filter.tag(pages)]
    rows = []
    for said, memory in (("seen", SiteMemory.fit(pages)), ("read by the model", page_filter.fit_sites(pages))):
        after = [tagged.text for tagged in page_filter.tag(pages, memory)]
        sites = Counter(page.site for page in pages)
        for least in (1, 2, 3):
            index = [i for i, page in enumerate(pages) if sites[page.site] >= least]
            if not index:
                continue
            f1 = np.array([[_word_f1(score, gold[i], text[i]) for i in index] for text in (before, after)])
            low, high = _interval(f1[1] - f1[0], [pages[i].site or "" for i in index])
            rows.append([
                f"fundus-dev, sites of {least} pages or more ({len(index)} pages)", said, f"{f1[0].mean():.4f}",
                f"{f1[1].mean():.4f}", f"{(f1[1] - f1[0]).mean():+.4f} [{low:+.4f}, {high:+.4f}]",
            ])  # fmt: skip
    return markdown_table(
        ["real pages as HTML, word-F1", "others were", "without", "with memory", "change"], rows, numbers_from=2
    )


def _word_f1(score: Any, row: dict[str, Any], text: str) -> float:
    return float(score.score(row, text))


def _interval(values: np.ndarray, groups: Sequence[str]) -> tuple[float, float]:
    names, code = np.unique(np.array(groups), return_inverse=True)
    total, number = np.bincount(code, values), np.bincount(code)
    weights = BOOTSTRAP.weights(len(names))
    low, high = np.quantile((weights @ total) / (weights @ number), [0.025, 0.975])
    return float(low), float(high)


# --- cost -------------------------------------------------------------------------------------


def _cost(page_filter: PageFilter) -> str:
    """CPU seconds of one and of two passes over the validation pages, reading included; bytes of 1,000 sites."""
    path = DATA / "pages" / "validation-web.jsonl.gz"

    def read() -> list[Page]:
        return [page for page in clfnews.read_pages(path) if isinstance(page, clfnews.Page)]

    list(page_filter.tag(read()))  # warm
    started = time.process_time()
    pages = read()
    list(page_filter.tag(pages))
    one = time.process_time() - started
    started = time.process_time()
    memory = SiteMemory.fit(read())
    list(page_filter.tag(read(), memory))
    two = time.process_time() - started
    many = SiteMemory()
    for site in range(1000):
        for page in pages[site % 12 * 30 : site % 12 * 30 + 30]:
            many.add(replace(page, site=f"{site}.example"))
    return markdown_table(
        ["cost", ""],
        [
            ["one pass, pages/s", f"{len(pages) / one:.0f}"],
            ["two passes, pages/s", f"{len(pages) / two:.0f}"],
            ["two passes / one", f"{two / one:.2f}"],
            ["1,000 sites of 30 pages, MB", f"{many.bytes / 1e6:.0f}"],
            ["1,000 sites at most, MB", f"{1000 * SITE_BYTES / 1e6:.0f}"],
        ],
        numbers_from=1,
    )


# --- helpers ----------------------------------------------------------------------------------


def _with_interval(scores: Scores) -> str:
    return f"{scores.values[F1]:.4f} [{scores.low[F1]:.3f}, {scores.high[F1]:.3f}]"


def _change(scores: Scores, base: Scores) -> list[str]:
    value, low, high = scores.difference(base, F1)
    return [f"{value:+.4f} [{low:+.4f}, {high:+.4f}]", f"{(1 - scores.values[F1]) / (1 - base.values[F1]) - 1:+.0%}"]


def _as_text(page: Page) -> Page:
    return page.with_lines(replace(x, cues=None) for x in page.lines if not (x.cues and x.cues.hidden))


def _rows(path: Path) -> Any:
    data = path.read_bytes()
    yield from map(json.loads, (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines())


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
