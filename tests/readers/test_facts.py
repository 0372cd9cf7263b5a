"""The record of a page of HTML, from heads as publishing systems write them."""

from __future__ import annotations

import html
import json
import time
from typing import Any

import pytest

from clfnews.page import Page
from clfnews.readers.base import ReadOptions, page_of_row
from clfnews.readers.html.document import read_html
from clfnews.record.dates import read_date
from clfnews.record.language import language_of
from clfnews.record.names import names_of_line, read_names

TEXT = "<p>Hai tỉnh ven biển ký thỏa thuận chia sẻ dữ liệu mưa lũ sau mùa bão kỷ lục, theo thông báo sáng nay.</p>" * 3


def page_of(head: str, body: str = f"<h1>Hai tỉnh chia sẻ dữ liệu mưa lũ</h1>{TEXT}", **given: Any) -> Page:
    return read_html(f"<!DOCTYPE html><html lang='vi'><head>{head}</head><body>{body}</body></html>", **given).page


def linked(*nodes: Any) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(node, ensure_ascii=False)}</script>' for node in nodes)


ARTICLE = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Hai tỉnh chia sẻ dữ liệu mưa lũ",
    "datePublished": "2024-11-12T08:00:00+07:00",
    "dateModified": "2024-11-12T09:30:00+07:00",
    "author": [{"@type": "Person", "name": "Lê Thị Mai"}, {"@type": "Person", "name": "Trần Văn An"}],
    "articleSection": ["Thời sự", "Môi trường"],
    "keywords": "mưa lũ, trạm đo",
    "isAccessibleForFree": False,
    "image": {"@type": "ImageObject", "url": "https://anh.vidu.vn/1.jpg"},
    "publisher": {"@type": "Organization", "name": "Báo Ven Biển"},
    "mainEntityOfPage": {"@type": "WebPage", "@id": "https://vidu.vn/bai-1.html"},
}


def test_a_news_article_in_json_ld_tells_all() -> None:
    page = page_of(f'<link rel="canonical" href="https://www.vidu.vn/bai-1.html">{linked(ARTICLE)}')
    assert (page.title, page.url, page.site) == ("Hai tỉnh chia sẻ dữ liệu mưa lũ", "https://www.vidu.vn/bai-1.html", "vidu.vn")
    assert (page.date, page.modified) == ("2024-11-12T08:00:00+07:00", "2024-11-12T09:30:00+07:00")
    assert page.authors == ("Lê Thị Mai", "Trần Văn An") and page.tags == ("mưa lũ", "trạm đo")
    assert (page.site_name, page.section, page.paywall) == ("Báo Ven Biển", "Thời sự", True)
    assert (page.image, page.language) == ("https://anh.vidu.vn/1.jpg", "vi")


def test_a_graph_whose_authors_stand_elsewhere() -> None:
    """As plug-ins for search engines write it in WordPress."""
    graph = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": ["Article", "NewsArticle"], "@id": "https://a.example/x/#article",
             "headline": "Deich hält der Sturmflut stand",
             "author": [{"@id": "https://a.example/#/person/1"}], "datePublished": "2024-02-03T10:00:00+01:00",
             "publisher": {"@id": "https://a.example/#org"}},
            {"@type": "WebPage", "datePublished": "2001-01-01", "inLanguage": "de-DE"},
            {"@type": "WebSite", "name": "Küstenblatt"},
            {"@type": "Organization", "@id": "https://a.example/#org", "name": "Küstenblatt GmbH"},
            {"@type": "Person", "@id": "https://a.example/#/person/1", "name": "Hanna Petersen"},
        ],
    }  # fmt: skip
    page = page_of(linked(graph), "<h1>Deich hält der Sturmflut stand</h1><p>Text")
    assert page.authors == ("Hanna Petersen",) and page.date == "2024-02-03T10:00:00+01:00"
    assert page.site_name == "Küstenblatt GmbH"


