"""The README is run: its commands and its Python, in a folder where a model was trained."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, Project, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")
# Run elsewhere in the tests, for longer than a test should, or until they are stopped.
NOT_HERE = ("clfnews train", "clfnews ui", "make ", "mlflow models serve")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def clone(project: Project, tmp_path: Path) -> Path:
    """A working directory with the files that the README speaks of."""
    for name in ("seeds", "data", "configs"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_the_commands_run(clone: Path, project: Project) -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines() if not line.startswith(NOT_HERE)]
    assert {line.split()[1] for line in commands} >= {"filter", "tag", "evaluate"}
    script = f'clfnews() {{ "{sys.executable}" -m clfnews.cli "$@"; }}\nset -eu\n' + "\n".join(commands)
    env = environment(MLFLOW_TRACKING_URI=project.store)
    done = subprocess.run(["bash", "-c", script], cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (clone / "tagged.jsonl").stat().st_size


def test_the_python_runs(clone: Path, project: Project) -> None:
    env = environment(MLFLOW_TRACKING_URI=project.store)
    tables = [sys.executable, "-m", "clfnews", "filter", "seeds/", "-o", "tables", "--format", "parquet"]
    subprocess.run(tables, cwd=clone, env=env, check=True)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks("python"))], cwd=clone, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Điện Kremlin" in done.stdout and "conciliatory" in done.stdout


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/nightly.md"])
def test_files_that_documents_name_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    paths = re.findall(r"`((?:clfnews|configs|data|seeds|tests|experiments)/[\w./-]*)`", text)
    assert [name for name in links + paths if not (ROOT / name).exists() and "XX" not in name and name != "data/pages"] == []


def test_the_map_has_every_room() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Map")[1].split("## How to add")[0]
    named = set(re.findall(r"([a-z_]+)/(?:\s|$)", table)) | {
        name.removesuffix(".py") for name in re.findall(r"[a-z_]+\.py", table)
    }
    rooms = {path.parent.name for path in (ROOT / "clfnews").glob("**/__init__.py")} - {"clfnews"}
    modules = {path.stem for path in (ROOT / "clfnews").glob("*.py")} - {"__main__"}
    assert sorted((rooms | modules) - named) == []


def test_make_runs_what_the_readme_says() -> None:
    env = os.environ | {"VENV": "/nonexistent"}
    dry = subprocess.run(["make", "-n", "train", "test"], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    assert "clfnews train configs/base.yaml" in dry and "-m pytest" in dry and "-c constraints.txt -e '.[dev]'" in dry


def test_constraints_are_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines and [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+", line)] == []
