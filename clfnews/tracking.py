"""MLflow: where runs and models are kept. With `packaged.py` the only user of mlflow."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.errors import UserError
from clfnews.evaluate import HEADLINE, score_stance, score_type
from clfnews.filter import PageFilter

if TYPE_CHECKING:
    from clfnews.config import TrackingSection
    from clfnews.train import TrainResult

DEFAULT_MODEL = "models:/clfnews@champion"
ALIAS = "champion"
_LOGGED_MODEL = re.compile(r"models:/m-[0-9a-f]{32}")
"""What MLflow calls a model of a run that is not registered."""
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
        if experiment.lifecycle_stage == "active":
            _prepare(mlflow, experiment)
    except store_errors() as error:
        raise UserError(store_problem(uri, error)) from error
    if experiment.lifecycle_stage != "active":
        raise UserError(f"experiment {section.experiment!r} is deleted; restore it or set tracking.experiment")


def _prepare(mlflow: Any, experiment: Any) -> None:
    """Give the experiment what its page in the UI needs."""
    from clfnews.views import experiment_tags

    for key, value in experiment_tags(experiment.creation_time or 0).items():
        if experiment.tags.get(key) != value:
            mlflow.MlflowClient().set_experiment_tag(experiment.experiment_id, key, value)


def log_training(outcome: TrainResult, config_path: str, started: float) -> TrainResult:
    """Log a training run (one parent, one child a model), register its filter.

    `started`: when the training began, in seconds since 1970; the run's duration counts from there.
    """
    mlflow = quiet_mlflow()
    section = outcome.config.tracking
    from clfnews import runlog

    try:
        experiment = mlflow.set_experiment(section.experiment)
        earlier = mlflow.MlflowClient().search_runs([experiment.experiment_id], "tags.`clfnews.kind` = 'train'")
        colour = runlog.COLOURS[len(earlier) % len(runlog.COLOURS)]
        tags = runlog.tags_of(outcome, config_path)
        name = section.run_name or runlog.run_name(outcome)
        with mlflow.start_run(run_id=_create_run(mlflow, experiment.experiment_id, name, started)) as run:
            runlog.log_parent(mlflow, outcome, tags, colour)
            runlog.log_predictions(mlflow, outcome, tags, run)
            for results in outcome.results.values():
                for result in results:
                    runlog.log_child(mlflow, outcome, result, tags, run.info.run_name)
            model = _log_model(mlflow, outcome)
            version, promoted, reason = _register(mlflow, outcome, model)
    except store_errors() as error:
        raise UserError(store_problem(mlflow.get_tracking_uri(), error)) from error
    uri = f"models:/{section.registered_model}/{version}" if version else None
    logged = LoggedRun(
        run.info.run_id, run.info.experiment_id, run.info.run_name, mlflow.get_tracking_uri(), uri, promoted, reason
    )
    return replace(outcome, run=logged)


def _create_run(mlflow: Any, experiment_id: str, name: str, started: float) -> str:
    """The id of a new run that began before now, with the tags (user, source) that MLflow gives runs by itself."""
    from mlflow.tracking.context.registry import resolve_tags

    client = mlflow.MlflowClient()
    run = client.create_run(experiment_id, start_time=int(started * 1000), tags=resolve_tags(), run_name=name)
    return str(run.info.run_id)


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
    store = missing_store(mlflow)
    if store:
        raise UserError(
            f"no model {uri}: there is no store {store}; train one (clfnews train CONFIG), or name the store of a training "
            "(MLFLOW_TRACKING_URI=sqlite:////FOLDER/mlflow.db) or the folder of a model (--model)"
        )
    try:
        if uri.startswith("models:/") and not _LOGGED_MODEL.fullmatch(uri):
            # Asked first: the error is clear, and comes before any copying.
            registered_version(mlflow, uri)
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except store_errors() as error:
        text = str(error).splitlines()[0]
        if "not found" in text.lower() or "does not exist" in text.lower() or "RESOURCE_DOES_NOT_EXIST" in str(error):
            raise UserError(
                f"no model {uri} in {mlflow.get_tracking_uri()}; train one: clfnews train configs/base.yaml"
            ) from error
        raise UserError(store_problem(mlflow.get_tracking_uri(), error)) from error
    return folder / "artifacts" / "filter"


def missing_store(mlflow: Any) -> str | None:
    """The store's URI if it is a SQLite file that is not there: asking it would make an empty one."""
    store = str(mlflow.get_tracking_uri())
    there = not store.startswith("sqlite:///") or Path(store.removeprefix("sqlite:///")).is_file()
    return None if there else store


