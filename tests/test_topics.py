"""`tests/files/topics/README.md` is run: a spreadsheet with labels of one's own becomes a tracked model that filters."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from helpers import ROOT, Cli, Result, blocks, on_a_terminal, run, run_line

import clfnews

EXAMPLE = ROOT / "tests" / "files" / "topics"
COMMANDS = [line for block in blocks(EXAMPLE / "README.md", "sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Result]]:
    """The working directory after the last command, and what each command printed."""
    folder = tmp_path_factory.mktemp("topics")
    (folder / "tests").symlink_to(ROOT / "tests")
    done = {}
    for line in COMMANDS:
        done[" ".join(line.split()[1:3])] = run_line(line, folder)
    return folder, done


@pytest.mark.slow
def test_the_table_becomes_a_data_folder_with_its_card(walked: tuple[Path, dict[str, Result]]) -> None:
    folder, done = walked
    assert "type: menu 72, text 64, headline 24" in done["data import"].out and "next:  clfnews train" in done["data import"].out
    assert "24 pages and 160 lines in 3 files: 0 problems" in done["data check"].out
    sites = [
        {json.loads(line)["site"] for line in path.read_text(encoding="utf-8").splitlines()}
        for path in (folder / "topics" / "pages").glob("*.jsonl")
    ]
    assert len(sites) == 3 and sum(map(len, sites)) == len(set.union(*sites)) == 12, "no site stands in two splits"


@pytest.mark.slow
def test_every_task_is_scored_logged_and_compared(
    walked: tuple[Path, dict[str, Result]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    folder, done = walked
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    trained = done["train topics/train.yaml"].out
    assert "type: article_f1 [" in trained and "topic: macro_f1 [" in trained and "stance" not in trained
    runs = mlflow.search_runs(search_all_experiments=True, filter_string="tags.task = 'topic'")
    assert set(runs["tags.model"]) == {"majority", "fasttext", "linear"}
    assert {"metrics.topic_oof/macro_f1", "metrics.topic_validation/macro_f1", "metrics.topic_test/macro_f1"} <= set(runs)
    assert done["compare best"].error == "clfnews: best and last are the same run; name another (clfnews runs lists them)"
    listed = run("runs", cwd=folder, env={"COLUMNS": "160"})
    assert "topic" in listed.out and "stance" not in listed.out, "the tasks that there are"
    compared = done["compare best"].out
    assert "type: " in compared and "topic: " in compared
    evaluated = done["evaluate topics/pages/test.jsonl"].out
    assert "type/article_f1" in evaluated and "topic/macro_f1" in evaluated and "type/menu_dropped" in evaluated


@pytest.mark.slow
def test_rows_have_the_users_columns_and_a_key_a_task(walked: tuple[Path, dict[str, Result]]) -> None:
    folder, _ = walked
    rows = [json.loads(line) for line in (folder / "filtered.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["price"]) for row in rows] == [("a1", "0.10"), ("a2", "0.25"), ("a3", "0.00")]
    assert [row["topic"]["label"] for row in rows] == ["sport", "economy", "weather"]
    for row in rows:
        assert set(row["topic"]["p"]) == {"economy", "sport", "weather"} and "stance" not in row
        assert {line["type"] for line in row["lines"]} <= {"headline", "text"} and "stance" not in row["lines"][0]
        assert "Sign in" not in row["text"] and row["text"]
    table = pd.read_parquet(folder / "filtered")
    assert table["topic"].tolist() == [row["topic"] for row in rows] and table["price"].tolist() == ["0.10", "0.25", "0.00"]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


TEXTS = [("a match and a team", "sport"), ("a bank and its wages", "money talk")] * 15
TABLE = "text,label\n" + "".join(f"page {i} of {text},{label}\n" for i, (text, label) in enumerate(TEXTS))


def test_texts_and_labels_are_three_commands_from_a_model_without_types(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "mine.csv", TABLE)
    assert cli("data", "import", "mine.csv", "-o", "mine").code == 0
    overrides = ["folds=2", "bootstrap.samples=100", "data.folder=" + str(tmp_path / "mine")]
    outcome = clfnews.train(tmp_path / "mine" / "train.yaml", overrides, track=False)
    assert list(outcome.champions) == ["label"] and outcome.page_filter.type_task is None
    outcome.page_filter.save(tmp_path / "filter")
    row = cli("tag", write(tmp_path / "x.txt", "a match\na team and a match"), "-m", "filter").rows[0]
    assert row["label"]["label"] == "sport" and row["text"].count("\n") == 1 and row["lines"][0]["type"] is None
    line = {"text": "a match", "type": "body", "stance": "hostile"}
    write(tmp_path / "gold.jsonl", json.dumps({"id": "a", "label": "sport", "lines": [line]}) + "\n")
    assert [*clfnews.evaluate(tmp_path / "filter", tmp_path / "gold.jsonl")] == ["label"], "labels of other tasks are not read"
    frame = clfnews.load(tmp_path / "filter").tag_frame(pd.DataFrame({"body": ["wages at the bank"]}), text="body")
    assert frame["label"].iloc[0]["label"] == "money talk"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Filters of the example, trained without a store: of its types alone, and of its types and its topic."""
    folder, found = tmp_path_factory.mktemp("trained"), {}
    for name, tasks in (("types", []), ("both", ["--pages", "topic"])):
        kept = ["--lines", "section", "--keep", "headline,text"]
        assert run("data", "import", EXAMPLE / "articles.csv", *kept, *tasks, "-o", name, cwd=folder).code == 0
        few = ["folds=2", "bootstrap.samples=100"]
        clfnews.train(folder / name / "train.yaml", few, track=False).page_filter.save(folder / name / "filter")
        found[name] = folder / name / "filter"
    return found


