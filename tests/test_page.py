"""Text becomes lines in one place, and always in the same form."""

from __future__ import annotations

import datetime
import subprocess
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clfnews.page import MAX_LINE_CHARS, Page, lines_of, normalise

# Any code point, with those that normalisation is about drawn often.
ODD = (
    "\x00\t\x0b\x0c\r\x1c\x1f \x85\xa0\xad\u0301\u0303\u200b\u200d\u200e\u2000\u2028\u2029\u202e\u3000\ufeff\ud800\udfff\ufe0f"
    "\u200c\u0645\u0915\u2764\U0001f468"
)
anything = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=()), st.sampled_from(ODD), st.sampled_from("aAoO\u1eddé \n"))
)


@settings(deadline=None)
@given(anything)
@example("\u2190\u0338\u200d\u200d")
@example("a" + "\u0344" * 40)
@example("e\xad\u0301")
@example("\ud83d")
@example(" " * 5)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(anything)
def test_a_normalised_line_can_be_stored_and_stays_one_line(text: str) -> None:
    line = normalise(text)
    assert len(line.splitlines()) <= 1 and line == line.strip() and "  " not in line
    assert unicodedata.is_normalized("NFC", line)
    assert line.encode("utf-8").decode("utf-8") == line


@given(anything)
def test_lines_of_a_page_survive_being_written_and_read_again(text: str) -> None:
    page = Page.from_text(text)
    again = Page.from_text(page.text)
    assert [line.text for line in again.lines] == [line.text for line in page.lines]
    rows = Page.from_row({"id": page.id, "lines": [{"text": line.text, "n": line.n} for line in page.lines]})
    assert rows == page


def test_decomposed_vietnamese_is_composed() -> None:
    text = "Thủ tướng Phạm Văn Đồng ký hiệp định ở Hà Nội"
    assert normalise(unicodedata.normalize("NFD", text)) == text


@pytest.mark.parametrize(
    ("given_text", "wanted"),
    [
        ("Hà\u200b Nội\ufeff", "Hà Nội"),
        ("chính\u00adphủ", "chínhphủ"),
        ("  a \t\u00a0\u3000 b  ", "a b"),
        ("a\x00b\x07c", "a b c"),
        ("\u202egiả\u202c mạo", "giả mạo"),
        ("❤\ufe0f tim", "❤\ufe0f tim"),
        ("a\x85b\u2028c\u2029d\x0ce\x0bf\x1cg", "a b c d e f g"),
        ("hỏng \ud800 nửa", "hỏng \ufffd nửa"),
        ("می\u200cگوید هم\u200cزمان", "می\u200cگوید هم\u200cزمان"),
        ("ක්\u200dෂ", "ක්\u200dෂ"),
        ("👨\u200d👩\u200d👧 🏳\ufe0f\u200d🌈", "👨\u200d👩\u200d👧 🏳\ufe0f\u200d🌈"),
        ("chính\u200dphủ a\u200cb \u200d ế\u200d", "chínhphủ ab ế"),
    ],
    ids=[
        "zero width",
        "soft hyphen",
        "spaces",
        "control",
        "direction marks",
        "variation selector",
        "line separators",
        "surrogate",
        "joiners of Persian",
        "joiners of Sinhala",
        "joiners of emoji",
        "joiners of nothing",
    ],
)
def test_marks_and_spaces(given_text: str, wanted: str) -> None:
    assert normalise(given_text) == wanted


def test_marks_without_end_are_cut() -> None:
    assert normalise("a" + "\u0315" * 80_000 + "\u0334" * 80_000 + "b") == "a" + "\u0315" * 30 + "b"
    assert normalise("Việ" + "\u0323" * 3 + "t") == "Việ" + "\u0323" * 3 + "t"


