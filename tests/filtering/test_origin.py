"""Every row says which model made it, in a way that means the same model when the champion is another one."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import SEED_PAGE, Cli, Project

import clfnews
from clfnews.files import MANIFEST

CHAMPION = "models:/clfnews@champion"
RUN = re.compile(r"[0-9a-f]{32}")


def test_an_alias_becomes_the_version_and_its_run(project: Project, registered: str, store: Any) -> None:
    version = store.get_model_version("clfnews", registered.rpartition("/")[2])
    for name in (None, CHAMPION, registered):
        row = next(clfnews.load(name).with_threshold(0.4).tag(["Tin\nMột câu."])).as_row()
        assert (row["model"], row["run"]) == (registered, version.run_id) and RUN.fullmatch(row["run"])
    named = clfnews.load(f"runs:/{version.run_id}/model").origin
    assert (named.model, named.run) == (f"runs:/{version.run_id}/model", version.run_id)
    logged = clfnews.load(version.source).origin
    assert logged.model.startswith("models:/m-") and logged.run == version.run_id


def test_a_folder_is_named_with_its_checksum(project: Project, registered: str, store: Any, tmp_path: Path) -> None:
    digest = hashlib.sha256((project.filter / "filter.json").read_bytes()).hexdigest()[:12]
    logged = clfnews.load(project.filter).origin
    assert logged.model == f"filter@sha256:{digest}"
    assert logged.run == store.get_model_version("clfnews", registered.rpartition("/")[2]).run_id, "MLflow's folder tells it"
    shutil.copytree(project.filter, tmp_path / "news")
    copied = clfnews.load(tmp_path / "news").origin
    assert (copied.model, copied.run) == (f"news@sha256:{digest}", None)


@pytest.mark.slow
def test_the_command_line_and_a_folder_of_results_say_it(project: Project, registered: str, store: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(3):
        shutil.copy(SEED_PAGE, tmp_path / "in" / f"{i}.txt")
    run = clfnews.load(CHAMPION).origin.run
    clfnews.filter_folder(tmp_path / "in", tmp_path / "out", model=CHAMPION, workers=2, format="parquet")
    found = json.loads((tmp_path / "out" / MANIFEST).read_text(encoding="utf-8"))
    assert (found["model"], found["run"]) == (registered, run) and set(found["filter"]) == {"name", "sha256", "threshold"}
    table = pd.read_parquet(tmp_path / "out")
    assert set(table["model"]) == {registered} and set(table["run"]) == {run}


@pytest.mark.slow
def test_results_of_another_version_are_not_gone_on_with(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    """The same files under another name: rows would name two models."""
    shutil.copytree(rules_filter, tmp_path / "one")
    shutil.copytree(rules_filter, tmp_path / "two")
    for name in ("one", "two"):
        assert cli("filter", SEED_PAGE, "-o", "out", "--resume", "-w", 1, "-m", name).code == 0
        (shard,) = (tmp_path / "out").glob("*.jsonl")
        assert json.loads(shard.read_text(encoding="utf-8"))["model"].startswith(f"{name}@sha256:")


def test_the_mlflow_model_says_it(project: Project, registered: str, store: Any) -> None:
    import mlflow

    out = mlflow.pyfunc.load_model(CHAMPION).predict(pd.DataFrame({"text": ["Tin\nMột câu.", None]}))
    assert set(out["model"]) == {registered} and all(RUN.fullmatch(run) for run in out["run"])


def test_what_was_neither_registered_nor_saved_has_its_name() -> None:
    from clfnews.filtering.filter import PageFilter
    from clfnews.labels import TYPE
    from clfnews.models import make_model
    from clfnews.models.calibration import FittedTask

    origin = PageFilter(FittedTask(make_model("rules", "type", TYPE), {}), None, name="by hand").origin
    assert (origin.model, origin.run) == ("by hand", None)