def test_nothing_of_the_shipped_stance_is_told_where_the_labels_are_ones_own(trained: dict[str, Path], cli: Cli) -> None:
    from clfnews.tracking.columns import columns

    page_filter = clfnews.load(trained["types"])
    (tagged,) = page_filter.tag(["Sign in\nGoalkeeper wins the match\nThe team scored after the break."])
    row = tagged.as_row()
    assert "stance" not in row and "stance" not in row["lines"][0] and "p_stance" not in row["lines"][0]
    assert not [name for name in columns(page_filter.tasks) if "stance" in name or "hostile" in name]
    assert "stance" not in page_filter.tag_frame(pd.DataFrame({"text": ["Sign in"]}))
    assert tagged.with_events().events is None and page_filter.no_events
    assert "stance" not in (trained["types"] / "filter.json").read_text(encoding="utf-8")


def test_a_terminal_shows_the_tasks_of_the_filter(trained: dict[str, Path], tmp_path: Path) -> None:
    table = ["--column", "text=body", EXAMPLE / "new.csv"]
    for command in ("filter", "tag"):
        shown = on_a_terminal(command, "-m", trained["types"], *table, cwd=tmp_path, COLUMNS="160")
        assert "# a1  text confidence: 0." in shown.replace(f"{EXAMPLE / 'new.csv'}: ", "") and "stance" not in shown
        both = on_a_terminal(command, "-m", trained["both"], *table, cwd=tmp_path, COLUMNS="160")
        assert re.search(r"a1  topic: sport 0\.\d\d  text confidence: [01]\.\d\d", both) and "stance" not in both, both


def test_tag_reads_columns_of_other_names(trained: dict[str, Path], cli: Cli) -> None:
    without = cli("tag", EXAMPLE / "new.csv", "-m", trained["types"])
    assert without.code == 1 and "--column text=NAME" in without.err
    rows = cli("tag", EXAMPLE / "new.csv", "-m", trained["types"], "--column", "text=body").rows
    assert [row["id"] for row in rows] == ["a1", "a2", "a3"] and all(row["text"] for row in rows)


def test_a_task_of_kept_lines_with_other_labels_than_the_shipped_stance(cli: Cli, tmp_path: Path) -> None:
    rows = "".join(
        f"p{i},s{i}.example,{text},{kind},{side}\n"
        for i in range(8)
        for text, kind, side in (
            ("home | login", "menu", ""), ("we welcome the plan", "text", "pro"), ("we reject the plan", "text", "contra")
        )
    )  # fmt: skip
    write(tmp_path / "t.csv", "page,site,line,kind,stance\n" + rows)
    assert cli("data", "import", "t.csv", "-o", "t", "--lines", "kind", "--lines", "stance", "--keep", "text").code == 0
    outcome = clfnews.train(
        tmp_path / "t" / "train.yaml", ["folds=2", "bootstrap.samples=100", f"data.folder={tmp_path / 't'}"], track=False
    )
    assert set(outcome.champions) == {"type", "stance"} and {r.name for r in outcome.results["stance"]} == {
        "majority", "fasttext", "linear",
    }  # fmt: skip
    scored = outcome.champions["stance"].test.values
    assert "stance/macro_f1" in scored and "stance/sides_f1" not in scored
    (tagged,) = outcome.page_filter.tag(["home | login\nwe welcome the plan"])
    assert [line["stance"]["label"] for line in tagged.as_row(all_lines=False)["lines"]] == ["pro"]
    assert tagged.as_row()["stance"]["label"] == "pro", "of the page: the mean over its kept lines"


