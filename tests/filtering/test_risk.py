"""The confidence below which no stance is given, chosen for a stated share of wrong ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import SEED_PAGE, Cli, tiny_config, write_rows

from clfnews.config.schema import Config
from clfnews.errors import UserError
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.risk import LEAST, RiskCurve
from clfnews.reports.model_card import render
from clfnews.training.train import train


def curve() -> RiskCurve:
    """A thousand lines, of which those with a confidence c are right with probability c."""
    rng = np.random.default_rng(7)
    sure = rng.uniform(0.4, 1.0, 1000)
    p = np.column_stack([sure, (1 - sure) / 2, (1 - sure) / 2])
    return RiskCurve.of(p, np.where(rng.random(1000) < sure, 0, 1))


@pytest.fixture(scope="module")
def with_curve(rules_filter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page_filter, folder = PageFilter.load(rules_filter), tmp_path_factory.mktemp("risk") / "filter"
    page_filter.risk = curve()
    page_filter.save(folder)
    return folder


def test_the_cut_is_the_lowest_that_keeps_the_risk() -> None:
    found = curve()
    for risk in (0.25, 0.2, 0.1):
        cut = found.cut(risk)
        shares = [bad / n for at, n, bad in zip(found.cuts, found.covered, found.wrong, strict=True) if n >= LEAST and at <= cut]
        assert shares[-1] <= risk < min(shares[:-1])
    assert found.cut(0.1) > found.cut(0.2) > found.cut(0.25)


def test_a_risk_that_no_cut_reaches_is_refused_with_the_least_one() -> None:
    with pytest.raises(
        UserError, match=r"risk 0\.001: no confidence reaches it; the least is 0\.\d{3}, from a confidence of 0\.9"
    ):
        curve().cut(0.001)
    few = RiskCurve.of(np.array([[0.9, 0.1]] * (LEAST - 1)), np.zeros(LEAST - 1, dtype=int))
    with pytest.raises(UserError, match="too few"):
        few.cut(0.5)


def test_a_filter_keeps_its_curve_and_the_card_shows_it(with_curve: Path) -> None:
    page_filter = PageFilter.load(with_curve)
    assert page_filter.risk == curve()
    assert page_filter.with_risk(0.2).min_confidence == curve().cut(0.2)
    assert page_filter.with_threshold(0.3).with_risk(0.2).threshold == 0.3
    card = render(page_filter.meta())
    assert "## When the stance abstains" in card and "| 0.33 | 100% | 0." in card


@pytest.mark.parametrize("value", [{}, [], {"lines": 3, "cuts": [0.5], "covered": [4], "wrong": [0]}, {"lines": "many"}])
def test_a_broken_curve_is_refused(with_curve: Path, tmp_path: Path, value: object) -> None:
    meta = json.loads((with_curve / "filter.json").read_text(encoding="utf-8"))
    (tmp_path / "filter.json").write_text(json.dumps(meta | {"risk": value}), encoding="utf-8")
    with pytest.raises(UserError, match=r"filter\.json: broken \('risk' is no curve of risks\)"):
        PageFilter.load(tmp_path)


def test_a_smaller_risk_gives_fewer_stances(with_curve: Path, cli: Cli) -> None:
    def stances(*options: object) -> list[str | None]:
        done = cli("tag", "-m", with_curve, SEED_PAGE, "-q", *options)
        assert done.code == 0, done.err
        return [line["stance"] for line in done.rows[0]["lines"] if line["keep"]]

    many, few = stances("--risk", "0.25"), stances("--risk", "0.1")
    assert sum(label is not None for label in many) > sum(label is not None for label in few)
    assert all(label is None or label == other for label, other in zip(few, many, strict=True))


def test_a_risk_that_does_not_do_is_one_line(with_curve: Path, rules_filter: Path, cli: Cli) -> None:
    for folder, risk, said in (
        (with_curve, "0.001", "risk 0.001: no confidence reaches it"),
        (with_curve, "1.5", "risk 1.5: expected a share between 0 and 1, such as 0.2"),
        (rules_filter, "0.2", "risk 0.2: the filter rules+lexicon was trained without what tells the risk; train again"),
    ):
        for command in (["tag"], ["filter"], ["filter", "-o", "out"]):
            done = cli(*command, "-m", folder, SEED_PAGE, "--risk", risk)
            assert done.code == 2 and said in done.error


def test_a_folder_is_filtered_at_a_risk_and_again_at_another(with_curve: Path, cli: Cli, tmp_path: Path) -> None:
    write_rows(tmp_path / "in" / "a.jsonl", [{"id": "a", "text": SEED_PAGE.read_text(encoding="utf-8")}])

    def stances(*options: object) -> int:
        done = cli("filter", "in", "-o", "out", "-m", with_curve, "-w", 1, "-q", *options)
        assert done.code == 0, done.err
        (row,) = [json.loads(text) for text in (tmp_path / "out" / "a.jsonl").read_text(encoding="utf-8").splitlines()]
        return sum(line["stance"] is not None for line in row["lines"])

    many = stances("--risk", "0.25")
    assert stances("--risk", "0.1", "--resume") < many, "what was made at another risk is made again"
    manifest = json.loads((tmp_path / "out" / "__run__" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["filter"]["risk"] == 0.1 and manifest["filter"]["min_confidence"] == curve().cut(0.1)


def test_a_training_that_cannot_reach_its_risk_keeps_what_it_made(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    values = tiny_config(data={"folder": str(tiny_data)}, folds=2)
    values["stance"] |= {"risk": 0.001}
    with pytest.raises(UserError, match=r"stance\.risk: risk 0\.001: .*; the fitted models are in unlogged-") as refused:
        train(Config(**values), track=False)
    folder = str(refused.value).partition("the fitted models are in ")[2].partition(":")[0]
    assert PageFilter.load(folder).stance_task is not None
