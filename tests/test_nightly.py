"""`docs/nightly.md` is run: a night without drift, and a challenger that takes the champion's place."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from helpers import ROOT, Project, Result, blocks, run, run_line, tiny_config, write_rows

pytestmark = pytest.mark.slow

COMMANDS = [line for block in blocks(ROOT / "docs" / "nightly.md", "sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def nights(project: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, Result]]]:
    """The working directory after the last command, and what each command printed."""
    folder = tmp_path_factory.mktemp("nights") / "news"
    shutil.copytree(project.folder, folder)  # the recipe moves the champion: of a copy of the store
    rows = [json.loads(line) for line in (ROOT / "data" / "pages" / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    pages = [{"id": row["id"], "site": row["site"], "lines": [line["text"] for line in row["lines"]]} for row in rows]
    write_rows(folder / "reference-pages" / "pages.jsonl", pages[:80:2])
    write_rows(folder / "incoming" / "pages.jsonl", pages[1:80:2])
    (folder / "configs").mkdir()
    (folder / "configs" / "base.yaml").write_text(yaml.safe_dump(tiny_config(seed=3)), encoding="utf-8")
    done = []
    for line in COMMANDS:
        command, _, output = line.partition(" > ")
        result = run_line(command, folder)
        if output:
            (folder / output).write_text(result.out, encoding="utf-8")
        done.append((command, result))
    return folder, done


def test_every_night_is_compared_with_the_reference(nights: tuple[Path, list[tuple[str, Result]]]) -> None:
    folder, done = nights
    assert next(result.out for line, result in done if line.startswith("clfnews drift")).startswith("no drift; 40 pages")
    assert json.loads((folder / "nights" / "drift.json").read_text(encoding="utf-8"))["verdict"] == "no drift"


def test_the_challenger_is_compared_first_and_promoted_then(nights: tuple[Path, list[tuple[str, Result]]]) -> None:
    folder, done = nights
    outputs = {" ".join(line.split()[1:3]): result.out for line, result in done}
    assert "tracking.promote is false" in outputs["train configs/base.yaml"]
    assert "b is " in outputs["compare best"] or "cannot tell" in outputs["compare best"]
    # Other tests of the session may have registered versions too.
    registered = re.search(r"models:/clfnews/(\d+)", outputs["train configs/base.yaml"])
    assert registered and outputs["promote last"].rstrip().endswith(f"to version {registered[1]}")
    drifted = run("drift", "nights/reference", "nights/reference-new", cwd=folder)
    assert drifted.code in (0, 1) and ("not the same model" in drifted.out or "no drift" in drifted.out)
