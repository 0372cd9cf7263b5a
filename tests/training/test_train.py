"""Training and what MLflow keeps of it: one real run of the command line, looked at from all sides."""

from __future__ import annotations

import json
import re
import shutil
import socket
import time
import urllib.request
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers import SMALL_FASTTEXT, TINY_MODELS, Cli, Project, command, started, tiny_config, wait_for, write_rows

from clfnews.config.schema import Config, load_config
from clfnews.data.corpus import Corpus
from clfnews.data.folder import load_split
from clfnews.errors import UserError
from clfnews.evaluation.metrics import HEADLINE
from clfnews.filtering.filter import PageFilter
from clfnews.labels import TASKS, TYPES
from clfnews.models import make_model
from clfnews.page import Line, Page
from clfnews.tracking.find import find_filter
from clfnews.tracking.run_facts import MOST_METRICS, metrics_of, shortened
from clfnews.tracking.runs import list_runs, promote
from clfnews.training.folds import out_of_fold
from clfnews.training.train import train

MODELS = {task: {"majority", *TINY_MODELS[task]} for task in TASKS}


@pytest.fixture
def parent(store: Any, registered: str) -> Any:
    """The parent run of the session's training."""
    version = store.get_model_version("clfnews", registered.rsplit("/", 1)[1])
    return store.get_run(version.run_id)


