"""The face of the package: what a notebook calls, and that the command line does the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, Cli, Project, environment

import clfnews

FACE = {
    "BadRecord", "Line", "LineClassifier", "Page", "PageFilter", "PageTagger", "SiteMemory", "TaggedPage", "UserError",
    "__version__", "compare", "drift", "evaluate", "fasttext_text", "filter_folder", "load", "load_config", "read_html",
    "read_pages", "serve", "tag_files", "train",
}  # fmt: skip
# What trains in a moment: the models without training.
ONLY_RULES = ["type.models.fasttext=null", "stance.models.linear=null"]


def test_the_face_shows_what_is_for_users_and_nothing_else() -> None:
    assert set(dir(clfnews)) == set(clfnews.__all__) == FACE
    for name in FACE - {"__version__"}:
        assert getattr(clfnews, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'evalute'"):
        clfnews.evalute  # noqa: B018


def test_looking_at_the_face_imports_nothing_heavy() -> None:
    script = (
        "import sys, clfnews\n"
        "dir(clfnews), clfnews.train, clfnews.evaluate, clfnews.compare, clfnews.filter_folder, clfnews.load_config\n"
        "print('|'.join({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    assert not set(done.stdout.strip().split("|")) & {"numpy", "mlflow", "typer", "pydantic", "yaml", "sklearn", "datasets"}


# --- train ------------------------------------------------------------------------------


def test_train_takes_a_file_with_overrides_or_a_config(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    told: list[str] = []
    outcome = clfnews.train(project.config, overrides=[*ONLY_RULES, "seed=3"], track=False, progress=told.append)
    assert outcome.config.seed == 3 and {task: c.name for task, c in outcome.champions.items()} == {
        "type": "rules",
        "stance": "lexicon",
    }
    assert outcome.run is None and "type rules: fold 1/3 done" in told
    config = clfnews.load_config(project.config, [*ONLY_RULES, "seed=3"])
    again = clfnews.train(config, track=False)
    assert again.end_to_end is not None and outcome.end_to_end is not None
    assert again.end_to_end.values == outcome.end_to_end.values
    page = clfnews.Page.from_text((ROOT / "seeds" / "001_0965331b62c00476.txt").read_text(encoding="utf-8"))
    (tagged,) = outcome.page_filter.tag([page])
    assert isinstance(tagged, clfnews.TaggedPage) and isinstance(outcome.page_filter, clfnews.PageFilter)
    with pytest.raises(TypeError, match="load_config"):
        clfnews.train(config, overrides=["folds=2"])


def test_mistakes_are_one_error_of_the_package(tmp_path: Path) -> None:
    with pytest.raises(clfnews.UserError, match=r"nowhere\.yaml"):
        clfnews.train(tmp_path / "nowhere.yaml")
    with pytest.raises(clfnews.UserError, match="expected key=value"):
        clfnews.load_config(ROOT / "configs" / "base.yaml", ["folds"])


# --- evaluate -----------------------------------------------------------------------------


def test_evaluate_gives_what_the_command_prints(rules_filter: Path, cli: Cli) -> None:
    file = ROOT / "data" / "pages" / "test.jsonl"
    scores = clfnews.evaluate(rules_filter, file)
    assert list(scores) == ["type", "stance", "end_to_end"]
    printed = json.loads(cli("evaluate", file, "--model", rules_filter, "--json").out)
    assert printed == {name: round(x, 6) for part in scores.values() for name, x in part.flat().items()}
    same = clfnews.evaluate(clfnews.load(rules_filter), str(file))
    assert same["type"].values == scores["type"].values and same["type"].signature == scores["type"].signature


def test_evaluate_on_pairs_and_on_stance_rows(rules_filter: Path) -> None:
    assert list(clfnews.evaluate(rules_filter, ROOT / "data" / "challenge" / "pairs.jsonl")) == ["challenge"]
    assert list(clfnews.evaluate(rules_filter, ROOT / "data" / "stance" / "test.jsonl")) == ["stance"]


def test_evaluate_warns_of_pages_that_the_model_learnt_from(project: Project) -> None:
    with pytest.warns(UserWarning, match="was trained on .*train.jsonl: it knows these pages"):
        clfnews.evaluate(project.filter, project.data / "pages" / "train.jsonl")


def test_evaluate_says_what_is_missing(rules_filter: Path, tmp_path: Path) -> None:
    with pytest.raises(clfnews.UserError, match=r"none\.jsonl: no such file"):
        clfnews.evaluate(rules_filter, tmp_path / "none.jsonl")
    with pytest.raises(clfnews.UserError, match="not a clfnews filter"):
        clfnews.evaluate(tmp_path, ROOT / "data" / "pages" / "test.jsonl")


# --- compare ------------------------------------------------------------------------------


def test_compare_runs_by_name_and_filters_on_a_file(
    project: Project, rules_filter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project.untouched / 'mlflow.db'}")
    same = clfnews.compare("best", "last")
    assert same.names[0].split(" (")[0] and {part.task for part in same.parts} == {"type", "stance", "end_to_end"}
    outcome = clfnews.compare(rules_filter, project.filter, on=project.data / "pages" / "validation.jsonl")
    assert outcome.names == (str(rules_filter), str(project.filter))
    assert [part.task for part in outcome.parts] == ["type", "stance", "end_to_end"]
    with pytest.raises(clfnews.UserError, match="no run 'nothing'"):
        clfnews.compare("nothing", "last")


# --- tag_files ----------------------------------------------------------------------------


def test_tag_files_gives_what_the_command_writes_and_counts_what_is_no_page(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    rows = ['{"id": 1, "body": "Headline\\nA paragraph."}', "no JSON", '{"id": 2, "body": "More"}']
    (tmp_path / "in.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (seed,) = (ROOT / "seeds").glob("001_*.txt")
    told: list[Any] = []
    steps: list[str] = []
    found = clfnews.tag_files(
        [tmp_path / "in.jsonl"], model=rules_filter, columns={"text": "body"}, bad=told.append, progress=steps.append
    )
    assert steps == ["loading the model"] and told == [], "pages are read when they are asked for"
    assert [tagged.page.id for tagged in found] == ["1", "2"]
    assert found.errors == 1 and [record.reason for record in told] == ["not JSON"] and found.folders_not_read == 0
    page_filter = clfnews.load(rules_filter)
    again = clfnews.tag_files(seed, model=page_filter, threshold=0.9)
    done = cli("tag", seed, "-m", rules_filter, "--threshold", "0.9", "--explain")
    assert json.loads(json.dumps([again.row(tagged, explain=True) for tagged in again])) == done.rows
    with pytest.warns(UserWarning, match="not JSON"):
        list(clfnews.tag_files(tmp_path / "in.jsonl", model=page_filter, columns={"text": "body"}))
    with pytest.raises(clfnews.UserError, match="nowhere"):
        clfnews.tag_files("nowhere.txt", model="not looked at")


# --- filter_folder ------------------------------------------------------------------------


def test_filter_folder_writes_what_the_command_writes(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    seeds = sorted((ROOT / "seeds").glob("*.txt"))[:3]
    report = clfnews.filter_folder(seeds, tmp_path / "called", model=rules_filter, workers=1)
    assert (report.counts.pages, report.shards, report.resumed) == (3, 3, 0)
    assert cli("filter", *seeds, "-o", "typed", "--model", rules_filter, "--workers", 1).code == 0
    written = {path.name: path.read_bytes() for path in (tmp_path / "called").glob("*.jsonl")}
    assert len(written) == 3 and written == {path.name: path.read_bytes() for path in (tmp_path / "typed").glob("*.jsonl")}
    again = clfnews.filter_folder(seeds, tmp_path / "called", model=rules_filter, workers=1, resume=True)
    assert (again.counts.pages, again.resumed) == (3, 3)


def test_filter_folder_takes_columns_and_a_format(rules_filter: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"body": "Tiêu đề\\nThân bài của trang."}\n{"other": 1}\n', encoding="utf-8")
    out = tmp_path / "out"
    report = clfnews.filter_folder(
        tmp_path / "in.jsonl", out, model=rules_filter, workers=1, columns={"text": "body"}, format="text", threshold=0.0
    )
    assert (report.counts.pages, report.counts.errors) == (1, 1)
    assert (out / "in.txt").read_text(encoding="utf-8").startswith("Tiêu đề\nThân bài của trang.")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threshold": 1.5}, "threshold 1.5: expected a number from 0 to 1"),
        ({"format": "xml"}, "unknown"),
        ({"model": "nowhere"}, "not a clfnews filter"),
        ({"columns": {"txt": "body"}}, "txt"),
    ],
)
def test_filter_folder_says_what_is_wrong_and_writes_nothing(
    rules_filter: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(clfnews.UserError, match=said):
        clfnews.filter_folder(ROOT / "seeds", tmp_path / "out", **({"model": rules_filter, "workers": 1} | options))
    assert not (tmp_path / "out").exists()
