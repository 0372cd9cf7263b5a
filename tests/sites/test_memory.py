"""What a memory knows of a site: stories are counted, not pages; no page vouches for its own lines; bounded; saved as numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from site_pages import page, story

from clfnews.errors import UserError
from clfnews.page import Cues, Line, Page
from clfnews.sites.features import FEATURES, site_features
from clfnews.sites.keys import page_keys
from clfnews.sites.memory import SITE_BYTES, SiteMemory
from clfnews.sites.site import ENTRIES, STORIES


def column(name: str, of: Page, memory: SiteMemory) -> list[float]:
    return [float(x) for x in site_features(of, memory)[:, FEATURES.index(name)]]


def test_lines_that_come_back_are_told_from_those_of_the_story() -> None:
    memory = SiteMemory.fit(page(i) for i in range(1, 6))
    new = page(9)
    assert column("line", new, memory) == [1, 1, 1, 0, *[0] * 6, 1]
    assert column("shape", new, memory)[3] == 1, "the time is another, the line is the same"
    assert column("known", new, memory) == [1, 1, 1, 1, *[0] * 6, 1]
    assert column("stories", new, memory)[0] == pytest.approx(np.log1p(5))


def test_boxes_come_back_too() -> None:
    def boxed(number: int) -> Page:
        lines = [Line("Menu", 1, cues=Cues("li", 1.0, "nav", 3, path="/nav/ul/li"))]
        lines += [Line(text, n, cues=Cues("p", 0.0, "main", 3, path="/main/p")) for n, text in enumerate(story(number), 2)]
        return Page(f"p{number}", tuple(lines), site="a.example")

    memory = SiteMemory.fit(boxed(i) for i in range(4))
    assert column("place", boxed(9), memory) == [1] * 7
    assert np.isnan(column("place", page(9), memory)).all(), "text has no boxes"


def test_a_page_does_not_vouch_for_its_own_lines() -> None:
    pages = [page(i) for i in range(1, 6)]
    memory = SiteMemory.fit(pages)
    for one in pages:
        assert column("any", one, memory)[4:10] == [0] * 6
        assert column("line", one, memory)[:3] == [1] * 3
    alone = SiteMemory.fit([pages[0]])
    assert np.isnan(site_features(pages[0], alone)).all(), "of other stories nothing is known"


@pytest.mark.parametrize(
    "again",
    [
        lambda: page(1),
        lambda: page(1, [*story(1)[:5], "A correction: the number in the second paragraph was wrong, and is right now."]),
        lambda: page(1, [*story(1), *story(77, 2)]),
        lambda: page(1, story(50), url="https://a.example/news/one.html?page=2"),
        lambda: page(1, story(50), url="https://a.example/news/one/print"),
    ],
    ids=["the same", "corrected", "live updates", "second part", "print version"],
)
def test_a_story_told_again_is_one_story_and_keeps_its_lines(again: object) -> None:
    first = page(1, url="https://a.example/news/one.html")
    if again().id and "print" in str(again().url):  # type: ignore[operator]
        first = page(1, url="https://a.example/news/one")
    told: Page = again()  # type: ignore[operator]
    memory = SiteMemory.fit([first, told, *(page(i, url=f"https://a.example/news/{i}-x") for i in range(2, 6))])
    assert memory["a.example"].site.pages == 6 and memory["a.example"].site.stories == 5
    for one in (first, told):
        assert not any(column("any", one, memory)[4:9])


def test_long_legal_text_does_not_make_all_pages_one_story() -> None:
    legal = story(1000, 4)
    memory = SiteMemory.fit(page(i, [*story(i, 6), *legal]) for i in range(12))
    assert memory["a.example"].site.stories == 12
    assert column("known", page(30, [*story(30, 6), *legal]), memory)[10:14] == [1] * 4


def test_parts_add_up_to_the_whole_in_any_order() -> None:
    pages = [page(i) for i in range(12)]
    parts = [SiteMemory.fit(pages[i::3]) for i in range(3)]
    whole, other = SiteMemory(), SiteMemory()
    for part in parts:
        whole.merge(part)
    for part in reversed(parts):
        other.merge(part)
    once = SiteMemory.fit(pages)
    for one in (*pages, page(40)):
        expected = site_features(one, once)
        assert np.array_equal(site_features(one, whole), expected, equal_nan=True)
        assert np.array_equal(site_features(one, other), expected, equal_nan=True)


def test_a_story_in_two_parts_still_does_not_vouch_for_itself() -> None:
    memory = SiteMemory.fit([page(1), page(2)])
    memory.merge(SiteMemory.fit([page(1), page(3)]))
    assert not any(column("any", page(1), memory)[4:10])


def test_what_a_site_takes_is_bounded_and_old_lines_fade() -> None:
    memory = SiteMemory.fit(page(i, story(i, 30)) for i in range(STORIES + 40))
    known = memory["a.example"]
    texts = sum(2 * len(text) for text in known.texts.values())
    assert len(known.site.keys) <= ENTRIES and known.site.stories <= STORIES
    assert memory.bytes + texts <= SITE_BYTES
    assert column("known", page(9999), memory)[:3] == [1, 1, 1], "the menu is still known"
    assert known.site.pages == STORIES + 40
    before = known.site.stories
    memory.fade()
    assert known.site.stories == before // 2


def test_a_saved_memory_is_the_same_and_equal_ones_are_equal_bytes(tmp_path: Path) -> None:
    memory = SiteMemory.fit([*(page(i) for i in range(6)), *(page(i, site="b.example") for i in range(3))])
    memory.save(tmp_path / "a.npz")
    again = SiteMemory.load(tmp_path / "a.npz")
    again.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert again.names == ["a.example", "b.example"] and again["a.example"].texts == memory["a.example"].texts
    assert np.array_equal(site_features(page(40), again), site_features(page(40), memory), equal_nan=True)
    again.add(page(41))
    assert again["a.example"].site.stories == 7
    SiteMemory().save(tmp_path / "none.npz")
    assert len(SiteMemory.load(tmp_path / "none.npz")) == 0


@pytest.mark.parametrize("damage", ["empty", "cut", "foreign", "newer", "pickled", "swapped"])
def test_a_damaged_memory_is_one_clear_error(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "sites.npz"
    SiteMemory.fit(page(i) for i in range(4)).save(path)
    with np.load(path) as stored:
        arrays = dict(stored)
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "foreign":
        path.write_text("{}", encoding="utf-8")
    elif damage == "newer":
        text = arrays["meta"].tobytes().replace(b'"schema": 1', b'"schema": 9')
        np.savez(path, **(arrays | {"meta": np.frombuffer(text, np.uint8)}))
    elif damage == "pickled":
        np.savez(path, **(arrays | {"keys": np.array([{}], dtype=object)}))
    else:
        np.savez(path, **(arrays | {"keys": arrays["keys"][::-1]}))
    with pytest.raises(UserError, match=r"sites\.npz: .*clfnews sites fit|of another version"):
        SiteMemory.load(path)
    with pytest.raises(UserError, match="no such file"):
        SiteMemory.load(tmp_path / "nowhere.npz")


def test_pages_without_a_site_without_lines_and_of_odd_addresses_do_no_harm() -> None:
    odd = ["http://[a", "https://a.example/?" + "&".join("x" * 5000), "https://a.example/" + "/page/1" * 3000, "", "mailto:x"]
    memory = SiteMemory.fit([Page("no site", page(1).lines), Page("no lines", (), site="a.example")])
    assert len(memory) == 0
    for i, url in enumerate(odd):
        memory.add(page(i, url=url))
    memory.add(Page.from_lines(["1", "2", "|", "..."], site="a.example"))
    assert memory["a.example"].site.pages == 6
    assert site_features(Page("none", (), site="a.example"), memory).shape == (0, len(FEATURES))
    assert page_keys(Page.from_lines(["12", "|"])).counted.size == 0, "what has no letter is nobody's"
