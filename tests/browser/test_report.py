"""The HTML report of a run in a browser: offline, by keyboard, on a phone, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from steps import open_report, visit

pytestmark = pytest.mark.browser

CONTRAST = """(selector) => {
  const element = document.querySelector(selector);
  if (!element) return null;
  const parts = (colour) => (colour.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = element;
  while (behind.parentElement && parts(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const pair = [light(getComputedStyle(element).color), light(getComputedStyle(behind).backgroundColor)].sort((a, b) => b - a);
  return (pair[0] + 0.05) / (pair[1] + 0.05);
}"""
"""Contrast of an element's text against what is behind it (WCAG 2)."""


def kinds(page: Page) -> list[str]:
    """Kinds of errors that can be chosen and that occur."""
    offered = page.locator("#kind option:not([hidden])").evaluate_all("all => all.map(x => x.value).filter(Boolean)")
    found = page.locator("details.page:visible").evaluate_all("all => all.flatMap(x => x.dataset.kinds.split(' '))")
    return [kind for kind in offered if kind in found]


def test_it_needs_no_network_and_reports_no_error(browser: Any, report: Path) -> None:
    with visit(browser) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith("file:") else said.append(request.url))
        open_report(page, report)
        for place in ("scores", "labels", "confusion", "curves", "pages", "settings"):
            page.locator(f"nav a[href='#{place}']").click()
            expect(page.locator(f"#{place} h2")).to_be_in_viewport()
        assert said == []


def test_pages_are_filtered_by_kind_of_error_worst_first(browser: Any, report: Path) -> None:
    with visit(browser) as page:
        open_report(page, report)
        for part in ("type-test", "type-validation", "stance-test", "stance-validation"):
            page.locator("#set").select_option(part)
            shown = page.locator("details.page:visible")
            expect(page.locator("#count")).to_contain_text(f"{shown.count()} page")
            weights = {"type": ".bad, .lost", "stance": "[data-kind]"}[part.split("-")[0]]
            wrong = shown.evaluate_all(f"all => all.map(x => x.querySelectorAll('{weights}').length)")
            assert wrong and wrong == sorted(wrong, reverse=True)
            for kind in kinds(page):
                page.locator("#kind").select_option(kind)
                assert all(kind in x.split() for x in shown.evaluate_all("all => all.map(x => x.dataset.kinds)"))
                expect(shown.first.locator(f"[data-kind={kind}]").first).to_be_visible()
                page.locator("#kind").select_option("")


def test_dropped_lines_are_folded_and_open_on_demand(browser: Any, report: Path) -> None:
    with visit(browser) as page:
        open_report(page, report)
        page.locator("#set").select_option("type-validation")
        fold = page.locator("details.page[open] details.fold").first
        line = fold.locator("p").first
        expect(line).to_be_hidden()
        fold.locator("summary").click()
        expect(line).to_be_visible()


def test_the_keyboard_reaches_pages_and_errors(browser: Any, report: Path) -> None:
    with visit(browser) as page:
        open_report(page, report)
        page.locator("#set").select_option("type-validation")
        page.locator("#next").focus()
        page.keyboard.press("Tab")
        first = page.locator("details.page:visible").first
        expect(first.locator("> summary")).to_be_focused()
        page.keyboard.press("Enter")
        expect(first).not_to_have_attribute("open", "")
        page.keyboard.press("j")
        error = page.locator("[data-kind]:focus")
        expect(error).to_be_in_viewport()
        expect(page.locator("#count")).to_contain_text("error 1 of ")
        one = error.inner_text()
        page.keyboard.press("j")
        expect(page.locator("#count")).to_contain_text("error 2 of ")
        page.keyboard.press("k")
        expect(page.locator("[data-kind]:focus")).to_have_text(one)


def test_a_phone_never_scrolls_sideways(browser: Any, report: Path) -> None:
    with visit(browser, viewport={"width": 390, "height": 844}, is_mobile=True) as page:
        open_report(page, report)
        page.locator("details").evaluate_all("all => all.forEach(x => (x.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        table = page.locator(".scroll").first
        assert table.evaluate("x => x.scrollWidth > x.clientWidth && getComputedStyle(x).overflowX === 'auto'")
        assert page.locator("#next").evaluate("x => x.getBoundingClientRect().height") >= 24


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_colour_schemes(browser: Any, report: Path, scheme: str) -> None:
    with visit(browser, color_scheme=scheme) as page:
        open_report(page, report)
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (scheme == "dark")
        lines = (".ok b", ".bad b", ".lost b", ".kind b", ".fold p")
        for selector in ("body", ".note", "small", "td.cell", "td.none", "kbd", *lines):
            ratio = page.evaluate(CONTRAST, selector)
            assert ratio is None or ratio >= 4.5, (selector, ratio)
