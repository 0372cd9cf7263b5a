"""`clfnews events`, and the events in the rows of `clfnews filter`: from pages, and from what was filtered before."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers import Cli, write_rows

from clfnews.bulk.parquet import schema_of
from clfnews.files import MANIFEST
from clfnews.filtering.filter import PageFilter
from clfnews.labels import SHIPPED, TYPES, Task
from clfnews.models import make_model
from clfnews.models.calibration import FittedTask

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


@pytest.mark.slow
def test_pages_without_events_say_why(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    (tmp_path / "một tin.txt").write_text("Trời nắng đẹp ở Hà Nội, nhiều người đi dạo quanh hồ.\n" * 4, encoding="utf-8")
    (tmp_path / "አማርኛ.txt").write_text("ኢትዮጵያ እና ኤርትራ በዛሬው ዕለት የሰላም ስምምነት ተፈራረሙ።\n" * 4, encoding="utf-8")
    for to in ([], ["-o", "a b.csv"]):
        done = cli("events", "một tin.txt", "አማርኛ.txt", "-m", rules_filter, *to)
        assert done.code == 0 and done.err.count("\n") == 1 and "no events in 2 pages: no kept line tells" in done.err
    assert cli("events", "một tin.txt", "-q", "-m", rules_filter).err == ""


@pytest.mark.slow
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
        assert written.schema.equals(schema_of(SHIPPED, events=True)) and triples(written.to_pylist()[0]["events"]) == EVENTS
    else:
        first = json.loads((tmp_path / "out/pages.jsonl").read_text(encoding="utf-8").splitlines()[0])
        assert triples(first["events"]) == EVENTS


@pytest.mark.slow
def test_rows_have_events_only_when_they_are_asked_for(cli: Cli, rules_filter: Path, pages: Path, tmp_path: Path) -> None:
    for more, there in ((), False), (("--events",), True):
        rows = [json.loads(line) for line in cli("filter", pages, "-m", rules_filter, "-f", "jsonl", *more).out.splitlines()]
        assert ["events" in row for row in rows] == [there, there]
    assert cli("filter", pages, "-m", rules_filter, "-o", "plain", "-f", "parquet", "-w", "1").code == 0
    assert pq.read_schema(tmp_path / "plain/pages.parquet").equals(schema_of(SHIPPED))


@pytest.mark.slow
def test_a_column_of_the_users_called_events_stays(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    mine = write_rows(tmp_path / "mine.jsonl", [{"text": TEXT, "events": "spring fair"}])
    for format in ("jsonl", "parquet"):
        for more, name in ((), "events"), (("--events",), "input_events"):
            out = f"{format}-{name}"
            assert cli("filter", mine, "-m", rules_filter, "-o", out, "-f", format, "-w", "1", *more).code == 0
            file = tmp_path / out / f"mine.{format}"
            row = pq.read_table(file).to_pylist()[0] if format == "parquet" else json.loads(file.read_text(encoding="utf-8"))
            assert row[name] == "spring fair" and (not more or triples(row["events"]) == EVENTS)


@pytest.fixture
def own_filter(tmp_path: Path) -> Path:
    """A filter that knows types and a task of the user's, and no stance."""
    labels = ("war", "trade")
    topic = FittedTask(make_model("majority", "topic", labels), {}, spec=Task("topic", labels))
    rules = FittedTask(make_model("rules", "type", TYPES), {})
    PageFilter(rules, None, own={"topic": topic}, name="topics").save(tmp_path / "topics")
    return tmp_path / "topics"


@pytest.mark.slow
@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_a_filter_of_ones_own_labels_gives_no_events_and_says_so(
    cli: Cli, own_filter: Path, pages: Path, tmp_path: Path, format: str
) -> None:
    said = "the filter topics has labels of your own and no stance, so it gives no events"
    done = cli("filter", pages, "-m", own_filter, "-o", "out", "-f", format, "-w", "1", "--events")
    assert done.code == 0 and f"--events: {said}" in done.err
    file = tmp_path / f"out/pages.{format}"
    rows = pq.read_table(file).to_pylist() if format == "parquet" else list(map(json.loads, file.open(encoding="utf-8")))
    assert len(rows) == 2 and all("events" not in row and "topic" in row for row in rows)
    done = cli("events", "out", "-o", "events.csv")
    assert done.code == 2 and "has labels of your own and no stance" in done.error
    done = cli("events", pages, "-m", own_filter, "-o", "events.csv")
    assert done.code == 2 and said in done.error and not (tmp_path / "events.csv").exists()
    done = cli("filter", pages, "-m", own_filter, "-f", "jsonl", "--events")
    assert done.code == 0 and said in done.err and all("events" not in row for row in done.rows)


def test_the_figure_is_a_file_of_its_own(cli: Cli, rules_filter: Path, pages: Path, tmp_path: Path) -> None:
    assert cli("events", pages, "-m", rules_filter, "-o", "events.html").code == 0
    html = (tmp_path / "events.html").read_text(encoding="utf-8")
    assert "6 events of 2 pages" in html and "RUS Nga" in html and "2025-W11" in html
    assert "<script" not in html and "http://" not in html and "https://" not in html
    empty = write_rows(tmp_path / "none.jsonl", [{"text": "Trời đẹp."}])
    assert cli("events", empty, "-m", rules_filter, "-o", "none.html").code == 0
    assert "No event has a date" in (tmp_path / "none.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_mistakes_are_one_line(cli: Cli, rules_filter: Path, pages: Path, tmp_path: Path) -> None:
    for format in ("text", "markdown"):
        assert cli("filter", pages, "-m", rules_filter, "-o", format, "-f", format, "-w", "1").code == 0
    odd = tmp_path / "odd" / MANIFEST
    odd.parent.mkdir(parents=True)
    odd.write_text("{}", encoding="utf-8")
    for arguments, said in {
        (pages, "-o", "events.xlsx"): "events are written to .jsonl, .csv (table) or .html (figure)",
        ("missing", "-o", "events.csv"): "missing: no such file or folder",
        ("text",): "holds text without stances; filter again with --format jsonl or parquet",
        ("markdown",): "holds markdown without stances; filter again with --format jsonl or parquet",
        ("odd",): "not the manifest of clfnews filter",
    }.items():
        done = cli("events", *arguments)
        assert done.code == 2 and said in done.err and len(done.err.splitlines()) == 1, done.err
    done = cli("filter", pages, "-m", rules_filter, "--events")
    assert done.code == 2 and "--events: text and Markdown have no place for them" in done.err
    assert not (tmp_path / "events.csv").exists()


def test_a_bad_record_is_told_and_the_others_go_on(cli: Cli, rules_filter: Path, pages: Path) -> None:
    with pages.open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    done = cli("events", pages, "-m", rules_filter)
    assert done.code == 1 and len(done.out.splitlines()) >= 6 and "not JSON" in done.err


@pytest.mark.slow
def test_a_damaged_shard_is_one_line(cli: Cli, rules_filter: Path, pages: Path, tmp_path: Path) -> None:
    for format, name in (("jsonl", "pages.jsonl"), ("parquet", "pages.parquet")):
        cli("filter", pages, "-m", rules_filter, "-o", format, "-f", format, "-w", "1")
        (tmp_path / format / name).write_bytes(b"[1]\n")
        done = cli("events", format, "-o", "events.csv")
        assert done.code == 2 and name in done.err and len(done.err.splitlines()) == 1, done.err
