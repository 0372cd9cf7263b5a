"""Chromium, and the steps of a user in the MLflow UI and in the report of a run."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers import command, started, wait_for
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 60_000
"""Milliseconds that a step may take; the limit only ends a test that hangs."""
_NO_ASSISTANT = """
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
"""
"""The UI opens a chat panel on the first visit; a user closes it once."""


def chromium_path() -> str | None:
    """The installed Chromium, or `CHROMIUM`."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium with a profile of its own."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a new session; addresses outside this machine are cut off."""
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_NO_ASSISTANT)
    context.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), lambda route: route.abort())
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def serving(folder: Path, env: dict[str, str] | None = None) -> Iterator[str]:
    """`clfnews ui` in a folder, on a free port; the link that it prints, once the server answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with started(*command("ui", "--port", port), cwd=folder, env=env, stderr=None) as server:
        link = server.stdout.readline().decode().strip()
        assert link.startswith("runs: http://127.0.0.1:"), link

        def answers() -> bool:
            assert server.poll() is None, "clfnews ui has ended"
            with socket.socket() as probe:
                probe.settimeout(5)
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_for(answers, "the MLflow UI")
        yield link.removeprefix("runs: ")


@contextmanager
def serving_filter(model: Path | str | None, folder: Path, env: dict[str, str] | None = None) -> Iterator[str]:
    """`clfnews serve` on a free port; the link that it prints. Without a model: the champion of the store in use."""
    chosen = () if model is None else ("--model", model)
    with started(*command("serve", "--port", 0, *chosen), cwd=folder, env=env, stderr=None) as server:
        link = server.stdout.readline().decode().strip()
        assert link.startswith("http://127.0.0.1:"), link
        yield link


# --- the MLflow UI ------------------------------------------------------------------


def open_runs(page: Page, link: str) -> None:
    """The run list, with its rows."""
    page.goto(link)
    expect(run_links(page).first).to_be_visible()


def run_links(page: Page) -> Locator:
    """Names of the runs in the list."""
    return page.locator('.ag-row a[href*="/runs/"]')


def open_children(page: Page, i: int) -> None:
    """Open a training in the run list, so that its models show."""
    shown = run_links(page).count()
    page.locator(".ag-row [col-id='attributes.`Run Name`'] button").nth(i).click()
    expect(run_links(page).nth(shown)).to_be_visible()


def choose_view(page: Page, present: str, name: str) -> None:
    """Choose another saved view in the menu, which shows the name of the present one."""
    page.get_by_role("button", name=present, exact=True).click()
    page.locator("[data-testid^='saved-views-item-']").get_by_text(name, exact=True).click()
    expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()


def compare(page: Page, n: int) -> None:
    """Select the first runs of the list and open the Compare page."""
    boxes = page.locator('.ag-row input[aria-label*="row selection"]')
    for i in range(n):
        boxes.nth(i).check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text(f"Comparing {n} Runs")).to_be_visible()
    expect(page.locator(".js-plotly-plot .parcoords").first).to_be_visible()


# --- the page of clfnews serve ------------------------------------------------------


def show_page(page: Page, link: str, text: str) -> None:
    """Paste a text and send it."""
    page.goto(link)
    page.get_by_label("Paste the text or the HTML").fill(text)
    page.get_by_role("button", name="Find the article").click()
    expect(page.locator(".line").first).to_be_visible()


# --- the report ---------------------------------------------------------------------


def open_report(page: Page, file: Path) -> None:
    """The HTML report, once its script has run."""
    page.goto(file.resolve().as_uri())
    expect(page.locator("#count")).not_to_be_empty()
