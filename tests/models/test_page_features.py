"""What the page model is told of lines: of one page only, whatever pages are read with it."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from helpers import ROOT

import clfnews
from clfnews.labels import TYPES
from clfnews.models.features.characters import char_table
from clfnews.models.features.lines import page_table
from clfnews.models.features.openings import odds_of_alike
from clfnews.models.features.paths import path_words
from clfnews.models.features.tree import tree_of
from clfnews.models.features.typical import typical_features, typical_names
from clfnews.models.page_features import feature_names, page_features, second_features, second_names
from clfnews.page import Page


def features(pages: list[Page], p: np.ndarray) -> np.ndarray:
    """Lines x features of both readings, `p` being what the first one found."""
    table, tree, unknown = page_table(pages), tree_of(pages), np.full(p.shape, np.nan)
    first, names = page_features(pages, table, tree, unknown, unknown[:, 0], None, True)
    assert names == feature_names()
    return np.concatenate([first, second_features(pages, table, tree, p)], axis=1)


def test_a_page_has_the_same_features_alone_and_among_others() -> None:
    """Each feature by itself: a model may not have learnt from one of them yet."""
    with gzip.open(ROOT / "data/pages/validation-web.jsonl.gz", "rt", encoding="utf-8") as file:
        pages = [Page.from_row(json.loads(line)) for _, line in zip(range(30), file, strict=False)]
    story = "<h1>Tin</h1>" + "".join(f"<p>Câu thứ {n} của bài, dài vừa phải như một câu.</p>" for n in range(5))
    for document in (story, f"<div>{story}</div>", f"<main><article>{story}</article></main><p>Hết</p>"):
        pages.append(clfnews.read_html(document))
    pages += [Page.from_text(""), Page.from_lines(["Một dòng."])]
    ends = np.cumsum([len(page.lines) for page in pages]).tolist()
    p = np.random.default_rng(5).dirichlet(np.ones(len(TYPES)), ends[-1])
    together, names = features(pages, p), [*feature_names(), *second_names()]
    for page, end in zip(pages, ends, strict=True):
        if not page.lines:
            continue
        own = slice(end - len(page.lines), end)
        alone = features([page], p[own])
        other = [
            name for name, a, b in zip(names, alone.T, together[own].T, strict=True) if not np.array_equal(a, b, equal_nan=True)
        ]
        assert not other, f"{page.id}: {other}"


def test_a_line_is_measured_by_the_other_lines_of_its_story_and_page() -> None:
    paragraph = "Hai bên đã ngồi lại với nhau suốt buổi sáng để bàn về con đường và cây cầu mới của xã. " * 2
    pages = [Page.from_lines([paragraph.strip()] * 4 + ["Cây cầu nhìn từ trên cao"]), Page.from_lines(["Trang chủ", "Thế giới"])]
    p = np.full((7, len(TYPES)), 0.01)
    p[:5, TYPES.index("body")] = 0.9
    found = typical_features(p, page_table(pages), [5, 2])
    column = dict(zip(typical_names(), found.T, strict=True))
    assert column["length_to_typical"][4] < -1.5 and column["stop_to_typical"][4] == -1, "short and without a stop, as no other"
    assert column["typical_shorter"][4] == 0 and abs(column["length_to_typical"][0]) < abs(column["length_to_typical"][4])
    assert np.isnan(found[5:]).all(), "nothing is typical of a page without a story"
    alone = [typical_features(p[:5], page_table(pages[:1]), [5]), typical_features(p[5:], page_table(pages[1:]), [2])]
    assert np.array_equal(np.concatenate(alone), found, equal_nan=True)


def test_items_of_a_list_know_what_is_thought_of_the_others() -> None:
    lines = ["19h00, 2/3: Hà Nội vs Huế", "20h30, 2/3: Vinh vs Cần Thơ", "Liên hệ", "21h15, 3/3: Đà Nẵng vs Huế"]
    pages = [Page.from_lines(lines), Page.from_lines(lines[:1])]
    odds = np.array([2.0, 3.0, -4.0, -5.0, 1.0])
    found = odds_of_alike(odds, page_table(pages), [4, 1])
    assert found[[0, 1, 3]].tolist() == [-1.0, -1.5, 2.5] and np.isnan(found[[2, 4]]).all()
    assert len(odds_of_alike(np.zeros(0), page_table([]), [])) == 0


@pytest.mark.parametrize("odd", ["", "/", "//div/", "/p x1 Y/~ chữ", "/div ไทย/span 中文/\u0301x", "main/article p"])
def test_paths_have_the_words_of_any_text(odd: str) -> None:
    """Rows of other tools bring paths too: what they hold is no promise of the reader's."""
    paths = [
        line.cues.path for line in clfnews.read_html("<main><h1>Tin</h1><p class=lead>Một câu.</p></main>").lines if line.cues
    ]
    for some in ([*paths, odd, paths[0]], [odd], []):
        found, wanted = path_words(some), char_table(some)
        for name in ("first", "last", "word_line", "word_bucket"):
            assert getattr(found, name).tolist() == getattr(wanted, name).tolist(), name