@pytest.mark.parametrize(
    "script",
    [
        '{"@type":"NewsArticle","headline":"A","datePublished":"2024-05-01","author":{"name":"Ada Ray"},}',
        '<!-- {"@type":"NewsArticle","datePublished":"2024-05-01","author":"Ada Ray"} -->',
        '//<![CDATA[\n{"@type":"NewsArticle","datePublished":"2024-05-01","author":["Ada Ray"]}\n//]]>',
        '{"@type":"NewsArticle","description":"a\nnew\tline","datePublished":"2024-05-01","author":[["Ada Ray"]]};',
        '{"@type":"WebSite"}\n{"@type":"NewsArticle","datePublished":"2024-05-01","author":"Ada Ray"}',
        '{"@type":"NewsArticle","description":"It\\\'s","datePublished":"2024-05-01","author":"Ada Ray"}',
        '{"@type":"NewsArticle","headline":"He said "no" to it","author":{"@type":"Person","name":"Ada Ray"},'
        '"datePublished":"2024-05-01"}',
        html.escape('{"@type":"NewsArticle","datePublished":"2024-05-01","author":"Ada Ray"}'),
    ],
)
def test_broken_json_ld_is_read_as_far_as_it_goes(script: str) -> None:
    page = page_of(f"<script type='application/ld+json'>{script}</script>")
    assert (page.date, page.authors) == ("2024-05-01", ("Ada Ray",))


@pytest.mark.parametrize("script", ["", "{", "null", "[" * 100_000, "NaN", '{"@type": {}}', '[[{"@graph": 3}]]', '"text"'])
def test_no_json_ld_costs_a_page(script: str) -> None:
    page = page_of(f"<script type=application/ld+json>{script}</script>")
    assert len(page.lines) == 4 and page.title == "Hai tỉnh chia sẻ dữ liệu mưa lũ"


@pytest.mark.parametrize("type_", ["application/ld&#43;json", "application/ld&#x2B;json", "application/ld+json; charset=utf-8"])
def test_servers_that_write_the_type_in_another_way(type_: str) -> None:
    script = f'<script data-x="1" type="{type_}">{json.dumps(ARTICLE)}</script>'
    assert page_of(script).authors == ("Lê Thị Mai", "Trần Văn An")


def test_comments_and_boxes_of_other_articles_tell_nothing() -> None:
    other = {"@type": "NewsArticle", "headline": "Other", "url": "https://b.example/2"}
    page = page_of(
        f"<!-- {linked({**ARTICLE, 'author': 'Old Name'})} <meta property=article:published_time content=1999-01-01> -->"
        + linked({"@type": "ItemList", "itemListElement": [{**ARTICLE, "author": "List Name"}]}, other, ARTICLE)
    )
    assert (page.authors, page.date) == (("Lê Thị Mai", "Trần Văn An"), "2024-11-12T08:00:00+07:00")


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ('<meta property="article:published_time" content="2024-11-12T08:00:00+0700"><meta name="author" content="By Jane Doe">',
         {"date": "2024-11-12T08:00:00+07:00", "authors": ("Jane Doe",)}),
        ("<meta content=1731373200000 name=pubdate><meta name=author content='María Ruiz y Juan Vidal'>",
         {"date": "2024-11-12T01:00:00Z", "authors": ("María Ruiz", "Juan Vidal")}),
        ('<META NAME="DC.date.issued" CONTENT="2024-11-12"><meta name="DC.creator" content="Doe, Jane"><meta name="dc.publisher" '
         'content="Courier">', {"date": "2024-11-12", "site_name": "Courier"}),
        ('<meta name="parsely-pub-date" content="2024-11-12T01:00:00Z"><meta name="parsely-author" content="Ada Ray"><meta '
         'name="parsely-section" content="World"><meta name="parsely-tags" content="floods,data">',
         {"date": "2024-11-12T01:00:00Z", "authors": ("Ada Ray",), "section": "World", "tags": ("floods", "data")}),
        ('<meta name="sailthru.date" content="Tue, 12 Nov 2024 08:00:00 +0700"><meta name="sailthru.author" content="Ada Ray">',
         {"date": "2024-11-12T08:00:00+07:00", "authors": ("Ada Ray",)}),
        ('<meta itemprop="datePublished" content="2024-11-12"><meta itemprop="dateModified" content="2024-11-13">',
         {"date": "2024-11-12", "modified": "2024-11-13"}),
        ('<meta property="article:author" content="https://www.facebook.com/paper"><meta name="author" content="Ada Ray">',
         {"authors": ("Ada Ray",)}),
        ('<meta property="article:tag" content="một"><meta property="article:tag" content="hai"><meta name="keywords" '
         'content="x">', {"tags": ("một", "hai")}),
        ('<meta property="article:content_tier" content="locked"><meta property="og:image" content="https://a.example/p.jpg">',
         {"paywall": True, "image": "https://a.example/p.jpg"}),
        ('<meta property="article:content_tier" content="free"><meta property="og:site_name" content="Báo A &amp; B">',
         {"paywall": False, "site_name": "Báo A & B"}),
    ],
)  # fmt: skip
def test_meta_elements_of_many_systems(head: str, wanted: dict[str, Any]) -> None:
    page = page_of(head)
    assert {name: getattr(page, name) for name in wanted} == wanted


