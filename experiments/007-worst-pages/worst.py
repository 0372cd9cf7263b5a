"""The pages with the most wrong lines, by what went wrong; counts only, no text of the pages.

    python experiments/007-worst-pages/worst.py [--model URI_OR_FOLDER] [--pages 20] FILE...

FILE: labelled pages, JSONL. Prints a Markdown table, worst first.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from clfnews.data.gold import load_gold
from clfnews.filtering.decisions import article_probability, decide_types
from clfnews.labels import ARTICLE, TYPES
from clfnews.tracking.find import load_filter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--model", default=None, help="default: the champion")
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--show", action="store_true", help="also print the wrong lines, with their p(article)")
    options = parser.parse_args()
    page_filter = load_filter(options.model)
    rows = []
    for file in options.files:
        corpus = load_gold(file)
        for page, p in zip(corpus.pages, page_filter.type_task.predict(corpus.pages), strict=True):
            kept = [TYPES[j] in ARTICLE for j in decide_types(p, page_filter.threshold)]
            gold = [line.type in ARTICLE for line in page.lines]
            added = Counter(str(line.type) for line, k, g in zip(page.lines, kept, gold, strict=True) if k and not g)
            lost = Counter(str(line.type) for line, k, g in zip(page.lines, kept, gold, strict=True) if g and not k)
            wrong = sum(added.values()) + sum(lost.values())
            hits = sum(k and g for k, g in zip(kept, gold, strict=True))
            f1 = 2 * hits / (2 * hits + wrong) if hits + wrong else 1.0
            rows.append((wrong, f1, file.stem if file.stem != "pages" else file.parent.name, page, added, lost, p, kept, gold))
    rows.sort(key=lambda row: (-row[0], row[1], row[3].id))
    print("| page | lines | article F1 | kept by mistake | lost |\n|---|---:|---:|---|---|")
    for _, f1, name, page, added, lost, *_ in rows[: options.pages]:
        cells = (", ".join(f"{n} {kind}" for kind, n in counter.most_common()) or "-" for counter in (added, lost))
        print(f"| {name} {page.id} | {len(page.lines)} | {f1:.3f} | {' | '.join(cells)} |")
    for *_, page, _, _, p, kept, gold in rows[: options.pages] if options.show else ():
        print(f"\n{page.id}")
        for line, q, k, g in zip(page.lines, article_probability(p), kept, gold, strict=True):
            if k != g:
                print(f"  {line.n:4} {line.type:10} {q:.2f} {line.text}")


if __name__ == "__main__":
    main()
