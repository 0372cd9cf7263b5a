"""Drift between outputs of the filter: what is found, what is left alone, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, Cli, write_rows

import clfnews
from clfnews.evaluation.drift import Drift
from clfnews.evaluation.outputs import MAX_PAGES, read_output
from clfnews.evaluation.resampling import divergence, holm, permutation_test

WORDS = np.array([f"word{i}" for i in range(300)])


def output_row(rng: np.random.Generator, **changes: Any) -> dict[str, Any]:
    """A page as `clfnews filter` writes it, drawn at random."""
    empty = rng.random() < changes.get("empty", 0.1)
    stance = str(rng.choice(["conciliatory", "hostile", "neutral"], p=changes.get("stance", [0.3, 0.3, 0.4])))
    text = "\n".join(" ".join(rng.choice(changes.get("words", WORDS), 12)) for _ in range(0 if empty else rng.integers(4, 9)))
    lines = [
        {"n": n, "text": line, "type": "body" if n else "title", "keep": True, "stance": stance}
        for n, line in enumerate(text.splitlines())
    ]
    return {
        "id": "x", "site": str(rng.choice(changes.get("sites", ["a.example", "b.example", "c.example"]))), "text": text,
        "stance": {"label": None if empty else stance}, "lines": lines, "model": changes.get("model", "m"),
        "text_confidence": round(float(np.clip(rng.normal(changes.get("confidence", 0.9), 0.05), 0, 1)), 4),
    }  # fmt: skip


Compare = Callable[..., Drift]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Pages drawn as usual against pages drawn with changes."""

    def against(seed: int = 0, pages: int = 200, **changes: Any) -> Drift:
        rng = np.random.default_rng(seed)
        reference = write_rows(tmp_path / "reference.jsonl", [output_row(rng) for _ in range(pages)])
        new = write_rows(tmp_path / "new.jsonl", [output_row(rng, **changes) for _ in range(pages)])
        return clfnews.drift(reference, new)

    return against


def drifting(found: Drift) -> set[str]:
    return {change.name for change in (*found.measures, *found.sites) if change.drifts}


def test_pages_of_one_kind_do_not_drift(compare: Compare) -> None:
    assert [seed for seed in range(6) if compare(seed, pages=300).drifted] == []


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"confidence": 0.75}, {"expected F1"}),
        ({"empty": 0.5}, {"pages without article", "kept lines a page"}),
        ({"stance": [0.8, 0.1, 0.1]}, {"page stance", "line stance"}),
        ({"words": np.array([f"other{i}" for i in range(300)])}, {"words"}),
        ({"words": ["слово", "новость", "город"]}, {"words", "script"}),
    ],
)
def test_a_change_is_found_by_its_name(compare: Compare, changes: dict[str, Any], names: set[str]) -> None:
    found = compare(**changes)
    assert found.drifted and names <= drifting(found)


def test_a_small_change_of_many_pages_is_sure_but_no_drift(compare: Compare) -> None:
    found = compare(pages=2000, empty=0.15)
    [empty] = [change for change in found.measures if change.name == "pages without article"]
    assert empty.p < 0.01 and not empty.drifts and not found.drifted
    [figure] = empty.figures
    assert figure.low < 0.05 < figure.high and figure.low > 0 and figure.new - figure.reference == pytest.approx(0.05, abs=0.02)


def test_one_broken_site_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sites = [f"s{i}.example" for i in range(10)]
    rows = [[output_row(rng, sites=[site], empty=0.02) for site in sites for _ in range(30)] for _ in range(2)]
    rows[1][:30] = [output_row(rng, sites=[sites[0]], empty=0.7) for _ in range(30)]
    rows[1] += [output_row(rng, sites=["new.example"]) for _ in range(3)]
    rows[0] += [output_row(rng, sites=["gone.example"]) for _ in range(4)]
    found = clfnews.drift(*(write_rows(tmp_path / f"{i}.jsonl", side) for i, side in enumerate(rows)))
    assert [change.name for change in found.sites if change.drifts] == ["s0.example"] == [found.sites[0].name]
    assert len(found.sites) == 10 and found.new_sites == (("new.example", 3),) and found.missing_sites == (("gone.example", 4),)
    assert any("1 site only in the new pages: new.example (3)" in note for note in found.notes())


def test_another_model_is_said(compare: Compare) -> None:
    assert any("not the same model (m / other)" in note for note in compare(model="other").notes())
    assert list(compare().notes()) == []


