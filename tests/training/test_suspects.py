"""Likely label errors: planted ones are found, the test split is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, Cli, cut_rows, tiny_config, write_rows

from clfnews.config.schema import Config
from clfnews.data.folder import load_split
from clfnews.errors import UserError
from clfnews.training.suspects import find_suspects

pytest.importorskip("cleanlab")


@pytest.fixture
def planted(tiny_data: Path, tmp_path: Path) -> tuple[Config, set[tuple[str, int]]]:
    """A folder whose training pages carry five obviously wrong types."""
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    rows = cut_rows(ROOT / "data" / "pages" / "train.jsonl", 60, 6)
    wrong = set()
    for row in rows[::12]:
        n = next(i for i, line in enumerate(row["lines"], 1) if line["type"] == "body" and len(line["text"]) > 150)
        row["lines"][n - 1] |= {"type": "navigation", "stance": None}
        wrong.add((row["id"], n))
    write_rows(data / "pages" / "train.jsonl", rows)
    (data / "layouts").mkdir()
    (data / "layouts" / f"{rows[0]['layout']}.layout").write_text("", encoding="utf-8")
    return Config.model_validate(tiny_config(data={"folder": str(data)}) | _linear()), wrong


def _linear() -> dict[str, Any]:
    values = tiny_config()
    values["type"]["models"]["linear"] = {"min_df": 1}
    return {"type": values["type"]}


@pytest.mark.slow
def test_planted_errors_are_found_and_shown_on_their_page(planted: tuple[Config, set[tuple[str, int]]]) -> None:
    config, wrong = planted
    found, n = find_suspects(config, "type", "linear", top=10_000)
    assert len(found) == n
    ranks = [i for i, suspect in enumerate(found) if (suspect.page, suspect.n) in wrong]
    lines = load_split(config.data.folder, "pages", "train").n_lines
    assert len(ranks) >= 4 and ranks[len(ranks) // 2] < 0.05 * lines  # at random: half of the lines
    hits = [found[i] for i in ranks]
    for suspect in hits:
        assert suspect.given == "navigation" and suspect.p_given < suspect.p_suggested
        assert (suspect.n, "navigation", suspect.text) in suspect.context and 3 <= len(suspect.context) <= 5
    layouts = [suspect.edit for suspect in found if suspect.edit.endswith(".layout")]
    assert all("/layouts/" in edit for edit in layouts)
    assert all(suspect.edit.startswith("${EDITOR:-vi} ") for suspect in found)


def test_the_test_split_is_refused(planted: tuple[Config, set[tuple[str, int]]]) -> None:
    config, _ = planted
    same = config.model_copy(update={"data": config.data.model_copy(update={"train": "test"})})
    with pytest.raises(UserError, match="the test split"):
        find_suspects(same, "type")


def test_the_edit_command_leads_to_the_row_that_a_split_is_built_from(tiny_data: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    rows = [json.loads(text) for text in (data / "stance" / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    write_rows(data / "articles.jsonl", rows[::-1])
    found, _ = find_suspects(Config.model_validate(tiny_config(data={"folder": str(data)})), "stance", "linear")
    assert found
    for suspect in found:
        number = len(rows) - [row["id"] for row in rows].index(suspect.page)
        assert suspect.edit == f"${{EDITOR:-vi}} +{number} {data}/articles.jsonl"


@pytest.mark.slow
def test_the_command(cli: Cli, tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(json.dumps(tiny_config(data={"folder": str(tiny_data)})), encoding="utf-8")
    done = cli("data", "suspects", "tiny.yaml", "--task", "stance", "--top", "3")
    assert done.code == 0 and "  edit: ${EDITOR:-vi} +" in done.out and ", 3 shown" in done.out
    assert "--task stances: unknown (did you mean 'stance'?)" in cli("data", "suspects", "tiny.yaml", "--task", "stances").error
