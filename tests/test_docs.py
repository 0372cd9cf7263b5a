"""The README and the pages of `docs/` are run: their commands and their Python, in a folder where a model was trained."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, Project, blocks, environment
from warm import warm_shell

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
WALKED = [*(ROOT / "tests" / "files").glob("*/README.md"), ROOT / "docs" / "nightly.md"]
"""Pages that other tests run whole, with what each command says: test_topics, test_walkthrough, test_nightly."""
# For longer than a test should, or until they are stopped; `clfnews train` runs in the fixtures.
NOT_HERE = ("clfnews train", "clfnews ui", "clfnews serve", "make ", ". .venv")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(page: Path) -> list[str]:
    """The commands of a page, without the remarks behind them."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [command for line in lines if (command := re.sub(r"\s+# .*", "", line))]


RUN_THERE = {command for page in WALKED for command in commands(page)}
TO_RUN = [name for name in PAGES if ROOT / name not in WALKED and re.search(r"^```(sh|python)$", read(name), re.M)]


@pytest.fixture
def clone(project: Project, tmp_path: Path) -> Path:
    """A working directory with the files that the pages speak of."""
    for name in ("seeds", "data", "configs", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "pages").symlink_to(ROOT / "seeds")
    for day in ("crawl", "today"):
        (tmp_path / day).mkdir()
        write_warc(tmp_path / day / "a.warc.gz")
    return tmp_path


def write_warc(path: Path) -> None:
    """A web archive with six pages of one site."""
    with gzip.open(path, "wb") as file:
        for number in range(6):
            html = f"<h1>Story {number} of {path.parent.name}</h1><p>Both sides agreed on point {number}.</p><p>Home</p>"
            body = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{html}".encode()
            head = (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
                f"WARC-Target-URI: https://a.example/{path.parent.name}/{number}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            file.write(head.encode() + body + b"\r\n\r\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", TO_RUN)
def test_what_a_page_says_runs(name: str, clone: Path, project: Project, request: pytest.FixtureRequest) -> None:
    """First its commands, then its Python, which may read what they wrote."""
    page = ROOT / name
    here = [line for line in commands(page) if not line.startswith(NOT_HERE) and line not in RUN_THERE]
    assert all(line.startswith("clfnews ") for line in here)
    more = f'--model "{request.getfixturevalue("sites_filter")}"' if any(" --sites " in line for line in here) else ""
    clfnews, inherited = warm_shell()
    script = f"""
        set -eu
        clfnews() {{
            case "$*" in *" --sites "*) set -- "$@" {more};; esac
            {clfnews} "$@"
        }}\n""" + "\n".join(here)
    python = "\n".join(blocks(ROOT / name, "python"))
    shutil.copyfile(project.folder / "mlflow.db", clone / "mlflow.db")  # what is logged here is not to be seen by other tests
    env = environment(MLFLOW_TRACKING_URI=f"sqlite:///{clone / 'mlflow.db'}")
    shell = subprocess.run(
        ["bash", "-c", script], cwd=clone, env=env, pass_fds=inherited, capture_output=True, text=True, check=False
    )
    told = [line for line in shell.stderr.splitlines() if not re.fullmatch(r"\d+ pages?, \d+%, .*", line)]  # but progress
    assert (shell.returncode, told) == (0, [])
    done = subprocess.run([sys.executable, "-c", python], cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if name == "README.md":
        assert (clone / "tagged.jsonl").stat().st_size
        assert "Điện Kremlin" in done.stdout and "conciliatory" in done.stdout


def test_the_pages_show_every_main_command() -> None:
    shown = {line.split()[1] for name in PAGES for line in commands(ROOT / name) if line.startswith("clfnews ")}
    assert shown >= {"filter", "tag", "evaluate", "train", "compare", "sites", "events", "annotate", "data", "drift", "serve"}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180


@pytest.mark.parametrize("document", [*PAGES, "CONTRIBUTING.md", "CHANGELOG.md"])
def test_files_that_documents_name_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [target for target in re.findall(r"\]\(([^)#]+)", text) if "://" not in target]
    missing = [name for name in links if not (ROOT / document).parent.joinpath(name).exists()]
    paths = re.findall(r"`((?:clfnews|configs|data|docs|seeds|tests|experiments)/[\w./-]*)`", text)
    missing += [name for name in paths if not (ROOT / name).exists() and "XX" not in name and name != "data/pages"]
    assert missing == []


@pytest.mark.parametrize("document", PAGES)
def test_sections_that_links_name_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for target, section in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text):
        linked = (ROOT / document).parent / target if target else ROOT / document
        heads = re.findall(r"^#+ (.*)", linked.read_text(encoding="utf-8"), re.M)
        assert section in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}, target


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