def test_the_same_files_give_the_same_numbers_in_any_format(rules_filter: Path, tmp_path: Path) -> None:
    pages = tmp_path / "pages.jsonl"
    rows = [json.loads(line) for line in (ROOT / "data" / "pages" / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    write_rows(pages, [{"id": row["id"], "site": row["site"], "lines": row["lines"]} for row in rows[:40]])
    for format in ("jsonl", "parquet"):
        clfnews.filter_folder(pages, tmp_path / format, model=rules_filter, format=format, workers=1)
    (tmp_path / "bad.jsonl").write_text(pages.read_text(encoding="utf-8") + "no JSON\n" * 10, encoding="utf-8")
    clfnews.filter_folder(tmp_path / "bad.jsonl", tmp_path / "bad", model=rules_filter, workers=1)
    one, other = (clfnews.drift(tmp_path / "jsonl", tmp_path / name).as_row() for name in ("jsonl", "parquet"))
    assert one["measures"] == other["measures"] and one["verdict"] == other["verdict"] == "no drift"
    unread = clfnews.drift(tmp_path / "jsonl", tmp_path / "bad").as_row()
    assert unread["new"]["errors"] == 10
    [change] = [change for change in unread["measures"] if change["name"] == "records that cannot be read"]
    assert change["figures"][0]["new"] == 0.2


def test_a_language_in_the_rows_is_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sides = [[output_row(rng) | {"language": language} for _ in range(60)] for language in ("vi", "en")]
    found = clfnews.drift(*(write_rows(tmp_path / f"{i}.jsonl", side) for i, side in enumerate(sides)))
    assert drifting(found) == {"language"}


def test_of_many_pages_a_sample_is_compared(tmp_path: Path) -> None:
    row = json.dumps(output_row(np.random.default_rng(0)))
    path = tmp_path / "many.jsonl"
    path.write_text(f"{row}\n" * (MAX_PAGES + 500), encoding="utf-8")
    found = read_output(path)
    assert (found.total, len(found.pages)) == (MAX_PAGES + 500, MAX_PAGES)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_outputs_of_earlier_versions_are_read(tmp_path: Path, suffix: str) -> None:
    """They call the confidence of the text `confidence`; today a field of that name is the user's."""
    rows = [output_row(np.random.default_rng(0)) for _ in range(40)]
    before = [{("confidence" if name == "text_confidence" else name): value for name, value in row.items()} for row in rows]
    own = [row | {"confidence": "mine"} for row in rows]

    def written(name: str, rows: list[dict[str, Any]]) -> Path:
        if suffix == ".jsonl":
            return write_rows(tmp_path / f"{name}.jsonl", rows)
        pd.DataFrame(rows).to_parquet(tmp_path / f"{name}.parquet")
        return tmp_path / f"{name}.parquet"

    now, *others = (
        [page.confidence for page in read_output(written(name, found)).pages]
        for name, found in (("now", rows), ("before", before), ("own", own))
    )
    assert others == [now, now] and set(now) == {row["text_confidence"] for row in rows}


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("[]", "row 31: not a page of clfnews filter (not an object)"),
        ("{", "row 31: not JSON"),
        ("[" * 100_000, "row 31: not JSON"),
        ('{"text": "x"}', "no 'lines'"),
        ('{"text": "x", "lines": []}', "no 'text_confidence'"),
        ('{"text": "x", "lines": [], "text_confidence": "high"}', "'text_confidence' is 'high'"),
        ('{"text": "x", "lines": [], "confidence": "high"}', "'confidence' is 'high'"),
        ('{"text": "x", "lines": [], "confidence": NaN}', "'confidence' is nan"),
        ('{"text": "x", "lines": [1], "text_confidence": 0.5}', "a line is not an object"),
        ('{"text": "x", "lines": [], "text_confidence": 0.5, "stance": "x"}', "'stance' is 'x'"),
    ],
)
def test_what_is_no_output_is_named(cli: Cli, tmp_path: Path, row: str, said: str) -> None:
    rng = np.random.default_rng(0)
    good = write_rows(tmp_path / "good.jsonl", [output_row(rng) for _ in range(30)])
    bad = tmp_path / "bad.jsonl"
    bad.write_text(good.read_text(encoding="utf-8") + row + "\n", encoding="utf-8")
    with pytest.raises(clfnews.UserError) as error:
        clfnews.drift(good, bad)
    assert str(error.value).startswith(f"{bad}: row 31: ") and said in str(error.value)


