"""Word-F1 by page, as benchmarks of content extraction count it, by kind of page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from clfnews.data.corpus import Corpus

Counts = dict[str, np.ndarray]
Metric = Callable[[Counts], np.ndarray]


def word_counts(corpus: Corpus, keep: Sequence[np.ndarray]) -> Counts:
    """Pages x kinds x 4: pages, and their F1, precision and recall; all zero for a page without a gold text.

    Parameters: `keep`, the lines of each page that are kept. The first kind is "all".
    """
    names = kinds_of(corpus)
    counts = np.zeros((len(corpus), len(names), 4))
    for i, (page, kept, gold) in enumerate(zip(corpus.pages, keep, corpus.references, strict=True)):
        if gold is None:
            continue
        text = "\n".join(line.text for line, chosen in zip(page.lines, kept, strict=True) if chosen)
        row = (1.0, *word_scores(text, gold))
        counts[i, 0] = row
        kind = corpus.kinds[i] if corpus.kinds else ""
        if kind in names[1:]:
            counts[i, names.index(kind)] = row
    return {"words": counts}


def word_scores(text: str, gold: str) -> tuple[float, float, float]:
    """F1, precision and recall of a text's bag of words; 1 if both texts are empty, 0 if one is."""
    return _bag_scores(Counter(words_of(text)), Counter(words_of(gold)))


def word_f1(predicted: Iterable[str], gold: Iterable[str]) -> float:
    """F1 of two bags of words, as WCXB's `evaluate.py` defines it; 1 if both are empty, 0 if one is."""
    return _bag_scores(Counter(predicted), Counter(gold))[0]


def _bag_scores(a: Counter[str], b: Counter[str]) -> tuple[float, float, float]:
    if not a or not b:
        same = float(not a and not b)
        return same, same, same
    overlap = (a & b).total()
    return 2 * overlap / (a.total() + b.total()), overlap / a.total(), overlap / b.total()


def word_metrics(corpus: Corpus) -> dict[str, Metric]:
    """Names of the scores over `word_counts`: means over pages, of all and of each kind."""
    metrics: dict[str, Metric] = {}
    for j, part in enumerate(("f1", "precision", "recall"), 1):
        metrics[f"words/{part}"] = lambda c, j=j: _mean(c, 0, j)  # type: ignore[misc]
    for k, kind in enumerate(kinds_of(corpus)):
        if k:
            metrics[f"words/f1_{kind}"] = lambda c, k=k: _mean(c, k, 1)  # type: ignore[misc]
    return metrics


def kinds_of(corpus: Corpus) -> list[str]:
    """`all`, then the kinds of pages in the corpus."""
    return ["all", *sorted({kind for kind in corpus.kinds if kind})]


def _mean(counts: Counts, kind: int, column: int) -> np.ndarray:
    total, pages = counts["words"][..., kind, column], counts["words"][..., kind, 0]
    return np.asarray(np.divide(total, pages, out=np.zeros_like(np.asarray(total, dtype=float)), where=pages > 0))


_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    r"""Words as the benchmark counts them: ``\w+`` of the text in lower case."""
    return _WORD.findall(text.lower())
