"""The filter that a wheel brings: used where the store in use has no champion, and said so; and the wheel that brings it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import ROOT, SEED_PAGE, Cli, Project, environment
from test_store import run_sql

NOTE = "clfnews: no champion in the store in use, so the filter that came with clfnews is used (its card: clfnews card)"


@pytest.fixture
def installed(rules_filter: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of an installation that has the package with the filter."""
    package = tmp_path / "site-packages" / "clfnews_model"
    shutil.copytree(rules_filter, package / "filter")
    (package / "__init__.py").write_text("raise RuntimeError('only looked at')")
    return {"PYTHONPATH": os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", str(ROOT))])}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def test_without_a_store_the_installed_filter_is_used_and_said_so(cli: Cli, installed: dict[str, str], here: Path) -> None:
    done = cli("filter", SEED_PAGE, cwd=here, env=installed)
    assert done.code == 0 and done.out and done.error == NOTE
    quiet = cli("tag", SEED_PAGE, "--quiet", cwd=here, env=installed)
    assert quiet.code == 0 and quiet.rows and not quiet.err
    folder = cli("filter", SEED_PAGE, "-o", "out", "--workers", 1, cwd=here, env=installed)
    assert folder.code == 0 and folder.err.count(NOTE) == 1
    assert cli("card", cwd=here, env=installed).out.startswith("# rules+lexicon\n")
    assert [path.name for path in here.iterdir()] == ["out"]  # no store was made


def test_loading_the_installed_filter_says_so_once_and_needs_no_mlflow(installed: dict[str, str], here: Path) -> None:
    script = "import sys, clfnews; print(clfnews.load().name, clfnews.load().name, 'mlflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=here, env=environment(**installed), capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("rules+lexicon rules+lexicon False\n", f"{NOTE}\n")


@pytest.mark.slow
def test_only_the_default_falls_back_and_only_on_a_package(
    cli: Cli, installed: dict[str, str], rules_filter: Path, here: Path
) -> None:
    named = cli("filter", SEED_PAGE, "-m", "models:/clfnews@champion", cwd=here, env=installed)
    assert (named.code, named.out) == (2, "") and "there is no store" in named.error
    (here / "notes.txt").write_text("no database")
    broken = cli("filter", SEED_PAGE, cwd=here, env=installed | {"MLFLOW_TRACKING_URI": f"sqlite:///{here}/notes.txt"})
    assert (broken.code, broken.out) == (2, "") and "cannot be used" in broken.error
    shutil.copytree(rules_filter, here / "clfnews_model" / "filter")  # python -m looks into the current folder first
    folder = cli("filter", SEED_PAGE, cwd=here)
    assert (folder.code, folder.out) == (2, "") and "there is no store" in folder.error


@pytest.mark.slow
def test_a_champion_comes_first_and_a_store_without_one_is_like_none(
    cli: Cli, installed: dict[str, str], project: Project, here: Path
) -> None:
    own = cli("card", cwd=project.folder, env=installed)
    assert own.code == 0 and not own.err and not own.out.startswith("# rules+lexicon\n")
    shutil.copy(project.folder / "mlflow.db", here)
    run_sql(here / "mlflow.db", "DELETE FROM registered_model_aliases")
    without = cli("card", cwd=here, env=installed)
    assert without.out.startswith("# rules+lexicon\n") and without.error == NOTE


@pytest.mark.slow
def test_the_wheel_brings_the_filter_beside_the_package(rules_filter: Path, tmp_path: Path) -> None:
    tree, run = tmp_path / "tree", python(tmp_path / "tree")
    for name in ("clfnews", "configs", "seeds", ".ci"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore", "data/README.md"):
        (tree / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    run(".ci/bundle.py", rules_filter, "build")
    run("-m", "build", "--no-isolation")  # the wheel is built from the sdist
    (wheel,) = tree.glob("dist/*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir() if "info" not in path.name} == {
        "clfnews", "clfnews_model", f"{wheel.name.partition('-py3')[0]}.data"
    }  # fmt: skip
    assert not [*(tmp_path / "new" / "clfnews").rglob("filter.json")]
    done = python(tmp_path, PYTHONPATH=str(tmp_path / "new"))("-m", "clfnews", "card")
    assert done.stdout.startswith("# rules+lexicon\n") and done.stderr == f"{NOTE}\n"


def python(folder: Path, **env: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Python in a folder, on the code under test unless `env` says otherwise."""
    wanted = environment(**{"PYTHONPATH": str(ROOT)} | env)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, cwd=folder, env=wanted, capture_output=True, text=True, check=True)

    return run
