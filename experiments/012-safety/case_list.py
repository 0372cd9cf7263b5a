"""The kinds of input that users of such tools report, as far as they are about safety: name -> check.

A check gets an empty folder and a model, and returns what is wrong, or None.
Left out: 06 to 11, 25 (what is an article), which tests/models and tests/readers hold.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import brotli
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from common import Result, manifest, run, texts

Check = Callable[[Path, Path], str | None]
NEWS = "<h1>Hai tỉnh ký thỏa thuận</h1>" + "".join(f"<p>Đoạn văn thứ {i} của bản tin hôm nay, dài vừa đủ.</p>" for i in range(7))
_WARC = b"WARC/1.0\r\nWARC-Type: %s\r\nContent-Type: %s\r\nWARC-Target-URI: %s\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"


def warc(kind: str, body: bytes, content: str = "text/html", url: str = "https://www.vidu.vn/bai-1.html") -> bytes:
    return _WARC % (kind.encode(), content.encode(), url.encode(), len(body), body)


def rows(folder: Path, model: Path, files: dict[str, bytes], *more: str) -> Result:
    """`clfnews tag` of files as JSONL."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return run("tag", *files, "-m", model, *more, cwd=folder)


def problem(good: bool, result: Result) -> str | None:
    return None if good else f"exit code {result.code}: {result.out[:200]} {result.err[:300]}"


def odd_name(folder: Path, model: Path) -> str | None:
    (folder / "in").mkdir()
    for name in ("a.txt", os.fsdecode(b"b\xe1o s\xe1ng.txt")):
        (folder / "in" / name).write_text(texts(1)[0], encoding="utf-8")
    done = [run("filter", "in", "-o", f"out-{f}", "-f", f, "-m", model, cwd=folder) for f in ("jsonl", "parquet")]
    return problem(all(one.code == 0 and "2 pages in 2 files" in one.out for one in done), done[0])


def resource(folder: Path, model: Path) -> str | None:
    done = rows(folder, model, {"a.warc": warc("resource", NEWS.encode())})
    return problem(done.code == 0 and len(done.rows[0]["lines"]) == 8, done)


def backslashes(folder: Path, model: Path) -> str | None:
    done = rows(folder, model, {"a.csv": b'id,text\n1,"a \\"b, c\\" d"\n2,"e\nf"\n'})
    lines = [[line["text"] for line in row["lines"]] for row in done.rows]
    return problem(done.code == 0 and lines == [['a "b, c" d'], ["e", "f"]], done)


def xhtml(folder: Path, model: Path) -> str | None:
    start = b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><script src='a.js'/></head><body>"
    done = rows(folder, model, {"a.xhtml": start + NEWS.encode()})
    return problem(len(done.rows[0]["lines"]) == 8, done)


def joiners(folder: Path, model: Path) -> str | None:
    text = "داده‌های بارندگی 👨‍👩‍👧"
    done = rows(folder, model, {"a.txt": text.encode()})
    return problem(done.rows[0]["lines"][0]["text"] == text, done)


def metadata(folder: Path, model: Path) -> str | None:
    odd = [{"date": 20241112}, {"url": float("nan")}, {"id": [1]}, {"site": {"a": 1}}, {"date": 10**30}]
    data = "".join(json.dumps({"text": "Một dòng."} | more) + "\n" for more in odd)
    pq.write_table(pa.table({"text": [b"a", b"b"], "id": [float("nan"), 2.0]}), folder / "b.parquet")
    done, table = rows(folder, model, {"a.jsonl": data.encode()}), run("tag", "b.parquet", "-m", model, cwd=folder)
    return problem(done.code == table.code == 0 and (len(done.rows), len(table.rows)) == (5, 2), done)


def encodings(folder: Path, model: Path) -> str | None:
    table = "id\ttext\r1\tMột dòng.\r".encode("utf-16")
    done = rows(
        folder, model, {"a.txt": "Một dòng.".encode("utf-16"), "b.tsv": table, "c.jsonl": b'{"text": "a"}\r{"text": "b"}\r'}
    )
    return problem(done.code == 0 and len(done.rows) == 4, done)


def bad_byte(folder: Path, model: Path) -> str | None:
    done = rows(folder, model, {"a.jsonl": b'{"text": "M\xe1t"}\n{"text": "b"}\n'})
    return problem(done.code == 0 and len(done.rows) == 2 and "1 bad bytes" in done.err, done)


def served(folder: Path, model: Path) -> str | None:
    from clfnews.readers.base import ReadOptions
    from clfnews.tracking.pyfunc import _read

    values = [None, 5, ["a"], float("nan"), "x\n" * 60_000]
    wrong = [value for value in values if not isinstance(_read({"text": value}, 0, ReadOptions()), str)]
    html = _read({"text": NEWS, "id": 7.0, "url": float("nan")}, 0, ReadOptions())
    return f"pages: {wrong!r:.200}" if wrong or isinstance(html, str) or len(html.lines) != 8 or html.id != "7" else None


def addresses(folder: Path, model: Path) -> str | None:
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + NEWS.encode()
    archive = warc("response", body, "application/http", "<https://www.vidu.vn/bai-1.html>")
    head = b"<!doctype html><!-- <link rel=canonical href=x> --><link rel=canonical href=https://www.vidu.vn/bai-1.html>"
    done = rows(folder, model, {"a.warc": archive, "b.html": head + NEWS.encode()})
    return problem({(row["url"], row["site"]) for row in done.rows} == {("https://www.vidu.vn/bai-1.html", "vidu.vn")}, done)


def links(folder: Path, model: Path) -> str | None:
    (folder / "store").mkdir()
    (folder / "in").mkdir()
    (folder / "store/a.txt").write_text(texts(1)[0], encoding="utf-8")
    (folder / "in/2024").symlink_to(folder / "store")
    (folder / "in/loop").symlink_to(folder / "in")
    done = run("filter", "in", "-o", "out", "-m", model, cwd=folder)
    return problem(done.code == 0 and manifest(folder / "out")["totals"]["pages"] == 1, done)


def codings(folder: Path, model: Path) -> str | None:
    data = NEWS.encode()
    bodies = {"br": brotli.compress(data), "zstd": zstandard.compress(data), "gzip": gzip.compress(data)}
    bodies["gzip, br"] = brotli.compress(bodies["gzip"])
    archive = b"".join(_coded(name, body) for name, body in bodies.items()) + _coded("gzip", bodies["gzip"][:-20])
    done = rows(folder, model, {"a.warc": archive})
    return problem(done.code == 1 and len(done.rows) == 4 and "is cut off" in done.err, done)


def _coded(coding: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: {coding}\r\n\r\n".encode()
    return warc("response", head + body, "application/http")


CASES: list[tuple[str, Check]] = [
    ("case 02 a file name that is not UTF-8", odd_name),
    ("case 03 WARC resource records", resource),
    ("case 04 CSV with backslash quotes", backslashes),
    ("case 05 XHTML with an empty script element", xhtml),
    ("case 12 joiners that are letters", joiners),
    ("case 13 optional fields of other types", metadata),
    ("case 14 UTF-16 and lines that end in CR", encodings),
    ("case 15 one bad byte in JSONL", bad_byte),
    ("case 16 rows of the served model", served),
    ("case 17, 18 addresses in angle brackets, unquoted and commented head elements", addresses),
    ("case 19 linked folders and one that loops", links),
    ("case 24 content codings in WARC, one cut off", codings),
]
"""01, 22 and 23 are run by trainings.py; 20 and 21 are among the attacks, with what else is told before work starts."""
