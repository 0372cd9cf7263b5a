"""Stance from word patterns with the actors masked, and from cues of the clause."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.actors import PLACEHOLDER, mask_actors
from clfnews.lexicons import lexicon
from clfnews.models.base import Probabilities, normalised, split_back
from clfnews.models.linear import load_skops
from clfnews.page import Page

_LISTS = ("contrasts", "observers", "negations", "conditions", "refusals", "modals")


class Cues:
    """Logistic regression over n-grams of masked lines and over cues.

    Every political actor is replaced by a placeholder (`actors.mask_actors`), so
    what is learnt is who does what to whom, not who is named. Cues join as
    tokens of their own: how many actors there are, observers at the beginning,
    negation, condition, quotation, numbers, a headline's missing stop; the words
    behind the last contrast ("tuy nhiên", "nhưng") also stand with a mark.
    Lines of pages without any side (off topic) weigh `offtopic_weight`, single
    lines `single_weight`: the first are many and easy, the second few and hard.
    """

    kind = "cues"

    def __init__(
        self,
        task: str,
        labels: tuple[str, ...],
        *,
        C: float = 4.0,
        ngrams: tuple[int, int] = (1, 3),
        min_df: int = 2,
        mask: bool = True,
        clause: bool = True,
        cues: bool = True,
        offtopic_weight: float = 0.1,
        single_weight: float = 3.0,
        neutral_weight: float = 1.5,
        seed: int = 7,
    ) -> None:
        self.task, self.labels = task, labels
        self.C, self.ngrams, self.min_df, self.seed = C, tuple(ngrams), min_df, seed
        self.mask, self.clause, self.cues = mask, clause, cues
        self.offtopic_weight, self.single_weight, self.neutral_weight = offtopic_weight, single_weight, neutral_weight
        self._pipeline: Any = None

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Cues:
        """Learn from lines that carry a stance."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import Pipeline

        texts, labels, weights = self._weighted_lines(pages)
        vectorizer = TfidfVectorizer(
            ngram_range=self.ngrams, token_pattern=r"\S+", lowercase=False, sublinear_tf=True,
            min_df=self.min_df if len(texts) >= 50 else 1, dtype=np.float32,
        )  # fmt: skip
        classifier = LogisticRegression(C=self.C, max_iter=200, tol=1e-3, random_state=self.seed)
        self._pipeline = Pipeline([("features", vectorizer), ("classifier", classifier)])
        self._pipeline.fit([self._read(text) for text in texts], labels, classifier__sample_weight=weights)
        return self

    def _weighted_lines(self, pages: Sequence[Page]) -> tuple[list[str], list[str], np.ndarray]:
        texts, labels, weights = [], [], []
        for page in pages:
            known = [line for line in page.lines if line.stance]
            sides = sum(line.stance != "neutral" for line in known)
            weight = self.single_weight if len(known) == 1 else 1.0 if sides >= 2 else self.offtopic_weight
            for line in known:
                texts.append(line.text)
                labels.append(str(line.stance))
                weights.append(weight * (self.neutral_weight if line.stance == "neutral" else 1.0))
        return texts, labels, np.array(weights)

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        return split_back(self.predict_texts([line.text for page in pages for line in page.lines]), pages)

    def predict_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Texts x labels, rows summing to 1."""
        p = np.zeros((len(texts), len(self.labels)))
        if texts:
            columns = [self.labels.index(label) for label in self._pipeline.classes_]
            p[:, columns] = self._pipeline.predict_proba([self._read(text) for text in texts])
        return normalised(p)

    def explain(self, text: str, most: int = 6) -> list[tuple[str, float]]:
        """The patterns that moved a line towards its label, strongest first.

        Each with its exact part of the score: weight times value, against the
        mean of the other labels (log-odds). Negative parts speak against.
        """
        vectorizer, classifier = self._pipeline[0], self._pipeline[1]
        row = vectorizer.transform([self._read(text)])
        best = int(classifier.predict_proba(row).argmax())
        coefficients = classifier.coef_
        if len(coefficients) == 1:  # two labels: one row of coefficients
            coefficients = np.vstack([-coefficients, coefficients])
        others = np.delete(coefficients, best, axis=0).mean(axis=0)
        parts = row.data * (coefficients[best] - others)[row.indices]
        names = vectorizer.get_feature_names_out()
        order = np.argsort(-np.abs(parts))[:most]
        return [(str(names[row.indices[i]]), round(float(parts[i]), 4)) for i in order]

    def _read(self, text: str) -> str:
        return " ".join(line_tokens(text, self.mask, self.clause, self.cues))

    def save(self, folder: Path) -> None:
        import skops.io

        skops.io.dump(self._pipeline, folder / "model.skops")

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> Cues:
        model = cls(task, labels, **options)
        model._pipeline = load_skops(folder / "model.skops")
        return model


def line_tokens(text: str, mask: bool = True, clause: bool = True, cues: bool = True) -> list[str]:
    """Tokens of a line: masked words, marked words of the last clause, cue tokens."""
    raw, n_actors = mask_actors(text)
    if not mask:
        raw = text.split()
    words = [token if token == PLACEHOLDER else _shape(token) for token in raw]
    found = _phrases(words)
    out = list(words)
    turn = next((end for name, _, end in reversed(found) if name == "contrasts"), 0)
    if clause and 2 < turn < len(words):
        out += ["§"] + [f"»{word}" for word in words[turn:]]
    if not cues:
        return out
    first = next((i for i, word in enumerate(words) if word == PLACEHOLDER), 12)
    digits = sum(word[:1] == "0" for word in words)
    out += ["§", f"__actors{min(n_actors, 3)}", f"__first{min(first // 3, 4)}", f"__numbers{min(digits, 5)}"]
    out += sorted({f"__{name}" for name, _, _ in found})
    if any(name == "observers" and start < 8 for name, start, _ in found):
        out.append("__observers_first")
    if '"' in text or "“" in text:
        out.append("__quote")
    if text[-1:] not in '.!?"”…':
        out.append("__headline")
    return out


def _shape(token: str) -> str:
    lower = token.lower()
    return "".join("0" if c.isdigit() else c for c in lower) if any(c.isdigit() for c in lower) else lower


@lru_cache(maxsize=1)
def _phrase_table() -> tuple[dict[tuple[str, ...], str], dict[str, int]]:
    """Words of a cue phrase -> its list; first word -> longest phrase beginning with it."""
    table: dict[tuple[str, ...], str] = {}
    longest: dict[str, int] = {}
    for name in _LISTS:
        for phrase in sorted(lexicon()[name]):
            words = tuple(phrase.split())
            table.setdefault(words, name)
            longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return table, longest


def _phrases(words: list[str]) -> list[tuple[str, int, int]]:
    """List name, start and end of every cue phrase, longest first, left to right."""
    table, longest = _phrase_table()
    found = []
    i = 0
    while i < len(words):
        step = 1
        for size in range(min(longest.get(words[i], 0), len(words) - i), 0, -1):
            name = table.get(tuple(words[i : i + size]))
            if name is not None:
                found.append((name, i, i + size))
                step = size
                break
        i += step
    return found
