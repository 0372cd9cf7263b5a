"""Sweeps: variants side by side, the same bytes on a rerun, and the committed tables."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import ROOT, Cli, tiny_config

from clfnews.config.schema import load_config
from clfnews.data.corpus import share_of_groups
from clfnews.data.folder import load_split
from clfnews.errors import UserError
from clfnews.evaluation.metrics import SCORE_COLUMNS
from clfnews.reports.experiments import BEGIN, END, RESULTS, index, read_results, tables, with_results
from clfnews.training.sweep import run_sweep
from clfnews.training.sweep_spec import Sweep, load_sweep

EXPERIMENTS = ROOT / "experiments"
SHIPPED = sorted(EXPERIMENTS.glob("*/sweep.yaml"))
RUN = [path.parent for path in SHIPPED if (path.parent / "results.csv").is_file()]
VALUES: dict[str, Any] = {
    "question": "Is a stricter threshold better?",
    "base": "../../tiny.yaml",
    "tasks": {"type": ["rules"]},
    "variants": {"default": ["type.threshold=0.5"], "strict": ["type.threshold=0.95"]},
    "evaluate": {"extra": "../../extra.jsonl"},
    "track": False,
}


def check_experiment(folder: Path, sets: Sequence[str], base: str) -> list[str]:
    """What is out of step in a folder: the table with the results, the README with the table."""
    rows = read_results(folder / "results.csv")
    table = (folder / "table.md").read_text(encoding="utf-8")
    problems = []
    if table != tables(rows, sets, base):
        problems.append(f"{folder}/table.md does not follow from results.csv")
    if f"{BEGIN}\n{table}{END}" not in (folder / "README.md").read_text(encoding="utf-8"):
        problems.append(f"{folder}/README.md does not show table.md")
    return problems


@pytest.fixture
def write(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a sweep file into a working directory with data, and gives its path."""
    (tmp_path / "data").symlink_to(tiny_data)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny_config(tracking={"experiment": "sweeps"})), encoding="utf-8")
    shutil.copy(tiny_data / "pages" / "validation.jsonl", tmp_path / "extra.jsonl")
    monkeypatch.chdir(tmp_path)

    def file(**changes: Any) -> Path:
        path = tmp_path / "experiments" / "001-test" / "sweep.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(VALUES | changes, sort_keys=False), encoding="utf-8")
        return path

    return file


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_row_for_each_variant_and_set_with_its_difference_to_the_first(write: Any) -> None:
    path = write()
    rows = read_results(run_sweep(path))
    assert {(r["variant"], r["set"]) for r in rows} == {
        (variant, name) for variant in ("default", "strict", "(majority)") for name in ("oof", "validation", "test", "extra")
    }
    test = {row["variant"]: row for row in rows if row["set"] == "test"}
    assert test["default"]["difference"] == "" and test["strict"]["against"] == "default/rules"
    # The rule never gives more than 0.9: nothing is kept at 0.95.
    assert float(test["strict"]["value"]) == 0
    assert float(test["strict"]["difference"]) == -float(test["default"]["value"])
    assert float(test["strict"]["difference_low"]) <= float(test["strict"]["difference"])
    assert len({row["signature"] for row in rows if row["set"] == "test"}) == 1


@pytest.mark.slow
def test_a_rerun_leaves_the_same_bytes_also_without_the_evaluation_file(write: Any, tmp_path: Path) -> None:
    path = write(tasks={"type": ["rules", "fasttext"]}, seeds=[1, 2])
    run_sweep(path)
    first = bytes_of(path.parent)
    assert set(first) == {"README.md", "results.csv", "sweep.yaml", "table.md"}
    (tmp_path / "extra.jsonl").unlink()
    said: list[str] = []
    run_sweep(path, said.append)
    assert bytes_of(path.parent) == first
    assert any(line.startswith("extra: ") and "stay as they were" in line for line in said)
    rows = read_results(path.parent / "results.csv")
    assert {row["seed"] for row in rows} == {"1", "2", "mean"}
    values = {row["seed"]: float(row["value"]) for row in rows if row["model"] == "fasttext" and row["set"] == "test"}
    assert values["mean"] == pytest.approx((values["1"] + values["2"]) / 2, abs=1e-4)


def test_rows_of_a_model_that_was_trained_otherwise_are_not_kept(write: Any, tmp_path: Path) -> None:
    run_sweep(write())
    (tmp_path / "extra.jsonl").unlink()
    said: list[str] = []
    rows = read_results(run_sweep(write(variants={"default": ["type.threshold=0.4"]}), said.append))
    assert not [row for row in rows if row["set"] == "extra" and row["variant"] == "default"]
    assert any("trained otherwise" in line for line in said)


