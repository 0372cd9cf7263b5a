"""Scores against hand counts, and what makes two numbers comparable."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clfnews.data.corpus import Corpus, article_lines
from clfnews.evaluation.labelled import labelled_lines
from clfnews.evaluation.scores import Bootstrap, Scores, score_end_to_end, score_stance, score_type
from clfnews.filtering.decisions import article_probability, decide_types, keep_mask
from clfnews.labels import STANCES, TYPES, columns_of
from clfnews.page import Line, Page


def page(page_id: str, *lines: tuple[str, str | None, str | None]) -> Page:
    """A page from (text, type, stance) of its lines."""
    return Page(page_id, tuple(Line(text, n, kind, stance) for n, (text, kind, stance) in enumerate(lines, 1)))


def types(**p: float) -> list[float]:
    """A row of type probabilities."""
    assert math.isclose(sum(p.values()), 1.0)
    return [p.get(label, 0.0) for label in TYPES]


def stances(c: float, h: float, n: float) -> list[float]:
    assert math.isclose(c + h + n, 1.0)
    return [c, h, n]


# Page a: a title and a body line found, a body line dropped, a teaser kept.
# Page b: both lines right. Line lengths are 10, 100, 50, 40 and 80, 20 characters.
TYPE_PAGES = (
    page("a", ("t" * 10, "title", None), ("b" * 100, "body", None), ("c" * 50, "body", None), ("d" * 40, "teaser", None)),
    page("b", ("e" * 80, "body", None), ("f" * 20, "navigation", None)),
)
TYPE_P = [
    np.array(
        [types(title=0.9, ui=0.1), types(body=0.7, ad=0.3), types(body=0.3, teaser=0.7), types(title=0.2, body=0.4, teaser=0.4)]
    ),
    np.array([types(body=0.98, ui=0.02), types(navigation=0.95, body=0.05)]),
]
TYPE_CORPUS = Corpus("hand", TYPE_PAGES, ("x", "y"))

STANCE_PAGES = (
    page("a", ("1", "body", "conciliatory"), ("2", "body", "hostile"), ("3", "body", "neutral"), ("4", "ui", None)),
    page("b", ("5", "title", "conciliatory"), ("6", "body", "hostile")),
)
STANCE_P = [
    np.array([stances(0.8, 0.1, 0.1), stances(0.7, 0.2, 0.1), stances(0.2, 0.2, 0.6), stances(0.0, 1.0, 0.0)]),
    np.array([stances(0.3, 0.3, 0.4), stances(0.05, 0.9, 0.05)]),
]
STANCE_CORPUS = Corpus("hand", STANCE_PAGES, ("x", "y"))


def random_corpus(n_pages: int, seed: int) -> tuple[Corpus, list[np.ndarray]]:
    """Labelled pages and somewhat right predictions."""
    rng = np.random.default_rng(seed)
    pages, p = [], []
    for i in range(n_pages):
        gold = rng.integers(0, len(TYPES), size=rng.integers(3, 15))
        pages.append(page(f"p{i}", *((f"line {j}", TYPES[k], None) for j, k in enumerate(gold))))
        rows = rng.random((len(gold), len(TYPES))) + 1.5 * np.eye(len(TYPES))[gold] * rng.random((len(gold), 1))
        p.append(rows / rows.sum(axis=1, keepdims=True))
    return Corpus("random", tuple(pages), tuple(f"g{i % 7}" for i in range(n_pages))), p


def test_labels_that_no_line_has_are_not_scored() -> None:
    names = score_type(TYPE_CORPUS, TYPE_P).values.keys()
    assert {"type/title_recall", "type/teaser_dropped", "type/navigation_f1", "type/article_f1"} <= names
    assert [name for name in names if "caption" in name or "/ui_" in name] == []
    two = Corpus("two", (STANCE_PAGES[1],), ("y",))
    names = score_stance(two, STANCE_P[1:]).values.keys()
    assert "stance/hostile_f1" in names and "stance/sides_f1" in names
    assert [name for name in names if "neutral" in name] == [], "predicted, but no line is neutral"


def test_type_scores_by_hand() -> None:
    scores = score_type(TYPE_CORPUS, TYPE_P, threshold=0.5).values
    wanted = {
        # Kept: title, body (70%), the teaser (60%), body of b: 3 right, 1 wrong, 1 missed.
        "type/article_precision": 3 / 4,
        "type/article_recall": 3 / 4,
        "type/article_f1": 3 / 4,
        "type/article_char_f1": 2 * 190 / (2 * 190 + 40 + 50),
        "type/page_macro_f1": (4 / 6 + 1) / 2,
        "type/pages_below_half": 0.0,
        # Types given: title, body, teaser, body / body, navigation. F1: 1, 2/3, 0, 1; other labels do not occur.
        "type/macro_f1": (1 + 2 / 3 + 0 + 1) / 4,
        "type/title_f1": 1.0,
        "type/body_precision": 2 / 3,
        "type/body_recall": 2 / 3,
        "type/teaser_recall": 0.0,
        "type/teaser_dropped": 0.0,
        "type/navigation_dropped": 1.0,
        "type/brier": (0.1**2 + 0.3**2 + 0.7**2 + 0.6**2 + 0.02**2 + 0.05**2) / 6,
    }
    assert {name: scores[name] for name in wanted} == pytest.approx(wanted)


def test_recall_at_precision_98_is_what_stands_above_the_first_mistake() -> None:
    # p(article) of article lines .9, .7, .3, .98; the best noise line has .6.
    assert score_type(TYPE_CORPUS, TYPE_P).values["type/recall_at_p98"] == pytest.approx(3 / 4)
    worse = [TYPE_P[0].copy(), TYPE_P[1].copy()]
    worse[1][1] = types(navigation=0.01, body=0.99)
    assert score_type(TYPE_CORPUS, worse).values["type/recall_at_p98"] == 0.0
    # 60 right above 1 wrong is a precision of 98.4%, above 2 wrong only 96.8%.
    many = Corpus("many", (page("m", *[("a", "body", None)] * 60, *[("b", "ui", None)] * 2, ("a", "body", None)),), ("x",))
    p = [
        np.array([types(body=0.9, ui=0.1)] * 60 + [types(body=0.85, ui=0.15), types(body=0.8, ui=0.2), types(body=0.75, ui=0.25)])
    ]
    assert score_type(many, p).values["type/recall_at_p98"] == pytest.approx(60 / 61)


def test_the_threshold_moves_lines_between_article_and_noise() -> None:
    low, high = (score_type(TYPE_CORPUS, TYPE_P, threshold=t).values for t in (0.25, 0.65))
    assert (low["type/article_recall"], low["type/article_precision"]) == (1.0, 4 / 5)
    assert (high["type/article_recall"], high["type/article_precision"]) == (3 / 4, 1.0)


def test_deciding_types() -> None:
    p = np.array([types(title=0.3, body=0.25, ui=0.45), types(title=0.2, body=0.25, ui=0.4, ad=0.15)])
    assert article_probability(p).tolist() == pytest.approx([0.55, 0.45])
    assert keep_mask(p, 0.5).tolist() == [True, False]
    assert [TYPES[j] for j in decide_types(p, 0.5)] == ["title", "ui"]
    assert [TYPES[j] for j in decide_types(p, 0.4)] == ["title", "body"]
    assert decide_types(np.zeros((0, len(TYPES))), 0.5).shape == (0,)


def test_stance_scores_by_hand() -> None:
    scores = score_stance(STANCE_CORPUS, STANCE_P).values
    # gold c h n c h, given c c n n h: tp c 1, h 1, n 1; predicted c 2, h 1, n 2.
    wanted = {
        "stance/accuracy": 3 / 5,
        "stance/conciliatory_f1": 2 / 4,
        "stance/hostile_f1": 2 / 3,
        "stance/neutral_f1": 2 / 3,
        "stance/macro_f1": (2 / 4 + 2 / 3 + 2 / 3) / 3,
        "stance/swap_rate": 1 / 5,
        # Where both gold and answer take a side: c c, h c, h h.
        "stance/sides_f1": (2 / 3 + 2 / 3) / 2,
    }
    assert {name: scores[name] for name in wanted} == pytest.approx(wanted)


def test_stance_end_to_end_by_hand() -> None:
    # The hostile line of a is dropped, its ui line is kept and called hostile.
    keep = [np.array([True, False, True, True]), np.array([True, True])]
    scores = score_end_to_end(STANCE_CORPUS, keep, STANCE_P).values
    # c: gold 2, given 1, right 1. h: gold 2, given 2 (one a false alarm), right 1. n: gold 1, given 2, right 1.
    assert scores["end_to_end/stance_macro_f1"] == pytest.approx((2 / 3 + 2 / 4 + 2 / 3) / 3)


def test_lines_without_a_label_are_not_counted() -> None:
    silent = page("c", ("?", None, None), ("!", None, None))
    corpus = Corpus("hand", (*TYPE_PAGES, silent, Page("d", ())), ("x", "y", "y", "y"))
    p = [*TYPE_P, np.array([types(body=1.0), types(ui=1.0)]), np.zeros((0, len(TYPES)))]
    assert score_type(corpus, p).values == score_type(TYPE_CORPUS, TYPE_P).values


def test_intervals_are_the_same_each_time_and_hold_the_value() -> None:
    corpus, p = random_corpus(40, seed=1)
    first, again = score_type(corpus, p), score_type(corpus, p)
    assert first.flat() == again.flat()
    other = score_type(corpus, p, bootstrap=Bootstrap(seed=8))
    assert other.values == first.values and other.low != first.low
    for name in ("type/article_f1", "type/macro_f1", "type/brier"):
        assert first.low[name] < first.values[name] < first.high[name]


def test_the_order_of_pages_does_not_change_values() -> None:
    corpus, p = random_corpus(12, seed=2)
    turned = Corpus(corpus.name, corpus.pages[::-1], corpus.groups[::-1])
    assert score_type(turned, p[::-1]).values == pytest.approx(score_type(corpus, p).values)


def test_resampling_takes_groups_and_not_pages() -> None:
    corpus, p = random_corpus(40, seed=3)
    # Each page ten times in its group: no new information, so no narrower interval.
    tenfold = Corpus("random", corpus.pages * 10, corpus.groups * 10)
    once, tenth = score_type(corpus, p), score_type(tenfold, p * 10)
    for name in ("type/article_f1", "type/macro_f1"):
        assert (tenth.low[name], tenth.high[name]) == pytest.approx((once.low[name], once.high[name]))


def test_a_model_does_not_differ_from_itself() -> None:
    corpus, p = random_corpus(30, seed=4)
    scores = score_type(corpus, p)
    assert scores.difference(score_type(corpus, p), "type/article_f1") == (0.0, 0.0, 0.0)


def test_paired_differences_are_narrower_than_the_two_intervals() -> None:
    lines = [("body", "body", None)] * 20 + [("ui", "ui", None)] * 20
    pages = tuple(page(f"p{i}", *lines) for i in range(20))
    corpus = Corpus("easy to hard", pages, tuple(f"g{i}" for i in range(20)))

    def model(missed: int) -> np.ndarray:
        found = [types(body=1.0)] * (20 - missed) + [types(ui=1.0)] * missed
        return np.array(found + [types(ui=1.0)] * 20)

    # Page i has i lines that are missed; the better model misses one line less on each page.
    a = score_type(corpus, [model(max(i - 1, 0)) for i in range(20)])
    b = score_type(corpus, [model(i) for i in range(20)])
    delta, low, high = a.difference(b, "type/article_f1")
    assert delta == pytest.approx(a.values["type/article_f1"] - b.values["type/article_f1"]) and low <= delta <= high
    assert low > 0 and b.high["type/article_f1"] > a.low["type/article_f1"], "only the paired interval tells them apart"


def test_numbers_of_other_data_or_another_bootstrap_are_not_subtracted() -> None:
    corpus, p = random_corpus(10, seed=6)
    other, q = random_corpus(10, seed=7)
    scores = score_type(corpus, p)
    for stranger in (
        score_type(other, q),
        score_type(corpus, p, bootstrap=Bootstrap(seed=9)),
        score_type(corpus, p, bootstrap=Bootstrap(samples=500)),
    ):
        with pytest.raises(ValueError, match="different signatures"):
            scores.difference(stranger, "type/article_f1")


def test_the_signature_names_what_has_to_agree() -> None:
    corpus, p = random_corpus(5, seed=8)
    signature = score_type(corpus, p, bootstrap=Bootstrap(300, 0.9, 4)).signature
    for part in ("random", "5 pages", f"{corpus.n_lines} lines", corpus.digest, "guidelines", "300x0.9", "seed 4", "clfnews"):
        assert part in signature


def test_a_single_group_resamples_its_pages() -> None:
    corpus, p = random_corpus(20, seed=9)
    one = Corpus("one site", corpus.pages, ("site",) * 20)
    scores = score_type(one, p)
    assert scores.low["type/article_f1"] < scores.high["type/article_f1"]


def test_flat_lists_each_metric_with_its_ends() -> None:
    scores: Scores = score_stance(STANCE_CORPUS, STANCE_P)
    flat = scores.flat()
    assert {f"stance/{label}_{part}" for label in STANCES for part in ("precision", "recall", "f1")} <= flat.keys()
    for name, value in scores.values.items():
        assert flat[name] == value and f"{name}_low" in flat and f"{name}_high" in flat
    assert all(math.isfinite(value) for value in flat.values())


def test_labelled_lines_keep_their_place_and_their_row() -> None:
    pages = (
        Page("a", (Line("x", 1, None), Line("y", 2, "ui"), Line("z", 3, "title"))),
        Page("b", ()),
        Page("c", (Line("w", 1, "body"),)),
    )
    p = [np.arange(24.0).reshape(3, 8), np.zeros((0, 8)), np.arange(8.0).reshape(1, 8)]
    lines = labelled_lines(pages, "type", p)
    assert lines.places.tolist() == [[0, 1], [0, 2], [2, 0]]
    assert [TYPES[column] for column in lines.gold] == ["ui", "title", "body"]
    assert lines.p.tolist() == [p[0][1].tolist(), p[0][2].tolist(), p[2][0].tolist()]
    none = labelled_lines((), "stance", [])
    assert none.gold.shape == (0,) and none.p.shape == (0, 3) and none.places.shape == (0, 2)


def test_columns_come_in_the_order_of_the_labels() -> None:
    assert [TYPES[column] for column in columns_of({"ui", "title"})] == ["title", "ui"]
    assert columns_of(("b", "a"), ("a", "x", "b")) == [0, 2]


def test_articles_of_pages_have_no_noise() -> None:
    pages = (Page("a", (Line("Tiêu đề", 1, "title"), Line("Menu", 2, "navigation"))), Page("b", (Line("Menu", 1, "ui"),)))
    corpus = Corpus("pages/test", pages, ("g", "h"))
    assert corpus.has_noise
    articles = corpus.only_articles()
    assert [len(page.lines) for page in articles.pages] == [1, 0] and not articles.has_noise
    assert [page.id for page in article_lines(corpus).pages] == ["a"] and article_lines(corpus).groups == ("g",)
