"""The store: made once, found again after a move, failing in one line, and closed to half-known champions."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sqlite3
import sys
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers import SEED_PAGE, Cli, Project, started, tiny_config, wait_for

import clfnews
from clfnews.config.schema import Config, TrackingSection
from clfnews.errors import UserError
from clfnews.page import Page
from clfnews.tracking.find import find_filter
from clfnews.tracking.killed import PROCESS, process_tag
from clfnews.tracking.runs import list_runs, load_run, promote
from clfnews.tracking.store import check, open_store
from clfnews.training.train import train

pytestmark = pytest.mark.slow

MAKE_STORE = [
    sys.executable, "-c",
    "from clfnews.config.schema import TrackingSection; from clfnews.tracking.store import check; check(TrackingSection())",
]  # fmt: skip


def rules_only(**changes: Any) -> Config:
    """A configuration whose models need no training."""
    values = tiny_config(**changes)
    for task, name in (("type", "rules"), ("stance", "lexicon")):
        values[task]["models"] = dict.fromkeys(values[task]["models"]) | {name: {}}
    return Config.model_validate(values)


def run_sql(store: Path, *statements: str) -> None:
    with closing(sqlite3.connect(store)) as database, database:
        for statement in statements:
            database.execute(statement)


@pytest.fixture
def copied(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The session's project in another folder, as if it had been moved there; the store in use, found by itself."""
    folder = Path(shutil.copytree(project.untouched, tmp_path / "chỗ mới # 2% a%20b"))
    for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"),
                          ("model_versions", "storage_location")):  # fmt: skip
        run_sql(folder / "mlflow.db", f"UPDATE {table} SET {column} = replace({column}, '/project', '/gone-project')")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(folder)
    return folder


# --- making it -------------------------------------------------------------------------


@pytest.mark.slow
def test_two_trainings_at_once_make_one_store(tmp_path: Path) -> None:
    with started(*MAKE_STORE, cwd=tmp_path) as a, started(*MAKE_STORE, cwd=tmp_path) as b:
        for process in (a, b):
            _, err = process.communicate(timeout=300)
            assert (process.returncode, err) == (0, b"")
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}


@pytest.mark.slow
def test_a_store_whose_making_was_killed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = tmp_path / ".mlflow.db.new"
    with started(*MAKE_STORE, cwd=tmp_path) as process:
        wait_for(lambda: new.exists() and new.stat().st_size > 100_000, "the first tables")
        process.kill()
        process.wait(30)
    assert new.exists() and not (tmp_path / "mlflow.db").exists()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    check(TrackingSection())
    assert list_runs() == []
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}


# --- finding it ------------------------------------------------------------------------


def test_a_project_that_was_moved_works_on(copied: Path, registered: str) -> None:
    before = list_runs()
    assert [row.version for row in before if row.champion] == [registered]
    assert load_run("last").parts and find_filter().folder.is_relative_to(copied)
    outcome = train(rules_only())
    assert outcome.run is not None and len(list_runs()) == len(before) + 1
    with open_store() as mlflow:
        files = mlflow.get_run(outcome.run.run_id).info.artifact_uri
    assert files.startswith(f"{copied.as_uri()}/mlruns/"), "new runs go to the new place"
    assert not any("gone-project" in str(path) for path in copied.parent.parent.glob("*/*"))
    assert list(copied.parent.iterdir()) == [copied], "no folder of another reading of its name"


def test_files_that_are_gone_are_named(copied: Path) -> None:
    list_runs()
    shutil.rmtree(copied / "mlruns")
    for ask in (clfnews.load, lambda: load_run("last")):
        with pytest.raises(UserError, match=r"files were in .*mlruns.*; they are not there") as error:
            ask()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda file: file.write_text("no database\n"), "file is not a database"),
        (lambda file: os.truncate(file, 300_000), "malformed"),
        (lambda file: run_sql(file, "DROP TABLE runs"), "it is not whole"),
        (lambda file: run_sql(file, "UPDATE alembic_version SET version_num = '451aebb31d03'"), "of another version of MLflow"),
        (lambda file: run_sql(file, "UPDATE alembic_version SET version_num = 'ff00'"), "of another version of MLflow"),
    ],
)
def test_a_store_that_is_broken_or_old_is_one_line(damage: Callable[[Path], object], said: str, copied: Path, cli: Cli) -> None:
    damage(copied / "mlflow.db")
    done = cli("runs", cwd=copied)
    assert (done.code, done.out) == (2, "")
    assert done.error.startswith("clfnews: tracking store sqlite:///") and said in done.error


