"""Reading pages from every kind of file: what comes out, what is said about what does not."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import brotli
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from helpers import environment
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import clfnews
from clfnews.errors import BadRecord, UserError
from clfnews.page import Page
from clfnews.readers import streams
from clfnews.readers.base import FilePart, ReadOptions, parse_columns
from clfnews.readers.formats import FORMATS, SUFFIXES, format_of
from clfnews.readers.inputs import read_file, read_pages
from clfnews.readers.streams import open_bytes

HTML = "<html><head><title>t</title></head><body><h1>Một</h1><p>Hai</p></body></html>"
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"


def warc_record(kind: str, number: int, body: bytes, length: int | None = None) -> bytes:
    return (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:id-{number}>\r\n"
        f"WARC-Target-URI: https://a.example/{number}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    ).encode() + body + b"\r\n\r\n"  # fmt: skip


def response(number: int, html: str = HTML, head: bytes = HTTP) -> bytes:
    return warc_record("response", number, head + b"\r\n" + html.encode())


def parquet_bytes(rows: dict[str, list[Any]], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(rows), sink, **options)
    return sink.getvalue()


# One page with the lines "Một" and "Hai", in every format.
SAMPLES = {
    "a.txt": "Một\n\nHai\n".encode(),
    "a.html": HTML.encode(),
    "a.jsonl": json.dumps({"id": "a", "text": "Một\nHai"}).encode(),
    "b.jsonl": json.dumps({"id": "a", "html": HTML}).encode(),
    "c.jsonl": json.dumps({"id": "a", "lines": ["Một", {"text": "Hai"}]}).encode(),
    "a.csv": 'id,text\na,"Một\nHai"\n'.encode(),
    "b.csv": f"id;html\na;{HTML}\n".encode(),
    "a.tsv": 'id\ttext\na\t"Một\nHai"\n'.encode("utf-8-sig"),
    "a.parquet": parquet_bytes({"id": ["a"], "text": ["Một\nHai"], "other": [1]}),
    "b.parquet": parquet_bytes({"id": ["a"], "lines": [["Một", "Hai"]]}),
    "c.parquet": parquet_bytes({"id": ["a"], "html": [HTML.encode()]}),
    "a.warc": warc_record("warcinfo", 0, b"x") + warc_record("request", 1, b"GET /") + response(2),
    "a.wet": warc_record("warcinfo", 0, b"x") + warc_record("conversion", 1, "Một\nHai".encode()),
}
PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


def read(path: Path, **options: Any) -> list[Page | BadRecord]:
    return list(read_file(path, options=ReadOptions(**options)))


def texts(records: list[Page | BadRecord]) -> list[list[str] | str]:
    return [str(r.reason) if isinstance(r, BadRecord) else [line.text for line in r.lines] for r in records]


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_packed_or_not_gives_the_page(name: str, packing: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}{packing}"
    path.write_bytes(PACK[packing](SAMPLES[name]))
    assert texts(read(path)) == [["Một", "Hai"]]
    page = read(path)[0]
    assert isinstance(page, Page)
    has_cues = name in ("a.html", "b.jsonl", "b.csv", "c.parquet", "a.warc")
    assert all((line.cues is not None) == has_cues for line in page.lines)


def test_one_table_maps_suffix_to_format() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS)
    assert format_of("CC-MAIN-1.warc.wet.gz") == ("wet", ".gz") and format_of("PAGE.HTM") == ("html", None)
    assert format_of("page.001") == (None, None) and format_of("page.zst") == (None, ".zst")


def test_the_format_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_bytes(SAMPLES["a.html"])
    assert texts(read(path, format="html")) == [["Một", "Hai"]]
    with pytest.raises(UserError, match=r"unknown input format 'htm' \(did you mean 'html'\?\)"):
        list(read_pages([str(path)], options=ReadOptions(format="htm")))


# --- folders, patterns, standard input -------------------------------------------------


def test_folders_and_patterns_are_read_in_order_without_foreign_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "sub/c.html.gz", ".hidden.txt", ".git/x.txt", "photo.png", "a.errors.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(b"<p>c") if name.endswith("gz") else name.encode())
    assert texts(list(read_pages([str(tmp_path)]))) == [["a.txt"], ["b.txt"], ["c"]]
    assert texts(list(read_pages([f"{tmp_path}/*.txt"]))) == [["a.txt"], ["b.txt"]]
    assert texts(list(read_pages([f"{tmp_path}/**/c*"]))) == [["c"]]
    for missing, message in (("*.xyz", "no file matches"), ("nothing", "no such file"), (".git", "no .txt")):
        (tmp_path / ".git/x.txt").unlink(missing_ok=True)
        with pytest.raises(UserError, match=message):
            list(read_pages([str(tmp_path / "a.txt"), str(tmp_path / missing)]))


def test_names_of_files_that_are_not_utf8(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xe1o s\xe1ng.txt"))).write_text("Một")
    [page] = read_pages([str(tmp_path)])
    assert isinstance(page, Page) and page.id == "b\ufffdo s\ufffdng" and str(page.source).endswith("b\ufffdo s\ufffdng.txt")


def test_linked_folders_are_read_once(tmp_path: Path) -> None:
    for name in ("crawl/2024-11/a.txt", "store/b.txt", "store/deep/c.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "crawl/2024-12").symlink_to(tmp_path / "store")
    (tmp_path / "crawl/0").symlink_to("2024-11")
    (tmp_path / "store/deep/loop").symlink_to(tmp_path / "crawl")
    found = texts(list(read_pages([str(tmp_path / "crawl")])))
    assert found == [["crawl/2024-11/a.txt"], ["store/b.txt"], ["store/deep/c.txt"]]


def test_a_folder_that_cannot_be_opened_is_a_bad_record() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "closed").mkdir(mode=0)
        (folder / "a.txt").write_text("Một")
        folder.chmod(0o755)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # nothing is closed to root
        try:
            found = texts(list(read_pages([name])))
        finally:
            os.seteuid(user)
        assert found == [["Một"], "Permission denied"]


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.jsonl", "a.warc", "a.wet", "a.parquet"])
def test_standard_input_is_told_by_its_first_bytes(name: str, packing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = SAMPLES[name][len(warc_record("warcinfo", 0, b"x")) :] if name == "a.wet" else SAMPLES[name]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PACK[packing](data))))
    assert texts(list(read_pages(["-"]))) == [["Một", "Hai"]]


JSON_FILES = {
    "rows": '{"text": "Một\\nHai"}\n{"text": "Ba"}\n',
    "array": '[{"text": "Một\\nHai"},\n {"text": "Ba"}]',
    "spaced": ' [\n\n {"text": "Một\\nHai"}, {"text": "Ba"}\n]\n',
    "one": '{\n "id": "x",\n "text": "Một\\nHai"\n}\n',
}


@pytest.mark.parametrize("name", JSON_FILES)
def test_json_files_are_arrays_objects_or_rows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [["Một", "Hai"]] if name == "one" else [["Một", "Hai"], ["Ba"]]
    (tmp_path / "a.json").write_text(JSON_FILES[name], encoding="utf-8")
    (tmp_path / "export").write_text(JSON_FILES[name], encoding="utf-8")
    assert texts(read(tmp_path / "a.json")) == expected == texts(read(tmp_path / "export")), "told by its first bytes"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(JSON_FILES[name].encode())))
    assert texts(list(read_pages(["-"]))) == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "is empty"),
        ('[{"text": "a"}, 5]', "not a JSON object"),
        ('[{"text": "a"}', "not JSON: Expecting ',' delimiter: line 1 column 15 (char 14)"),
        (f'[{{"text": "{"x" * 2000}"}}]', "is larger than 0.000976562 MiB; write one object a line (jq -c '.[]')"),
    ],
)
def test_json_that_is_no_pages(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    assert texts(read(tmp_path / "a.json", max_bytes=1024))[-1] == said


@pytest.mark.parametrize("start", [b"%PDF-1.7\n", b"GIF89a", b"PK\x03\x04", b"RIFF\x00\x00", b"\x89PNG\r\n\x1a\n\0\0"])
def test_other_files_that_are_called_html(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(start + b"abc" * 100)
    assert texts(read(tmp_path / "a.html")) == ["is a binary file, not HTML"]


def test_pages_name_the_file_they_were_read_from(tmp_path: Path) -> None:
    for name in ("a.txt", "b.html", "c.jsonl", "d.warc"):
        (tmp_path / name).write_bytes(SAMPLES[f"a{Path(name).suffix}"])
    found = [page.source for page in read_pages([str(tmp_path)]) if isinstance(page, Page)]
    assert found == [str(tmp_path / name) for name in ("a.txt", "b.html", "c.jsonl", "d.warc")]


# --- columns ------------------------------------------------------------------------------


def test_columns_have_the_names_that_are_given(tmp_path: Path) -> None:
    row = {"key": 7, "body": "Một\nHai", "text": "wrong", "link": "https://www.b.example/x"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    (tmp_path / "a.parquet").write_bytes(parquet_bytes({key: [value] for key, value in row.items()}))
    (tmp_path / "a.csv").write_text('key,body,text,link\n7,"Một\nHai",wrong,https://www.b.example/x\n')
    columns = parse_columns(["text=body", "id=key", "url=link"])
    for name in ("a.jsonl", "a.parquet", "a.csv"):
        assert texts(read(tmp_path / name, columns=columns)) == [["Một", "Hai"]]
        page = read(tmp_path / name, columns=columns)[0]
        assert isinstance(page, Page) and (page.id, page.site) == ("7", "b.example")
    for item, message in (("text", "expected ROLE=NAME"), ("txt=a", "did you mean 'text'")):
        with pytest.raises(UserError, match=message):
            parse_columns([item])


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_a_table_without_text_says_its_columns(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(parquet_bytes({"x": [1], "y": [2]}) if name == "a.parquet" else b"x,y\n1,2\n")
    hint = "(columns: x, y); name it: --column text=NAME or --column html=NAME"
    assert texts(read(tmp_path / name)) == [f"has no column 'text' or 'html' {hint}"]
    assert texts(read(tmp_path / name, columns={"html": "nope"})) == [f"has no column 'nope' {hint}"]


def test_a_row_without_text_says_its_keys(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "Một", "text": "x"}\n{"titel": "a", "body": null}\n{}\n')
    hint = "name it: --column text=NAME or --column html=NAME"
    assert texts(read(tmp_path / "a.jsonl", columns={"html": "nope"})) == [
        f"has no key 'nope' (keys: body, text); {hint}",
        f"has no key 'nope' (keys: titel, body); {hint}",
        f"has no key 'nope' (keys: none); {hint}",
    ]
    found = texts(read(tmp_path / "a.jsonl", columns={"text": "body"}))
    assert found == [["Một"], "has no value for 'body'", f"has no key 'body' (keys: none); {hint}"]
    assert texts(read(tmp_path / "a.jsonl"))[2] == f"has no key 'text' or 'html' (keys: none); {hint}"


def test_a_column_that_was_named_comes_before_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,page\nwrong,<p>Một<p>Hai\n")
    (tmp_path / "a.jsonl").write_text('{"text": "wrong", "lines": ["wrong"], "page": "<p>Một<p>Hai"}')
    for name in ("a.csv", "a.jsonl"):
        assert texts(read(tmp_path / name, columns={"html": "page"})) == [["Một", "Hai"]]
    said: list[str] = []
    options = ReadOptions(columns={"html": "page", "url": "link"})
    assert texts(list(read_file(tmp_path / "a.csv", said.append, options))) == [["Một", "Hai"]]
    assert said == [f"{tmp_path / 'a.csv'}: has no column 'link' (--column)"]


# --- HTML that is called text -------------------------------------------------------------

WRAPPED = ["", "\ufeff \n", '<?xml version="1.0"?>\n', "<!-- saved from a.example -->\n"]


@pytest.mark.parametrize("before", WRAPPED)
@pytest.mark.parametrize("html", [HTML, f"<!DOCTYPE html>{HTML}", "<h1>Một</h1><p>Hai</p>", "<div class='x'><p>Một</p>Hai</div>"])
def test_text_that_is_html_is_read_as_html(html: str, before: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(before + html, encoding="utf-8")
    (tmp_path / "a.jsonl").write_text((json.dumps({"text": before + html, "date": "2024"}) + "\n") * 3)
    (tmp_path / "a.parquet").write_bytes(parquet_bytes({"body": [before + html]}))
    for name, n, options in (("a.txt", 1, {}), ("a.jsonl", 3, {}), ("a.parquet", 1, {"columns": {"text": "body"}})):
        said: list[str] = []
        pages = list(read_file(tmp_path / name, said.append, ReadOptions(**options)))
        assert texts(pages) == [["Một", "Hai"]] * n
        assert len(said) == 1 and said[0].startswith(f"{tmp_path / name}: ") and "HTML and is read as such" in said[0]
        assert all(isinstance(page, Page) and page.lines[0].cues for page in pages)
    assert isinstance(pages[0], Page)
    assert read(tmp_path / "a.txt", format="text")[0].lines[-1].text.startswith("<"), "the format was named"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_an_empty_text_beside_html_does_not_count(name: str, tmp_path: Path) -> None:
    if name == "a.csv":
        (tmp_path / name).write_text(f'text,html\n"","{HTML}"\n" ","{HTML}"\nBa,"{HTML}"\n"",""\n', encoding="utf-8")
    else:
        columns = {"text": ["", " ", "Ba", ""], "html": [HTML, HTML, HTML, ""]}
        rows = "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in zip(*columns.values(), strict=True))
        (tmp_path / name).write_bytes(parquet_bytes(columns) if name == "a.parquet" else rows.encode())
    assert texts(read(tmp_path / name)) == [["Một", "Hai"], ["Một", "Hai"], ["Ba"], []]


@pytest.mark.parametrize(
    "text", ["<3 Một\nHai </b>", "Một <p>Hai</p>", "<p> không đóng", "<Reuters> Một </x>", "a < b\n</p>", "<prefix>x</prefix>"]
)
def test_text_with_signs_of_html_stays_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert texts(read(tmp_path / "a.txt")) == [text.split("\n")]


def test_a_line_that_is_cut_off_is_said(tmp_path: Path) -> None:
    rows = [{"id": "long", "text": "ab " * 50_000}, {"id": "fine", "text": "ab " * 30_000}, {"id": "html", "html": "x" * 200_000}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    said: list[str] = []
    pages = list(read_file(tmp_path / "a.jsonl", said.append))
    assert [len(page.text) for page in pages if isinstance(page, Page)] == [100_000, 89_999, 100_000]
    path = tmp_path / "a.jsonl"
    assert said == [f"{path}: {name}: a line of more than 100,000 characters is cut off there" for name in ("long", "html")]


def test_values_of_typed_columns(tmp_path: Path) -> None:
    import datetime

    rows = {
        "text": ["a", None, "c"],
        "id": [1, 2, None],
        "date": [datetime.date(2024, 5, 1), None, None],
        "url": [None, None, "x"],
    }
    (tmp_path / "a.parquet").write_bytes(parquet_bytes(rows))
    first, second, third = read(tmp_path / "a.parquet")
    assert isinstance(first, Page) and (first.id, first.date) == ("1", "2024-05-01")
    assert isinstance(second, BadRecord) and second.record == "row 2" and "needs 'text'" in second.reason
    assert isinstance(third, Page) and third.id == "a-3"


# --- bad records ------------------------------------------------------------------------------


def test_a_bad_row_is_told_with_its_number_and_the_others_go_on(tmp_path: Path) -> None:
    rows = [
        b'{"text": "one"}',
        b"",
        b"{broken",
        b"[1]",
        b'{"text": 5}',
        b'{"html": 5}',
        b"\xff\xfe",
        b'{"text": "two"}',
        b"[" * 100_000,
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(rows))
    records = read(tmp_path / "a.jsonl", format="jsonl")
    assert texts(records) == [
        ["one"], "not JSON", "not a JSON object", "needs 'text' (a string) or 'lines' (a list)", "'html' is not a string: 5",
        "not JSON", ["two"], texts(records)[-1],
    ]  # fmt: skip
    assert [r.record for r in records if isinstance(r, BadRecord)] == [f"row {n}" for n in (3, 4, 5, 6, 7, 9)]
    assert isinstance(records[0], Page) and records[0].id == "a-1"


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.jsonl", "a.csv", "a.parquet", "a.parquet.gz", "a.txt.gz"])
def test_empty_files_are_said(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith("gz") else b"")
    [record] = read(tmp_path / name)
    assert isinstance(record, BadRecord) and ("empty" in record.reason or "Parquet" in record.reason)


def test_records_larger_than_the_limit_are_passed_over(tmp_path: Path) -> None:
    big = "x" * 5000
    files = {
        "a.txt": big,
        "a.html": big,
        "a.jsonl": f'{{"text": "{big}"}}\n{{"text": "ok"}}\n',
        "a.csv": f"text\n{big}\nok\n",
        "a.wet": (warc_record("conversion", 1, big.encode()) + warc_record("conversion", 2, b"ok")).decode(),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, newline="")
        first, *rest = texts(read(tmp_path / name, max_bytes=1024))
        assert isinstance(first, str) and first.startswith("is larger than 0.000976562 MiB"), name
        assert rest in ([], [["ok"]]) and bool(rest) == (name not in ("a.txt", "a.html"))
    (tmp_path / "a.parquet").write_bytes(parquet_bytes({"text": [big, "ok"]}))
    assert texts(read(tmp_path / "a.parquet", max_bytes=1024))[1] == ["ok"]


def test_pages_with_too_many_lines_or_characters_are_not_tagged(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\n" * 50_002)
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"lines": ["x"] * 50_001}) + "\n" + json.dumps({"text": ("y" * 90_000 + "\n") * 50})
    )
    assert texts(read(tmp_path / "a.txt")) == ["has more than 50,000 lines; one text file is one page"]
    assert texts(read(tmp_path / "a.jsonl")) == ["has more than 50,000 lines", "has more than 4,000,000 characters"]


def test_csv_goes_on_after_quotes_that_are_left_open(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,text\n1,one\n2\n3,\n4,"' + "open\n" * 1000)
    found = texts(read(tmp_path / "a.csv", max_bytes=2000))
    assert found == [
        ["one"],
        "has 1 field, the header has 2",
        [],
        "has a quote that is not closed as it should be (is larger than 0.00190735 MiB); 1,000 lines left out",
    ]


def test_a_quote_left_open_costs_its_row_alone(tmp_path: Path) -> None:
    rows = [f"{i},dòng {i}" for i in range(2_000)]
    rows[1] = '1,"mở'
    (tmp_path / "open.csv").write_text("id,text\n" + "\n".join(rows))
    rows[900] = '900,"đóng, ""đủ"""'
    (tmp_path / "met.csv").write_text("id,text\n" + "\n".join(rows))
    for name in ("open.csv", "met.csv"):
        found = read(tmp_path / name)
        bad = [r for r in found if isinstance(r, BadRecord)]
        assert [r.record for r in bad] == ["row 2"] and "quote that is not closed" in bad[0].reason
        assert [page.id for page in found if isinstance(page, Page)] == [str(i) for i in range(2_000) if i != 1]
    assert isinstance(found[900], Page) and found[900].text == 'đóng, "đủ"'


