"""Registered models: their versions, and which of them is the champion."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from clfnews.errors import UserError
from clfnews.filtering.filter import PageFilter
from clfnews.tracking.find import ALIAS, load_filter
from clfnews.tracking.killed import process_tag
from clfnews.tracking.logged_model import log_model
from clfnews.tracking.store import find_experiment, locked
from clfnews.version import __version__

if TYPE_CHECKING:
    from clfnews.evaluation.results import TrainResult


def register(mlflow: Any, outcome: TrainResult, model: Any, tags: Mapping[str, str]) -> tuple[str | None, bool, str]:
    """Register the model; move the alias if it beats the present champion, and may.

    Returns the version, whether the alias was moved, and why or why not.
    """
    name = outcome.config.tracking.registered_model
    if name is None:
        return None, False, "tracking.registered_model is null"
    version = register_version(mlflow, name, model, outcome.page_filter, tags)
    by_hand = f"to move it: clfnews promote models:/{name}/{version}"
    if not outcome.config.tracking.promote:
        return version, False, f"tracking.promote is false; {by_hand}"
    client = mlflow.MlflowClient()
    with locked(mlflow):  # another training must not take the place in between
        promoted, reason = _may_promote(mlflow, outcome, name, by_hand)
        if promoted:
            crown(client, name, version)
    return version, promoted, reason


def log_folder(mlflow: Any, folder: Path, experiment: str, name: str) -> Any:
    """Log a filter that is kept in a folder as a run of its own, and register it under a name; returns the version.

    Raises `UserError` if the folder holds no whole filter.
    """
    page_filter = PageFilter.load(folder)
    place = find_experiment(mlflow, experiment).experiment_id
    tags = process_tag() | {"clfnews.kind": "kept", "clfnews.version": __version__}
    with mlflow.start_run(experiment_id=place, run_name=f"{page_filter.name} from {folder.name}", tags=tags):
        model = log_model(mlflow, page_filter)
    return mlflow.MlflowClient().get_model_version(name, register_version(mlflow, name, model, page_filter))


def register_version(
    mlflow: Any, name: str, model: Any, page_filter: PageFilter, tags: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Register a logged model with its card as the description, and tags; returns the version."""
    from clfnews.reports.model_card import render

    # What MLflow prints here stands in the table of results too.
    with contextlib.redirect_stderr(io.StringIO()):
        version = mlflow.register_model(model.model_uri, name).version
    client = mlflow.MlflowClient()
    client.update_model_version(name, version, description=render(page_filter.meta()))
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value[:5000])
    return str(version)


def crown(client: Any, name: str, version: Any) -> None:
    """Make a version the champion: the alias, the tag `champion` of its run and of no other, and what the Models tab says."""
    client.set_registered_model_alias(name, ALIAS, version)
    champion = client.get_model_version(name, version)
    run = client.get_run(champion.run_id)
    marked = client.search_runs([run.info.experiment_id], f"tags.{ALIAS} = '{name}'")
    for other in marked:
        if other.info.run_id != champion.run_id:
            client.delete_tag(other.info.run_id, ALIAS)
    client.set_tag(champion.run_id, ALIAS, name)
    client.update_registered_model(name, description=_about(champion))
    for key, value in champion.tags.items():
        client.set_registered_model_tag(name, key, value)


def _about(champion: Any) -> str:
    """The description of a registered model: what it is, and the scores of its champion."""
    told = ", ".join(f"{key} {value}" for key, value in sorted(champion.tags.items()))
    return (
        "Filters of news pages, trained by clfnews: the lines of the article, and their stance. "
        f"The champion is version {champion.version} ({told or 'no scores known'}; scores are out of fold). "
        "Each version has its card."
    )


def _may_promote(mlflow: Any, outcome: TrainResult, name: str, by_hand: str) -> tuple[bool, str]:
    """Whether the new filter becomes the champion, and why or why not."""
    from clfnews.tracking.promotion import is_better

    client = mlflow.MlflowClient()
    present = client.get_registered_model(name).aliases.get(ALIAS)
    if present is None:
        return True, "there was no champion"
    uri = f"models:/{name}/{present}"
    try:
        old = load_filter(uri)
    except UserError as error:
        # Not known to be worse: a champion whose files are missing for an hour must not lose its place.
        return False, f"{uri} is the champion and cannot be loaded: {error}; {by_hand}"
    return is_better(mlflow, outcome, client.get_model_version(name, present), old, by_hand)
