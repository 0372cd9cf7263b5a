"""Articles that a page shows only with its scripts, and what must stay hidden."""

from __future__ import annotations

import json

import pytest

from clfnews.readers.html.document import Document, read_html

TITLE = "Hai tỉnh ký thỏa thuận chia sẻ dữ liệu mưa lũ"
BODY = [
    "Sáng 12-11, lãnh đạo hai tỉnh ký thỏa thuận trao đổi số liệu trạm đo mưa theo thời gian thực sau đợt lũ lớn.",
    "Theo thỏa thuận, 46 trạm đo ở thượng nguồn sẽ gửi số liệu mỗi mười phút về trung tâm điều hành chung.",
    "Ông Vịnh nói việc chậm thông tin khiến hai hồ chứa xả nước gần như cùng lúc trong đêm, làm hạ du ngập sâu.",
    "Bộ chuyên ngành dự kiến hỗ trợ 18 tỉ đồng để thay thiết bị tại 20 trạm trong quý một năm tới.",
    "Các chuyên gia thủy lợi đánh giá bước đi này là cần thiết nhưng chưa đủ, bởi nhiều trạm đo đã cũ.",
]
ENGLISH = [
    "We and our partners store and read data on your device so that this site works and so that we can count readers.",
    "You can change your choice at any time with the link at the end of each page, and object to what we call our interest.",
    "Some of the partners work in other countries, where other rules for your data may hold than those that you know.",
    "If you go on without a choice we will take it that you agree to all of these purposes until you say otherwise to us.",
]
MENU = "<nav class=menu><ul>" + "".join(f"<li><a href=/{i}>Chuyên mục {i}</a></li>" for i in range(8)) + "</ul></nav>"
FOOT = "<footer><p>© 2024 Báo Ven Biển. Giấy phép số 12/GP của sở thông tin, cấp lần đầu ngày 1 tháng 2.</p></footer>"
PARAGRAPHS = "".join(f"<p>{text}</p>" for text in BODY)
ARTICLE = f"<article><h1>{TITLE}</h1>{PARAGRAPHS}</article>"
OTHER = "".join(f"<p>{text} Đó là chuyện của một bài khác, đăng hôm qua.</p>" for text in reversed(BODY))


def page(inside: str, head: str = "", title: str = TITLE) -> str:
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{MENU}{inside}{FOOT}</body></html>"


def script(kind: str, data: object) -> str:
    return f"<script type='{kind}'>{json.dumps(data, ensure_ascii=False)}</script>"


def texts(document: Document) -> list[str]:
    return [line.text for line in document.page.lines]


LD = {"@context": "https://schema.org", "@graph": [{"@type": "WebPage", "name": "x"}, {
    "@type": "NewsArticle", "headline": TITLE, "articleBody": "\n\n".join(BODY)}]}  # fmt: skip
NEXT = {"props": {"pageProps": {"menu": ["a", "b"], "story": {"title": TITLE, "content": PARAGRAPHS}}}}
BLOCKS = {"article": {"headline": TITLE, "body": [{"type": "paragraph", "content": [{"text": text}]} for text in BODY]}}
QUOTED = json.dumps(json.dumps({"post": {"title": TITLE, "body": PARAGRAPHS}}))
SHOWN_LATER = {
    "noscript": ("noscript", page(f"<div id=app></div><noscript>{ARTICLE}</noscript>")),
    "box of a script": ("hidden", page(f"<div class=story style='display:none'>{ARTICLE}</div><p>Đang tải...</p>")),
    "box of a click": ("hidden", page(f"<button>Đọc bài</button><section hidden>{ARTICLE}</section>")),
    "JSON-LD": ("json-ld", page("<div id=root></div>", script("application/ld+json", LD))),
    "state of Next": ("state", page("<div id=__next></div>" + script("application/json", NEXT))),
    "state of blocks": ("state", page(f"<div></div><script>window.__STATE__ = {json.dumps(BLOCKS)};</script>")),
    "state in a string": ("state", page(f"<div></div><script>var s = JSON.parse({QUOTED});</script>")),
}


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("name", SHOWN_LATER)
def test_an_article_that_a_script_shows_is_read(name: str, hidden: bool) -> None:
    origin, html = SHOWN_LATER[name]
    document = read_html(html, hidden=hidden)
    found = texts(document)
    at = found.index(TITLE)
    assert found[at : at + 6] == [TITLE, *BODY] and found.count(TITLE) == 1
    assert found.index("Chuyên mục 7") < at < len(found) - 6, "below the menu, above the footer"
    assert document.page.text_from == origin
    assert not any(line.cues and line.cues.hidden for line in document.page.lines[at : at + 6])


