"""The MLflow UI on a store that training has written: the run list and the Compare page say what differs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from steps import choose_view, compare, open_runs, run_links, visit

pytestmark = pytest.mark.browser


def test_the_run_list_opens_with_telling_names_and_metrics(browser: Any, runs_link: str) -> None:
    with visit(browser) as page:
        open_runs(page, runs_link)
        expect(run_links(page)).to_have_count(2)
        for name in run_links(page).all_inner_texts():
            assert re.fullmatch(r"\w+ \d\.\d{3} \+ \w+ \d\.\d{3} \| 18 pages", name)
        header = page.locator(".ag-header")
        for column in ("type_oof/article_f1", "stance_oof/macro_f1", "type_validation/article_f1"):
            expect(header.get_by_text(column, exact=True)).to_be_visible()
        cells = page.locator(".ag-row [col-id='metrics.`type_oof/article_f1`']")
        expect(cells.first).to_have_text(re.compile(r"0(\.\d{1,4})?"))


def test_the_views_of_the_tasks_show_their_models(browser: Any, runs_link: str) -> None:
    with visit(browser) as page:
        open_runs(page, runs_link)
        choose_view(page, "All runs", "Type models")
        expect(run_links(page)).to_have_count(5)  # majority twice, rules, fasttext twice
        # The rows of the table stand in the document in any order.
        links = sorted(run_links(page).all(), key=lambda link: (link.bounding_box() or {"y": 0})["y"])
        names = [link.inner_text() for link in links]
        assert all(name.startswith("type ") for name in names)
        scores = [float(name.split()[-1]) for name in names]
        assert scores == sorted(scores, reverse=True)
        choose_view(page, "Type models", "Stance models")
        expect(run_links(page).first).to_contain_text("stance ")


def test_compare_shows_what_differs_and_every_metric(browser: Any, runs_link: str) -> None:
    with visit(browser, viewport={"width": 1280, "height": 3000}) as page:
        open_runs(page, runs_link)
        compare(page, 2)
        plot = page.locator(".js-plotly-plot").first
        # MLflow draws the first metric that it is given: the headline score of one of the tasks, out of fold.
        for axis in (re.compile(r"^best\.type$"), re.compile(r"^(type_oof/article_f1|stance_oof/macro_f1)$")):
            expect(plot.get_by_text(axis)).to_be_visible()

        def row(name: str) -> Any:
            return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))

        for name, values in {
            "seed": {"7", "8"},
            "best.type": {"rules", "fasttext"},
            "type.models": {"rules, fasttext", "fasttext"},
            "clfnews.config": {"tiny.yaml", "other.yaml"},
        }.items():
            for value in values:
                expect(row(name).get_by_role("cell", name=value, exact=True)).to_be_visible()
        # The table of metrics draws only what is in view: the first of them.
        for metric in ("stance_oof/macro_f1", "stance_oof/sides_f1"):
            expect(page.get_by_role("link", name=metric, exact=True)).to_be_visible()
        expect(row("folds")).to_be_visible()
        page.get_by_role("switch", name="Parameters - Show diff only").click()
        expect(row("folds")).to_have_count(0)
        expect(row("seed")).to_be_visible()


def test_charts_are_grouped_by_task_and_few_enough_to_read(browser: Any, runs_link: str) -> None:
    with visit(browser) as page:
        open_runs(page, f"{runs_link}&compareRunsMode=CHART")
        sections = page.get_by_test_id("experiment-view-compare-runs-section-header")
        for group in ("stance_oof", "stance_test", "type_oof", "type_run", "type_test", "type_validation"):
            section = sections.filter(has=page.get_by_text(group, exact=True))
            expect(section).to_contain_text(re.compile(r"\([1-9]\d*\)"))
            assert int(re.findall(r"\((\d+)\)", section.inner_text())[0]) <= 12


def test_a_run_describes_itself_and_shows_its_report(browser: Any, runs_link: str) -> None:
    with visit(browser) as page:
        open_runs(page, runs_link)
        run_links(page).first.click()
        expect(page.get_by_role("cell", name=re.compile(r"\w+ \(champion\)")).first).to_be_visible()
        page.goto(re.sub(r"\?.*", "", page.url) + "/artifacts/report.html")
        expect(page.frame_locator("iframe").locator("#count")).to_contain_text("page")
