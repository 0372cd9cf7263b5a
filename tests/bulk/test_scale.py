"""Filtering into a folder: shards, error files, manifest, resuming, and equal bytes on every engine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers import ROOT, Cli, environment

from clfnews.bulk import worker
from clfnews.bulk.folder import STATE
from clfnews.bulk.job import filter_to_folder
from clfnews.bulk.parquet import parquet_schema
from clfnews.bulk.report import Report
from clfnews.bulk.shards import RecordCounts
from clfnews.bulk.units import list_inputs, units
from clfnews.errors import UserError
from clfnews.files import MANIFEST
from clfnews.filtering.filter import PageFilter
from clfnews.page import Page
from clfnews.readers.base import ReadOptions

GOLD = [json.loads(line) for line in (ROOT / "data/pages/validation.jsonl").read_text(encoding="utf-8").splitlines()[:60]]
TEXTS = ["\n".join(line["text"] for line in row["lines"]) for row in GOLD]


def make_inputs(folder: Path) -> Path:
    """Small files of several formats, 42 pages and 3 bad records."""
    (folder / "sub").mkdir(parents=True)
    for i, text in enumerate(TEXTS[:6]):
        (folder / f"page-{i}.txt").write_text(text, encoding="utf-8")
    (folder / "sub" / "page-0.html").write_text("".join(f"<p>{line}</p>" for line in TEXTS[6].split("\n")), encoding="utf-8")
    rows = [json.dumps({"id": f"r{i}", "text": text}, ensure_ascii=False) for i, text in enumerate(TEXTS[7:42])]
    rows[5:5] = ["{broken", '{"text": 5}']
    (folder / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "empty.txt").write_text("")
    return folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs") / "in")


def shards(out: Path) -> dict[str, bytes]:
    """All that a run wrote but for the manifest and its own notes."""
    files = (path for path in out.rglob("*") if path.is_file() and STATE not in path.parts and path != out / MANIFEST)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def manifest(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    return content


Run = Callable[..., Report]


@pytest.fixture
def run(inputs: Path, rules_filter: Path, tmp_path: Path) -> Run:
    """`filter_to_folder` of the inputs into `out` in an empty folder."""

    def run(*given: Path, out: str = "out", **options: Any) -> Report:
        return filter_to_folder([str(path) for path in given or (inputs,)], tmp_path / out, rules_filter, **options)

    return run


# --- what is written ------------------------------------------------------------------


def test_every_input_file_becomes_a_shard_with_its_errors_beside_it(run: Run, tmp_path: Path) -> None:
    report = run(resume=False)
    written = shards(tmp_path / "out")
    expected = {f"page-{i}.jsonl" for i in range(6)} | {"sub/page-0.jsonl", "rows.jsonl", "__run__/errors/rows.errors.jsonl"}
    assert set(written) == expected | {"empty.jsonl", "__run__/errors/empty.errors.jsonl"}
    assert written["empty.jsonl"] == b"" and b"is empty" in written["__run__/errors/empty.errors.jsonl"]
    errors = [json.loads(line) for line in written["__run__/errors/rows.errors.jsonl"].splitlines()]
    assert [(row["record"], row["reason"]) for row in errors] == [
        ("row 6", "not JSON"),
        ("row 7", "needs 'text' (a string) or 'lines' (a list)"),
    ]
    assert all(row["source"].endswith("rows.jsonl") for row in errors)
    assert (report.counts.records, report.counts.pages, report.counts.errors) == (45, 42, 3)


def test_a_shard_holds_what_the_filter_says(run: Run, rules_filter: Path, inputs: Path, tmp_path: Path) -> None:
    run()
    rows = [json.loads(line) for line in shards(tmp_path / "out")["rows.jsonl"].splitlines()]
    source = str(inputs / "rows.jsonl")
    pages = [replace(Page.from_text(text, f"r{i}"), source=source) for i, text in enumerate(TEXTS[7:42])]
    assert rows == [tagged.as_row(all_lines=False) for tagged in PageFilter.load(rules_filter).tag(pages)]


@pytest.mark.slow
def test_text_jsonl_and_parquet_hold_the_same(run: Run, tmp_path: Path) -> None:
    for name in ("text", "jsonl", "parquet"):
        run(out=name, format=name)
    rows = [json.loads(line) for line in (tmp_path / "jsonl/rows.jsonl").read_text(encoding="utf-8").splitlines()]
    table = pq.read_table(tmp_path / "parquet/rows.parquet")
    assert table.schema.equals(parquet_schema()) and table.to_pylist() == rows
    assert (tmp_path / "text/rows.txt").read_text(encoding="utf-8") == "\n".join(f"{row['text']}\n" for row in rows)
    empty = pq.read_table(tmp_path / "parquet/empty.parquet")
    assert empty.num_rows == 0 and empty.schema.equals(parquet_schema()), "the schema is stable"


def test_the_manifest_adds_up(run: Run, rules_filter: Path, tmp_path: Path) -> None:
    run(threshold=0.7)
    found = manifest(tmp_path / "out")
    assert found["filter"]["name"] == "rules+lexicon" and found["filter"]["threshold"] == 0.7
    assert len(found["filter"]["sha256"]) == 64 and found["options"]["output_format"] == "jsonl"
    total = RecordCounts()
    for row in found["shards"]:
        counts = RecordCounts(**row["counts"])
        assert counts.records == counts.pages + counts.errors
        assert counts.lines == counts.kept + sum(counts.dropped.values())
        assert counts.kept == sum(counts.stances.values()) and counts.pages == sum(counts.page_stances.values())
        assert (tmp_path / "out" / row["shard"]).stat().st_size == row["bytes"]
        total.add(counts)
    total.seconds = found["totals"]["seconds"]
    assert found["totals"] == json.loads(json.dumps(total.__dict__)) and total.records == 45


def test_a_folder_is_read_as_one_dataset(run: Run, tmp_path: Path) -> None:
    """Its manifest, error files and notes begin with an underscore or a point, which such readers pass over."""
    import pandas as pd

    run(format="parquet")
    table = pd.read_parquet(tmp_path / "out")
    assert len(table) == 42 and set(table["source"].map(os.path.basename)) >= {"rows.jsonl", "page-0.txt", "page-0.html"}


def test_inputs_with_other_columns_are_one_dataset(rules_filter: Path, tmp_path: Path) -> None:
    """Columns that only some files have, that are null in some, and that have values of two kinds."""
    import datasets
    import pandas as pd

    given = [
        [{"id": "a", "price": None, "k": 1, "mixed": 3, "same": "s", "large": 2**60 + 1}],
        [{"id": "b", "price": 3, "other": "x", "mixed": "free"}, {"id": "c", "price": 4}],
        [{"id": "d", "price": 5, "k": 2.5, "mixed": {"deep": [1]}, "large": 0.5}],
    ]
    files = []
    for i, rows in enumerate(given):
        files.append(str(tmp_path / f"{i}.jsonl"))
        Path(files[-1]).write_text("".join(json.dumps(row | {"text": TEXTS[i]}) + "\n" for row in rows), encoding="utf-8")

    def run(out: str, **options: Any) -> dict[str, bytes]:
        filter_to_folder(files, tmp_path / out, rules_filter, format="parquet", **options)
        return shards(tmp_path / out)

    first = run("out")
    table = pd.read_parquet(tmp_path / "out").set_index("id")
    assert list(table.index) == ["a", "b", "c", "d"]
    assert table["price"].fillna(0).tolist() == [0, 3, 4, 5] and table["k"].fillna(0).tolist() == [1, 0, 0, 2.5]
    assert table["large"].fillna("").tolist() == [str(2**60 + 1), "", "", "0.5"]
    assert table["mixed"].fillna("").tolist() == ["3", "free", "", '{"deep": [1]}']
    assert table["other"].fillna("").tolist() == ["", "x", "", ""] and table["same"].fillna("").tolist() == ["s", "", "", ""]
    loaded = datasets.load_dataset("parquet", data_dir=str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["id"] == ["a", "b", "c", "d"] and loaded["other"] == [None, "x", None, None]
    for row in manifest(tmp_path / "out")["shards"]:
        data = (tmp_path / "out" / row["shard"]).read_bytes()
        assert (row["bytes"], row["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    rows = "".join(json.dumps({"text": "Ngắn.", "large": large}) + "\n" for large in [*[2**60 + 1] * 2001, 0.5])
    (tmp_path / "one.jsonl").write_text(rows, encoding="utf-8")
    filter_to_folder([str(tmp_path / "one.jsonl")], tmp_path / "one", rules_filter, format="parquet")
    assert pd.read_parquet(tmp_path / "one")["large"].tolist()[-2:] == [str(2**60 + 1), "0.5"]
    assert run("out", resume=True) == first and run("two", workers=2) == first


@pytest.mark.slow
def test_files_that_are_not_read_are_named(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text(TEXTS[0], encoding="utf-8")
    for name in ("b.docx", "c", ".hidden", "a.errors.jsonl", "_manifest.json"):
        (tmp_path / "in" / name).write_text("x")
    (tmp_path / "in/gone.txt").symlink_to("nowhere.txt")
    done = cli("filter", "in", "-o", "out", "-m", rules_filter)
    assert done.code == 0 and "1 page in 1 file, " in done.out
    assert "clfnews: in: 3 files are not read: the name tells no format, or the link is broken (b.docx, c, gone.txt)" in done.err
    assert manifest(tmp_path / "out")["passed_over"] == ["in/b.docx", "in/c", "in/gone.txt"]
    assert "in: 3 files are not read" in cli("filter", "in", "-m", rules_filter).error


@pytest.mark.slow
def test_what_archives_hold_besides_pages_is_counted(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    heads = [
        "301 Moved\r\nContent-Type: text/html",
        *["200 OK\r\nContent-Type: image/png"] * 2,
        "200 OK\r\nContent-Type: text/html",
    ]
    bodies = [f"HTTP/1.1 {head}\r\n\r\n<p>{TEXTS[0]}</p>".encode() for head in heads]
    record = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
    (tmp_path / "a.warc").write_bytes(b"".join(record % (len(body), body) for body in bodies))
    done = cli("filter", "a.warc", "-o", "out", "-m", rules_filter)
    assert done.code == 0 and "3 records of web archives passed over: 2 image, 1 redirect\n" in done.out
    totals = manifest(tmp_path / "out")["totals"]
    assert totals["skipped"] == {"image": 2, "redirect": 1} and totals["records"] == 1
    assert "2 image, 1 redirect" in cli("filter", "a.warc", "-o", "out", "-m", rules_filter, "--resume").out
    assert cli("filter", "a.warc", "-m", rules_filter).err.endswith("passed over: 2 image, 1 redirect\n")


def test_rows_have_the_date(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "a", "date": "2024-05-01"}) + '\n{"text": "b"}\n')
    run(tmp_path / "a.jsonl")
    run(tmp_path / "a.jsonl", out="pq", format="parquet")
    rows = [json.loads(line) for line in (tmp_path / "out/a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["date"] for row in rows] == ["2024-05-01", None] == pq.read_table(tmp_path / "pq/a.parquet")["date"].to_pylist()


@pytest.mark.slow
def test_a_flood_of_warnings_is_counted(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(30):
        (tmp_path / f"in/{i:02}.txt").write_text(f"<p>{TEXTS[0]}</p>", encoding="utf-8")
    done = cli("filter", "in", "-o", "out", "-m", rules_filter)
    assert done.code == 0 and manifest(tmp_path / "out")["totals"]["warnings"] == 30
    *named, last = done.err.splitlines()
    assert len(named) <= 20 and last == f"clfnews: {30 - len(named)} more warnings not named"


def test_names_that_would_clash_are_told_apart(tmp_path: Path) -> None:
    for name in ("a/x.txt", "a/x.html", "a/X.jsonl.gz", "b/x.txt", "b/y.errors.txt", "a/z.tar"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    given = [str(tmp_path / "a"), f"{tmp_path}/b/*", str(tmp_path / "a/z.tar"), str(tmp_path / "a/x.txt")]
    names = dict(list_inputs(given, ReadOptions(), tmp_path / "out"))
    found = {path.relative_to(tmp_path).as_posix(): name for path, name in names.items()}
    assert len({name.lower() for name in found.values()}) == len(found) == 6
    assert found["a/x.html"] == "x.html" and found["a/X.jsonl.gz"] == "X.jsonl.gz"
    assert found["a/x.txt"].startswith("x.txt-") and found["b/x.txt"].startswith("x.txt-")
    assert found["b/y.errors.txt"] == "y.errors_" and found["a/z.tar"] == "z.tar"


@pytest.mark.slow
def test_standard_input_becomes_a_shard(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    data = "\n".join(json.dumps({"text": text}) for text in TEXTS[:3]).encode()
    done = cli("filter", "-", "-o", "out", "-m", rules_filter, stdin=data)
    assert done.code == 0 and list(shards(tmp_path / "out")) == ["stdin.jsonl"]
    again = cli("filter", "-", "-o", "out", "-m", rules_filter, "--resume", stdin=data)
    assert "(1 of them by an earlier run)" in again.out


# --- equal bytes ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["text", "jsonl", "parquet"])
def test_one_and_two_workers_write_the_same_bytes(name: str, run: Run, tmp_path: Path) -> None:
    run(out="one", format=name)
    run(out="two", format=name, workers=2, split_bytes=64 * 2**20)
    assert shards(tmp_path / "one") == shards(tmp_path / "two")


@pytest.mark.slow
@pytest.mark.ray
def test_ray_writes_the_same_bytes(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    run(out="one")
    report = run(out="ray", engine="ray", workers=2)
    assert shards(tmp_path / "one") == shards(tmp_path / "ray") and report.counts.errors == 3
    assert run(out="ray", engine="ray", workers=2, resume=True).resumed == 9


@pytest.mark.slow
def test_a_trained_filter_writes_the_same_bytes_on_one_and_two_workers(project: Any, inputs: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        filter_to_folder([str(inputs)], tmp_path / str(workers), project.filter, workers=workers, split_bytes=20_000)
    assert shards(tmp_path / "1") == shards(tmp_path / "2")


def test_large_files_are_split_and_lose_nothing(run: Run, inputs: Path, tmp_path: Path) -> None:
    whole, parts = run(inputs / "rows.jsonl", out="whole"), run(inputs / "rows.jsonl", out="parts", split_bytes=20_000)
    pieces = shards(tmp_path / "parts")
    assert len(pieces) > 4 and "rows.part-00000.jsonl" in pieces
    for kind, count in ((".jsonl", 35), (".errors.jsonl", 2)):
        names = [name for name in sorted(pieces) if name.endswith(kind) and (".errors" in name) == (".errors" in kind)]
        joined = b"".join(pieces[name] for name in names)
        [whole_name] = (name for name in shards(tmp_path / "whole") if (".errors" in name) == (".errors" in kind))
        assert joined == (tmp_path / "whole" / whole_name).read_bytes() and joined.count(b"\n") == count
    parts.counts.seconds = whole.counts.seconds
    assert parts.counts == whole.counts
    run(inputs / "rows.jsonl", out="pq", format="parquet")
    file = pq.ParquetWriter(tmp_path / "many.parquet", parquet_schema())
    for start in range(0, 35, 5):
        file.write_table(pq.read_table(tmp_path / "pq/rows.parquet").slice(start, 5))
    file.close()
    assert run(tmp_path / "many.parquet", out="pq2", split_bytes=5_000).counts.pages == 35
    assert len(shards(tmp_path / "pq2")) > 3


def test_memory_is_bounded_by_small_batches(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(out="large")
    sizes: list[int] = []
    tag = PageFilter.tag

    def counted(self: PageFilter, pages: Any, *more: Any) -> Any:
        pages = list(pages)
        sizes.append(len(pages))
        return tag(self, pages, *more)

    monkeypatch.setattr(PageFilter, "tag", counted)
    monkeypatch.setattr(worker, "BATCH_LINES", 300)
    run(out="small")
    assert max(sizes) < 20 and sum(sizes) == 42 and shards(tmp_path / "small") == shards(tmp_path / "large")


def test_small_files_are_filtered_together(tmp_path: Path) -> None:
    for i in range(600):
        (tmp_path / f"{i:03}.txt").write_text("x" * 10)
    (tmp_path / "300.jsonl").write_text("{}")
    bundles = list(units(list_inputs([str(tmp_path)], ReadOptions(), tmp_path / "out"), ReadOptions()))
    assert [len(unit) for unit in bundles] == [256, 44, 1, 256, 44]


# --- resuming --------------------------------------------------------------------------------


def test_a_rerun_does_only_what_is_missing_or_changed(run: Run, inputs: Path, tmp_path: Path) -> None:
    copy = make_inputs(tmp_path / "in")
    first = run(copy)
    clean, out = shards(tmp_path / "out"), tmp_path / "out"
    assert first.resumed == 0 and run(copy, resume=True).resumed == first.shards
    times = {path: path.stat().st_mtime_ns for path in out.glob("*.jsonl")}
    assert run(copy, resume=True).counts == first.counts, "the counts of what was done before are kept"
    assert times == {path: path.stat().st_mtime_ns for path in out.glob("*.jsonl")}

    # Damaged and deleted shards are written again.
    (out / "rows.jsonl").write_bytes(clean["rows.jsonl"][:-1] + b" ")
    assert run(copy, resume=True).resumed == first.shards - 1 and shards(out) == clean
    (out / "__run__/errors/rows.errors.jsonl").unlink()
    assert run(copy, resume=True).resumed == first.shards - 1 and shards(out) == clean
    (out / STATE / next(path.name for path in (out / STATE).glob("*.json"))).write_text("half a mar")
    assert run(copy, resume=True).resumed < first.shards and shards(out) == clean

    # So is a changed input, even if it has the size and time it had.
    stat = (copy / "rows.jsonl").stat()
    rows = (copy / "rows.jsonl").read_bytes().replace(b'"id": "r0"', b'"id": "q0"')
    (copy / "rows.jsonl").write_bytes(rows)
    os.utime(copy / "rows.jsonl", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert run(copy, resume=True).resumed == first.shards - 1
    assert shards(out)["rows.jsonl"] == clean["rows.jsonl"].replace(b'"id": "r0"', b'"id": "q0"', 1)

    # An error that is gone takes its file with it.
    (copy / "empty.txt").write_text(TEXTS[0])
    assert run(copy, resume=True).counts.errors == 2 and not (out / "__run__/errors/empty.errors.jsonl").exists()


def test_another_model_threshold_or_option_is_other_work(run: Run, rules_filter: Path, inputs: Path, tmp_path: Path) -> None:
    count = run().shards
    assert run(resume=True, threshold=0.95).resumed == 0
    assert run(resume=True, threshold=0.95).resumed == count
    assert run(resume=True, threshold=0.95, options=ReadOptions(max_bytes=10**6)).resumed == 0
    other = PageFilter.load(rules_filter)
    other.name = "other"
    other.save(tmp_path / "other")
    report = filter_to_folder([str(inputs)], tmp_path / "out", tmp_path / "other", resume=True)
    assert report.resumed == 0 and manifest(tmp_path / "out")["filter"]["name"] == "other"


def test_results_of_inputs_that_are_no_longer_given_are_named(run: Run, inputs: Path, tmp_path: Path) -> None:
    run()
    gone = ["__run__/errors/empty.errors.jsonl", "empty.jsonl", *(f"page-{i}.jsonl" for i in range(6)), "sub/page-0.jsonl"]
    assert run(inputs / "rows.jsonl", resume=True).left_over == gone
    assert manifest(tmp_path / "out")["totals"]["records"] == 37
    assert run(inputs / "rows.jsonl", resume=True).left_over == gone, "as long as they are there"
    (tmp_path / "out/empty.jsonl").unlink()
    assert run(inputs / "rows.jsonl", resume=True).left_over == [name for name in gone if name != "empty.jsonl"]
    assert run(resume=True).left_over == []


def test_results_of_files_that_left_a_bundle_are_named(run: Run, tmp_path: Path) -> None:
    """Files of one page share a marker, which the next run writes anew."""
    copy = make_inputs(tmp_path / "in")
    run(copy)
    (copy / "page-1.txt").unlink()
    (copy / "sub/page-0.html").unlink()
    assert run(copy, resume=True).left_over == ["page-1.jsonl", "sub/page-0.jsonl"]


def test_results_in_another_format_are_named(run: Run, inputs: Path, tmp_path: Path) -> None:
    run(inputs / "rows.jsonl")
    assert run(inputs / "rows.jsonl", resume=True, format="text").left_over == ["rows.jsonl"]
    assert run(inputs / "rows.jsonl", resume=True).left_over == ["rows.txt"]


def test_what_a_stopped_run_has_overwritten_is_named_by_the_next(run: Run, tmp_path: Path) -> None:
    copy = make_inputs(tmp_path / "in")
    run(copy)
    (copy / "page-1.txt").unlink()

    def stop(report: Report) -> None:
        raise KeyboardInterrupt

    (tmp_path / "out" / MANIFEST).unlink()  # the first run was stopped too
    with pytest.raises(KeyboardInterrupt):
        run(copy, resume=True, progress=stop)
    assert run(copy, resume=True).left_over == ["page-1.jsonl"]


def test_half_files_of_a_killed_run_are_removed(run: Run, tmp_path: Path) -> None:
    run()
    (tmp_path / "out" / ".rows.jsonl.123.tmp").write_text("half")
    run(resume=True)
    assert not list((tmp_path / "out").rglob("*.tmp"))


# --- what does not do ----------------------------------------------------------------------------


def test_folders_models_and_inputs_that_do_not_do(run: Run, rules_filter: Path, inputs: Path, tmp_path: Path) -> None:
    run()
    (tmp_path / "file").write_text("")
    (tmp_path / "others").mkdir()
    (tmp_path / "others/mine.txt").write_text("mine")
    (tmp_path / "wrong").mkdir()
    schema = json.loads((rules_filter / "filter.json").read_text()) | {"schema": 99}
    (tmp_path / "wrong/filter.json").write_text(json.dumps(schema))
    out = str(tmp_path / "new")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"out": "out"}, "holds the results of an earlier run; continue it with --resume"),
        ({"out": "file"}, "is a file; give a folder"),
        ({"out": "others"}, r"others: holds other files \(mine.txt\), .*give a new or empty folder"),
        ({"out": "others", "resume": True}, "holds other files"),
        ({"out": "file/below"}, "cannot be written: Not a directory"),
        ({"format": "json"}, r"--format json: unknown \(did you mean 'jsonl'\?\)"),
        ({"engine": "spark"}, "--engine spark: unknown"),
    ]
    for options, message in cases:
        with pytest.raises(UserError, match=message):
            run(**({"out": "new"} | options))
    for model, message in ((tmp_path / "wrong", r"schema 99.*train again"), (tmp_path / "none", "not a clfnews filter")):
        with pytest.raises(UserError, match=message):
            filter_to_folder([str(inputs)], Path(out), model)
    with pytest.raises(UserError, match="no such file"):
        run(tmp_path / "missing", out="new")
    with pytest.raises(UserError, match="all inputs lie in the output folder"):
        run(tmp_path / "out", resume=True)
    assert not Path(out).exists(), "nothing is written before everything is there"
    assert [path.name for path in (tmp_path / "others").iterdir()] == ["mine.txt"]


def test_an_empty_folder_and_one_whose_notes_are_gone_will_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.DS_Store").write_text("")
    run()
    shutil.rmtree(tmp_path / "out" / STATE)
    with pytest.raises(UserError, match="holds the results of an earlier run"):
        run()
    assert run(resume=True).resumed == 0


def test_two_runs_do_not_share_a_folder(run: Run, tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    run()
    with (tmp_path / "out" / STATE / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another run is writing"):
            run(resume=True)
    assert run(resume=True).resumed == 9


# --- the command -------------------------------------------------------------------------------------


def test_the_command_fills_a_folder(cli: Cli, inputs: Path, rules_filter: Path, tmp_path: Path) -> None:
    done = cli("filter", inputs, "-o", "out", "-m", rules_filter, "--workers", 2, "--format", "text")
    assert done.code == 1 and done.out.startswith("42 pages in 9 files, ") and done.out.endswith("out/__run__/manifest.json\n")
    first = f"(the first: {inputs / 'empty.txt'}: file: is empty)"
    assert f"clfnews: 3 records could not be read {first}; see out/__run__/errors" in done.err
    again = cli("filter", inputs, "-o", "out", "-m", rules_filter, "--format", "text")
    assert again.code == 2 and "--resume" in again.error
    more = cli("filter", inputs, "-o", "out", "-m", rules_filter, "--format", "text", "--resume", "-w", 1)
    assert more.code == 1 and "(9 of them by an earlier run)" in more.out, "bad records stay bad records"


def test_options_of_a_folder_need_one(cli: Cli, inputs: Path, rules_filter: Path) -> None:
    assert "need -o FOLDER" in cli("filter", inputs, "--resume", "-m", rules_filter).error
    assert "--address is for --engine ray" in cli("filter", inputs, "-o", "x", "--address", "auto", "-m", rules_filter).error
    assert "expected text, markdown or jsonl (parquet" in cli("filter", inputs, "-f", "parquet", "-m", rules_filter).error


def test_input_format_and_columns_on_the_command_line(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    (tmp_path / "page.dat").write_text(json.dumps({"body": TEXTS[0]}))
    whole = cli("filter", "-", "-m", rules_filter, stdin=TEXTS[0].encode())
    options = ["--input-format", "jsonl", "--column", "text=body", "-m", rules_filter]
    assert cli("filter", "page.dat", *options).out == whole.out
    assert cli("filter", "page.dat", "-o", "out", *options).code == 0
    assert (tmp_path / "out/page.dat.jsonl").is_file()


def test_progress_tells_rate_and_time_left() -> None:
    report = Report(total_bytes=1000, bytes=250, seconds=30.0)
    report.counts.records = report.new.records = 6000
    assert report.line() == "6,000 pages, 25%, 200 pages/s, 1 min 30 s left"
    report.bytes, report.counts.errors = 1000, 2
    assert report.line() == "6,000 pages, 100%, 200 pages/s, 2 errors"
    assert Report(total_bytes=0).line() == "0 pages, 0%, 0 pages/s"


def test_numbers_are_said_in_the_singular_and_rounded() -> None:
    report = Report(total_bytes=10, bytes=10, seconds=1.0)
    report.counts.records = report.new.records = report.counts.errors = 1
    assert report.line() == "1 page, 100%, 1 pages/s, 1 error"
    total = RecordCounts()
    for seconds in (0.1, 0.2, 0.0001):
        total.add(RecordCounts(seconds=seconds))
    assert str(total.seconds) == "0.3001"


# --- elsewhere -----------------------------------------------------------------------------------------


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")
def test_the_model_runs_as_a_spark_function(project: Any, registered: str, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    import mlflow
    from pyspark.sql import SparkSession

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        tag = mlflow.pyfunc.spark_udf(
            spark, registered, result_type="title string, text string, stance string, stance_p double, text_confidence double"
        )
        pages = spark.createDataFrame([(str(i), text) for i, text in enumerate(TEXTS[:4])], ["id", "text"])
        rows = pages.select("id", tag("text").alias("out")).collect()
        expected = [tagged.text for tagged in PageFilter.load(project.filter).tag(Page.from_text(text) for text in TEXTS[:4])]
        assert [row["out"]["text"] for row in sorted(rows, key=lambda row: row["id"])] == expected
    finally:
        spark.stop()


@pytest.mark.slow
def test_a_resume_keeps_the_format_of_its_folder(rules_filter: Path, tmp_path: Path, cli: Cli) -> None:
    assert cli("filter", ROOT / "seeds", "-o", "out", "-m", rules_filter, "--format", "parquet").code == 0
    assert cli("filter", ROOT / "seeds", "-o", "out", "-m", rules_filter, "--resume").code == 0
    assert {path.suffix for path in (tmp_path / "out").iterdir() if not path.name.startswith(("_", "."))} == {".parquet"}


def test_a_run_that_did_nothing_leaves_nothing(rules_filter: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "page.html").write_text("<h1>Tin</h1><p>Bài viết.</p>", encoding="utf-8")
    command = ["filter", "page.html", "-o", "out", "-m", str(rules_filter), "-w", "1"]
    without = "import sys; sys.modules['selectolax'] = None; from clfnews.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", without, *command], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "pip install selectolax" in done.stderr and not (tmp_path / "out/.clfnews").exists()
    assert cli(*command).code == 0
