"""Pages a second, memory, and what is lost when a run is killed, on a corpus of any size.

    python benchmarks/scale.py --pages 100000 --model FOLDER
    python benchmarks/scale.py --real FOLDER --model FOLDER    (real pages of HTML, by page size)

The corpus is composed from `data/` (the training split's articles and layouts)
and the same whatever the machine. All figures of one call come from one run on
one machine; compare the ratios, not the pages a second of different machines.
Needs the extras `web` and (for that row) `ray`; the rows of trafilatura,
jusText and Resiliparse are left out if they are not installed.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from threadpoolctl import threadpool_limits

from clfnews.bulk.folder import MANIFEST, STATE
from clfnews.data.composing.cells import make_cells
from clfnews.data.composing.pages import ComposedPage, compose
from clfnews.data.composing.recipe import load_recipe, split_parts
from clfnews.filtering.filter import PageFilter
from clfnews.labels import TASKS
from clfnews.models import make_model
from clfnews.models.calibration import FittedTask
from clfnews.page import Page
from clfnews.processes import settle
from clfnews.readers.html.document import read_html

ROOT = Path(__file__).resolve().parent.parent
FILES = 50
TAGS = {
    "title": "h1",
    "body": "p",
    "caption": "figcaption",
    "byline": "div",
    "teaser": "h3",
    "navigation": "li",
    "ad": "div",
    "ui": "span",
}
LINKED = ("teaser", "navigation", "ad")


def composed(n: int, seed: int = 1) -> Iterator[ComposedPage]:
    """The first `n` pages of the corpus."""
    recipe = load_recipe(ROOT / "data/compose.yaml")
    parts = split_parts(recipe, ROOT / "data")["train"]
    cells = make_cells("train", parts.articles, parts.layouts, recipe.splits["train"].cells, recipe.seed)
    return compose("bench", cells, parts.noise, n, seed)


def write_corpus(folder: Path, n: int, file_pages: int) -> int:
    """JSONL files of `file_pages` pages; returns their bytes."""
    folder.mkdir(parents=True)
    file, size = None, 0
    for i, page in enumerate(composed(n)):
        if i % file_pages == 0:
            if file:
                file.close()
            file = (folder / f"{i // file_pages:05}.jsonl").open("w", encoding="utf-8")
        assert file is not None
        size += file.write(
            json.dumps({"id": page.id, "text": "\n".join(line.text for line in page.lines)}, ensure_ascii=False) + "\n"
        )
    if file:
        file.close()
    return size


def as_html(page: ComposedPage, full: bool = False) -> str:
    """The page as markup: landmarks, lists, links, a script.

    Parameters: `full`, as heavy as pages are on the web (400 bytes and ten
    nodes a line: what 300 news pages had on average), with wrappers, images,
    icons, styles, scripts and metadata; else the least that holds the lines.
    """
    head = HEAD if full else "<script>var a = 1;</script>"
    out = [f"<!doctype html><html lang=vi><head><meta charset=utf-8><title>x</title>{head}</head><body>"]
    region = ""
    for n, line in enumerate(page.lines):
        here = (
            "article" if line.type in ("title", "body", "caption", "byline") else "nav" if line.type == "navigation" else "aside"
        )
        if here != region:
            out.append(f"{f'</div></{region}>' if region else ''}<{here} class='box {here}'><div class=inner>")
            region = here
        text, tag = html.escape(line.text), TAGS[line.type or "ui"]
        text = f'<a href="/x">{text}</a>' if line.type in LINKED else text
        line_html = f"<{tag}>{text}</{tag}>"
        out.append(WRAPPED.format(n=n, region=here, line=line_html) if full else line_html)
    return "\n".join(out) + f"</div></{region}></body></html>" + (SCRIPTS if full else "")


WRAPPED = """<div class="layout__row layout__row--{region} js-track" data-position="{n}" data-track-id="block-{region}-{n}">
  <div class="row__inner col-sm-12 col-md-8" id="item-{n}">
    <span class="icon icon--{region}" aria-hidden="true"><svg width="16" height="16"><path d="M3 6l5 5 5-5"></path></svg></span>
    {line}
    <span class="spacer"></span>
  </div>
