"""The models as estimators of scikit-learn: of single texts, and of whole pages.

The one module of the models that imports scikit-learn at its top, since the
classes derive from its; the face imports it when one of them is asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from clfnews.labels import ARTICLE, COARSE, TYPES
from clfnews.models import ANY_LABELS, MODELS, make_model
from clfnews.page import Page, normalise

KINDS = ("linear", "fasttext")
PAGE_KINDS = ("page", "rules", "linear", "fasttext", "majority")


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
    """An estimator of pages: the label of every line, from the whole page.

    Parameters: `kind`, any type model: `page` and `rules` know the shipped types alone,
    `linear`, `fasttext` and `majority` learn any labels; `options`, those of the model as a
    configuration has them; `keep`, the labels of lines that are article, by default `title`
    and `body`; `random_state`.

    `X` is a sequence of `Page` (or texts), `y` a sequence with the labels of each
    page's lines (None: a line without label); without `y` those that the pages carry
    (`Line.type`). `cross_val_score` takes `groups` (sites) as ever. `score` is the F1 of
    the article's lines. Attributes: `classes_`, in the order of the columns of
    `predict_proba`: the shipped types in their order, other labels sorted; `model_`.
    """

    def __init__(
        self,
        kind: str = "page",
        *,
        options: dict[str, Any] | None = None,
        keep: Collection[str] | None = None,
        random_state: int = 7,
    ) -> None:
        self.kind, self.options, self.keep, self.random_state = kind, options, keep, random_state

    def fit(self, X: Sequence[Page], y: Sequence[Sequence[Any]] | None = None, groups: Sequence[str] | None = None) -> PageTagger:
        """Learn from labelled pages; `groups` names the site of each, so that pages of one stay together inside.

        Raises `ValueError` for an unknown kind, for labels that do not fit the pages or the kind, and for fewer than two
        kinds of them, `TypeError` for what is no pages.
        """
        if self.kind not in PAGE_KINDS:
            raise ValueError(f"kind {self.kind!r}: expected {', '.join(PAGE_KINDS[:-1])} or {PAGE_KINDS[-1]}")
        pages = _pages(X)
        labels = _labels_of(pages, y)
        found = {label for of_page in labels for label in of_page if label is not None}
        shipped = found <= {*TYPES, *COARSE}
        if not shipped and self.kind not in ANY_LABELS:
            other = min(map(str, found - {*TYPES, *COARSE}))
            raise ValueError(
                f"kind {self.kind!r} takes the shipped labels alone ({', '.join(TYPES)}), not {other!r:.80}; "
                "use 'linear' or 'fasttext' for labels of your own"
            )
        if len(found) < 2 and self.kind in ANY_LABELS:
            raise ValueError("a tagger needs labels of two kinds; there is one class or none")
        self.classes_ = np.array(TYPES) if shipped else np.unique(np.array(list(found)))
        _check_keep(self.keep, self.classes_.tolist())
        # Models take texts without spaces for labels: other labels go by their number.
        names = TYPES if shipped else tuple(map(str, range(len(self.classes_))))
        number = dict(zip(self.classes_.tolist(), names, strict=True)) | {None: None} | {name: name for name in COARSE if shipped}
        pages = [
            page.with_lines(replace(line, type=number[label]) for line, label in zip(page.lines, of_page, strict=True))
            for page, of_page in zip(pages, labels, strict=True)
        ]
        seed = {"seed": self.random_state} if "seed" in signature(MODELS[self.kind]).parameters else {}
        self.model_: Any = make_model(self.kind, "type", names, {**(self.options or {}), **seed})
        self.model_.fit(pages, list(groups) if groups is not None else [page.site or page.id for page in pages])
        return self

    def predict_proba(self, X: Sequence[Page]) -> list[np.ndarray]:
        """An array of lines x classes for each page."""
        check_is_fitted(self)
        p: list[np.ndarray] = self.model_.predict_proba(_pages(X))
        return p

    def predict(self, X: Sequence[Page]) -> list[list[Any]]:
        """The label of every line of every page."""
        check_is_fitted(self)
        names = self.classes_.tolist()
        return [[names[j] for j in p.argmax(axis=1)] if len(p) else [] for p in self.predict_proba(X)]

    def score(self, X: Sequence[Page], y: Sequence[Sequence[Any]] | None = None) -> float:
        """F1 of the lines that are article (`keep`); of the labels of the pages themselves without `y`.

        Raises `ValueError` if no class is one of `keep`: nothing would be article.
        """
        check_is_fitted(self)
        keep = set(ARTICLE if self.keep is None else self.keep)
        if not keep & set(self.classes_.tolist()):
            known = ", ".join(map(str, self.classes_.tolist()))
            raise ValueError(f"score: none of the labels ({known:.200}) is article; name those that are: PageTagger(keep=[...])")
        pages = _pages(X)
        rows = zip(_labels_of(pages, y), self.predict(pages), strict=True)
        pairs = [(a in keep, b in keep) for gold, found in rows for a, b in zip(gold, found, strict=True)]
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
    """Pages, and texts as pages; raises `TypeError` for anything else."""
    if isinstance(X, str | bytes | Page):
        raise TypeError(f"expected many pages: [page]; found one {type(X).__name__}")
    pages = list(X)
    bad = next((x for x in pages if not isinstance(x, Page | str)), None)
    if bad is not None or None in pages:
        raise TypeError(f"expected pages or their texts, one a sample; found {bad!r:.80}")
    return [x if isinstance(x, Page) else Page.from_text(x, f"page-{n}") for n, x in enumerate(pages, 1)]


def _labels_of(pages: Sequence[Page], y: Any) -> list[list[Any]]:
    """The labels of the lines of each page, from `y` or the pages; raises `ValueError` if there are not as many as lines."""
    if y is None:
        return [[line.type for line in page.lines] for page in pages]
    if isinstance(y, str) or any(isinstance(labels, str) or not hasattr(labels, "__len__") for labels in y):
        raise ValueError("y: expected for each page a list with the labels of its lines")
    if len(pages) != len(y):
        raise ValueError(f"{len(pages)} pages and labels of {len(y)}")
    for page, labels in zip(pages, y, strict=True):
        if len(page.lines) != len(labels):
            raise ValueError(f"page {page.id!r:.80}: {len(page.lines)} lines and {len(labels)} labels")
    return [[*labels] for labels in y]


def _check_keep(keep: Any, classes: Sequence[Any]) -> None:
    """Raise `ValueError` if no label to keep is one of the classes; warn of each that is none, as in a fold that lacks it."""
    if isinstance(keep, str):
        raise ValueError(f"keep {keep!r}: expected several labels: [{keep!r}]")
    unknown = [label for label in keep or () if label not in classes]
    if unknown:
        told = f"keep: no line has the label {unknown[0]!r}; there are {', '.join(map(str, classes)):.200}"
        if len(unknown) == len(keep):
            raise ValueError(told)
        warnings.warn(told, stacklevel=3)
