"""The page of `clfnews serve` in a browser: paste, look, filter, copy; also without scripts, on a phone, in the dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import SEED_PAGE
from playwright.sync_api import expect
from steps import show_page, visit
from test_report import CONTRAST

pytestmark = pytest.mark.browser

TEXT = SEED_PAGE.read_text(encoding="utf-8")


def test_a_pasted_page_shows_kept_and_dropped_lines(browser: Any, served: str) -> None:
    with visit(browser) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith((served, "data:")) else said.append(request.url))
        show_page(page, served, TEXT)
        kept, dropped = page.locator(".line.ok"), page.locator(".line.drop")
        counts = kept.count(), dropped.count()
        assert all(counts) and page.locator(".line:visible").count() == sum(counts)
        page.get_by_text(f"kept {counts[0]}", exact=True).click()
        expect(kept.first).to_be_visible()
        expect(dropped.first).to_be_hidden()
        page.get_by_text(f"dropped {counts[1]}", exact=True).click()
        expect(kept.first).to_be_hidden()
        expect(dropped.first).to_be_visible()
        expect(page.locator("#article p")).not_to_have_count(0)
        assert said == []


def test_a_file_is_uploaded_and_another_page_follows(browser: Any, served: str, tmp_path: Path) -> None:
    file = tmp_path / "tin.html"
    file.write_text("<!doctype html><html><body><h1>Tin mới</h1><p>Một đoạn văn.</p></body></html>", encoding="utf-8")
    with visit(browser) as page:
        page.goto(served)
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Find the article").click()
        expect(page.locator(".line")).to_have_count(2)
        page.get_by_text("Another page").click()
        page.get_by_label("Paste the text or the HTML").fill("một dòng\nhai dòng\nba dòng")
        page.get_by_role("button", name="Find the article").click()
        expect(page.locator(".line")).to_have_count(3)


def test_a_file_that_is_too_large_is_told_on_the_page(browser: Any, served: str, tmp_path: Path) -> None:
    file = tmp_path / "large.txt"
    file.write_bytes(b"a line\n" * 1_500_000)
    with visit(browser) as page:
        page.goto(served)
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Find the article").click()
        expect(page.get_by_role("alert")).to_contain_text("larger than 8 MiB")


def test_the_article_is_copied_whole(browser: Any, served: str) -> None:
    with visit(browser, permissions=["clipboard-read", "clipboard-write"]) as page:
        show_page(page, served, TEXT)
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        kept = page.locator(".line.ok > p").all_inner_texts()
        assert page.evaluate("navigator.clipboard.readText()").split("\n") == kept


def test_scripts_of_a_page_do_not_run(browser: Any, served: str) -> None:
    with visit(browser) as page:
        asked: list[str] = []
        page.on("dialog", lambda dialog: asked.append(dialog.message))
        attack = "</textarea><script>alert(1)</script><img src=x onerror=alert(2)>"
        show_page(page, served, f"{attack}\n{TEXT}")
        expect(page.locator(".line > p").first).to_have_text(attack)
        assert asked == [] and page.locator("main img, main script").count() == 0


def test_it_does_its_job_without_scripts(browser: Any, served: str) -> None:
    with visit(browser, java_script_enabled=False) as page:
        show_page(page, served, TEXT)
        page.locator("label[for=show-kept]").click()
        expect(page.locator(".line.drop").first).to_be_hidden()
        expect(page.get_by_role("button", name="Copy")).to_be_hidden()


def test_the_keyboard_reaches_everything(browser: Any, served: str) -> None:
    with visit(browser) as page:
        page.goto(served)
        page.get_by_label("Paste the text or the HTML").focus()
        page.keyboard.insert_text(TEXT)
        for _ in range(8):
            page.keyboard.press("Tab")
            if page.locator("button.main:focus").count():
                break
        page.keyboard.press("Enter")
        expect(page.locator(".line").first).to_be_visible()
        page.locator("#show-all").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator(".line.drop").first).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_colour_schemes(browser: Any, served: str, scheme: str) -> None:
    with visit(browser, color_scheme=scheme) as page:
        show_page(page, served, TEXT)
        for selector in (".note", ".line.ok b", ".line.ok > i", ".line.drop p", ".line.drop b", ".chips input:checked + label",
                         ".why summary", ".tiles strong", ".model", "footer a"):  # fmt: skip
            ratio = page.evaluate(CONTRAST, selector)
            assert ratio is None or ratio >= 4.5, (selector, ratio)
        page.goto(served)
        assert page.evaluate(CONTRAST, "button.main") >= 4.5


def test_a_phone_never_scrolls_sideways(browser: Any, served: str) -> None:
    with visit(browser, viewport={"width": 390, "height": 844}, is_mobile=True) as page:
        page.goto(served)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        show_page(page, served, f"{'x' * 500}\n{TEXT}")
        page.locator(".why summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
