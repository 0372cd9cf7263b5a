"""How far a line is from the paragraphs of its page: what tells a caption from a heading and a short paragraph."""

from __future__ import annotations

import numpy as np

from clfnews.labels import TYPES
from clfnews.models.features.lines import page_table
from clfnews.models.features.openings import odds_of_alike
from clfnews.models.features.typical import typical_features, typical_names
from clfnews.page import Page


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
