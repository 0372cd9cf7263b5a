"""The trained filter: on the command line, in Python, as an MLflow model, and as a server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, SEED_PAGE, Cli, Project, environment, started, wait_for, write_rows

import clfnews
from clfnews.filtering.decisions import NO_STANCE
from clfnews.filtering.filter import BATCH, PageFilter
from clfnews.labels import ARTICLE, STANCES, TYPES
from clfnews.page import Page
from clfnews.record.cells import FACTS

PAGE_KEYS = ["id", "source", *FACTS, "text_from", "text", "stance", "text_confidence", "reason", "model", "run", "lines"]
STANCE_KEYS = ["label", "p", "reason", "coverage", "shares", "lines"]
LINE_KEYS = ["n", "text", "type", "p", "keep", "stance", "p_stance"]
SEEDS = sorted((ROOT / "seeds").glob("*.txt"))


@pytest.fixture(scope="module")
def page_filter(project: Project) -> PageFilter:
    return PageFilter.load(project.filter)


@pytest.fixture
def seed_pages() -> list[Page]:
    return [Page.from_text(path.read_text(encoding="utf-8"), path.stem) for path in SEEDS]


# --- the command line ---------------------------------------------------------------


def test_filter_prints_the_story_without_what_follows(project: Project, cli: Cli) -> None:
    done = cli("filter", SEED_PAGE, "-m", project.filter, "--format", "text")
    assert done.code == 0 and done.err == ""
    source = [line.text for line in Page.from_text(SEED_PAGE.read_text(encoding="utf-8")).lines]
    heading = source.index("Có thể bạn quan tâm")
    printed = done.out.splitlines()
    assert printed[0] == "Điện Kremlin: Chính sách đối ngoại mới của Mỹ phù hợp với Nga"
    kept = [line for line in printed if line]
    assert kept == [line for line in source[:heading] if line in set(kept)], "whole lines of the story, in their order"
    assert len(kept) > heading / 2
    assert not set(source[heading:]) & set(kept)


@pytest.mark.slow
def test_the_champion_of_the_store_is_the_default_model(project: Project, cli: Cli) -> None:
    by_alias = cli("filter", SEED_PAGE, cwd=project.folder)
    assert by_alias.code == 0, by_alias.err
    assert by_alias.out == cli("filter", SEED_PAGE, "-m", project.filter).out


def test_tag_writes_every_line_in_the_documented_form(project: Project, cli: Cli) -> None:
    done = cli("tag", *SEEDS, "-m", project.filter)
    assert (done.code, done.err) == (0, "")
    tagged = done.rows
    assert [row["id"] for row in tagged] == [path.stem for path in SEEDS]
    for path, row in zip(SEEDS, tagged, strict=True):
        page = Page.from_text(path.read_text(encoding="utf-8"))
        assert list(row) == PAGE_KEYS and list(row["stance"]) == STANCE_KEYS
        assert [(line["n"], line["text"]) for line in row["lines"]] == [(line.n, line.text) for line in page.lines]
        for line in row["lines"]:
            assert list(line) == LINE_KEYS and list(line["p"]) == list(TYPES)
            assert line["type"] in TYPES and sum(line["p"].values()) == pytest.approx(1, abs=1e-3)
            assert line["keep"] == (line["type"] in ARTICLE) == (line["p_stance"] is not None)
            assert line["stance"] in (*STANCES, None)
            if line["keep"]:
                assert list(line["p_stance"]) == list(STANCES) and sum(line["p_stance"].values()) == pytest.approx(1, abs=1e-3)
                assert line["stance"] in (None, max(line["p_stance"], key=line["p_stance"].get))
        assert row["text"].splitlines() == [line["text"] for line in row["lines"] if line["keep"]]
        assert row["title"] in (None, *(line["text"] for line in row["lines"] if line["type"] == "title"))
        assert row["stance"]["label"] in STANCES and list(row["stance"]["p"]) == list(STANCES)
        assert 0 <= row["text_confidence"] <= 1 and row["model"]


@pytest.mark.slow
def test_filter_as_jsonl_has_the_same_pages_with_the_kept_lines(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    tagged = cli("tag", *SEEDS, "-m", rules_filter).rows
    kept = [page | {"lines": [line for line in page["lines"] if line["keep"]]} for page in tagged]
    assert cli("filter", *SEEDS, "-m", rules_filter, "--format", "jsonl").rows == kept
    done = cli("filter", *SEEDS, "-m", rules_filter, "-o", "kept.jsonl")
    assert (done.code, done.out) == (0, "")
    assert [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text(encoding="utf-8").splitlines()] == kept


@pytest.mark.slow
def test_every_kind_of_input_gives_the_same_tags(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    text = SEED_PAGE.read_text(encoding="utf-8")
    lines = [line.text for line in Page.from_text(text).lines]
    write_rows(
        tmp_path / "in" / "rows.jsonl", [{"id": "a", "text": text}, {"lines": lines}, {"lines": [{"text": t} for t in lines]}]
    )
    (tmp_path / "in" / "deep").mkdir()
    (tmp_path / "in" / "deep" / "page.txt").write_text(text, encoding="utf-8")
    (tmp_path / "in" / "notes.md").write_text("not read", encoding="utf-8")

    def essence(row: dict[str, Any]) -> list[Any]:
        stance = row["stance"] | {"lines": len(row["stance"]["lines"])}
        return [row["text"], stance, row["text_confidence"], [line | {"n": 0} for line in row["lines"]]]

    folder = cli("tag", "in", "-m", rules_filter).rows
    assert [row["id"] for row in folder] == ["page", "a", "rows-2", "rows-3"]
    piped = cli("tag", "-", "-m", rules_filter, stdin=text.encode()).rows
    piped += cli("tag", "-", "-m", rules_filter, stdin=(tmp_path / "in" / "rows.jsonl").read_bytes()).rows
    assert len(piped) == 4
    for row in [*folder, *piped]:
        assert essence(row) == essence(folder[0])
    assert folder[0]["lines"] == folder[1]["lines"], "text keeps its line numbers, empty lines counted"


@pytest.mark.slow
def test_a_threshold_decides_again_on_the_same_probabilities(rules_filter: Path, cli: Cli) -> None:
    all_lines = cli("tag", SEED_PAGE, "-m", rules_filter, "--threshold", "0").rows[0]["lines"]
    no_lines = cli("tag", SEED_PAGE, "-m", rules_filter, "--threshold", "1").rows[0]["lines"]
    assert all(line["keep"] for line in all_lines) and not any(line["keep"] for line in no_lines)
    assert [line["p"] for line in all_lines] == [line["p"] for line in no_lines]


@pytest.mark.slow
def test_evaluate_prints_one_flat_object(rules_filter: Path, cli: Cli) -> None:
    file = ROOT / "data" / "pages" / "test.jsonl"
    done = cli("evaluate", rules_filter, file, "--json")
    metrics = json.loads(done.out)
    names = ["article_f1", "article_precision", "article_recall", "macro_f1", "page_macro_f1"]
    wanted = {f"type/{name}" for name in names} | {"stance/macro_f1", "end_to_end/stance_macro_f1"}
    assert wanted <= metrics.keys()
    for name in wanted:
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]
    table = cli("evaluate", rules_filter, file).out
    assert (
        f"{metrics['type/article_f1']:.4f}" in table and {"95%", "interval"} <= set(table.split()) and "|guidelines 1.1|" in table
    )


def test_evaluate_warns_of_the_pages_that_the_model_learnt_from(project: Project, cli: Cli) -> None:
    pages = project.data / "pages"
    done = cli("evaluate", pages / "train.jsonl", "--model", project.filter)
    assert done.code == 0 and "type/article_f1" in done.out
    assert done.error.startswith("clfnews: warning: the model was trained on ")
    done = cli("evaluate", pages / "test.jsonl", "-m", project.filter)
    assert (done.code, done.err) == (0, "")
    assert "two models are given" in cli("evaluate", project.filter, pages / "test.jsonl", "-m", project.filter).error


def test_a_filter_says_what_it_is(rules_filter: Path) -> None:
    assert repr(PageFilter.load(rules_filter)) == "PageFilter('rules+lexicon', type='rules', stance='lexicon', threshold=0.5)"


@pytest.mark.slow
def test_evaluate_on_stance_rows(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    texts = {
        "conciliatory": "Hai bên nhất trí nối lại đàm phán.",
        "hostile": "Bộ Quốc phòng dọa sẽ đáp trả.",
        "neutral": "Trời nắng.",
    }
    write_rows(tmp_path / "rows.jsonl", [{"id": label, "text": text, "stance": label} for label, text in texts.items()])
    metrics = json.loads(cli("evaluate", rules_filter, "rows.jsonl", "--json").out)
    assert "stance/macro_f1" in metrics and not any(name.startswith(("type/", "end_to_end/")) for name in metrics)


# --- Python ---------------------------------------------------------------------------


def test_loading_by_folder_alias_and_version(project: Project, store: Any, registered: str, seed_pages: list[Page]) -> None:
    rows = [
        [page.as_row() | {"model": ""} for page in clfnews.load(uri).tag(seed_pages)]
        for uri in (None, registered, "models:/clfnews@champion", str(project.filter))
    ]
    assert rows[0] == rows[1] == rows[2] == rows[3]


def test_tag_keeps_pages_in_order_and_changes_nothing(page_filter: PageFilter, seed_pages: list[Page]) -> None:
    many = [seed_pages[i % len(seed_pages)] for i in range(BATCH + 3)]
    tagged = list(page_filter.tag(iter(many)))
    assert [(page.page.id, page.page.lines) for page in tagged] == [(page.id, page.lines) for page in many]
    alone = next(iter(page_filter.tag([many[-1]])))
    assert tagged[-1].as_row() == alone.as_row()


def test_keep_gives_the_article_as_pages(page_filter: PageFilter, seed_pages: list[Page]) -> None:
    for tagged, kept in zip(page_filter.tag(seed_pages), page_filter.keep(seed_pages), strict=True):
        assert kept.id == tagged.page.id
        assert [(line.n, line.text, line.type, line.stance) for line in kept.lines] == [
            (line.n, line.text, line.type, line.stance) for line in tagged.kept
        ]


def test_the_threshold_can_change_without_the_model(project: Project, seed_pages: list[Page]) -> None:
    page_filter = PageFilter.load(project.filter)
    counts = []
    for threshold in (0.0, 0.2, 0.5, 0.8, 1.0):
        page_filter.threshold = threshold
        counts.append(sum(len(page.kept) for page in page_filter.tag(seed_pages)))
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1] == 0


def test_below_the_confidence_a_stance_is_not_given(project: Project, seed_pages: list[Page]) -> None:
    page_filter = PageFilter.load(project.filter)
    for confidence, abstains in ((0.0, False), (1.01, True)):
        page_filter.min_confidence = confidence
        for page in page_filter.tag(seed_pages):
            assert {line.stance is None for line in page.kept} == {abstains}
            assert all(line.p_stance is not None for line in page.kept)
    assert page_filter.stance(["Hai bên ký thỏa thuận."])[0]["label"] is None


def test_stance_of_texts(page_filter: PageFilter) -> None:
    answers = page_filter.stance(["Hai bên nhất trí nối lại đàm phán.", "", "Một\ndòng\nbị xuống hàng"])
    assert len(answers) == 3
    for answer in answers:
        assert answer["label"] in (*STANCES, None) and sum(answer["p"].values()) == pytest.approx(1, abs=1e-3)
    assert page_filter.stance([]) == []


def test_a_page_without_lines(page_filter: PageFilter) -> None:
    (empty,) = page_filter.tag([Page.from_text("", "empty")])
    assert empty.as_row() == {
        "id": "empty", "source": None, **dict.fromkeys(FACTS), "authors": [], "tags": [], "text_from": "page", "text": "",
        "stance": NO_STANCE.as_row(), "text_confidence": 1.0, "reason": "no text", **asdict(page_filter.origin), "lines": [],
    }  # fmt: skip


def test_lines_are_told_apart_by_their_place_and_not_by_their_number(page_filter: PageFilter, seed_pages: list[Page]) -> None:
    """Rows of a user may carry any `n`."""
    for page in seed_pages:
        (wanted,), (tagged,) = (list(page_filter.tag([p])) for p in (page, page.with_lines(replace(x, n=1) for x in page.lines)))
        assert [line.as_row() | {"n": 1} for line in wanted.lines] == [line.as_row() for line in tagged.lines]
        (kept,) = page_filter.keep([tagged.page])
        assert [line.text for line in kept.lines] == [line.text for line in wanted.kept]


def test_a_saved_filter_answers_the_same(page_filter: PageFilter, seed_pages: list[Page], tmp_path: Path) -> None:
    page_filter.save(tmp_path / "copy")
    again = clfnews.load(str(tmp_path / "copy"))
    rows, wanted = ([p.as_row() | {"model": "", "run": ""} for p in f.tag(seed_pages)] for f in (again, page_filter))
    assert rows == wanted


# --- MLflow ---------------------------------------------------------------------------

CLEAN_PROCESS = """
import importlib.abc, importlib.machinery, json, sys