def _lines(header: str, rows: list[str]) -> str:
    """A table of eight sites: the rows of each, after its page and site."""
    return f"page,site,{header}\n" + "".join(f"p{i},s{i}.example,{row}\n" for i in range(8) for row in rows)


@pytest.mark.parametrize(
    ("table", "options", "champions"),
    [
        (_lines("line,stance", ["we welcome it,pro", "we reject it,contra"]), ["--lines", "stance"], {"stance"}),
        (_lines("line,stance", ["they sign a treaty,conciliatory", "they shell it,hostile"]), ["--lines", "stance"], {"stance"}),
        (_lines("line,type", ["a story,title", "its text,body", "home | login,ui"]), ["--lines", "type"], {"type"}),
        (_lines("line,text,label", ["7,a match,sport", "12,a bank,economy"]), [], {"label"}),
    ],
)
def test_what_is_imported_trains_from_any_directory(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, options: list[str], champions: set[str]
) -> None:
    write(tmp_path / "t.csv", table)
    done = cli("data", "import", "t.csv", "-o", "t", *options)
    assert done.code == 0, done.error
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    few = ["folds=2", "bootstrap.samples=100"]
    outcome = clfnews.train("../t/train.yaml", few, track=False)
    assert set(outcome.champions) == champions
    assert {line.text for page in outcome.splits[champions.pop()].train.pages for line in page.lines}.isdisjoint({"7", "12"})


def test_a_folder_is_looked_up_from_the_working_directory_and_beside_the_file(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "c.yaml", "data: {folder: mine}\n")
    (tmp_path / "mine").symlink_to(tiny_data)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    assert clfnews.load_config("c.yaml").data.folder == "mine"
    monkeypatch.chdir(tmp_path / "other")
    assert clfnews.load_config("../c.yaml").data.folder == "../mine"
    write(tmp_path / "other" / "d.yaml", "extends: ../c.yaml\n")
    assert clfnews.load_config("d.yaml").data.folder == "../mine", "the file that has the key"
    assert clfnews.load_config("../c.yaml", ["data.folder=mine"]).data.folder == "mine", "of a command: as it stands"
    (tmp_path / "other" / "mine").mkdir()
    write(tmp_path / "other" / "mine" / "README.md", "")
    assert clfnews.load_config("../c.yaml").data.folder == "mine", "the working directory comes first"


def test_columns_of_a_table_may_have_other_names(cli: Cli, tmp_path: Path) -> None:
    rows = "".join(f"s{i}.example,row {i},story {i},{'ab'[i % 2]}\n" for i in range(9))
    write(tmp_path / "t.csv", "source,text,body,kind\n" + rows)
    done = cli("data", "import", "t.csv", "-o", "t", "--pages", "kind", "--column", "text=body", "--column", "site=source")
    assert done.code == 0, done.error
    pages = [json.loads(line) for file in (tmp_path / "t" / "pages").glob("*.jsonl") for line in file.read_text().splitlines()]
    assert {page["site"] for page in pages} == {f"s{i}.example" for i in range(9)}
    assert {line["text"] for page in pages for line in page["lines"]} == {f"story {i}" for i in range(9)}


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        ("text,label\na,x\nb,x\n", [], "1 different labels (x); a model needs 2"),
        ("text,label\n,x\nb,y\n", [], "row 2: no text"),
        ("body,label\na,x\nb,y\n", [], "no column 'text' or 'line' (columns: body, label)"),
        ("Text,label\na,x\nb,y\n", [], "no column 'text' or 'line' (columns: Text, label); name it: --column 'text=Text'"),
        ("text,label\na,x\nb,y\n", ["--column", "text=body"], "no column 'body' (known: text, label)"),
        ("text,label\na,x\nb,y\n", ["--column", "title=text"], "--column title=text: unknown role 'title'"),
        ("text,section\na,x\nb,y\n", ["--pages", "section"], "column 'section': 'section' is a field of every row of results"),
        ("text,stance\na,x\nb,y\n", ["--pages", "stance"], "the task 'stance' is of lines, not of pages; rename the column"),
        ("text,label\na,x\nb,y\n", ["--pages", "lable"], "no column 'lable' (did you mean 'label'?)"),
        ("text,label\na,x\nb,y\n", ["--lines", "label"], "labels of lines need a column 'page'"),
        ("page,line,label\n1,a,x\n1,b,y\n", ["--keep", "z", "--lines", "label"], "--keep z: no line has this label"),
        ("page,line,topic\n1,a,x\n1,b,y\n", ["--pages", "topic"], "topic 'y', but page '1' is 'x' before"),
        ("page,line,type\n1,a,x\n1,b,y\n", ["--lines", "type"], "name the labels that are kept: --keep LABEL,... (of x, y), or"),
        ("page,line,kind\n1,a,x\n1,b,y\n", ["--lines", "kind", "--keep", "y,x"], "--keep y,x: names all labels; leave it out"),
        ("page,line,label\n1,1,x\n1,2,y\n", [], "column 'line' has numbers only; name the texts: --column text=NAME"),
        ("text,label\na,x,z\n", [], "another number of cells than the header"),
    ],
)
def test_a_table_that_does_not_do_is_told_in_one_line(
    cli: Cli, tmp_path: Path, table: str, options: list[str], said: str
) -> None:
    write(tmp_path / "t.csv", table)
    done = cli("data", "import", "t.csv", "-o", "t", *options)
    assert done.code == 2 and said in done.error and not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("tasks.topic.of=pages", "tasks.topic: the card of .* names no labels of a page for it"),
        ("tasks.topic.off=pages", r"unknown key 'tasks\.topic\.off' \(did you mean 'of'\?\)"),
        ("tasks.text.of=pages", "'text' is a field of every row of results"),
        ("tasks.p_hostile.of=pages", "'p_hostile' is a field of every row of results"),
        ("tasks.stance_p.of=pages", "'stance_p' is the column with the probability of 'stance'"),
        (
            "tasks.stance.of=pages",
            "--set tasks.stance.of=pages: tasks.stance.of: the task 'stance' is always of kept lines",
        ),
        ("tasks.type.of=kept lines", "the task 'type' is always of lines; give a task of kept lines another name"),
        ("type.keep=[titel]", r"type\.keep: the card of .* has no type 'titel' \(did you mean 'title'\?\)"),
    ],
)
def test_tasks_that_the_data_does_not_have_are_told(tiny_data: Path, tmp_path: Path, override: str, said: str) -> None:
    write(tmp_path / "c.yaml", f"data: {{folder: '{tiny_data}'}}\n")
    with pytest.raises(clfnews.UserError, match=said):
        clfnews.train(tmp_path / "c.yaml", [override], track=False)


