"""The page model of filters that were saved by clfnews 0.1: they load and tag as before, and nothing trains it any more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.models.base import Probabilities, check_shapes, load_arrays, normalised, reading, split_back
from clfnews.models.chain import smooth
from clfnews.models.encoding import encode
from clfnews.models.features.characters import WORD_BITS
from clfnews.models.features.lines import feature_names, line_features, page_table
from clfnews.models.nets import Nets
from clfnews.models.scorer import TextScorer
from clfnews.page import Page

_ROWS = 8192
"""Lines that go through the networks in one go: what bounds their memory."""


class Context:
    """Line types from the text of the page: features, networks and a chain as in `PageModel`, without boxes and trees."""

    kind = "context"

    def __init__(
        self, task: str, labels: tuple[str, ...], *, hidden: int = 64, nets: int = 4, chain: float = 0.4, **_training: Any
    ) -> None:
        self.task, self.labels, self.chain = task, labels, chain
        self._nets = Nets(nets, hidden, 0, 0.0, 0)
        self._scorer: TextScorer | None = None
        self._arrays: dict[str, np.ndarray] = {}
        self._features = feature_names()
        """Those that it was trained with, among those that this version computes."""

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Context:
        raise UserError("the model 'context' can only be loaded; train 'page' in its place")

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        table = page_table(pages)
        if not len(table.length):
            return [np.zeros((0, len(self.labels))) for _ in pages]
        scores = self._scorer.predict(table) if self._scorer else None
        x = line_features(pages, scores, self._arrays["idf"].astype(np.float32), table)
        x = x[:, [feature_names().index(name) for name in self._features]]
        parts = [self._nets.predict(encode(x[at : at + _ROWS], self._arrays)) for at in range(0, len(x), _ROWS)]
        sizes = [len(page.lines) for page in pages]
        return split_back(normalised(smooth(np.concatenate(parts), sizes, self._arrays["transitions"], self.chain)), pages)

    def save(self, folder: Path) -> None:
        arrays = self._arrays | (self._scorer.arrays() if self._scorer else {}) | self._nets.arrays()
        np.savez_compressed(folder / "context.npz", **arrays)  # type: ignore[arg-type]
        (folder / "features.json").write_text(json.dumps(self._features), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> Context:
        """The saved model; raises `UserError` if this version computes other features."""
        with reading(folder / "features.json"):
            known = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        if not isinstance(known, list) or not set(known) <= set(feature_names()):
            raise UserError(f"{folder}: trained with other features than this version computes; train again")
        model = cls(task, labels, **options)
        model._features = tuple(known)
        stored = load_arrays(folder / "context.npz")
        check_shapes(folder / "context.npz", stored, model._shapes(stored))
        if "scorer_rows" in stored:
            model._scorer = TextScorer.from_arrays(labels, stored)
        model._nets.restore(stored)
        model._arrays = {
            name: array for name, array in stored.items() if not name.startswith(("scorer_", "w1_", "b1_", "w2_", "b2_"))
        }
        return model

    def _shapes(self, stored: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
        """The shape that each stored array has to have, from the options and from those that say how many columns there are."""
        sizes = [stored[name].size if name in stored else 0 for name in ("numeric", "coded")]
        k, inputs = len(self.labels), sizes[0] + int(stored["sizes"].sum() if "sizes" in stored else 0)
        of_nets = {"w1": (inputs, self._nets.hidden), "b1": (self._nets.hidden,), "w2": (self._nets.hidden, k), "b2": (k,)}
        return {
            "numeric": (sizes[0],), "mean": (sizes[0],), "scale": (sizes[0],), "coded": (sizes[1],), "sizes": (sizes[1],),
            "idf": (2**WORD_BITS,), "transitions": (k, k),
            **{f"{name}_{i}": shape for name, shape in of_nets.items() for i in range(self._nets.n)},
        }  # fmt: skip
