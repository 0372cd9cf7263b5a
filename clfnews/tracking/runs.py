"""Runs read back from MLflow."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.errors import UserError, nearest
from clfnews.evaluation.metrics import headline
from clfnews.evaluation.predictions import PAGES, PREDICTIONS, RunData, read_parts
from clfnews.tracking.find import ALIAS, load_filter, registered_version
from clfnews.tracking.moved import local_path
from clfnews.tracking.registry import crown, log_folder
from clfnews.tracking.store import missing_store, open_store

if TYPE_CHECKING:
    from clfnews.filtering.filter import PageFilter

_NUMBER = re.compile(r"\d{1,5}")
"""Of a version; more digits are the beginning of a run's id."""
_ID = re.compile(r"[0-9a-f]{6,32}")


def load_run(name: str, experiment: str = "clfnews") -> RunData:
    """A training run with its predictions.

    `name`: a run id (or its first six or more digits), a run's name, `last`,
    `best` (the highest validation scores of both tasks), `runs:/ID/...` or
    `models:/...`. The run of a single model gives that model instead of the
    champion of its task. Raises `UserError` if there is no such run, or if it
    was logged before predictions were kept.
    """
    with open_store() as mlflow:
        client = _client(mlflow)
        run = _find(client, mlflow, name, experiment)
        only = None
        if run.data.tags.get("clfnews.kind") == "model":
            only = run
            run = client.get_run(run.data.tags["mlflow.parentRunId"])
        if run.data.tags.get("clfnews.kind") != "train":
            raise UserError(f"{name}: run {run.info.run_id} is not a training run of clfnews")
        return _read_run(client, run, only)


def filter_of(name: str, experiment: str = "clfnews") -> PageFilter:
    """The filter of a folder, of a registered model, or of a run as `load_run` names it."""
    if name.startswith(("models:/", "runs:/")) or Path(name).is_dir():
        return load_filter(name)
    with open_store() as mlflow:
        run = _find(_client(mlflow), mlflow, name, experiment)
    return load_filter(f"runs:/{run.data.tags.get('mlflow.parentRunId', run.info.run_id)}/model")


def _client(mlflow: Any) -> Any:
    """A client of the store in use, which has to be there: looking should not make one."""
    store = missing_store(mlflow)
    if store:
        raise UserError(
            f"no runs: there is no store {store}; train first: clfnews train configs/base.yaml, or set MLFLOW_TRACKING_URI"
        )
    return mlflow.MlflowClient()


def _find(client: Any, mlflow: Any, name: str, experiment: str) -> Any:
    if name.startswith("models:/"):
        return client.get_run(registered_version(mlflow, name).run_id)
    if name.startswith("runs:/"):
        name = name.removeprefix("runs:/").split("/")[0]
    runs = _runs_of(client, mlflow, experiment)
    trained = _trained(runs)
    if name in ("last", "best"):
        if not trained:
            raise UserError(f"no finished training in experiment {experiment!r}; train first: clfnews train configs/base.yaml")
        return max(trained, key=_validation) if name == "best" else trained[0]
    same = [run for run in runs if run.info.run_id.startswith(name) and _ID.fullmatch(name)] or [
        run for run in runs if run.info.run_name == name
    ]
    if not same:
        names = [run.info.run_name for run in trained]
        raise UserError(f"no run {name!r} in experiment {experiment!r}{nearest(name, ['last', 'best', *names[:5]])}")
    if len(same) > 1:
        raise UserError(f"{len(same)} runs are called {name!r}; give the id: {', '.join(r.info.run_id[:12] for r in same[:5])}")
    return same[0]


def _runs_of(client: Any, mlflow: Any, experiment: str) -> list[Any]:
    """All runs of clfnews in an experiment, newest first."""
    found = client.get_experiment_by_name(experiment)
    if found is None:
        where = mlflow.get_tracking_uri()
        raise UserError(f"no experiment {experiment!r} in {where}; train first: clfnews train configs/base.yaml")
    return [run for run in _all_runs(client, found.experiment_id) if "clfnews.kind" in run.data.tags]


def _trained(runs: Iterable[Any]) -> list[Any]:
    return [run for run in runs if run.data.tags["clfnews.kind"] == "train" and run.info.status == "FINISHED"]


def _all_runs(client: Any, experiment_id: str) -> list[Any]:
    """Newest first."""
    runs, token = [], None
    while True:
        page = client.search_runs([experiment_id], order_by=["attributes.start_time DESC"], page_token=token)
        runs.extend(page)
        token = page.token
        if not token:
            return runs


def _validation(run: Any) -> float:
    """Sum of the champions' headline scores on validation, or out of fold without one."""
    total = 0.0
    for task in _best(run.data.params):
        metric, values = headline(task), run.data.metrics
        total += values.get(metric.replace("/", "_validation/", 1), values.get(metric.replace("/", "_oof/", 1), 0.0))
    return total


def _best(params: Mapping[str, str]) -> dict[str, str]:
    """Task -> the model that was best out of fold; older runs call it `champion.TASK`."""
    found = ((key.partition("."), name) for key, name in params.items())
    return {task: name for (kind, _, task), name in found if kind in ("best", "champion")}


