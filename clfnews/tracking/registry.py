"""Registered models: found, loaded, logged, and which of them is the champion."""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from clfnews.errors import UserError
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.origin import Origin, of_folder
from clfnews.filtering.saved import META, read_meta
from clfnews.tracking.bundled import PACKAGE, bundled_filter, tell_bundled
from clfnews.tracking.columns import INPUTS, LABEL_INPUTS, NUMBER, PROBABILITIES, TEXT, TEXTS, columns
from clfnews.tracking.killed import process_tag
from clfnews.tracking.moved import local_path
from clfnews.tracking.origins import FILTER, of_filter, of_logged, of_version
from clfnews.tracking.store import find_experiment, locked, may_have_store, missing_store, open_store
from clfnews.version import __version__

if TYPE_CHECKING:
    from clfnews.evaluation.results import TrainResult


def model_version() -> str:
    """One line on the champion of the store in use: its name and the digests of the data it learnt from."""
    try:
        meta = read_meta(find_filter().folder)
    except UserError:
        return "none in the store in use; train one: clfnews train CONFIG"
    data = ", ".join(f"{name} {digest}" for name, digest in meta["info"].get("data", {}).items() if name.endswith("/train"))
    return f"{meta['name']} (clfnews {meta['clfnews']}; data: {data or 'unknown'})"


DEFAULT_MODEL = "models:/clfnews@champion"
ALIAS = "champion"
_LOGGED_MODEL = re.compile(r"models:/m-[0-9a-f]{32}")
"""What MLflow calls a model of a run that is not registered."""
_MISSING = re.compile(r"not found|does not exist|no such|failed to download|RESOURCE_DOES_NOT_EXIST", re.IGNORECASE)
"""What MLflow says of a run or a model that is not there."""
REQUIREMENTS = [
    "mlflow", "pandas", "numpy", "scipy", "scikit-learn", "skops", "fasttext-community", "selectolax", "py3langid",
]  # fmt: skip


class NoModel(UserError):
    """The store in use answers, or is not there, and has no such model."""


def load_filter(uri_or_dir: str | None = None) -> PageFilter:
    """A filter from a folder, `runs:/ID/model`, `models:/NAME@ALIAS` or `models:/NAME/VERSION`.

    None means the champion, as in `find_filter`. Raises `UserError` if it cannot be found.
    """
    return PageFilter.load(*find_filter(uri_or_dir))


class Found(NamedTuple):
    """A filter that `PageFilter.load` can read."""

    folder: Path
    origin: Origin


def find_filter(uri_or_dir: str | None = None) -> Found:
    """The local folder of a filter, as `load_filter` names it, and where it came from; remote ones are downloaded.

    None means the champion of the store in use, or else the filter that is installed
    with clfnews. A store that cannot be asked is an error all the same.
    """
    installed = None if uri_or_dir else bundled_filter()
    if installed is None:
        return _named(uri_or_dir or DEFAULT_MODEL)
    if may_have_store():  # else nothing needs mlflow, whose import takes seconds
        try:
            return _named(DEFAULT_MODEL)
        except NoModel:
            pass
    tell_bundled()
    return Found(installed, of_folder(installed, PACKAGE))


def _named(uri: str) -> Found:
    """The filter that a path or a URI names."""
    if "://" not in uri and not uri.startswith(("models:/", "runs:/", "mlflow-artifacts:/")):
        given = Path(uri)
        folder = next((f for f in (given, given / FILTER, given / "filter") if (f / META).is_file()), given)
        return Found(folder, of_filter(folder))
    with open_store() as mlflow:
        store = missing_store(mlflow)
        if store:
            raise NoModel(
                f"no model {uri}: there is no store {store}; train one (clfnews train CONFIG), or name the store of a training "
                "(MLFLOW_TRACKING_URI=sqlite:////FOLDER/mlflow.db) or the folder of a model (--model)"
            )
        return _downloaded(mlflow, uri)


