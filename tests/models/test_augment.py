"""Changed copies of training pages: the story and its labels stay, what is around it changes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT

import clfnews
from clfnews.labels import ARTICLE
from clfnews.models.augment import augment
from clfnews.models.augment_boxes import BoxChanges, boxed, told
from clfnews.page import Page


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    """Labelled pages of the shipped data, from HTML and as text."""
    with gzip.open(ROOT / "data/pages/validation-web.jsonl.gz", "rt", encoding="utf-8") as file:
        return [Page.from_row(json.loads(line)) for _, line in zip(range(60), file, strict=False)]


def of_html(page: Page) -> bool:
    return any(line.cues for line in page.lines)


def story(page: Page) -> list[tuple[str, str | None]]:
    return [(line.text, line.type) for line in page.lines if line.type in ARTICLE]


@pytest.mark.parametrize("path", sorted((ROOT / "tests/files/html").glob("*.html")), ids=lambda path: path.name)
def test_boxes_of_a_page_are_told_as_they_were_read(path: Path) -> None:
    page = clfnews.read_html(path.read_bytes(), hidden=True)
    assert page.lines and tuple(told(boxed(page))) == page.lines


def test_other_boxes_leave_the_story_and_its_labels(pages: list[Page]) -> None:
    rng, changes = np.random.default_rng(3), BoxChanges(pages)
    some = [page for page in pages if of_html(page)]
    copies = [changes.copy(page, rng) for page in some]
    assert [story(copy) for copy in copies] == [story(page) for page in some]
    for page, copy in zip(some, copies, strict=True):
        texts = {line.text for line in copy.lines}
        assert texts >= {line.text for line in page.lines}, "nothing of the page is lost"
        assert all(line.type not in (None, *ARTICLE) for line in copy.lines if line.text not in {x.text for x in page.lines})
    assert sum(len(copy.lines) > len(page.lines) for page, copy in zip(some, copies, strict=True)) > len(some) // 3
    changed = [
        [line.cues for line in copy.lines] != [line.cues for line in page.lines] for page, copy in zip(some, copies, strict=True)
    ]
    assert sum(changed) > 0.8 * len(some)


def test_the_tree_of_a_changed_page_holds_together(pages: list[Page]) -> None:
    """As many boxes are shared with the line before as both have, and no two lines of one box are torn apart."""
    rng, changes = np.random.default_rng(4), BoxChanges(pages)
    for page in filter(of_html, pages):
        before = 0
        for line in changes.copy(page, rng).lines:
            assert line.cues
            steps = [step for step in line.cues.path.split("/")[1:] if step[:1] != "~"]
            assert 0 <= line.cues.shared <= min(before, len(steps))
            before = len(steps)


def test_copies_are_the_same_each_time(pages: list[Page]) -> None:
    first, n = augment(pages, 2, 7), len(pages)
    assert augment(pages, 2, 7) == first and augment(pages, 2, 8) != first
    assert first.pages[:n] == pages and first.changed == [False] * n + [True] * 2 * n and first.of == [*range(n)] * 3
    assert any(map(of_html, first.pages[n:]))
    for page, copy in zip(pages * 2, first.pages[n:], strict=True):
        assert page.id == copy.id and (of_html(page) or not any(line.cues for line in copy.lines))


def test_where_lines_are_enough_each_page_is_read_once_as_it_is_or_changed(pages: list[Page]) -> None:
    n_lines = sum(len(page.lines) for page in pages)
    assert augment(pages, 1, 7, n_lines + 1) == augment(pages, 1, 7)
    drawn = augment(pages, 1, 7, n_lines)
    assert drawn.of == [*range(len(pages))] and 0 < sum(drawn.changed) < len(pages)
    both = augment(pages, 1, 7).pages
    for i, (page, changed) in enumerate(zip(drawn.pages, drawn.changed, strict=True)):
        assert page == both[i + len(pages) * changed]
    assert augment(pages, 0, 7, 1).pages == pages
