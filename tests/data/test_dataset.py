"""Labelled data: read with datasets, offline, never stale, errors with file and row."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, environment, write_rows

from clfnews.data.corpus import Corpus
from clfnews.data.folder import load_split
from clfnews.data.gold import load_gold
from clfnews.errors import UserError
from clfnews.labels import ARTICLE, STANCES, TYPES

LOAD_AS_DOCUMENTED = """
import datasets, json
out = {}
for config in ("pages", "stance"):
    splits = datasets.load_dataset("./data", config)
    for split, table in splits.items():
        line = table.features["lines"]
        line = getattr(line, "feature", line)
        out[f"{config}/{split}"] = [len(table), line["type"].names, line["stance"].names, table[0]["lines"][0]["type"]]
print(json.dumps(out))
"""


@pytest.fixture
def data(tiny_data: Path, tmp_path: Path) -> Path:
    """A copy of the tiny folder that a test may change."""
    return Path(shutil.copytree(tiny_data, tmp_path / "data"))


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_load_dataset_gives_class_labels_offline(data: Path, tmp_path: Path) -> None:
    env = environment(HF_HOME=str(tmp_path / "hf"), HF_DATASETS_OFFLINE="1")
    done = subprocess.run([sys.executable, "-c", LOAD_AS_DOCUMENTED], cwd=data.parent, env=env, capture_output=True, check=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert set(loaded) == {f"{config}/{split}" for config in ("pages", "stance") for split in ("train", "validation", "test")}
    for name, (n, types, stances, first) in loaded.items():
        rows = rows_of(data / f"{name}.jsonl")
        assert n == len(rows)
        assert (tuple(types), tuple(stances)) == (TYPES, STANCES)
        assert TYPES[first] == rows[0]["lines"][0]["type"]


@pytest.mark.parametrize("config", ["pages", "stance"])
def test_a_split_is_what_its_file_says(data: Path, config: str) -> None:
    corpus, rows = load_split(data, config, "train"), rows_of(data / config / "train.jsonl")
    assert [page.id for page in corpus.pages] == [row["id"] for row in rows]
    assert list(corpus.groups) == [row["group"] for row in rows]
    for page, row in zip(corpus.pages, rows, strict=True):
        assert [(line.text, line.type, line.stance) for line in page.lines] == [
            (line["text"], line["type"], line["stance"]) for line in row["lines"]
        ]
    assert load_gold(data / config / "train.jsonl").digest == corpus.digest


@pytest.mark.slow
def test_the_shipped_folder_has_its_splits_and_its_seeds() -> None:
    for config, task in (("pages", "type"), ("stance", "stance")):
        splits = {split: load_split(ROOT / "data", config, split) for split in ("train", "validation", "test")}
        assert all(corpus.has(task) for corpus in splits.values())
        groups = {split: set(corpus.groups) for split, corpus in splits.items()}
        assert not groups["train"] & groups["test"] and not groups["validation"] & groups["test"]
    seeds = {file.stem: file for file in (ROOT / "seeds").glob("*.txt")}
    pages = load_split(ROOT / "data", "pages", "test").pages
    assert {page.id for page in pages} == set(seeds)
    for page in pages:
        from clfnews.page import Page

        extract = Page.from_text(seeds[page.id].read_text(encoding="utf-8"))
        assert [line.text for line in extract.lines] == [line.text for line in page.lines]
        assert all(line.type in TYPES and (line.stance is None) == (line.type not in ARTICLE) for line in page.lines)


def test_an_edited_row_is_seen_at_the_next_load(data: Path) -> None:
    before = load_split(data, "pages", "train")
    rows = rows_of(data / "pages" / "train.jsonl")
    line = next(line for line in rows[0]["lines"] if line["type"] == "navigation")
    line["type"] = "ui"
    write_rows(data / "pages" / "train.jsonl", rows)
    after = load_split(data, "pages", "train")
    assert after.digest != before.digest
    assert sum(a != b for a, b in zip(before.pages[0].lines, after.pages[0].lines, strict=True)) == 1


def test_the_digest_follows_content_and_not_the_file(data: Path) -> None:
    path = data / "pages" / "train.jsonl"
    before = load_gold(path)
    path.touch()
    moved = path.rename(path.with_name("other.jsonl"))
    assert load_gold(moved).digest == before.digest
    assert before.select(range(1, len(before))).digest != before.digest


@pytest.mark.parametrize(
    ("config", "split", "said"),
    [
        ("page", "train", "pages"),
        ("pages", "tran", "no split 'tran' in 'pages' (did you mean 'train'?)"),
    ],
)
def test_a_wrong_name_is_told(data: Path, config: str, split: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        load_split(data, config, split)
    assert said in str(error.value)


def test_a_mistyped_folder_is_not_looked_for_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dta: not a data folder \(no README\.md"):
        load_split(tmp_path / "dta", "pages", "train")


def test_a_split_with_a_wrong_label_says_how_to_find_it(data: Path) -> None:
    rows = rows_of(data / "pages" / "train.jsonl")
    rows[2]["lines"][0]["type"] = "headline"
    write_rows(data / "pages" / "train.jsonl", rows)
    with pytest.raises(UserError, match="pages/train cannot be read; run: clfnews data check"):
        load_split(data, "pages", "train")


def gold(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "gold.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


GOOD = {"id": "a", "lines": [{"text": "Tin", "type": "body", "stance": "neutral"}]}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "b", "lines": [{"text": "Tin", "type": "boddy"}]}, "row 2: line 1: unknown type 'boddy' (did you mean 'body'?)"),
        ({"id": "b", "lines": [{"text": "Tin", "type": "body", "stance": "angry"}]}, "row 2: line 1: unknown stance 'angry'"),
        ({"id": "b", "lines": [{"text": "Tin", "type": "ad", "stance": "neutral"}]}, "row 2: line 1: stance on a ad line"),
        ({"id": "b", "text": "Tin", "stance": "hostil"}, "row 2: line 1: unknown stance 'hostil' (did you mean 'hostile'?)"),
        ({"id": "b", "lines": [{"type": "body"}]}, "row 2: line 1 has no 'text'"),
        ({"id": "b"}, "row 2: needs 'text'"),
        ("{broken", "row 2: not JSON"),
        ("[1, 2]", "row 2: not a JSON object"),
    ],
)
def test_a_broken_gold_row_is_named(tmp_path: Path, row: object, said: str) -> None:
    path = gold(tmp_path, GOOD, row)
    with pytest.raises(UserError) as error:
        load_gold(path)
    assert str(error.value).startswith(f"{path}: {said}")


def test_rows_are_counted_with_the_empty_lines_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="row 3: not JSON"):
        load_gold(gold(tmp_path, GOOD, "", "{broken"))
    with pytest.raises(UserError, match="row 3: line 1: unknown type"):
        load_gold(gold(tmp_path, GOOD, "", {"lines": [{"text": "a", "type": "x"}]}))


def test_files_that_hold_no_gold_rows(tmp_path: Path) -> None:
    cases = {"missing.jsonl": "no such file", "": "is a folder", "empty.jsonl": "no labelled pages", "png.jsonl": "not UTF-8"}
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "png.jsonl").write_bytes(b"\x89PNG\r\n\xff")
    for name, said in cases.items():
        with pytest.raises(UserError, match=said):
            load_gold(tmp_path / name)
    with pytest.raises(UserError, match="cannot be read"):
        load_gold(tmp_path / "empty.jsonl" / "inside.jsonl")


def test_stance_rows_become_pages_of_one_body_line(tmp_path: Path) -> None:
    corpus = load_gold(gold(tmp_path, {"id": "s1", "text": "Hai bên ký kết.", "stance": "conciliatory"}))
    assert [(line.text, line.type, line.stance) for line in corpus.pages[0].lines] == [
        ("Hai bên ký kết.", "body", "conciliatory")
    ]
    assert corpus.has("stance")


def test_groups_default_to_site_then_id(tmp_path: Path) -> None:
    line = {"lines": [{"text": "a", "type": "body"}]}
    rows = [{"id": "1", "site": "x", "group": "g"} | line, {"id": "2", "site": "x"} | line, {"id": "3"} | line]
    assert load_gold(gold(tmp_path, *rows)).groups == ("g", "x", "3")


def test_selecting_keeps_pages_groups_and_origins_together() -> None:
    corpus = load_gold(ROOT / "data" / "pages" / "test.jsonl")
    part: Corpus = corpus.select([2, 0], "part")
    assert (part.name, len(part)) == ("part", 2)
    assert (part.pages[0], part.groups[0], part.origins[0]) == (corpus.pages[2], corpus.groups[2], corpus.origins[2])
