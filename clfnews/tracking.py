"""MLflow: where runs and models are kept. With `packaged.py` the only user of mlflow."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews import __version__
from clfnews.errors import UserError
from clfnews.evaluate import HEADLINE, Scores, score_stance, score_type
from clfnews.filter import PageFilter

if TYPE_CHECKING:
    from clfnews.config import TrackingSection
    from clfnews.train import Result, TrainResult

DEFAULT_MODEL = "models:/clfnews@champion"
ALIAS = "champion"
REQUIREMENTS = ["mlflow", "pandas", "numpy", "scipy", "scikit-learn", "skops", "fasttext-community"]


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """Where a training run went."""

    run_id: str
    experiment_id: str
    name: str
    store: str
    model_uri: str | None
    """`models:/NAME/VERSION`, if registered."""
    promoted: bool
    """Whether the alias `champion` now points to this run's model."""
    reason: str
    """Why it does or does not."""


def quiet_mlflow() -> Any:
    """Import mlflow without its chatter; the store is `MLFLOW_TRACKING_URI` or SQLite here."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # MLflow's own seven retries keep the user waiting four minutes for a server that is down.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    # MLflow's own hints about API use are not for the user of this package.
    warnings.filterwarnings("ignore", module=r"mlflow\..*")
    import mlflow

    for name in ("mlflow", "alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow


def check(section: TrackingSection) -> None:
    """Open the store and the experiment; raises `UserError` if that fails."""
    mlflow = quiet_mlflow()
    uri = mlflow.get_tracking_uri()
    try:
        experiment = mlflow.set_experiment(section.experiment)
    except store_errors() as error:
        raise UserError(store_problem(uri, error)) from error
    if experiment.lifecycle_stage != "active":
        raise UserError(f"experiment {section.experiment!r} is deleted; restore it or set tracking.experiment")


def log_training(outcome: TrainResult, config_path: str) -> TrainResult:
    """Log a training run (one parent, one child a model), register its filter."""
    mlflow = quiet_mlflow()
    section = outcome.config.tracking
    try:
        mlflow.set_experiment(section.experiment)
        with mlflow.start_run(run_name=section.run_name or _run_name(outcome)) as run:
            _log_parent(mlflow, outcome, config_path)
            _log_predictions(mlflow, outcome, run)
            for results in outcome.results.values():
                for result in results:
                    _log_child(mlflow, outcome, result, config_path)
            model = _log_model(mlflow, outcome)
            version, promoted, reason = _register(mlflow, outcome, model)
    except store_errors() as error:
        raise UserError(store_problem(mlflow.get_tracking_uri(), error)) from error
    uri = f"models:/{section.registered_model}/{version}" if version else None
    logged = LoggedRun(
        run.info.run_id, run.info.experiment_id, run.info.run_name, mlflow.get_tracking_uri(), uri, promoted, reason
    )
    return replace(outcome, run=logged)


def load_filter(uri_or_dir: str | None = None) -> PageFilter:
    """A filter from a folder, `runs:/ID/model`, `models:/NAME@ALIAS` or `models:/NAME/VERSION`.

    None means the champion. Raises `UserError` if it cannot be found.
    """
    return PageFilter.load(find_filter(uri_or_dir))


def find_filter(uri_or_dir: str | None = None) -> Path:
    """The local folder of a filter, as `load_filter` names it; remote ones are downloaded."""
    uri = uri_or_dir or DEFAULT_MODEL
    if "://" not in uri and not uri.startswith(("models:/", "runs:/", "mlflow-artifacts:/")):
        folder = Path(uri)
        return next(
            (f for f in (folder, folder / "artifacts" / "filter", folder / "filter") if (f / "filter.json").is_file()), folder
        )
    mlflow = quiet_mlflow()
    try:
        if uri.startswith("models:/"):
            _check_registered(mlflow, uri)
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except store_errors() as error:
        text = str(error).splitlines()[0]
        if "not found" in text.lower() or "does not exist" in text.lower() or "RESOURCE_DOES_NOT_EXIST" in str(error):
            raise UserError(
                f"no model {uri} in {mlflow.get_tracking_uri()}; train one: clfnews train configs/base.yaml"
            ) from error
        raise UserError(store_problem(mlflow.get_tracking_uri(), error)) from error
    return folder / "artifacts" / "filter"


def _check_registered(mlflow: Any, uri: str) -> None:
    """Ask for the version first: its error is clear and comes before any copying."""
    name = uri.removeprefix("models:/")
    client = mlflow.MlflowClient()
    if "@" in name:
        client.get_model_version_by_alias(*name.split("@", 1))
    elif "/" in name:
        client.get_model_version(*name.split("/", 1))


def store_errors() -> tuple[type[Exception], ...]:
    """What MLflow and SQLAlchemy raise when a store is missing, locked, broken or full, or its driver is not installed."""
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, OSError, ImportError, requests.RequestException)


def store_problem(uri: str, error: Exception) -> str:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return f"tracking store {uri} cannot be used: {first[:300]}; check MLFLOW_TRACKING_URI"


# --- logging ------------------------------------------------------------------


def _run_name(outcome: TrainResult) -> str:
    """The facts that tell one run from another in a list: champions and test scores."""
    parts = []
    for task, result in outcome.champions.items():
        metric = HEADLINE[task]
        parts.append(f"{task} {result.name} {result.test.values[metric]:.3f}")
    return " | ".join(parts) + f" | {len(outcome.splits['type'].train)} pages"


def _tags(outcome: TrainResult, config_path: str) -> dict[str, str]:
    splits = outcome.splits
    return {
        "clfnews.version": __version__,
        "clfnews.config": config_path,
        "clfnews.git_commit": _git_commit(),
        "clfnews.data_hash": splits["type"].train.digest + splits["stance"].train.digest,
        "clfnews.test_hash": splits["type"].test.digest + splits["stance"].test.digest,
    }


def _git_commit() -> str:
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def _log_parent(mlflow: Any, outcome: TrainResult, config_path: str) -> None:
    from clfnews import report

    config = outcome.config
    mlflow.set_tags(_tags(outcome, config_path) | {"clfnews.kind": "train"})
    parameters = _flat(config.model_dump(exclude={"tracking"}))
    for task, result in outcome.champions.items():
        parameters[f"{task}.champion"] = result.name
    mlflow.log_params({key: str(value) for key, value in parameters.items()})
    metrics: dict[str, float] = {}
    for result in outcome.champions.values():
        metrics |= _metrics(result)
    mlflow.log_metrics(metrics | outcome.end_to_end.flat())
    for task, splits in outcome.splits.items():
        for part, context in (("train", "train"), ("validation", "validation"), ("test", "test")):
            corpus = getattr(splits, part)
            if corpus is not None:
                mlflow.log_input(_dataset(mlflow, corpus), context=f"{context} ({task})")
    mlflow.log_dict(config.model_dump(mode="json"), "config.yaml")
    if Path(config_path).is_file():
        mlflow.log_artifact(config_path, "source")
    mlflow.log_text(report.markdown(outcome), "report.md")
    for task, results in outcome.results.items():
        mlflow.log_table(report.table_rows(results), f"tables/{task}.json")


def _log_predictions(mlflow: Any, outcome: TrainResult, run: Any) -> None:
    """What every model predicted, so that runs can be compared, and the page that shows it."""
    from clfnews import predictions
    from clfnews.htmlreport import render

    parts = predictions.parts_of(outcome)
    metrics = {(task, r.name): _metrics(r) for task, results in outcome.results.items() for r in results}
    champions = {task: result.name for task, result in outcome.champions.items()}
    params = {key: str(value) for key, value in _flat(outcome.config.model_dump(exclude={"tracking"})).items()}
    data = predictions.RunData(run.info.run_id, run.info.run_name, params, _tags(outcome, ""), champions, metrics, parts)
    with tempfile.TemporaryDirectory() as folder:
        predictions.write_parts(Path(folder), parts)
        (Path(folder) / "report.html").write_text(render(data), encoding="utf-8")
        mlflow.log_artifacts(folder)


def _log_child(mlflow: Any, outcome: TrainResult, result: Result, config_path: str) -> None:
    from clfnews import report

    metric = HEADLINE[result.task]
    name = f"{result.task} {result.name} {result.test.values[metric]:.3f}"
    with mlflow.start_run(run_name=name, nested=True):
        champion = outcome.champions[result.task] is result
        tags = {"task": result.task, "model": result.name, "champion": str(champion).lower(), "clfnews.kind": "model"}
        mlflow.set_tags(_tags(outcome, config_path) | tags)
        options = {key: str(value) for key, value in result.fitted.options.items()}
        splits = outcome.splits[result.task]
        shared = {"task": result.task, "model": result.name, "folds": outcome.config.folds, "train_data": splits.train.digest}
        mlflow.log_params(shared | options)
        mlflow.log_metrics(_metrics(result))
        mlflow.log_input(_dataset(mlflow, splits.train), context="train")
        mlflow.log_input(_dataset(mlflow, splits.test), context="test")
        for file, figure in report.figures(splits, result).items():
            mlflow.log_figure(figure, f"figures/{file}")


def _metrics(result: Result) -> dict[str, float]:
    """Test scores under their own names, others under `TASK_oof/` and `TASK_validation/`."""
    out = result.test.flat()
    for part in ("oof", "validation"):
        scores: Scores | None = getattr(result, part)
        if scores is not None:
            out |= {name.replace("/", f"_{part}/", 1): value for name, value in scores.values.items()}
    cost = {"train_seconds": result.seconds, "model_mb": result.size / 1e6, "temperature": result.fitted.temperature}
    if result.task == "type":
        cost["threshold"] = result.threshold
    return out | {f"{result.task}_model/{name}": value for name, value in cost.items()}


def _dataset(mlflow: Any, corpus: Any) -> Any:
    import numpy as np

    shape = np.array([[len(page.lines)] for page in corpus.pages])
    return mlflow.data.from_numpy(shape, name=corpus.name, digest=corpus.digest)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[f"{prefix}{key}"] = value
    return out


# --- the packaged model ---------------------------------------------------------


def _log_model(mlflow: Any, outcome: TrainResult) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    import clfnews

    package = Path(clfnews.__file__).parent
    optional = [ColSpec("string", name, required=False) for name in ("id", "url")]
    inputs = Schema([ColSpec("string", "text"), *optional])
    outputs = Schema(
        [
            *(ColSpec("string", name) for name in ("title", "text", "stance")),
            *(ColSpec("double", name) for name in ("p_conciliatory", "p_hostile", "p_neutral", "confidence")),
            ColSpec("string", "lines"),
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        outcome.page_filter.save(Path(folder) / "filter")
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(package / "packaged.py"),
            artifacts={"filter": str(Path(folder) / "filter")},
            code_paths=[str(package)],
            signature=ModelSignature(inputs, outputs),
            pip_requirements=_pinned(REQUIREMENTS),
        )


def _pinned(names: list[str]) -> list[str]:
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in names]


def _register(mlflow: Any, outcome: TrainResult, model: Any) -> tuple[str | None, bool, str]:
    """Register the model; move the alias if it beats the present champion on validation."""
    name = outcome.config.tracking.registered_model
    if name is None:
        return None, False, "tracking.registered_model is null"
    client = mlflow.MlflowClient()
    # What MLflow prints here stands in the table of results too.
    with contextlib.redirect_stderr(io.StringIO()):
        version = mlflow.register_model(model.model_uri, name).version
    from mlflow.exceptions import MlflowException

    try:
        present = client.get_model_version_by_alias(name, ALIAS)
    except MlflowException:
        present = None
    promoted, reason = _is_better(outcome, f"models:/{name}/{present.version}" if present else None)
    if promoted:
        client.set_registered_model_alias(name, ALIAS, version)
    return str(version), promoted, reason


def _is_better(outcome: TrainResult, present: str | None) -> tuple[bool, str]:
    """Whether the new filter beats the champion, both scored now on the same pages.

    The pages are the validation split, or train (the new one out of fold) if
    there is none. The sum of both tasks' headline scores decides.
    """
    if present is None:
        return True, "there was no champion"
    try:
        old = load_filter(present)
    except UserError as error:
        return True, f"the old champion cannot be loaded ({error})"
    new_sum = old_sum = 0.0
    for task, result in outcome.champions.items():
        splits = outcome.splits[task]
        corpus = splits.validation or splits.test
        fitted = old.type_task if task == "type" else old.stance_task
        p = fitted.predict(corpus.pages)
        scores = score_type(corpus, p, old.threshold) if task == "type" else score_stance(corpus, p)
        old_sum += scores.values[HEADLINE[task]]
        new_sum += (result.validation or result.test).values[HEADLINE[task]]
    better = new_sum > old_sum
    return better, f"{new_sum / 2:.4f} {'>' if better else 'is not above'} {old_sum / 2:.4f} of {present} on the same pages"


# --- the UI ---------------------------------------------------------------------


def serve_ui(experiment: str, port: int, echo: Any) -> int:
    """Run the MLflow UI until it is stopped; returns its exit code.

    The link opens the run list in the machine-learning view (the plain
    experiment page opens a view for language-model traces) with the headline
    metrics as columns.
    """
    mlflow = quiet_mlflow()
    uri = mlflow.get_tracking_uri()
    try:
        found = mlflow.get_experiment_by_name(experiment)
    except store_errors() as error:
        raise UserError(store_problem(uri, error)) from error
    if found is None:
        raise UserError(f"no experiment {experiment!r} in {uri}; train first: clfnews train configs/base.yaml")
    if uri.startswith(("http://", "https://")):
        echo(f"runs: {uri}/{run_list(found.experiment_id)}")
        return 0
    echo(f"runs: http://127.0.0.1:{port}/{run_list(found.experiment_id)}")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", uri]
    # For one reader: without MLflow's four workers and its job runners it starts several times as fast.
    command += ["--workers", "1"]
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 0


def run_list(experiment_id: str) -> str:
    """The part of the UI's address that opens an experiment's run list."""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning"
