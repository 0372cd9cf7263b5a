"""The answer that ignores the text: label shares of the training lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.models.base import Probabilities, labelled_lines, reading
from clfnews.page import Page


class Majority:
    """Every line gets the label shares of training; the row that shows what chance is worth."""

    kind = "majority"

    def __init__(self, task: str, labels: tuple[str, ...]) -> None:
        self.task, self.labels = task, labels
        self.shares = np.full(len(labels), 1.0 / len(labels))

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Majority:
        counts = Counter(labelled_lines(pages, self.task)[1])
        n = np.array([counts[label] for label in self.labels], dtype=float)
        self.shares = n / n.sum()
        return self

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        return [np.tile(self.shares, (len(page.lines), 1)) for page in pages]

    def save(self, folder: Path) -> None:
        (folder / "shares.json").write_text(json.dumps(self.shares.tolist()))

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **_: Any) -> Majority:
        model, path = cls(task, labels), folder / "shares.json"
        with reading(path):
            model.shares = np.array(json.loads(path.read_text()), dtype=np.float64)
            if model.shares.shape != (len(labels),) or not (model.shares >= 0).all():
                raise ValueError("shares do not fit the labels")
        return model