def test_pieces_of_a_text_are_no_rows(tmp_path: Path) -> None:
    said = 'a1,"Ông nói "không" và\ncười, rồi đi, bảo: "thôi".\nHôm sau, ông về."\n'
    (tmp_path / "a.csv").write_text(f'id,text\n{said}a2,hai\n{said}a3,"ba\nbốn"\na4,năm,sáu\na5,bảy,\n"a6" ,tám\n')
    found = read(tmp_path / "a.csv")
    assert [page.id for page in found if isinstance(page, Page)] == ["a2", "a5"]
    reasons = [record.reason for record in found if isinstance(record, BadRecord)]
    assert [reason.rpartition("; ")[2] for reason in reasons[:2]] == ["3 lines left out", "6 lines left out"]
    assert "expected after" in reasons[2]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_quotes_may_be_written_with_a_backslash(separator: str, tmp_path: Path) -> None:
    rows = [["1", 'Nói \\"có\\", rồi;\tđi\nvề'], ["2", "thường"], ["3", "C:\\\\"], ["4", 'x \\"y\\"']]
    text = "\n".join(separator.join(f'"{value}"' for value in row) for row in [["id", "text"], *rows])
    (tmp_path / "a.csv").write_text(text)
    assert texts(read(tmp_path / "a.csv")) == [['Nói "có", rồi; đi', "về"], ["thường"], ["C:\\"], ['x "y"']]
    (tmp_path / "b.csv").write_text('id,text\n1,"C:\\dir\\"\n2,"a ""b"" \\"\n')
    assert texts(read(tmp_path / "b.csv")) == [["C:\\dir\\"], ['a "b" \\']], "backslashes of the usual kind stay"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("packing", ["", ".gz"])
