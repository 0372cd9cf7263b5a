"""TF-IDF and logistic regression: the single-line baseline that can be read."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.models.base import (
    Probabilities,
    labelled_lines,
    load_skops,
    normalised,
    of_distinct,
    reading,
    save_skops,
    split_back,
)
from clfnews.models.features.tokens import TOKEN_PATTERN, shape_digits
from clfnews.page import Page

_WORDS = "words.json.gz"
"""A list for each vectorizer: its n-grams by their number."""


class Linear:
    """Word and character n-grams, TF-IDF weighted, into a logistic regression.

    `char_ngrams` (low, high) adds character n-grams inside word borders; they
    are precise and about four times slower.
    """

    kind = "linear"

    def __init__(
        self,
        task: str,
        labels: tuple[str, ...],
        *,
        C: float = 4.0,
        word_ngrams: tuple[int, int] = (1, 2),
        char_ngrams: tuple[int, int] | None = None,
        min_df: int = 2,
        class_weight: str | None = "balanced",
        seed: int = 7,
    ) -> None:
        self.task, self.labels = task, labels
        self.C, self.min_df, self.class_weight, self.seed = C, min_df, class_weight, seed
        self.word_ngrams = tuple(word_ngrams)
        self.char_ngrams = tuple(char_ngrams) if char_ngrams else None
        self._pipeline: Any = None

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Linear:
        lines, labels = labelled_lines(pages, self.task)
        return self.fit_texts([line.text for line in lines], labels)

    def fit_texts(self, texts: Sequence[str], labels: Sequence[str]) -> Linear:
        """Learn from texts alone; raises `UserError` if all have the same label, as in a fold of little data."""
        if len(set(labels)) < 2:
            only = f"all are {labels[0]!r}" if labels else "there are none"
            raise UserError(f"{self.kind} {self.task}: needs two labels to learn from, {only}; label more, or take fewer folds")
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import Pipeline, make_union

        shared: dict[str, Any] = {"sublinear_tf": True, "lowercase": False, "dtype": np.float32}
        min_df = self.min_df if len(texts) >= 50 else 1
        parts = [TfidfVectorizer(ngram_range=self.word_ngrams, token_pattern=TOKEN_PATTERN, min_df=min_df, **shared)]
        if self.char_ngrams:
            parts.append(TfidfVectorizer(ngram_range=self.char_ngrams, analyzer="char_wb", min_df=min_df, **shared))
        classifier = LogisticRegression(C=self.C, class_weight=self.class_weight, max_iter=300, tol=1e-3, random_state=self.seed)
        self._pipeline = Pipeline([("features", make_union(*parts)), ("classifier", classifier)])
        # Menus and teasers stand on many pages: each distinct line once, weighted, is the same objective.
        counts = Counter(zip((shape_digits(text) for text in texts), labels, strict=True))
        self._pipeline.fit(
            [text for text, _ in counts],
            [label for _, label in counts],
            classifier__sample_weight=np.array(list(counts.values()), dtype=np.float64),
        )
        return self

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        return split_back(of_distinct([line.text for page in pages for line in page.lines], self.predict_texts), pages)

    def predict_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Texts x labels, rows summing to 1."""
        p = np.zeros((len(texts), len(self.labels)))
        if texts:
            columns = [self.labels.index(label) for label in self._pipeline.classes_]
            p[:, columns] = self._pipeline.predict_proba([shape_digits(text) for text in texts])
        return normalised(p)

    def explain(self, text: str, most: int = 6) -> list[tuple[str, float]]:
        """The n-grams that moved a text towards its label, strongest first: exact parts of the score.

        Each part is weight times value against the mean of the other labels
        (log-odds); negative parts speak against.
        """
        features, classifier = self._pipeline["features"], self._pipeline["classifier"]
        row = features.transform([shape_digits(text)]).tocsr()
        weights = classifier.coef_ if len(classifier.coef_) > 1 else np.vstack([-classifier.coef_, classifier.coef_]) / 2
        best = int(self._pipeline.predict_proba([shape_digits(text)])[0].argmax())
        against = np.delete(weights, best, axis=0).mean(axis=0)
        parts = row.data * (weights[best] - against)[row.indices]
        names = features.get_feature_names_out()
        order = np.argsort(-np.abs(parts), kind="stable")[:most]
        return [(str(names[row.indices[i]]).partition("__")[2], round(float(parts[i]), 4)) for i in order]

    def save(self, folder: Path) -> None:
        # skops makes objects and a file of every number of a vocabulary: seconds for what a list of words says at once.
        plain = [(name, copy(vectorizer)) for name, vectorizer in self._pipeline["features"].transformer_list]
        words = []
        for _, vectorizer in plain:
            vocabulary = vectorizer.__dict__.pop("vocabulary_")
            words.append(sorted(vocabulary, key=vocabulary.__getitem__))
        features = copy(self._pipeline["features"])
        features.transformer_list = plain
        pipeline = copy(self._pipeline)
        pipeline.steps = [("features", features), *self._pipeline.steps[1:]]
        save_skops(pipeline, folder / "model.skops")
        packed = gzip.compress(json.dumps(words, ensure_ascii=False).encode("utf-8"), mtime=0)
        (folder / _WORDS).write_bytes(packed)

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> Linear:
        model = cls(task, labels, **options)
        model._pipeline = load_skops(folder / "model.skops")
        vectorizers = [vectorizer for _, vectorizer in model._pipeline["features"].transformer_list]
        if any(not hasattr(vectorizer, "vocabulary_") for vectorizer in vectorizers):  # earlier versions kept them in the file
            with reading(folder / _WORDS):
                words = json.loads(gzip.decompress((folder / _WORDS).read_bytes()))
                for vectorizer, of_one in zip(vectorizers, words, strict=True):
                    if len(of_one) != len(vectorizer.idf_) or not all(isinstance(word, str) for word in of_one):
                        raise ValueError("the words do not fit the model")
                    vectorizer.vocabulary_ = {word: number for number, word in enumerate(of_one)}
        return model
