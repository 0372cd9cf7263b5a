"""Boosted trees over the lines of a page and its markup: article or not, the same for every page's words.

The model for pages of all kinds, learnt from HTML: `clfnews.markup` has what it
sees beside the features of the text, and it reads plain text as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.labels import ARTICLE
from clfnews.models.base import Probabilities, check_shapes, load_arrays, load_skops, normalised, reading, split_back
from clfnews.models.features.characters import CharTable, char_table
from clfnews.models.features.lines import feature_names, line_features, page_table
from clfnews.models.features.markup import markup_features, score_features, tree_of
from clfnews.models.scorer import TextScorer, at_most
from clfnews.page import Page

_SIDES = ("article", "other")
_COPIES = 3
"""The scorer of words learns from so many lines of a page with the same text; that of paths from one."""
_PIECE = 64
"""Pages whose features are computed in one go."""
_TRIAL_ROWS, _TRIAL_TREES = 60_000, 15
_TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
"""A saved forest holds this type beside those that `load_skops` trusts; it is data, no code."""


class Trees:
    """p(article) of each line by boosted trees (histograms; Friedman 2001, Ke et al. 2017).

    Two scorers, of the words of a line and of the tags and class names around it
    (`Cues.path`), give their log-odds out of fold by group; means of these over
    boxes, runs of equal paths and neighbours join the features of text and
    markup. Lines weigh as many words as they have, pages all the same, which is
    what word-F1 by page counts.

    Parameters: `trees`, `leaves`, `rate`, `min_leaf`, `l2` of the boosting;
    `columns`, how many features are kept, by their gain in a short trial (0:
    all); `rows`, lines to learn from at most, drawn by weight; `bare`, share of the
    pages that are learnt a second time without their cues, so that one model
    reads HTML and text; `page_cut`: the log-odds of each page are moved so that
    0.5 is the cut with the largest expected word-F1. Among the article types
    and among the others the text scorer decides.
    """

    kind = "trees"

    def __init__(
        self,
        task: str,
        labels: tuple[str, ...],
        *,
        trees: int = 80,
        leaves: int = 31,
        rate: float = 0.15,
        min_leaf: int = 40,
        l2: float = 5.0,
        columns: int = 120,
        rows: int = 110_000,
        bare: float = 0.0,
        page_cut: bool = True,
        scorer_folds: int = 3,
        scorer_dim: int = 16,
        scorer_epoch: int = 3,
        seed: int = 7,
    ) -> None:
        self.task, self.labels, self.seed = task, labels, seed
        self.boosting = {"max_iter": trees, "max_leaf_nodes": leaves, "learning_rate": rate,
                         "min_samples_leaf": min_leaf, "l2_regularization": l2}  # fmt: skip
        self.columns, self.rows, self.bare, self.page_cut = columns, rows, bare, page_cut
        self.scorer_folds = scorer_folds
        self.scorer_options: dict[str, Any] = {"dim": scorer_dim, "epoch": scorer_epoch, "lr": 0.3, "seed": seed}
        self._forest: Any = None
        self._kept = np.zeros(0, dtype=np.int64)
        self._edges = np.zeros((0, BINS - 1), dtype=np.float32)
        self._words: TextScorer | None = None
        self._paths: TextScorer | None = None

    @property
    def reads_hidden(self) -> bool:
        """True if the model learnt from HTML: then with the lines of hidden boxes, which their cues tell."""
        return self._paths is not None

    # --- training -----------------------------------------------------------

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Trees:
        """Learn from pages whose lines carry types; `groups` keeps the scorers honest."""
        groups = list(groups) if groups is not None else [page.id for page in pages]
        folds = _folds_of(groups, self.scorer_folds, self.seed)
        words, paths = self._scores_out_of_fold(pages, folds)
        again = np.flatnonzero(np.random.default_rng(self.seed).random(len(pages)) < self.bare).tolist()
        again = [i for i in again if any(line.cues for line in pages[i].lines)]
        more = [*pages, *(_without_cues(pages[i]) for i in again)]
        words, paths = words + [words[i] for i in again], paths + [np.full(len(pages[i].lines), np.nan) for i in again]
        x = self._matrix(more, words, paths)
        y = np.array([line.type in ARTICLE for page in more for line in page.lines])
        known = np.array([line.type is not None for page in more for line in page.lines], dtype=bool)
        weight = _weights(more) * known
        chosen, weight = self._draw(weight)
        self._fit_forest(x[chosen], y[chosen], weight[chosen])
        self._words, self._paths = self._fit_words(pages), self._fit_paths(pages)
        return self

    def _draw(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """At most about `rows` lines, heavier ones first, and the weights that make up for it."""
        if not len(weight) or not weight.any():
            return np.arange(len(weight)), weight
        relative = weight / weight[weight > 0].mean()
        share = min(1.0, self.rows / len(weight))
        probability = np.clip(share * (0.4 + 0.6 * relative), 0, 1) if share < 1 else np.ones(len(weight))
        drawn = (np.random.default_rng(self.seed).random(len(weight)) < probability) & (weight > 0)
        return np.flatnonzero(drawn), relative / np.maximum(probability, 1e-9)

    def _fit_forest(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        self._kept = varied(x)
        if 0 < self.columns < len(self._kept):
            rows = np.random.default_rng(self.seed).permutation(len(x))[:_TRIAL_ROWS]
            some = x[rows]
            tried = self._kept[varied(some[:, self._kept])]
            some = some[:, tried]
            trial = self._boosted(_TRIAL_TREES).fit(binned(some, edges_of(some)), y[rows], sample_weight=weight[rows])
            gain = np.zeros(len(tried))
            for (tree,) in trial._predictors:
                nodes = tree.nodes[~tree.nodes["is_leaf"].astype(bool)]
                np.add.at(gain, nodes["feature_idx"], nodes["gain"])
            self._kept = np.sort(tried[np.argsort(-gain, kind="stable")[: self.columns]])
        x = x[:, self._kept]
        self._edges = edges_of(x)
        self._forest = self._boosted().fit(binned(x, self._edges), y, sample_weight=weight)

    def _boosted(self, trees: int | None = None) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        options = self.boosting | ({"max_iter": trees} if trees else {})
        return HistGradientBoostingClassifier(
            **options, max_bins=BINS, max_features=0.3, early_stopping=False, random_state=self.seed
        )  # fmt: skip

    def _fit_words(self, pages: Sequence[Page]) -> TextScorer:
        rows = [row for page in pages for row in at_most(((line.text[:400], line.type) for line in page.lines), _COPIES)]
        return TextScorer(self.labels, **self.scorer_options).fit([text for text, _ in rows], [label for _, label in rows])

    def _fit_paths(self, pages: Sequence[Page]) -> TextScorer | None:
        rows = []
        for page in pages:
            found = ((line.cues.path if line.cues else "", line.type) for line in page.lines)
            rows += at_most((row for row in found if row[0]), 1)
        if not rows:
            return None
        sides = [_SIDES[0] if label in ARTICLE else _SIDES[1] for _, label in rows]
        return TextScorer(_SIDES, **self.scorer_options).fit([path for path, _ in rows], sides)

    def _scores_out_of_fold(self, pages: Sequence[Page], folds: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Per page the log-odds of words and of paths, by scorers that saw no page of its group."""
        words: list[np.ndarray] = [np.zeros(0)] * len(pages)
        paths: list[np.ndarray] = [np.zeros(0)] * len(pages)
        for fold in np.unique(folds):
            held = np.flatnonzero(folds == fold).tolist()
            fit = [pages[i] for i in np.flatnonzero(folds != fold).tolist()] or list(pages)
            of_words, of_paths = self._fit_words(fit), self._fit_paths(fit)
            for at in range(0, len(held), _PIECE):
                piece = [pages[i] for i in held[at : at + _PIECE]]
                a = split_back(self._article_odds(of_words.predict(page_table(piece))), piece)
                b = split_back(_path_odds(of_paths, piece), piece)
                for i, odds_a, odds_b in zip(held[at : at + _PIECE], a, b, strict=True):
                    words[i], paths[i] = odds_a, odds_b
        return words, paths

    # --- features -------------------------------------------------------------

    def _article_odds(self, p: np.ndarray) -> np.ndarray:
        return log_odds(p[:, [label in ARTICLE for label in self.labels]].sum(axis=1))

    def _matrix(self, pages: Sequence[Page], words: Sequence[np.ndarray], paths: Sequence[np.ndarray]) -> np.ndarray:
        """Lines x features in use (float32), computed piece by piece."""
        parts = []
        for at in range(0, len(pages), _PIECE):
            piece, to = pages[at : at + _PIECE], at + _PIECE
            table = page_table(piece)
            if len(table.length):
                x = _features(piece, table, np.concatenate(words[at:to]), np.concatenate(paths[at:to]))[0]
                parts.append(x[:, self._kept] if len(self._kept) else x)
        return np.concatenate(parts) if parts else np.zeros((0, max(len(self._kept), 1)), dtype=np.float32)

    # --- prediction -----------------------------------------------------------

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        out: Probabilities = []
        for at in range(0, len(pages), _PIECE):
            out += self._predict_piece(pages[at : at + _PIECE])
        return out

    def _predict_piece(self, pages: Sequence[Page]) -> Probabilities:
        table = page_table(pages)
        if not len(table.length) or self._words is None:
            return [np.zeros((0, len(self.labels))) for _ in pages]
        types = self._words.predict(table)
        x = _features(pages, table, self._article_odds(types), _path_odds(self._paths, pages))[0]
        p = self._forest.predict_proba(binned(x[:, self._kept], self._edges))
        q = p[:, list(self._forest.classes_).index(True)] if True in self._forest.classes_ else np.zeros(len(p))
        if self.page_cut:
            counted = _word_counts(table)
            moved = [at_best_cut(a, b) for a, b in zip(split_back(q, pages), split_back(counted, pages), strict=True)]
            q = np.concatenate(moved)
        article = np.array([label in ARTICLE for label in self.labels])
        rows = np.where(article, types, 0), np.where(article, 0, types)
        return split_back(normalised(normalised_rows(rows[0]) * q[:, None] + normalised_rows(rows[1]) * (1 - q)[:, None]), pages)

    # --- storage --------------------------------------------------------------

    def save(self, folder: Path) -> None:
        import skops.io

        skops.io.dump(self._forest, folder / "forest.skops")
        scorers = {f"{name}_{key}": array for name, scorer in (("words", self._words), ("paths", self._paths)) if scorer
                   for key, array in scorer.arrays().items()}  # fmt: skip
        np.savez_compressed(folder / "trees.npz", kept=self._kept, edges=self._edges, **scorers)  # type: ignore[arg-type]
        (folder / "features.json").write_text(json.dumps(all_names()), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> Trees:
        """The saved model; raises `UserError` if this version computes other features."""
        with reading(folder / "features.json"):
            known = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        if known != list(all_names()):
            raise UserError(f"{folder}: trained with other features than this version computes; train again")
        model = cls(task, labels, **options)
        model._forest = load_skops(folder / "forest.skops", (_TREE,))
        stored = load_arrays(folder / "trees.npz", infinite=("edges",))
        n = stored["kept"].size if "kept" in stored else 0
        check_shapes(folder / "trees.npz", stored, {"kept": (n,), "edges": (n, BINS - 1)})
        model._kept, model._edges = stored["kept"], stored["edges"]
        model._words = TextScorer.from_arrays(labels, _part(stored, "words_"))
        model._paths = TextScorer.from_arrays(_SIDES, _part(stored, "paths_")) if "paths_scorer_rows" in stored else None
        return model


def all_names() -> tuple[str, ...]:
    """Names of all features, those out of use too."""
    page = [Page.from_lines(["line"])]
    return _features(page, page_table(page), np.zeros(1), np.zeros(1))[1]


def _features(
    pages: Sequence[Page], table: CharTable, words: np.ndarray, paths: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    own, own_names = _text_columns()
    tree, counts = tree_of(pages), _word_counts(table)
    markup, names = markup_features(pages, table, tree)
    scores = score_features(pages, words, counts, tree, "words") | score_features(pages, paths, counts, tree, "paths")
    x = np.concatenate(
        [line_features(pages, None, None, table)[:, own], markup, np.stack(list(scores.values()), axis=1).astype(np.float32)],
        axis=1,
    )
    return x, (*own_names, *names, *scores)


@lru_cache(maxsize=1)
def _text_columns() -> tuple[list[int], tuple[str, ...]]:
    """Columns of `line_features` but those of a text scorer's types: means of its log-odds stand for them."""
    names = feature_names()
    columns = [i for i, name in enumerate(names) if "score_" not in name]
    return columns, tuple(names[i] for i in columns)


def _path_odds(scorer: TextScorer | None, pages: Sequence[Page]) -> np.ndarray:
    """Log-odds of every line's path; NaN without one. Each distinct path is scored once."""
    paths = [line.cues.path if line.cues else "" for page in pages for line in page.lines]
    number: dict[str, int] = {}
    code = np.array([number.setdefault(path, len(number)) for path in paths], dtype=np.int64)
    if scorer is None or not paths:
        return np.full(len(paths), np.nan)
    odds = log_odds(scorer.predict(char_table(list(number)))[:, 0])
    if "" in number:
        odds[number[""]] = np.nan
    return odds[code]


def _word_counts(table: CharTable) -> np.ndarray:
    """Words of each line, without marks of punctuation."""
    return np.bincount(table.word_line[table.word_text], minlength=len(table.length)).astype(np.float64)


def _weights(pages: Sequence[Page]) -> np.ndarray:
    """Words of each line as a share of its page's."""
    counts = split_back(_word_counts(page_table(pages)), pages)
    return np.concatenate([rows / max(rows.sum(), 1.0) for rows in counts]) if counts else np.zeros(0)


def _folds_of(groups: Sequence[str], folds: int, seed: int) -> np.ndarray:
    """The fold of each page; pages of one group share it."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names)) % min(folds, len(names))
    fold_of = dict(zip(names, order.tolist(), strict=True))
    return np.array([fold_of[group] for group in groups])


def _without_cues(page: Page) -> Page:
    return page.with_lines(replace(line, cues=None) for line in page.lines)


def _part(stored: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in stored.items() if name.startswith(prefix)}


def normalised_rows(p: np.ndarray) -> np.ndarray:
    """Rows scaled to sum to 1; all-zero rows stay."""
    total = p.sum(axis=1, keepdims=True)
    return np.asarray(p / np.where(total > 0, total, 1))


BINS, _BIN_ROWS = 64, 20_000
"""Values of a feature that trees tell apart, and lines by which their borders are found."""
FEW_WORDS = 8
"""A page on which fewer words of an article are expected, and no line is likely, has none (experiments/010-wcxb)."""


def varied(x: np.ndarray) -> np.ndarray:
    """Columns with two values at least; the others, such as cues of plain text, tell nothing."""
    low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
    return np.flatnonzero(high > low)


def edges_of(x: np.ndarray) -> np.ndarray:
    """Columns x borders between the bins of each column, its quantiles among the known values.

    scikit-learn's own binning sorts every column again for every bin when lines have weights.
    """
    step = max(1, len(x) // _BIN_ROWS)
    edges = np.full((x.shape[1], BINS - 1), np.inf, dtype=np.float32)
    for j, column in enumerate(x[::step].T):
        known = column[~np.isnan(column)]
        if len(known):
            values = np.unique(np.quantile(known, np.linspace(0, 1, BINS), method="nearest"))
            edges[j, : len(values) - 1] = (values[:-1] + values[1:]) / 2
    return edges


def binned(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Numbers of the bins (float32); NaN stays."""
    out = np.empty(x.shape, dtype=np.float32, order="F")
    for j in range(x.shape[1]):
        out[:, j] = np.searchsorted(edges[j], x[:, j])
    out[np.isnan(x)] = np.nan
    return out


def log_odds(p: np.ndarray, least: float = 1e-3) -> np.ndarray:
    """log(p / (1 - p)), p kept `least` away from 0 and 1."""
    p = np.clip(p, least, 1 - least)
    return np.asarray(np.log(p / (1 - p)))


def at_best_cut(q: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Probabilities moved in log-odds so that 0.5 is the cut with the largest expected word-F1.

    The expected F1 of the k likeliest lines is 2 * sum of p * words over them,
    divided by their words plus the expected words of the article (Lipton et
    al. 2014). The order of the lines stays. A page on which fewer than
    `FEW_WORDS` are expected and no line is likely keeps none: it has no article.
    """
    if not len(q):
        return q
    odds = log_odds(q, 1e-6)
    order = np.argsort(-odds, kind="stable")
    hits, size = np.cumsum((q * words)[order]), np.cumsum(words[order])
    if hits[-1] < FEW_WORDS and q.max() < 0.5:
        cut = odds.max() + 0.5
    else:
        low = odds[order[int(np.argmax(hits / (size + hits[-1] + 1e-9)))]]
        below = odds[odds < low]
        cut = (low + below.max()) / 2 if len(below) else low - 0.5
    return np.asarray(1 / (1 + np.exp(cut - odds)))
