"""The user's own columns: what comes in beside a page goes out with it, in every format."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import ROOT, Cli

import clfnews
from clfnews.bulk.parquet import ParquetWriter
from clfnews.filtering.filter import PageFilter
from clfnews.page import Page

TEXT = (ROOT / "seeds" / "001_0965331b62c00476.txt").read_text(encoding="utf-8")
OWN = {"doc": 7, "tags": ["a", "b"], "label": "keep me", "model": "mine", "empty": None}


def test_jsonl_csv_and_parquet_keep_the_columns_of_the_user(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    row = OWN | {"id": "x1", "body": TEXT}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    pq.write_table(pa.Table.from_pylist([row | {"day": date(2025, 3, 3)}]), tmp_path / "in.parquet")
    pd.DataFrame([{"id": "x1", "doc": "007", "body": TEXT}]).to_csv(tmp_path / "in.csv", index=False)
    for name in ("in.jsonl", "in.parquet"):
        (out,) = cli("filter", name, "-f", "jsonl", "--column", "text=body", "-m", rules_filter).rows
        assert {key: out[key] for key in ("id", "doc", "tags", "label", "empty")} == {"id": "x1"} | {
            key: OWN[key] for key in ("doc", "tags", "label", "empty")
        }
        assert out["input_model"] == "mine" and out["model"].startswith("filter@sha256:"), "a field of the result keeps its name"
        assert "body" not in out and out["title"].startswith("Điện Kremlin") and list(out)[-1] == "lines"
    assert out["day"] == "2025-03-03"
    (out,) = cli("filter", "in.csv", "-f", "jsonl", "--column", "text=body", "-m", rules_filter).rows
    assert out["doc"] == "007", "a CSV has texts"


def test_a_column_that_was_named_for_a_role_goes_out_too(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"nr": 12, "id": "own", "text": TEXT}) + "\n", encoding="utf-8")
    (out,) = cli("filter", "in.jsonl", "-f", "jsonl", "--column", "id=nr", "-m", rules_filter).rows
    assert (out["id"], out["nr"], out["input_id"]) == ("12", 12, "own")


def test_a_folder_of_results_loads_as_it_is(rules_filter: Path, tmp_path: Path) -> None:
    import datasets

    datasets.disable_progress_bars()
    rows = [{"text": TEXT, "doc": i, "note": "n" if i else None} for i in range(3)]
    for name, part in (("a", rows[:2]), ("b", rows[2:])):
        text = "".join(json.dumps(row) + "\n" for row in part) + '{"text": 5}\n'
        (tmp_path / "in" / f"{name}.jsonl").parent.mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    for format in ("parquet", "jsonl"):
        report = clfnews.filter_folder(tmp_path / "in", tmp_path / format, model=rules_filter, workers=1, format=format)
        assert (report.counts.pages, report.counts.errors) == (3, 2)
        loader, cache = {"parquet": "parquet", "jsonl": "json"}[format], str(tmp_path / "cache")
        loaded = datasets.load_dataset(loader, data_dir=str(tmp_path / format), cache_dir=cache)["train"]
        assert loaded["doc"] == [0, 1, 2] and loaded["note"] == [None, "n", "n"]
    frame = pd.read_parquet(tmp_path / "parquet")
    assert frame["doc"].tolist() == [0, 1, 2] and frame["doc"].dtype == "int64"
    assert sorted(path.name for path in (tmp_path / "jsonl" / "__run__").rglob("*.*")) == [
        "a.errors.jsonl", "b.errors.jsonl", "manifest.json",
    ]  # fmt: skip


_STRUCT = pa.struct([("a", pa.int64()), ("b", pa.string())])


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, None, 2], pa.int64(), [1, None, 2]),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([1, "x", [2]], pa.string(), ["1", "x", "[2]"]),
        ([None, None], pa.string(), [None, None]),
        ([{"a": 1}, {"b": "\ud83d"}], _STRUCT, [{"a": 1, "b": None}, {"a": None, "b": "\ufffd"}]),
        ([[], []], pa.string(), ["[]", "[]"]),
        ([2**70, 1], pa.string(), [str(2**70), "1"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("group_rows", [1, 10])
def test_a_parquet_column_has_one_type_whatever_comes_later(
    values: list[Any],
    kind: Any,
    read: list[Any],
    group_rows: int,
    rules_filter: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("clfnews.bulk.parquet._GROUP_ROWS", group_rows)
    if group_rows == 1 and isinstance(values[0], dict):
        kind, read = pa.string(), ['{"a": 1}', '{"b": "\ufffd"}']
    writer = ParquetWriter(tmp_path / "out.tmp")
    pages = [Page("p", (), own={"x": value} if value is not None else {}) for value in values]
    for tagged in PageFilter.load(rules_filter).tag(pages):
        writer.write(tagged)
    writer.close()
    table = pq.read_table(tmp_path / "out.tmp")
    if any(value is not None for value in values):
        assert table.schema.field("x").type == kind and table["x"].to_pylist() == read
    assert [path.name for path in tmp_path.iterdir()] == ["out.tmp"]


def test_a_frame_comes_back_with_its_columns_and_index(rules_filter: Path) -> None:
    frame = pd.DataFrame(
        {
            "doc": [7, 8, 9],
            "title": ["theirs", "b", "c"],
            "reason": ["r", "s", "t"],
            "body": [TEXT, None, f"<p>{TEXT}</p>"],
            "id": ["x", "y", "z"],
        },
        index=[30, 10, 20],
    )
    out = clfnews.load(rules_filter).tag_frame(frame, text="body")
    assert out.index.tolist() == [30, 10, 20] and out["doc"].tolist() == [7, 8, 9] and out["id"].tolist() == ["x", "y", "z"]
    assert out["input_reason"].tolist() == ["r", "s", "t"] and out["body"].equals(frame["body"])
    assert out["title"].tolist() == ["theirs", "b", "c"], "what a row says of its page comes first"
    assert out["text"].iloc[0].startswith("Điện Kremlin") and out["text"].iloc[0].count("\n") > 3
    assert "has no value for 'body'" in out["error"].iloc[1] and out["text"].iloc[1] is None
    assert out["text_confidence"].dtype == float and out["text_confidence"].isna().tolist() == [False, True, False]
    assert out["error"].iloc[0] is None and out["stance"].iloc[0]["label"]
    (row,) = clfnews.load(rules_filter).tag([TEXT])
    assert row.text == out["text"].iloc[0] and row.page.id == "page-1"
    with pytest.raises(clfnews.UserError, match=r"has no column 'content'.*tag_frame"):
        clfnews.load(rules_filter).tag_frame(frame, text="content")


def test_a_series_and_texts_stand_for_pages(rules_filter: Path) -> None:
    page_filter = clfnews.load(rules_filter)
    tagged = list(page_filter.tag(pd.Series([TEXT, f"<h1>Tin</h1><p>{TEXT}</p>"], index=["a", "b"])))
    assert [x.page.id for x in tagged] == ["a", "b"] and tagged[1].page.lines[0].cues
    assert clfnews.Page.from_html("<h1>Tin</h1>") == clfnews.read_html("<h1>Tin</h1>")
    with pytest.raises(TypeError, match=r"tag\(\[page\]\)"):
        list(page_filter.tag(TEXT))
    with pytest.raises(TypeError, match="not a page: nan"):
        list(page_filter.tag(pd.Series([TEXT, float("nan")])))