known = list(sys.path)

class OnlyWithTheModel(importlib.abc.MetaPathFinder):
    "Finds clfnews in folders that MLflow has added, and nowhere else."
    def find_spec(self, name, path=None, target=None):
        if name != "clfnews":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, [p for p in sys.path if p not in known])
        if spec is None:
            raise ModuleNotFoundError("No module named 'clfnews'", name=name)
        return spec

sys.meta_path.insert(0, OnlyWithTheModel())
try:
    import clfnews
except ModuleNotFoundError:
    pass
else:
    sys.exit("clfnews is on the path of the clean process")

import mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/clfnews@champion")
frame = pd.DataFrame({"text": [open(sys.argv[1], encoding="utf-8").read(), "", None]}, index=["x", "y", "z"])
out = model.predict(frame)
import clfnews
print(json.dumps([list(out.index), list(out.columns), out.iloc[0].to_dict(), out["error"].tolist()[1:], clfnews.__file__]))
"""


@pytest.mark.slow
def test_the_pyfunc_needs_no_clfnews(project: Project, tmp_path: Path, page_filter: PageFilter) -> None:
    env = environment(MLFLOW_TRACKING_URI=project.store)
    done = subprocess.run(
        [sys.executable, "-c", CLEAN_PROCESS, str(SEED_PAGE)], cwd=tmp_path, env=env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    index, columns, first, errors, origin = json.loads(done.stdout.splitlines()[-1])
    assert index == ["x", "y", "z"]
    stance = ["stance", "stance_p", "p_conciliatory", "p_hostile", "p_neutral"]
    assert columns[:10] == ["title", "text", *stance, "text_confidence", "lines", "error"]
    assert set(columns[10:]) == {*FACTS, "id", "text_from", "reason", "model", "run"} - {"title"}
    assert (first["language"], first["authors"], first["paywall"]) == ("vi", [], "")
    wanted = next(iter(page_filter.tag([Page.from_text(SEED_PAGE.read_text(encoding="utf-8"))])))
    assert (first["title"], first["text"], first["stance"]) == (wanted.title, wanted.text, wanted.stance.label)
    assert first["date"] == (wanted.page.date or "")
    assert json.loads(first["lines"]) == [line.as_row() for line in wanted.lines]
    assert first["text_confidence"] == wanted.confidence and first["stance_p"] == wanted.stance.as_row()["p"][first["stance"]]
    assert errors == ["has no content: neither 'text' nor 'html' has a value"] * 2 and not Path(origin).is_relative_to(ROOT)


@pytest.mark.slow
def test_the_model_can_be_served(project: Project, tmp_path: Path, page_filter: PageFilter) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/clfnews@champion", "--env-manager", "local"]
    # MLflow starts uvicorn by its name: as in an activated environment.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {"MLFLOW_TRACKING_URI": project.store, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}
    address = f"http://127.0.0.1:{port}"
    arguments = [*command, "--host", "127.0.0.1", "--port", port]
    with (
        (tmp_path / "log.txt").open("wb") as log,
        started(*arguments, cwd=tmp_path, env=env, stdout=log, stderr=log) as server,
    ):

        def answers() -> bool:
            assert server.poll() is None, (tmp_path / "log.txt").read_text()
            try:
                with urllib.request.urlopen(f"{address}/ping", timeout=5) as reply:
                    return bool(reply.status == 200)
            except OSError:
                return False

        wait_for(answers, "the model server")
        records = [{"text": SEED_PAGE.read_text(encoding="utf-8"), "id": "seed"}, {"text": None}, {"text": HTML, "id": 7}]
        body = json.dumps({"dataframe_records": records}).encode()
        request = urllib.request.Request(f"{address}/invocations", body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            predictions = json.load(reply)["predictions"]
    wanted = next(iter(page_filter.tag([Page.from_text(SEED_PAGE.read_text(encoding="utf-8"))])))
    assert predictions[0]["text"] == wanted.text
    assert (predictions[1]["text_confidence"], predictions[1]["text"]) == (0, "") and "has no content" in predictions[1]["error"]
    assert [line["text"] for line in json.loads(predictions[2]["lines"])] == [
        "Trang chủ",
        "Một tin",
        "Câu thứ nhất.",
        "Câu thứ hai.",
    ]


HTML = (
    "<!doctype html><nav><a href=/>Trang chủ</a></nav><article><h1>Một tin</h1><p>Câu thứ nhất.</p><p>Câu thứ hai.</p></article>"
)


def test_the_served_model_reads_rows_as_the_command_line_does(project: Project, registered: str, store: Any) -> None:
    import mlflow
    import pandas as pd

    text, nan = "Hai bên nhất trí nối lại đàm phán.\nMột câu nữa.", float("nan")
    good = [
        (text, "a", "http://x.vn/1"),
        (text, 7, nan),
        (text, nan, None),
        (HTML, 7.0, ""),
        (text, "a", 7),
        (b"<p>x</p>", 1, None),
    ]
    bad = [
        ("", "a", None), (" \n", "a", None), (None, "a", None), (nan, "a", None), (["x"], 2, None), (7, 3, None),
        ({"x": 1}, 4, None), ("a\n" * 60_000, "a", None), ("x" * (33 << 20), "a", None), ((f"{'x' * 99}\n") * 45_000, "a", None),
        ("<p>" + "x</p><p>" * 60_000, "a", None),
    ]  # fmt: skip
    model = mlflow.pyfunc.load_model(registered)
    out = model.predict(pd.DataFrame([*good, *bad], columns=["text", "id", "url"], dtype=object))
    assert (out["error"][: len(good)] == "").all() and (out["error"][len(good) :] != "").all()
    assert len(json.loads(out["lines"][3])) == 4, "HTML in `text`"
    assert out["text"][0] == out["text"][1]
    wrong = out[len(good) :]
    assert (wrong["text_confidence"] == 0).all() and (wrong["stance_p"] == 0).all() and (wrong["lines"] == "[]").all()
    said = ["has more than 50,000 lines", "is larger than 32 MiB", "characters", "lines"]
    for reason, row in zip(said, wrong["error"][7:], strict=True):
        assert reason in row
    assert model.predict(pd.DataFrame({"text": [text], "id": [7]}))["error"].tolist() == [""], "a column of numbers"


def test_the_served_model_reads_text_or_html_and_the_facts_of_a_page(project: Project, registered: str, store: Any) -> None:
    import mlflow
    import pandas as pd

    model = mlflow.pyfunc.load_model(registered)
    facts = {"url": "https://www.x.vn/1", "site": "y.vn", "date": "2024-11-12"}
    rows = [
        {"html": HTML} | facts,
        {"html": HTML, "text": ""},
        {"html": HTML, "text": " \n"},
        {"html": HTML, "text": "Một dòng."},
        {"html": "", "text": "Một dòng."},
        {"html": "", "text": ""} | facts,
        facts,
    ]
    out = model.predict(pd.DataFrame(rows))
    texts = [[line["text"] for line in json.loads(lines)] for lines in out["lines"]]
    assert texts == [texts[0]] * 3 + [["Một dòng."]] * 2 + [[], []] and texts[0][1] == "Một tin"
    assert out[list(facts)].iloc[0].to_dict() == facts
    assert out["error"].tolist() == [""] * 5 + ["has no content: neither 'text' nor 'html' has a value"] * 2
    alone = model.predict(pd.DataFrame([{"html": HTML}]))
    assert alone["lines"].tolist() == out["lines"].tolist()[1:2], "no column of texts"
    for frame in (pd.DataFrame({"body": ["x"]}), pd.DataFrame({"id": ["x"]})):
        with pytest.raises(mlflow.exceptions.MlflowException, match="no column 'text' or 'html'"):
            model.predict(frame)
    assert [*out.columns] == model.metadata.get_output_schema().input_names()


def test_the_stance_has_a_probability_of_its_own(project: Project, registered: str, store: Any) -> None:
    import mlflow
    import pandas as pd

    paths = sorted((ROOT / "seeds").glob("*.txt"))
    frame = pd.DataFrame({"text": [path.read_text(encoding="utf-8") for path in paths] + ["<nav>Menu</nav>"]})
    out = mlflow.pyfunc.load_model(registered).predict(frame)
    for row in out.to_dict("records"):
        assert row["stance_p"] == (row[f"p_{row['stance']}"] if row["stance"] else 0.0)
    assert (out["stance_p"] > 0).any() and (out["stance_p"] != out["text_confidence"]).any()


def test_what_is_no_page_is_told_apart(rules_filter: Path) -> None:
    import clfnews

    page_filter = clfnews.load(str(rules_filter))
    bad = clfnews.BadRecord("a.jsonl", "row 1", "not JSON")
    for pages, said in (([bad], "not a page: BadRecord"), (clfnews.Page.from_text("Tin"), r"tag\(\[page\]\)")):
        with pytest.raises(TypeError, match=said):
            list(page_filter.tag(pages))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"stance\(\[text\]\)"):
        page_filter.stance("Hai bên nhất trí.")
    with pytest.raises(ValueError, match="no markup"):
        clfnews.read_html("pages/a.html")
