"""How the command line feels: help, version, completion, colours, tables of Vietnamese text, progress."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import ROOT, SEED_PAGE, Cli, Project, environment, on_a_terminal, tiny_config
from rich.cells import cell_len

from clfnews.cli.progress import left
from clfnews.cli.terminal import print_table, printable
from clfnews.labels import GUIDELINES_VERSION
from clfnews.training.steps import Part, Steps
from clfnews.version import __version__


def test_help_lists_the_exit_codes_and_the_version_names_the_guidelines(cli: Cli) -> None:
    text = cli("--help").out
    for code in ("0  ", "1  ", "2  ", "130", "141"):
        assert f"\n    {code}  " in text
    out = cli("--version").out.splitlines()
    assert out[0] == f"clfnews {__version__}, labelling guidelines {GUIDELINES_VERSION}"
    assert out[1] == "model: none in the store in use; train one: clfnews train CONFIG"


def test_the_version_names_the_model_and_its_data(cli: Cli, project: Project) -> None:
    out = cli("--version", cwd=project.folder).out.splitlines()[1]
    assert re.fullmatch(r"model: [\w+]+-\w{6} \(clfnews .*; data: type/train \w{12}, stance/train \w{12}\)", out)


def test_examples_stand_on_lines_of_their_own(cli: Cli) -> None:
    lines = [line.strip() for line in cli("data", "import", "--help").out.splitlines()]
    assert "Example: clfnews data import queue.tsv -o labels" in lines
    assert "Example: clfnews annotate queue models:/clfnews@champion pages/ -n 50 -o queue.tsv" in [
        line.strip() for line in cli("annotate", "queue", "--help").out.splitlines()
    ]


@pytest.mark.parametrize(("typed", "wanted"), [("clfnews da", "data"), ("clfnews data im", "import"), ("clfnews tr", "train")])
def test_the_shell_completes_commands(typed: str, wanted: str, tmp_path: Path) -> None:
    words = typed.split()
    env = environment(_CLFNEWS_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1))
    script = "import sys; sys.argv = ['clfnews']; from clfnews.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert wanted in done.stdout.split()


@pytest.mark.slow
def test_colours_are_for_terminals_that_want_them(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    arguments = ("filter", SEED_PAGE, "-m", rules_filter, "--quiet")
    assert "\x1b[1m" in on_a_terminal(*arguments, cwd=tmp_path)
    plain = on_a_terminal(*arguments, cwd=tmp_path, NO_COLOR="1")
    assert "\x1b" not in plain and "stance:" in plain
    assert "\x1b" not in on_a_terminal(*arguments, cwd=tmp_path, TERM="dumb")
    piped = cli(*arguments)
    assert (piped.code, piped.err) == (0, "") and "\x1b" not in piped.out and "stance:" not in piped.out


def test_tag_prints_a_table_on_a_terminal_and_json_elsewhere(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    arguments = ("tag", SEED_PAGE, "-m", rules_filter)
    out = on_a_terminal(*arguments, cwd=tmp_path, COLUMNS="80", NO_COLOR="1").replace("\r", "")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out)
    assert re.search(r"^ line +type +p +stance +p +text", shown, re.MULTILINE) and "\n* kept" in shown
    assert re.search(r"^ 1 +\* +title +0\.\d\d +\w+ +0\.\d\d +Điện Kremlin", shown, re.MULTILINE)
    table = shown[shown.index(" line ") : shown.index("* kept")]
    assert max(map(cell_len, table.split("\n"))) <= 80 and '{"id"' not in shown
    (row,) = cli(*arguments, "--quiet").rows
    assert row["lines"][0]["type"] == "title"


def test_several_pages_in_a_pipe_carry_their_names(rules_filter: Path, cli: Cli) -> None:
    pages = sorted(SEED_PAGE.parent.glob("00[01]_*.txt"))
    arguments = ("-m", rules_filter, "--quiet")
    named = cli("filter", *pages, *arguments).out
    assert [line for line in named.splitlines() if line.startswith("# ")] == [f"# {page}" for page in pages]
    assert "# " not in cli("filter", pages[0], *arguments).out
    assert "# " not in cli("filter", *pages, *arguments, "--format", "text").out, "the lines alone, when they are asked for"


def test_marks_on_a_terminal_have_a_legend(rules_filter: Path, tmp_path: Path) -> None:
    out = on_a_terminal("filter", SEED_PAGE, "-m", rules_filter, cwd=tmp_path, NO_COLOR="1")
    assert "+ conciliatory  - hostile  ? no stance  * the page's stance hangs on it" in out


def test_progress_stays_out_of_the_output(rules_filter: Path, tmp_path: Path) -> None:
    arguments = ("tag", SEED_PAGE, "-m", rules_filter, "-o", "tagged.jsonl")
    assert "loading the model" in on_a_terminal(*arguments, cwd=tmp_path)
    assert on_a_terminal(*arguments, "--quiet", cwd=tmp_path) == ""
    assert (tmp_path / "tagged.jsonl").read_text(encoding="utf-8").startswith('{"id"')


def test_columns_stay_aligned_below_vietnamese_and_wide_text(capsys: Any) -> None:
    texts = ["Nguyễn Thị Hường", "Ở Đà Nẵng: ữ ậ ợ", "中国外交部", "ASCII"]
    rows = [[text, str(10**i)] for i, text in enumerate(texts)]
    rows.append([unicodedata.normalize("NFD", texts[0]), "7"])
    print_table(["text", "count"], rows)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert len(lines) == len(rows) + 2 and len({cell_len(line) for line in lines}) == 1
    for line, (_, number) in zip(lines[2:], rows, strict=True):
        assert cell_len(line.rstrip()) == cell_len(lines[2].rstrip()), f"{number} ends where the others end"


def test_a_table_without_rows_is_its_header(capsys: Any) -> None:
    print_table(["name", "count"], [])
    assert "name" in capsys.readouterr().out


def test_a_table_leaves_columns_out_before_it_breaks_a_number(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    header = ["", "model", "out of fold", "validation", "test", "test recall", "MB"]
    score = "0.904 [0.89, 0.91]"
    for columns, gone in ((60, ["test", "test recall", "MB"]), (80, ["test recall", "MB"]), (120, [])):
        monkeypatch.setenv("COLUMNS", str(columns))
        print_table(header, [["*", "fasttext", score, score, score, "0.900", "0.15"]], gives_way=header[:2:-1])
        out = capsys.readouterr().out
        lines = out.splitlines()
        assert max(map(len, lines)) <= columns
        (row,) = [line for line in lines if "fasttext" in line]
        assert row.count(score) == 3 - len({"validation", "test"} & set(gone))
        assert (lines[-1] == f"no room for: {', '.join(gone)}") == bool(gone)


def test_texts_of_a_table_are_broken_between_words(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("clfnews.cli.terminal._width", lambda _: 50)
    text = "Hai bên nhất trí nối lại đàm phán vào tháng sau ở Hà Nội"
    print_table(["id", "text", "score"], [["0123abcd", text, "0.123 [0.10, 0.15]"]])
    out = capsys.readouterr().out
    assert "0123abcd" in out and "0.123 [0.10, 0.15]" in out
    assert set(text.split()) <= set(out.split()) and max(map(len, out.splitlines())) <= 50


def test_the_bar_of_a_training_counts_its_steps_and_guesses_its_end() -> None:
    told: list[Any] = []
    steps = Steps(told.append, ["majority", "page"], folds=2, after=1)
    for text in ("fit a", "fold 1", "fold 2", "fit b", "fold 1", "fold 2", "logging"):
        steps(text)
    assert [(step.done, step.total) for step in told] == [(i, 7) for i in range(7)]
    assert told[3] == "fit b" and told[3].share < 0.05 < 0.9 < told[6].share < 1
    assert left(10, 0, 0.01) == "   - left" and left(60, 0, 0.5) == " 1:00 left" and left(80, 20, 0.5) == " 0:40 left"
    assert left(500, 440, 0.9) == "   - left", "a guess that was wrong is taken back"


def test_what_is_told_inside_a_step_does_not_end_it() -> None:
    told: list[Any] = []
    steps = Steps(told.append, ["encoder"], folds=1, before=1)
    for text in (Part("0 of 90 lines"), Part("64 of 90 lines"), "fit", "fold 1"):
        steps(text)
    assert [(step.done, step.total) for step in told] == [(0, 3), (0, 3), (1, 3), (2, 3)]


@pytest.mark.slow
def test_a_training_on_a_terminal_shows_a_bar_and_tables_that_fit(project: Project, tmp_path: Path) -> None:
    values = tiny_config(tracking={"registered_model": None})
    for task, name in (("type", "rules"), ("stance", "lexicon")):
        values[task]["models"] = dict.fromkeys(values[task]["models"]) | {name: {}}
    values["data"] = {"folder": str(project.data)}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    arguments = ("train", "rules.yaml", "--set", "tracking.experiment=bar")
    out = on_a_terminal(*arguments, cwd=tmp_path, COLUMNS="80", MLFLOW_TRACKING_URI=project.store)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out).replace("\r", "\n")
    # Which steps the bar is drawn in depends on how fast they are.
    assert re.search(r"[a-z]{4,}.* \d+/\d+ 0:\d\d:\d\d ", shown) and " left" in shown
    assert max(map(cell_len, shown[: shown.index("\nruns: ")].split("\n"))) <= 80
    assert re.search(r"^ \* +lexicon +\d\.\d{3} \[\d\.\d\d, \d\.\d\d\] +\d\.\d{3} - +\d\.\d{3} - ", shown, re.MULTILINE)


def test_all_that_is_printed_is_escaped_by_one_function() -> None:
    rooms = (ROOT / "clfnews" / "cli").glob("*.py")
    assert [path.name for path in rooms if "typer.echo" in path.read_text(encoding="utf-8")] == ["terminal.py"]


@pytest.mark.parametrize("arguments", [["HOSTILE"], ["filter", "--HOSTILE"], ["init", "a", "HOSTILE"], ["data", "HOSTILE"]])
def test_arguments_do_not_steer_the_terminal(arguments: list[str], cli: Cli) -> None:
    hostile = "\x1b[31m\x9b31m\u202e\u2066"
    done = cli(*(argument.replace("HOSTILE", hostile) for argument in arguments))
    assert done.code == 2 and "Error: " in done.err and "31m" in done.err
    assert all(c.isprintable() or c == "\n" for c in done.err)


def test_marks_that_steer_are_escaped_and_letters_are_not() -> None:
    assert printable("a\tb\x1b[2J\x9b\u202e\u2066\n\udce1\U000e0041") == (
        "a\tb\\u001b[2J\\u009b\\u202e\\u2066\\n\\udce1\\udb40\\udc41"
    )
    joined = "می\u200cخواهم क्\u200dष\u00a0\u3000"
    assert printable(joined) == joined
    row = json.dumps({"id": "\x9b\u202e\U000e0041"}, ensure_ascii=False)
    assert json.loads(printable(row)) == json.loads(row)
