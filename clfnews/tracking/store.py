"""MLflow: where runs and models are kept. With `packaged.py` the only user of mlflow."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.errors import UserError

if TYPE_CHECKING:
    from clfnews.config.schema import TrackingSection


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
    from clfnews.tracking.views import experiment_tags

    for key, value in experiment_tags(experiment.creation_time or 0).items():
        if experiment.tags.get(key) != value:
            mlflow.MlflowClient().set_experiment_tag(experiment.experiment_id, key, value)


def missing_store(mlflow: Any) -> str | None:
    """The store's URI if it is a SQLite file that is not there: asking it would make an empty one."""
    store = str(mlflow.get_tracking_uri())
    there = not store.startswith("sqlite:///") or Path(store.removeprefix("sqlite:///")).is_file()
    return None if there else store


def store_errors() -> tuple[type[Exception], ...]:
    """What MLflow and SQLAlchemy raise when a store is missing, locked, broken or full, or its driver is not installed."""
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, OSError, ImportError, requests.RequestException)


def store_problem(uri: str, error: Exception) -> str:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return f"tracking store {uri} cannot be used: {first[:300]}; check MLFLOW_TRACKING_URI"
