"""MLflow: the store where runs and models are kept, opened without a trace in the process around it.

The default store is the SQLite file `mlflow.db` of the current folder (or of a folder above it, up to the root of a git
repository, that has one), with the files of its runs in `mlruns` beside it. With `registry`, `promotion`, `log`, `runs`,
`ui` and `pyfunc` the only user of mlflow.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from clfnews.errors import UserError
from clfnews.tracking.moved import follow_move

if TYPE_CHECKING:
    from clfnews.config.schema import TrackingSection

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # MLflow's own seven retries keep the user waiting four minutes for a server that is down.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
}
"""Of MLflow in our hands, unless the environment says otherwise."""
STORE = "mlflow.db"
"""Name of the file of the default store."""
_LOGGERS = ("mlflow", "alembic", "mlflow.store.db.utils")
LOCK_SECONDS = 600.0
"""How long a training waits for another one that makes the store or registers its model."""
ANOTHER_MLFLOW = re.compile(r"out-of-date database schema|Can't locate revision")
"""What MLflow and Alembic say of a store of another version of MLflow."""


@contextmanager
def open_store(*, make: bool = False) -> Iterator[Any]:
    """The module mlflow on the store in use: `MLFLOW_TRACKING_URI`, else `mlflow.db` here.

    Afterwards environment, log levels, warnings and MLflow's address of the
    store are as before. `make`: a SQLite store that is not there is made; else
    asking it is an error (`missing_store`). Raises `UserError`, in one line, for
    all that a store can answer wrongly: that it is missing, locked, broken or full.
    """
    named = "MLFLOW_TRACKING_URI" in os.environ
    added = {key: value for key, value in SETTINGS.items() if key not in os.environ}
    os.environ.update(added)
    try:
        import mlflow

        with warnings.catch_warnings(), _silent(), _default_address(mlflow):
            # MLflow's own hints about API use are not for the user of this package.
            warnings.filterwarnings("ignore", module=r"mlflow\..*")
            uri = str(mlflow.get_tracking_uri())
            try:
                file = sqlite_file(uri)
                if make and file:
                    _make(mlflow, file)
                if file and _holds_something(file):
                    follow_move(file)
                yield mlflow
            except store_errors() as error:
                raise UserError(store_problem(uri, error, named)) from error
    finally:
        for key in added:
            os.environ.pop(key, None)


@contextmanager
def _silent() -> Iterator[None]:
    """MLflow logs its errors with a traceback, and raises them as well."""
    before = [(logger, logger.level) for logger in map(logging.getLogger, _LOGGERS)]
    try:
        for logger, _ in before:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)


@contextmanager
def _default_address(mlflow: Any) -> Iterator[None]:
    """The default store by a path that SQLite opens: MLflow's own address writes a space as %20, which makes another folder."""
    if mlflow.tracking.is_tracking_uri_set() or not mlflow.get_tracking_uri().startswith("sqlite:"):
        yield
        return
    folder = default_folder()
    if "?" in str(folder):
        raise UserError(f"{folder}: the name of a folder with a store cannot hold a question mark; set MLFLOW_TRACKING_URI")
    if folder != Path.cwd():
        tell_found(folder / STORE)
    address = sqlite_uri(folder / STORE)
    mlflow.set_tracking_uri(address)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)
        stray = Path(address.removeprefix("sqlite:///")).parent
        if stray != folder:  # MLflow makes the folder that an address would be without its escapes
            with suppress(OSError):
                stray.rmdir()


def default_folder() -> Path:
    """The folder of the store where none is named: this one, or one above it, up to a git root, that has one."""
    here = Path.cwd()
    above = [here, *here.parents]
    root = next((i for i, folder in enumerate(above) if (folder / ".git").exists()), 0)
    return next((folder for folder in above[: root + 1] if _holds_something(folder / STORE)), here)


@cache  # once a process
def tell_found(file: Path) -> None:
    """Say on standard error that a store above the current folder is used."""
    logging.getLogger("clfnews").warning(f"clfnews: the store in use is {file}")


def sqlite_uri(file: Path) -> str:
    """The address of a SQLite store: `%` before two hexadecimal digits would be read as another character."""
    return f"sqlite:///{re.sub('%(?=[0-9a-fA-F]{2})', '%25', str(file))}"


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store; None for stores of other kinds."""
    path = unquote(uri.removeprefix("sqlite:///").partition("?")[0])
    return Path(path) if uri.startswith("sqlite:///") and path not in ("", ":memory:") else None


def missing_store(mlflow: Any) -> str | None:
    """The store's URI if it is a SQLite file that is not there: asking it would make an empty one."""
    store = str(mlflow.get_tracking_uri())
    file = sqlite_file(store)
    return store if file and not _holds_something(file) else None


