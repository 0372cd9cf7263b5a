"""The models: pages in, per-line probabilities out (`base.Model`).

`MODELS` maps the name in a configuration to its class. To add a model, write
the class, add it here and to the configuration (`config/options.py`); the contract
tests run over everything in this dict.
"""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError, nearest
from clfnews.labels import TASKS
from clfnews.models.base import Model, Probabilities, reading
from clfnews.models.context import Context
from clfnews.models.cues import StanceCues
from clfnews.models.encoder import Encoder
from clfnews.models.fasttext import FastText, check_in_child
from clfnews.models.lexicon import Lexicon
from clfnews.models.linear import Linear
from clfnews.models.majority import Majority
from clfnews.models.page_model import PageModel
from clfnews.models.rules import Rules
from clfnews.page import Page

__all__ = ["MODELS", "Model", "Probabilities", "load_model", "make_model", "save_model"]

MODELS: dict[str, type[Any]] = {
    cls.kind: cls for cls in (Majority, Rules, Lexicon, FastText, Linear, PageModel, StanceCues, Encoder)
}
ANY_LABELS = ("majority", "fasttext", "linear", "encoder")
"""Models of any labels; the others know what the shipped ones mean."""
_SAVED: dict[str, type[Any]] = {**MODELS, Context.kind: Context}
"""What a saved folder may hold: also a model that is no longer trained."""


def make_model(kind: str, task: str, labels: tuple[str, ...], options: dict[str, Any] | None = None) -> Model:
    """An unfitted model by its name in `MODELS`."""
    if kind not in MODELS:
        raise UserError(f"unknown model {kind!r}{nearest(kind, list(MODELS))}")
    model: Model = MODELS[kind](task, labels, **(options or {}))
    return model


def save_model(model: Model, folder: Path, options: dict[str, Any] | None = None) -> None:
    """Write a fitted model with what is needed to load it again."""
    folder.mkdir(parents=True, exist_ok=True)
    meta = {"kind": model.kind, "task": model.task, "labels": model.labels, "options": options or {}}
    (folder / "model.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
    model.save(folder)


def load_model(folder: Path, task: str | None = None, *, known: bool = False) -> tuple[Model, dict[str, Any]]:
    """The model that `save_model` wrote, and its options.

    Parameters: the `task` that it has to be of (None: whatever it says); `known`:
    its files are those that were saved, by their checksums. Raises `UserError`
    that names the file which is missing, broken, or of another version.
    """
    path = folder / "model.json"
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{folder}: no model there (model.json is missing or broken)") from error
    kind, options = _checked(meta, path, task)
    parameters = signature(kind).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    unknown = sorted(set(options) - set(parameters))
    if unknown and not open_ended:
        raise UserError(f"{folder}: has options that this version does not know ({', '.join(unknown)}); train again")
    if kind is FastText and not known:
        check_in_child(folder / "model.bin")
    with reading(folder):
        model: Model = kind.load(folder, meta["task"], tuple(meta["labels"]), **options)
        _try_out(model)
    return model, options


def _checked(meta: Any, path: Path, task: str | None) -> tuple[type[Any], dict[str, Any]]:
    """The class and the options of a model, from its `model.json`."""
    if not isinstance(meta, dict) or not isinstance(meta.get("options"), dict):
        raise UserError(f"{path}: broken (no 'options'); train again")
    if meta.get("kind") == "trees":
        raise UserError(f"{path}: the model 'trees' is now part of 'page'; train again")
    if meta.get("kind") not in list(_SAVED):  # a list: whatever stands there
        raise UserError(f"{path}: unknown model {meta.get('kind')!r:.80}; was it made by a newer clfnews?")
    if not isinstance(meta.get("task"), str) or task not in (None, meta["task"]):
        raise UserError(f"{path}: is of the task {meta.get('task')!r:.80}, not of {task or ' or '.join(TASKS)!r}; train again")
    labels, shipped = meta.get("labels"), list(TASKS.get(meta["task"], ()))
    if meta["kind"] not in ANY_LABELS and labels != shipped:
        raise UserError(f"{path}: its labels are not those of this version ({', '.join(shipped)}); train again")
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
        raise UserError(f"{path}: broken (its labels are {labels!r:.80}); train again")
    return _SAVED[meta["kind"]], meta["options"]


def _try_out(model: Model) -> None:
    """One prediction: parts that do not fit each other show here, not in the middle of a run."""
    page = Page.from_lines(["Hai bên nhất trí nối lại đàm phán vào ngày 3/4.", "Xem thêm"])
    (p,) = model.predict_proba([page])
    if p.shape != (2, len(model.labels)) or not np.isfinite(p).all() or not np.allclose(p.sum(axis=1), 1):
        raise ValueError("its predictions are no probabilities")
