"""What pages and lines look like, whatever they are about: the features by which `realism.py` tells them apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.data.gold import load_gold
from clfnews.labels import TYPES
from clfnews.models.features.lines import feature_names, line_features
from clfnews.page import Page

# What a line looks like, whatever it is about.
SHAPES = {
    "a date in it": re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}"),
    "a clock in it": re.compile(r"\d{1,2}(:|h|g)\d{2}"),
    "digits, no letters": re.compile(r"(?=[^\d]*\d)[^^\W\d_]*[\W\d_]+$"),
    "no letter, no digit": re.compile(r"[\W_]+$"),
    "capitals only": re.compile(r"(?=.*[^\W\d_]{2})[^a-zà-ỹđ]+$"),
    "one word": re.compile(r"\S+$"),
    "a bullet or dash first": re.compile(r"[-–—•*+·▪■►▶→»›>]"),
    "a number first": re.compile(r"\d+[.)/ ]"),
    "a small letter first": re.compile(r"[a-zà-ỹđ]"),
    "a quote first": re.compile(r"[\"'“‘«]"),
    "a bracket first": re.compile(r"[\[(]"),
    "a bar in it": re.compile(r".*\|"),
    "an ellipsis last": re.compile(r".*(…|\.\.\.)$"),
    "a full stop last": re.compile(r".*(?<!\.)\.$"),
    "a question or exclamation mark last": re.compile(r".*[?!]$"),
    "a colon last": re.compile(r".*:$"),
    "a quote last": re.compile(r".*[\"'”’»]$"),
    "a bracket last": re.compile(r".*[\])]$"),
    "a label and colon": re.compile(r".{1,40}: ."),
    "a dash between spaces": re.compile(r".* [-–—] "),
    "an address": re.compile(r".*(https?://|www\.|\.(vn|com|net)\b|@)"),
    "a copyright sign": re.compile(r".*©"),
    "markup": re.compile(r".*(!\[|\]\(|</?\w+>|\*\*|__|&\w+;|#)"),
    "letters, none Vietnamese": re.compile(r"(?=.*[A-Za-z]{3})[\x00-\x7f]+$"),
}
_SEARCHED = ("a date in it", "a clock in it")
# Columns of `line_features` that say how a line stands on its page, by its words' places and not their meaning.
_CONTEXT = ("names", "names_in_story", "shared_with_story", "shared_with_story_start", "shared_with_line_+1", "repeats",
            "upper_share", "digit_share", "in_segment", "comma_count", "quote_count", "sentence_ends")  # fmt: skip
_TYPES_IN_DETAIL = ("title", "body", "caption", "byline", "teaser", "navigation", "ui")


@dataclass(frozen=True)
class Sample:
    """Pages of both sorts with their groups, and what is measured of their lines."""

    pages: list[Page]
    composed: np.ndarray
    groups: np.ndarray
    """Sites of real pages, cells of composed ones: what a fold may not cut."""
    first: np.ndarray
    """Pages + 1: index of the first line of each page."""
    types: np.ndarray
    shapes: np.ndarray
    features: np.ndarray
    columns: list[str]

    @property
    def page_of(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.pages)), np.diff(self.first))


def read_sample(real: Path, composed: Sequence[Path], max_lines: int, per_layout: int, seed: int) -> Sample:
    """Real pages, and `per_layout` pages of every layout that shows an article, all cut at `max_lines`."""
    rng = np.random.default_rng(seed)
    pages, flags, groups = [], [], []
    for page, group in _pages(real):
        pages.append(page)
        flags.append(0)
        groups.append(f"real {group}")
    chosen = [pair for path in composed for pair in _pages(path)]
    left: dict[str | None, int] = {}
    for i in rng.permutation(len(chosen)):
        page, group = chosen[i]
        if left.setdefault(page.site, per_layout):
            left[page.site] -= 1
            pages.append(page)
            flags.append(1)
            groups.append(f"composed {group}")
    pages = [page.with_lines(page.lines[:max_lines]) for page in pages]
    texts = [line.text for page in pages for line in page.lines]
    return Sample(
        pages,
        np.array(flags),
        np.array(groups),
        np.concatenate(([0], np.cumsum([len(page.lines) for page in pages]))),
        np.array([TYPES.index(str(line.type)) for page in pages for line in page.lines]),
        np.stack([_shape(name, texts) for name in SHAPES], axis=1),
        line_features(pages),
        list(feature_names()),
    )


def _pages(path: Path) -> list[tuple[Page, str]]:
    """Pages that show an article (the real ones all do), with their groups."""
    corpus = load_gold(path)
    pairs = zip(corpus.pages, corpus.groups, strict=True)
    return [(page, group) for page, group in pairs if any(line.type == "body" for line in page.lines)]


def _shape(name: str, texts: Sequence[str]) -> np.ndarray:
    find: Callable[[str], Any] = SHAPES[name].search if name in _SEARCHED else SHAPES[name].match
    return np.array([find(text) is not None for text in texts], dtype=np.float32)


# --- features of pages and lines ---------------------------------------------------------


def page_features(sample: Sample) -> tuple[np.ndarray, list[str], list[str]]:
    """Pages x features (NaN where a page has no such line), names, and the family of each."""
    rows = [_page_row(sample, i) for i in range(len(sample.pages))]
    keys = sorted({key for row in rows for key in row})
    # What a page lacks is unknown, but an order of types that it lacks occurs zero times.
    matrix = np.array([[row.get(key, 0.0 if key[0] == "order" else np.nan) for key in keys] for row in rows])
    return matrix, [name for _, name in keys], [family for family, _ in keys]


def _page_row(sample: Sample, i: int) -> dict[tuple[str, str], float]:
    at = slice(sample.first[i], sample.first[i + 1])
    types, shapes, features = sample.types[at], sample.shapes[at], sample.features[at]
    length = np.expm1(features[:, 0])
    runs = [(kind, len(list(run))) for kind, run in groupby(types)]
    row = {("size", "lines (log)"): np.log(len(types)), ("size", "runs of a type per line"): len(runs) / len(types)}
    for (above, _), (below, _) in pairwise(runs):
        key = "order", f"{TYPES[above]} then {TYPES[below]}, share of changes"
        row[key] = row.get(key, 0.0) + 1 / (len(runs) - 1)
    body = np.flatnonzero(types == TYPES.index("body"))
    if len(body):  # a long menu and the cut can leave none
        row["order", "place of the first body line"] = body[0] / len(types)
        row["order", "place of the last body line"] = body[-1] / len(types)
    for kind, label in enumerate(TYPES):
        mine = types == kind
        row["types", f"share of {label} lines"] = mine.mean()
        row["types", f"runs of {label} lines"] = sum(found == kind for found, _ in runs)
        if not mine.any():
            continue
        row["types", f"lines in a run of {label}"] = mine.sum() / row["types", f"runs of {label} lines"]
        for q in (0.1, 0.5, 0.9):
            row["lengths", f"characters of {label} lines, {q:.0%} quantile"] = np.quantile(length[mine], q)
        if label in _TYPES_IN_DETAIL:
            for j, shape in enumerate(SHAPES):
                row["shapes", f"{label} lines with {shape}"] = shapes[mine, j].mean()
            for column in _CONTEXT:
                row["words", f"{column} of {label} lines"] = features[mine, sample.columns.index(column)].mean()
    return row


def own_features(sample: Sample) -> tuple[np.ndarray, list[str]]:
    """Lines x features of the line without its page, with its type."""
    # First and last class are codes, not amounts; the shapes tell the same.
    columns = sample.columns[: sample.columns.index("repeats")]
    amounts = [i for i, name in enumerate(columns) if name not in ("first_class", "last_class")]
    onehot = np.eye(len(TYPES), dtype=np.float32)[sample.types]
    names = [*(columns[i] for i in amounts), *SHAPES, *(f"is {label}" for label in TYPES)]
    return np.concatenate((sample.features[:, amounts], sample.shapes, onehot), axis=1), names