def may_have_store() -> bool:
    """Whether there may be a store in use, found out without importing mlflow: it is named, set, or files here look like one."""
    named = any(os.environ.get(f"MLFLOW_{kind}_URI") for kind in ("TRACKING", "REGISTRY")) or "mlflow" in sys.modules
    return named or _holds_something(default_folder() / STORE) or Path("mlruns").is_dir()


def _holds_something(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0


def locked(mlflow: Any) -> AbstractContextManager[Any]:
    """What two trainings may not do at once; MLflow servers see to it themselves."""
    file = sqlite_file(str(mlflow.get_tracking_uri()))
    return _lock(file) if file else nullcontext()


def _lock(file: Path) -> AbstractContextManager[Any]:
    from filelock import FileLock

    return FileLock(file.with_name(f".{file.name}.lock"), timeout=LOCK_SECONDS, is_singleton=True)


def _make(mlflow: Any, file: Path) -> None:
    """Make a store in a temporary file that takes its name when it is whole: it takes seconds, and may be killed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if _holds_something(file):
        return
    with _lock(file):
        if _holds_something(file):  # made while we waited
            return
        new = file.with_name(f".{file.name}.new")
        for left in file.parent.glob(f"{new.name}*"):  # by one that was killed
            left.unlink()
        mlflow.MlflowClient(tracking_uri=sqlite_uri(new)).search_experiments(max_results=1)
        new.replace(file)


def check(section: TrackingSection) -> None:
    """Make or open the store and the experiment, and close the runs of trainings that were killed.

    Raises `UserError` if that fails.
    """
    from clfnews.tracking.killed import close_killed_runs

    with open_store(make=True) as mlflow, locked(mlflow):
        experiment = find_experiment(mlflow, section.experiment)
        _prepare(mlflow, experiment)
        close_killed_runs(mlflow.MlflowClient(), experiment.experiment_id)


def find_experiment(mlflow: Any, name: str) -> Any:
    """The experiment, made if it is not there; raises `UserError` if it was deleted."""
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        experiment = client.get_experiment(client.create_experiment(name, artifact_location=_files_of(mlflow, name)))
    if experiment.lifecycle_stage != "active":
        raise UserError(f"experiment {name!r} is deleted; restore it or set tracking.experiment")
    return experiment


def _files_of(mlflow: Any, name: str) -> str | None:
    """Where the files of an experiment go: beside a SQLite store, else where the server wants them.

    As a `file:` address: MLflow takes a bare path with a # or % for something else.
    """
    file = sqlite_file(str(mlflow.get_tracking_uri()))
    safe = re.sub(r"\W+", "-", name).strip("-")[:60] or "experiment"
    return (file.absolute().parent / "mlruns" / safe).as_uri() if file else None


def _prepare(mlflow: Any, experiment: Any) -> None:
    """Give the experiment what its page in the UI needs."""
    from clfnews.tracking.views import experiment_tags

    for key, value in experiment_tags(experiment.creation_time or 0).items():
        if experiment.tags.get(key) != value:
            mlflow.MlflowClient().set_experiment_tag(experiment.experiment_id, key, value)


def store_errors() -> tuple[type[Exception], ...]:
    """What MLflow and what it stands on raise when a store is missing, locked, broken or full, or its driver is not installed."""
    import sqlite3

    import requests
    from alembic.util.exc import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError, ImportError, requests.RequestException)


def store_problem(uri: str, error: Exception, named: bool) -> str:
    """One line: which store, what it said, what to do; `named`: whether MLFLOW_TRACKING_URI says which."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    if ANOTHER_MLFLOW.search(first):
        first = first.partition(". ")[0]
        todo = f"it is of another version of MLflow; keep a copy of it, and run: mlflow db upgrade '{uri}'"
    elif re.search("no such (table|column)|already exists", first):
        todo = "it is not whole, as one whose making was stopped; if it has no runs yet, delete it"
    elif re.search("is locked|file lock", first):
        todo = "another program holds it; try again"
    else:
        todo = "check MLFLOW_TRACKING_URI" if named else "is this the folder of the training? else set MLFLOW_TRACKING_URI"
    return f"tracking store {uri} cannot be used: {first[:300]}; {todo}"