def _read_run(client: Any, run: Any, only: Any | None) -> RunData:
    files = local_path(run.info.artifact_uri)
    if files is not None and not files.exists():
        raise UserError(
            f"run {run.info.run_id}: its files were in {files}; they are not there (was the folder moved, or mlruns deleted?)"
        )
    kept = {item.path for item in client.list_artifacts(run.info.run_id)}
    if not {PAGES, PREDICTIONS} <= kept:
        raise UserError(f"run {run.info.run_id} has no predictions (logged by an older clfnews); train it again")
    with tempfile.TemporaryDirectory() as folder:
        for name in (PAGES, PREDICTIONS):
            client.download_artifacts(run.info.run_id, name, folder)
        parts = read_parts(Path(folder))
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    metrics = {(c.data.tags["task"], c.data.tags["model"]): dict(c.data.metrics) for c in children if "task" in c.data.tags}
    params = dict(run.data.params)
    champions = _best(params)
    if only is not None:
        task, model = only.data.tags["task"], only.data.tags["model"]
        champions = {task: model}
        parts = {key: part for key, part in parts.items() if key[:2] == (task, model)}
    named = only or run
    return RunData(named.info.run_id, named.info.run_name, params, dict(run.data.tags), champions, metrics, parts)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A finished training as `clfnews runs` lists it."""

    id: str
    name: str
    time: str
    """When it began, ISO 8601 with the local time zone."""
    config: str
    scores: dict[str, float]
    """The champions' headline scores: `TASK_oof/...` and `TASK_validation/...`, as far as there are."""
    version: str | None
    """`models:/NAME/VERSION`, if the run's model is registered."""
    champion: bool


def list_runs(experiment: str = "clfnews") -> list[RunRow]:
    """The finished trainings of an experiment, newest first; raises `UserError` if there is no such experiment."""
    with open_store() as mlflow:
        client = _client(mlflow)
        runs = _trained(_runs_of(client, mlflow, experiment))
        champions = {(m.name, str(m.aliases[ALIAS])) for m in client.search_registered_models() if ALIAS in m.aliases}
        versions: dict[str, list[tuple[bool, int, str]]] = {}
        for v in client.search_model_versions():
            entry = (v.name, str(v.version)) in champions, int(v.version), f"models:/{v.name}/{v.version}"
            versions.setdefault(v.run_id, []).append(entry)
    return [_run_row(run, max(versions.get(run.info.run_id, [(False, 0, "")]))) for run in runs]


def _run_row(run: Any, version: tuple[bool, int, str]) -> RunRow:
    mains = [headline(task) for task in _best(run.data.params)]
    names = [metric.replace("/", f"_{part}/", 1) for metric in mains for part in ("oof", "validation")]
    time = datetime.fromtimestamp(run.info.start_time / 1000).astimezone().isoformat(timespec="seconds")
    scores = {name: run.data.metrics[name] for name in names if name in run.data.metrics}
    config = run.data.tags.get("clfnews.config", "")
    return RunRow(run.info.run_id, run.info.run_name, time, config, scores, version[2] or None, version[0])


def promote(which: str, experiment: str = "clfnews", model: str = "clfnews") -> tuple[str, str | None, str]:
    """Move the alias `champion` to a version: name of the registered model, version before (None: none) and after.

    `which`: the number of a version of `model`, `models:/NAME/VERSION`, a
    training as `load_run` names it, or the folder of a filter, which is then
    logged and registered as `model` first. Raises `UserError` if there is no such
    version, run or filter, or if the run's model is not registered, or under two names.
    """
    folder = Path(which)
    kept = (folder / "filter.json").is_file()
    with open_store(make=kept) as mlflow:
        client = _client(mlflow)
        if kept:
            version = log_folder(mlflow, folder, experiment, model)
        elif which.startswith("models:/") or _NUMBER.fullmatch(which):
            version = registered_version(mlflow, which if which.startswith("models:/") else f"models:/{model}/{which}")
        else:
            version = _version_of(client, mlflow, which, experiment)
        before = client.get_registered_model(version.name).aliases.get(ALIAS)
        crown(client, version.name, version.version)
    return version.name, str(before) if before else None, str(version.version)


def _version_of(client: Any, mlflow: Any, name: str, experiment: str) -> Any:
    """The newest version of a run's model."""
    run = _find(client, mlflow, name, experiment)
    run_id = run.data.tags.get("mlflow.parentRunId", run.info.run_id)
    versions = [version for version in client.search_model_versions() if version.run_id == run_id]
    if not versions:
        raise UserError(f"{name}: the model of run {run_id[:8]} is not registered (tracking.registered_model was null)")
    if len({version.name for version in versions}) > 1:
        uris = ", ".join(f"models:/{version.name}/{version.version}" for version in versions)
        raise UserError(f"{name}: the model of run {run_id[:8]} is registered under several names; give one of {uris}")
    return max(versions, key=lambda version: int(version.version))
