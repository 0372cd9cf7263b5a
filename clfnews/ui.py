"""The MLflow UI on the store that training uses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from clfnews.errors import UserError
from clfnews.tracking import quiet_mlflow, store_errors, store_problem
from clfnews.views import run_list


def serve_ui(experiment: str, port: int, echo: Callable[[str], object]) -> int:
    """Run the MLflow UI until it is stopped; returns its exit code.

    The link opens the run list with the headline metrics as columns.
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
