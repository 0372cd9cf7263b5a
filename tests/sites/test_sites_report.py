"""The site report, its alarm, and the commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import Cli, write_rows
from site_pages import page, story

from clfnews.page import Page
from clfnews.sites.memory import SiteMemory
from clfnews.sites.report import site_report


def moved(number: int) -> Page:
    """A page of the site after its layout has changed."""
    lines = ["Start", "Opinion pages", *story(number), f"Seen {number} times", "Contact the editors of the new site"]
    return Page.from_lines(lines, f"m{number}", site="a.example")


def test_an_alarm_tells_that_a_layout_has_changed() -> None:
    memory = SiteMemory.fit(page(i) for i in range(48))
    assert site_report(memory, "a.example").alarm is None
    for i in range(100, 116):
        memory.add(moved(i))
    assert "share of known places fell from 1.00 to" in str(site_report(memory, "a.example").alarm)


def test_an_alarm_tells_that_the_expected_f1_has_fallen() -> None:
    memory = SiteMemory()
    for i in range(48):
        memory.add(page(i), confidence=0.95)
    for i in range(48, 64):
        memory.add(page(i), confidence=0.6)
    report = site_report(memory, "a.example")
    assert report.alarm == "expected F1 fell from 0.95 to 0.60"
    assert [period.pages for period in report.periods] == [16] * 4


def test_few_pages_are_no_alarm() -> None:
    memory = SiteMemory()
    for i in range(20):
        memory.add(page(i), confidence=0.9 if i < 10 else 0.1)
    assert site_report(memory, "a.example").alarm is None


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    made = [{"id": p.id, "site": p.site, "lines": [line.text for line in p.lines]} for p in (page(i) for i in range(40))]
    made[0]["lines"] = ["\u001b[31mred menu", *made[0]["lines"]]
    for row in made[1:6]:
        row["lines"] = ["\u001b[31mred menu", *row["lines"]]
    return write_rows(tmp_path / "in.jsonl", [*made, {"id": "none", "lines": ["no site"]}])


def test_sites_fit_and_show(cli: Cli, rows: Path, rules_filter: Path) -> None:
    done = cli("sites", "fit", rows, "-o", "sites.npz", "--model", rules_filter)
    assert done.code == 0 and done.out.startswith("1 site, 40 pages, ")
    assert "1 page left out" in done.err
    table = cli("sites", "show", "sites.npz")
    assert table.code == 0 and "a.example" in table.out and "40" in table.out
    one = cli("sites", "show", "sites.npz", "a.example")
    assert "1.00  Home" in one.out and "40 pages of 40 distinct stories" in one.out
    assert "\x1b" not in one.out, "lines from the web do not steer the terminal"
    assert cli("sites", "show", "sites.npz", "--alarm").code == 0
    wrong = cli("sites", "show", "sites.npz", "b.example")
    assert wrong.code == 2 and "no site 'b.example' in the memory (did you mean 'a.example'?)" in wrong.error


def test_a_crawl_goes_on_and_the_alarm_is_an_exit_code(cli: Cli, rows: Path, tmp_path: Path) -> None:
    assert cli("sites", "fit", rows, "-o", "sites.npz", "--unread", "-q").code == 0
    new = [{"id": p.id, "site": p.site, "lines": [line.text for line in p.lines]} for p in (moved(i) for i in range(100, 120))]
    write_rows(tmp_path / "new.jsonl", new)
    assert cli("sites", "fit", "new.jsonl", "--onto", "sites.npz", "-o", "sites.npz", "--unread").code == 0
    done = cli("sites", "show", "sites.npz", "--alarm")
    assert done.code == 1 and "share of known places fell" in done.out


def test_mistakes_are_one_line(cli: Cli, rows: Path, rules_filter: Path, tmp_path: Path) -> None:
    assert "no such file" in cli("sites", "show", "nowhere.npz").error
    (tmp_path / "bad.npz").write_text("x", encoding="utf-8")
    assert "no memory of sites, or damaged" in cli("sites", "show", "bad.npz").error
    done = cli("tag", rows, "--sites", "auto", "--model", rules_filter)
    assert done.code == 2 and "trained without what a memory of sites is worth" in done.error
