"""Bad input: one clear line, the right exit code, no traceback (`helpers.run` checks that), nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from helpers import SEED_PAGE, Cli, Project, command, started, wait_for, write_rows

import clfnews
from clfnews.errors import UserError

STORY = "\n".join(
    ["Trang chủ", "Tin quốc tế"] + [f"Đoạn {i} của bài kể rằng hai bên đã gặp nhau và bàn việc rất lâu." for i in range(6)]
)


@pytest.fixture
def tag(cli: Cli, rules_filter: Path) -> Cli:
    """`clfnews tag` with a filter that starts fast."""

    def run_tag(*arguments: object, **options: Any) -> Any:
        return cli("tag", *arguments, "-m", rules_filter, **options)

    return run_tag


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]


# --- files ------------------------------------------------------------------------------


def test_a_missing_file_is_told_before_anything_is_read(tag: Cli, tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text(STORY, encoding="utf-8")
    done = tag("good.txt", "missing.txt")
    assert (done.code, done.out) == (2, "")
    assert done.error == "clfnews: missing.txt: no such file or folder"


def test_a_folder_without_pages(tag: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    done = tag("notes")
    assert (done.code, done.out) == (2, "") and done.error.startswith("clfnews: notes: no ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(200), "binary file"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "binary file"),
    ],
    ids=["empty", "blank", "png", "pdf"],
)
def test_a_file_that_is_no_text_is_named_and_the_others_are_read(content: bytes, said: str, tag: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "b.txt").write_text(STORY, encoding="utf-8")
    done = tag("a.txt", "b.txt", "-o", "out.jsonl")
    assert done.code == 1 and ids(tmp_path / "out.jsonl") == ["b"]
    first, last = done.err.splitlines()
    assert first.startswith("clfnews: a.txt: ") and said in first
    assert last.startswith("clfnews: 1 record could not be read")


def test_standard_input_can_be_empty_too(tag: Cli) -> None:
    done = tag("-")
    assert (done.code, done.out) == (1, "") and "stdin" in done.err and "is empty" in done.err


def test_invalid_utf8_is_replaced_and_said(tag: Cli, tmp_path: Path) -> None:
    data = STORY.encode()
    (tmp_path / "a.txt").write_bytes(data[:40] + b"\xff\xfe" + data[40:])
    done = tag("a.txt")
    assert done.code == 0 and "a.txt: not valid UTF-8" in done.error and "replaced" in done.error
    assert any("\ufffd" in line["text"] for line in done.rows[0]["lines"])
    assert done.rows[0]["lines"][-1]["text"] == STORY.splitlines()[-1]


def test_decomposed_text_gives_the_same_answer(tag: Cli, tmp_path: Path) -> None:
    text = SEED_PAGE.read_text(encoding="utf-8")
    (tmp_path / "nfd").mkdir()
    (tmp_path / "nfd" / "page.txt").write_text(unicodedata.normalize("NFD", text), encoding="utf-8")
    (tmp_path / "page.txt").write_text(text, encoding="utf-8")
    done = tag("page.txt", "nfd/page.txt")
    assert (done.code, done.err) == (0, "") and done.rows[0] == done.rows[1] | {"source": "page.txt"}


def test_a_line_of_100_megabytes(tag: Cli, tmp_path: Path) -> None:
    """Bounded in time and memory: refused as a page, and cut where it is one line among others."""
    long = "từ " * 25_000_000
    assert len(long.encode()) >= 100_000_000
    (tmp_path / "huge.txt").write_text(long, encoding="utf-8")
    with (tmp_path / "rows.jsonl").open("w", encoding="utf-8") as file:
        file.write(json.dumps({"id": "huge", "text": long}, ensure_ascii=False) + "\n")
        file.write(json.dumps({"id": "long", "text": f"{'x' * 10_000_000}\n{STORY}"}) + "\n")
        file.write(json.dumps({"id": "good", "text": STORY}) + "\n")
    done = tag("huge.txt", "rows.jsonl", "-o", "out.jsonl")
    assert done.code == 1 and ids(tmp_path / "out.jsonl") == ["long", "good"]
    assert "clfnews: huge.txt: " in done.err and "rows.jsonl: row 1: " in done.err
    assert (tmp_path / "out.jsonl").stat().st_size < 1_000_000


def test_an_empty_page_is_a_page_without_article(tag: Cli, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", [{"id": "empty", "text": ""}, {"id": "none", "lines": []}, {"id": "good", "text": STORY}])
    done = tag("rows.jsonl")
    assert done.code == 0 and [row["id"] for row in done.rows] == ["empty", "none", "good"]
    for row in done.rows[:2]:
        assert (row["title"], row["text"], row["lines"], row["stance"]["label"]) == (None, "", [], None)


def test_broken_rows_are_numbered_and_the_others_are_read(tag: Cli, tmp_path: Path) -> None:
    good = json.dumps({"text": STORY})
    bad = {
        2: '{"text": "cut off',
        4: '["a", "list"]',
        5: "{}",
        7: '{"text": 3}',
        8: '{"lines": [{"type": "body"}]}',
        9: '{"lines": [{"text": "a", "n": [1]}]}',
        10: '{"lines": [{"text": "a", "cues": {"x": 1}}]}',
        11: '{"text": 3, "url": {"b": 1}}',
        12: "[" * 100_000,
    }
    rows = [bad.get(number, "" if number == 6 else good) for number in range(1, 14)]
    (tmp_path / "rows.jsonl").write_bytes("\n".join(rows).encode() + b'\n{"text": "\xff\xfe"}\n')
    done = tag("rows.jsonl", "-o", "out.jsonl")
    assert done.code == 1 and ids(tmp_path / "out.jsonl")[:3] == ["rows-1", "rows-3", "rows-13"]
    told = [line for line in done.err.splitlines() if "rows.jsonl: row " in line]
    numbers = [int(line.split(": row ")[1].split(":")[0]) for line in told]
    assert [n for n in numbers if n < 14] == list(bad)
    assert all(len(line) < 300 for line in done.err.splitlines())


def test_a_flood_of_bad_rows_is_counted(tag: Cli, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", [{"text": STORY}, *[{"body": STORY}] * 300, {"text": 5}, {"text": STORY}])
    done = tag("rows.jsonl", "-o", "out.jsonl")
    assert done.code == 1 and ids(tmp_path / "out.jsonl") == ["rows-1", "rows-303"]
    *named, more, last = done.err.splitlines()
    hint = "has no key 'text' or 'html' (keys: body); name it: --column text=NAME or --column html=NAME"
    assert named == [f"clfnews: rows.jsonl: row {n}: {hint}" for n in range(2, 22)]
    assert more == f"clfnews: 281 more bad records not named; most often: {hint}"
    assert last == "clfnews: 301 records could not be read (see above)"


def test_text_from_the_web_cannot_break_the_output(tag: Cli, tmp_path: Path) -> None:
    """Half characters, control marks and absurd ids go in; valid UTF-8 JSONL comes out."""
    rows = (
        r'{"id": "\ud800", "text": "a\ud83d b\u0000\u001b[31m", "url": "http://[x"}' "\n" r'{"id": {"a": 1}, "text": "NaN"}' "\n"
    )
    (tmp_path / "rows.jsonl").write_text(rows)
    done = tag("rows.jsonl", "-o", "out.jsonl")
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert written and all("\x1b" not in line["text"] for row in written for line in row["lines"])
    assert len(written) + len([line for line in done.err.splitlines() if ": row " in line]) == 2


# --- configuration and data ---------------------------------------------------------------


def test_an_unknown_key_or_model_names_file_line_and_nearest(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("seed: 1\nfoldz: 3\n")
    (tmp_path / "b.yaml").write_text("type:\n  models:\n    fastext: {}\n")
    done = cli("train", "a.yaml")
    assert (done.code, done.error) == (2, "clfnews: a.yaml:2: unknown key 'foldz' (did you mean 'folds'?)")
    done = cli("train", "b.yaml")
    assert (done.code, done.error) == (2, "clfnews: b.yaml:3: unknown key 'type.models.fastext' (did you mean 'fasttext'?)")
    assert not (tmp_path / "mlflow.db").exists(), "a wrong configuration should not make a store"


def test_a_missing_configuration(cli: Cli) -> None:
    done = cli("train", "missing.yaml")
    assert done.code == 2 and done.error.startswith("clfnews: missing.yaml: no such configuration file")


def test_a_missing_data_folder_names_the_path_that_was_looked_at(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("data: {folder: labels}\n")
    done = cli("train", "a.yaml")
    assert done.code == 2 and f"no README.md dataset card in {tmp_path / 'labels'}" in done.error


def test_an_unknown_label_names_row_and_nearest(cli: Cli, tmp_path: Path, rules_filter: Path) -> None:
    write_rows(tmp_path / "gold.jsonl", [{"id": "a", "lines": [{"text": "Tin", "type": "boddy"}]}])
    done = cli("evaluate", rules_filter, "gold.jsonl")
    assert (done.code, done.error) == (2, "clfnews: gold.jsonl: row 1: line 1: unknown type 'boddy' (did you mean 'body'?)")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"{broken", b"\x89PNG\xff\x00", b'{"id": "a", "text": "b"}\n'])
def test_files_that_cannot_be_evaluated(content: bytes, cli: Cli, tmp_path: Path, rules_filter: Path) -> None:
    (tmp_path / "gold.jsonl").write_bytes(content)
    done = cli("evaluate", rules_filter, "gold.jsonl", "--json")
    assert (done.code, done.out) == (2, "") and done.error.startswith("clfnews: gold")


# --- models and stores --------------------------------------------------------------------


def test_no_model_yet_says_to_train(cli: Cli, tmp_path: Path) -> None:
    done = cli("filter", SEED_PAGE)
    assert (done.code, done.out) == (2, "")
    assert done.error.startswith("clfnews: no model models:/clfnews@champion: there is no store sqlite:///")
    assert "clfnews train CONFIG" in done.error and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "uri", ["models:/clfnews/999", "models:/nothing@champion", "runs:/0123456789abcdef0123456789abcdef/model"]
)
def test_a_model_that_the_store_does_not_have(uri: str, project: Project, store: Any) -> None:
    with pytest.raises(UserError) as error:
        clfnews.load(uri)
    assert str(error.value).startswith(f"no model {uri} in {project.store}") and "\n" not in str(error.value)


META = {"schema": 1, "name": "x", "threshold": 0.5, "min_confidence": 0, "info": {}, "temperature": {"type": 1}}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no filter.json"),
        ({"filter.json": "{"}, "broken"),
        ({"filter.json": '{"schema": 99, "clfnews": "9.0"}'}, "made by clfnews 9.0"),
        ({"filter.json": '{"schema": 1}'}, "filter.json: broken"),
        ({"filter.json": json.dumps(META)}, "model.json"),
    ],
)
def test_a_folder_that_holds_no_model(files: dict[str, str], said: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=said) as error:
        clfnews.load(str(tmp_path))
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


def test_a_store_that_cannot_be_opened(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database\n")
    uri = f"sqlite:///{tmp_path}/notes.txt"
    done = cli("filter", SEED_PAGE, env={"MLFLOW_TRACKING_URI": uri})
    assert (done.code, done.out) == (2, "")
    assert done.error.startswith(f"clfnews: tracking store {uri} cannot be used: ") and "file is not a database" in done.error
    assert "MLFLOW_TRACKING_URI" in done.error


def test_looking_for_a_model_makes_no_store(cli: Cli, tmp_path: Path) -> None:
    done = cli("filter", SEED_PAGE)
    assert (done.code, done.out) == (2, "")
    assert "there is no store sqlite:///" in done.error and "mlflow.db; train one" in done.error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "nonsense://x", "postgresql://u@127.0.0.1:1/runs"])
def test_other_stores_that_cannot_be_opened(uri: str, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError) as error:
        clfnews.load()
    assert str(error.value).startswith(f"tracking store {uri} cannot be used: ") and "\n" not in str(error.value)


# --- options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["filter", SEED_PAGE, "--format", "xml"], "--format xml: expected text, markdown or jsonl"),
        (["filter", SEED_PAGE, "--threshold=1.5"], "expected a number from 0 to 1"),
        (["tag", SEED_PAGE, "--threshold=nan"], "expected a number from 0 to 1"),
        (["evaluate", "a", "b", "c"], "expected [MODEL] FILE"),
        (["filter", SEED_PAGE, "-o", "out.parquet"], "Parquet goes into a folder"),
        (["filter", SEED_PAGE, "-o", "out.jsonl.gz"], "one file is .txt, .md or .jsonl, not compressed"),
        (["filter", SEED_PAGE, "-o", "out.txt.ZST", "--format", "text"], "one file is .txt, .md or .jsonl, not compressed"),
        (["filter", SEED_PAGE, "-o", "out.json"], "one file is .txt, .md or .jsonl; say --format"),
        (["filter", SEED_PAGE, "-o", "results.v2"], "make the folder first"),
        (["tag", SEED_PAGE, "-o", "tagged.csv"], "one file is .txt, .md or .jsonl"),
        (["filter", SEED_PAGE, "-o", "nowhere/out.txt"], "the folder nowhere does not exist"),
        (["tag", SEED_PAGE, "-o", "."], "is a folder"),
        (["filter"], "inputs"),
        (["filtre"], "No such command"),
        (["train", "x.yaml", "--sett", "a=1"], "No such option"),
    ],
)
def test_wrong_options(arguments: list[object], said: str, cli: Cli, rules_filter: Path) -> None:
    model = ["-m", rules_filter] if arguments[0] in ("filter", "tag") and len(arguments) > 1 else []
    done = cli(*arguments, *model)
    assert done.code == 2 and done.out == "" and said.lower() in done.err.lower()


def test_names_of_a_file_to_write(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    (tmp_path / "noted").write_text("")
    for name, options, is_json in (
        ("a.txt", [], False), ("a.JSONL", [], True), ("a.json", ["--format", "jsonl"], True), ("noted", [], False),
    ):  # fmt: skip
        assert cli("filter", SEED_PAGE, "-o", name, "-m", rules_filter, *options).code == 0
        assert (tmp_path / name).read_bytes().startswith(b"{") == is_json


def test_output_that_cannot_be_written_leaves_the_old_one(tag: Cli, tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text("old\n")
    assert tag("missing.txt", "-o", "old.jsonl").code == 2
    assert (tmp_path / "old.jsonl").read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.jsonl"]


# --- Ctrl-C and closed pipes ----------------------------------------------------------------


def interrupt(process: Any) -> tuple[int, str, str]:
    """Press Ctrl-C and wait for the end."""
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out.decode(), err.decode()


def test_ctrl_c_during_filter_leaves_no_half_written_output(tmp_path: Path, rules_filter: Path) -> None:
    (tmp_path / "out.jsonl").write_text("old\n")
    rows = (json.dumps({"text": STORY}).encode() + b"\n") * 500

    def something_is_written() -> bool:
        # The input stays open, so that the work cannot end.
        process.stdin.write(rows)
        process.stdin.flush()
        return any(path.stat().st_size for path in tmp_path.glob(".out.jsonl*"))

    arguments = command("tag", "-", "-m", rules_filter, "-o", "out.jsonl")
    with started(*arguments, cwd=tmp_path, stdin=subprocess.PIPE) as process:
        wait_for(something_is_written, "the first pages in the temporary file")
        code, _, err = interrupt(process)
    assert code == 130 and err == "clfnews: stopped\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"] and (tmp_path / "out.jsonl").read_text() == "old\n"


@pytest.mark.slow
def test_ctrl_c_during_train_logs_no_half_run(project: Project, store: Any, registered: str) -> None:
    options = ["--set", "tracking.experiment=interrupted", "--set", "bootstrap.samples=5000"]
    arguments = command("train", project.config, *options)
    with started(*arguments, cwd=project.folder, env={"MLFLOW_TRACKING_URI": project.store}) as process:
        for line in process.stderr:
            if b"fasttext" in line:
                break
        code, out, err = interrupt(process)
    assert code == 130 and out == "" and err.splitlines()[-1] == "clfnews: stopped"
    found = store.get_experiment_by_name("interrupted")
    assert found is None or store.search_runs([found.experiment_id]) == []
    champion = store.get_model_version_by_alias("clfnews", "champion")
    assert f"models:/clfnews/{champion.version}" == registered


def test_a_reader_that_goes_away_is_no_error_of_ours(tmp_path: Path, rules_filter: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", [{"text": STORY}] * 400)
    with started(*command("tag", "rows.jsonl", "-m", rules_filter), cwd=tmp_path) as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read().decode()
        assert process.wait(300) == 141 and err == ""


def test_a_reader_that_takes_nothing_is_no_error_either(tmp_path: Path, rules_filter: Path) -> None:
    """The output is so short that it is written only at the end."""
    with started(*command("filter", SEED_PAGE, "-m", rules_filter), cwd=tmp_path) as process:
        process.stdout.close()
        err = process.stderr.read().decode()
        assert process.wait(300) == 141 and err == ""
