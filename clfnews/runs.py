"""Runs read back from MLflow, and sweeps logged to it.

The store is reached through `tracking.quiet_mlflow`; only `tracking.py` and
`packaged.py` import mlflow.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.errors import UserError, nearest
from clfnews.evaluate import HEADLINE
from clfnews.predictions import PAGES, PREDICTIONS, RunData, read_parts
from clfnews.tracking import load_filter, quiet_mlflow, store_errors, store_problem

if TYPE_CHECKING:
    from clfnews.config import TrackingSection
    from clfnews.filter import PageFilter

_ID = re.compile(r"[0-9a-f]{6,32}")


def load_run(name: str, experiment: str = "clfnews") -> RunData:
    """A training run with its predictions.

    `name`: a run id (or its first six or more digits), a run's name, `last`,
    `best` (the highest validation scores of both tasks), `runs:/ID/...` or
    `models:/...`. The run of a single model gives that model instead of the
    champion of its task. Raises `UserError` if there is no such run, or if it
    was logged before predictions were kept.
    """
    mlflow = quiet_mlflow()
    client = mlflow.MlflowClient()
    try:
        run = _find(client, mlflow, name, experiment)
        only = None
        if run.data.tags.get("clfnews.kind") == "model":
            only = run
            run = client.get_run(run.data.tags["mlflow.parentRunId"])
        if run.data.tags.get("clfnews.kind") != "train":
            raise UserError(f"{name}: run {run.info.run_id} is not a training run of clfnews")
        return _read_run(client, run, only)
    except store_errors() as error:
        raise UserError(store_problem(mlflow.get_tracking_uri(), error)) from error


def filter_of(name: str, experiment: str = "clfnews") -> PageFilter:
    """The filter of a folder, of a registered model, or of a run as `load_run` names it."""
    if name.startswith(("models:/", "runs:/")) or Path(name).is_dir():
        return load_filter(name)
    mlflow = quiet_mlflow()
    try:
        run = _find(mlflow.MlflowClient(), mlflow, name, experiment)
    except store_errors() as error:
        raise UserError(store_problem(mlflow.get_tracking_uri(), error)) from error
    return load_filter(f"runs:/{run.data.tags.get('mlflow.parentRunId', run.info.run_id)}/model")


def _find(client: Any, mlflow: Any, name: str, experiment: str) -> Any:
    if name.startswith("models:/"):
        version = client.get_model_version_by_alias if "@" in name else client.get_model_version
        parts = name.removeprefix("models:/").split("@" if "@" in name else "/", 1)
        try:
            return client.get_run(version(*parts).run_id)
        except (mlflow.exceptions.MlflowException, TypeError) as error:
            raise UserError(f"no model {name} in {mlflow.get_tracking_uri()}") from error
    if name.startswith("runs:/"):
        name = name.removeprefix("runs:/").split("/")[0]
    found = client.get_experiment_by_name(experiment)
    if found is None:
        where = mlflow.get_tracking_uri()
        raise UserError(f"no experiment {experiment!r} in {where}; train first: clfnews train configs/base.yaml")
    runs = [run for run in _all_runs(client, found.experiment_id) if "clfnews.kind" in run.data.tags]
    trained = [run for run in runs if run.data.tags["clfnews.kind"] == "train" and run.info.status == "FINISHED"]
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
    for metric in HEADLINE.values():
        values = run.data.metrics
        total += values.get(metric.replace("/", "_validation/", 1), values.get(metric.replace("/", "_oof/", 1), 0.0))
    return total


def _read_run(client: Any, run: Any, only: Any | None) -> RunData:
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
    champions = {task: params[f"champion.{task}"] for task in HEADLINE if f"champion.{task}" in params}
    if only is not None:
        task, model = only.data.tags["task"], only.data.tags["model"]
        champions = {task: model}
        parts = {key: part for key, part in parts.items() if key[:2] == (task, model)}
    named = only or run
    return RunData(named.info.run_id, named.info.run_name, params, dict(run.data.tags), champions, metrics, parts)


# --- sweeps -----------------------------------------------------------------------


def log_sweep(section: TrackingSection, name: str, rows: Iterable[dict[str, str]]) -> None:
    """One parent run for a sweep, one child for each model, variant and seed."""
    mlflow = quiet_mlflow()
    by_run: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        by_run.setdefault((row["variant"], row["task"], row["model"], row["seed"]), []).append(row)
    try:
        mlflow.set_experiment(section.experiment)
        with mlflow.start_run(run_name=f"sweep {name}"):
            mlflow.set_tags({"clfnews.kind": "sweep"})
            for (variant, task, model, seed), of_run in by_run.items():
                with mlflow.start_run(run_name=f"{name} {variant} {task} {model} seed {seed}", nested=True):
                    mlflow.set_tags({"clfnews.kind": "variant", "task": task, "model": model})
                    changed = dict(item.split("=", 1) for item in of_run[0]["overrides"].split(" ") if "=" in item)
                    mlflow.log_params({"task": task, "model": model, "variant": variant, "seed": seed} | changed)
                    mlflow.log_metrics(_sweep_metrics(of_run))
    except store_errors() as error:
        raise UserError(store_problem(mlflow.get_tracking_uri(), error)) from error


def _sweep_metrics(rows: Iterable[dict[str, str]]) -> dict[str, float]:
    """Named as training names them: test plainly, other sets `TASK_SET/...`."""
    out = {}
    for row in rows:
        for name, value in {row["metric"]: row["value"], **row}.items():
            if name.startswith(f"{row['task']}/") and value:
                out[name if row["set"] == "test" else name.replace("/", f"_{row['set']}/", 1)] = float(value)
    return out
