"""The model that reads the page: text or HTML, any kind of page, any language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.labels import ARTICLE, COARSE
from clfnews.models.augment import augment
from clfnews.models.base import Probabilities, check_shapes, load_arrays, normalised, reading, split_back
from clfnews.models.chain import smooth, transitions
from clfnews.models.features.characters import WORD_BITS, CharTable
from clfnews.models.features.lines import page_table, word_idf
from clfnews.models.features.tree import Tree, tree_of
from clfnews.models.page_features import columns_of_words, feature_names, page_features, second_names
from clfnews.models.page_scorers import (
    PATH_LABELS,
    PIECE,
    fit_paths,
    fit_words,
    folds_of,
    path_odds,
    scores_out_of_fold,
    word_scores,
)
from clfnews.models.scorer import TextScorer
from clfnews.models.two_readings import TwoReadings
from clfnews.page import Page

_LOST = 0.5
"""If words leave less than this share of the text that structure alone calls article, structure decides for the page: the
words are of a subject that training knows from other stories only, and the whole article would vanish."""
_SENTENCE = 40


class PageModel:
    """Line types from the whole page (kind `page`).

    A text scorer (fastText) gives each line its type probabilities, and a
    second one the log-odds of the boxes around it (tags and class names), both
    out of fold by group in training. They join features of the line, its place,
    its neighbours, the words it shares with the story, and its boxes (NaN for
    text). Small networks and boosted trees read these (`LineReader`). A second
    pair of them reads the same with what the first found on the whole page. A
    first-order chain smooths the types over the page.

    The scorer abstains on pages of which it knows too few words, and on a share
    of the training pages, so that the rest can do without it. A page of which
    words lose most of what structure calls its article is read by structure.

    Parameters: `hidden`, `nets`, `epochs` of the networks; `trees` of the
    boosting; `forest`, weight of the trees in the average (0: networks alone);
    `rows`, lines that the first reading learns from at most; `again`, lines of
    the second, which are others (0: one reading); `copies`, changed copies of a training
    page, beside it or, where lines are enough, in its place; `abstain`, share of them without
    scorers; `chain`, weight of which type follows which (0: none); `boxes`, `text_scorer`: False leaves these features out.
    """

    kind = "page"
    learns_further = True
    """`fit` takes weights of pages, and lines that have `labels.COARSE` in the place of a type."""

    def __init__(
        self,
        task: str,
        labels: tuple[str, ...],
        *,
        hidden: int = 64,
        nets: int = 2,
        epochs: int = 3,
        trees: int = 80,
        forest: float = 0.5,
        rows: int = 150_000,
        again: int = 150_000,
        copies: int = 1,
        abstain: float = 0.4,
        chain: float = 0.3,
        boxes: bool = True,
        text_scorer: bool = True,
        seed: int = 7,
    ) -> None:
        self.task, self.labels, self.seed, self.rows = task, labels, seed, rows
        self.copies, self.abstain, self.chain = copies, abstain, chain
        self.boxes, self.text_scorer = boxes, text_scorer
        self._is_article = np.array([label in ARTICLE for label in labels])
        self._readings = TwoReadings(
            self._is_article,
            hidden=hidden,
            nets=nets,
            epochs=epochs,
            trees=trees,
            forest=forest,
            rows=rows,
            again=again,
            seed=seed,
        )
        self._words: TextScorer | None = None
        self._paths: TextScorer | None = None
        self._arrays: dict[str, np.ndarray] = {}

    @property
    def reads_hidden(self) -> bool:
        """True if the model learnt from HTML: then with the lines of hidden boxes, which their cues tell."""
        return self._paths is not None

    # --- training -----------------------------------------------------------

    def fit(
        self, pages: Sequence[Page], groups: Sequence[str] | None = None, weights: Sequence[float] | None = None
    ) -> PageModel:
        """Learn from pages whose lines carry types; `groups` keeps the scorers honest, `weights` (default: 1) are of pages."""
        groups = list(groups) if groups is not None else [page.id for page in pages]
        rng = np.random.default_rng(self.seed)
        folds = folds_of(groups, self.seed)
        read = augment(pages, self.copies, self.seed, self.rows)
        words, paths = scores_out_of_fold(pages, read, folds, self.seed, words=self.text_scorer, paths=self.boxes)
        # The other pages keep their scores, of which the model has to learn what they are worth.
        for i in np.flatnonzero(read.changed).tolist():
            for scores in (words, paths):
                if rng.random() < self.abstain:
                    scores[i] = np.full_like(scores[i], np.nan)
        idf = word_idf(pages)
        self._arrays["idf"] = idf.astype(np.float16)
        possible, weight = self._targets(read.pages, [weights[i] if weights else 1.0 for i in read.of])
        self._readings.fit(read.pages, self._matrix(read.pages, words, paths), possible, weight, folds[read.of], rng)
        self._arrays["transitions"] = transitions(pages, self.labels)
        self._words = fit_words(pages, self.seed) if self.text_scorer else None
        self._paths = fit_paths(pages, self.seed) if self.boxes else None
        return self

    def _targets(self, pages: Sequence[Page], weights: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """Lines x labels: which are possible; and weights: 0 without a label, else so that long pages count less."""
        index = {label: i for i, label in enumerate(self.labels)}
        n = sum(len(page.lines) for page in pages)
        possible, weight = np.zeros((n, len(self.labels)), dtype=bool), np.zeros(n)
        at = 0
        for page, of_page in zip(pages, weights, strict=True):
            share = of_page * min(1.0, np.sqrt(120 / max(len(page.lines), 1)))
            for line in page.lines:
                if line.type in index:
                    possible[at, index[line.type]] = True
                elif line.type is not None:
                    possible[at] = self._is_article if line.type == COARSE[0] else ~self._is_article
                weight[at] = share if line.type is not None else 0.0
                at += 1
        return possible, weight

    # --- features -------------------------------------------------------------

    def _matrix(self, pages: Sequence[Page], words: Sequence[np.ndarray], paths: Sequence[np.ndarray]) -> np.ndarray:
        """Lines x features (float32), piece by piece."""
        parts = []
        idf = self._arrays["idf"].astype(np.float32)
        for at in range(0, len(pages), PIECE):
            piece, to = pages[at : at + PIECE], at + PIECE
            table = page_table(piece)
            if len(table.length):
                scores, odds = np.concatenate(words[at:to]), np.concatenate(paths[at:to])
                parts.append(page_features(piece, table, tree_of(piece), scores, odds, idf, self.boxes)[0])
        return np.concatenate(parts) if parts else np.zeros((0, len(feature_names())), dtype=np.float32)

    # --- prediction -----------------------------------------------------------

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        out: Probabilities = []
        for at in range(0, len(pages), PIECE):
            out += self._predict_piece(pages[at : at + PIECE])
        return out

    def _predict_piece(self, pages: Sequence[Page]) -> Probabilities:
        table, tree = page_table(pages), tree_of(pages)
        x = self._inputs(pages, table, tree)
        found = self._typed(x, pages, table, tree)
        if self._words is None:
            return found
        ends = np.cumsum([len(page.lines) for page in pages]).tolist()
        rows = [slice(end - len(page.lines), end) for end, page in zip(ends, pages, strict=True)]
        doubtful = [i for i, page in enumerate(pages) if self._kept(page, found[i]) < _LOST * _running_text(page)]
        # Where the scorer of words abstained, structure alone has been read already.
        doubtful = [i for i in doubtful if not np.isnan(x[rows[i], columns_of_words()]).all()]
        if doubtful:
            structure = np.concatenate([x[rows[i]] for i in doubtful])
            del x  # of the largest pages it takes as much memory as all the rest
            structure[:, columns_of_words()] = np.nan  # as if there were no scorer of words
            some = [pages[i] for i in doubtful]
            for i, p in zip(doubtful, self._typed(structure, some, page_table(some), tree_of(some)), strict=True):
                if self._kept(pages[i], found[i]) < _LOST * self._kept(pages[i], p):
                    found[i] = p
        return found

    def _kept(self, page: Page, p: np.ndarray) -> int:
        """Characters of the lines that are article at a cut of one half."""
        article = p[:, self._is_article].sum(axis=1) >= 0.5
        return sum(len(page.lines[i].text) for i in np.flatnonzero(article).tolist())

    def _inputs(self, pages: Sequence[Page], table: CharTable, tree: Tree) -> np.ndarray:
        """Lines x features (float32)."""
        if not len(table.length):
            return np.zeros((0, len(feature_names())), dtype=np.float32)
        words, paths = word_scores(self._words, pages, table), path_odds(self._paths, pages)
        idf = self._arrays["idf"].astype(np.float32)
        return page_features(pages, table, tree, words, paths, idf, self.boxes)[0]

    def _typed(self, x: np.ndarray, pages: Sequence[Page], table: CharTable, tree: Tree) -> Probabilities:
        """What is predicted from the features of the pages' lines."""
        if not len(x):
            return [np.zeros((0, len(self.labels))) for _ in pages]
        p = self._readings.read(pages, table, tree, x)
        p = smooth(p, [len(page.lines) for page in pages], self._arrays["transitions"], self.chain)
        return split_back(normalised(p), pages)

    # --- storage --------------------------------------------------------------

    def save(self, folder: Path) -> None:
        scorers = {f"{name}_{key}": array for name, scorer in (("words", self._words), ("paths", self._paths)) if scorer
                   for key, array in scorer.arrays().items()}  # fmt: skip
        np.savez_compressed(folder / "page.npz", **self._arrays, **scorers, **self._readings.arrays())  # type: ignore[arg-type]
        (folder / "features.json").write_text(json.dumps((*feature_names(), *second_names())), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> PageModel:
        """The saved model; raises `UserError` if this version computes other features."""
        with reading(folder / "features.json"):
            known = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        if known != [*feature_names(), *second_names()]:
            raise UserError(f"{folder}: trained with other features than this version computes; train again")
        model = cls(task, labels, **options)
        file = folder / "page.npz"
        stored = load_arrays(file, infinite=("edges", "tree_start"))
        if any(folder.glob("reader*.skops")):
            raise UserError(f"{folder}: its trees are stored as an earlier version stored them; train again")
        check_shapes(file, stored, {"idf": (2**WORD_BITS,), "transitions": (len(labels), len(labels))})
        model._words = TextScorer.from_arrays(labels, _part(stored, "words_")) if model.text_scorer else None
        model._paths = TextScorer.from_arrays(PATH_LABELS, _part(stored, "paths_")) if "paths_scorer_rows" in stored else None
        model._readings.restore(file, stored)
        model._arrays = {name: stored[name] for name in ("idf", "transitions")}
        return model


def _running_text(page: Page) -> int:
    """Characters of the lines that are long enough for a sentence."""
    return sum(len(line.text) for line in page.lines if len(line.text) >= _SENTENCE)


def _part(stored: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in stored.items() if name.startswith(prefix)}
