"""Pages of public benchmarks (HTML and a clean text each) as gold rows with cues.

`wcxb`: Web Content eXtraction Benchmark, https://github.com/murroughfoley/wcx.
`aeb`: article-extraction-benchmark, https://github.com/scrapinghub/article-extraction-benchmark.
`pairs`: any folder of `NAME.html` (also `.htm`, `.gz`) with `NAME.txt` beside or below it.

The gold text says which words are content, not which kind of noise the rest is:
content lines are `body`, all others `ui`, and models of such rows have two labels.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from clfnews.data.rows import registered_domain
from clfnews.errors import UserError, nearest
from clfnews.evaluation.words import word_f1, words_of
from clfnews.files import replacing
from clfnews.labelling.align import align
from clfnews.readers.html.document import read_html

CONTENT, OTHER = "body", "ui"
"""Types of the lines that the gold text holds, and of all others."""
_HTML = (".html", ".htm")


class Sample(NamedTuple):
    """One page of a benchmark as it lies on the disk."""

    id: str
    html: Path
    text: str
    """The gold text."""
    url: str | None = None
    kind: str | None = None
    """Kind of page, such as `forum`, if the benchmark tells."""
    site: str | None = None


@dataclass(slots=True)
class Imported:
    """What an import did."""

    pages: int = 0
    lines: int = 0
    content: int = 0
    """Lines that the gold text holds."""
    ceiling: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Kind of page -> word-F1 of the content lines against the gold text: the best a choice of lines can reach."""
    skipped: list[str] = field(default_factory=list)
    """Pages that could not be read, and why."""

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows: by kind of page, the ceiling."""
        everything = [value for values in self.ceiling.values() for value in values]
        parts = [("all", everything), *sorted((kind, v) for kind, v in self.ceiling.items() if kind)]
        rows = []
        for name, values in parts:
            low = sum(value < 0.9 for value in values)
            rows.append([name, f"{len(values):,}", f"{sum(values) / max(len(values), 1):.3f}", f"{low:,}"])
        return ["pages", "number", "word-F1 of the content lines", "pages below 0.9"], rows


def import_benchmark(
    format: str,
    folder: str | Path,
    output: str | Path,
    split: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Write the pages of a benchmark as gold rows (JSONL).

    Parameters: `format`, a key of `BENCHMARKS`; `folder` of the benchmark;
    `split` of it, where it has splits (`dev` by default).
    Raises `UserError` if the folder does not have the format's layout, or if no page can be read.
    """
    if format not in BENCHMARKS:
        raise UserError(f"unknown benchmark format {format!r}{nearest(format, tuple(BENCHMARKS))}")
    folder, output = Path(folder), Path(output)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    done = Imported()
    with replacing(output) as place:
        with place.open("w", encoding="utf-8", newline="\n") as file:
            for sample in BENCHMARKS[format](folder, split):
                row = _row(sample, format, done)
                if row is not None:
                    file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
                if (done.pages + len(done.skipped)) % 100 == 0:
                    progress(f"{done.pages:,} pages")
        if not done.pages:
            raise UserError(f"{folder}: no page of it could be read{': ' + done.skipped[0] if done.skipped else ''}")
    return done


def _row(sample: Sample, format: str, done: Imported) -> dict[str, Any] | None:
    """The gold row of a page; None, and a word in `done`, if it cannot be read."""
    try:
        data = sample.html.read_bytes()
        document = read_html(gzip.decompress(data) if sample.html.suffix == ".gz" else data, hidden=True, url=sample.url)
    except (ValueError, OSError, EOFError) as error:
        done.skipped.append(f"{sample.html}: {error}")
        return None
    lines, gold = [words_of(line.text) for line in document.page.lines], words_of(sample.text)
    chosen = align(lines, gold)
    found = Counter(word for words, kept in zip(lines, chosen, strict=True) if kept for word in words)
    done.ceiling[sample.kind or ""].append(word_f1(found, gold))
    done.pages, done.lines, done.content = done.pages + 1, done.lines + len(lines), done.content + sum(chosen)
    site = sample.site or document.page.site
    return {
        "id": f"{format}-{sample.id}",
        "origin": format,
        "site": site,
        "group": registered_domain(site) if site else f"{format}-{sample.id}",
        "url": sample.url or document.page.url,
        "kind": sample.kind,
        "reference": sample.text,
        "lines": [
            {"text": line.text, "type": CONTENT if kept else OTHER, "cues": line.cues and line.cues._asdict()}
            for line, kept in zip(document.page.lines, chosen, strict=True)
        ],
    }


