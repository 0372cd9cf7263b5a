"""The models: pages in, per-line probabilities out (`base.Model`).

`MODELS` maps the name in a configuration to its class. To add a model, write
the class, add it here and to the configuration (`config.py`); the contract
tests run over everything in this dict.
"""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path
from typing import Any

from clfnews.errors import UserError, nearest
from clfnews.models.base import Model, Probabilities
from clfnews.models.context import Context
from clfnews.models.cues import Cues
from clfnews.models.fasttext import FastText
from clfnews.models.lexicon import Lexicon
from clfnews.models.linear import Linear
from clfnews.models.majority import Majority
from clfnews.models.page_model import PageModel
from clfnews.models.rules import Rules

__all__ = ["MODELS", "Model", "Probabilities", "load_model", "make_model", "save_model"]

MODELS: dict[str, type[Any]] = {cls.kind: cls for cls in (Majority, Rules, Lexicon, FastText, Linear, PageModel, Cues)}
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


def load_model(folder: Path) -> Model:
    """The model that `save_model` wrote; raises `UserError` if there is none."""
    try:
        meta = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise UserError(f"{folder}: no model there (model.json is missing or broken)") from error
    if meta["kind"] == "trees":
        raise UserError(f"{folder}: the model 'trees' is now part of 'page'; train again")
    if meta["kind"] not in _SAVED:
        raise UserError(f"{folder}: unknown model {meta['kind']!r}; was it made by a newer clfnews?")
    parameters = signature(_SAVED[meta["kind"]]).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    unknown = sorted(set(meta["options"]) - set(parameters))
    if unknown and not open_ended:
        raise UserError(f"{folder}: has options that this version does not know ({', '.join(unknown)}); train again")
    model: Model = _SAVED[meta["kind"]].load(folder, meta["task"], tuple(meta["labels"]), **meta["options"])
    return model
