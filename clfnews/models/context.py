"""The model that reads the page: features of place and text, small networks, a chain of types."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.models.augment import augment
from clfnews.models.base import Probabilities, check_shapes, load_arrays, normalised, reading, split_back
from clfnews.models.exact import ExactLayer
from clfnews.models.features.characters import WORD_BITS
from clfnews.models.features.lines import feature_names, line_features, page_table, word_idf
from clfnews.models.scorer import TextScorer, at_most
from clfnews.page import Page

_CATEGORIES = {"first_class": 14, "last_class": 14, "html_tag": 18, "html_region": 8}
"""Columns that hold codes, not amounts; columns of neighbours begin with these names."""
_COPIES = 2
"""The scorer learns from so many copies of a line; composed pages share articles and menus."""
_ROWS = 8192
"""Lines that go through the networks in one go: what bounds their memory."""
_CLIP = 4.0
"""Scaled amounts are cut off at this many standard deviations."""


class Context:
    """Line types from the whole page.

    A text scorer (fastText) gives each line its type probabilities out of fold
    by group, so that they are as unsure in training as on new sites. They join
    the page features (`features.line_features`), which an average of small
    neural networks turns into types. A first-order chain over the page's lines
    smooths them: forward-backward, with the training pages' transitions raised
    to `chain`.

    Networks were taken instead of boosted trees because they measured better
    on sites unlike the training ones, and read ten times more lines a second
    (experiments/002-context).
    """

    kind = "context"

    def __init__(
        self,
        task: str,
        labels: tuple[str, ...],
        *,
        hidden: int = 64,
        nets: int = 4,
        epochs: int = 4,
        alpha: float = 0.01,
        copies: int = 1,
        chain: float = 0.4,
        text_scorer: bool = True,
        scorer_folds: int = 3,
        scorer_dim: int = 16,
        scorer_epoch: int = 3,
        context: bool = True,
        seed: int = 7,
    ) -> None:
        self.task, self.labels, self.seed = task, labels, seed
        self.hidden, self.nets, self.epochs, self.alpha = hidden, nets, epochs, alpha
        self.copies, self.chain, self.text_scorer, self.context = copies, chain, text_scorer, context
        self.scorer_folds = scorer_folds
        self.scorer_options = {"dim": scorer_dim, "epoch": scorer_epoch, "seed": seed}
        self._scorer: TextScorer | None = None
        self._arrays: dict[str, np.ndarray] = {}

    # --- training -----------------------------------------------------------

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Context:
        """Learn from pages whose lines carry types; `groups` keeps the scorer honest."""
        groups = list(groups) if groups is not None else [page.id for page in pages]
        more = augment(pages, self.copies, self.seed)
        all_groups = groups * (1 + self.copies)
        scores = self._scores_out_of_fold(more, all_groups, len(pages)) if self.text_scorer else None
        idf = word_idf(pages)
        x = np.ascontiguousarray(line_features(more, scores, idf))
        y = np.array([self.labels.index(line.type) if line.type else -1 for page in more for line in page.lines])
        known = y >= 0
        self._arrays = {"idf": idf.astype(np.float16), **_encoder(x[known], self._used())}
        self._fit_nets(np.ascontiguousarray(self._encode(x[known])), y[known])
        self.__dict__.pop("_layers", None)  # of an earlier fit
        self._arrays["transitions"] = _transitions(pages, self.labels)
        if self.text_scorer:
            self._scorer = self._fit_scorer(pages)
        return self

    def _fit_scorer(self, pages: Sequence[Page]) -> TextScorer:
        rows = at_most(((line.text, line.type) for page in pages for line in page.lines), _COPIES)
        return TextScorer(self.labels, **self.scorer_options).fit([text for text, _ in rows], [label for _, label in rows])

    def _scores_out_of_fold(self, pages: Sequence[Page], groups: Sequence[str], n: int) -> np.ndarray:
        """Scores of every line by a scorer that saw no page of its group (copies share the group)."""
        names = sorted(set(groups))
        rng = np.random.default_rng(self.seed)
        fold_of = dict(zip(names, rng.permutation(len(names)) % min(self.scorer_folds, len(names)), strict=True))
        folds = np.array([fold_of[group] for group in groups])
        out: list[np.ndarray] = [np.zeros(0)] * len(pages)
        for fold in np.unique(folds):
            held = np.flatnonzero(folds == fold).tolist()
            fit = [pages[int(i)] for i in np.flatnonzero(folds[:n] != fold).tolist()] or list(pages[:n])
            part = [pages[int(i)] for i in held]
            for i, p in zip(held, split_back(self._fit_scorer(fit).predict(page_table(part)), part), strict=True):
                out[i] = p
        return np.concatenate(out)

    def _fit_nets(self, x: np.ndarray, y: np.ndarray) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        for k in range(self.nets):
            net = MLPClassifier(
                (self.hidden,), alpha=self.alpha, batch_size=min(512, len(x)), max_iter=self.epochs,
                learning_rate_init=2e-3, random_state=self.seed + k,
            )  # fmt: skip
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # epochs are the limit on purpose
                net.fit(x, y)
            columns = np.zeros((self.hidden, len(self.labels)), dtype=np.float32)
            bias = np.full(len(self.labels), -30.0, dtype=np.float32)  # a type that training lacked
            if len(net.classes_) == 2:  # one output: the odds of the second label
                columns[:, net.classes_[1]], bias[net.classes_] = net.coefs_[1][:, 0], (0.0, net.intercepts_[1][0])
            else:
                columns[:, net.classes_] = net.coefs_[1]
                bias[net.classes_] = net.intercepts_[1]
            self._arrays |= {
                f"w1_{k}": net.coefs_[0].astype(np.float32), f"b1_{k}": net.intercepts_[0].astype(np.float32),
                f"w2_{k}": columns, f"b2_{k}": bias,
            }  # fmt: skip

    # --- prediction -----------------------------------------------------------

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        table = page_table(pages)
        if not len(table.length):
            return [np.zeros((0, len(self.labels))) for _ in pages]
        scores = self._scorer.predict(table) if self._scorer else None
        x = line_features(pages, scores, self._arrays["idf"].astype(np.float32), table)
        parts = [self._read(x[start : start + _ROWS]) for start in range(0, len(x), _ROWS)]
        sizes = [len(page.lines) for page in pages]
        chained = smooth(np.concatenate(parts), sizes, self._arrays["transitions"], self.chain)
        return split_back(normalised(chained), pages)

    def _read(self, x: np.ndarray) -> np.ndarray:
        """The mean of what the networks say of feature rows."""
        first, second = self._layers
        hidden = first(self._encode(x))
        np.maximum(hidden, 0, out=hidden)
        p = np.zeros((len(x), len(self.labels)))
        for k, layer in enumerate(second):
            z = layer(hidden[:, k * self.hidden : (k + 1) * self.hidden])
            z -= z.max(axis=1, keepdims=True)
            e = np.exp(z)
            p += e / e.sum(axis=1, keepdims=True)
        return p / self.nets

    @cached_property
    def _layers(self) -> tuple[ExactLayer, list[ExactLayer]]:
        """The first layer of all networks as one, and the second of each."""
        a, nets = self._arrays, range(self.nets)
        first = ExactLayer(
            np.concatenate([a[f"w1_{k}"] for k in nets], axis=1), np.concatenate([a[f"b1_{k}"] for k in nets]), _CLIP
        )
        return first, [ExactLayer(a[f"w2_{k}"], a[f"b2_{k}"], first.largest) for k in nets]

    def _used(self) -> np.ndarray:
        """Columns in use: all, or only the line's own if `context` is off."""
        names = feature_names()
        if self.context:
            return np.arange(len(names))
        own = names.index("repeats")
        return np.array([i for i, name in enumerate(names) if i < own or (name.startswith("score_") and name[6:].isdigit())])

    def _encode(self, x: np.ndarray) -> np.ndarray:
        """Scaled amounts and one-hot codes; what is not known becomes 0, the mean."""
        a = self._arrays
        n = len(a["numeric"])
        # Column by column, as the features come (`line_features`).
        out = np.empty((n + int(a["sizes"].sum()), len(x)), dtype=np.float32)
        z = np.take(x.T, a["numeric"], axis=0, out=out[:n], mode="clip")
        z -= a["mean"][:, None]
        z *= a["scale"][:, None]
        np.clip(z, -_CLIP, _CLIP, out=z)
        z[np.isnan(z)] = 0.0
        for column, size in zip(x.T[a["coded"]], a["sizes"].tolist(), strict=True):
            np.equal(column, np.arange(size, dtype=np.float32)[:, None], out=out[n : n + size])
            n += size
        return out.T

    # --- storage --------------------------------------------------------------

    def save(self, folder: Path) -> None:
        scorer = self._scorer.arrays() if self._scorer else {}
        np.savez_compressed(folder / "context.npz", **self._arrays, **scorer)  # type: ignore[arg-type]
        (folder / "features.json").write_text(json.dumps(feature_names()), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> Context:
        """The saved model; raises `UserError` if this version computes other features."""
        with reading(folder / "features.json"):
            known = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        if known != list(feature_names()):
            raise UserError(f"{folder}: trained with other features than this version computes; train again")
        model = cls(task, labels, **options)
        stored = load_arrays(folder / "context.npz")
        check_shapes(folder / "context.npz", stored, model._shapes(stored))
        if model.text_scorer:
            model._scorer = TextScorer.from_arrays(labels, stored)
        model._arrays = {name: array for name, array in stored.items() if not name.startswith("scorer_")}
        return model

    def _shapes(self, stored: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
        """The shape that each stored array has to have, from the options and from those that say how many columns there are."""
        sizes = [stored[name].size if name in stored else 0 for name in ("numeric", "coded")]
        k, inputs = len(self.labels), sizes[0] + int(stored["sizes"].sum() if "sizes" in stored else 0)
        of_nets = {"w1": (inputs, self.hidden), "b1": (self.hidden,), "w2": (self.hidden, k), "b2": (k,)}
        return {
            "numeric": (sizes[0],), "mean": (sizes[0],), "scale": (sizes[0],), "coded": (sizes[1],), "sizes": (sizes[1],),
            "idf": (2**WORD_BITS,), "transitions": (k, k),
            **{f"{name}_{i}": shape for name, shape in of_nets.items() for i in range(self.nets)},
        }  # fmt: skip


def _encoder(x: np.ndarray, used: np.ndarray) -> dict[str, np.ndarray]:
    """Which columns are amounts (with mean and scale) and which are codes (with their number)."""
    names = feature_names()
    numeric, coded, sizes = [], [], []
    for i in used:
        size = next((n for name, n in _CATEGORIES.items() if names[i].startswith(name)), None)
        if size is None:
            numeric.append(i)
        else:
            coded.append(i)
            sizes.append(size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without any value: HTML cues of text
        mean, std = np.nanmean(x[:, numeric], axis=0), np.nanstd(x[:, numeric], axis=0)
    scale = np.where(std > 1e-6, 1 / np.maximum(std, 1e-6), 0.0)
    return {
        "numeric": np.array(numeric),
        "coded": np.array(coded, dtype=np.int64),
        "sizes": np.array(sizes, dtype=np.int64),
        "mean": np.nan_to_num(mean).astype(np.float32),
        "scale": np.nan_to_num(scale).astype(np.float32),
    }


def _transitions(pages: Sequence[Page], labels: tuple[str, ...]) -> np.ndarray:
    """log P(type | type above) / P(type), from the training pages (labels x labels)."""
    k = len(labels)
    counts = np.ones((k, k))
    for page in pages:
        index = [labels.index(line.type) for line in page.lines if line.type]
        np.add.at(counts, (index[:-1], index[1:]), 1)
    joint = counts / counts.sum()
    return np.asarray(np.log(joint / (joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True))))


def smooth(p: np.ndarray, sizes: Sequence[int], log_ratio: np.ndarray, weight: float) -> np.ndarray:
    """Posterior of each line's type in a chain: forward-backward (Rabiner 1989).

    Parameters: `p` lines x labels, `sizes` the lines of each page, `log_ratio`
    labels x labels (how much more often a type follows another than by chance),
    `weight` its exponent; 0 returns `p`.
    """
    if weight == 0 or not len(p):
        return p
    ratio = np.exp(weight * log_ratio)
    place, n_at = _in_step(np.asarray(sizes))
    evidence = np.maximum(p, 1e-9)[place]
    starts = np.cumsum(n_at) - n_at
    forward, backward = evidence.copy(), np.ones_like(evidence)
    steps = list(zip(starts.tolist(), n_at.tolist(), strict=True))
    for (before, _), (start, n) in pairwise(steps):
        rows = forward[start : start + n]
        rows *= _passed_on(forward[before : before + n], ratio)
        rows /= rows.sum(axis=1, keepdims=True)
    # Beyond a page's end nothing is known: its last line keeps a flat message.
    for (before, _), (start, n) in reversed(list(pairwise(steps))):
        rows = _passed_on(backward[start : start + n] * evidence[start : start + n], ratio.T)
        backward[before : before + n] = rows / rows.sum(axis=1, keepdims=True)
    forward *= backward
    out: np.ndarray = np.empty_like(forward)
    out[place] = forward / forward.sum(axis=1, keepdims=True)
    return out


def _passed_on(messages: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """`messages @ ratio`, added up in the same order however many rows there are."""
    return np.asarray((messages[:, :, None] * ratio).sum(axis=1))


def _in_step(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pages' first lines, then all second lines and so on, longest page first.

    Returns the indices of the lines in this order, and how many pages still
    have a line at each step: they are the first of the step before.
    """
    order = np.argsort(-sizes, kind="stable")
    first = (np.cumsum(sizes) - sizes)[order]
    n_at = len(sizes) - np.searchsorted(sizes[order][::-1], np.arange(sizes.max()), side="right")
    rank = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(n_at) - n_at, n_at)
    return first[rank] + np.repeat(np.arange(len(n_at)), n_at), n_at