def test_an_empty_file_is_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlflow.db").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with pytest.raises(UserError, match="no runs: there is no store"):
        list_runs()
    assert (tmp_path / "mlflow.db").stat().st_size == 0


def test_a_store_above_is_found_up_to_the_root_of_the_repository(copied: Path, cli: Cli) -> None:
    inside = copied / "notes" / "deep"
    inside.mkdir(parents=True)
    lost = cli("runs", cwd=inside)
    assert lost.code == 2 and "there is no store" in lost.err, "no repository: what is above is not looked at"
    (copied / ".git").mkdir()
    found = cli("runs", cwd=inside)
    assert found.code == 0 and found.err == f"clfnews: the store in use is {copied / 'mlflow.db'}\n"


# --- what fails late ---------------------------------------------------------------------


def test_a_champion_that_cannot_be_loaded_keeps_its_place(copied: Path, registered: str) -> None:
    list_runs()
    for models in copied.glob("mlruns/*/models"):
        models.rename(models.with_name("away"))
    outcome = train(rules_only())
    assert outcome.run is not None and not outcome.run.promoted
    assert f"{registered} is the champion and cannot be loaded: " in outcome.run.reason
    assert f"to move it: clfnews promote {outcome.run.model_uri}" in outcome.run.reason
    with open_store() as mlflow:
        champion = mlflow.MlflowClient().get_model_version_by_alias("clfnews", "champion").version
    assert f"models:/clfnews/{champion}" == registered


def test_a_store_that_fails_after_the_fit_loses_no_models(copied: Path, cli: Cli) -> None:
    store = copied / "mlflow.db"
    whole = store.read_bytes()

    def fail_then(text: str) -> None:
        if text == "logging to MLflow":
            store.write_text("no database\n")

    with pytest.raises(UserError, match=r"cannot be used: .*; the fitted models are in unlogged-") as error:
        train(rules_only(), progress=fail_then)
    folder = str(error.value).rpartition(" ")[2]
    page = Page.from_text(SEED_PAGE.read_text(encoding="utf-8"))
    assert next(clfnews.load(folder).tag([page])).kept
    store.write_bytes(whole)
    moved = cli("promote", folder, cwd=copied)
    assert moved.code == 0 and moved.out.startswith("champion of clfnews: from version 1 to version "), moved.err
    assert clfnews.load().name == clfnews.load(folder).name


def test_runs_of_killed_trainings_are_closed(store: Any) -> None:
    section = TrackingSection(experiment="killed")
    check(section)
    experiment = store.get_experiment_by_name("killed").experiment_id
    host, pid, began = process_tag()[PROCESS].split(" ")
    marks = {
        "dead": f"{host} {2**22 + 1} {began}",
        "another process has the number": f"{host} {pid} {int(began) - 100}",
        "alive": f"{host} {pid} {began}",
        "elsewhere": f"far-{host} {2**22 + 1} {began}",
    }
    runs = {name: store.create_run(experiment, tags={PROCESS: mark}).info.run_id for name, mark in marks.items()}
    runs["of others"] = store.create_run(experiment).info.run_id
    check(section)
    status = {name: store.get_run(run).info.status for name, run in runs.items()}
    killed = {"dead", "another process has the number"}
    assert status == {name: "KILLED" if name in killed else "RUNNING" for name in runs}


# --- the process around ------------------------------------------------------------------


def test_no_call_changes_the_process_around_it(copied: Path) -> None:
    import mlflow

    def state() -> tuple[Any, ...]:
        names = ("mlflow", "alembic", "mlflow.store.db.utils", "")
        levels = [logging.getLogger(name).level for name in names]
        return dict(os.environ), levels, list(warnings.filters), gc.isenabled(), gc.get_threshold(), mlflow.get_tracking_uri()

    train(rules_only())  # what is imported on the way may set itself up once
    before = state()
    page_filter = clfnews.load()
    list(page_filter.tag([Page.from_text("Một dòng.")]))
    list_runs()
    promote("1")
    train(rules_only())
    with pytest.raises(UserError):
        clfnews.load("models:/nothing/1")
    assert state() == before and mlflow.active_run() is None
