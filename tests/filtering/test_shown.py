"""The record after filtering, and a page as `clfnews filter` prints it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import Cli

from clfnews.filtering.decisions import NO_MODEL
from clfnews.filtering.record import completed
from clfnews.filtering.shown import as_article, as_markdown
from clfnews.filtering.tagged import TaggedLine, TaggedPage
from clfnews.page import Page
from clfnews.readers.html.document import read_html

BODY = "Hai tỉnh ven biển ký thỏa thuận chia sẻ dữ liệu mưa lũ sau mùa bão kỷ lục, theo thông báo sáng nay."


def tagged(page: Page, types: dict[str, str]) -> TaggedPage:
    """A page whose lines have types by their beginning; others are body."""
    lines = []
    for line in page.lines:
        kind = next((kind for start, kind in types.items() if line.text.startswith(start)), "body")
        lines.append(TaggedLine(line.n, line.text, kind, kind in ("title", "body"), None, (0.0,) * 8, None))
    return TaggedPage(completed(page, lines), tuple(lines), NO_MODEL, 1.0, "hand")


TEXT = (
    "Trang chủ",
    "01/01/2025",
    "Hai tỉnh chia sẻ dữ liệu",
    "Thứ ba, 12/11/2024, 14:05 (GMT+7)",
    BODY,
    "Lê Thị Mai",
    "Tin khác 3/3/2023",
)
TYPES = {"Trang": "navigation", "01": "byline", "Hai tỉnh chia": "title", "Thứ": "byline", "Lê": "byline", "Tin": "teaser"}


def test_plain_text_has_the_facts_of_its_byline() -> None:
    found = tagged(Page.from_lines(TEXT), TYPES)
    assert (found.title, found.page.date, found.page.authors) == (
        "Hai tỉnh chia sẻ dữ liệu",
        "2024-11-12T14:05+07:00",
        ("Lê Thị Mai",),
    )
    assert found.page.language == "vi" and (found.page.language_p or 0) > 0.9
    own = tagged(Page.from_lines(TEXT, date="2001", authors=("Tôi",), language="xx", title="Của tôi"), TYPES)
    assert (own.title, own.page.date, own.page.authors, own.page.language) == ("Của tôi", "2001", ("Tôi",), "xx")
    none = tagged(Page.from_lines(["Thứ ba, 12/11/2024", "Menu"]), {"Thứ": "byline", "Menu": "navigation"})
    assert none.page.date is None and none.reason


def test_markup_that_names_the_publisher_alone_gives_way_to_the_byline() -> None:
    head = '<meta name=author content="VIDU"><meta property=og:site_name content="VIDU.vn"><html lang=en>'
    found = tagged(read_html(f"{head}<h1>Hai tỉnh</h1><p>{BODY}</p><p>Lê Thị Mai").page, {"Hai tỉnh ": "title", "Lê": "byline"})
    assert found.page.authors == ("Lê Thị Mai",) and found.page.language == "vi"


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("<meta property=og:title content='Hai tỉnh chia sẻ dữ liệu'>", "Hai tỉnh chia sẻ dữ liệu"),
        ("<title>Vidu</title>", "Kept"),
    ],
)
def test_a_kept_headline_is_the_title_where_no_reader_sees_the_markups(head: str, title: str) -> None:
    page = read_html(f"{head}<p>Kept</p><p>Hai tỉnh chia sẻ dữ liệu</p><p>{BODY}").page
    assert tagged(page, {"Kept": "title"}).title == title


def test_an_article_to_read() -> None:
    assert as_article(tagged(Page.from_lines(TEXT, site="vidu.vn"), TYPES)) == (
        f"Hai tỉnh chia sẻ dữ liệu\n2024-11-12 14:05+07:00 | Lê Thị Mai | vidu.vn | vi\n\n{BODY}"
    )
    assert as_article(tagged(Page.from_lines(["Menu"]), {"Menu": "navigation"})) == ""


def test_markdown_keeps_headings_lists_quotes_and_tables() -> None:
    page = read_html(
        f"""<html lang=vi><h1>Hai tỉnh chia sẻ</h1><p>{BODY}</p><h2>Số liệu</h2><ul><li>Một</li><li><p>Hai</p></li></ul>
        <h3>Trạm đo</h3><table><tr><th>Trạm</th><th>Mưa</th></tr><tr><td>An Bình</td><td>86</td></tr></table>
        <blockquote><p>Không lặp lại</p></blockquote><p># không phải đề mục</p><p>1. không phải mục</p>"""
    ).page
    text = as_markdown(tagged(page, {"Hai tỉnh chia sẻ": "title"}))
    assert text == (
        f"# Hai tỉnh chia sẻ\n\n*vi*\n\n{BODY}\n\n## Số liệu\n\n- Một\n- Hai\n\n### Trạm đo\n\n| Trạm | Mưa |\n| --- | --- |\n"
        "| An Bình | 86 |\n\n> Không lặp lại\n\n\\# không phải đề mục\n\n1\\. không phải mục"
    )


