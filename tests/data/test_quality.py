"""`clfnews data check` finds each kind of damage, with its place, in copies of real rows."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, Cli, write_rows

from clfnews.data.check import NEAR_DUPLICATE, check_folder
from clfnews.data.stats import stats_figure, stats_tables
from clfnews.errors import UserError
from clfnews.labels import ARTICLE, GUIDELINES_VERSION, TYPES

DATA = ROOT / "data"

Row = dict[str, Any]
Files = dict[str, list[Row]]


@pytest.fixture(scope="session")
def real_rows() -> Files:
    """The shortest pages of every split: two articles and, of train and validation, a page without one."""
    chosen: Files = {}
    for path in sorted(DATA.glob("*/*.jsonl")):
        if path.parent.name in ("pages", "stance"):
            rows = sorted(map(json.loads, path.read_text("utf-8").splitlines()), key=lambda row: len(row["lines"]))
            full = {row["article"]: row for row in rows if kinds(row).count("title") == 1 and kinds(row).count("body") >= 3}
            listings = [row for row in rows if row["article"] is None][:1]
            chosen[f"{path.parent.name}/{path.name}"] = list(full.values())[:2] + listings
    return chosen


def kinds(row: Row) -> list[str]:
    return [line["type"] for line in row["lines"]]


def line_of(row: Row, kind: str) -> tuple[int, Row]:
    """Number and line of the first line of a type."""
    return next((n, line) for n, line in enumerate(row["lines"], 1) if line["type"] == kind)


def write(folder: Path, files: Files) -> Path:
    folder.mkdir(exist_ok=True)
    # Without the marks of its blocks: their numbers are of the whole data.
    card = re.sub(r"<!-- /?clfnews.*?-->", "", (DATA / "README.md").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(card, encoding="utf-8")
    for name, rows in files.items():
        write_rows(folder / name, rows)
    return folder


@pytest.fixture
def files(real_rows: Files) -> Files:
    return deepcopy(real_rows)


@pytest.mark.slow
def test_shipped_data_has_no_problems() -> None:
    problems, summary = check_folder(DATA)
    assert problems == []
    assert "pages and" in summary


def test_clean_copy_has_no_problems(files: Files, tmp_path: Path) -> None:
    problems, summary = check_folder(write(tmp_path, files))
    assert problems == []
    pages, lines = sum(map(len, files.values())), sum(len(row["lines"]) for rows in files.values() for row in rows)
    assert summary == f"{pages} pages and {lines:,} lines in {len(files)} files"


# --- damage to one row: each is found at its place, and nothing else is reported -----

Damage = Callable[[Row], tuple[int | None, str]]
"""Damages a page of train; returns the number of the line (None: the row) and what has to be told of it."""


def label_typo(row: Row) -> tuple[int | None, str]:
    n, line = line_of(row, "body")
    line["type"] = "bdoy"
    return n, "unknown type 'bdoy' (did you mean 'body'?)"


def stance_typo(row: Row) -> tuple[int | None, str]:
    n, line = line_of(row, "title")
    line["stance"] = "hostil"
    return n, "unknown stance 'hostil' (did you mean 'hostile'?)"


def stance_on_noise(row: Row) -> tuple[int | None, str]:
    row["lines"].append({"text": "Đăng nhập để gửi ý kiến", "type": "ui", "stance": "neutral"})
    return len(row["lines"]), "stance on a ui line"


def no_stance(row: Row) -> tuple[int | None, str]:
    n, line = line_of(row, "body")
    line["stance"] = None
    return n, "no stance on a body line"


def no_type(row: Row) -> tuple[int | None, str]:
    row["lines"].append({"text": "Đọc nhiều nhất tuần qua", "type": None, "stance": None})
    return len(row["lines"]), "no type"


def empty_line(row: Row) -> tuple[int | None, str]:
    row["lines"].append({"text": "", "type": "ui", "stance": None})
    return len(row["lines"]), "empty line"


def invisible_line(row: Row) -> tuple[int | None, str]:
    row["lines"].append({"text": "\u200b \u200b", "type": "ui", "stance": None})
    return len(row["lines"]), "empty line"


def two_spaces(row: Row) -> tuple[int | None, str]:
    row["lines"].append({"text": "Trang  chủ", "type": "navigation", "stance": None})
    return len(row["lines"]), "not normalised: 'Trang  chủ'"


def decomposed(row: Row) -> tuple[int | None, str]:
    row["lines"].append({"text": unicodedata.normalize("NFD", "Hà Nội hôm nay"), "type": "navigation", "stance": None})
    return len(row["lines"]), "not normalised"


def number_for_label(row: Row) -> tuple[int | None, str]:
    row["lines"].append({"text": "Trang chủ báo", "type": 5, "stance": None})
    return len(row["lines"]), "type 5 is not a label's name"


def line_without_text(row: Row) -> tuple[int | None, str]:
    row["lines"].append({"type": "ui", "stance": None})
    return len(row["lines"]), "no 'text'"


def no_lines(row: Row) -> tuple[int | None, str]:
    row["lines"] = []
    return None, "no 'lines'"


def no_article_lines(row: Row) -> tuple[int | None, str]:
    row["lines"] = [line for line in row["lines"] if line["type"] not in ARTICLE] or [{"text": "X", "type": "ui", "stance": None}]
    return None, "a page without article lines"


def no_origin(row: Row) -> tuple[int | None, str]:
    del row["origin"]
    return None, "no 'origin'"


def no_layout(row: Row) -> tuple[int | None, str]:
    row["layout"] = None
    return None, "no 'layout'"


def no_group(row: Row) -> tuple[int | None, str]:
    row["group"] = ""
    return None, "no 'group'"


def no_id(row: Row) -> tuple[int | None, str]:
    del row["id"]
    return None, "no 'id'"


def old_guidelines(row: Row) -> tuple[int | None, str]:
    row["guidelines"] = "0"
    return None, f"guidelines version '0', expected '{GUIDELINES_VERSION}'"


def seed_in_train(row: Row) -> tuple[int | None, str]:
    row["origin"] = "seed"
    return None, "a seed page in train"


@pytest.mark.parametrize(
    "damage",
    [
        label_typo, stance_typo, stance_on_noise, no_stance, no_type, empty_line, invisible_line, two_spaces, decomposed,
        number_for_label, line_without_text, no_lines, no_article_lines, no_origin, no_layout, no_group, no_id, old_guidelines,
        seed_in_train,
    ],
)  # fmt: skip
def test_damage_in_a_row_is_found_at_its_place(damage: Damage, files: Files, tmp_path: Path) -> None:
    n, told = damage(files["pages/train.jsonl"][1])
    problems, _ = check_folder(write(tmp_path, files))
    place = "pages/train.jsonl: row 2" + (f", line {n}" if n else "")
    assert [problem for problem in problems if problem.startswith(f"{place}: {told}")], problems
    # An integer label and a missing one are two ways to see the same line.
    assert all(problem.startswith(place) for problem in problems), problems
    assert len(problems) <= 2, problems


def test_files_without_stances_may_leave_them_out(files: Files, tmp_path: Path) -> None:
    for row in files["pages/train.jsonl"]:
        for line in row["lines"]:
            line["stance"] = None
    assert check_folder(write(tmp_path, files))[0] == []


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"id": "x", "lines": [', "not JSON (Expecting value at character"),
        (b'["a list"]', "not a JSON object"),
        (b'{"id": "\xff"}', "not UTF-8 at byte 8 of the row"),
    ],
)
def test_broken_rows_hide_no_later_problem(raw: bytes, told: str, files: Files, tmp_path: Path) -> None:
    n, _ = label_typo(files["pages/train.jsonl"][1])
    path = write(tmp_path, files) / "pages" / "train.jsonl"
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(first + b"\n" + raw + b"\n" + rest)
    problems, _ = check_folder(tmp_path)
    assert len(problems) == 2
    assert problems[0].startswith(f"pages/train.jsonl: row 2: {told}")
    assert problems[1].startswith(f"pages/train.jsonl: row 3, line {n}: unknown type")


# --- damage between rows ------------------------------------------------------------


def only(problems: list[str], told: str) -> str:
    """The one problem there is, which tells this."""
    assert len(problems) == 1, problems
    assert told in problems[0]
    return problems[0]


def test_duplicate_page_id(files: Files, tmp_path: Path) -> None:
    files["pages/validation.jsonl"][1]["id"] = files["pages/train.jsonl"][0]["id"]
    problem = only(check_folder(write(tmp_path, files))[0], f"page id {files['pages/train.jsonl'][0]['id']!r}")
    assert problem.startswith("pages/validation.jsonl: row 2: ")
    assert problem.endswith("pages/train.jsonl: row 1")


def test_duplicate_page_content(files: Files, tmp_path: Path) -> None:
    files["pages/train.jsonl"].append(files["pages/train.jsonl"][0] | {"id": "another"})
    problem = only(check_folder(write(tmp_path, files))[0], "the same text as pages/train.jsonl: row 1")
    assert problem.startswith(f"pages/train.jsonl: row {len(files['pages/train.jsonl'])}: ")


def test_group_in_two_splits(files: Files, tmp_path: Path) -> None:
    for row in files["pages/validation.jsonl"]:
        row["group"] = files["pages/train.jsonl"][0]["group"]
    problem = only(check_folder(write(tmp_path, files))[0], "is in two splits: validation, and train (pages/train.jsonl: row 1)")
    assert problem.startswith(f"pages/validation.jsonl: row 1: group {files['pages/train.jsonl'][0]['group']!r}")


def test_article_in_two_splits(files: Files, tmp_path: Path) -> None:
    files["stance/validation.jsonl"][1]["article"] = files["stance/train.jsonl"][0]["article"]
    problem = only(check_folder(write(tmp_path, files))[0], "is in two splits: validation, and train (stance/train.jsonl: row 1)")
    assert problem.startswith("stance/validation.jsonl: row 2: article ")


def test_article_in_two_groups(files: Files, tmp_path: Path) -> None:
    rows = files["stance/train.jsonl"]
    rows.append(rows[0] | {"id": "another", "group": "another", "lines": rows[0]["lines"][1:]})
    problem = only(check_folder(write(tmp_path, files))[0], "is in two groups: another, and ")
    assert problem.startswith(f"stance/train.jsonl: row {len(rows)}: article ")


@pytest.mark.parametrize("kind", ["title", "body"])
def test_title_or_lede_of_train_as_article_text_elsewhere(kind: str, files: Files, tmp_path: Path) -> None:
    n, line = line_of(files["pages/train.jsonl"][0], kind)
    # Long enough to be a lede, and upper case as some layouts set a headline.
    line["text"] += " trong phiên họp bất thường kéo dài tới nửa đêm qua"
    files["pages/validation.jsonl"][0]["lines"].append({"text": line["text"].upper(), "type": "body", "stance": "neutral"})
    place = f"pages/validation.jsonl: row 1, line {len(files['pages/validation.jsonl'][0]['lines'])}"
    problem = only(check_folder(write(tmp_path, files))[0], f"train (pages/train.jsonl: row 1, line {n})")
    assert problem.startswith(f"{place}: title or lede ")


def test_title_of_train_as_teaser_elsewhere_is_allowed(files: Files, tmp_path: Path) -> None:
    _, line = line_of(files["pages/train.jsonl"][0], "title")
    files["pages/validation.jsonl"][0]["lines"].append({"text": line["text"], "type": "teaser", "stance": None})
    assert check_folder(write(tmp_path, files))[0] == []


def test_near_duplicate_article_in_two_splits(files: Files, tmp_path: Path) -> None:
    twin = max(files["stance/train.jsonl"], key=lambda row: len(row["lines"]))
    lines = [dict(line) for line in twin["lines"]]
    for line in lines:  # every line ends in another word, so no whole line is the same
        line["text"] += " nhé"
    copy = twin | {"id": "copy", "article": "copy", "group": "copy", "lines": lines}
    files["stance/validation.jsonl"].append(copy)
    problem = only(check_folder(write(tmp_path, files))[0], f"of its text with {twin['article']!r} of train (")
    assert problem.startswith(f"stance/validation.jsonl: row {len(files['stance/validation.jsonl'])}: article 'copy' shares ")
    assert int(problem.split("shares ")[1].split("%")[0]) >= 100 * NEAR_DUPLICATE


# --- challenge pairs ------------------------------------------------------------------

PAIR = {
    "id": "c1",
    "kind": "swap",
    "a": {"text": "Nước A vừa trao công hàm phản đối cho nước B.", "stance": "hostile"},
    "b": {"text": "Nước A vừa trao hàng viện trợ cho nước B.", "stance": "conciliatory"},
}


def test_challenge_pairs_are_counted(files: Files, tmp_path: Path) -> None:
    problems, summary = check_folder(write(tmp_path, files | {"challenge/swap.jsonl": [PAIR]}))
    assert problems == []
    assert summary.endswith(", 1 challenge pairs")


@pytest.mark.parametrize("whole", [True, False])
def test_challenge_text_in_training(whole: bool, files: Files, tmp_path: Path) -> None:
    n, line = line_of(files["pages/train.jsonl"][0], "body")
    line["text"] += f" {PAIR['b']['text']}" if not whole else ""  # type: ignore[index]
    pair = PAIR | {"b": {"text": line["text"] if whole else PAIR["b"]["text"], "stance": "neutral"}}  # type: ignore[index]
    problems, _ = check_folder(write(tmp_path, files | {"challenge/swap.jsonl": [pair]}))
    told = only(problems, "the text stands in training: ")
    assert told.startswith("challenge/swap.jsonl: row 1, b: ")
    assert told.endswith(f"pages/train.jsonl: row 1, line {n}")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": ""}, "no 'id'"),
        ({"kind": "swop"}, "unknown kind 'swop' (did you mean 'swap'?)"),
        ({"a": {"text": "Một câu.", "stance": "angry"}}, "a: unknown stance 'angry'"),
        ({"a": {"text": "Một  câu.", "stance": "neutral"}}, "a: not normalised"),
        ({"a": {"stance": "neutral"}}, "a: no 'text'"),
        ({"a": PAIR["b"]}, "a and b are the same text"),
    ],
)
def test_bad_challenge_pair(change: Row, told: str, files: Files, tmp_path: Path) -> None:
    problems, _ = check_folder(write(tmp_path, files | {"challenge/minimal.jsonl": [PAIR, PAIR | {"id": "c2"} | change]}))
    assert only(problems, told).startswith("challenge/minimal.jsonl: row 2: ")


def test_duplicate_challenge_id(files: Files, tmp_path: Path) -> None:
    problems, _ = check_folder(write(tmp_path, files | {"challenge/swap.jsonl": [PAIR, PAIR]}))
    assert only(problems, "already that of challenge/swap.jsonl: row 1").startswith("challenge/swap.jsonl: row 2: id 'c1'")


# --- the command, and statistics ----------------------------------------------------------


def test_command_lists_all_problems_and_fails(files: Files, tmp_path: Path, cli: Cli) -> None:
    label_typo(files["pages/train.jsonl"][0])
    no_origin(files["pages/validation.jsonl"][1])
    old_guidelines(files["stance/test.jsonl"][0])
    result = cli("data", "check", write(tmp_path, files))
    *problems, summary = result.out.splitlines()
    assert [line.split(":")[0] for line in problems] == ["pages/train.jsonl", "pages/validation.jsonl", "stance/test.jsonl"]
    assert summary.endswith(": 3 problems")
    assert (result.code, result.err) == (1, "")


@pytest.mark.slow
def test_command_counts_and_draws(files: Files, tmp_path: Path, cli: Cli) -> None:
    folder = write(tmp_path / "data", files)
    assert cli("data", "check", folder).code == 0
    result = cli("data", "stats", folder, "--figure", "stats.png")
    assert (result.code, result.err) == (0, "")
    assert "pages/train" in result.out
    assert (tmp_path / "stats.png").is_file()
    assert "no README.md" in cli("data", "stats", tmp_path / "nowhere").error


def test_not_a_data_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not a data folder \(no README.md"):
        check_folder(tmp_path)
    shutil.copy(DATA / "README.md", tmp_path)
    with pytest.raises(UserError, match=r"no rows in pages/\*.jsonl or stance/\*.jsonl"):
        check_folder(tmp_path)


def test_stats_count_what_is_there(files: Files, tmp_path: Path) -> None:
    tables = {title: (header, rows) for title, header, rows in stats_tables(write(tmp_path, files))}
    header, rows = tables["pages"]
    by_split = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    train = files["pages/train.jsonl"]
    assert by_split["pages/train"] == {
        "split": "pages/train",
        "pages": str(len(train)),
        "lines": str(sum(len(row["lines"]) for row in train)),
        "listings": "1",
        "articles": "2",
        "layouts": str(len({row["layout"] for row in train})),
        "sites": str(len({row["site"] for row in train})),
        "groups": str(len({row["group"] for row in train})),
        "origins": f"composed {len(train)}",
    }
    header, rows = tables["line types"]
    assert [row[0] for row in rows] == list(TYPES)
    bodies = sum(kinds(row).count("body") for row in train)
    share = bodies / sum(len(row["lines"]) for row in train)
    assert rows[1][header.index("pages/train")] == f"{bodies} ({share:.1%})"
    header, rows = next(table for title, table in tables.items() if title.startswith("line length"))
    longest = max(len(line["text"]) for row in train for line in row["lines"] if line["type"] == "body")
    assert rows[1][header.index("pages/train")].endswith(f" / {longest}")


def test_stats_refuse_rows_that_cannot_be_read(files: Files, tmp_path: Path) -> None:
    with (write(tmp_path, files) / "pages" / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write("{\n")
    with pytest.raises(UserError, match=r"pages/train.jsonl: row 4: not JSON .* clfnews data check"):
        stats_tables(tmp_path)


def test_stats_figure(files: Files, tmp_path: Path) -> None:
    stats_figure(write(tmp_path, files), tmp_path / "stats.png")
    assert (tmp_path / "stats.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match=r"ends in \.png"):
        stats_figure(tmp_path, tmp_path / "stats.pdf")
    with pytest.raises(UserError, match="cannot be written"):
        stats_figure(tmp_path, tmp_path / "nowhere" / "stats.png")


def test_lines_of_a_benchmark_are_told_but_for_phrases_of_any_site(files: Files, tmp_path: Path, cli: Cli) -> None:
    row = files["pages/train.jsonl"][0]
    sentence = max((line["text"] for line in row["lines"]), key=len)
    rows = [{"id": "b1", "site": "one.example", "text": f"Another headline of this page\n{sentence.upper()}"}]
    other = max((line["text"] for line in files["pages/train.jsonl"][1]["lines"]), key=len)
    rows += [{"id": f"c{i}", "site": f"{i}.example", "text": other} for i in range(3)]
    folder, benchmark = write(tmp_path / "data", files), write_rows(tmp_path / "benchmark.jsonl", rows)
    done = cli("data", "check", folder, "--against", benchmark)
    assert done.code == 1 and ", against 4 pages: " in done.out
    told = [line for line in done.out.splitlines() if "shares" in line]
    assert told and all("shares 1 line with page 'b1': " in line and sentence[:40] in line for line in told)
    assert told[0].startswith("pages/train.jsonl: row 1: ")