CONSENT = "".join(f"<p>{text}</p>" for text in ENGLISH)
STAYS_HIDDEN = {
    "the page has an article": f"{ARTICLE}{ARTICLE.replace(TITLE, 'x')}<div hidden>{OTHER}</div>",
    "a dialog": f"<h1>Video</h1><dialog>{CONSENT}</dialog>",
    "a box that is a dialog": f"<h1>Video</h1><div role=dialog hidden>{CONSENT}</div>",
    "a box of consent": f"<h1>Video</h1><div class=cookie-consent style='display:none'>{CONSENT}</div>",
    "a menu": "<ul hidden>" + "".join(f"<li><a href=/>{text}</a></li>" for text in ENGLISH) + "</ul>",
    "a template": f"<template>{ARTICLE}</template>",
    "stories of a list": script("application/json", {"stories": [
        {"title": "Một", "body": PARAGRAPHS}, {"title": "Hai", "body": OTHER}]}),
    "data that is broken": f"<script type='application/ld+json'>{{\"articleBody\": \"{' '.join(BODY)}\",,}}</script>",
    "data without end": f"<script>window.x = {'[' * 50_000}\"body\"</script>",
    "an article that begins on the page": f"<p>{BODY[0]}</p><p>{BODY[1]}</p>" + script("application/ld+json", LD),
}  # fmt: skip


@pytest.mark.parametrize("name", STAYS_HIDDEN)
def test_what_is_no_article_of_the_page_stays_hidden(name: str) -> None:
    html = page(STAYS_HIDDEN[name], title="Trang chủ")
    document = read_html(html)
    bare = {"Chuyên mục 1", "Video", TITLE, "x", *BODY[: 5 if "the page" in name else 2 if "begins" in name else 0]}
    assert document.page.text_from == "page"
    assert {text for text in texts(document) if "©" not in text and "mục" not in text} <= bare


def test_of_several_stories_in_the_state_that_of_the_title_is_read() -> None:
    state = {"stories": [{"title": "Một bài khác", "body": OTHER}, {"title": TITLE, "body": PARAGRAPHS}]}
    document = read_html(page(script("application/json", state), title=f"{TITLE} - Báo Ven Biển"))
    assert [text for text in texts(document) if text in BODY] == BODY and document.page.text_from == "state"


def test_a_headline_on_show_is_not_doubled() -> None:
    document = read_html(page(f"<h1>{TITLE}</h1>{script('application/ld+json', LD)}"))
    assert texts(document).count(TITLE) == 1
    assert texts(document)[texts(document).index(TITLE) + 1] == BODY[0]


def test_a_declarative_shadow_root_is_on_show() -> None:
    inner = f"<template shadowrootmode=closed><i>tag</i>{ARTICLE}</template>"
    html = page(f"<news-story><template shadowrootmode='open'><slot></slot>{inner}</template>light</news-story>")
    document = read_html(html)
    assert [text for text in texts(document) if text in (TITLE, *BODY)] == [TITLE, *BODY]
    assert document.page.text_from == "page"
    assert "no" not in texts(read_html("<p>a<script>'<template shadowrootmode=open>'</script><template><p>no</p></template>"))


def test_rows_without_the_hidden_lines_tell_what_they_share() -> None:
    """`shared` counts the boxes around the line before, which may be gone."""
    html = page(f"<div><p>a</p></div><div><div><p hidden>gone</p></div></div><noscript>{ARTICLE}</noscript>")
    lines = read_html(html).page.lines
    previous: list[str] = []
    for line in lines:
        assert line.cues
        boxes = [step for step in line.cues.path.split("/")[1:] if step[:1] != "~"]
        same = next(
            (i for i, pair in enumerate(zip(boxes, previous, strict=False)) if pair[0] != pair[1]), min(len(boxes), len(previous))
        )
        assert line.cues.shared <= same
        previous = boxes


def test_elements_of_xhtml_close_themselves() -> None:
    """As in a browser that is given XML: a link without an end would be the rest of the page."""
    start = "<?xml version='1.0' encoding='UTF-8'?><html xmlns='http://www.w3.org/1999/xhtml'><body>"
    html = f"{start}<a id='top'/><div class='x'/><p>one<br/>two <i/>three</p><textarea/><a href=http://a.example/>four</a></body></html>"
    lines = read_html(html).page.lines
    assert [line.text for line in lines] == ["one", "two three", "four"]
    assert [line.cues.link_density for line in lines if line.cues] == [0, 0, 1]