def registered_version(mlflow: Any, uri: str) -> Any:
    """The model version of `models:/NAME/VERSION` or `models:/NAME@ALIAS`.

    Raises `UserError` that names the versions there are.
    """
    name, sign, which = uri.removeprefix("models:/").replace("@", "/@").partition("/")
    if not sign:
        raise UserError(f"{uri}: no version is given; models:/{name}@{ALIAS} is the champion, models:/{name}/1 a version")
    if missing_store(mlflow):
        raise UserError(f"no model {uri}: there is no store {missing_store(mlflow)}; train one: clfnews train CONFIG")
    client = mlflow.MlflowClient()
    try:
        return client.get_model_version_by_alias(name, which[1:]) if which[:1] == "@" else client.get_model_version(name, which)
    except mlflow.exceptions.MlflowException as error:
        where = f"no model {uri} in {mlflow.get_tracking_uri()}"
        known = sorted((int(v.version) for v in client.search_model_versions() if v.name == name), reverse=True)
        if not known:
            raise UserError(f"{where}; train one: clfnews train configs/base.yaml") from error
        said = f"{name} has version{'s' * (len(known) > 1)} {', '.join(map(str, known[:10]))}"
        if which == f"@{ALIAS}":
            raise UserError(f"{where}: {said} but no {ALIAS}; choose one: clfnews promote models:/{name}/{known[0]}") from error
        raise UserError(f"{where}: {said}") from error


def store_errors() -> tuple[type[Exception], ...]:
    """What MLflow and SQLAlchemy raise when a store is missing, locked, broken or full, or its driver is not installed."""
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, OSError, ImportError, requests.RequestException)


def store_problem(uri: str, error: Exception) -> str:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return f"tracking store {uri} cannot be used: {first[:300]}; check MLFLOW_TRACKING_URI"


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
    """Register the model; move the alias if it beats the present champion on validation, and may."""
    name = outcome.config.tracking.registered_model
    if name is None:
        return None, False, "tracking.registered_model is null"
    client = mlflow.MlflowClient()
    # What MLflow prints here stands in the table of results too.
    with contextlib.redirect_stderr(io.StringIO()):
        version = mlflow.register_model(model.model_uri, name).version
    client.update_model_version(name, version, description=outcome.page_filter.card())
    if not outcome.config.tracking.promote:
        return str(version), False, f"tracking.promote is false; to move it: clfnews promote models:/{name}/{version}"
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

    The pages are the validation split, or train if there is none: the new one
    out of fold, the old one at its best, since it may have learnt from them.
    The mean of the tasks' headline scores decides; a filter without a stance
    model never takes the place of one that has it.
    """
    if present is None:
        return True, "there was no champion"
    try:
        old = load_filter(present)
    except UserError as error:
        return True, f"the old champion cannot be loaded ({error})"
    if old.stance_task is not None and "stance" not in outcome.champions:
        return False, f"it has no stance model, and {present} has one"
    new, before, told = [], [], []
    for task, result in outcome.champions.items():
        splits = outcome.splits[task]
        corpus = splits.validation or splits.train
        fitted = old.type_task if task == "type" else old.stance_task
        if fitted is None:
            continue
        p = fitted.predict(corpus.pages)
        scores = score_type(corpus, p, old.threshold) if task == "type" else score_stance(corpus, p)
        before.append(scores.values[HEADLINE[task]])
        new.append((result.validation or result.oof).values[HEADLINE[task]])
        title = "article F1" if task == "type" else "stance macro-F1"
        told.append(f"{'validation' if result.validation else 'out-of-fold'} {title}")
    score, old_score = sum(new) / len(new), sum(before) / len(before)
    better = score > old_score
    names, sign = " and ".join(told), ">" if better else "is not above"
    names = names.replace("and validation ", "and ") if all(name.startswith("validation") for name in told) else names
    return better, f"{'mean of ' * (len(told) > 1)}{names}: {score:.4f} {sign} {old_score:.4f} of {present} on the same pages"
