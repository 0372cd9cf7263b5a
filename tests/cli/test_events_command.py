"""`clfnews events`, and the events in the rows of `clfnews filter`: from pages, and from what was filtered before."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers import Cli, write_rows

from clfnews.bulk.writers import parquet_schema

TEXT = "\n".join(
    [
        "Nga không kích nhà máy điện của Ukraine, EU lên án Moskva",
        "Nga sáng 12/3 không kích hàng loạt cơ sở năng lượng của Ukraine, khiến nhiều khu vực ở miền đông mất điện.",
        "Liên minh châu Âu lên án Moskva về cuộc tấn công và cam kết viện trợ cho Kyiv thêm máy phát điện trước mùa đông.",
        "Người dân thành phố cho biết họ đã quen với việc sống không có điện và chuẩn bị sẵn nến trong nhà từ nhiều tuần nay.",
    ]
)
EVENTS = {("RUS", "UKR", "ASSAULT"), ("EU", "RUS", "ACCUSE"), ("EU", "UKR", "AGREE")}


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "pages.jsonl", [{"id": "p", "date": "2025-03-13", "text": TEXT}, {"id": "q", "text": TEXT}])


def triples(rows: list[dict[str, str]]) -> set[tuple[str, str, str]]:
    return {(row["source"], row["target"], row["event"]) for row in rows}


def test_events_of_pages_are_rows_with_their_line(cli: Cli, rules_filter: Path, pages: Path) -> None:
    done = cli("events", pages, "-m", rules_filter)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0 and triples(rows) == EVENTS and {row["page"] for row in rows} == {"p", "q"}
    told = next(row for row in rows if row["page"] == "p" and row["n"] == 2)
    assert (
        told["text"] in TEXT and told["date"] == "2025-03-12" and told["stance"] in ("hostile", "neutral", "conciliatory", None)
    )


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_a_filtered_folder_gives_the_same_table_as_its_pages(
    cli: Cli, rules_filter: Path, pages: Path, tmp_path: Path, format: str
) -> None:
    assert cli("filter", pages, "-m", rules_filter, "-o", "out", "-f", format, "--events", "-w", "1").code == 0
    assert cli("events", pages, "-m", rules_filter, "-o", "a.csv").code == 0
    again = cli("events", "out", "-o", "b.csv")
    assert again.code == 0 and "6 events of 2 pages" in again.out
    table = (tmp_path / "a.csv").read_text(encoding="utf-8")
    assert table == (tmp_path / "b.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    assert {row["week"] for row in rows} == {"", "2025-W11"} and sum(int(row["events"]) for row in rows) == 6
    if format == "parquet":
        written = pq.read_table(tmp_path / "out/pages.parquet")
        assert written.schema.equals(parquet_schema()) and triples(written.to_pylist()[0]["events"]) == EVENTS
    else:
        first = json.loads((tmp_path / "out/pages.jsonl").read_text(encoding="utf-8").splitlines()[0])
        assert triples(first["events"]) == EVENTS


def test_rows_have_events_only_when_they_are_asked_for(cli: Cli, rules_filter: Path, pages: Path) -> None:
    for more, there in ((), False), (("--events",), True):
        rows = [json.loads(line) for line in cli("filter", pages, "-m", rules_filter, "-f", "jsonl", *more).out.splitlines()]
        assert [row["events"] is not None for row in rows] == [there, there]


def test_the_figure_is_a_file_of_its_own(cli: Cli, rules_filter: Path, pages: Path, tmp_path: Path) -> None:
    assert cli("events", pages, "-m", rules_filter, "-o", "events.html").code == 0
    html = (tmp_path / "events.html").read_text(encoding="utf-8")
    assert "6 events of 2 pages" in html and "RUS Nga" in html and "2025-W11" in html
    assert "<script" not in html and "http://" not in html and "https://" not in html
    empty = write_rows(tmp_path / "none.jsonl", [{"text": "Trời đẹp."}])
    assert cli("events", empty, "-m", rules_filter, "-o", "none.html").code == 0
    assert "No event has a date" in (tmp_path / "none.html").read_text(encoding="utf-8")


def test_mistakes_are_one_line(cli: Cli, rules_filter: Path, pages: Path, tmp_path: Path) -> None:
    cli("filter", pages, "-m", rules_filter, "-o", "text", "-f", "text", "-w", "1")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/_manifest.json").write_text("{}", encoding="utf-8")
    for arguments, said in {
        (pages, "-o", "events.xlsx"): "events are written to .jsonl, .csv (table) or .html (figure)",
        ("missing", "-o", "events.csv"): "missing: no such file or folder",
        ("text",): "holds text without stances; filter again with --format jsonl or parquet",
        ("odd",): "not the manifest of clfnews filter",
    }.items():
        done = cli("events", *arguments)
        assert done.code == 2 and said in done.err and len(done.err.splitlines()) == 1, done.err
    done = cli("filter", pages, "-m", rules_filter, "--events")
    assert done.code == 2 and "--events: text has no place for them" in done.err
    assert not (tmp_path / "events.csv").exists()


def test_a_bad_record_is_told_and_the_others_go_on(cli: Cli, rules_filter: Path, pages: Path) -> None:
    with pages.open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    done = cli("events", pages, "-m", rules_filter)
    assert done.code == 1 and len(done.out.splitlines()) >= 6 and "not JSON" in done.err


def test_a_damaged_shard_is_one_line(cli: Cli, rules_filter: Path, pages: Path, tmp_path: Path) -> None:
    for format, name in (("jsonl", "pages.jsonl"), ("parquet", "pages.parquet")):
        cli("filter", pages, "-m", rules_filter, "-o", format, "-f", format, "-w", "1")
        (tmp_path / format / name).write_bytes(b"[1]\n")
        done = cli("events", format, "-o", "events.csv")
        assert done.code == 2 and name in done.err and len(done.err.splitlines()) == 1, done.err
