"""A filter by its name: a folder, a run, or a version of a registered model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from clfnews.errors import UserError, nearest
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.origin import Origin, of_folder
from clfnews.filtering.saved import META, read_meta
from clfnews.tracking.bundled import PACKAGE, bundled_filter, tell_bundled
from clfnews.tracking.moved import local_path
from clfnews.tracking.origins import FILTER, of_filter, of_logged, of_version
from clfnews.tracking.store import may_have_store, missing_store, open_store


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
            raise UserError(f"no model {uri} in {mlflow.get_tracking_uri()}; train one: clfnews train CONFIG") from error
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
        versions = list(client.search_model_versions())
        known = sorted((int(v.version) for v in versions if v.name == name), reverse=True)
        if not known:
            others = sorted({v.name for v in versions})
            raise NoModel(f"{where}{nearest(name, others) if others else ''}; train one: clfnews train CONFIG") from error
        said = f"{name} has version{'s' * (len(known) > 1)} {', '.join(map(str, known[:10]))}"
        if which == f"@{ALIAS}":
            raise NoModel(f"{where}: {said} but no {ALIAS}; choose one: clfnews promote models:/{name}/{known[0]}") from error
        raise UserError(f"{where}: {said}") from error