def test_the_readme_keeps_its_words_and_gets_the_new_table(write: Any) -> None:
    path = write()
    run_sweep(path)
    readme = path.parent / "README.md"
    text = readme.read_text(encoding="utf-8").replace("Not answered yet.", "No: nothing is left.")
    readme.write_text(text, encoding="utf-8")
    run_sweep(write(variants={"default": []}))
    again = readme.read_text(encoding="utf-8")
    assert "No: nothing is left." in again and "| strict |" not in again
    assert check_experiment(path.parent, ["oof", "validation", "extra", "test"], "tiny.yaml") == []
    assert "| Is a stricter threshold better? | No: nothing is left. |" in index(path.parent.parent)
    (path.parent / "table.md").write_text("edited\n", encoding="utf-8")
    assert len(check_experiment(path.parent, ["oof", "validation", "extra", "test"], "tiny.yaml")) == 2
    readme.write_text(again.replace(BEGIN, ""), encoding="utf-8")
    with pytest.raises(UserError, match="no place for the table"):
        run_sweep(path)


def test_a_search_proposes_variants_and_repeats_itself(write: Any) -> None:
    pytest.importorskip("optuna")
    search = {"task": "type", "model": "rules", "trials": 3, "space": {"type.threshold": {"low": 0.1, "high": 0.9}}}
    path = write(variants={"default": []}, search=search)
    rows = read_results(run_sweep(path))
    trials = {row["variant"]: row["overrides"] for row in rows if row["variant"].startswith("trial-")}
    assert list(trials) == ["trial-00", "trial-01", "trial-02"] and len(set(trials.values())) == 3
    first = bytes_of(path.parent)
    run_sweep(path)
    assert bytes_of(path.parent) == first


def test_a_tracked_sweep_has_a_child_run_for_each_variant(
    write: Any, store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variants = VALUES["variants"] | {"default": ["type.models.linear.word_ngrams=[1, 3]", "type.threshold=0.5"]}
    run_sweep(write(track=True, variants=variants))
    assert Sweep.model_fields["track"].default is True, "every run stands in MLflow"
    found = store.search_runs([store.get_experiment_by_name("sweeps").experiment_id], "tags.`clfnews.kind` = 'variant'")
    assert {run.data.params["variant"] for run in found} == {"default", "strict", "(majority)"}
    strict = next(run for run in found if run.data.params["variant"] == "strict")
    loose = next(run for run in found if run.data.params["variant"] == "default")
    assert loose.data.params["type.models.linear.word_ngrams"] == "[1, 3]" and loose.data.params["type.threshold"] == "0.5"
    assert strict.data.params["type.threshold"] == "0.95" and strict.data.metrics["type_test/article_f1"] == 0
    assert "type_validation/article_f1" in strict.data.metrics


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"variant": {}}, r"sweep.yaml:\d+: unknown key 'variant' \(did you mean 'variants'"),
        ({"tasks": {"types": ["rules"]}}, "unknown task 'types'"),
        ({"tasks": {"type": ["rule"]}}, "type has no model 'rule'"),
        ({"variants": {"a": ["type.treshold=1"]}}, "unknown key 'type.treshold'"),
        ({"tables": ["tests"]}, "unknown set 'tests'"),
        ({"base": "nowhere.yaml"}, "no such configuration file"),
    ],
)
def test_a_wrong_sweep_is_told_before_anything_is_trained(write: Any, changes: dict[str, Any], said: str) -> None:
    path = write(**changes)
    with pytest.raises(UserError, match=said):
        run_sweep(path)
    assert not (path.parent / "results.csv").exists()


def test_a_second_sweep_in_a_folder_is_refused(write: Any) -> None:
    """Its results would overwrite those of the first."""
    path = write(variants={"default": []}, evaluate={})
    run_sweep(path)
    before = bytes_of(path.parent)
    second = path.with_name("second.yaml")
    shutil.copy(path, second)
    for one in (path, second):
        with pytest.raises(UserError, match=r"lies in the same folder, .*; one folder a question"):
            run_sweep(one)
    second.unlink()
    assert bytes_of(path.parent) == before
    (path.parent / "base.yaml").write_text("seed: 3\n", encoding="utf-8")
    run_sweep(path)


@pytest.mark.slow
def test_the_command(write: Any, cli: Cli, tmp_path: Path) -> None:
    path = write(variants={"default": []}, evaluate={})
    done = cli("sweep", path.relative_to(tmp_path))
    assert done.code == 0 and "**type, test**" in done.out
    readme = (path.parent / "README.md").read_text(encoding="utf-8")
    assert f"Run again: `clfnews sweep {path.relative_to(tmp_path)}`" in readme
    assert cli("sweep", "--index", "experiments").code == 0
    assert "[001-test](001-test/README.md)" in (tmp_path / "experiments" / "README.md").read_text(encoding="utf-8")
    assert cli("sweep").error == "clfnews: sweep: give a sweep file, or --index FOLDER"


