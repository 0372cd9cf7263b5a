"""Agreement of two label files, against values worked out by hand and by scikit-learn's definition."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, Cli, write_rows

from clfnews.errors import UserError
from clfnews.labelling.agreement import agreement

SEEDS = ROOT / "data" / "pages" / "test.jsonl"

Row = dict[str, Any]


@pytest.fixture
def seeds() -> list[Row]:
    return [json.loads(line) for line in SEEDS.read_text("utf-8").splitlines()]


def stance_rows(labels: str) -> list[Row]:
    names = {"c": "conciliatory", "h": "hostile", "n": "neutral"}
    return [{"id": f"s{i}", "text": f"Câu số {i}.", "stance": names[label]} for i, label in enumerate(labels)]


def first(row: Row, kind: str) -> tuple[int, Row]:
    return next((n, line) for n, line in enumerate(row["lines"], 1) if line["type"] == kind)


def test_a_file_agrees_with_itself(tmp_path: Path, seeds: list[Row]) -> None:
    shuffled = write_rows(tmp_path / "b.jsonl", seeds[::-1])  # the order of the pages is no difference
    found = agreement(SEEDS, shuffled)
    assert found.disagreements == ()
    assert (found.pages, found.lines) == (len(seeds), sum(len(row["lines"]) for row in seeds))
    assert list(found.tasks) == ["type", "article", "stance"]
    for task in found.tasks.values():
        assert (task.agreement, task.kappa, task.only_one) == (1.0, 1.0, 0)
        assert set(task.f1.values()) == {1.0}


def test_kappa_worked_by_hand(tmp_path: Path) -> None:
    # Textbook case, 50 lines: 20 both hostile, 15 both neutral, 5 hostile/neutral, 10 neutral/hostile.
    # Observed 0.7; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5; kappa (0.7 - 0.5) / (1 - 0.5) = 0.4.
    a = write_rows(tmp_path / "a.jsonl", stance_rows("h" * 25 + "n" * 25))
    b = write_rows(tmp_path / "b.jsonl", stance_rows("h" * 20 + "n" * 5 + "h" * 10 + "n" * 15))
    found = agreement(a, b)
    stance = found.tasks["stance"]
    assert stance.lines == 50
    assert stance.agreement == pytest.approx(0.7)
    assert stance.kappa == pytest.approx(0.4)
    assert stance.f1 == pytest.approx({"hostile": 40 / 55, "neutral": 30 / 45})
    assert stance.counts == {"hostile": (25, 30), "neutral": (25, 20)}
    assert len(found.disagreements) == 15
    assert agreement(b, a).tasks["stance"].kappa == pytest.approx(0.4)


def test_stance_rows_have_no_type_to_agree_on(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", stance_rows("chn"))
    assert list(agreement(path, path).tasks) == ["stance"]


def test_one_label_throughout_leaves_kappa_undefined(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", stance_rows("nnnn"))
    task = agreement(path, path).tasks["stance"]
    assert (task.agreement, task.kappa) == (1.0, None)


def test_disagreements_are_listed_with_their_place(tmp_path: Path, seeds: list[Row]) -> None:
    other = deepcopy(seeds)
    n_body, body = first(other[1], "body")
    was = body["stance"]
    body["stance"] = "hostile" if was != "hostile" else "neutral"
    n_teaser, teaser = first(other[0], "teaser")
    teaser["type"] = "navigation"  # another type, but noise all the same
    found = agreement(SEEDS, write_rows(tmp_path / "b.jsonl", other))
    assert [(d.page, d.line, d.task, d.a, d.b) for d in found.disagreements] == [
        (seeds[0]["id"], n_teaser, "type", "teaser", "navigation"),
        (seeds[1]["id"], n_body, "stance", was, body["stance"]),
    ]
    assert found.disagreements[0].text == teaser["text"]
    assert found.tasks["type"].agreement < 1
    assert found.tasks["article"].agreement == 1


def test_lines_labelled_by_one_are_counted_and_not_compared(tmp_path: Path, seeds: list[Row]) -> None:
    other = deepcopy(seeds)
    _, body = first(other[0], "body")
    body |= {"type": "teaser", "stance": None}
    found = agreement(SEEDS, write_rows(tmp_path / "b.jsonl", other))
    assert found.tasks["stance"].only_one == 1
    assert found.tasks["stance"].agreement == 1
    assert [d.task for d in found.disagreements] == ["type"]


def test_pages_of_one_file_only_are_counted_and_not_compared(tmp_path: Path, seeds: list[Row], cli: Cli) -> None:
    fewer, other = write_rows(tmp_path / "a.jsonl", seeds[1:]), write_rows(tmp_path / "b.jsonl", seeds[:3])
    found = agreement(fewer, other)
    assert (found.pages, found.only_a, found.only_b) == (2, 2, 1)
    assert found.lines == sum(len(row["lines"]) for row in seeds[1:3])
    done = cli("data", "agreement", fewer, other)
    assert done.code == 0
    assert done.out.startswith(f"2 pages, {found.lines} lines; not compared: 2 pages only in A, 1 page only in B\n")


def test_no_page_in_common(tmp_path: Path, seeds: list[Row]) -> None:
    with pytest.raises(UserError, match=rf"a.jsonl and .*b.jsonl: no page in common \('{seeds[0]['id']}' here, "):
        agreement(write_rows(tmp_path / "a.jsonl", seeds[:2]), write_rows(tmp_path / "b.jsonl", seeds[2:]))


def test_other_text(tmp_path: Path, seeds: list[Row]) -> None:
    other = deepcopy(seeds)
    other[2]["lines"][4]["text"] += " (cập nhật)"
    with pytest.raises(UserError, match=rf"page '{seeds[2]['id']}', line 5: .*test.jsonl has '….*b.jsonl has '….*cập nhật"):
        agreement(SEEDS, write_rows(tmp_path / "b.jsonl", other))


def test_missing_line(tmp_path: Path, seeds: list[Row]) -> None:
    other = deepcopy(seeds)
    last = other[3]["lines"].pop()
    n = len(seeds[3]["lines"])
    with pytest.raises(UserError, match=rf"page '{seeds[3]['id']}', line {n}: only .*test.jsonl has the line ") as error:
        agreement(write_rows(tmp_path / "b.jsonl", other), SEEDS)
    assert last["text"][:40] in str(error.value)


def test_nothing_in_common(tmp_path: Path, seeds: list[Row]) -> None:
    blank = [row | {"lines": [{"text": line["text"]} for line in row["lines"]]} for row in seeds]
    with pytest.raises(UserError, match="no line has a label in both"):
        agreement(SEEDS, write_rows(tmp_path / "b.jsonl", blank))


def test_bad_files(tmp_path: Path, seeds: list[Row]) -> None:
    with pytest.raises(UserError, match="no such file"):
        agreement(SEEDS, tmp_path / "nowhere.jsonl")
    with pytest.raises(UserError, match="no labelled pages"):
        agreement(SEEDS, write_rows(tmp_path / "empty.jsonl", []))
    with pytest.raises(UserError, match=r"twice.jsonl: row 6: a second page with id"):
        agreement(SEEDS, write_rows(tmp_path / "twice.jsonl", [*seeds, seeds[0]]))
    seeds[1]["lines"][2]["type"] = "boddy"
    with pytest.raises(UserError, match=r"typo.jsonl: row 2: line 3: unknown type 'boddy' \(did you mean 'body'\?\)"):
        agreement(SEEDS, write_rows(tmp_path / "typo.jsonl", seeds))


@pytest.mark.slow
def test_command(tmp_path: Path, seeds: list[Row], cli: Cli) -> None:
    other = deepcopy(seeds)
    for row in other[:3]:
        first(row, "teaser")[1]["type"] = "ad"
    write_rows(tmp_path / "b.jsonl", other)
    table = cli("data", "agreement", SEEDS, "b.jsonl", "--show", 2)
    assert (table.code, table.err) == (0, "")
    assert "disagreements (2 of 3)" in table.out
    flat = json.loads(cli("data", "agreement", SEEDS, "b.jsonl", "--json").out)
    assert flat["tasks"]["article"]["kappa"] == 1.0
    assert [(d["a"], d["b"]) for d in flat["disagreements"]] == [("teaser", "ad")] * 3
    failed = cli("data", "agreement", SEEDS, "c.jsonl")
    assert failed.code == 2
    assert failed.error == "clfnews: c.jsonl: no such file"