def _downloaded(mlflow: Any, uri: str) -> Found:
    """A model of the store."""
    version = None
    if uri.startswith("models:/") and not _LOGGED_MODEL.fullmatch(uri):
        # Asked first: the error is clear, and comes before any copying.
        version = registered_version(mlflow, uri)
    # An alias may move between the two questions: what is fetched is the version that rows will name.
    fixed = of_version(version).model if version else uri
    try:
        root = Path(mlflow.artifacts.download_artifacts(artifact_uri=fixed))
    except (mlflow.exceptions.MlflowException, OSError) as error:
        if version is None and _MISSING.search(str(error)):
            raise UserError(
                f"no model {uri} in {mlflow.get_tracking_uri()}; train one: clfnews train configs/base.yaml"
            ) from error
        place = mlflow.MlflowClient().get_model_version_download_uri(version.name, version.version) if version else ""
        path = local_path(place)
        if path is not None and not path.exists():
            raise UserError(
                f"{uri}: the model's files were in {path}; they are not there (were they moved or deleted?)"
            ) from error
        raise
    if version:
        return Found(root / FILTER, of_version(version))
    return Found(root / FILTER, of_logged(root, uri if uri.startswith(("runs:/", "models:/")) else None))


def registered_version(mlflow: Any, uri: str) -> Any:
    """The model version of `models:/NAME/VERSION` or `models:/NAME@ALIAS`.

    Raises `UserError` that names the versions there are.
    """
    name, sign, which = uri.removeprefix("models:/").replace("@", "/@").partition("/")
    if not sign:
        raise UserError(f"{uri}: no version is given; models:/{name}@{ALIAS} is the champion, models:/{name}/1 a version")
    if missing_store(mlflow):
        raise NoModel(f"no model {uri}: there is no store {missing_store(mlflow)}; train one: clfnews train CONFIG")
    client = mlflow.MlflowClient()
    try:
        return client.get_model_version_by_alias(name, which[1:]) if which[:1] == "@" else client.get_model_version(name, which)
    except mlflow.exceptions.MlflowException as error:
        where = f"no model {uri} in {mlflow.get_tracking_uri()}"
        known = sorted((int(v.version) for v in client.search_model_versions() if v.name == name), reverse=True)
        if not known:
            raise NoModel(f"{where}; train one: clfnews train configs/base.yaml") from error
        said = f"{name} has version{'s' * (len(known) > 1)} {', '.join(map(str, known[:10]))}"
        if which == f"@{ALIAS}":
            raise NoModel(f"{where}: {said} but no {ALIAS}; choose one: clfnews promote models:/{name}/{known[0]}") from error
        raise UserError(f"{where}: {said}") from error


def log_model(mlflow: Any, page_filter: PageFilter) -> Any:
    """Log a filter as an MLflow model into the active run."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import Array

    kinds: dict[str, Any] = {TEXT: "string", NUMBER: "double", TEXTS: Array("string")}
    outputs = Schema([ColSpec(kinds[kind], name) for name, kind in columns(page_filter.tasks).items()])
    return _log_pyfunc(mlflow, "pyfunc.py", page_filter, ModelSignature(_anything(*INPUTS), outputs))


def log_one_model(mlflow: Any, page_filter: PageFilter) -> Any:
    """Log a filter of one model as an MLflow model that gives a label a row (`label_pyfunc`), into the active run.

    Its artefact `filter` is that filter, which `clfnews.load("runs:/ID/model")` reads.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    signature = ModelSignature(
        _anything(*LABEL_INPUTS),
        Schema([ColSpec("string")]),
        ParamSchema([ParamSpec(PROBABILITIES, "boolean", False)]),
    )
    return _log_pyfunc(mlflow, "label_pyfunc.py", page_filter, signature)


def _anything(*names: str) -> Any:
    """Columns of any type, none of them needed: what is no page is told row by row, and does not end the others."""
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    kind: Any = AnyType()  # type: ignore[no-untyped-call]
    return Schema([ColSpec(kind, name, required=False) for name in names])


def _log_pyfunc(mlflow: Any, file: str, page_filter: PageFilter, signature: Any) -> Any:
    """Log a filter with its card, its package and what that needs, under a module of this room that serves it."""
    from clfnews.reports.model_card import CARD, render

    package = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        page_filter.save(Path(folder) / "filter")
        (Path(folder) / "filter" / CARD).write_text(render(page_filter.meta()), encoding="utf-8")
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(package / "tracking" / file),
            artifacts={"filter": str(Path(folder) / "filter")},
            code_paths=[str(package)],
            signature=signature,
            pip_requirements=requirements_of(page_filter),
        )


def requirements_of(page_filter: PageFilter) -> list[str]:
    """What pip installs for a logged filter: the packages with the versions of this training."""
    return [*_pinned(REQUIREMENTS), *(f"{name}=={version}" for name, version in page_filter.needs.items())]


def _pinned(names: list[str]) -> list[str]:
    """The names with the versions that are installed here."""
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in names]


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