def test_a_share_of_train_is_whole_groups_and_part_of_a_larger_share(tiny_data: Path) -> None:
    corpus = load_split(tiny_data, "pages", "train")
    half, most = (share_of_groups(corpus, share, seed=7) for share in (0.5, 0.84))
    assert len(set(half.groups)) == 3 and len(set(most.groups)) == 5
    assert set(half.groups) < set(most.groups) < set(corpus.groups)
    assert [page for page, group in zip(corpus.pages, corpus.groups, strict=True) if group in half.groups] == list(half.pages)
    assert share_of_groups(corpus, 1.0, seed=7) is corpus
    assert share_of_groups(corpus, 0.5, seed=9).groups != half.groups


# --- what is shipped ------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_sweeps_name_known_variants(path: Path) -> None:
    spec = load_sweep(path)
    for overrides in spec.variants.values():
        load_config(path.parent / spec.base, overrides)


@pytest.mark.parametrize("folder", RUN, ids=lambda folder: folder.name)
def test_committed_tables_follow_from_their_results(folder: Path) -> None:
    spec = load_sweep(folder / "sweep.yaml")
    assert check_experiment(folder, spec.shown, os.path.relpath(folder / spec.base, ROOT)) == []


@pytest.mark.parametrize("folder", RUN, ids=lambda folder: folder.name)
def test_a_command_stands_only_beside_a_model_that_it_trains(folder: Path) -> None:
    """Results of `context`, which no configuration can name any more, are shown without one."""
    table = (folder / "table.md").read_text(encoding="utf-8")
    told = re.findall(r"best out of fold is .+, (\w+) \(\d\.\d+\)(: `clfnews train .+`)?$", table, re.M)
    assert told and all(bool(command) == (model != "context") for model, command in told)


@pytest.mark.skipif(not (EXPERIMENTS / "README.md").is_file(), reason="no index yet")
def test_the_index_is_up_to_date() -> None:
    assert (EXPERIMENTS / "README.md").read_text(encoding="utf-8") == index(EXPERIMENTS)


def test_numbers_of_two_signatures_are_two_tables() -> None:
    row = {"variant": "a", "model": "rules", "task": "type", "seed": "7", "set": "test", "signature": "one"}
    row |= {"value": "0.5", "low": "0.4", "high": "0.6", "against": "", "difference": ""}
    row |= {metric: "0.5" for _, metric in SCORE_COLUMNS["type"]}
    row |= {"overrides": ""}
    text = tables([row, row | {"variant": "b", "signature": "two"}], ["test"], "base.yaml")
    assert text.count("**type, test**") == 2 and text.index("`one`") < text.index("| b |") < text.index("`two`")


def test_the_readme_shows_the_results_that_the_overview_names(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_results(readme, EXPERIMENTS) == readme
    text = f"before\n{RESULTS[0]}\nold\n{RESULTS[1]}\nafter\n"
    assert with_results(text, tmp_path) == text  # experiments of one's own, without an overview
    shutil.copytree(EXPERIMENTS / "001-baselines", tmp_path / "mine")
    (tmp_path / "overview.yaml").write_text("experiment: mine\nsets: {test: pages of mine}\n", encoding="utf-8")
    filled = with_results(text, tmp_path)
    assert filled.startswith("before\n") and filled.endswith("after\n") and "old" not in filled
    assert "| model | validation | pages of mine |" in filled and "\n| rules | " in filled


@pytest.mark.parametrize("text", ["sets: {}", "[", "experiment: x", "- a"])
def test_an_overview_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "overview.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"overview\.yaml: expected 'experiment: FOLDER'"):
        with_results("".join(RESULTS), tmp_path)


@pytest.mark.slow
def test_a_task_of_ones_own_is_swept(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = ROOT / "tests" / "files" / "topics" / "articles.csv"
    keys = ("--lines", "section", "--pages", "topic", "--keep", "headline,text")
    assert cli("data", "import", table, *keys, "-o", "topics").code == 0
    path = tmp_path / "mine" / "sweep.yaml"
    path.parent.mkdir()
    spec = {"question": "Which C?", "base": "../topics/train.yaml", "tasks": {"topic": ["linear"], "type": ["linear"]}}
    spec |= {"variants": {"c1": [], "c2": ["tasks.topic.models.linear.C=2"]}, "track": False}
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    rows = read_results(run_sweep(path))
    assert {row["variant"] for row in rows if row["task"] == "type"} == {"c1", "(majority)"}, "what did not vary is shown once"
    text = (path.parent / "table.md").read_text(encoding="utf-8")
    assert "| `tasks.topic.models.linear.C=2` |" in text and "(best)" in text and "clfnews train topics/train.yaml --set" in text
    assert text.index("**topic, oof**") < text.index("**topic, validation**") < text.index("**topic, test**")