def test_head_elements_anywhere_unquoted_late_or_commented_out() -> None:
    page = read_html(
        "<body><script>'<link rel=canonical href=https://s.example/>'</script><h1>Tin</h1>"
        f"{TEXT}<!-- <link rel=canonical href=https://c.example/x> --><div><meta content=2024-11-12T08:00:00+07:00 "
        "property=article:published_time><link href=https://www.vidu.vn/bai-1.html rel=canonical></div>"
    ).page
    assert (page.url, page.site, page.date) == ("https://www.vidu.vn/bai-1.html", "vidu.vn", "2024-11-12T08:00:00+07:00")


def test_microdata_names_the_author_of_the_article_and_not_of_its_teasers() -> None:
    body = """<article itemscope itemtype="https://schema.org/NewsArticle"><h1 itemprop="headline">Most oprawiony na zimę</h1>
    <span itemprop="author" itemscope><a href="/a"><span itemprop="name">Anna Nowak</span></a></span>
    <time itemprop="datePublished" datetime="2024-11-12T08:00+01:00">wczoraj</time><p>Tekst</article>
    <aside><div itemscope><h3>Inny</h3><span itemprop="author">Jan Kowalski</span></div></aside>"""
    page = page_of("", body)
    assert (page.authors, page.date) == (("Anna Nowak",), "2024-11-12T08:00+01:00")


def test_the_time_behind_the_headline_is_the_pages() -> None:
    body = f"""<header><time datetime="2025-01-01">Hôm nay</time></header><h1>Hai tỉnh chia sẻ dữ liệu mưa lũ</h1>
    <time>thứ ba, 12/11/2024, 14:05 (GMT+7)</time>{TEXT}<div class=related><time datetime="2023-01-01">x</time></div>"""
    assert page_of("", body).date == "2024-11-12T14:05+07:00"


def test_lines_beside_the_headline_tell_what_the_markup_does_not() -> None:
    body = f"""<p>Thứ tư, 1/1/2025</p><h1>Hai tỉnh chia sẻ dữ liệu mưa lũ</h1><p class="article-author">Lê Thị Mai</p>
    <p>Thứ ba, 12/11/2024, 14:05 (GMT+7)</p>{TEXT}"""
    head = linked({"@type": "NewsArticle", "author": {"@type": "Organization", "name": "VIDU"}})
    page = page_of(head, body)
    assert (page.date, page.authors) == ("2024-11-12T14:05+07:00", ("Lê Thị Mai",))
    # The publisher is better than nobody.
    assert page_of(head).authors == ("VIDU",)
    assert page_of('<link rel=canonical href="https://a.example/2024/11/12/tin.html">').date == "2024-11-12"


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>Kurz | Blatt</title><meta property=og:title content='Deich hält stand'>", "<h1>Deich hält stand</h1>",
         "Deich hält stand"),
        ("<meta property=og:title content='Deich hält stand'>", "<h1>Blatt</h1><h1>Deich hält der Flut doch stand</h1>",
         "Deich hält der Flut doch stand"),
        ("<meta property=og:title content='Deich hält stand'>", "<h1>Küstenblatt</h1><h2>Deich hält stand</h2>",
         "Deich hält stand"),
        ("<title>Deich hält stand - Blatt</title>", "<h1>Deich <em>hält</em><br>stand</h1>", "Deich hält stand"),
        ("", "<h1><span>Küste</span>: Deich hält</h1>", "Küste: Deich hält"),
        ("<title>市长宣布新桥年底通车</title>", "<h1>市长宣布新桥年底通车仪式</h1>", "市长宣布新桥年底通车仪式"),
        ("", "<p>ohne", None),
    ],
)  # fmt: skip
def test_the_title_is_the_headline_that_a_reader_sees(head: str, body: str, title: str | None) -> None:
    assert page_of(head, f"{body}<p>Text.</p>").title == title