def test_files_of_other_programs_are_read(encoding: str, end: str, packing: str, tmp_path: Path) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    contents = {
        "a.txt": f"Một{end}{end}Hai{end}",
        "a.jsonl": end.join([json.dumps({"text": "Một\nHai"}, ensure_ascii=False)] * 2),
        "a.json": f'[{{{end}"text": "Một\\nHai"}}]{end}',
        "a.tsv": f"id\ttext{end}1\tMột{end}2\tHai{end}",
        "a.csv": f'id,text{end}1,"Một{end}Hai"{end}',
    }
    for name, content in contents.items():
        (tmp_path / f"{name}{packing}").write_bytes(PACK[packing]((mark + content).encode(encoding)))
        expected = {"a.jsonl": [["Một", "Hai"]] * 2, "a.tsv": [["Một"], ["Hai"]]}.get(name, [["Một", "Hai"]])
        assert texts(read(tmp_path / f"{name}{packing}")) == expected, name


def test_one_bad_byte_is_replaced_and_said(tmp_path: Path) -> None:
    row = json.dumps({"id": "a", "text": "Một b Hai"}, ensure_ascii=False).encode()
    for name, content in (
        ("a.jsonl", row + b"\n" + row.replace(b" b ", b" \xe1 ")),
        ("a.json", b"[\n" + row.replace(b" b ", b" \xe1 ") + b"]"),
    ):
        (tmp_path / name).write_bytes(content)
        said: list[str] = []
        assert texts(list(read_file(tmp_path / name, said.append)))[-1] == ["Một \ufffd Hai"]
        assert said == [f"{tmp_path / name}: not valid UTF-8; 1 bad bytes were replaced"]


