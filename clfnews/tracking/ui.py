"""The MLflow UI on the store that training uses."""

from __future__ import annotations

import errno
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from clfnews.errors import UserError
from clfnews.processes import safe_environment
from clfnews.tracking.store import SETTINGS, missing_store, open_store
from clfnews.tracking.views import run_list


def serve_ui(experiment: str, host: str, port: int, echo: Callable[[str], object]) -> int:
    """Run the MLflow UI until it is stopped; returns its exit code.

    The link opens the run list with the headline metrics as columns.
    """
    with open_store() as mlflow:
        uri = mlflow.get_tracking_uri()
        found = None if missing_store(mlflow) else mlflow.get_experiment_by_name(experiment)
    if found is None:
        raise UserError(f"no experiment {experiment!r} in {uri}; train first: clfnews train configs/base.yaml")
    if uri.startswith(("http://", "https://")):
        echo(f"runs: {uri}/{run_list(found.experiment_id)}")
        return 0
    _check_free(host, port)
    echo(f"runs: http://{_named(host)}:{port}/{run_list(found.experiment_id)}")
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--backend-store-uri", uri]
    # For one reader: without MLflow's four workers and its job runners it starts several times as fast.
    command += ["--workers", "1"]
    # The server finds its own modules first, whatever lies in the current folder: uvicorn looks in `APP_DIR` before all others.
    modules = str(Path(mlflow.__file__).parents[1])
    settings = {**SETTINGS, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    server = subprocess.Popen(command, env=settings | safe_environment() | {"UVICORN_APP_DIR": modules})
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        stopped.append(number)
        server.terminate()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    watched = signal.set_wakeup_fd(-1)  # the server may take its time to end
    try:
        code = server.wait()
    finally:
        signal.set_wakeup_fd(watched)
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0 if stopped else code


def _named(host: str) -> str:
    """The address as it is opened in a browser on this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)


def _check_free(host: str, port: int) -> None:
    """Raise `UserError` if the port is taken; the server itself says so late and in passing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise UserError(f"--host {host}: not an address of this machine ({error.strerror}); such as 127.0.0.1") from error
            raise UserError(
                f"--port {port}: cannot be used ({error.strerror}); give another, such as --port {port + 1}"
            ) from error