def test_a_text_far_shorter_than_it_says_is_behind_a_paywall() -> None:
    words = linked({"@type": "NewsArticle", "wordCount": 900})
    assert page_of(words).paywall is True
    assert page_of(words, f"<h1>x</h1><p>{'từ ' * 1500}").paywall is None


def test_addresses_are_whole_or_none() -> None:
    page = page_of(
        "<link rel=canonical href=/bai-2.html><meta property=og:image content=//anh/1.jpg>", url="https://www.vidu.vn/bai-1"
    )
    assert (page.url, page.image) == ("https://www.vidu.vn/bai-1", "https://anh/1.jpg")
    assert page_of("<link rel=canonical href='javascript:x'><meta property=og:url content='http://[a'>").url is None


def test_pages_parsed_in_a_process_of_their_own_have_the_same_record() -> None:
    head = f"<meta property=og:site_name content='Báo'>{linked(ARTICLE)}"
    plain, hostile = page_of(head), page_of(head, f"<h1>Hai tỉnh chia sẻ dữ liệu mưa lũ</h1>{TEXT}" + "<b>x</b>" * 11_000)
    assert (hostile.date, hostile.authors, hostile.site_name, hostile.title) == (
        plain.date, plain.authors, plain.site_name, plain.title,
    )  # fmt: skip


@pytest.mark.parametrize(
    "markup",
    [
        "<h1><div>" * 8_000 + "x" * 100_000,
        "<time>" * 15_000 + "x" * 100_000,
        "<i itemprop=author itemscope>" * 15_000,
        "<meta property=article:tag content=x>" * 19_000,
        "<script type=application/ld+json>" + "[{}," * 400_000,
        "<script type=application/ld+json>" + '{"author":' * 100_000,
        "ld+json" * 200_000,
        "<a rel=author>" * 15_000 + "x" * 100_000,
    ],
)
def test_hostile_heads_take_bounded_time(markup: str) -> None:
    started = time.process_time()
    page = read_html(markup).page
    assert time.process_time() - started < 20 and len(page.authors) <= 50


# --- rows -----------------------------------------------------------------------------

HTML = f"<h1>Từ trang</h1>{linked(ARTICLE)}{TEXT}"


def test_what_a_row_says_wins_over_the_page() -> None:
    row = {"html": HTML, "title": "Của tôi", "authors": ["Tôi"], "date": "hôm qua", "language": "xx", "tags": "một", "site": "s"}
    page = page_of_row(row, "p", ReadOptions())
    assert (page.title, page.authors, page.date, page.language, page.tags) == ("Của tôi", ("Tôi",), "hôm qua", "xx", ("một",))
    assert page.section == "Thời sự" and page.site == "s"
    assert page.guessed.isdisjoint({"title", "authors", "date", "language", "tags", "site"})
    named = page_of_row(
        {"body": "Một", "by": "Lê Mai", "h": "Đầu"}, "p", ReadOptions(columns={"text": "body", "author": "by", "title": "h"})
    )
    assert (named.authors, named.title) == (("Lê Mai",), "Đầu")


@pytest.mark.parametrize("value", [None, "", 7, 2.5, True, [], {}, [None, {"a": 1}, [2]], float("nan"), b"\xff", {"name": 3}])
def test_facts_of_any_type_never_cost_the_page(value: Any) -> None:
    names = (
        "title",
        "site_name",
        "modified",
        "authors",
        "author",
        "language",
        "language_p",
        "section",
        "tags",
        "paywall",
        "image",
    )
    for content in ({"text": "Một\nHai"}, {"html": HTML}):
        page = page_of_row(content | dict.fromkeys(names, value), "p", ReadOptions())
        assert page.lines and all(isinstance(name, str) for name in (*page.authors, *page.tags))
        assert page.paywall in (True, False, None) and isinstance(page.title, str | None)


