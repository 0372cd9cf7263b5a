"""`SiteWeights`: how far what is known of a site moves p(article), learnt from pages that no model had learnt from."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.labels import Task
from clfnews.page import Page
from clfnews.sites.features import FEATURES, features_of, site_features
from clfnews.sites.keys import PageKeys, page_keys
from clfnews.sites.memory import SiteMemory
from clfnews.sites.site import Site

FILE = "sites.json"
"""Name of the saved weights in the folder of the type model."""
SCHEMA = 1
TITLE = "title"
"""The type of headlines, which stand among what a site repeats more often than the rest of an article."""
_FLOOR = 1e-4
MOST = 30
"""Pages of a site in memory at most while the weights are learnt."""
_UNJUDGED = 0.5
"""Share of the pages that are learnt from without what a model said of the site's other pages: it is not always known."""
_RETOLD = 0.25
"""Share of the pages of which some paragraphs stand in another story of the site too, as background does."""
_ENOUGH = 5
"""Pages with others of their site that are needed to learn from."""
_PAGES = 1000
"""Pages to learn from, about; the others are only in their sites' memory."""
_TERMS = 26
"""Columns of `_design`."""


@dataclass(frozen=True, slots=True)
class SiteWeights:
    """A logistic regression over the log-odds of p(article) and what the memory says of the line (`_design`).

    The models stay as they are: without a memory, and on pages of unknown
    sites, their probabilities are given back untouched.
    """

    weights: tuple[float, ...]

    def adjusted(self, page: Page, p: np.ndarray, memory: SiteMemory, task: Task) -> np.ndarray:
        """Lines x labels of the task with p(article) moved, the shares on either side as they were."""
        side = np.array([label in task.keep for label in task.labels])
        q = p[:, side].sum(axis=1)
        x = site_features(page, memory, q)
        if not len(x) or np.isnan(x[0, 0]):
            return p
        moved = np.clip(self.probability(x, q, title_share(p, q, task)), 1e-6, 1 - 1e-6)
        out = p.copy()
        out[:, side] *= (moved / np.maximum(q, 1e-9))[:, None]
        out[:, ~side] *= ((1 - moved) / np.maximum(1 - q, 1e-9))[:, None]
        out /= out.sum(axis=1, keepdims=True)
        return out

    def probability(self, x: np.ndarray, q: np.ndarray, title: np.ndarray) -> np.ndarray:
        """p(article) of lines from their features (lines x `FEATURES`), p(article) without them, and p(title) given article."""
        # Summed row by row: a matrix product may differ in the last bit with the number of rows.
        odds: np.ndarray = (_design(x, q, title) * np.array(self.weights)).sum(axis=1)
        p: np.ndarray = 1 / (1 + np.exp(-odds))
        return p

    def save(self, folder: Path) -> None:
        """Write the weights beside a model."""
        row = {"schema": SCHEMA, "features": FEATURES, "weights": self.weights}
        (folder / FILE).write_text(json.dumps(row, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> SiteWeights | None:
        """The saved weights; None if the model has none. Raises `UserError` for what is broken or of other features."""
        path = folder / FILE
        try:
            row: Any = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{path}: broken; copy the model again, or train again") from error
        if not isinstance(row, dict) or row.get("schema") != SCHEMA or row.get("features") != list(FEATURES):
            raise UserError(f"{path}: made for other features of sites than this version has; train again")
        weights = row.get("weights")
        if not isinstance(weights, list) or len(weights) != _TERMS or not all(map(_is_number, weights)):
            raise UserError(f"{path}: broken (its weights); copy the model again, or train again")
        return cls(tuple(weights))

    @classmethod
    def fit(
        cls,
        pages: Sequence[Page],
        article: Sequence[np.ndarray],
        title: Sequence[np.ndarray],
        gold: Sequence[np.ndarray],
        threshold: float,
        seed: int,
    ) -> SiteWeights | None:
        """Weights from labelled pages, each read with a memory of some others of its site; None if there are too few.

        Parameters: of each page, p(article) of its lines by a model that did not
        learn from it, p(title) given article, and whether they are article (-1:
        no label); the `threshold` on p(article) of the filter, at which the best
        cut is to lie.
        """
        found = list(_examples(pages, article, gold, seed))
        if len(found) < _ENOUGH:
            return None
        x, q = np.concatenate([x for x, _ in found]), np.concatenate([article[i] for _, i in found])
        t, y = (np.concatenate([array[i] for _, i in found]) for array in (title, gold))
        x, q, t, y = x[y >= 0], q[y >= 0], t[y >= 0], y[y >= 0] > 0
        return None if y.all() or not y.any() else cls(_regression(_design(x, q, t), y, threshold))


def title_share(p: np.ndarray, q: np.ndarray, task: Task) -> np.ndarray:
    """p(title) of lines given that they are article, whose probability is `q`; 0 where the task keeps no title."""
    if TITLE not in task.keep:
        return np.zeros(len(q))
    share: np.ndarray = p[:, task.labels.index(TITLE)] / np.maximum(q, 1e-9)
    return share


def _regression(x: np.ndarray, y: np.ndarray, threshold: float) -> tuple[float, ...]:
    from sklearn.linear_model import LogisticRegression

    scale = np.maximum(x.std(axis=0), 1e-6)
    scale[0] = 1.0
    model = LogisticRegression(fit_intercept=False, max_iter=1000).fit(x / scale, y)
    weights = model.coef_[0] / scale
    weights[0] += _odds(np.array([threshold]))[0] - _odds(np.array([_best_cut(1 / (1 + np.exp(-x @ weights)), y)]))[0]
    return tuple(float(w) for w in weights)


def _best_cut(p: np.ndarray, y: np.ndarray) -> float:
    """The cut with the largest F1."""
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(y[order])
    f1 = 2 * hits / (np.arange(1, len(p) + 1) + y.sum())
    good = np.flatnonzero(f1 >= f1.max() - 0.0005)
    return float(p[order[good[len(good) // 2]]])


def _examples(
    pages: Sequence[Page], article: Sequence[np.ndarray], gold: Sequence[np.ndarray], seed: int
) -> Iterator[tuple[np.ndarray, int]]:
    """Features of each page from some others of its site, with the number of the page."""
    rng = random.Random(seed)
    of_site: dict[str, list[int]] = {}
    for i, page in enumerate(pages):
        if page.site:
            of_site.setdefault(page.site, []).append(i)
    share = _PAGES / max(sum(map(len, of_site.values())), 1)
    known: dict[int, PageKeys] = {}
    told: dict[int, set[int]] = {}
    for some in of_site.values():
        for i in some:
            known[i] = page_keys(pages[i])
            told[i] = set(known[i].lines[gold[i] > 0].tolist()) - {0}
        for i in some:
            if share < 1 and rng.random() >= share:
                continue
            # Composed sites tell a story often, in other paragraphs each time; here labels say which pages do.
            others = [j for j in some if j != i and not told[i] & told[j]]
            rng.shuffle(others)
            site, judged = Site(), rng.random() >= _UNJUDGED
            for j in others[: rng.randint(1, MOST)]:
                site.add(known[j], article[j] if judged else None)
            if others and rng.random() < _RETOLD:
                site.add(_with_background(known[rng.choice(others)], known[i], rng))
            x = features_of(known[i], site, article[i])
            if len(x) and not np.isnan(x[0, 0]):
                yield x, i


def _with_background(story: PageKeys, page: PageKeys, rng: random.Random) -> PageKeys:
    """Another story of the site that repeats a few of the lines that tell the page's."""
    some = np.array(rng.sample(page.telling.tolist(), min(len(page.telling), rng.randint(1, 4))), np.uint64)
    fresh = np.array([rng.getrandbits(64) | 1 for _ in range(len(story.telling))], np.uint64)  # a story of its own
    lines = np.concatenate((story.lines, some))
    return PageKeys(lines, lines, story.places, np.unique(fresh), 0)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) and bool(np.isfinite(value))


def _odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, _FLOOR, 1 - _FLOOR)
    odds: np.ndarray = np.log(p / (1 - p))
    return odds


def _design(x: np.ndarray, q: np.ndarray, title: np.ndarray) -> np.ndarray:
    """Lines x `_TERMS`: what the regression adds up."""
    f = {name: column.astype(np.float64) for name, column in zip(FEATURES, x.T, strict=True)}
    own = _odds(q)
    boxed = ~np.isnan(f["place"])
    few = np.exp(-f["stories"])  # 1 / (1 + stories)
    unknown = 1 - f["known"]
    judged, said = [], []
    for name in ("judged_shape", "judged_place"):
        has = ~np.isnan(f[name])
        judged.append(has)
        said.append(np.where(has, _odds(np.nan_to_num(f[name], nan=0.5)), 0.0))
    columns = [
        np.ones(len(own)), own, few, f["line"], f["shape"], np.where(boxed, np.nan_to_num(f["place"]), 0.0), boxed,
        f["any"], f["any"] * few, f["known"], f["near"], f["near"] * own, f["known"] * own,
        unknown * f["above"], unknown * f["below"], f["page_known"], f["page_known"] * own,
        title, title * f["any"], title * f["shape"], title * f["known"], f["any"] * own,
        *said, *judged,
    ]  # fmt: skip
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)
