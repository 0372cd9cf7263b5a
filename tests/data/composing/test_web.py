"""Pages drawn as HTML: the labels of a template reach the lines of the reader and of every converter."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT

from clfnews.data.composing.articles import article_of, load_articles
from clfnews.data.composing.converters import CONVERTERS, text_lines
from clfnews.data.composing.drawing import draw_page
from clfnews.data.composing.labels import html_lines, without_labels
from clfnews.data.composing.site import Site, Stories
from clfnews.data.composing.templates import load_templates
from clfnews.data.composing.web import load_wording
from clfnews.errors import UserError
from clfnews.page import normalise
from clfnews.readers.html.document import read_html

DATA = ROOT / "data"
TEMPLATES = load_templates(DATA / "templates")
WORDING = load_wording(DATA / "wording")
PAGE = """<html><body>
<div data-l="navigation"><a href="/">Trang chủ</a> <a href="/tg">Thế giới</a></div>
<main data-l="body"><h1 data-l="title">Cầu mới thông xe</h1>
<p>Cây cầu dài 400 mét <b>nối hai bờ</b> sông &amp; hai xã.</p>
<p>Xem thêm bên cạnh <span data-l="caption">Ảnh: bạn đọc của báo gửi cho tòa soạn sáng nay</span></p>
<table><tr><td>Dài</td><td>400 m, tính cả đường dẫn hai đầu cầu và phần vỉa hè của xã ở bờ bên kia</td><td>2 làn</td></tr>
</table></main>
<p>Không có nhãn</p></body></html>"""


def test_the_labels_of_elements_become_the_labels_of_lines() -> None:
    lines = html_lines(PAGE)
    assert [(line.text, line.type) for line in lines[:3]] == [
        ("Trang chủ Thế giới", "navigation"), ("Cầu mới thông xe", "title"),
        ("Cây cầu dài 400 mét nối hai bờ sông & hai xã.", "body"),
    ]  # fmt: skip
    assert lines[3].type == "caption", "a line of two labels has that of most of its letters"
    assert lines[-1].type == "ui", "a text without a label is interface"


def test_training_sees_the_lines_and_cues_that_filtering_sees() -> None:
    read = read_html(without_labels(PAGE), hidden=True).page
    assert [(line.text, line.cues) for line in html_lines(PAGE)] == [(line.text, line.cues) for line in read.lines]
    assert "data-l" not in without_labels(PAGE)


def test_a_page_without_its_labels_is_the_page_that_was_written() -> None:
    """Whatever a template holds beside elements and texts."""
    page = """<!DOCTYPE html>
<html><head><title>Một &amp; hai</title><script>if (a < b && c) { x = '<p data-l="ui">'; }</script><!-- <p>no</p> --></head>
<body class=bare><a href=/tin/>Tin</a> 3 < 4, S&P 500 &#8211; &nbsp;<br/><img alt="a > b" src='x.png'/>
<svg viewBox="0 0 1 1"/><p title='nói "thẳng"'>Xong</p></body></html>"""
    assert without_labels(page) == page.replace("S&P 500", "S&P; 500")
    with_labels = page.replace("<body", '<body data-l="body"').replace("<p title", "<p data-l='title' title")
    assert without_labels(with_labels) == without_labels(page)
    assert [(line.text, line.type) for line in html_lines(with_labels)][-1] == ("Xong", "title")
    with pytest.raises(ValueError, match="data-l='boddy' is no type"):
        html_lines('<p data-l="boddy">Xong</p>')


@pytest.mark.parametrize("form", CONVERTERS)
def test_labels_travel_through_every_converter(form: str) -> None:
    lines = text_lines(PAGE, form, random.Random(1))
    of_type = {kind: " ".join(line.text for line in lines if line.type == kind) for kind in ("title", "body", "navigation")}
    assert of_type["title"].strip("# ") == "Cầu mới thông xe"
    assert "nối hai bờ" in of_type["body"] and "Thế giới" in of_type["navigation"]
    assert all(line.text == normalise(line.text) and not line.cues for line in lines)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_every_template_shows_the_whole_article_once(template: Any) -> None:
    """In a language it is written for: one headline, and every paragraph as body."""
    language = template.languages[0] if template.languages else ("vi", "en", "ja", "ar")[len(template.name) % 4]
    articles = load_articles(DATA / "articles" / f"{language}.jsonl")
    article = None if template.listing else articles[len(template.source) % len(articles)]
    stories = Stories(list(article.related) if article else [], [one.as_story() for one in articles if one is not article])
    site = Site(template, language, WORDING[language], "test")
    lines = html_lines(draw_page(site, article, stories, random.Random(3)))
    counts = Counter(line.type for line in lines)
    assert counts["title"] == (0 if template.listing else 1)
    noise = counts["navigation"] + counts["ui"] + counts["teaser"]
    assert noise > (0 if "bare" in template.name else 3), "a bare page has little beside its story, the others have much"
    assert bool(counts["body"]) == (not template.listing)


def test_short_paragraphs_are_joined_and_nothing_else_is() -> None:
    texts = [
        "Cầu đã xong.",
        "Ba xã vui mừng.",
        "Các hạng mục",
        "Xe đi được từ sáng nay.",
        "Trẻ em đi học gần hơn.",
        "Ông Năm kể:",
    ]
    forms = ["lede", "p", "h2", "p", "p", "p"]
    article = article_of({"lines": [{"text": t, "type": "body", "as": f} for t, f in zip(texts, forms, strict=True)]}, "a")
    long = article.with_long_paragraphs(400, random.Random(1))
    assert [line.text for line in long.lines] == [*texts[:3], f"{texts[3]} {texts[4]}", texts[5]]
    assert len(long.forms) == len(long.lines) and long.forms[2] == "h2"
    article = article_of(
        {"language": "ja", "lines": [{"text": t, "type": "body"} for t in ("橋が開いた。", "村は喜んだ。")]}, "b"
    )
    assert [line.text for line in article.with_long_paragraphs(400, random.Random(1)).lines] == ["橋が開いた。村は喜んだ。"]


def test_a_template_without_its_first_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "bare.html").write_text("<html></html>", encoding="utf-8")
    with pytest.raises(UserError, match=r"bare\.html: the first line is not a comment"):
        load_templates(tmp_path)


def rows_of(split: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / "pages" / f"{split}-web.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_templates_articles_and_groups_stand_on_one_side_of_the_split() -> None:
    train, validation = rows_of("train"), rows_of("validation")
    for key in ("layout", "site", "article", "group", "id"):
        assert not {row[key] for row in train if row[key]} & {row[key] for row in validation}, key
    for rows in (train, validation):
        groups: dict[str, set[str]] = {}
        for row in rows:
            if row["article"]:
                groups.setdefault(row["article"], set()).add(row["group"])
        assert {article: found for article, found in groups.items() if len(found) > 1} == {}
        assert len({row["language"] for row in rows}) >= 14
    texts = [tuple(line["text"] for line in row["lines"]) for row in train]
    assert len(set(texts)) == len(texts)
