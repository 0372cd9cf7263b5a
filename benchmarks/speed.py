"""Pages and lines a second on one core: each step of the filter, and other cleaners on the same pages.

    python benchmarks/speed.py [--pages 1000] [--lines 40] [--model URI_OR_FOLDER]

Pages are cut from the composed training pages to the same number of lines. The
other cleaners read HTML, so they get the same lines as paragraphs and links. All
are timed in one run, one thread, in CPU time, best of three; only ratios mean something.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import html
import json
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from clfnews.filtering.decisions import keep_mask
from clfnews.filtering.filter import BATCH
from clfnews.models.features.lines import line_features, page_table
from clfnews.page import Page
from clfnews.tracking.find import load_filter

LINK_TYPES = {"navigation", "teaser", "ad"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=40, help="lines a page")
    parser.add_argument("--model", default=None, help="default: the champion")
    parser.add_argument("--data", default="data/pages/train.jsonl")
    options = parser.parse_args()
    texts, documents = cut_pages(Path(options.data), options.pages, options.lines)
    page_filter = load_filter(options.model)
    pages = [Page.from_text(text, str(i)) for i, text in enumerate(texts)]
    batches = [pages[i : i + BATCH] for i in range(0, len(pages), BATCH)]
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = [
        ("read text", best_of(lambda: [Page.from_text(text) for text in texts])),
        ("features", best_of(lambda: [line_features(batch, table=page_table(batch)) for batch in batches])),
        ("type model", best_of(lambda: [page_filter.type_task.predict(batch) for batch in batches])),
        ("keep lines only", best_of(lambda: keep(page_filter, batches))),
        ("whole filter, text in and out", best_of(lambda: whole(page_filter, texts))),
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    whole_seconds = rows[-1][1]
    rows += [(name, best_of(run)) for name, run in others(documents)]
    print(f"{len(texts)} pages of {options.lines} lines, one thread, CPU time, best of three")
    print(f"{'step':32s} {'pages/s':>9s} {'lines/s':>9s} {'x whole filter':>15s}")
    for name, seconds in rows:
        rate = len(texts) / seconds
        print(f"{name:32s} {rate:9.0f} {rate * options.lines:9.0f} {whole_seconds / seconds:15.2f}")
    print(f"peak memory: {peak / 1024:.0f} MB, of which {base / 1024:.0f} MB before the first page")


def cut_pages(path: Path, n: int, size: int) -> tuple[list[str], list[str]]:
    """Texts of `size` lines, and the same lines as HTML documents."""
    texts: list[str] = []
    documents: list[str] = []
    with path.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            lines = row["lines"]
            for start in range(0, len(lines) - size + 1, size):
                part = lines[start : start + size]
                texts.append("\n".join(line["text"] for line in part))
                documents.append(document(part))
                if len(texts) == n:
                    return texts, documents
    return texts, documents


def document(lines: Sequence[dict[str, str]]) -> str:
    """Lines as a small HTML page: links for menus and teasers, paragraphs for the rest."""
    body = []
    for line in lines:
        text = html.escape(line["text"])
        link = line["type"] in LINK_TYPES
        body.append(f'<div><a href="/x.html">{text}</a></div>' if link else f"<p>{text}</p>")
    return f"<html><head><title>page</title></head><body><div>{''.join(body)}</div></body></html>"


def keep(page_filter: object, batches: Sequence[Sequence[Page]]) -> list[np.ndarray]:
    return [keep_mask(p, 0.5) for batch in batches for p in page_filter.type_task.predict(batch)]  # type: ignore[attr-defined]


def whole(page_filter: object, texts: Sequence[str]) -> list[str]:
    pages = (Page.from_text(text, str(i)) for i, text in enumerate(texts))
    return [tagged.text for tagged in page_filter.tag(pages)]  # type: ignore[attr-defined]


def others(documents: Sequence[str]) -> list[tuple[str, Callable[[], object]]]:
    """The cleaners that are installed (extra `bench`)."""
    found: list[tuple[str, Callable[[], object]]] = []
    try:
        import trafilatura

        found.append(("trafilatura", lambda: [trafilatura.extract(page) for page in documents]))
    except ImportError:
        print("trafilatura is not installed: pip install 'clfnews[bench]'")
    try:
        import justext

        stops = justext.get_stoplist("Vietnamese")
        found.append(("jusText", lambda: [justext.justext(page, stops) for page in documents]))
    except ImportError:
        print("jusText is not installed: pip install 'clfnews[bench]'")
    try:
        from resiliparse.extract.html2text import extract_plain_text

        found.append(("resiliparse", lambda: [extract_plain_text(page, main_content=True) for page in documents]))
    except ImportError:
        print("resiliparse is not installed: pip install 'clfnews[bench]'")
    return found


def best_of(run: Callable[[], object], times: int = 3) -> float:
    """CPU seconds of the fastest of several runs."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