def test_a_line_longer_than_the_limit_is_cut() -> None:
    assert len(normalise("từ " * MAX_LINE_CHARS)) <= MAX_LINE_CHARS


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_numbers_are_those_of_grep(end: str, tmp_path: Path) -> None:
    parts = ["một", "", "  ", "hai\x85hai", "ba\u2028ba", "bốn\x0cbốn", "", "năm", "\u200b", "sáu"]
    path = tmp_path / "page.txt"
    path.write_bytes(end.join(parts).encode())
    found = subprocess.run(["grep", "-an", "", str(path)], capture_output=True, check=True).stdout.decode()
    numbered = (row.partition(":") for row in found.removesuffix("\n").split("\n"))
    by_grep = {int(n): normalise(text) for n, _, text in numbered if normalise(text)}
    assert {line.n: line.text for line in lines_of(path.read_bytes().decode())} == by_grep
    assert list(by_grep) == [1, 4, 5, 6, 8, 10]


def test_the_three_line_ends_give_the_same_page() -> None:
    pages = [Page.from_text(end.join(["một", "", "hai", "ba"])) for end in ("\n", "\r\n", "\r")]
    assert pages[0] == pages[1] == pages[2]


def test_an_empty_page_has_no_lines() -> None:
    assert Page.from_text("").lines == Page.from_text(" \n\u200b\n").lines == ()
    assert Page.from_row({"lines": []}).lines == ()


def test_the_site_is_the_host_of_the_url() -> None:
    assert Page.from_text("a", url="https://www.bao.example/tin/1.html").site == "bao.example"
    assert Page.from_text("a", url="https://bao.example/", site="báo").site == "báo"
    assert Page.from_text("a", url="http://[bao.example/").site is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, "needs 'text'"),
        ({"text": 3}, "needs 'text'"),
        ({"lines": "a\nb"}, "not a list"),
        ({"lines": [{"type": "body"}]}, "line 1 has no 'text'"),
        ({"lines": ["a", None]}, "line 2 has no 'text'"),
        ({"lines": [{"text": "a", "n": "x"}]}, "'n'"),
        ({"lines": [{"text": "a", "n": [1]}]}, "'n'"),
        ({"lines": [{"text": "a", "n": 1e400}]}, "'n'"),
        ({"lines": [{"text": "a", "n": True}]}, "'n'"),
        ({"lines": [{"text": "a", "cues": {"colour": "red"}}]}, "'cues'"),
        ({"lines": [{"text": "a", "cues": "p"}]}, "'cues'"),
    ],
)
def test_a_broken_row_says_what_is_wrong(row: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Page.from_row(row)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (20241112, "20241112"), (7.0, "7"), (2.5, "2.5"), (np.int64(3), "3"), (datetime.date(2024, 5, 1), "2024-05-01"),
        (pd.Timestamp(2024, 5, 1, 7), "2024-05-01 07:00:00"), ("tin tức".encode(), "tin tức"), (Decimal("1.50"), "1.50"),
        (float("nan"), None), (np.nan, None), (pd.NaT, None), (float("inf"), None), (10**400, None), (1e300, None),
        (b"\xff", None), (np.zeros(3), None), (True, None), ([1], None), ({"a": 1}, None), ("", None),
        (b"", None), (object(), None),
    ],
)  # fmt: skip
def test_what_a_row_says_beside_its_text_never_costs_the_page(value: Any, text: str | None) -> None:
    row = {"text": "Một", "id": value, "url": value, "site": value, "date": value}
    page = Page.from_row(row, "default")
    assert page.text == "Một"
    assert (page.id, page.url, page.date) == (text or "default", text, text)


def test_numbers_of_lines_and_cues_are_bounded() -> None:
    cues = {"tag": "p", "link_density": 10**400, "region": "", "depth": -(10**30), "shared": 10**30}
    page = Page.from_row(
        {"lines": [{"text": "a", "n": 3_000_000_000, "cues": cues}, {"text": "b", "n": -5}, {"text": "c", "n": 9}]}
    )
    assert [line.n for line in page.lines] == [1, 2, 9]
    found = page.lines[0].cues
    assert found and (found.link_density, found.depth, found.shared) == (1.0, 0, 10**6)
    cues["link_density"] = float("nan")
    found = Page.from_row({"lines": [{"text": "a", "cues": cues}]}).lines[0].cues
    assert found and found.link_density == 0.0
