"""Runs looked up, compared and shown: on the session's training and one more."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Cli, Project, tiny_config

from clfnews.config.schema import Config
from clfnews.data.corpus import Corpus
from clfnews.errors import UserError
from clfnews.evaluation.compare import compare_runs, headline_first
from clfnews.evaluation.metrics import HEADLINE
from clfnews.evaluation.predictions import END_TO_END, PredictedPart, RunData, read_parts, write_parts
from clfnews.evaluation.results import parts_of
from clfnews.evaluation.scores import Bootstrap, signature
from clfnews.evaluation.verdict import deciding, judge, on_shared_pages
from clfnews.labels import TYPES
from clfnews.page import Line, Page
from clfnews.reports.curves import operating_point, precision_recall
from clfnews.reports.html_report import render
from clfnews.reports.worst_pages import worst_pages
from clfnews.tracking.runs import filter_of, list_runs, load_run, promote
from clfnews.training.train import train


@pytest.fixture
def first(store: Any, registered: str) -> RunData:
    """The session's training."""
    return load_run(registered)


@pytest.fixture(scope="module")
def other_id(project: Project) -> str:
    """A second training in the same store, with another seed and without the rules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", project.store)
        patch.chdir(project.folder)
        values = tiny_config(seed=8, tracking={"registered_model": None, "run_name": "without rules"})
        values["type"]["models"]["rules"] = None
        values["type"]["models"]["fasttext"] = {"dim": 8, "epoch": 20, "lr": 0.8, "bucket": 1000}
        outcome = train(Config.model_validate(values))
        assert outcome.run is not None
        return outcome.run.run_id


def part_of(probabilities: list[list[float]], pages: tuple[Page, ...], model: str = "m") -> PredictedPart:
    """A type part of given p(body); the rest is ui."""
    corpus = Corpus("small", pages, tuple(page.id for page in pages))
    p = []
    for row in probabilities:
        rows = np.zeros((len(row), len(TYPES)))
        rows[:, TYPES.index("body")], rows[:, TYPES.index("ui")] = row, 1 - np.array(row)
        p.append(rows)
    bootstrap = Bootstrap(200)
    return PredictedPart("type", model, "test", corpus, p, 0.5, bootstrap, signature(corpus, bootstrap))


def run_of(part: PredictedPart, **params: str) -> RunData:
    return RunData("0" * 32, part.model, params, {}, {"type": part.model}, {}, {("type", part.model, "test"): part})


LINES = (Line("Thân bài <script>alert('x')</script>", 1, "body"), Line("Menu & co", 2, "ui"), Line("Cuối", 3, "body"))
PAGES = (
    Page("p0", LINES, site="a"),
    Page("p1", (Line("Đầu", 1, "ui"), Line("Bài", 2, "body")), site="b"),
)


# --- what is kept ---------------------------------------------------------------------


def test_what_a_run_predicted_is_read_back_with_its_scores(project: Project, first: RunData) -> None:
    assert {(task, name) for task, _, name in first.parts} == {
        (task, name) for task in ("type", "stance") for name in ("oof", "validation", "test")
    } | {(END_TO_END, "test")}
    for (task, model, name), part in first.parts.items():
        if task == END_TO_END:
            continue
        logged = first.metrics[task, model]
        metric = HEADLINE[task]
        key = metric.replace("/", f"_{name}/", 1)
        assert part.scores().values[metric] == pytest.approx(logged[key], abs=1e-4)
        if name == "test":
            assert part.scores().low[metric] == pytest.approx(logged[f"{key}_low"], abs=1e-4)


def test_predictions_are_the_same_bytes_every_time(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    outcome = train(Config.model_validate(tiny_config()), track=False)
    for name in ("one", "two"):
        write_parts(tmp_path / name, parts_of(outcome))
    written = {path.relative_to(tmp_path / "one"): path.read_bytes() for path in (tmp_path / "one").rglob("*.gz")}
    assert written == {path.relative_to(tmp_path / "two"): path.read_bytes() for path in (tmp_path / "two").rglob("*.gz")}
    for key, part in read_parts(tmp_path / "one").items():
        assert part.decisions() == parts_of(outcome)[key].decisions()
    path = next((tmp_path / "one" / "pages").glob("pages-test.jsonl.gz"))
    head, *rows = gzip.decompress(path.read_bytes()).decode().splitlines()
    changed = json.loads(rows[0])
    changed["lines"][0]["text"] += "!"
    path.write_bytes(gzip.compress("\n".join([head, json.dumps(changed), *rows[1:]]).encode()))
    with pytest.raises(UserError, match="not those that were written"):
        read_parts(tmp_path / "one")


# --- how runs are found ---------------------------------------------------------------


def test_a_run_by_id_name_last_best_and_uri(store: Any, first: RunData, other_id: str, registered: str) -> None:
    assert load_run(other_id[:10]).id == load_run("without rules").id == other_id
    assert load_run(first.id).id == load_run("models:/clfnews@champion").id == load_run(f"runs:/{first.id}/model").id == first.id
    assert load_run("last").id
    found = store.search_runs([store.get_run(first.id).info.experiment_id], "tags.`clfnews.kind` = 'train'")
    sums = {run.info.run_id: sum(run.data.metrics[m.replace("/", "_validation/", 1)] for m in HEADLINE.values()) for run in found}
    best = load_run("best")
    assert sums[best.id] == max(sums.values())
    assert filter_of(other_id).name.startswith("fasttext+")


def test_the_run_of_one_model(store: Any, first: RunData) -> None:
    experiment = store.get_run(first.id).info.experiment_id
    children = store.search_runs([experiment], f"tags.mlflow.parentRunId = '{first.id}' and tags.model = 'fasttext'")
    run = load_run(children[0].info.run_id)
    assert run.champions == {"type": "fasttext"} and {key[:2] for key in run.parts} == {("type", "fasttext")}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bst", r"no run 'bst' in experiment 'clfnews' \(did you mean 'best'"),
        ("models:/clfnews/99", "no model models:/clfnews/99"),
        ("models:/clfnewz/1", r"no model models:/clfnewz/1 in .* \(did you mean 'clfnews'\?\); train one"),
        ("models:/clfnews", "models:/clfnews: no version is given; models:/clfnews@champion is the champion"),
        ("abcdef123456", "no run 'abcdef123456'"),
    ],
)
def test_a_run_that_is_not_there(store: Any, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_run(name)
    with pytest.raises(UserError, match="no experiment 'none'"):
        load_run("last", "none")


def test_looking_for_runs_makes_no_store(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    for look in (list_runs, lambda: promote("1"), lambda: promote("last"), lambda: load_run("models:/clfnews/1")):
        with pytest.raises(UserError, match="train"):
            look()
    assert list(tmp_path.iterdir()) == []


# --- the comparison -------------------------------------------------------------------


def test_a_run_compared_with_itself_differs_in_nothing(first: RunData) -> None:
    outcome = compare_runs(first, first)
    assert outcome.settings == [] and len(outcome.parts) == 7
    for part in outcome.parts:
        assert part.refusal is None and part.lines == [] and part.pages == []
        assert all(delta == (0, 0, 0) for _, _, _, delta in part.metrics)


def test_settings_scores_and_lines_of_two_runs(store: Any, first: RunData, other_id: str) -> None:
    other = load_run(other_id)
    outcome = compare_runs(first, other)
    settings = {key: (a, b) for key, a, b in outcome.settings}
    assert settings["seed"] == ("7", "8") and settings["best.type"] == ("rules", "fasttext")
    assert settings["type.models"] == ("rules, fasttext", "fasttext")
    part = next(part for part in outcome.parts if (part.task, part.set) == ("type", "test"))
    values = {name: (a, b, delta) for name, a, b, delta in part.metrics}
    a, b, (delta, low, high) = values["type/article_f1"]
    assert a == pytest.approx(first.metrics["type", "rules"]["type_test/article_f1"], abs=1e-4)
    assert b == pytest.approx(other.metrics["type", "fasttext"]["type_test/article_f1"], abs=1e-4)
    assert delta == pytest.approx(b - a) and low <= delta <= high
    assert sum(part.counts().values()) == len(part.lines) > 0
    assert all(line.a != line.b for line in part.lines)


def test_who_is_right_and_which_pages_changed() -> None:
    a, b = part_of([[0.9, 0.9, 0.9], [0.1, 0.9]], PAGES, "a"), part_of([[0.9, 0.1, 0.1], [0.1, 0.9]], PAGES, "b")
    (part,) = compare_runs(run_of(a, x="1"), run_of(b, x="2", y="3")).parts
    assert [(line.page, line.n, line.right) for line in part.lines] == [("p0", 2, "b"), ("p0", 3, "a")]
    assert part.pages == []  # one wrong line each
    c = part_of([[0.9, 0.1, 0.9], [0.9, 0.9]], PAGES, "c")
    (part,) = compare_runs(run_of(a), run_of(c)).parts
    assert part.pages == [("p0", 1, 0), ("p1", 0, 1)]
    assert [line.right for line in part.lines] == ["b", "a"]


def many(p: list[float]) -> tuple[PredictedPart, PredictedPart]:
    """Two parts on pages of a body line and a menu each: one finds every line, the other p(body) of the body lines as given."""
    pages = tuple(Page(f"p{i}", (Line("Thân bài", 1, "body"), Line("Menu", 2, "ui"))) for i in range(len(p)))
    return part_of([[0.9, 0.1]] * len(p), pages, "right"), part_of([[x, 0.1] for x in p], pages, "given")


def test_a_verdict_needs_ten_groups() -> None:
    for n, said in ((9, "cannot tell"), (10, "worse")):
        (part,) = compare_runs(*map(run_of, many([0.1] * n))).parts
        _, _, _, (delta, low, high) = headline_first(part)[0]
        assert delta == low == high == -1 and part.groups == n
        assert part.verdict() == said and part.sure(low, high) == (n == 10)
    right, given = many([0.1] * 10)
    (part,) = compare_runs(run_of(given), run_of(right)).parts
    assert part.verdict() == "better"
    (part,) = compare_runs(*map(run_of, many([0.9] * 12))).parts
    assert part.verdict() == "cannot tell"


def test_sets_come_in_the_order_in_which_they_may_decide(first: RunData, other_id: str) -> None:
    parts = compare_runs(first, load_run(other_id)).parts
    assert [(part.task, part.set) for part in parts] == [
        *((task, name) for task in ("type", "stance") for name in ("oof", "validation", "test")), (END_TO_END, "test"),
    ]  # fmt: skip


def test_numbers_of_other_data_are_not_set_side_by_side() -> None:
    a = part_of([[0.9, 0.1, 0.9], [0.1, 0.9]], PAGES, "a")
    b = part_of([[0.9, 0.1, 0.9]], PAGES[:1], "b")
    (part,) = compare_runs(run_of(a), run_of(b)).parts
    assert part.metrics == [] and part.lines == []
    assert part.refusal is not None and "data " in part.refusal
    assert "small 2 pages 5 lines / small 1 pages 3 lines" in part.refusal
    other_version = replace(a, model="c", signature=a.signature.replace("clfnews ", "clfnews 9."))
    (part,) = compare_runs(run_of(a), run_of(other_version)).parts
    assert part.refusal is not None and "clfnews 9." in part.refusal


@pytest.mark.slow
def test_the_command_says_the_verdict_then_scores_settings_and_lines(
    project: Project, cli: Cli, other_id: str, registered: str
) -> None:
    env = {"MLFLOW_TRACKING_URI": project.store, "COLUMNS": "80"}
    done = cli("compare", registered, other_id[:8], env=env)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert len(lines) <= 24, "it fits a screen"
    assert lines[0].startswith("a: ") and lines[1].startswith("b: ")
    said = r"(cannot tell which is better|b is (better|worse) than a)"
    assert re.match(
        r"type: cannot tell which is better: article_f1 0\.\d+ against 0\.\d+ out of fold, \S+ -, 6 groups, too few", lines[2]
    )
    assert re.match(rf"stance: {said}: macro_f1 \S+ against \S+ out of fold, \S+ \[\S+ \S+\], 24 groups", lines[3])
    assert "settings: " in done.out and "lines labelled differently; a is right" in done.out
    assert "+ b is better, - b is worse, beyond the interval; interval - below 10 groups" in done.out
    table = [line for line in lines if re.match(r" [ +-] +(type|stance) ", line) or line.startswith("    type")]
    assert len(table) >= 7 and max(map(len, table)) <= 80
    every = cli("compare", registered, other_id[:8], "--all", env=env).out
    assert "best.type: rules -> fasttext\n" in every and "page_macro_f1" in every and "wrong lines of a" in every
    assert every.count("|guidelines ") == 6 and len(every) > 2 * len(done.out)
    on = cli("compare", project.filter, other_id, "--on", project.data / "pages" / "validation.jsonl", env=env)
    assert on.code == 0 and "type model" in on.out and "end to end" in on.out
    same = cli("compare", registered, registered, env=env)
    assert same.code == 0 and "no setting differs" in same.out and same.out.count("every line is labelled the same") == 2
    assert cli("compare", "nothing", "last", env=env).code == 2


def test_validation_decides_where_it_is_large_enough_and_else_out_of_fold() -> None:
    assert deciding({"oof": 24, "validation": 30, "test": 5}) == "validation"
    assert deciding({"oof": 24, "validation": 9, "test": 50}) == "oof"
    assert deciding({"validation": 9, "test": 50}) == "validation" and deciding({"own.jsonl": 3}) == "own.jsonl"
    assert deciding({}) is None


def test_parts_of_other_data_are_judged_on_the_pages_they_share() -> None:
    right, given = many([0.1] * 12)
    fewer = replace(given, corpus=given.corpus.select(range(11)), p=given.p[:11], signature="other")
    shared = on_shared_pages(right, fewer)
    assert shared is not None and len(shared[0].corpus) == len(shared[1].corpus) == 11
    verdict = judge(*shared)
    assert (verdict.said, verdict.groups) == ("worse", 11) and str(verdict).startswith(
        "article_f1 0.0000 against 1.0000 on test, -1"
    )
    strange = replace(given, corpus=replace(given.corpus, pages=tuple(replace(p, id=f"x{p.id}") for p in given.corpus.pages)))
    assert on_shared_pages(right, strange) is None


# --- the report -----------------------------------------------------------------------


class Checker(HTMLParser):
    """Open elements, and everything that would be fetched."""

    VOID = frozenset({"meta", "br", "input", "link", "img", "line"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.count: dict[str, int] = {}
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.count[tag] = self.count.get(tag, 0) + 1
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            if name in ("src", "href") and value and value.startswith("#"):
                self.links.add(value[1:])
            elif name in ("src", "href", "action"):
                self.fetched.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open and self.open[-1] == tag, (tag, self.open[-3:], self.getpos())
            self.open.pop()


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    assert checker.open == [] and checker.fetched == []
    assert checker.links <= checker.ids
    return checker


def test_the_report_of_a_run_needs_nothing_else_and_is_well_formed(first: RunData, store: Any, tmp_path: Path) -> None:
    text = Path(store.download_artifacts(first.id, "report.html", str(tmp_path))).read_text(encoding="utf-8")
    checker = checked(text)
    pages = sum(len(part.corpus) for (task, name), part in first.compared().items() if task != END_TO_END and name != "oof")
    assert checker.count["svg"] == 5
    assert text.count('<details class="page"') == pages
    assert "http://" not in text.replace("http://www.w3.org", "").split("<main>")[0]
    for (_, _, name), part in first.parts.items():
        assert (part.signature in text) == (name != "oof")
    assert 'name="viewport"' in text and "prefers-color-scheme: dark" in text and "focus-visible" in text


def test_text_of_pages_is_escaped_and_errors_are_marked() -> None:
    text = render(run_of(part_of([[0.9, 0.9, 0.1], [0.1, 0.9]], PAGES)))
    checker = checked(text)
    assert checker.count["script"] == 1 and "alert(&#39;x&#39;)" in text and "Menu &amp; co" in text
    assert "article lost: body, not ui" in text and "noise kept: ui, not body" in text
    assert render(run_of(part_of([[0.9, 0.9, 0.1], [0.1, 0.9]], PAGES))) == text


def test_names_cannot_break_out_of_the_report() -> None:
    hostile = """"><script>alert(1)</script>'"""
    pages = tuple(replace(page, id=hostile, site=hostile) for page in PAGES)
    part = replace(part_of([[0.9, 0.9, 0.1], [0.1, 0.9]], pages, model=hostile), set="test")
    run = replace(run_of(part), name=hostile, params={hostile: hostile}, tags={"clfnews.version": hostile})
    text = render(run)
    assert checked(text).count["script"] == 1
    assert "<script>alert" not in text and "&#34;&gt;&lt;script&gt;" in text


