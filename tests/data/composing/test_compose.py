"""Composed pages: the same recipe gives the same bytes, and nothing stands on both sides of a split."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import ROOT, Cli, write_rows

from clfnews.data.composing.layout import parse_layout
from clfnews.data.composing.recipe import build
from clfnews.data.gold import load_gold
from clfnews.errors import UserError
from clfnews.labels import ARTICLE, TYPES

pytestmark = pytest.mark.slow

DATA = ROOT / "data"
"""Its pages are what its parts make: `test_shipped_data_has_no_problems` composes them again."""

LAYOUT = """site: baomau
name: Báo Mẫu
---
navigation: Trang chủ
[0.5
ui: Đăng nhập
]
@title
@lede
@body caption=plain readalso=bullet
navigation: Tin liên quan
@teasers 2-4 other :: {title} / {summary}
@tags 1-3 :: {tag}
ui: © Báo Mẫu
"""


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def recipe_for(folder: Path, articles: str, **more: Any) -> Path:
    """A small recipe over four copies of one layout."""
    (folder / "layouts").mkdir()
    for i in range(4):
        (folder / "layouts" / f"site{i}.layout").write_text(LAYOUT.replace("baomau", f"baomau{i}"), encoding="utf-8")
    values: dict[str, Any] = {
        "seed": 5,
        "articles": articles,
        "layouts": "layouts",
        "splits": {"train": {"share": 0.5, "cells": 2, "pages": 6}, "validation": {"share": 0.5, "cells": 1, "pages": 3}},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(values | more), encoding="utf-8")
    return path


def test_articles_and_layouts_stand_on_one_side_of_the_split() -> None:
    train, validation = (rows_of(DATA / "pages" / f"{split}.jsonl") for split in ("train", "validation"))
    for key in ("article", "layout", "site", "group", "id"):
        assert not {row[key] for row in train if row[key]} & {row[key] for row in validation}
    stance = [{row["article"] for row in rows_of(DATA / "stance" / f"{split}.jsonl")} for split in ("train", "validation")]
    composed = [{row["article"] for row in rows if row["article"]} for rows in (train, validation)]
    assert not (stance[0] | composed[0]) & (stance[1] | composed[1]) - {None}


def test_no_headline_of_a_training_article_is_on_a_validation_page() -> None:
    train, validation = (rows_of(DATA / "pages" / f"{split}.jsonl") for split in ("train", "validation"))
    headlines = {line["text"] for row in train for line in row["lines"] if line["type"] == "title"}
    seen = {line["text"] for row in validation for line in row["lines"] if line["type"] in ARTICLE or line["type"] == "teaser"}
    assert headlines and not headlines & seen


def test_the_same_text_is_article_here_and_noise_there() -> None:
    rows = rows_of(DATA / "pages" / "train.jsonl")
    as_article = {line["text"] for row in rows for line in row["lines"] if line["type"] in ARTICLE}
    as_teaser = {line["text"] for row in rows for line in row["lines"] if line["type"] == "teaser"}
    assert as_article & as_teaser, "no teaser is another page's headline or lede: pages would be too easy"


def test_composed_pages_are_valid_gold_rows() -> None:
    for path in (DATA / folder / f"{split}.jsonl" for folder in ("pages", "stance") for split in ("train", "validation")):
        corpus = load_gold(path)
        for page in corpus.pages:
            assert page.lines and all(line.type in TYPES for line in page.lines)
            assert all((line.stance is None) == (line.type not in ARTICLE) for line in page.lines)
    listing = [row for row in rows_of(DATA / "pages" / "train.jsonl") if row["article"] is None]
    assert all(line["type"] not in ARTICLE for row in listing for line in row["lines"])


def test_another_seed_makes_other_pages(tmp_path: Path) -> None:
    articles = write_rows(tmp_path / "articles.jsonl", rows_of(ROOT / "data" / "articles.jsonl")[:8])
    recipe = recipe_for(tmp_path, articles.name)
    assert build(recipe, tmp_path / "a") == build(recipe, tmp_path / "b") == {"pages/train.jsonl": 6, "pages/validation.jsonl": 3}
    pages = [(tmp_path / out / "pages" / "train.jsonl") for out in "ab"]
    assert pages[0].read_bytes() == pages[1].read_bytes()
    recipe.write_text(recipe.read_text().replace("seed: 5", "seed: 6"))
    build(recipe, tmp_path / "c")
    assert (tmp_path / "c" / "pages" / "train.jsonl").read_bytes() != pages[0].read_bytes()


STORIES = [
    {
        "headline": f"Tiêu đề số {i} của kho tin riêng",
        "content": "\n".join(f"Đoạn {j} của bài {i} kể một chuyện dài vừa đủ để thành một câu trọn vẹn." for j in range(4)),
        "sapo": f"Phần mở đầu của bài {i}.",
        "published": "2024-05-06T07:08:00",
    }
    for i in range(8)
]
COLUMNS = {"title": "headline", "text": "content", "summary": "sapo", "date": "published"}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_pages_from_a_corpus_of_ones_own(kind: str, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / f"stories.{kind}"
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(STORIES[0]))
            writer.writeheader()
            writer.writerows(STORIES)
    elif kind == "jsonl":
        write_rows(path, STORIES)
    else:
        import pandas as pd

        pd.DataFrame(STORIES).to_parquet(path)
    recipe_for(tmp_path, path.name, columns=COLUMNS)
    done = cli("data", "compose", "recipe.yaml", "-o", "out", env={"HF_HOME": str(tmp_path / "hf")})
    assert done.code == 0, done.err
    pages = load_gold(tmp_path / "out" / "pages" / "train.jsonl").pages
    assert len(pages) == 6
    own = {story["headline"]: story for story in STORIES}
    for page in pages:
        body = [line.text for line in page.lines if line.type == "body"]
        titles = [line.text for line in page.lines if line.type == "title"]
        assert len(titles) <= 1 and body
        for title in titles:
            assert set(body) <= {own[title]["sapo"], *own[title]["content"].split("\n")}
        assert all(line.stance is None for line in page.lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("@title", "@headline"), "mau.layout:8: unknown macro @headline"),
        (("ui: Đăng nhập", "ui: Đăng nhập {titel}"), "mau.layout:6: unknown placeholder {titel} (did you mean 'title'?)"),
        (("ui: Đăng nhập", "button: Đăng nhập"), "mau.layout:6: expected TYPE: TEXT"),
        (("ui: Đăng nhập", "Đăng nhập"), "mau.layout:6: expected TYPE: TEXT"),
        (("]\n", ""), "mau.layout:5: a block '[' is not closed"),
        (("[0.5\n", ""), "mau.layout:6: ']' closes no block"),
        (("2-4 other ::", "other ::"), "mau.layout:12: expected @teasers"),
        (("2-4 other ::", "4-2 other ::"), "mau.layout:12: 4 is more than 2"),
        (("2-4 other ::", "2-4 others ::"), "mau.layout:12: expected @teasers"),
        (("@tags 1-3", "@tags 3-1"), "mau.layout:13: 3 is more than 1"),
        (("@tags 1-3 ::", "@tags 1-3"), "mau.layout:13: expected @tags"),
        (("caption=plain", "caption=round"), "mau.layout:10: caption=round"),
        (("caption=plain", "colour=red"), "mau.layout:10: unknown option 'colour' of @body"),
        (("caption=plain", "label='a"), "mau.layout:10: No closing quotation"),
        (("---", "--"), "mau.layout: no line '---'"),
        (("site: baomau\n", ""), "mau.layout: the header has no 'site:'"),
    ],
)
def test_a_broken_layout_is_named_with_its_line(change: tuple[str, str], said: str) -> None:
    with pytest.raises(UserError) as error:
        parse_layout(LAYOUT.replace(*change), "mau.layout")
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"articles": "missing.jsonl"}, "missing.jsonl: no such file"),
        ({"layouts": "nowhere"}, "no *.layout files"),
        ({"noise": "missing.jsonl"}, "missing.jsonl: no such file"),
        ({"noise": "articles.jsonl"}, "articles.jsonl: row 1: needs 'text' and 'type'"),
        ({"articles": "stories.jsonl"}, "stories.jsonl: row 1: no 'lines'"),
        ({"articles": "stories.jsonl", "columns": {"title": "head", "text": "content"}}, "no column 'head' for title"),
        ({"colour": "red"}, "recipe.yaml: colour: "),
        ({"splits": {"train": {"share": 1.0, "cells": 50, "pages": 3}}}, "too few for 50 cells"),
    ],
)
def test_a_wrong_recipe_is_told(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    write_rows(tmp_path / "articles.jsonl", rows_of(ROOT / "data" / "articles.jsonl")[:8])
    write_rows(tmp_path / "stories.jsonl", STORIES)
    with pytest.raises(UserError) as error:
        build(recipe_for(tmp_path, **{"articles": "articles.jsonl"} | change), tmp_path / "out")
    assert said in str(error.value)


def test_a_recipe_that_is_not_there(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "list.yaml").write_text("- a\n")
    for name, said in {"missing.yaml": "no such", ".": "is a folder", "list.yaml": "list.yaml: "}.items():
        done = cli("data", "compose", name)
        assert done.code == 2 and said in done.error