def test_odd_cells_of_a_table_never_cost_the_others(tmp_path: Path) -> None:
    invalid = pa.array([b"M\xe1t", b"Hai"], pa.binary()).view(pa.string())
    far = pa.array([10**15, 0], pa.int64()).view(pa.timestamp("ms"))
    zone = pa.array([0, 0], pa.int64()).view(pa.timestamp("ms", tz="No/Where"))
    for i, columns in enumerate(({"text": invalid}, {"date": far}, {"date": zone}, {"url": invalid})):
        sink = io.BytesIO()
        pq.write_table(pa.table({"text": pa.array(["Một", "Hai"]), "id": pa.array(["1", "2"])} | columns), sink)
        (tmp_path / f"{i}.parquet").write_bytes(sink.getvalue())
        said: list[str] = []
        pages = list(read_file(tmp_path / f"{i}.parquet", said.append))
        assert texts(pages) == [["M\ufffdt"] if "text" in columns else ["Một"], ["Hai"]]
        assert len(said) == ("url" not in columns), said


def one_list(items: Any) -> bytes:
    """A file with one row, whose lines are all these items."""
    ends = pa.array([0, len(items)], pa.int32())
    return parquet_bytes({"lines": pa.ListArray.from_arrays(ends, items)}, compression="zstd", store_schema=False)