def test_the_worst_page_comes_first_and_dropped_lines_are_folded() -> None:
    part = part_of([[0.9, 0.1, 0.9], [0.9, 0.1]], PAGES)
    worst, right = worst_pages(part)
    assert "p1" in worst.summary and worst.kinds == "article-lost noise-kept"
    assert [block.folded for block in worst.blocks] == [False]
    assert right.kinds == "" and [(block.folded, len(block.lines)) for block in right.blocks] == [
        (False, 1), (True, 1), (False, 1),
    ]  # fmt: skip
    text = render(run_of(part))
    assert text.count("1 dropped line<") == 1 and text.index(">p1 ·") < text.index(">p0 ·")


def test_the_curve_has_a_point_for_each_cut_that_can_be_made() -> None:
    p, gold = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    recall, precision = precision_recall(p, gold)
    # Two lines of the same p are kept together or not at all.
    assert recall.tolist() == [0.5, 1, 1] and precision.tolist() == pytest.approx([1, 2 / 3, 0.5])
    assert operating_point(p, gold, 0.5) == (recall[1], precision[1])
    assert [len(axis) for axis in precision_recall(p, np.zeros(4, dtype=bool))] == [0, 0]


def test_the_report_leaves_scores_of_absent_labels_blank() -> None:
    text = render(run_of(part_of([[0.9, 0.9, 0.1], [0.1, 0.9]], PAGES)))
    assert '<tr><th scope="row">caption</th><td>0</td><td></td><td></td><td></td><td></td></tr>' in text


@pytest.mark.slow
def test_the_report_command(project: Project, cli: Cli, tmp_path: Path, registered: str) -> None:
    env = {"MLFLOW_TRACKING_URI": project.store}
    done = cli("report", registered, "-o", "run.html", env=env)
    assert done.code == 0 and done.out == "run.html\n"
    checked((tmp_path / "run.html").read_text(encoding="utf-8"))
    assert cli("report", registered, "-o", "nowhere/run.html", env=env).error.startswith("clfnews: nowhere/run.html: ")