@pytest.mark.slow
def test_one_page_is_printed_to_be_read_and_many_for_programs(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    html = (
        '<meta property="article:published_time" content="2024-11-12T08:00:00+07:00"><meta name=author content="Lê Thị Mai">'
        f"<article><h1>Hai tỉnh chia sẻ dữ liệu</h1>{''.join(f'<p>{n}. {BODY}</p>' for n in range(6))}</article>"
    )
    for name in ("a.html", "b.html"):
        (tmp_path / name).write_text(html, encoding="utf-8")
    one = cli("filter", "a.html", "-m", rules_filter)
    assert one.code == 0 and "2024-11-12 08:00+07:00 | Lê Thị Mai | vi\n\n" in one.out and f".\n\n1. {BODY}" in one.out
    plain = cli("filter", "a.html", "-m", rules_filter, "-f", "text").out
    assert "Lê Thị Mai" not in plain and f".\n1. {BODY}" in plain
    assert cli("filter", "a.html", "b.html", "-m", rules_filter).out.count(plain) == 2
    markdown = cli("filter", "a.html", "b.html", "-m", rules_filter, "-f", "markdown").out
    assert markdown.count("\n---\n") == 1 and "*2024-11-12 08:00+07:00 | Lê Thị Mai | vi*" in markdown
    assert cli("filter", "a.html", "b.html", "-m", rules_filter, "-o", "x.md").code == 0
    assert (tmp_path / "x.md").read_text(encoding="utf-8") == markdown


FACTS = {"title": "Đầu đề", "authors": ["A B", "C D"], "date": "hôm qua", "language": "vi", "tags": ["x"], "paywall": True,
         "section": "Thời sự", "language_p": 0.5}  # fmt: skip


@pytest.mark.parametrize("format", ["jsonl", "parquet", "markdown"])
def test_every_output_has_the_record(format: str, rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": f"Đầu\n{BODY}\n{BODY}"} | FACTS) + "\n", encoding="utf-8")
    done = cli("filter", "in.jsonl", "-m", rules_filter, "-o", "out", "--format", format, "--workers", 1)
    assert done.code == 0, done.err
    readers: dict[str, Callable[[], dict[str, Any]]] = {
        "jsonl": lambda: json.loads((tmp_path / "out/in.jsonl").read_text(encoding="utf-8")),
        "parquet": lambda: parquet_row(tmp_path / "out/in.parquet"),
    }
    if format == "markdown":
        assert (tmp_path / "out/in.md").read_text(encoding="utf-8").startswith("# Đầu đề\n\n*hôm qua | A B, C D | vi*\n")
    else:
        assert {name: readers[format]()[name] for name in FACTS} == FACTS


def parquet_row(path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    (row,) = pq.read_table(path).to_pylist()
    return dict(row)