def repeated(text: str, times: int) -> Any:
    """The same text many times, which takes the place of one."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([text]))


def test_lists_of_texts_are_lines(tmp_path: Path) -> None:
    for items in (repeated("Một", 2), pa.StructArray.from_arrays([repeated("Một", 2)], ["text"]), pa.array(["Một", "Một"])):
        (tmp_path / "a.parquet").write_bytes(one_list(items))
        assert texts(list(read_file(tmp_path / "a.parquet"))) == [["Một", "Một"]]
    for items, said in ((repeated("x" * 1_000_000, 100), "larger than 32 MiB"), (pa.nulls(3_000_000, pa.int8()), "bomb")):
        (tmp_path / "a.parquet").write_bytes(one_list(items))
        [bad] = read_file(tmp_path / "a.parquet")
        assert isinstance(bad, BadRecord) and said in bad.reason


HOSTILE: dict[str, Callable[[], bytes]] = {
    "texts.parquet": lambda: one_list(repeated("x y" * 300_000, 3_000)),
    "lines.parquet": lambda: one_list(pa.StructArray.from_arrays([repeated("x y" * 300_000, 3_000)], ["text"])),
    "nothing.parquet": lambda: one_list(pa.nulls(100_000_000, pa.int8())),
    "nested.html": lambda: b"".join(b"<div class='%s'>x" % (b"word " * 16) for _ in range(10_000)),
    "tables.html": lambda: b"<table><tr><td>x" * 7_000,
    "dictionary.parquet": lambda: parquet_bytes({"text": ["x" * 31_000_000] * 32}, compression="zstd"),
    "plain.parquet": lambda: parquet_bytes({"text": ["x" * 31_000_000] * 32}, compression="zstd", use_dictionary=False),
    "fields.csv.zst": lambda: zstandard.compress(
        b"text" + b",a" * 30 + b"\n" + b",".join([b'"' + b"x" * 20_000_000 + b'"'] * 31)
    ),
    "list.jsonl": lambda: b"[" + b"{}," * 10_000_000 + b"{}]",
    "key.jsonl": lambda: b'{"text": "a", "more": [' + b"[]," * 10_000_000 + b"[]]}",
    "array.json": lambda: b"[" + b"{}," * 10_000_000 + b"{}]",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_memory_of_hostile_files_is_bounded(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(HOSTILE[name]())
    script = (
        "import re, sys\nfrom pathlib import Path\nfrom clfnews.readers.inputs import read_file\n"
        "n = sum(1 for _ in read_file(Path(sys.argv[1])))\n"
        "print(n, re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / name)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    records, kilobytes = map(int, done.stdout.split())
    assert records and kilobytes < 450 * 1024


# --- broken archives -----------------------------------------------------------------------------


@pytest.mark.parametrize("packing", [".gz", ".zst"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.warc", "a.parquet", "a.csv"])
def test_cut_off_files_give_what_is_whole_and_say_so(name: str, packing: str, tmp_path: Path) -> None:
    import random

    rng = random.Random(1)
    noise = ["".join(rng.choices("abcdefghij ", k=3000)) for _ in range(400)]  # does not pack well
    data = {
        "a.jsonl": "".join(json.dumps({"text": t}) + "\n" for t in noise).encode(),
        "a.csv": ("text\n" + "\n".join(noise)).encode(),
        "a.txt": "\n".join(noise).encode(),
        "a.warc": b"".join(response(i, f"<p>{t}") for i, t in enumerate(noise)),
        "a.parquet": parquet_bytes({"text": noise}),
    }[name]
    packed = PACK[packing](data)
    path = tmp_path / f"{name}{packing}"
    path.write_bytes(packed[: len(packed) // 2])
    records = read(path)
    assert isinstance(records[-1], BadRecord) and "cut off" in records[-1].reason
    assert sum(isinstance(r, BadRecord) for r in records) == 1
    assert (len(records) > 10) == (name not in ("a.txt", "a.parquet")), "one-piece formats are lost, rows are not"


def test_broken_bytes_in_compressed_files(tmp_path: Path) -> None:
    for packing in (".gz", ".zst"):
        packed = bytearray(PACK[packing](json.dumps({"text": "x" * 100}).encode() * 1000))
        packed[len(packed) // 2] ^= 0xFF
        for data in (bytes(packed), b"no such thing"):
            (tmp_path / f"a.jsonl{packing}").write_bytes(data)
            last = read(tmp_path / f"a.jsonl{packing}")[-1]
            assert isinstance(last, BadRecord) and ("broken" in last.reason or "JSON" in last.reason), last


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"garbage\r\n" * 50 + response(1), ["is no WARC record; skipped to the next one", ["Một", "Hai"]]),
        (
            response(1) + b"\x00\x01 junk\n" + response(2),
            [["Một", "Hai"], "is no WARC record; skipped to the next one", ["Một", "Hai"]],
        ),
        (response(1)[:-40], ["is cut off"]),
        (warc_record("response", 1, b"x", length=10**14) + response(2),
         ["has a false Content-Length: another record begins in it", ["Một", "Hai"]]),
        (warc_record("response", 1, HTTP + b"\r\n<p>Ba", length=9_000) + response(2), [["Ba"], ["Một", "Hai"]]),
        (warc_record("request", 1, b"GET /", length=100) + response(2) + response(3), [["Một", "Hai"]] * 2),
        (warc_record("response", 1, b"x" * 100, length=9_000), ["is cut off"]),
        (response(1).replace(b"Content-Length: ", b"Content-Length: " + b"9" * 5000) + response(2),
         [f"has no valid Content-Length: '{'9' * 40}'", ["Một", "Hai"]]),
        (response(1).replace(b"Content-Length: ", b"Content-Length: -") + response(2),
         ["has no valid Content-Length: '-138'", ["Một", "Hai"]]),
        (warc_record("response", 1, b"no http") + response(2), ["holds no HTTP response", ["Một", "Hai"]]),
        (response(1, head=b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n") + response(2), [["Một", "Hai"]]),
        (response(1, head=b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n") + response(2), [["Một", "Hai"]]),
        (response(1, head=b"HTTP/1.1 200\r\n"), [["Một", "Hai"]]),
        (b"", []),
        (b"WARC/1.0\r\n", ["has no valid Content-Length: ''"]),
    ],
)  # fmt: skip
def test_damaged_archives_lose_only_what_is_damaged(data: bytes, expected: list[Any], tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_bytes(data)
    assert texts(read(tmp_path / "a.warc")) == expected


def test_responses_that_are_no_pages_are_counted(tmp_path: Path) -> None:
    heads = [("301 Moved", "text/html"), ("404 Not Found", "text/html"), ("200 OK", "image/png"), ("200 OK", "image/gif"),
             ("200 OK", "application/json"), ("200 OK", "x/y")]  # fmt: skip
    found = [
        response(i, head=f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n".encode()) for i, (status, kind) in enumerate(heads)
    ]
    (tmp_path / "a.warc").write_bytes(b"".join(found) + warc_record("request", 8, b"GET /") + response(9))
    skipped: list[str] = []
    assert texts(list(read_pages([str(tmp_path)], skip=skipped.append))) == [["Một", "Hai"]]
    assert skipped == ["redirect", "error", "image", "image", "application", "other type", "request"]


@pytest.mark.slow
def test_bodies_are_decoded_and_their_bombs_are_not(tmp_path: Path) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (HTML.encode()[:20], HTML.encode()[20:])) + b"0\r\n\r\n"
    bodies = {
        b"Content-Encoding: gzip\r\n": gzip.compress(HTML.encode()),
        b"Content-Encoding: gzip \r\n": HTML.encode(),  # the crawler had decoded it
        b"Transfer-Encoding: chunked\r\n": chunks,
        b"Transfer-Encoding: chunked \r\n": HTML.encode(),
        b"Transfer-Encoding: gzip, chunked\r\n": b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed := gzip.compress(HTML.encode())), packed),
        b"Content-Encoding:  gzip\r\n": gzip.compress(HTML.encode()[:30]) + gzip.compress(HTML.encode()[30:]) + b"junk",
        b"Content-Encoding: zstd, gzip\r\n": gzip.compress(zstandard.compress(HTML.encode())),
        b"Content-Encoding: br\r\n": brotli.compress(HTML.encode()),
    }
    bad = {
        b"Content-Encoding: gzip\r\n": gzip.compress(HTML.encode())[:-12],
        b"Content-Encoding: gzip  \r\n": gzip.compress(bytes(50_000_000)),
        b"Content-Encoding: gzip   \r\n": b"nonsense",
        b"Content-Encoding: compress\r\n": b"\x00\x01",
        b"Content-Encoding:  br\r\n": b"nonsense" * 9,
        b"Content-Encoding:   br\r\n": brotli.compress(HTML.encode() * 9)[:-5],
        b"Content-Encoding:  zstd\r\n": zstandard.compress(HTML.encode() * 9)[:-5],
        b"Content-Encoding: br \r\n": brotli.compress(bytes(50_000_000)),
        b"Content-Encoding: zstd \r\n": zstandard.compress(bytes(50_000_000)),
        b"Transfer-Encoding:  chunked\r\n": chunks[:-30],
        b"Transfer-Encoding:   chunked\r\n": chunks[:-5],
    }
    records = [
        warc_record("response", i, HTTP + head + b"\r\n" + body) for i, (head, body) in enumerate([*bodies.items(), *bad.items()])
    ]
    (tmp_path / "a.warc").write_bytes(b"".join(records))
    found = texts(read(tmp_path / "a.warc"))
    assert found[:8] == [["Một", "Hai"]] * 8
    assert [str(reason).split(":")[0] for reason in found[8:]] == [
        "is cut off", "is larger than 16 MiB when unpacked", "is damaged", "has the content coding 'compress', which is not read",
        "is damaged", "is cut off", "is cut off", "is larger than 16 MiB when unpacked", "is larger than 16 MiB when unpacked",
        "is cut off", "is cut off",
    ]  # fmt: skip


def test_archives_of_other_crawlers(tmp_path: Path) -> None:
    def record(kind: str, uri: str, content_type: str, body: bytes) -> bytes:
        head = f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nContent-Type: {content_type}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n\r\n"

    text = "Một\nHai".encode()
    (tmp_path / "a.warc").write_bytes(
        record("warcinfo", "", "application/warc-fields", b"software: x")
        + record("resource", "https://www.a.example/1", "text/html; charset=utf-8", HTML.encode())
        + record("resource", "urn:text:https://www.a.example/1", "text/plain", text)
        + record("resource", "urn:pageinfo:https://www.a.example/1", "application/json", b"{}")
        + record("conversion", "<https://www.a.example/1>", "text/plain", text)
        + record("response", "<https://www.a.example/1>", "application/http", HTTP + b"\r\n" + HTML.encode())
        + record("revisit", "https://www.a.example/1", "application/http", b"HTTP/1.1 200 OK\r\n\r\n")
        + record("metadata", "https://www.a.example/1", "application/warc-fields", b"via: x")
        + record("x-own", "https://www.a.example/1", "text/html", b"x")
    )
    skipped: list[str] = []
    pages = list(read_file(tmp_path / "a.warc", skip=skipped.append))
    assert texts(pages) == [["Một", "Hai"]] * 4
    assert {(page.url, page.site) for page in pages if isinstance(page, Page)} == {("https://www.a.example/1", "a.example")}
    assert skipped == ["application", "revisit", "metadata", "other record"]


@pytest.mark.slow
def test_archives_take_time_that_grows_with_their_size_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body of a hundred thousand members, records with false lengths in one another, codings without end."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: "
    members = head + b"gzip\r\n\r\n" + gzip.compress(b"<p>a") + gzip.compress(b"") * 100_000 + gzip.compress(b"<p>b")
    codings = head + b"gzip, " * 1_000_000 + b"gzip\r\n\r\n  <p>a"
    start = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n"
    whole = [start % len(body) + body + b"\r\n\r\n" for body in (members, codings)]
    (tmp_path / "a.warc").write_bytes(b"".join(whole))
    page, bad = read_file(tmp_path / "a.warc")
    assert texts([page]) == [["a", "b"]] and isinstance(bad, BadRecord) and "1,000,001 content codings" in bad.reason
    monkeypatch.setattr("clfnews.readers.warc_records._FALSE_BYTES", 100_000_000)
    plain = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>a\r\n\r\n"
    for length in (len(plain) - 4, 30_000_000):  # after the first, true ones and false ones
        (tmp_path / "b.warc").write_bytes(start % 30_000_000 + plain + (start % length + plain) * 20_000)
        pages = list(read_file(tmp_path / "b.warc"))
        assert texts(pages[:20_000]) == [["a"]] * 20_000 and len(pages) == 20_001


def test_a_bomb_is_stopped_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BOMB_BYTES", 1 << 26)  # the limit in use is met in test_faults.py
    packer = zstandard.ZstdCompressor().compressobj()
    with (tmp_path / "a.jsonl.zst").open("wb") as file:
        for _ in range(8):
            file.write(packer.compress(bytes(1 << 24)))
        file.write(packer.flush())
    assert (tmp_path / "a.jsonl.zst").stat().st_size < 200_000, "128 MiB when unpacked"
    found = texts(read(tmp_path / "a.jsonl.zst"))
    assert found[0] == "is larger than 32 MiB" and "decompression bomb" in str(found[1]) and len(found) == 2


def test_a_missing_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clfnews.readers.html.tree import tags

    tags.cache_clear()
    install = {"selectolax.lexbor": r"selectolax, which is missing: pip install selectolax"}
    for name, package in (("a.html", "selectolax.lexbor"), ("a.jsonl.zst", "zstandard")):
        monkeypatch.setitem(sys.modules, package, None)
        (tmp_path / name).write_bytes(b"<p>x")
        with pytest.raises(UserError, match="needs " + install.get(package, r"zstandard: pip install 'clfnews\[web\]'")):
            read(tmp_path / name)


# --- parts and memory ----------------------------------------------------------------------------


def test_parts_of_a_file_give_the_rows_of_the_whole(tmp_path: Path) -> None:
    from clfnews.bulk.units import units

    lines = [json.dumps({"text": f"page {i} " + "x" * (i * 37 % 400)}) for i in range(500)]
    lines[100] = ""
    lines[250] = "{broken"
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (tmp_path / "a.parquet").write_bytes(parquet_bytes({"text": [f"page {i}" for i in range(500)]}, row_group_size=30))
    for name, size in (("a.jsonl", 1000), ("a.jsonl", 10**6), ("a.parquet", 500)):
        whole = read(tmp_path / name)
        items = [unit[0] for unit in units([(tmp_path / name, "a")], ReadOptions(), split_bytes=size)]
        assert (len(items) > 3) == (size < 10**6)
        assert [r for item in items for r in read_file(tmp_path / name, part=item.part)] == whole
    assert list(read_file(tmp_path / "a.jsonl", part=FilePart(0, 0, 0))) == []


def generated(kind: str, n: int) -> Iterator[bytes]:
    text = "Một dòng chữ dài vừa phải để đọc. " * 60
    for i in range(n):
        yield warc_record("conversion", i, text.encode()) if kind == "wet" else json.dumps({"text": text}).encode() + b"\n"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wet", "jsonl"])
def test_memory_does_not_grow_with_the_file(kind: str, tmp_path: Path) -> None:
    def peak(n: int) -> int:
        path = tmp_path / f"{n}.{kind}.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            for record in generated(kind, n):
                file.write(record)
        tracemalloc.start()
        assert sum(isinstance(record, Page) for record in read_file(path)) == n
        high = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return high

    peak(10)
    assert peak(1500) < 1.3 * peak(300)


@pytest.mark.slow
def test_a_large_row_group_is_read_in_pieces(tmp_path: Path) -> None:
    text = "Một dòng chữ dài vừa phải để đọc. " * 60
    pq.write_table(pa.table({"text": [f"{text}{i}" for i in range(40_000)]}), tmp_path / "a.parquet", row_group_size=40_000)
    before = pa.total_allocated_bytes()
    for i, _ in enumerate(read_file(tmp_path / "a.parquet")):
        if i % 1000 == 0:
            assert pa.total_allocated_bytes() - before < 40 * 2**20, "the group is 120 MB"


# --- any bytes ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(data=b"WARC/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n", name="warc")
@example(data=b'{"lines": [{"text": "a", "cues": {"tag": 1}}]}', name="jsonl")
@example(data=b'{"text": "\\ud83d", "id": [1], "url": "http://[a"}', name="jsonl")
@example(data=b"id,text\r1,one\r", name="csv")
@example(data=b"PAR1\x00\x00\x00\x00PAR1", name="parquet")
@given(data=st.binary(max_size=600), name=st.sampled_from(sorted(FORMATS)))
def test_any_bytes_give_pages_or_bad_records(data: bytes, name: str, tmp_path: Path) -> None:
    for packing in PACK.values():
        (tmp_path / "x").write_bytes(data)
        (tmp_path / "x.gz").write_bytes(packing(data))
        for file in ("x", "x.gz"):
            for record in read_file(tmp_path / file, options=ReadOptions(format=name)):
                assert isinstance(record, Page) or (record.reason and "\n" not in str(record.source))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(SAMPLES)), data=st.data())
def test_any_damage_to_a_good_file_gives_pages_or_bad_records(name: str, data: st.DataObject, tmp_path: Path) -> None:
    sample = bytearray(SAMPLES[name] * 2)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(sample) - 1))
        sample[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    (tmp_path / name).write_bytes(sample)
    for record in read(tmp_path / name):
        assert isinstance(record, Page | BadRecord)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["text", "tag", "n", "cues", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.dictionaries(st.sampled_from(["text", "html", "lines", "id", "url", "site", "date"]), JSON, max_size=5))
def test_any_json_object_gives_a_page_or_a_bad_record(row: dict[str, Any], tmp_path: Path, rules_filter: Path) -> None:
    from clfnews.filtering.filter import PageFilter

    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    [record] = read(tmp_path / "a.jsonl")
    if isinstance(record, Page):
        [tagged] = PageFilter.load(rules_filter).tag([record])
        json.dumps(tagged.as_row()).encode("utf-8")


# --- from Python ---------------------------------------------------------------------------------------


def test_pages_are_read_from_python(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(HTML, encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"body": "Một\\nHai"}\n{broken\n')
    pages = clfnews.read_pages(tmp_path, columns={"text": "body"})
    assert texts(list(pages)) == [["Một", "Hai"], ["Một", "Hai"], "not JSON"]
    one, two = (list(clfnews.read_pages(given)) for given in (str(tmp_path / "*.html"), [tmp_path / "a.html"]))
    assert one == two and isinstance(one[0], clfnews.Page)
    assert isinstance(next(clfnews.read_pages(tmp_path / "a.html", format="jsonl")), clfnews.BadRecord)
    for wrong, message in (({"inputs": "none.txt"}, "no such file"), ({"inputs": [], "columns": {"txt": "a"}}, "mean 'text'")):
        with pytest.raises(clfnews.UserError, match=message):
            clfnews.read_pages(**wrong)  # before anything is read
    (tmp_path / "a.txt").write_bytes(b"ok \xff")
    with pytest.warns(UserWarning, match="not valid UTF-8"):
        list(clfnews.read_pages(tmp_path / "a.txt"))


def test_html_is_read_from_python() -> None:
    hidden = HTML.replace("<p>", "<p hidden>Ba</p><p>")
    for html in (HTML, HTML.encode(), hidden, f"<meta charset=windows-1258>{HTML}".encode("cp1258", "replace")):
        page = clfnews.read_html(html, "x", url="https://www.a.example/1")
        assert (page.id, page.site) == ("x", "a.example") and page.lines[-1].text == "Hai" and page.lines[-1].cues
    assert [line.text for line in clfnews.read_html(hidden, hidden=True).lines] == ["Một", "Ba", "Hai"]
    with pytest.raises(ValueError, match="is a binary file, not HTML"):
        clfnews.read_html(b"%PDF-1.7")


def test_text_is_read_as_before(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "a.txt").write_bytes(b"ok \n\xff\n")
    [page] = read_file(tmp_path / "a.txt", said.append)
    assert (
        isinstance(page, Page)
        and page.id == "a"
        and said == [f"{tmp_path / 'a.txt'}: not valid UTF-8; 1 bad bytes were replaced"]
    )
    (tmp_path / "b.txt").write_bytes(b"\x89PNG\0\0")
    for name, reason in (("b.txt", "is a binary file, not text"), ("c.txt", "No such file or directory")):
        [record] = read(tmp_path / name)
        assert isinstance(record, BadRecord) and record.reason == reason
    assert open_bytes(io.BytesIO(b"x")).read() == b"x"
