"""Pages of a run that repeat each other: marked or dropped, whatever the workers and the stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers import ROOT, Cli

import clfnews
from clfnews.bulk.duplicates import first_of
from clfnews.bulk.folder import MANIFEST

GOLD = [json.loads(line) for line in (ROOT / "data/pages/validation.jsonl").read_text(encoding="utf-8").splitlines()[:40]]
PAGES = ["\n".join(line["text"] for line in row["lines"]) for row in GOLD]
ARTICLES = ["\n".join(line["text"] for line in row["lines"] if line["type"] in ("title", "body")) for row in GOLD]
LONG = sorted({text for text in ARTICLES if len(text) > 1_200})[:3]


def test_texts_find_the_first_that_they_repeat() -> None:
    a, b, c = LONG
    near = a.replace(" ", "  ", 1).replace("\n", " (cập nhật lúc 9 giờ)\n", 1)
    assert first_of([a, "", b, a, "", near, c, b.upper(), near]) == [None, None, None, 0, None, 0, None, 2, 0]
    assert first_of([]) == [] and first_of(["", ""]) == [None, None] and first_of(["một", "hai", "một"]) == [None, None, 0]


def test_half_of_a_text_is_no_duplicate() -> None:
    a, b, _ = LONG
    half = a[: len(a) // 2]
    assert first_of([a, half, half + b[: len(b) // 2]]) == [None, None, None]


CHINESE = "昨天上午两省负责人签署了降雨数据共享协议四十六个测站每十分钟向联合中心发送一次数据而不是像以前那样每六小时一次。"
THAI = "เมื่อวานนี้ผู้นำสองจังหวัดลงนามข้อตกลงแลกเปลี่ยนข้อมูลปริมาณฝนแบบเรียลไทม์หลังน้ำท่วมครั้งใหญ่ทำให้ประชาชนต้องอพยพ"


@pytest.mark.parametrize("text", [CHINESE, THAI])
def test_scripts_without_spaces_are_compared_by_their_signs(text: str) -> None:
    assert first_of([text, text[:-3], text[::-1]]) == [None, 0, None]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of which the last files repeat the first ones, two of them with another line; and a bad record."""
    folder = tmp_path_factory.mktemp("duplicates") / "in"
    folder.mkdir()
    rows = [{"id": f"a{i}", "text": text} for i, text in enumerate(PAGES[:12])]
    again = [{"id": f"b{i}", "text": text} for i, text in enumerate(PAGES[6:15])]
    for name, content in (("a", rows), ("b", again)):
        lines = [json.dumps(row, ensure_ascii=False) for row in content]
        (folder / f"{name}.jsonl").write_text("\n".join([*lines, "{broken"] if name == "b" else lines), encoding="utf-8")
    (folder / "c.txt").write_text(PAGES[0], encoding="utf-8")
    return folder


def written(out: Path) -> dict[str, bytes]:
    files = (path for path in out.rglob("*.jsonl") if ".clfnews" not in path.parts)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def rows_of(out: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for name, data in written(out).items() if not name.startswith("_") for line in data.splitlines()]
    return {row["id"]: row for row in found}


@pytest.mark.slow
def test_duplicates_are_marked_and_dropped(cli: Cli, tmp_path: Path, inputs: Path, rules_filter: Path) -> None:
    done = cli("filter", inputs, "-o", tmp_path / "mark", "-m", rules_filter, "-w", 1, "--duplicates", "mark")
    assert done.code == 1, "a bad record"
    marked = rows_of(tmp_path / "mark")
    kept = {name for name, row in marked.items() if row["text"]}
    same = {name: row["duplicate_of"] for name, row in marked.items() if row["duplicate_of"]}
    assert {name: f"a{int(name[1:]) + 6}" for name in kept if name[0] == "b" and int(name[1:]) < 6}.items() <= same.items()
    assert ("c" not in kept) or (same["c"] == "a0" and marked["c"]["duplicate_source"].endswith("a.jsonl"))
    assert len(same) >= 4 and not set(same.values()) & set(same)
    cli("filter", inputs, "-o", tmp_path / "drop", "-m", rules_filter, "-w", 1, "--duplicates", "drop")
    dropped = rows_of(tmp_path / "drop")
    assert set(dropped) == set(marked) - set(same) and "duplicate_of" not in dropped["a0"]
    found = json.loads((tmp_path / "drop" / MANIFEST).read_text(encoding="utf-8"))
    assert found["totals"]["duplicates"] == len(same) and found["options"]["duplicates"] == "drop"
    assert f"{len(same)} pages with the text of an earlier one marked" in done.out
    assert (tmp_path / "drop" / "__run__/errors/b.errors.jsonl").is_file()


def test_the_result_is_the_same_whatever_the_workers_and_stops(
    tmp_path: Path, inputs: Path, rules_filter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clfnews.filter_folder(inputs, tmp_path / "one", model=rules_filter, workers=1, duplicates="mark")
    clfnews.filter_folder(inputs, tmp_path / "two", model=rules_filter, workers=2, duplicates="mark")
    assert written(tmp_path / "one") == written(tmp_path / "two")

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clfnews.filter_folder(inputs, tmp_path / "stopped", model=rules_filter, workers=1, duplicates="mark", progress=stop)
    report = clfnews.filter_folder(inputs, tmp_path / "stopped", model=rules_filter, workers=1, duplicates="mark", resume=True)
    assert report.resumed and written(tmp_path / "one") == written(tmp_path / "stopped")
    again = clfnews.filter_folder(inputs, tmp_path / "one", model=rules_filter, workers=1, duplicates="drop", resume=True)
    assert again.resumed == again.shards, "nothing is filtered twice"
    assert not any(row.get("duplicate_of") for row in rows_of(tmp_path / "one").values())


def test_parquet_has_columns_for_the_marks(tmp_path: Path, inputs: Path, rules_filter: Path) -> None:
    clfnews.filter_folder(inputs, tmp_path / "out", model=rules_filter, workers=1, duplicates="mark", format="parquet")
    table = pq.read_table(tmp_path / "out" / "b.parquet")
    assert table.schema.names[-3:-1] == ["duplicate_of", "duplicate_source"] and any(table["duplicate_of"].to_pylist())


def test_text_has_no_place_for_marks(cli: Cli, tmp_path: Path, inputs: Path, rules_filter: Path) -> None:
    options = ("-m", rules_filter, "-w", 1, "--format", "text", "--duplicates")
    assert "drop" in cli("filter", inputs, "-o", tmp_path / "out", *options, "mark").error
    assert cli("filter", inputs, "-o", tmp_path / "out", *options, "drop").code == 1
    assert not (tmp_path / "out" / "c.txt").read_text(encoding="utf-8")
    assert "did you mean" in cli("filter", inputs, "-o", tmp_path / "x", "-m", rules_filter, "--duplicates", "marks").error