def _wcxb(folder: Path, split: str | None) -> Iterator[Sample]:
    """`SPLIT/ground-truth/ID.json`, `SPLIT/html/ID.html.gz` and `metadata.json`."""
    name = split or "dev"
    part = folder / name
    if not (part / "ground-truth").is_dir() or not (part / "html").is_dir():
        raise UserError(f"{folder}: no {name}/ground-truth and {name}/html in it; give the folder that holds them")
    about = _json(folder / "metadata.json").get("files", {}) if (folder / "metadata.json").is_file() else {}
    for path in sorted((part / "ground-truth").glob("*.json")):
        row = _json(path)
        gold, told = row.get("ground_truth"), about.get(path.stem, {})
        if not isinstance(gold, dict):
            raise UserError(f"{path}: no 'ground_truth'")
        kind = told.get("page_type") or row.get("_internal", {}).get("page_type", {}).get("primary")
        html = _first(part / "html" / f"{path.stem}.html{end}" for end in (".gz", ""))
        # Some pages have no content at all; the right answer to them is an empty text.
        text, url = gold.get("main_content") or "", row.get("url")
        yield Sample(path.stem, html, text, url, kind, told.get("domain") or _host(url))


def _aeb(folder: Path, split: str | None) -> Iterator[Sample]:
    """`ground-truth.json` (`ID: {"articleBody", "url"}`) and `html/ID.html.gz`."""
    if not (folder / "ground-truth.json").is_file() or not (folder / "html").is_dir():
        raise UserError(f"{folder}: no ground-truth.json and html in it; give the folder that holds them")
    for page_id, gold in sorted(_json(folder / "ground-truth.json").items()):
        if not isinstance(gold, dict) or not isinstance(gold.get("articleBody"), str):
            raise UserError(f"{folder / 'ground-truth.json'}: {page_id}: no articleBody")
        html = _first(folder / "html" / f"{page_id}.html{end}" for end in (".gz", ""))
        yield Sample(page_id, html, gold["articleBody"], gold.get("url"), "article", _host(gold.get("url")))


def _pairs(folder: Path, split: str | None) -> Iterator[Sample]:
    """Every HTML file of the folder with a text file of the same name, in whatever subfolders."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    texts = {path.stem: path for path in files if path.suffix == ".txt"}
    pages = {path.name.removesuffix(".gz").rpartition(".")[0]: path for path in files if _is_html(path)}
    if not pages.keys() & texts.keys():
        raise UserError(f"{folder}: no NAME.html with a NAME.txt in it")
    for name in sorted(pages.keys() & texts.keys()):
        try:
            yield Sample(name, pages[name], texts[name].read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            raise UserError(f"{texts[name]}: not UTF-8 at byte {error.start}") from error


BENCHMARKS: dict[str, Callable[[Path, str | None], Iterator[Sample]]] = {"wcxb": _wcxb, "aeb": _aeb, "pairs": _pairs}
"""Format -> reader of its layout."""


def _is_html(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(_HTML)


def _first(paths: Iterator[Path]) -> Path:
    """The first path that exists, else the last."""
    path = Path()
    for path in paths:
        if path.is_file():
            break
    return path


def _host(url: str | None) -> str | None:
    try:
        return (urlsplit(url or "").hostname or "").removeprefix("www.") or None
    except ValueError:
        return None


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: not JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise UserError(f"{path}: not a JSON object")
    return value