</div>"""
HEAD = (
    "".join(f'<meta property="og:key{i}" content="https://news.example/images/{i}/cover-1200x630.jpg">' for i in range(20))
    + "".join(f'<link rel="preload" as="style" href="https://static.news.example/css/bundle.{i}.min.css">' for i in range(10))
    + f"<style>{'.row__inner{{margin:0 auto;padding:0 12px;max-width:1180px}}' * 60}</style>"
)
SCRIPTS = f"<script>{'window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)};' * 80}</script>"


# --- runs of the command --------------------------------------------------------


@dataclass
class Measured:
    """What one run took."""

    pages: int
    seconds: float
    memory: float
    """Peak of the largest worker, MB."""

    @property
    def rate(self) -> float:
        return self.pages / self.seconds


def filter_command(corpus: Path, out: Path, model: Path, *more: object) -> list[str]:
    arguments = ["filter", corpus, "-o", out, "-m", model, *more]
    return [sys.executable, "-m", "clfnews.cli", *map(str, arguments)]


def measure(corpus: Path, out: Path, model: Path, *more: object) -> Measured:
    """Run the command and watch the memory of its processes."""
    process = subprocess.Popen(filter_command(corpus, out, model, *more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peaks: dict[int, float] = {}
    while process.poll() is None:
        for worker in working(process.pid):
            peaks[worker.pid] = max(peaks.get(worker.pid, 0.0), peak_megabytes(worker.pid))
        time.sleep(0.25)
    if process.returncode:
        assert process.stderr is not None
        sys.exit(f"run failed: {process.stderr.read().decode()}")
    manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    return Measured(manifest["totals"]["pages"], manifest["seconds"], max(peaks.values(), default=0.0))


def working(pid: int) -> list[psutil.Process]:
    """The processes of a run that filter pages: its workers, or itself."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        found = [p for p in family if "spawn_main" in " ".join(p.cmdline()) or p.cmdline()[:1] == ["ray::_ray_work"]]
        return found or family[:1]
    except psutil.Error:
        return []


