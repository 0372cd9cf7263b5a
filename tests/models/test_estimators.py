"""The estimators in the hands of scikit-learn: its own checks, clones, pipelines, searches, cross-validation."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pandas as pd
import pytest
from helpers import ROOT
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

import clfnews
from clfnews.data.gold import load_gold

CORPUS = load_gold(ROOT / "data" / "pages" / "test.jsonl")
LINES = [line for page in CORPUS.pages for line in page.lines]
TEXTS, KEPT = [line.text for line in LINES], np.array([line.type in ("title", "body") for line in LINES])


@pytest.mark.parametrize("estimator", [clfnews.LineClassifier(), clfnews.LineClassifier("fasttext"), clfnews.PageTagger("rules")])
def test_the_checks_of_scikit_learn_that_apply_to_texts(estimator: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Can't test estimator which requires input of type ...": those of numbers are left out
        check_estimator(estimator)
    assert clone(estimator).get_params() == estimator.get_params()


@pytest.mark.parametrize("kind", ["linear", "fasttext"])
def test_lines_of_the_seeds_are_told_apart_better_than_by_chance(kind: str) -> None:
    groups = [group for page, group in zip(CORPUS.pages, CORPUS.groups, strict=True) for _ in page.lines]
    options: dict[str, Any] = {"groups": groups, "cv": GroupKFold(5), "scoring": "roc_auc", "error_score": "raise"}
    scores = cross_val_score(clfnews.LineClassifier(kind, min_df=1), TEXTS, KEPT, **options)
    assert scores.mean() > 0.6
    fitted = clfnews.LineClassifier(kind).fit(pd.Series(TEXTS), pd.Series(KEPT))
    assert fitted.classes_.tolist() == [False, True] and fitted.predict(TEXTS).dtype == bool
    np.testing.assert_allclose(fitted.predict_proba(TEXTS).sum(axis=1), 1)


def test_pipeline_and_grid_search() -> None:
    steps = [("case", FunctionTransformer(lambda texts: [text.lower() for text in texts])), ("line", clfnews.LineClassifier())]
    search = GridSearchCV(Pipeline(steps), {"line__C": [0.1, 4.0]}, cv=3, error_score="raise").fit(TEXTS, KEPT)
    assert search.best_params_["line__C"] in (0.1, 4.0) and search.best_score_ > 0.6


def test_pages_are_cross_validated_by_site() -> None:
    labels = [[line.type for line in page.lines] for page in CORPUS.pages]
    score = cross_val_score(clfnews.PageTagger("rules"), list(CORPUS.pages), labels, groups=CORPUS.groups, cv=GroupKFold(5))
    assert score.shape == (5,) and score.mean() > 0.7
    tagger = clfnews.PageTagger("linear", options={"min_df": 1}).fit(CORPUS.pages)
    assert [len(x) for x in tagger.predict(CORPUS.pages)] == [len(x) for x in labels] and tagger.score(CORPUS.pages) > 0.9


@pytest.mark.parametrize("bad", ["one text", [1, 2], [["a"], ["b"]], ["a", None]])
def test_what_is_not_texts_is_a_value_error(bad: Any) -> None:
    with pytest.raises(ValueError, match="texts"):
        clfnews.LineClassifier().fit(bad, [0, 1])


def test_fasttext_itself_opens_the_file_and_reads_as_the_model_does(tmp_path: Path) -> None:
    model = clfnews.LineClassifier("fasttext", epoch=5, dim=8).fit(TEXTS, KEPT).model_
    model.save(tmp_path)
    opened, text = fasttext.load_model(str(tmp_path / "model.bin")), "  Điện Kremlin  khẳng định\n12 điều __label__1"
    names, p = opened.predict(clfnews.fasttext_text(text), k=2)
    own = model.predict_texts([clfnews.Page.from_lines([text]).lines[0].text])[0]
    np.testing.assert_allclose(dict(zip(names, p, strict=True))["__label__1"], own[1], atol=1e-4)


@pytest.mark.parametrize("kind", ["linear", "fasttext"])
@pytest.mark.parametrize("names", [("menu line", "text"), (0, 1)])
def test_a_tagger_learns_labels_of_ones_own(kind: str, names: tuple[Any, Any]) -> None:
    labels = [[names[line.type in ("title", "body")] for line in page.lines] for page in CORPUS.pages]
    tagger = clfnews.PageTagger(kind, keep=[names[1]]).fit(CORPUS.pages, labels)
    assert tagger.classes_.tolist() == sorted(names)
    assert {label for page in tagger.predict(CORPUS.pages) for label in page} == set(names)
    assert {p.shape[1] for p in tagger.predict_proba(CORPUS.pages)} == {2} and tagger.score(CORPUS.pages, labels) > 0.8
    again = cross_val_score(
        clone(tagger), list(CORPUS.pages), labels, cv=GroupKFold(3), groups=CORPUS.groups, error_score="raise"
    )
    assert again.shape == (3,)
    with pytest.raises(ValueError, match=r"none of the labels \(.*\) is article; name those that are: PageTagger\(keep="):
        clfnews.PageTagger(kind).fit(CORPUS.pages, labels).score(CORPUS.pages, labels)


PAGES = [clfnews.Page.from_lines(["Menu", "A long line of text"], "p1"), clfnews.Page.from_lines(["Home"], "p2")]
MINE = [["menu", "text"], ["menu"]]


@pytest.mark.parametrize(
    ("tagger", "pages", "labels", "error", "told"),
    [
        (
            clfnews.PageTagger("page"),
            PAGES,
            MINE,
            ValueError,
            r"kind 'page' takes the shipped labels alone .*not 'menu'",
        ),
        (clfnews.PageTagger("rules"), PAGES, MINE, ValueError, "kind 'rules' takes the shipped labels alone"),
        (clfnews.PageTagger("nope"), PAGES, MINE, ValueError, "kind 'nope': expected page, rules, linear"),
        (clfnews.PageTagger("linear"), "one text", MINE, TypeError, r"expected many pages: \[page\]; found one str"),
        (clfnews.PageTagger("linear"), [1, 2], MINE, TypeError, "expected pages or their texts, one a sample; found 1"),
        (clfnews.PageTagger("linear"), PAGES, MINE[:1], ValueError, "2 pages and labels of 1"),
        (clfnews.PageTagger("linear"), PAGES, [["menu"], ["menu"]], ValueError, "page 'p1': 2 lines and 1 labels"),
        (clfnews.PageTagger("linear"), PAGES, ["menu", "text"], ValueError, "expected for each page a list with the labels"),
        (clfnews.PageTagger("linear"), PAGES, [["a", "a"], ["a"]], ValueError, "needs labels of two kinds"),
        (clfnews.PageTagger("linear", keep="text"), PAGES, MINE, ValueError, r"expected several labels: \['text'\]"),
        (
            clfnews.PageTagger("linear", keep=["txt"]),
            PAGES,
            MINE,
            ValueError,
            "no line has the label 'txt'; there are menu",
        ),
    ],
)
def test_mistakes_with_pages_are_told(tagger: Any, pages: Any, labels: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        tagger.fit(pages, labels)


@pytest.mark.parametrize("kind", ["linear", "fasttext"])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_fitted_classifier_is_pickled_and_copied(kind: str, copied: Any) -> None:
    model = clfnews.LineClassifier(kind, epoch=5, dim=8).fit(TEXTS, KEPT)
    np.testing.assert_array_equal(copied(model).predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert copied(clfnews.LineClassifier(kind)).get_params() == clfnews.LineClassifier(kind).get_params()