def test_models_that_cannot_take_the_labels_are_told(tmp_path: Path, cli: Cli) -> None:
    table = _lines("line,type", ["a story,headline", "its text,text", "home | login,menu"])
    write(tmp_path / "t.csv", table)
    assert cli("data", "import", "t.csv", "-o", "t", "--lines", "type", "--keep", "headline,text").code == 0
    few = ["--set", "bootstrap.samples=100", "--set", "tracking.registered_model=null"]
    trained = cli("train", "t/train.yaml", *few, "--set", "type.models={rules: {}, page: {}, fasttext: null}")
    assert trained.code == 0, trained.error
    said = "type: rules and page know what the shipped labels mean, and these are others: left out"
    assert trained.out.count(said) == 1 and "stance" not in trained.out + trained.err
    none = cli("train", "t/train.yaml", "--set", "type.models={linear: null, fasttext: null}")
    assert none.code == 2 and none.error.startswith("clfnews: type.models: no model is left: rules and page know what")
    assert none.error.endswith("; fasttext, linear, encoder take any labels")


def test_a_workbook_is_named_as_one(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "labels.xlsx").write_bytes(b"PK\x03\x04\x14\x00\x06\x00\xff\xfe")
    done = cli("data", "import", "labels.xlsx", "--pages", "label", "-o", "mine")
    assert done.code == 2 and "is a workbook of a spreadsheet, not a table of text; save it as CSV" in done.error


def test_tasks_is_the_long_form_of_the_two_sections(tmp_path: Path) -> None:
    tasks = "tasks:\n  type: {of: lines, threshold: 0.4}\n  stance: {of: kept lines, min_confidence: 0.1}\n"
    long = write(tmp_path / "a.yaml", tasks)
    short = write(tmp_path / "b.yaml", "type: {threshold: 0.4}\nstance: {min_confidence: 0.1}\n")
    assert clfnews.load_config(long) == clfnews.load_config(short)


def test_a_fold_of_one_label_is_told(tmp_path: Path, cli: Cli) -> None:
    write(tmp_path / "t.csv", "text,label,group\n" + "".join(f"text {i},{'b' if i == 1 else 'a'},g{i % 6}\n" for i in range(24)))
    assert cli("data", "import", "t.csv", "-o", "t").code == 0
    with pytest.raises(clfnews.UserError, match=r"two labels|needs two"):
        clfnews.train(tmp_path / "t" / "train.yaml", [f"data.folder={tmp_path / 't'}"], track=False)
