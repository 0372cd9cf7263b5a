"""The contract of every model: pages in, per-line probabilities out."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import ROOT

from clfnews.config.options import StanceModels, TypeModels
from clfnews.data.corpus import Corpus
from clfnews.data.gold import load_gold
from clfnews.errors import UserError
from clfnews.labels import TASKS, TYPES
from clfnews.models import MODELS, load_model, make_model, save_model
from clfnews.models.base import Model
from clfnews.page import Line, Page
from clfnews.readers.html.document import read_html as read_document
from clfnews.training.fitting import seeded

OFFERED = {"type": ("majority", *TypeModels.model_fields), "stance": ("majority", *StanceModels.model_fields)}
CASES = [(task, kind) for task, kinds in OFFERED.items() for kind in kinds]
# Smaller than the defaults: the contract is the same.
OPTIONS: dict[str, dict[str, Any]] = {
    "fasttext": {"dim": 8, "epoch": 3, "bucket": 1000},
    "linear": {"word_ngrams": (1, 1), "C": 1.0},
    "page": {"hidden": 64, "nets": 2, "epochs": 6, "trees": 40},
}

ODD_TEXTS = [
    "\x00\x01", "a\x85b\u2028c", "🇻🇳 👩‍👩‍👧 🙂", "e" + "\u0301" * 50, "\u202egiả mạo", "__label__title __label__none",
    "____label____label__x", "</s>", "<b>&amp;", "٣ ۴ ५ Ⅷ ½", "﷽", "\ud800", "từ " * 50_000, "x" * 200_000, ".", "-", "1", "ở",
    "Ý", "漢字かな交じり文", "NaN", "null", "\\N", '"', "\t\ta",
]  # fmt: skip


def make(task: str, kind: str, seed: int = 7) -> Model:
    return make_model(kind, task, TASKS[task], seeded(kind, OPTIONS.get(kind, {}), seed))


def pages_of(task: str, data: Path) -> Corpus:
    corpus = load_gold(data / ("pages" if task == "type" else "stance") / "train.jsonl")
    return corpus.select(range(12))


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def fitted(request: pytest.FixtureRequest, tiny_data: Path) -> tuple[Model, Corpus]:
    task, kind = request.param
    corpus = pages_of(task, tiny_data)
    return make(task, kind).fit(corpus.pages, corpus.groups), corpus


def check(model: Model, pages: list[Page] | tuple[Page, ...]) -> list[np.ndarray]:
    """The predictions, after a look at their form."""
    predictions = model.predict_proba(pages)
    assert len(predictions) == len(pages)
    for page, p in zip(pages, predictions, strict=True):
        assert p.shape == (len(page.lines), len(model.labels)) and p.dtype == np.float64
        assert (p >= 0).all() and (p <= 1).all()
        np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-9)
    return predictions


def assert_equal(a: list[np.ndarray], b: list[np.ndarray]) -> None:
    """Equal to the last bit."""
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def test_every_model_can_be_configured_and_every_configured_model_exists() -> None:
    assert {kind for kinds in OFFERED.values() for kind in kinds} == set(MODELS)


def test_probabilities_of_labelled_pages(fitted: tuple[Model, Corpus]) -> None:
    model, corpus = fitted
    check(model, corpus.pages)


def test_columns_are_in_the_order_of_the_labels(fitted: tuple[Model, Corpus]) -> None:
    model, corpus = fitted
    assert model.labels == TASKS[model.task]
    gold = [
        row[model.labels.index(label)]
        for page, p in zip(corpus.pages, model.predict_proba(corpus.pages), strict=True)
        for line, row in zip(page.lines, p, strict=True)
        if (label := getattr(line, model.task))
    ]
    assert np.mean(gold) > 1 / len(model.labels), "the labels' own columns are not above chance on the training pages"


def test_a_loaded_model_answers_the_same_to_the_bit(fitted: tuple[Model, Corpus], tmp_path: Path) -> None:
    model, corpus = fitted
    seeded = "seed" in inspect.signature(type(model)).parameters
    save_model(model, tmp_path / "model", OPTIONS.get(model.kind, {}) | ({"seed": 7} if seeded else {}))
    loaded, options = load_model(tmp_path / "model")
    assert (loaded.kind, loaded.task, loaded.labels) == (model.kind, model.task, model.labels)
    pages = [*corpus.pages, Page.from_text("Một dòng chưa thấy bao giờ.")]
    assert_equal(loaded.predict_proba(pages), model.predict_proba(pages))
    again = tmp_path / "again"
    save_model(loaded, again, options)
    assert_equal(load_model(again)[0].predict_proba(pages), model.predict_proba(pages))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model(fitted: tuple[Model, Corpus], tmp_path: Path) -> None:
    model, corpus = fitted
    again = make(model.task, model.kind).fit(corpus.pages, corpus.groups)
    assert_equal(again.predict_proba(corpus.pages), model.predict_proba(corpus.pages))
    save_model(model, tmp_path / "model")
    save_model(again, tmp_path / "again")
    for file in (path for path in (tmp_path / "model").rglob("*") if path.is_file()):
        other = tmp_path / "again" / file.relative_to(tmp_path / "model")
        assert other.read_bytes() == file.read_bytes(), f"{file.name}: other bytes"


def test_the_order_and_the_company_of_pages_do_not_matter(fitted: tuple[Model, Corpus]) -> None:
    model, corpus = fitted
    together = model.predict_proba(corpus.pages)
    turned = model.predict_proba(corpus.pages[::-1])[::-1]
    alone = [model.predict_proba([page])[0] for page in corpus.pages]
    # Matrix products of another height may differ in the last bits, and in nothing more.
    for a, b, c in zip(together, turned, alone, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-12)
        np.testing.assert_allclose(c, a, rtol=0, atol=1e-12)


def test_labels_are_not_looked_at_when_predicting(fitted: tuple[Model, Corpus]) -> None:
    model, corpus = fitted
    plain = [page.with_lines(Line(line.text, line.n) for line in page.lines) for page in corpus.pages]
    # The stance models may read the type of an article line, which the filter gives them; nothing else.
    if model.task == "stance":
        plain = [page.with_lines(Line(line.text, line.n, line.type) for line in page.lines) for page in corpus.pages]
    assert_equal(model.predict_proba(plain), model.predict_proba(corpus.pages))


def test_a_page_is_read_alone_as_among_others(fitted: tuple[Model, Corpus]) -> None:
    """To the last bit: alone, in pieces, in another order, among pages of HTML, and beside a long one."""
    model, corpus = fitted
    article = "<h1>Tin</h1>" + "".join(f"<p>Câu thứ {n} của bài, dài vừa phải như một câu thường.</p>" for n in range(9))
    html = [read_document(f"<nav><a href=/>Trang {i}</a></nav><article>{article * i}</article>", f"h{i}").page for i in (1, 2, 3)]
    long = Page.from_lines([f"Dòng {n} của một trang dài, {n % 7} phần mười." for n in range(1500)])
    pages = [*corpus.pages, *html, Page.from_text(""), Page.from_text("Một dòng."), long]
    together = model.predict_proba(pages)
    assert_equal([p for page in pages for p in model.predict_proba([page])], together)
    order = np.random.default_rng(7).permutation(len(pages)).tolist()
    found: dict[int, np.ndarray] = {}
    for at in range(0, len(order), 4):
        piece = order[at : at + 4]
        found |= dict(zip(piece, model.predict_proba([pages[i] for i in piece]), strict=True))
    assert_equal([found[i] for i in range(len(pages))], together)


def test_pages_without_lines(fitted: tuple[Model, Corpus]) -> None:
    model, corpus = fitted
    empty = Page.from_text("")
    assert model.predict_proba([]) == []
    check(model, [empty])
    check(model, [empty, corpus.pages[0], empty, corpus.pages[1], empty])


def test_unseen_and_odd_texts(fitted: tuple[Model, Corpus]) -> None:
    model, _ = fitted
    check(model, [Page.from_lines(ODD_TEXTS), *(Page.from_lines([text]) for text in ODD_TEXTS), Page.from_text("zzz qqq xxx")])


@pytest.mark.parametrize(("task", "kind"), CASES)
def test_odd_texts_can_be_learnt_from(task: str, kind: str, tiny_data: Path) -> None:
    corpus = pages_of(task, tiny_data).select(range(4))
    odd = Page.from_lines(ODD_TEXTS)
    labels = [TASKS[task][i % 2] for i in range(len(odd.lines))]
    lines = [
        Line(line.text, line.n, label) if task == "type" else Line(line.text, line.n, None, label)
        for line, label in zip(odd.lines, labels, strict=True)
    ]
    pages = (*corpus.pages, odd.with_lines(lines), Page.from_text(""))
    check(make(task, kind).fit(pages, (*corpus.groups, "odd", "empty")), pages)


@pytest.mark.parametrize(("task", "kind"), CASES)
def test_a_label_that_never_occurs_keeps_its_column(task: str, kind: str, tiny_data: Path) -> None:
    missing = TASKS[task][-1]
    corpus = pages_of(task, tiny_data)
    pages = [
        page.with_lines(
            line if getattr(line, task) != missing else Line(line.text, line.n, line.type if task == "stance" else None)
            for line in page.lines
        )
        for page in corpus.pages
    ]
    check(make(task, kind).fit(pages, corpus.groups), pages)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown model 'fastext' \(did you mean 'fasttext'\?\)"):
        make_model("fastext", "type", TASKS["type"])


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.json"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["page", "linear", "fasttext"])
def test_two_types_are_enough_to_learn_from(name: str) -> None:
    """Who labels only article and noise uses one type for each."""
    corpus = load_gold(ROOT / "data/pages/validation.jsonl")
    kinds = {"title": "body", "body": "body"}
    pages = [page.with_lines(replace(x, type=kinds.get(x.type or "", "ui")) for x in page.lines) for page in corpus.pages[:60]]
    model = make_model(name, "type", TYPES, OPTIONS.get(name, {})).fit(pages, corpus.groups[:60])
    kept = np.concatenate([p[:, 1] for p in model.predict_proba(pages)]) > 0.5
    gold = np.array([line.type == "body" for page in pages for line in page.lines])
    assert 2 * (kept & gold).sum() / (kept.sum() + gold.sum()) > 0.7
