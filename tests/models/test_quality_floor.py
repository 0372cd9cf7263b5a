"""The quality gate: what a model trained on the shipped data has to reach.

`floors.json` holds a floor for each score beside the hash of the data it was
measured on. A floor is lowered (and all are measured anew) only on purpose:

    pytest tests/models/test_quality_floor.py --lower-floors
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT

from clfnews.config.schema import Config, chosen_models
from clfnews.data.corpus import Corpus
from clfnews.data.folder import load_split
from clfnews.evaluation.metrics import HEADLINE
from clfnews.evaluation.scores import score_stance, score_type
from clfnews.filtering.decisions import keep_mask
from clfnews.labels import TASKS
from clfnews.models import make_model
from clfnews.page import Page
from clfnews.readers.html.document import read_html
from clfnews.training.fitting import seeded

pytestmark = pytest.mark.slow

FLOORS = Path(__file__).with_name("floors.json")
MARGIN = 0.01
"""How far below the measured value a floor is set: other machines round otherwise."""
COMMAND = "pytest tests/models/test_quality_floor.py --lower-floors"
SOURCES = {"type": "pages", "stance": "stance"}
# The default models; the page model smaller, or the test would take minutes.
QUICK: dict[tuple[str, str], dict[str, Any]] = {("type", "page"): {"trees": 50, "again": 100_000}}
HTML = ROOT / "tests" / "files" / "html"
SHAPES = ROOT / "tests" / "files" / "shapes"
GATED = [("type", "rules"), ("type", "page"), ("stance", "lexicon"), ("stance", "linear"), ("stance", "cues")]
CASES = [(task, model, split) for task, model in GATED for split in ("test", "validation")] + [("type", "page", "html")]


@cache
def corpus(task: str, split: str) -> Corpus:
    if split == "html":
        return html_pages()
    return load_split(ROOT / "data", SOURCES[task], split)


def html_pages() -> Corpus:
    """Pages that were written as HTML, with what is the article of each."""
    pages = []
    for name, article in json.loads((HTML / "article.json").read_text(encoding="utf-8")).items():
        page = read_html((HTML / name).read_bytes(), name).page
        assert {line.text for line in page.lines} >= set(article), name
        pages.append(page.with_lines(replace(x, type="body" if x.text in article else "ui") for x in page.lines))
    return Corpus("html", tuple(pages), tuple(page.id for page in pages))


@cache
def fitted(task: str, name: str) -> Any:
    config = Config()
    options = seeded(name, chosen_models(getattr(config, task))[name] | QUICK.get((task, name), {}), config.seed)
    train = corpus(task, "train")
    return make_model(name, task, TASKS[task], options).fit(train.pages, train.groups)


@cache
def measured(task: str, name: str, split: str) -> float:
    pages = corpus(task, split)
    p = fitted(task, name).predict_proba(pages.pages)
    scores = score_type(pages, p) if task == "type" else score_stance(pages, p)
    return scores.values[HEADLINE[task]]


def hashes() -> dict[str, str]:
    return {f"{SOURCES[task]}/{split}": corpus(task, split).digest for task in TASKS for split in ("train", "validation", "test")}


def problems(floors: dict[str, Any], data: dict[str, str], case: str, value: float) -> str | None:
    """Why a measured value does not pass, if it does not."""
    changed = sorted(name for name in data if floors["data"].get(name) != data[name])
    if changed:
        return f"the floors were pinned on other data ({', '.join(changed)} changed); pin them again: {COMMAND}"
    if case not in floors["floors"]:
        return f"no floor is pinned for {case}; pin it: {COMMAND}"
    if value < floors["floors"][case]:
        return f"{case} is {value:.4f}, below its floor {floors['floors'][case]:.4f}; if that is meant: {COMMAND}"
    return None


@pytest.fixture(scope="module")
def floors(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The pinned floors; with `--lower-floors` written anew first."""
    if request.config.getoption("--lower-floors"):
        values = {f"{task} {name} {split}": round(measured(task, name, split) - MARGIN, 4) for task, name, split in CASES}
        FLOORS.write_text(json.dumps({"data": hashes(), "floors": values}, indent=1) + "\n", encoding="utf-8")
    found: dict[str, Any] = json.loads(FLOORS.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(("task", "name", "split"), CASES)
def test_no_score_falls_below_its_floor(task: str, name: str, split: str, floors: dict[str, Any]) -> None:
    problem = problems(floors, hashes(), f"{task} {name} {split}", measured(task, name, split))
    assert problem is None, problem


def test_the_trained_model_of_each_task_is_above_its_floor_model(floors: dict[str, Any]) -> None:
    for task, rule, model in (("type", "rules", "page"), ("stance", "lexicon", "linear")):
        assert floors["floors"][f"{task} {model} validation"] > floors["floors"][f"{task} {rule} validation"]


@pytest.mark.parametrize("name", sorted(path.stem for path in SHAPES.glob("*.txt")))
def test_no_article_of_another_shape_or_language_vanishes(name: str) -> None:
    """Paragraphs of one sentence, a live page, other languages: an article that is lost whole is the worst fault."""
    lines = (SHAPES / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    page = Page.from_lines([line.lstrip("+?") for line in lines])
    (p,) = fitted("type", "page").predict_proba([page])
    kept = {line.n for line, article in zip(page.lines, keep_mask(p, 0.5).tolist(), strict=True) if article}
    gold = {n for n, line in enumerate(lines, 1) if line.startswith("+")}
    kept -= {n for n, line in enumerate(lines, 1) if line.startswith("?")}  # such as clock times, which may stay or go
    assert 2 * len(kept & gold) / (len(kept) + len(gold)) > 0.6, sorted(gold ^ kept)


def test_the_gate_tells_changed_data_from_a_worse_score() -> None:
    pinned = {"data": {"pages/train": "aa"}, "floors": {"type rules test": 0.8}}
    assert problems(pinned, {"pages/train": "aa"}, "type rules test", 0.8) is None
    assert "below its floor 0.8000" in str(problems(pinned, {"pages/train": "aa"}, "type rules test", 0.79))
    assert "pages/train changed" in str(problems(pinned, {"pages/train": "bb"}, "type rules test", 0.99))
    assert "no floor is pinned" in str(problems(pinned, {"pages/train": "aa"}, "type other test", 0.99))
