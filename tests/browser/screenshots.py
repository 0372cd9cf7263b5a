"""Screenshots for the README, from the store in use: the run list, the Compare page, a report, the page of a server.

    python tests/browser/screenshots.py            # the store here, or MLFLOW_TRACKING_URI
    python tests/browser/screenshots.py MODEL      # only the server's page, with the filter of a folder

The newest two trainings of the list are compared; the report is that of the
newest; the champion is served. A picture above 200 kB is an error.
"""

from __future__ import annotations

import os
import sys
import tempfile
from io import BytesIO
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from helpers import run
from PIL import Image
from playwright.sync_api import Page
from steps import chromium, compare, open_children, open_report, open_runs, serving, serving_filter, visit

FOLDER = HERE / "screenshots"
LARGEST = 200_000


def main() -> None:
    """Write the pictures and print their sizes."""
    FOLDER.mkdir(exist_ok=True)
    here, model = Path.cwd(), next(iter(sys.argv[1:]), None)
    env = {"MLFLOW_TRACKING_URI": uri} if (uri := os.environ.get("MLFLOW_TRACKING_URI")) else {}
    take_server(model, here, env)
    if model is None:
        take_runs(here, env)


def take_server(model: str | None, here: Path, env: dict[str, str]) -> None:
    """The whole page that a server shows of its Vietnamese example, with the reasons of one stance."""
    with chromium() as browser, serving_filter(model, here, env) as link, visit(browser) as page:
        page.goto(f"{link}?example=vietnamese")
        page.get_by_role("button", name="Find the article").click()
        page.locator(".why summary").nth(1).click()
        page.evaluate("scrollTo(0, 0)")
        save(page, "serve.png", full_page=True)


def take_runs(here: Path, env: dict[str, str]) -> None:
    """The run list, the Compare page and the report."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        report = Path(folder) / "report.html"
        done = run("report", "last", "-o", report, cwd=here, env=env)
        if done.code:
            sys.exit(done.err)
        with serving(here, env) as link:
            with visit(browser, viewport={"width": 1400, "height": 780}) as page:
                open_runs(page, link)
                open_children(page, 0)
                page.get_by_label("Hide banner").click()
                save(page, "runs.png")
            with visit(browser, viewport={"width": 1280, "height": 1150}) as page:
                open_runs(page, link)
                compare(page, 2)
                for table in ("Parameters", "Metrics"):
                    page.get_by_role("switch", name=f"{table} - Show diff only").click()
                page.get_by_text("Comparing 2 Runs").scroll_into_view_if_needed()
                save(page, "compare.png")
        with visit(browser) as page:
            open_report(page, report)
            save(page, "report.png")
            page.locator("#next").click()
            page.locator("#pages").evaluate("x => x.scrollIntoView()")
            save(page, "report-pages.png")


def save(page: Page, name: str, *, full_page: bool = False) -> None:
    """A picture of what is in view, or of the full page, in 256 colours."""
    path = FOLDER / name
    page.mouse.move(0, 0)
    taken = Image.open(BytesIO(page.screenshot(animations="disabled", full_page=full_page)))
    taken.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path}: {size // 1000} kB")
    if size > LARGEST:
        sys.exit(f"{name}: larger than {LARGEST // 1000} kB")


if __name__ == "__main__":
    main()
