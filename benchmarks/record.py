"""Title, date, authors and language of real pages against gold: `python benchmarks/record.py FOLDER [-m MODEL]`.

FOLDER has `pages.jsonl` (id, language, url, title, authors, date) and `html/ID.html.gz`. Printed is the share of pages
that are right, of the reader alone, of the whole filter (with a model) and of other tools if they are installed
(`pip install 'clfnews[bench]' htmldate`), and what reading the record costs.

A date is right if it is the gold's day, in the zone of either; authors if they are the same set of names (letters and
digits alone count); a title if it is the gold's, `og:title` or the text of an `<h1>`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from clfnews.cli.terminal import print_table
from clfnews.page import Page
from clfnews.readers.html.blocks import html_rows, parsed
from clfnews.readers.html.document import read_html
from clfnews.readers.html.encoding import to_utf8
from clfnews.readers.html.facts import facts_of
from clfnews.readers.html.jsonld import read_linked
from clfnews.readers.html.marked import found_in
from clfnews.record.language import language_of

Record = dict[str, Any]
WHAT = ("date", "authors", "title", "title is the gold's", "language")


def letters(text: str | None) -> str:
    return " ".join(re.findall(r"\w+", (text or "").casefold()))


def same_day(gold: str, found: str | None) -> bool:
    if not found or found[:10] == gold[:10]:
        return bool(found)
    try:
        a, b = datetime.fromisoformat(gold), datetime.fromisoformat(found)
    except ValueError:
        return False
    return bool(a.tzinfo and b.tzinfo) and b.astimezone(a.tzinfo).date() == a.date()


def right(gold: Record, found: Record, titles: set[str]) -> dict[str, bool]:
    return {
        "date": same_day(gold["date"], found.get("date")),
        "authors": set(map(letters, gold["authors"] or ())) == set(map(letters, found.get("authors") or ())),
        "title": letters(found.get("title")) in titles | {letters(gold["title"])},
        "title is the gold's": letters(found.get("title")) == letters(gold["title"]),
        "language": found.get("language") == gold["language"],
    }


def of_reader(page: Page) -> Record:
    language, _ = language_of([line.text for line in page.lines if line.cues and line.cues.link_density < 0.5], page.language)
    return {"title": page.title, "date": page.date, "authors": page.authors, "language": language}


def of_trafilatura(html: bytes) -> Record:
    import trafilatura

    found = trafilatura.bare_extraction(html, with_metadata=True, include_comments=False)
    authors = [name.strip() for name in (found.author or "").split(";")] if found else []
    return {"title": found.title, "date": found.date, "authors": [*filter(None, authors)]} if found else {}


def of_htmldate(html: bytes) -> Record:
    import htmldate

    return {"date": htmldate.find_date(html.decode("utf-8", "replace"), original_date=True)}


def timed(work: Callable[[], object], times: int = 3) -> float:
    """Microseconds of CPU, the least of some tries."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-m", "--model", help="a trained filter: what it says of the same pages")
    arguments = parser.parse_args()
    gold = [json.loads(line) for line in (arguments.folder / "pages.jsonl").open(encoding="utf-8")]
    raw = {row["id"]: gzip.decompress((arguments.folder / f"html/{row['id']}.html.gz").read_bytes()) for row in gold}
    found: dict[str, dict[str, Record]] = defaultdict(dict)
    pages = {name: read_html(html, name, hidden=arguments.model is not None).page for name, html in raw.items()}
    for name, page in pages.items():
        found["reader"][name] = of_reader(page)
    if arguments.model:
        import clfnews

        for tagged in clfnews.load(arguments.model).tag(pages.values()):
            found["filter"][tagged.page.id] = tagged.record()
    seconds = {}
    for tool, read in (("trafilatura", of_trafilatura), ("htmldate", of_htmldate)):
        try:
            start = time.process_time()
            found[tool] = {name: read(html) for name, html in raw.items()}
            seconds[tool] = time.process_time() - start
        except ImportError:
            del found[tool]
    rows = []
    for tool, records in found.items():
        hits: dict[str, list[bool]] = defaultdict(list)
        for row in gold:
            marked = parsed(to_utf8(raw[row["id"]])[0]).marked
            titles = set(map(letters, [*marked["meta"].get("og:title", ()), *marked["h1"]]))
            for what, value in right(row, records[row["id"]], titles).items():
                hits[what].append(value)
        told = {key for record in records.values() for key in record}
        rows.append([tool, *(f"{sum(hits[w]) / len(gold):.3f}" if w.split()[0] in told else "" for w in WHAT)])
    print_table([f"{len(gold)} pages", *WHAT], rows)
    print_costs(raw, seconds)


def print_costs(raw: dict[str, bytes], seconds: dict[str, float]) -> None:
    """What each part takes a page, beside the walk over its lines."""
    from selectolax.lexbor import LexborHTMLParser

    spent: dict[str, float] = defaultdict(float)
    for html in raw.values():
        utf8 = to_utf8(html)[0]
        tree, page = LexborHTMLParser(utf8), read_html(html).page
        marked, linked = found_in(tree), read_linked(utf8)
        texts = [line.text for line in page.lines]
        spent["parsing and lines, without the record"] += timed(lambda utf8=utf8: html_rows(utf8))
        spent["elements (marked.py)"] += timed(lambda tree=tree: found_in(tree))
        spent["JSON-LD (jsonld.py)"] += timed(lambda utf8=utf8: read_linked(utf8))
        spent["choice (facts.py)"] += timed(lambda m=marked, x=linked, page=page: facts_of(m, x, page.lines))
        spent["language, in the filter"] += timed(lambda texts=texts: language_of(texts))
    rows = [[what, f"{total / len(raw):,.0f}"] for what, total in spent.items()]
    rows += [[f"all of {tool}", f"{total / len(raw) * 1e6:,.0f}"] for tool, total in seconds.items()]
    print_table(["part", "microseconds of CPU a page"], rows)


if __name__ == "__main__":
    main()