def peak_megabytes(pid: int) -> float:
    """The highest resident memory that Linux has seen of a process; now's elsewhere."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        try:
            return float(psutil.Process(pid).memory_info().rss) / 2**20
        except psutil.Error:
            return 0.0


def kill_and_resume(corpus: Path, work: Path, model: Path, kills: int, seconds: float, seed: int = 3) -> Counter[str]:
    """Kill a worker or the main process `kills` times at random moments; count what was lost or doubled."""
    rng, out, counts = random.Random(seed), work / "killed", Counter[str]()
    expected = Counter(row["id"] for path in sorted(corpus.glob("*.jsonl")) for row in rows_of(path))
    done = False
    while counts["kills"] < kills or not done:
        process = subprocess.Popen(
            filter_command(corpus, out, model, "-w", 2, "--resume"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(rng.uniform(0.5, 1.2 * seconds) if counts["kills"] < kills else None)
        except subprocess.TimeoutExpired:
            rng.choice([psutil.Process(process.pid), *working(process.pid)]).kill()
            process.wait()
            counts["kills"] += 1
        done = process.returncode == 0
        if done:
            found = Counter(row["id"] for path in sorted(out.glob("*.jsonl")) for row in rows_of(path))
            counts["completed"] += 1
            counts["lost"] += sum((expected - found).values())
            counts["doubled"] += sum((found - expected).values())
            counts["half files"] += len([path for path in out.rglob("*.tmp") if STATE not in path.parts])
            shutil.rmtree(out)
    return counts


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


# --- beside other tools -------------------------------------------------------------------


def extractors(model: Path) -> dict[str, Callable[[list[str]], int]]:
    """Name -> function from HTML pages to the number of non-empty articles, for what is installed."""
    page_filter = PageFilter.load(model)

    def clfnews(pages: list[str]) -> int:
        return sum(bool(tagged.text) for tagged in page_filter.tag(read_html(page).page for page in pages))

    tools: dict[str, Callable[[list[str]], int]] = {"clfnews (HTML to article)": clfnews}
    tools["clfnews (HTML to lines only)"] = lambda pages: sum(bool(read_html(page).page.lines) for page in pages)
    try:
        import trafilatura

        tools["trafilatura"] = lambda pages: sum(bool(trafilatura.extract(page)) for page in pages)
    except ImportError:
        pass
    try:
        import justext

        words = justext.get_stoplist("Vietnamese")
        tools["jusText"] = lambda pages: sum(any(not p.is_boilerplate for p in justext.justext(page, words)) for page in pages)
    except ImportError:
        pass
    try:
        from resiliparse.extract.html2text import extract_plain_text

        tools["Resiliparse (main content)"] = lambda pages: sum(
            bool(extract_plain_text(page, main_content=True)) for page in pages
        )
    except ImportError:
        pass
    return tools


def cpu_rates(tools: dict[str, Callable[[list[str]], int]], pages: list[str]) -> dict[str, tuple[float, int]]:
    """Name -> pages a second of one core, and the pages with a result.

    The tools take turns, so that what else the machine does meets them all.
    """
    seconds, found = dict.fromkeys(tools, 0.0), dict.fromkeys(tools, 0)
    for tool in tools.values():
        tool(pages[:50])
    settle()  # as the workers of clfnews do; for all tools alike
    with threadpool_limits(1):
        for start in range(0, len(pages), 256):
            for name, tool in tools.items():
                before = time.process_time()
                found[name] += tool(pages[start : start + 256])
                seconds[name] += time.process_time() - before
    return {name: (len(pages) / seconds[name], found[name]) for name in tools}


# --- real pages ----------------------------------------------------------------------------------

SIZES = {"< 50 kB": 50_000, "50-200 kB": 200_000, "> 200 kB": 1 << 62}
"""Names of page sizes and the bytes up to which they go."""


def real_pages(folders: list[Path]) -> list[bytes]:
    """The `.html` and `.html.gz` files of folders."""
    files = [path for folder in folders for path in sorted(folder.glob("*.html*"))]
    return [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in files]


def print_by_size(pages: list[bytes], model: Path) -> None:
    """CPU milliseconds a page of reading alone, the whole filter and other tools, and how many times trafilatura's speed that is.

    All tools take turns in small batches of one run; each batch counts with the best of three.
    """
    import trafilatura
    from resiliparse.extract.html2text import extract_plain_text

    page_filter = PageFilter.load(model)

    def read(batch: list[bytes]) -> list[Page]:
        return [read_html(page, hidden=page_filter.reads_hidden).page for page in batch]

    tools: dict[str, Callable[[list[bytes]], object]] = {
        "clfnews, reading": read,
        "clfnews, whole filter": lambda batch: list(page_filter.tag(read(batch))),
        "trafilatura": lambda batch: [trafilatura.extract(page) for page in batch],
        "Resiliparse": lambda batch: [extract_plain_text(page.decode("utf-8", "replace"), main_content=True) for page in batch],
    }  # fmt: skip
    for tool in tools.values():
        tool(pages[:10])
    settle()
    print(f"{len(pages)} real pages, one core, CPU time\n{'':<24}" + "".join(f"{name:>24}" for name in tools))
    total, low = dict.fromkeys(tools, 0.0), 0
    with threadpool_limits(1):
        for size, high in SIZES.items():
            some = [page for page in pages if low <= len(page) < high]
            low = high
            seconds = dict.fromkeys(tools, 0.0)
            for start in range(0, len(some), 64):
                for name, tool in tools.items():
                    seconds[name] += min(cpu_of(tool, some[start : start + 64]) for _ in range(3))
            total = {name: total[name] + seconds[name] for name in tools}
            print_row(f"{size} ({len(some)})", seconds, len(some))
    print_row(f"all ({len(pages)})", total, len(pages))


def cpu_of(tool: Callable[[list[bytes]], object], batch: list[bytes]) -> float:
    before = time.process_time()
    tool(batch)
    return time.process_time() - before


def print_row(name: str, seconds: dict[str, float], n: int) -> None:
    base = seconds["trafilatura"]
    if n:
        cells = (f"{1e3 * value / n:.1f} ms x{base / value:.2f}" for value in seconds.values())
        print(f"{name:<24}" + "".join(f"{cell:>24}" for cell in cells), flush=True)


# --- the table ---------------------------------------------------------------------------------


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=100_000, help="pages of the corpus")
    parser.add_argument("--html-pages", type=int, default=1_000, help="pages for the comparison on HTML")
    parser.add_argument("--kills", type=int, default=20, help="random kills (0: leave this part out)")
    parser.add_argument("--model", type=Path, help="folder of a filter; default: the rules and the lexicon, without training")
    parser.add_argument("--work", type=Path, help="folder for corpus and results; default: a temporary one")
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument(
        "--real", type=Path, nargs="+", help="folders of .html and .html.gz pages: only the table by page size of these"
    )
    options = parser.parse_args()
    if options.real:
        with tempfile.TemporaryDirectory(prefix="clfnews-bench-") as temporary:
            print_by_size(real_pages(options.real), options.model or untrained(Path(temporary) / "model"))
        return
    with tempfile.TemporaryDirectory(prefix="clfnews-bench-") as temporary:
        work = options.work or Path(temporary)
        run_all(options, work, options.model or untrained(work / "model"))


def untrained(folder: Path) -> Path:
    """A filter of the two models that need no training."""
    kinds = {"type": "rules", "stance": "lexicon"}
    tasks = {task: FittedTask(make_model(kind, task, TASKS[task]), {}) for task, kind in kinds.items()}
    PageFilter(tasks["type"], tasks["stance"], name="rules+lexicon").save(folder)
    return folder


def run_all(options: argparse.Namespace, work: Path, model: Path) -> None:
    corpus = work / "corpus"
    if not corpus.exists():
        size = write_corpus(corpus, options.pages, max(options.pages // FILES, 1))
        print(
            f"corpus: {options.pages:,} pages, {size / 1e6:,.0f} MB, {len(list(corpus.glob('*')))} files; "
            f"model: {PageFilter.load(model).name}"
        )
    first: Measured | None = None
    runs: dict[str, list[object]] = {
        "1 worker": ["-w", 1],
        "2 workers": ["-w", 2],
        "Ray, 2 workers": ["-w", 2, "--engine", "ray"],
    }
    for name, more in runs.items():
        if "ray" in more and options.no_ray:
            continue
        shutil.rmtree(work / "out", ignore_errors=True)
        found = measure(corpus, work / "out", model, *more)
        first = first or found
        print(
            f"{name:<30}{found.rate:>8,.0f} pages/s  x{found.rate / first.rate:.2f}  peak {found.memory:,.0f} MB a worker",
            flush=True,
        )
    tools = extractors(model)
    for full in (True, False):
        pages = [as_html(page, full) for page in composed(options.html_pages, seed=2)]
        size = sum(map(len, pages)) / len(pages) / 1e3
        print(f"HTML of {len(pages):,} pages, {size:.1f} kB each ({'as on the web' if full else 'bare'}), one core, CPU time:")
        rates = cpu_rates(tools, pages)
        base = rates.get("trafilatura", next(iter(rates.values())))[0]
        for name, (rate, found_pages) in rates.items():
            print(f"{name:<30}{rate:>8,.0f} pages/s  x{rate / base:.2f}  {found_pages} pages with a result", flush=True)
    if options.kills:
        small = work / "small"
        if not small.exists():
            write_corpus(small, 4_000, 100)
        counts = kill_and_resume(small, work, model, options.kills, measure(small, work / "timing", model, "-w", 2).seconds)
        print(
            "killed at random: "
            + ", ".join(f"{counts[name]} {name}" for name in ("kills", "completed", "lost", "doubled", "half files"))
        )


if __name__ == "__main__":
    main()
