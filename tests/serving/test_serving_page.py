"""The page of `clfnews serve`, without a browser: what is pasted or uploaded, and nothing of it as markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers import SEED_PAGE
from serve_client import Client, serving

from clfnews.serving.forms import parse_form
from clfnews.serving.limits import Limits

HTML = (
    "<!doctype html><html><body><nav><a href='/'>Home</a></nav><article><h1>Talks resume</h1>"
    "<p>The two ministers met on Monday again and agreed.</p></article></body></html>"
)
ATTACK = "</textarea></p><script>alert(1)</script><img src=x onerror=alert(1)>\"'>{{ 7*7 }}"


class Tags(HTMLParser):
    """Names and attributes of all tags of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def client(rules_filter: Path) -> Iterator[Client]:
    with serving(rules_filter, Limits(megabytes=1, seconds=60)) as started:
        yield started


def test_a_pasted_page_is_shown_line_by_line(client: Client) -> None:
    answer = client.submit(SEED_PAGE.read_bytes())
    assert answer.status == 200
    kept, dropped = (len(re.findall(f'class="line {name}"', answer.text)) for name in ("ok", "drop"))
    assert kept and dropped and f"kept {kept}<" in answer.text and f"dropped {dropped}<" in answer.text
    assert "Điện Kremlin: Chính sách đối ngoại mới" in answer.text


def test_an_upload_is_read_as_the_file_it_is(client: Client) -> None:
    assert "Talks resume" in client.submit(file=("page.html", HTML.encode("utf-16"))).text
    assert "Talks resume" in client.submit(file=("page", HTML.encode())).text, "told by its content"
    assert 'class="line' in client.submit(file=("tin.txt", "Một dòng\n".encode("utf-16"))).text
    for name, content, said in (
        ("page.pdf", b"%PDF-1.7 x", "is a binary file, not text"),
        ("page.txt", b"\0\1\2", "is a binary file, not text"),
        ("empty.html", b"", "is empty"),
        ("rows.jsonl", b"{}", "are for clfnews filter"),
        ("page.html.gz", b"x", "are for clfnews filter"),
    ):
        answer = client.submit(file=(name, content))
        assert answer.status == 422 and said in answer.text and 'role="alert"' in answer.text, name
    assert "bad bytes were replaced" in client.submit(file=("x.txt", b"a line \xff\n")).text


def test_nothing_of_a_page_becomes_markup(client: Client) -> None:
    heading = "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>"
    page = f"<!doctype html><html><head><title>{ATTACK}</title></head><body>{heading}</body></html>"
    link = "javascript:alert(1)"
    with_url = f'<html><head><link rel="canonical" href="{link}"></head><body><p>text</p></body></html>'
    assert "{{ 7*7 }}" in client.submit(ATTACK.encode()).text
    for answer in (
        client.submit(ATTACK.encode()),
        client.submit(page.encode()),
        client.submit(with_url.encode()),
        client.submit(file=(f"{ATTACK.replace(chr(34), '')}.gz", b"x")),
        client.get("/?example=%3Cscript%3E"),
    ):
        for tag, attributes in Tags(answer.text).tags:
            assert tag != "img" and not any(name.startswith("on") or name == "style" for name in attributes)
            assert tag != "script" or (attributes.get("src") or "").startswith("/static/")
            assert not (attributes.get("href") or "").startswith("javascript:")


def test_a_page_without_an_article_says_why(client: Client) -> None:
    answer = client.submit("Trang chủ\nĐăng nhập\nLiên hệ".encode())
    assert "Nothing is kept." in answer.text and "no article (p=" in answer.text


def test_what_is_wrong_is_one_line_on_the_page(client: Client) -> None:
    for answer, status, said in (
        (client.submit(), 400, "there is nothing to read"),
        (client.submit(b"x" * 10_000_000), 413, "larger than 1 MiB"),
        (client.send("POST", "/", b"x", {"Content-Type": "text/plain"}), 400, "not a form"),
        (client.send("POST", "/", b"--Y", {"Content-Type": "multipart/form-data; boundary=X"}), 400, "not whole"),
        (client.send("POST", "/", b"x", {"Content-Type": "multipart/form-data"}), 400, "not a form"),
        (client.submit(b"\n".join([b"line"] * 60_000)), 422, "more than 50,000 lines"),
    ):
        assert answer.status == status and said in answer.text and answer.headers["content-type"].startswith("text/html")


def test_a_long_page_is_cut_on_the_screen_only(client: Client) -> None:
    answer = client.submit(b"\n".join(b"line %d" % i for i in range(5000)))
    assert answer.text.count('class="line ') == 3000 and "2,000 more lines are not shown" in answer.text


def test_nothing_comes_from_elsewhere_and_nothing_runs_inline(client: Client) -> None:
    for path in ("/", "/?example=english", "/static/style.css", "/static/page.js", "/health", "/nothing"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and answer.headers["x-content-type-options"] == "nosniff"
        assert "@import" not in answer.text and "url(" not in answer.text
    for _, attributes in Tags(client.get("/").text).tags:
        assert not any((attributes.get(name) or "").startswith(("http", "//")) for name in ("src", "href", "action"))


def test_the_examples_are_in_the_form(client: Client) -> None:
    assert "Two ministries reopen" in client.get("/?example=english").text
    assert "Hai nước nối lại đàm phán" in client.get("/?example=vietnamese").text


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"text=a+b%20%C3%A9&file=", {"text": "a b é".encode(), "file": b""}),
        (b"", {}),
        (b"text=%ff%00", {"text": b"\xff\0"}),
    ],
)
def test_a_form_may_be_url_encoded(body: bytes, wanted: dict[str, bytes]) -> None:
    found = parse_form(body, "application/x-www-form-urlencoded")
    assert {name: field.value for name, field in found.items()} == wanted


def test_a_file_keeps_every_byte_and_its_name() -> None:
    content = bytes(range(256)) * 40 + b"\r\n--Y\r\n--\r\n\r\n"
    head = '--X\r\nContent-Disposition: form-data; name="file"; filename="tin tức.html"\r\nContent-Type: text/html\r\n\r\n'
    fields = parse_form(head.encode() + content + b"\r\n--X--\r\n", 'multipart/form-data; boundary="X"')
    assert fields["file"] == (content, "tin tức.html")
