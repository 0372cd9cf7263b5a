"""Two small real trainings in one store, shown by the MLflow UI and by a report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import Project, run, tiny_config

pytest.importorskip("playwright", reason="needs playwright: pip install 'clfnews[browser]'")

from steps import chromium, chromium_path, serving, serving_filter


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if chromium_path() is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def two_runs(project: Project) -> Project:
    """A second training in the project's store: another seed, no rules, more epochs."""
    values = tiny_config(seed=8)
    values["type"]["models"]["rules"] = None
    values["type"]["models"]["fasttext"] = {"dim": 8, "epoch": 20, "lr": 0.8, "bucket": 1000}
    (project.folder / "other.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    done = run("train", "other.yaml", cwd=project.folder)
    assert done.code == 0, done.err
    return project


@pytest.fixture(scope="session")
def runs_link(two_runs: Project) -> Iterator[str]:
    """The link of the run list that `clfnews ui` prints, on a running server."""
    with serving(two_runs.folder) as link:
        yield link


@pytest.fixture(scope="session")
def report(two_runs: Project) -> Path:
    """The report of the second training."""
    done = run("report", "last", "-o", "report.html", cwd=two_runs.folder)
    assert done.code == 0, done.err
    return two_runs.folder / "report.html"


@pytest.fixture(scope="session")
def served(rules_filter: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that `clfnews serve` prints, on a running server."""
    with serving_filter(rules_filter, tmp_path_factory.mktemp("served")) as link:
        yield link
