"""`tests/files/english/README.md` is run: from pages to a model trained on one's own labels of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from helpers import ROOT, Project, Result, blocks, run_line, tiny_config

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "tests" / "files" / "english"
COMMANDS = [line for block in blocks(EXAMPLE / "README.md", "sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def walked(project: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Result]]:
    """The working directory after the last command, and what each command printed."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "tests").symlink_to(ROOT / "tests")
    (folder / "configs").mkdir()
    # The commands are those of the page; only the models are small.
    (folder / "configs" / "base.yaml").write_text(yaml.safe_dump(tiny_config()), encoding="utf-8")
    done = {}
    for line in COMMANDS:
        result = run_line(line, folder, {"MLFLOW_TRACKING_URI": project.store})
        done.setdefault(" ".join(line.split()[1:3]), result)  # of several queues and imports the first
    return folder, done


def test_the_queue_says_what_each_page_was_chosen_for(walked: tuple[Path, dict[str, Result]]) -> None:
    folder, done = walked
    text = (folder / "queue.tsv").read_text(encoding="utf-8")
    pages = [json.loads(line.removeprefix("# page ")) for line in text.splitlines() if line.startswith("# page ")]
    assert len(pages) == 12 and all(page["chosen_for"].startswith(("new site", "unsure", "disagreement")) for page in pages)
    new = [page["site"] for page in pages if page["chosen_for"].startswith("new site")]
    assert pages[0]["site"] == new[0] and len(set(new)) == len(new), "a site is new once"
    assert pages[0]["chosen_for"] in done["annotate queue"].out
    assert "queue.tsv: 12 of 12 pages have the model's labels unchanged" in done["data import"].err
    assert '"model": "rules"' in (folder / "start.tsv").read_text(encoding="utf-8")
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    assert len(tasks) == 6 and (folder / "labels.xml").is_file()


def test_labels_become_a_data_folder_without_problems(walked: tuple[Path, dict[str, Result]]) -> None:
    folder, done = walked
    assert "12 pages and 220 lines in 3 files: 0 problems" in done["data check"].out
    sites = {
        path.stem: {json.loads(line)["site"] for line in path.read_text(encoding="utf-8").splitlines()}
        for path in (folder / "labels" / "pages").glob("*.jsonl")
    }
    assert {name: len(of_split) for name, of_split in sites.items()} == {"train": 4, "test": 1, "validation": 1}
    assert len(set.union(*sites.values())) == 6, "no site stands in two splits"


def test_only_types_are_trained_and_compared(walked: tuple[Path, dict[str, Result]]) -> None:
    trained = walked[1][next(name for name in walked[1] if name.startswith("train"))]
    assert "stance: left out (labels: pages/train has no stance labels)" in trained.out
    assert "models:/english/1; champion: moved here" in trained.out
    assert "clfnews filter PAGE.txt --model models:/english/1" in trained.out
    compared = walked[1][next(name for name in walked[1] if name.startswith("compare"))]
    assert "article_f1" in compared.out
    judged = [line for line in compared.out.splitlines() if re.match(r"[ +-]*stance\b", line)]
    assert judged == [], "only one of the two has a stance model: there is nothing to compare"


def test_the_new_model_filters(walked: tuple[Path, dict[str, Result]]) -> None:
    rows = [json.loads(line) for line in (walked[0] / "articles.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 12 and {row["stance"]["reason"] for row in rows} == {"no stance model"}
    assert "Council" in rows[0]["text"] or "fish market" in rows[0]["text"]