# --- dates, names, language -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("thứ ba, 12/11/2024, 14:05 (GMT+7)", "2024-11-12T14:05+07:00"),
        ("Cập nhật: 14:05 | 12/11/2024", "2024-11-12T14:05"),
        ("Ngày 12 tháng 11 năm 2024 lúc 14h05", "2024-11-12T14:05"),
        ("2024-11-12T08:00:00+07:00", "2024-11-12T08:00:00+07:00"),
        ("2024-11-12 08:00:00 +0700", "2024-11-12T08:00:00+07:00"),
        ("2024-11-12T07:00", "2024-11-12T07:00"),
        (1731373200, "2024-11-12T01:00:00Z"),
        (1731373200000, "2024-11-12T01:00:00Z"),
        ("1731373200000", "2024-11-12T01:00:00Z"),
        ("20241112", "2024-11-12"),
        ("Tue Nov 12 2024 14:05:00 GMT+0700 (Indochina Time)", "2024-11-12T14:05:00+07:00"),
        ("Published Nov. 12, 2024 at 2:05 p.m. EST", "2024-11-12T14:05-05:00"),
        ("12. November 2024, 14.05 Uhr", "2024-11-12T14:05"),
        ("12 de noviembre de 2024, 14:05 h CET", "2024-11-12T14:05+01:00"),
        ("le 12 novembre 2024 à 14h05", "2024-11-12T14:05"),
        ("12 ноября 2024, 14:05 МСК", "2024-11-12T14:05+03:00"),
        ("12 Kasım 2024 - 14:05", "2024-11-12T14:05"),
        ("2024年11月12日 14時05分", "2024-11-12T14:05"),
        ("2024년 11월 12일 오후 2:05", "2024-11-12T14:05"),
        ("12 พ.ย. 2567 14:05 น.", "2024-11-12T14:05"),
        ("١٢ نوفمبر ٢٠٢٤", "2024-11-12"),
        ("By Ada Ray, in News, Property, Mars - 22 Sep 2023, 16:02", "2023-09-22T16:02"),
        ("31/12/2024", "2024-12-31"), ("12/31/2024", "2024-12-31"), ("5/6/2024", "2024-06-05"),
        ("5 giờ trước", None), ("2024-13-45", None), ("May 5", None), ("", None), (None, None), (True, None),
        (float("nan"), None), ("tel. 030 1234 5678", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_dates_as_they_are_written(text: Any, date: str | None) -> None:
    assert read_date(text) == date


def test_americans_write_the_month_first() -> None:
    assert read_date("5/6/2024 2 PM", month_first=True) == "2024-05-06T14:00"
    page = read_html("<html lang=en-US><meta name=pubdate content='5/6/2024'><p>x").page
    assert page.date == "2024-05-06"


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["By Jane Doe and John Roe"], ("Jane Doe", "John Roe")),
        (["Von Max Müller, Anna Schmidt"], ("Max Müller", "Anna Schmidt")),
        (["Max Müller", "max müller", "https://x.example/max", "m@x.example", "admin"], ("Max Müller",)),
        (["Ursula von der Leyen"], ("Ursula von der Leyen",)), (["Von der Leyen"], ("Von der Leyen",)),
        (["De Gaulle"], ("De Gaulle",)), (["Elena Ober (obe.)"], ("Elena Ober",)), (["牛镛、岳弘彬"], ("牛镛", "岳弘彬")),
    ],
)  # fmt: skip
def test_names_in_fields_of_authors(values: list[str], names: tuple[str, ...]) -> None:
    assert read_names(values) == names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("By Jane Doe, Nairobi", ("Jane Doe",)), ("27. Januar 2026 • Gregor Meier • 3 Minuten", ("Gregor Meier",)),
        ("Theo TTXVN", ("TTXVN",)), ("Lê Phương", ("Lê Phương",)), ("Thứ ba, 12/11/2024, 14:05 (GMT+7)", ()),
        ("Häufig gelesen", ()), ("Nguồn: Báo", ()), ("chia sẻ", ()), ("", ()),
    ],
)  # fmt: skip
def test_names_in_lines(line: str, names: tuple[str, ...]) -> None:
    assert names_of_line(line) == names


@pytest.mark.parametrize(
    ("text", "declared", "language"),
    [
        ("Hai tỉnh ven biển ký thỏa thuận chia sẻ dữ liệu mưa lũ sau mùa bão kỷ lục.", "en", "vi"),
        ("The two coastal provinces signed an agreement to share their data on rain and floods.", None, "en"),
        ("Kommunen vil bygge en ny bro over fjorden, sier ordføreren til avisen i dag.", "nb-NO", "no"),
        ("市长宣布新桥将在年底前通车，预计每天有两万辆汽车通过这座大桥。", "ja", "zh"),
        ("abc", "sw-KE", "sw"), ("", None, None), ("", "<b>", None),
    ],
)  # fmt: skip
def test_languages(text: str, declared: str | None, language: str | None) -> None:
    found, p = language_of([text], declared)
    assert found == language and (p is None or 0 <= p <= 1)
