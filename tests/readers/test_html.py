"""HTML to lines with cues: what a reader sees, in order, and nothing that a page can do stops it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from helpers import environment, wait_for
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clfnews.errors import MachineError
from clfnews.page import Cues, Line, Page
from clfnews.readers.html import guard
from clfnews.readers.html.blocks import MAX_BOXES, MAX_LINES, MAX_PATH_CHARS, MAX_PATHS_CHARS
from clfnews.readers.html.document import MAX_HTML_BYTES, read_html
from clfnews.readers.html.encoding import to_utf8

XHTML = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'
    '<html xmlns="http://www.w3.org/1999/xhtml">'
)


def lines(html: str | bytes) -> list[str]:
    return [line.text for line in read_html(html).page.lines]


def cues(html: str) -> dict[str, Cues]:
    return {line.text: line.cues for line in read_html(html).page.lines if line.cues}


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>one</p><p>two</p>three", ["one", "two", "three"]),
        ("<p>one<br>two<br/><br>three", ["one", "two", "three"]),
        ("<p>A <a href=x>linked</a> <b>bold</b><i>er</i> <span>word</span>, on.</p>", ["A linked bolder word, on."]),
        ("<div>before<div>inside</div>after</div>", ["before", "inside", "after"]),
        ("<ul><li>1<li>2<ul><li>3</ul>4</ul>", ["1", "2", "3", "4"]),
        ("<a>Home</a><a>News</a><a>Sport</a>", ["Home News Sport"]),
        ("<a>Ha</a>noi", ["Hanoi"]),
        ("<table><tr><td>1<td>2<tr><th>3</table>", ["1 | 2", "3"]),
        ("<table><tr><td><p>1</p><td>2</table>", ["1", "2"]),
        (f"<table><tr><td>{'x' * 90}<td>2</table>", ["x" * 90, "2"]),
        (
            "<table><tr><th>A<th>B<th>C<tr><td>a<td><td>c<tr><td>a<td> <td><td>d<td></table>",
            ["A | B | C", "a | | c", "a | | | d"],
        ),
        (
            "<table><tr><td><a>x</a><br><a>y</a></td><td><b>Title</b><br><br>Text<br>more</table>",
            ["x", "y", "Title", "Text", "more"],
        ),
        ("<table><tr><td>1<td>2<br>3<td>4<tr><td>5<td>6</table>", ["1", "2", "3", "4", "5 | 6"]),
        ("<table><tr><td>1<td><br>2<td>3</table>", ["1", "2", "3"]),
        ("<pre>one\n  two\n\nthree</pre>", ["one", "two", "three"]),
        ("<p>a\n   b\t c &amp; d&nbsp;e &lt;f&gt;</p>", ["a b c & d e <f>"]),
        ("<h1>T</h1><figure><img alt=alt><figcaption>C</figcaption></figure>", ["T", "C"]),
        ("<p>soft&shy;hyphen \u200bzero", ["softhyphen zero"]),
        ("", []),
        ("   ", []),
        ("just text", ["just text"]),
        ("<button>Share</button><button>Like</button>", ["Share", "Like"]),
    ],
)
def test_blocks_and_breaks_make_lines_and_inline_tags_do_not(html: str, expected: list[str]) -> None:
    assert lines(html) == expected


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>x()</script>",
        "<style>p {}</style>",
        "<noscript>no</noscript>",
        "<template><p>no</p></template>",
        "<p hidden>no</p>",
        "<div aria-hidden='true'><p>no</p></div>",
        '<div style="color: red; DISPLAY : none"><p>no</p></div>',
        "<span style=visibility:hidden>no</span>",
        "<!-- no -->",
        "<select><option>no</select>",
        "<svg><text>no</text></svg>",
        "<iframe>no</iframe>",
        "<textarea>no</textarea>",
        "<dialog>no</dialog>",
        "<input value=no>",
    ],
)
def test_what_a_reader_cannot_see_is_out(hidden: str) -> None:
    assert lines(f"<title>no</title><p>yes{hidden}</p>{hidden}<p>yes") == ["yes", "yes"]
    assert lines("<dialog open>seen</dialog>") == ["seen"]


def test_a_page_that_shows_nothing_without_scripts_is_read_whole() -> None:
    assert lines("<body style='display:none'><p>text") == ["text"], "hidden until a script has run"
    assert lines("<div hidden><p>text</p></div><noscript><p>more</p></noscript>") == ["text", "more"]


def test_cues_say_tag_links_region_depth_and_hint() -> None:
    found = cues(
        """<body><nav class=main-menu><ul><li><a href=/>Home</a></ul></nav>
        <main><article class="post"><h1>Title</h1><p id=x>Half <a href=y>link</a></p>
        <div class="box boxRelatedNews"><p>Other</p></div></article></main>
        <div role=contentinfo>Imprint</div><div role=search>Find</div></body>"""
    )
    assert found["Home"][:5] == Cues("li", 1.0, "nav", 5, "navigation")[:5]
    assert found["Title"][:5] == Cues("h1", 0.0, "article", 5, "content")[:5]
    assert found["Half link"][:5] == Cues("p", 0.5, "article", 5, "content")[:5]
    assert found["Other"][:5] == Cues("p", 0.0, "article", 6, "related")[:5]
    assert found["Imprint"].region == "footer" and found["Find"].region == "form"


def test_cues_survive_json() -> None:
    page = read_html("<nav><a>One</a></nav><p class=share>two", "p1", url="https://www.a.example/x").page
    row = {
        "id": page.id,
        "url": page.url,
        "lines": [{"text": x.text, "n": x.n, "cues": x.cues and x.cues._asdict()} for x in page.lines],
    }
    assert Page.from_row(json.loads(json.dumps(row))) == page
    assert page.site == "a.example" and [line.n for line in page.lines] == [1, 2]


def test_the_head_gives_title_date_and_address_but_no_line() -> None:
    document = read_html(
        """<html><head><title>T &amp; more</title><meta property="og:title" content="Real &quot;title&quot;">
        <meta property='article:published_time' content=''><meta property="article:published_time" content="2024-05-01T07:00">
        <link rel="canonical" href="https://news.example/a"></head><body><p>x</p>"""
    )
    assert document.page.title == 'Real "title"'
    assert (document.page.date, document.page.url, document.page.site) == (
        "2024-05-01T07:00",
        "https://news.example/a",
        "news.example",
    )
    assert (
        read_html(f"<head><script>{'x' * 100_000}</script><link rel=canonical href=https://late.example/a>x").page.site
        == "late.example"
    )
    minified = read_html(
        "<!-- <link rel=canonical href=https://old.example/x> --><script>'<link rel=canonical href=https://s.example/>'</script>"
        "<meta content=2024-11-12T08:00:00+07:00 property=article:published_time>"
        "<link href=https://www.vidu.vn/1 rel='x Canonical'>x"
    ).page
    assert (minified.url, minified.site, minified.date) == ("https://www.vidu.vn/1", "vidu.vn", "2024-11-12T08:00:00+07:00")
    assert read_html("<title>Only</title>x").page.title == "Only"
    assert read_html("<link rel=canonical href='javascript:x'>x").page.url is None
    assert read_html("<p>x", url="https://given.example").page.url == "https://given.example"


# --- encodings ------------------------------------------------------------------------

TEXT = "Thủ tướng gặp Tổng thống tại Hà Nội"


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        (f"<p>{TEXT}".encode(), None),
        (f"\ufeff<p>{TEXT}".encode(), None),
        (f"\ufeff<p>{TEXT}".encode("utf-16-le"), None),
        (f"\ufeff<p>{TEXT}".encode("utf-16-be"), None),
        (f"<p class=long-enough>{TEXT}".encode("utf-16-le"), None),
        (f"<meta charset=utf-8><p>{TEXT}".encode(), "iso-8859-1"),  # the header is wrong, the bytes are clear
        (f"<p>{TEXT}".encode(), "punycode"),  # no encoding of the web
        (f"<p>{TEXT}".encode(), "\0"),
    ],
)
def test_encodings_of_vietnamese_pages(data: bytes, charset: str | None) -> None:
    assert [line.text for line in read_html(data, charset=charset).page.lines] == [TEXT]


@pytest.mark.parametrize(
    ("data", "charset", "expected"),
    [
        ("<p>Привет".encode("cp1251"), "windows-1251", "Привет"),
        ("<meta charset='windows-1251'><p>Привет".encode("cp1251"), None, "Привет"),
        ("<meta http-equiv=x content='text/html; charset=Shift_JIS'><p>日本語".encode("shift_jis"), None, "日本語"),
        ("<html lang=ko><p>한국어".encode("euc-kr"), None, "한국어"),
        ("<p>café".encode("latin-1"), None, "café"),
        ("<html lang=vi><p>\u00e0 \u0103".encode("cp1258"), None, "à ă"),
        ("<?xml version='1.0' encoding='gb2312'?><p>中文".encode("gbk"), None, "中文"),
        ("<meta charset=windows-874><p>ภาษาไทย".encode("cp874"), None, "ภาษาไทย"),
        ("<p>한국어".encode("cp949"), "ks_c_5601-1987", "한국어"),
        ("<p>中文".encode("gbk"), " 'x-gbk' ", "中文"),
        ("<meta charset=utf-8><p>日本".encode("iso2022_jp"), "iso-2022-jp", "日本"),
    ],
)
def test_encodings_by_header_meta_language_and_bytes(data: bytes, charset: str | None, expected: str) -> None:
    assert [line.text for line in read_html(data, charset=charset).page.lines] == [expected]


def test_damaged_utf8_stays_utf8_and_counts_its_bad_bytes() -> None:
    document = read_html(f"<p>{TEXT} ".encode() + b"\xff\xfe x</p>")
    assert document.replaced == 2
    assert document.page.text.startswith(TEXT)


@given(st.binary(max_size=400), st.one_of(st.none(), st.text(max_size=20)))
def test_any_bytes_become_valid_utf8(data: bytes, charset: str | None) -> None:
    to_utf8(data, charset)[0].decode("utf-8")


# --- hostile pages ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        b"<div>" * 1_000_000 + b"x",
        b"<div " + b" ".join(b"a%d" % i for i in range(200_000)) + b">x",
        b"<svg>" + b"<g>" * 300_000 + b"</x>" * 300_000,
        b"<div " + b" ".join(b'a%d=">"' % i for i in range(200_000)) + b">x",
    ],
    ids=["a million nested tags", "attributes", "nested svg", "attributes with ends of tags in quotes"],
)
def test_markup_that_takes_for_ever_is_given_up(html: bytes) -> None:
    with pytest.raises(ValueError, match=r"took longer than 1\.5 s to parse"):
        read_html(html, seconds=1.5)


def test_many_harmless_tags_are_read_in_the_child() -> None:
    html = "".join(f"<p>line {i} <a href=/{i}>link</a></p>" for i in range(30_000))
    read = read_html(html).page.lines
    assert len(read) == 30_000 and read[-1].text == "line 29999 link"
    assert read[7].cues == read_html(html[:500]).page.lines[7].cues


@pytest.mark.parametrize(
    "bulk",
    [
        "<script>" + "if (a<b) c();" * 30_000 + "</script>",
        "<!-- " + "<p>old</p>" * 30_000 + "-->",
        "<style>" + "a>b {}" * 500_000 + "</style>",
    ],
    ids=["script", "comment", "style"],
)
def test_what_is_not_seen_does_not_make_a_page_suspicious(bulk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "parsed_in_child", None)
    html = f"<p class=x>one{bulk}</p><title><!--</title><textarea><script></textarea><p title='<!--'>two{bulk}</p>"
    assert lines(html) == ["one", "two"] and cues(html)["one"].path.endswith("/p")


@pytest.mark.parametrize("start", ["<?xml version='1.0'?><html>", XHTML])
def test_empty_elements_of_xhtml_swallow_nothing(start: str) -> None:
    body = (
        "<script src='a.js'/><title/><p>one<object data=x /></p><!-- <script/> --><script>'<script/>'</script >"
        "<p>two<iframe src='b'/></p>three"
    )
    assert lines(start + body) == ["one", "two", "three"]
    assert lines("<!doctype html><p>one<script src=a/>two</script>three") == ["onethree"], "in HTML the slash is overlooked"


def test_a_script_in_a_script_is_left_to_the_parser() -> None:
    html = f"<p>one<script><!-- <script> </script> {'a<b;' * 30_000} --></script>two"
    assert lines(html) == ["onetwo"]


def test_the_child_imports_nothing_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("json", "math", "clfnews"):
        (tmp_path / f"{name}.py").write_text(f"open('ran', 'w'); raise SystemExit('{name} of the folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET", "x")
    assert guard.parsed_in_child(b"<p>one<p>two", 20).rows[1].text == "two"
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="prctl")
def test_the_child_ends_with_its_parent_and_with_its_time(tmp_path: Path) -> None:
    script = "import sys; from clfnews.readers.html.guard import parsed_in_child; parsed_in_child(b'<div>' * 3_000_000, 1000)"
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment())

    def children() -> list[psutil.Process]:
        return psutil.Process(parent.pid).children()

    def busy(child: psutil.Process) -> bool:
        return child.cpu_times().user > 0.5

    wait_for(lambda: any(map(busy, children())), "a child at work")
    [child] = children()
    assert resource.prlimit(child.pid, resource.RLIMIT_CPU)[0] == 1000
    parent.kill()
    parent.wait()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child to end", 20)


def test_a_child_that_is_killed_says_nothing_of_the_document() -> None:
    import threading

    html = b"".join(b"<p>line %d" % i for i in range(40_000))
    said: list[Exception] = []

    def read() -> None:
        try:
            guard.parsed_in_child(html, 20)
        except MachineError as error:
            said.append(error)

    others = psutil.Process().children()  # such as the server of `warm.py`

    def started() -> list[psutil.Process]:
        return [child for child in psutil.Process().children() if child not in others]

    reading = threading.Thread(target=read)
    reading.start()
    wait_for(lambda: bool(started()), "the child")
    for child in started():
        child.kill()
    reading.join()
    assert "was killed" in str(said[0])


def test_a_machine_without_time_or_processes_says_nothing_of_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import resource; from clfnews.readers.html import guard; from clfnews.errors import MachineError\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))\n"
        "try:\n    guard.parsed_in_child(b'<p>a', 20)\nexcept MachineError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout == "no process can be started to parse HTML: Too many open files\n"
    monkeypatch.setattr(guard, "_PATIENCE", 0)
    monkeypatch.setattr(guard, "_START_SECONDS", 0.01)
    with pytest.raises(MachineError, match="too busy"):
        guard.parsed_in_child(b"<p>a", 20)


def test_nothing_large_of_a_page_is_kept_for_others() -> None:
    read_html("<p class=a>x")
    tracemalloc.start()
    for i in range(500):
        read_html(f"<p class='{i} {'x' * 60_000}' id='{i} {'y' * 600}' role='{i} {'z' * 60_000}'><b class='{i} {'x' * 60_000}'>x")
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 3_000_000


def test_paths_of_deep_pages_are_bounded() -> None:
    deep = read_html("".join(f"<div class='{chr(97 + i % 26) * 9} {'word ' * 14}'>x" for i in range(5_000))).page
    assert len(deep.lines) == 5_000
    paths = [line.cues.path for line in deep.lines if line.cues]
    assert max(map(len, paths)) <= MAX_PATH_CHARS + 200 and sum(map(len, set(paths))) < 1.1 * MAX_PATHS_CHARS
    assert all(line.cues and line.cues.shared <= MAX_BOXES for line in deep.lines)


@pytest.mark.parametrize("name", ["b", "font", "B", "fo<b>nt"])
def test_formatting_left_open_does_not_multiply(name: str) -> None:
    # Left alone, 4,000 of them are three gigabytes.
    html = "".join(f"<p><{name} id={i}>w{i}" for i in range(4_000))
    assert len(lines(html)) == 4_000


def test_size_and_lines_have_limits() -> None:
    with pytest.raises(ValueError, match="is larger than 16 MiB"):
        read_html(b"x" * (MAX_HTML_BYTES + 1))
    with pytest.raises(ValueError, match="more than 50,000 lines"):
        read_html(b"<br>x" * (MAX_LINES + 1))


def test_hostile_text_stays_text() -> None:
    found = lines("<p>&lt;script&gt;alert(1)&lt;/script&gt; \x1b[31mred\x07 \u202eltr</p>")
    assert found == ["<script>alert(1)</script> [31mred ltr"], "no control or direction marks"


NAMES = "p div span a b br li ul table tr td h1 article nav script style svg template select button pre x-y"
TAGS = st.sampled_from(NAMES.split())
PIECES = st.one_of(
    TAGS.map(lambda name: f"<{name}>"),
    TAGS.map(lambda name: f"</{name}>"),
    st.builds(
        "<{} {}={}>".format, TAGS, st.sampled_from(["hidden", "style", "class", "id", "role"]), st.text("ab'\"<> ;:", max_size=8)
    ),
    st.text(max_size=12),
    st.sampled_from(["<", ">", "&", "<!--", "-->", "<![CDATA[", "\0", "</", "&#0;", "&#xD800;", "\r\n"]),
)


@settings(max_examples=300, deadline=None)
@example(["<p>", "\0", "<b"])
@given(st.lists(PIECES, max_size=40))
def test_any_markup_becomes_a_page_of_clean_lines(pieces: list[str]) -> None:
    page = read_html("".join(pieces)).page
    for number, line in enumerate(page.lines, 1):
        assert line == replace(line, n=number) and line.text == Page.from_text(line.text).text
        assert line.cues is not None and 0 <= line.cues.link_density <= 1 and line.cues.depth >= 1
    assert all(isinstance(line, Line) for line in page.lines)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_become_a_page_or_are_told_to_be_none(data: bytes) -> None:
    try:
        read_html(data)
    except ValueError as error:
        assert str(error) == "is a binary file, not HTML" and (
            b"\0" in data or data[:4] in (b"%PDF", b"GIF8", b"PK\3\4", b"RIFF")
        )
