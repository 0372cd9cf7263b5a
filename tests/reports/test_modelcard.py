"""The model card: every number is of the run, and it is where people look for it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from helpers import Cli, Project

from clfnews.filtering.filter import PageFilter
from clfnews.reports.model_card import CARD, render


def test_the_card_has_the_scores_data_and_thresholds_of_the_run(project: Project, cli: Cli) -> None:
    done = cli("card", project.filter)
    meta = json.loads((project.filter / "filter.json").read_text(encoding="utf-8"))
    assert done.code == 0 and done.out.startswith(f"# {meta['name']}\n")
    assert f"from p(article) {meta['threshold']:g} on" in done.out and "confidence of 0.45 on" in done.out
    for parts in meta["info"]["splits"].values():
        for part in parts:
            assert f"| {part['name']} | {part['digest']} | {part['pages']:,} | {part['lines']:,} |" in done.out
    value, low, high = meta["info"]["scores"]["stance"]["oof"]["stance/macro_f1"]
    assert f"| macro_f1 | {value:.3f} [{low:.2f}, {high:.2f}] |" in done.out and "95% intervals" in done.out
    # The type task has six groups: too few for an interval.
    assert meta["info"]["scores"]["type"]["test"]["type/article_f1"][1:] == [None, None]
    assert f"| {meta['info']['scores']['type']['test']['type/article_f1'][0]:.3f} - |" in done.out
    for wanted in ("| type | out of fold | validation | test |", "## Limits", "Apache-2.0", "clfnews.load(", "numpy"):
        assert wanted in done.out


def test_no_number_of_the_card_is_from_elsewhere(project: Project) -> None:
    card = (project.filter / CARD).read_text(encoding="utf-8")
    meta = json.loads((project.filter / "filter.json").read_text(encoding="utf-8"))
    values = set(_numbers(meta))
    known = {f"{x:{f}}" for x in values for f in (".3f", ".2f", "g", ",")} | {f"{meta['info']['level']:.0%}".rstrip("%")}
    risk = meta["risk"]  # the card has shares of these counts
    known |= {f"{100 * n / risk['lines']:.0f}" for n in risk["covered"]}
    known |= {f"{bad / n:.3f}" for bad, n in zip(risk["wrong"], risk["covered"], strict=True) if n}
    text = re.sub(r"[\w.+-]*[A-Za-z][\w.+-]*|Apache-2\.0", " ", card)  # digests, names with digits
    for versions in (meta["info"]["versions"].values(), [meta["clfnews"], meta["info"]["guidelines"]]):
        for version in versions:
            text = text.replace(version, " ")
    fixed = {"10"}  # groups that an interval takes
    found = {n.rstrip(".,") for n in re.findall(r"\d[\d.,]*", text)}
    assert sorted(found - known - fixed) == []


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [x for item in value.values() for x in _numbers(item)]
    if isinstance(value, list):
        return [x for item in value for x in _numbers(item)]
    return [value] if isinstance(value, int | float) else []


@pytest.mark.slow
def test_the_card_is_logged_and_describes_the_registered_model(project: Project, registered: str, store: Any, cli: Cli) -> None:
    text = (project.filter / CARD).read_text(encoding="utf-8")
    version = store.get_model_version("clfnews", registered.rpartition("/")[2])
    assert version.description == text
    assert "model_card.md" in {item.path for item in store.list_artifacts(version.run_id)}
    assert cli("card", env={"MLFLOW_TRACKING_URI": project.store}).out == text, "the champion is the default"


def test_a_filter_that_was_never_trained_has_a_card_without_scores(rules_filter: Path, cli: Cli) -> None:
    done = cli("card", rules_filter)
    assert done.code == 0 and "not made by a training" in done.out and "Model: `rules`" in done.out
    assert "## Scores" not in done.out and "calibrated" not in done.out
    assert not (rules_filter / CARD).exists(), "written from filter.json, as of filters of before cards were kept"


def test_no_card_without_a_filter(cli: Cli, tmp_path: Path) -> None:
    done = cli("card", tmp_path)
    assert done.code == 2 and "not a clfnews filter (no filter.json)" in done.error


def test_limits_come_from_the_numbers() -> None:
    part = {"name": "pages/train", "digest": "0" * 12, "pages": 9, "lines": 90, "groups": 30, "origins": {"composed": 9}}
    test = part | {"name": "pages/test", "groups": 5, "origins": {"seed": 5}}
    scores = {"type/article_f1": [0.9, 0.88, 0.92]}, {"type/article_f1": [0.6, 0.5, 0.7]}
    info = {"splits": {"type": [part, test]}, "scores": {"type": {"oof": scores[0], "test": scores[1]}}, "level": 0.95}
    meta = {"name": "x", "clfnews": "0.1.0", "threshold": 0.5, "min_confidence": 0.0, "temperature": {"type": 1.0}, "info": info}
    card = render(meta)
    assert "the test split has only 5 groups" in card and "scores on seed pages tell more" in card
    assert "the test score lies below the one out of fold" in card and "It has no stance model" in card


def test_the_card_of_a_loaded_filter_is_the_one_it_was_saved_with(project: Project) -> None:
    assert render(PageFilter.load(project.filter).meta()) == (project.filter / CARD).read_text(encoding="utf-8")