@pytest.fixture
def children(store: Any, parent: Any) -> dict[tuple[str, str], Any]:
    """(task, model) -> its run."""
    found = store.search_runs([parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    runs = {(run.data.tags["task"], run.data.tags["model"]): run for run in found}
    assert len(runs) == len(found)
    return runs


def files(store: Any, run: Any, folder: str | None = None) -> set[str]:
    """Paths of all artefacts of a run."""
    out: set[str] = set()
    for item in store.list_artifacts(run.info.run_id, folder):
        out |= files(store, run, item.path) if item.is_dir else {item.path}
    return out


# --- what the user sees -----------------------------------------------------------


def test_the_terminal_shows_tables_champions_and_the_next_command(project: Project, registered: str) -> None:
    out = project.trained.out
    for task in TASKS:
        table = out[out.index(f"{task}: {HEADLINE[task].split('/')[1]} [95% interval") :]
        assert {name for name in MODELS[task] if re.search(rf"^\W*{name} ", table, re.MULTILINE)} == MODELS[task]
    assert len(re.findall(r"^ *\* +\w+", out, re.MULTILINE)) == 2, "one champion a task"
    # 24 groups of stances in train, fewer than ten in every other split
    assert len(re.findall(r"\d\.\d{3} \[\d\.\d\d, \d\.\d\d\]", out)) == len(MODELS["stance"])
    assert len(re.findall(r"\d\.\d{3} - ", out)) == 3 * len(MODELS["type"]) + 2 * len(MODELS["stance"])
    assert "95% interval, - below 10 groups" in out and max(map(len, out.splitlines())) <= 120
    assert f"model: {registered}; champion: moved here (there was no champion)" in out
    assert re.search(r"^run: .+ \([0-9a-f]{8}\)$", out, re.MULTILINE)
    assert f"runs: {project.store}" in out and "clfnews ui" in out and "clfnews filter PAGE.txt" in out


def test_progress_is_told_on_standard_error_and_mlflow_is_quiet(project: Project) -> None:
    lines = project.trained.err.splitlines()
    assert any(line.startswith("stance linear: ") for line in lines) and "logging to MLflow" in lines
    strange = [
        line
        for line in lines
        if not re.match(
            r"(type|stance) \w+: |logging to MLflow|reading |data: looking for leakage|clfnews: warning: type: ", line
        )
    ]
    assert strange == []


# --- determinism ------------------------------------------------------------------


@pytest.mark.slow
def test_the_same_seed_gives_the_same_metrics_to_the_last_digit(
    project: Project, parent: Any, children: dict[tuple[str, str], Any]
) -> None:
    again = train(load_config(project.config), track=False)
    for task, results in again.results.items():
        for result in results:
            logged = children[task, result.name].data.metrics
            same = {name: value for name, value in metrics_of(result).items() if not name.endswith("_seconds")}
            assert {name: logged[name] for name in same} == same
    assert parent.data.metrics["stance_test/end_to_end_macro_f1"] == round(
        again.end_to_end.values["end_to_end/stance_macro_f1"], 4
    )


def test_a_page_is_predicted_by_a_model_that_saw_nothing_of_its_group() -> None:
    """Each group has a word of its own, which tells its label: only a leak could know it."""
    pages, groups = [], []
    for i in range(30):
        g = i % 10
        label = TYPES[g % 2]
        word = "abcdefghij"[g] * 3
        pages.append(Page(f"p{i}", tuple(Line(f"{word} {word} {word}", n, label) for n in range(1, 6))))
        groups.append(f"g{g}")
    corpus = Corpus("leak", tuple(pages), tuple(groups))
    make = partial(make_model, "linear", "type", TYPES, {"min_df": 1, "C": 100.0})

    def own(probabilities: list[np.ndarray]) -> list[float]:
        return [p[0, TYPES.index(page.lines[0].type or "")] for page, p in zip(pages, probabilities, strict=True)]

    assert min(own(make().fit(pages, groups).predict_proba(pages))) > 0.9
    assert max(own(out_of_fold(make, corpus, 5, seed=7))) < 0.7


# --- what is logged ---------------------------------------------------------------


def test_one_parent_and_one_child_a_model(parent: Any, children: dict[tuple[str, str], Any]) -> None:
    assert set(children) == {(task, name) for task, names in MODELS.items() for name in names}
    assert parent.data.tags["clfnews.kind"] == "train"
    assert all(run.info.status == "FINISHED" for run in [parent, *children.values()])
    champions = {key for key, run in children.items() if run.data.tags["best"] == "true"}
    assert {task for task, _ in champions} == set(TASKS) and len(champions) == 2
    assert all(parent.data.params[f"best.{task}"] == name for task, name in champions)


def test_names_of_runs_tell_models_and_scores_out_of_fold(
    project: Project, parent: Any, children: dict[tuple[str, str], Any]
) -> None:
    for (task, name), run in children.items():
        said, metric = run.info.run_name.removeprefix(f"{task} {name} "), HEADLINE[task].replace("/", "_oof/")
        assert re.fullmatch(r"\d\.\d{3}", said) and float(said) == pytest.approx(run.data.metrics[metric], abs=6e-4)
        if run.data.tags["best"] == "true":
            assert f"{name} {said}" in parent.info.run_name
    assert f"run: {parent.info.run_name} ({parent.info.run_id[:8]})" in project.trained.out
    assert parent.data.tags["mlflow.user"] and parent.data.tags["mlflow.source.name"]


def test_parameters_are_flat(parent: Any, children: dict[tuple[str, str], Any]) -> None:
    config = tiny_config()
    assert parent.data.params["folds"] == str(config["folds"])
    assert parent.data.params["bootstrap.samples"] == str(config["bootstrap"]["samples"])
    assert parent.data.params["stance.models.linear.min_df"] == "1"
    assert children["stance", "linear"].data.params["model.min_df"] == "1"
    assert children["type", "fasttext"].data.params["model.dim"] == str(SMALL_FASTTEXT["dim"])
    for run in [parent, *children.values()]:
        assert not any(value.startswith("{") for value in run.data.params.values())


def test_all_models_of_a_task_have_the_same_metrics(children: dict[tuple[str, str], Any]) -> None:
    for task in TASKS:
        names = {frozenset(run.data.metrics) for (of, _), run in children.items() if of == task}
        assert len(names) == 1
        (metrics,) = names
        headline = {"type": "article_f1", "stance": "macro_f1"}[task]
        assert {
            f"{task}_test/{headline}",
            f"{task}_test/{headline}_low",
            f"{task}_oof/{headline}",
            f"{task}_validation/{headline}",
        } <= metrics


def test_datasets_are_logged_with_the_digest_of_their_content(
    project: Project, parent: Any, children: dict[tuple[str, str], Any]
) -> None:
    digests = {
        f"{config}/{split}": load_split(project.data, config, split).digest
        for config in ("pages", "stance")
        for split in ("train", "validation", "test")
    }
    assert {item.dataset.name: item.dataset.digest for item in parent.inputs.dataset_inputs} == digests
    for (task, _), run in children.items():
        config = "pages" if task == "type" else "stance"
        wanted = {f"{config}/{split}": digests[f"{config}/{split}"] for split in ("train", "test")}
        assert {item.dataset.name: item.dataset.digest for item in run.inputs.dataset_inputs} == wanted


def test_tags_say_where_a_run_comes_from(parent: Any, children: dict[tuple[str, str], Any]) -> None:
    for run in [parent, *children.values()]:
        tags = run.data.tags
        assert tags["clfnews.config"] == "tiny.yaml"
        assert {"clfnews.version", "clfnews.git_commit", "clfnews.data_hash", "clfnews.test_hash"} <= tags.keys()


def test_every_score_with_its_interval_is_an_artefact(
    store: Any, project: Project, parent: Any, children: dict[tuple[str, str], Any], tmp_path: Path
) -> None:
    path = store.download_artifacts(parent.info.run_id, "scores.json", str(tmp_path))
    scores = json.loads(Path(path).read_text(encoding="utf-8"))
    for (task, name), run in children.items():
        for part, group in (("test", f"{task}_test"), ("validation", f"{task}_validation"), ("oof", f"{task}_oof")):
            metric = {"type": "article_f1", "stance": "macro_f1"}[task]
            value, low, high = scores[task][name][part]["scores"][f"{task}/{metric}"]
            assert run.data.metrics[f"{group}/{metric}"] == round(value, 4) and low <= value <= high
            assert "|guidelines " in scores[task][name][part]["signature"]
        pages = load_split(project.data, "pages" if task == "type" else "stance", "test").pages
        labels = {getattr(line, task) for page in pages for line in page.lines} - {None}
        scored = {key for key in scores[task][name]["test"]["scores"] if key.endswith("_recall")}
        assert scored - {"type/article_recall"} == {f"{task}/{label}_recall" for label in labels}


def test_the_experiment_brings_its_own_views_of_the_run_list(store: Any, parent: Any) -> None:
    tags = store.get_experiment(parent.info.experiment_id).tags
    views = {key.split(".")[-1]: json.loads(value) for key, value in tags.items() if key.startswith("mlflow.sharedViewState.")}
    assert {view["name"] for view in views.values()} == {"All runs", "Type models", "Stance models", "Sweeps"}
    start = json.loads(views["runs"]["state"])
    columns = [column.split("`") for column in start["selectedColumns"]]
    assert {name for kind, name, _ in columns if kind == "metrics."} <= parent.data.metrics.keys()
    assert {name for kind, name, _ in columns if kind == "tags."} <= parent.data.tags.keys()
    for task in TASKS:
        state = json.loads(views[f"{task}-models"]["state"])
        found = store.search_runs([parent.info.experiment_id], state["searchFilter"], order_by=[f"{state['orderByKey']} DESC"])
        assert found and all(run.data.tags["task"] == task for run in found)
        wanted = [column.split("`")[1] for column in state["selectedColumns"]]
        assert all(set(wanted) <= run.data.metrics.keys() | run.data.tags.keys() for run in found)
        metric = HEADLINE[task].split("/")[1]
        assert wanted[:4] == [f"{task}_oof/{metric}", f"{task}_validation/{metric}", f"{task}_test/{metric}", "best"]
        assert state["orderByKey"] == f"metrics.`{task}_oof/{metric}`"


def test_artefacts(store: Any, parent: Any, children: dict[tuple[str, str], Any]) -> None:
    assert {"config.yaml", "source/tiny.yaml", "report.md", "tables/type.json", "tables/stance.json"} <= files(store, parent)
    for (task, _), run in children.items():
        assert {"figures/confusion.png"} < files(store, run)
        assert ("figures/precision_recall.png" in files(store, run)) == (task == "type")


def test_the_logged_config_trains_the_same_run_again(store: Any, parent: Any, project: Project, tmp_path: Path) -> None:
    logged = Path(store.download_artifacts(parent.info.run_id, "config.yaml", str(tmp_path)))
    assert load_config(logged) == load_config(project.config)


def test_the_report_and_the_tables_show_every_model(store: Any, parent: Any, tmp_path: Path) -> None:
    report = Path(store.download_artifacts(parent.info.run_id, "report.md", str(tmp_path))).read_text(encoding="utf-8")
    for task, names in MODELS.items():
        path = store.download_artifacts(parent.info.run_id, f"tables/{task}.json", str(tmp_path))
        table = json.loads(Path(path).read_text(encoding="utf-8"))
        assert {row[table["columns"].index("model")] for row in table["data"]} == names
        assert all(f"| {name} |" in report for name in names)
    assert report.count("Signature of the test columns") == 2


def test_metrics_are_few_and_those_out_of_fold_come_first(parent: Any, children: dict[tuple[str, str], Any]) -> None:
    assert len(parent.data.metrics) <= MOST_METRICS and {"type_test/article_f1", "stance_oof/macro_f1"} <= set(
        parent.data.metrics
    )
    for run in [parent, *children.values()]:
        assert all(re.match(r"(type|stance)_(oof|validation|test|run)/\w+$", name) for name in run.data.metrics)
        assert "_oof/" in min(run.data.metrics)


def test_a_child_has_the_time_of_its_fits(children: dict[tuple[str, str], Any]) -> None:
    for run in children.values():
        assert run.info.end_time >= run.info.start_time
        # One process at a time fits a model of the tiny data: its CPU seconds are not more than a few times its duration.
        seconds = (run.info.end_time - run.info.start_time) / 1000
        assert run.data.metrics[f"{run.data.tags['task']}_run/cpu_seconds"] <= 4 * seconds + 1


def test_names_of_runs_begin_with_what_was_changed() -> None:
    assert shortened(["seed=1", "stance.models.linear.C=2"]) == "seed=1, C=2"
    assert shortened(["type.models.linear.C=1", "stance.models.linear.C=2"]) == "type.models.linear.C=1, stance.models.linear.C=2"


# --- the registry -----------------------------------------------------------------


def test_the_first_model_is_the_champion(store: Any, registered: str, parent: Any) -> None:
    champion = store.get_model_version_by_alias("clfnews", "champion")
    assert f"models:/clfnews/{champion.version}" == registered
    assert champion.run_id == parent.info.run_id and parent.data.tags["champion"] == "clfnews"
    model = store.get_registered_model("clfnews")
    for tags in (champion.tags, model.tags):
        assert {"article_f1", "stance_f1", "data", "changed", "models"} <= set(tags) and tags["changed"] == "nothing"
    assert float(champion.tags["article_f1"]) == pytest.approx(parent.data.metrics["type_oof/article_f1"], abs=6e-4)
    assert f"version {champion.version}" in model.description and "article_f1" in model.description


@pytest.mark.slow
def test_a_worse_model_is_registered_but_not_the_champion(store: Any, project: Project, registered: str) -> None:
    from clfnews.tracking.find import load_filter

    worse = tiny_config()
    for task in TASKS:
        models = worse[task]["models"]
        worse[task]["models"] = dict.fromkeys(models) | {"fasttext": SMALL_FASTTEXT}
    times: list[float] = []
    outcome = train(Config.model_validate(worse), config_path="worse.yaml", progress=lambda _: times.append(time.time()))
    assert outcome.run is not None and not outcome.run.promoted
    assert outcome.run.model_uri not in (None, registered)
    said = r"(worse|not known to be better) than models:/clfnews/\d+: type: cannot tell, article_f1 \S+ against \S+ out of fold, "
    assert re.match(said, outcome.run.reason) and "; stance: " in outcome.run.reason
    assert store.get_run(outcome.run.run_id).info.start_time <= times[0] * 1000, "the duration is that of the training"
    champion = store.get_model_version_by_alias("clfnews", "champion")
    assert f"models:/clfnews/{champion.version}" == registered
    assert load_filter(outcome.run.model_uri).name == outcome.page_filter.name


@pytest.mark.slow
def test_a_model_that_is_only_registered_is_made_the_champion_by_hand(
    store: Any, project: Project, cli: Cli, tmp_path: Path
) -> None:
    """A useless one, moreover: at this threshold nothing is kept."""
    values = tiny_config(tracking={"experiment": "quiet", "registered_model": "quiet", "promote": False})
    values["type"] = {"threshold": 0.95, "models": dict.fromkeys(values["type"]["models"]) | {"rules": {}}}
    values["stance"]["models"]["linear"] = None
    (tmp_path / "quiet.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    env = {"MLFLOW_TRACKING_URI": project.store}
    done = cli("train", tmp_path / "quiet.yaml", cwd=project.folder, env=env)
    assert done.code == 0 and "champion: not moved (tracking.promote is false" in done.out
    warned = [line for line in done.err.splitlines() if line.startswith("clfnews: warning: type: ")]
    assert len(warned) == 1 and "champion rules is no better than majority on validation (article F1 0.000, " in warned[0]

    (row,) = list_runs("quiet")
    assert f"run: {row.name} ({row.id[:8]})" in done.out
    assert (row.version, row.champion, row.config) == ("models:/quiet/1", False, str(tmp_path / "quiet.yaml"))
    parts = ("type_oof/article_f1", "type_validation/article_f1", "stance_oof/macro_f1", "stance_validation/macro_f1")
    assert tuple(row.scores) == parts and row.scores["type_oof/article_f1"] == 0
    with pytest.raises(UserError, match=r"quiet has version 1 but no champion; choose one: clfnews promote models:/quiet/1"):
        find_filter("models:/quiet@champion")
    with pytest.raises(UserError, match=r"no version is given; models:/quiet@champion is the champion"):
        find_filter("models:/quiet")
    with pytest.raises(UserError, match=r"no model models:/quiet/7 in .*: quiet has version 1$"):
        promote("models:/quiet/7")

    moved = cli("promote", row.id[:8], "--experiment", "quiet", env=env)
    assert (moved.code, moved.out) == (0, "champion of quiet: from none to version 1\n")
    assert store.get_run(row.id).data.tags["champion"] == "quiet"
    assert promote("models:/quiet/1") == ("quiet", "1", "1") and find_filter("models:/quiet@champion").folder.is_dir()
    table = cli("runs", "--experiment", "quiet", env=env | {"COLUMNS": "160"}).out
    assert re.search(rf"^ *\* +{row.id[:8]} +{re.escape(row.name)} +quiet/1 +0\.000 ", table, re.MULTILINE), table
    (as_json,) = json.loads(cli("runs", "--experiment", "quiet", "--json", env=env).out)
    assert as_json["champion"] is True and as_json["scores"] == row.scores


def test_a_number_is_a_version_of_clfnews(store: Any, registered: str) -> None:
    number = registered.rsplit("/", 1)[1]
    assert promote(number) == ("clfnews", number, number)
    with pytest.raises(UserError, match="no model models:/clfnews/999 in "):
        promote("999")


# --- the user interface -------------------------------------------------------------


@pytest.mark.slow
def test_the_ui_starts_on_the_store_and_prints_the_run_list(project: Project, parent: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        (project.folder / "ui.log").open("wb") as log,
        started(*command("ui", "--port", port), cwd=project.folder, stderr=log) as server,
    ):
        link = server.stdout.readline().decode().strip()
        assert link.startswith(f"runs: http://127.0.0.1:{port}/#/experiments/{parent.info.experiment_id}/runs?")

        def answers() -> bool:
            assert server.poll() is None, (project.folder / "ui.log").read_text()
            try:
                with urllib.request.urlopen(link.removeprefix("runs: "), timeout=5) as reply:
                    return b"<title>" in reply.read()
            except OSError:
                return False

        wait_for(answers, "the user interface")


def test_the_ui_without_runs_says_to_train(project: Project, cli: Cli) -> None:
    done = cli("ui", "--experiment", "nothing", cwd=project.folder)
    assert (done.code, done.out) == (2, "") and done.error.startswith("clfnews: no experiment 'nothing' in sqlite:///")


# --- what can be wrong ------------------------------------------------------------


@pytest.mark.slow
def test_a_store_that_cannot_be_opened_is_told_before_anything_is_trained(project: Project, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database\n")
    uri = f"sqlite:///{tmp_path}/notes.txt"
    done = cli("train", project.config, cwd=project.folder, env={"MLFLOW_TRACKING_URI": uri})
    assert (done.code, done.out) == (2, "")
    assert done.error.startswith(f"clfnews: tracking store {uri} cannot be used: file is not a database")


def test_too_few_groups_for_the_folds(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    with pytest.raises(UserError, match=r"pages/train: 6 groups \(sites\) are too few for 7 folds: --set folds=6, or label"):
        train(Config.model_validate(tiny_config(folds=7)), track=False)


def relabelled(source: Path, folder: Path, **changes: str | None) -> Path:
    """A copy of a data folder in which every line that has a label (`type` or `stance`) gets another."""
    data = Path(shutil.copytree(source, folder))
    for path in data.glob("*/*.jsonl"):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for row in rows:
            row["lines"] = [line | {key: label for key, label in changes.items() if line[key]} for line in row["lines"]]
        write_rows(path, rows)
    return data


def test_data_without_stances_gives_a_filter_of_types(tiny_data: Path, tmp_path: Path) -> None:
    data = relabelled(tiny_data, tmp_path / "data", stance=None)
    outcome = train(Config.model_validate(tiny_config(data={"folder": str(data)})), track=False)
    assert outcome.skipped == f"stance: left out ({data}: stance/train has no stance labels)"
    assert list(outcome.results) == ["type"] and outcome.end_to_end is None
    outcome.page_filter.save(tmp_path / "filter")
    again = PageFilter.load(tmp_path / "filter")
    tagged = list(again.tag(outcome.splits["type"].test.pages))
    assert any(page.kept for page in tagged) and {line.stance for page in tagged for line in page.lines} == {None}
    assert {page.stance.reason for page in tagged} == {"no stance model"}
    with pytest.raises(UserError, match="has no stance model: it was trained without stance labels"):
        again.stance(["Hai bên nhất trí nối lại đàm phán."])


def test_stances_of_the_pages_serve_where_there_is_no_stance_configuration(tiny_data: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    shutil.rmtree(data / "stance")
    card = data / "README.md"
    _, front, _ = card.read_text(encoding="utf-8").split("---\n", 2)
    meta = yaml.safe_load(front)
    for key in ("configs", "dataset_info"):
        meta[key] = [part for part in meta[key] if part["config_name"] == "pages"]
    card.write_text(f"---\n{yaml.safe_dump(meta)}---\n", encoding="utf-8")
    outcome = train(Config.model_validate(tiny_config(data={"folder": str(data)})), track=False)
    assert outcome.skipped is None and outcome.end_to_end is not None
    learned = outcome.splits["stance"].train
    assert learned.name == "stance/train" and {line.type for page in learned.pages for line in page.lines} <= {"title", "body"}


def test_data_without_types_or_with_a_single_one(tiny_data: Path, tmp_path: Path) -> None:
    data = relabelled(tiny_data, tmp_path / "none", type=None)
    with pytest.raises(UserError, match="pages/train has no type labels"):
        train(Config.model_validate(tiny_config(data={"folder": str(data)})), track=False)
    data = relabelled(tiny_data, tmp_path / "one", type="body")
    with pytest.raises(UserError, match="all type labels of pages/train are 'body'; a model needs two"):
        train(Config.model_validate(tiny_config(data={"folder": str(data)})), track=False)


def test_leakage_is_looked_for_before_anything_is_scored(tiny_data: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    train_file, test_file = data / "pages" / "train.jsonl", data / "pages" / "test.jsonl"
    leaked = json.loads(train_file.read_text(encoding="utf-8").splitlines()[0]) | {"id": "leaked"}
    with test_file.open("a", encoding="utf-8") as file:
        file.write(json.dumps(leaked, ensure_ascii=False) + "\n")
    values = tiny_config(data={"folder": str(data)})
    for task, name in (("type", "rules"), ("stance", "lexicon")):
        values[task]["models"] = dict.fromkeys(values[task]["models"]) | {name: {}}
    told: list[str] = []
    outcome = train(Config.model_validate(values), track=False, progress=told.append)
    first = next(
        i for i, text in enumerate(told) if text.startswith("warning: leakage, so scores are too good: pages/test.jsonl")
    )
    assert first < next(i for i, text in enumerate(told) if "fold 1/" in text)
    assert outcome.leaked and "group" in outcome.leaked[0]


def test_fits_that_do_not_converge_are_one_line(recwarn: pytest.WarningsRecorder) -> None:
    from sklearn.exceptions import ConvergenceWarning

    from clfnews.training.folds import measured

    with measured() as cost:
        warnings.warn("lbfgs failed to converge", ConvergenceWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert cost.unconverged == 1 and cost.wall >= 0
    assert [str(warning.message) for warning in recwarn] == ["something else"]


def test_training_without_a_validation_split(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    outcome = train(Config.model_validate(tiny_config(data={"validation": None})), track=False)
    assert all(result.validation is None for results in outcome.results.values() for result in results)


def test_a_yaml_of_the_tiny_config_is_what_was_trained(project: Project) -> None:
    assert yaml.safe_load(project.config.read_text(encoding="utf-8")) == tiny_config()
