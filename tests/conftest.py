"""Fixtures shared by all tests: a tiny data folder, and one real training in one MLflow store.

Everything runs through the installed package and real files; a store costs ten
seconds to create and MLflow five to import, so both happen once a session.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import Cli, Project, Result, make_data, pages_of_six_sites, run, tiny_config


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lower-floors",
        action="store_true",
        help="pin the quality floors anew (tests/models/test_quality_floor.py)",
    )


LONG = (
    "test_quality_floor.py", "test_quality.py", "test_docs.py", "test_datacard.py", "test_train.py", "test_compare.py",
    "test_scale.py", "test_faults.py", "test_nightly.py", "test_walkthrough.py", "test_topics.py", "test_store.py",
)  # fmt: skip
"""Files that take minutes, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    # Else pytest-xdist begins with the files of most tests, and one worker ends with the longest files alone.
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, then those of most tests: workers end at about the same time."""
    tests = Counter(item.path for item in items)
    rank = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: (rank.get(item.path.name, len(LONG)), -tests[item.path]))


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line in an empty working directory."""

    def in_folder(*arguments: object, cwd: Path = tmp_path, **options: Any) -> Result:
        return run(*arguments, cwd=cwd, **options)

    return in_folder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a handful of real rows; read-only (copy it to change it)."""
    return make_data(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The one real training of the test session, by the command line, with the default store."""
    folder = tmp_path_factory.mktemp("project") / "dự án #1 50% tin"  # a name that addresses have to encode
    make_data(folder / "data")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(tiny_config()), encoding="utf-8")
    trained = run("train", "tiny.yaml", cwd=folder)
    assert trained.code == 0, trained.err
    metas = sorted(folder.glob("mlruns/**/filter/filter.json"))
    # Each model is logged by itself too; the filter joins two of them.
    filters = [path for path in metas if len(json.loads(path.read_text(encoding="utf-8"))["models"]) == 2]
    assert len(filters) == 1, metas
    untouched = Path(shutil.copytree(folder, folder.parent / "untouched"))
    return Project(folder, trained, f"sqlite:///{folder / 'mlflow.db'}", filters[0].parent, untouched)


@pytest.fixture(scope="session")
def rules_filter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filter of the two models without training, as a folder: starts fast, for tests of what is around it."""
    from clfnews.filtering.filter import PageFilter
    from clfnews.labels import TASKS
    from clfnews.models import make_model
    from clfnews.models.calibration import FittedTask

    rules, lexicon = make_model("rules", "type", TASKS["type"]), make_model("lexicon", "stance", TASKS["stance"])
    folder = tmp_path_factory.mktemp("rules") / "filter"
    PageFilter(FittedTask(rules, {}), FittedTask(lexicon, {}), name="rules+lexicon").save(folder)
    return folder


@pytest.fixture(scope="session")
def sites_filter(rules_filter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`rules_filter` with weights of a memory of sites, for which the tiny training has too few pages."""
    from dataclasses import replace

    import numpy as np

    from clfnews.filtering.filter import PageFilter
    from clfnews.labels import is_article
    from clfnews.sites.weights import SiteWeights

    pages, page_filter = pages_of_six_sites(), PageFilter.load(rules_filter)
    fitted = page_filter.type_model()
    p = fitted.predict(pages)
    article = [rows[:, :2].sum(axis=1) for rows in p]
    title = [rows[:, 0] / np.maximum(q, 1e-9) for rows, q in zip(p, article, strict=True)]
    gold = [np.array([is_article(line.type) for line in page.lines], np.int64) for page in pages]
    weights = SiteWeights.fit(pages, article, title, gold, page_filter.threshold, 7)
    assert weights is not None
    page_filter.type_task = replace(fitted, sites=weights)
    folder = tmp_path_factory.mktemp("sites") / "filter"
    page_filter.save(folder)
    return folder


@pytest.fixture(scope="session")
def registered(project: Project) -> str:
    """URI of the model version that the session's training registered."""
    found = re.search(r"models:/clfnews/\d+", project.trained.out)
    assert found, project.trained.out
    return found[0]


@pytest.fixture
def store(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An MLflow client on the session's store, which is the store in use during the test."""
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", project.store)
    monkeypatch.chdir(project.folder)
    yield mlflow.MlflowClient()
