"""The model that reads the page: features of place and text, small networks, a chain of types."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.augment import augment
from clfnews.features import feature_names, line_features, page_table, word_idf
from clfnews.models.base import Probabilities, labelled_lines, normalised, split_back
from clfnews.models.scorer import TextScorer
from clfnews.page import Page

_CATEGORIES = {"first_class": 14, "last_class": 14, "html_tag": 18, "html_region": 8}
"""Columns that hold codes, not amounts; columns of neighbours begin with these names."""


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
        scorer_epoch: int = 5,
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
        x = line_features(more, scores, idf)
        y = np.array([self.labels.index(line.type) if line.type else -1 for page in more for line in page.lines])
        known = y >= 0
        self._arrays = {"idf": idf.astype(np.float16), **_encoder(x[known], self._used())}
        self._fit_nets(self._encode(x[known]), y[known])
        self._arrays["transitions"] = _transitions(pages, self.labels)
        if self.text_scorer:
            self._scorer = self._fit_scorer(pages)
        return self

    def _fit_scorer(self, pages: Sequence[Page]) -> TextScorer:
        lines, labels = labelled_lines(pages, self.task)
        return TextScorer(self.labels, **self.scorer_options).fit([line.text for line in lines], labels)

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
        x = self._encode(line_features(pages, scores, self._arrays["idf"].astype(np.float32), table))
        p = np.zeros((len(x), len(self.labels)))
        for k in range(self.nets):
            a = self._arrays
            z = np.maximum(x @ a[f"w1_{k}"] + a[f"b1_{k}"], 0) @ a[f"w2_{k}"] + a[f"b2_{k}"]
            z -= z.max(axis=1, keepdims=True)
            e = np.exp(z)
            p += e / e.sum(axis=1, keepdims=True)
        chained = smooth(split_back(p / self.nets, pages), self._arrays["transitions"], self.chain)
        return [normalised(rows) for rows in chained]

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
        z = (x[:, a["numeric"]] - a["mean"]) * a["scale"]
        np.clip(z, -4, 4, out=z)
        np.nan_to_num(z, copy=False, nan=0.0)
        codes = x[:, a["coded"]]
        parts = [z]
        for j, size in enumerate(a["sizes"]):
            parts.append((codes[:, j, None] == np.arange(size)).astype(np.float32))
        return np.concatenate(parts, axis=1)

    # --- storage --------------------------------------------------------------

    def save(self, folder: Path) -> None:
        scorer = self._scorer.arrays() if self._scorer else {}
        np.savez_compressed(folder / "context.npz", **self._arrays, **scorer)  # type: ignore[arg-type]
        (folder / "features.json").write_text(json.dumps(feature_names()), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> Context:
        """The saved model; raises `UserError` if this version computes other features."""
        from clfnews.errors import UserError

        if json.loads((folder / "features.json").read_text(encoding="utf-8")) != list(feature_names()):
            raise UserError(f"{folder}: trained with other features than this version computes; train again")
        model = cls(task, labels, **options)
        with np.load(folder / "context.npz", allow_pickle=False) as arrays:
            stored = {name: arrays[name] for name in arrays.files}
        if model.text_scorer:
            model._scorer = TextScorer.from_arrays(labels, stored)
        model._arrays = {name: array for name, array in stored.items() if not name.startswith("scorer_")}
        return model


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


def smooth(p: Probabilities, log_ratio: np.ndarray, weight: float) -> Probabilities:
    """Posterior of each line's type in a chain: forward-backward (Rabiner 1989).

    Parameters: `p` per page lines x labels, `log_ratio` labels x labels (how
    much more often a type follows another than by chance), `weight` its
    exponent; 0 returns `p`. Pages of similar length are computed together.
    """
    if weight == 0:
        return p
    ratio = np.exp(weight * log_ratio)
    out: list[np.ndarray] = [np.zeros(0)] * len(p)
    order = np.argsort([len(rows) for rows in p], kind="stable")
    for chunk in np.array_split(order, max(1, len(order) // 32)):
        _smooth_chunk([p[i] for i in chunk], ratio, chunk, out)
    return out


def _smooth_chunk(pages: Sequence[np.ndarray], ratio: np.ndarray, places: np.ndarray, out: list[np.ndarray]) -> None:
    k = ratio.shape[0]
    longest = max(map(len, pages))
    evidence = np.ones((len(pages), longest, k))
    for i, rows in enumerate(pages):
        evidence[i, : len(rows)] = np.maximum(rows, 1e-9)
    forward, backward = evidence.copy(), np.ones_like(evidence)
    for t in range(1, longest):
        forward[:, t] *= forward[:, t - 1] @ ratio
        forward[:, t] /= forward[:, t].sum(axis=1, keepdims=True)
    lengths = np.array([len(rows) for rows in pages])
    for t in range(longest - 2, -1, -1):
        step = (backward[:, t + 1] * evidence[:, t + 1]) @ ratio.T
        # Beyond a page's end nothing is known: its last line keeps a flat message.
        backward[:, t] = np.where((t + 1 < lengths)[:, None], step / step.sum(axis=1, keepdims=True), 1.0)
    for i, place in enumerate(places):
        rows = forward[i, : lengths[i]] * backward[i, : lengths[i]]
        out[place] = rows / rows.sum(axis=1, keepdims=True) if len(rows) else np.zeros((0, k))
