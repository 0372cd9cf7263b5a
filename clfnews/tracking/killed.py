"""Runs whose training was killed: MLflow leaves them as running for ever."""

from __future__ import annotations

import os
import socket
from typing import Any

PROCESS = "clfnews.process"
"""Tag of every run: host, process id and when that process began (seconds since 1970)."""


def process_tag() -> dict[str, str]:
    """The tag that tells which process logs a run."""
    import psutil

    return {PROCESS: f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.0f}"}


def close_killed_runs(client: Any, experiment_id: str) -> None:
    """Mark runs as killed whose process is gone; those of other machines, and of no known process, are left alone."""
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        if _is_gone(run.data.tags.get(PROCESS, "")):
            client.set_terminated(run.info.run_id, "KILLED")


def _is_gone(mark: str) -> bool:
    import psutil

    host, _, of_process = mark.rpartition(" ")[0].rpartition(" ")
    began = mark.rpartition(" ")[2]
    if host != socket.gethostname() or not of_process.isdigit() or not began.isdigit():
        return False
    try:
        return bool(abs(psutil.Process(int(of_process)).create_time() - int(began)) > 1)
    except psutil.NoSuchProcess:
        return True
