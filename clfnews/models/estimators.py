"""The models as estimators of scikit-learn: of single texts, and of whole pages.

The one module of the models that imports scikit-learn at its top, since the
classes derive from its; the face imports it when one of them is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from clfnews.labels import ARTICLE, TYPES
from clfnews.models import make_model
from clfnews.page import Page, normalise

KINDS = ("linear", "fasttext")


class LineClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of texts: the models `linear` and `fasttext`, as training fits them.

    >>> LineClassifier(min_df=1).fit(["ký hiệp định", "tấn công"], ["a", "b"]).predict(["tấn công"]).tolist()
    ['b']

    Parameters: `kind`, `linear` (TF-IDF and logistic regression) or `fasttext`;
    `word_ngrams`, the longest run of words that is one feature; for `linear`
    `C`, `char_ngrams` such as (2, 5), `min_df` and `class_weight`; for `fasttext`
    `dim`, `epoch`, `lr` and `min_count`; `random_state`, a whole number.

    `X` is a sequence of texts, `y` one label each, of any type that can be sorted. Attributes:
    `classes_`, in the order of the columns of `predict_proba`; `model_`, the model of `clfnews.models`.
    """

    def __init__(
        self,
        kind: str = "linear",
        *,
        word_ngrams: int = 2,
        C: float = 4.0,
        char_ngrams: tuple[int, int] | None = None,
        min_df: int = 2,
        class_weight: str | None = "balanced",
        dim: int = 32,
        epoch: int = 20,
        lr: float = 0.4,
        min_count: int = 1,
        random_state: int = 7,
    ) -> None:
        self.kind, self.word_ngrams, self.random_state = kind, word_ngrams, random_state
        self.C, self.char_ngrams, self.min_df, self.class_weight = C, char_ngrams, min_df, class_weight
        self.dim, self.epoch, self.lr, self.min_count = dim, epoch, lr, min_count

    def fit(self, X: Any, y: Any) -> LineClassifier:
        """Learn from texts and their labels; raises `ValueError` for what is not texts, and labels of fewer than two kinds."""
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r}: expected {' or '.join(KINDS)}")
        texts, labels = _texts(X), np.asarray(y)
        if len(texts) != len(labels):
            raise ValueError(f"{len(texts)} texts and {len(labels)} labels")
        self.classes_, columns = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("a classifier needs labels of two kinds; there is one class or none")
        names = tuple(map(str, range(len(self.classes_))))
        model: Any = make_model(self.kind, "type", names, self._options())
        self.model_ = model.fit_texts(texts, [names[i] for i in columns.tolist()])
        return self

    def _options(self) -> dict[str, Any]:
        if self.kind == "linear":
            own = {"word_ngrams": (1, self.word_ngrams), "C": self.C, "char_ngrams": self.char_ngrams}
            return own | {"min_df": self.min_df, "class_weight": self.class_weight, "seed": self.random_state}
        own = {"word_ngrams": self.word_ngrams, "dim": self.dim, "epoch": self.epoch, "lr": self.lr}
        return own | {"min_count": self.min_count, "seed": self.random_state}

    def predict_proba(self, X: Any) -> np.ndarray:
        """Texts x classes, rows summing to 1."""
        check_is_fitted(self)
        p: np.ndarray = self.model_.predict_texts(_texts(X))
        return p

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of every text."""
        p = self.predict_proba(X)
        found: np.ndarray = self.classes_[p.argmax(axis=1)]
        return found

    def __sklearn_tags__(self) -> Any:
        return _of_texts(super().__sklearn_tags__())


class PageTagger(BaseEstimator):  # type: ignore[misc]
    """An estimator of pages: the type of every line, from the whole page.

    Parameters: `kind`, any type model (`page`, `rules`, `linear`, `fasttext`); `options`,
    those of the model as a configuration has them; `random_state`.

    `X` is a sequence of `Page` (or texts), `y` a sequence with the labels of each
    page's lines; None: those that the pages carry (`Line.type`). `cross_val_score`
    takes `groups` (sites) as ever. `score` is the F1 of the article's lines.
    """

    def __init__(self, kind: str = "page", *, options: dict[str, Any] | None = None, random_state: int = 7) -> None:
        self.kind, self.options, self.random_state = kind, options, random_state

    def fit(self, X: Sequence[Page], y: Sequence[Sequence[str]] | None = None, groups: Sequence[str] | None = None) -> PageTagger:
        """Learn from labelled pages; `groups` names the site of each, so that pages of one stay together inside."""
        from dataclasses import replace
        from inspect import signature

        from clfnews.models import MODELS

        pages = _pages(X)
        if y is not None:
            pages = [
                page.with_lines(replace(line, type=label) for line, label in zip(page.lines, labels, strict=True))
                for page, labels in zip(pages, y, strict=True)
            ]
        seed = {"seed": self.random_state} if "seed" in signature(MODELS[self.kind]).parameters else {}
        self.model_: Any = make_model(self.kind, "type", TYPES, {**(self.options or {}), **seed})
        self.model_.fit(pages, list(groups) if groups is not None else [page.site or page.id for page in pages])
        self.classes_ = np.array(TYPES)
        return self

    def predict_proba(self, X: Sequence[Page]) -> list[np.ndarray]:
        """An array of lines x types for each page."""
        check_is_fitted(self)
        p: list[np.ndarray] = self.model_.predict_proba(_pages(X))
        return p

    def predict(self, X: Sequence[Page]) -> list[list[str]]:
        """The type of every line of every page."""
        return [[TYPES[j] for j in p.argmax(axis=1)] if len(p) else [] for p in self.predict_proba(X)]

    def score(self, X: Sequence[Page], y: Sequence[Sequence[str]] | None = None) -> float:
        """F1 of the lines that are article (title or body); of the labels of the pages themselves without `y`."""
        wanted = y if y is not None else [[line.type for line in page.lines] for page in _pages(X)]
        rows = zip(wanted, self.predict(X), strict=True)
        pairs = [(a in ARTICLE, b in ARTICLE) for gold, found in rows for a, b in zip(gold, found, strict=True)]
        hits, either = sum(a and b for a, b in pairs), sum(a + b for a, b in pairs)
        return 2 * hits / either if either else 1.0

    def __sklearn_tags__(self) -> Any:
        return _of_texts(super().__sklearn_tags__())


def _of_texts(tags: Any) -> Any:
    tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False, True
    return tags


def _texts(X: Any) -> list[str]:
    """Normalised texts; raises `ValueError` for anything else."""
    if isinstance(X, str | bytes):
        raise ValueError("expected many texts: [text]")
    values = X.tolist() if hasattr(X, "tolist") else list(X)
    bad = next((value for value in values if not isinstance(value, str)), None)
    if bad is not None or None in values:
        raise ValueError(f"expected texts, one a sample; found {bad!r:.80}")
    return [normalise(value) for value in values]


def _pages(X: Any) -> list[Page]:
    return [x if isinstance(x, Page) else Page.from_text(x, f"page-{n}") for n, x in enumerate(X, 1)]