@pytest.mark.slow
def test_the_command_has_a_verdict_an_exit_code_and_one_line_for_mistakes(cli: Cli, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_rows(tmp_path / "reference.jsonl", [output_row(rng) for _ in range(60)])
    write_rows(tmp_path / "same.jsonl", [output_row(rng) for _ in range(60)])
    write_rows(tmp_path / "other.jsonl", [output_row(rng, confidence=0.6) for _ in range(60)])
    done = cli("drift", "reference.jsonl", "same.jsonl")
    assert done.code == 0 and done.out.startswith("no drift; 60 pages of reference, 60 pages of new\n")
    done = cli("drift", "reference.jsonl", "other.jsonl")
    assert done.code == 1 and done.out.startswith("drift: expected F1;") and done.err == ""
    narrow = cli("drift", "reference.jsonl", "other.jsonl", env={"COLUMNS": "80"})
    assert max(map(len, narrow.out.splitlines())) <= 80
    done = cli("drift", "reference.jsonl", "other.jsonl", "--json")
    assert done.code == 1 and json.loads(done.out)["verdict"] == "drift"
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("x", encoding="utf-8")
    (tmp_path / "page.parquet").write_bytes(b"PAR1 no")
    write_rows(tmp_path / "few.jsonl", [output_row(rng) for _ in range(5)])
    for name, said in (
        ("none", "none: no such file or folder"),
        ("text", "text: no .jsonl or .parquet files of clfnews filter in it; text has no confidence"),
        ("text/a.txt", "expected JSONL or Parquet of clfnews filter"),
        ("page.parquet", "not a Parquet file that can be read"),
        ("few.jsonl", "few.jsonl: has 5 pages; 30 are needed"),
    ):
        done = cli("drift", "reference.jsonl", name)
        assert done.code == 2 and said in done.error


# --- statistics ------------------------------------------------------------------------------------


def test_the_divergence_is_that_of_jensen_and_shannon() -> None:
    from scipy.spatial.distance import jensenshannon

    rng = np.random.default_rng(0)
    for a, b in rng.integers(0, 20, (20, 2, 5)) + np.array([1, 0, 0, 0, 0]):
        assert divergence(a, b) == pytest.approx(jensenshannon(a, b, base=2) ** 2)
    assert divergence(np.array([3, 0]), np.array([0, 5])) == 1 and divergence(np.array([0, 0]), np.array([0, 5])) == 0


def test_chance_is_called_chance_as_often_as_the_p_value_says() -> None:
    rng = np.random.default_rng(0)
    sides = (np.eye(3)[rng.choice(3, (2, 80), p=[0.6, 0.3, 0.1])] for _ in range(300))
    p = np.array([permutation_test(a, b, rng, 200)[1] for a, b in sides])
    assert 0.02 < (p <= 0.05).mean() < 0.09 and 0.4 < (p <= 0.5).mean() < 0.6


def test_holm_is_that_of_the_paper() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06]) and holm([]) == [] and holm([0.9, 0.8]) == [1.0, 1.0]


def own_row(rng: np.random.Generator, sport: float, pro: float, headline: float) -> dict[str, Any]:
    """A page of a filter with the user's own types, a task of pages and one of kept lines."""

    def told(names: tuple[str, str], share: float) -> dict[str, Any]:
        return {"label": names[int(rng.random() >= share)], "p": {names[0]: share, names[1]: 1 - share}}

    kept = [
        {"n": n, "text": "a line", "type": "headline" if rng.random() < headline else "text", "keep": True,
         "stance": told(("pro", "contra"), pro)}
        for n in range(5)
    ]  # fmt: skip
    return {
        "id": "x", "text": "a line", "text_confidence": 0.9, "topic": told(("sport", "economy"), sport), "model": "m",
        "stance": told(("pro", "contra"), pro), "lines": kept,
    }  # fmt: skip


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_tasks_of_ones_own_have_rows_and_drift(cli: Cli, tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    sides = {"reference": (0.5, 0.5, 0.2), "same": (0.5, 0.5, 0.2), "new": (0.9, 0.1, 0.6)}
    for name, shares in sides.items():
        rows = [own_row(rng, *shares) for _ in range(300)]
        write_rows(tmp_path / f"{name}.jsonl", rows)
        pd.DataFrame(rows).to_parquet(tmp_path / f"{name}.parquet")
    found = clfnews.drift(tmp_path / f"reference.{suffix}", tmp_path / f"new.{suffix}")
    assert drifting(found) == {"page topic", "page stance", "line stance", "kept lines by type"}
    names = {figure.name: figure for change in found.measures for figure in change.figures}
    assert {"page topic sport", "page stance pro", "line stance contra", "headline lines"} <= set(names)
    assert names["page topic sport"].new > 0.8 and not [name for name in names if "hostile" in name or "title" in name]
    assert not clfnews.drift(tmp_path / f"reference.{suffix}", tmp_path / f"same.{suffix}").drifted
    shown = cli("drift", f"reference.{suffix}", f"new.{suffix}")
    assert shown.code == 1 and "page topic economy" in shown.out
