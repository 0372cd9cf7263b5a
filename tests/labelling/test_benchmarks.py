"""Benchmarks of HTML and clean text: import, alignment, word-F1, and a training on such pages."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, Cli

from clfnews.config.schema import load_config
from clfnews.data.gold import corpus_from_rows, load_gold
from clfnews.data.rows import registered_domain
from clfnews.errors import UserError
from clfnews.evaluation.scores import score_type
from clfnews.evaluation.words import word_f1, word_scores, words_of
from clfnews.filtering.filter import PageFilter
from clfnews.labelling.align import align
from clfnews.labelling.benchmarks import import_benchmark
from clfnews.labels import TYPES
from clfnews.readers.html.document import read_html
from clfnews.training.train import train

PAGE = """<html><body><nav class="menu"><a href="/">Home</a><a href="/n">News</a></nav>
<main><h1>The bridge of {name}</h1><p>The bridge over the river was closed on Monday, officials of {name} said.</p>
<p>It will open again in spring, when the repairs are done, and {name} will pay for it.</p>
<div style="display:none"><p>More about {name}: the repairs cost two million, and the state pays half of it.</p></div></main>
<aside class="related"><h3>More news</h3><p>A theatre in another town has been sold, and nobody knows to whom.</p></aside>
<footer>All rights reserved, {name} Times</footer></body></html>"""
TEXT = """The bridge of {name}

The bridge over the river was closed on Monday, officials of {name} said.

It will open again in spring, when the repairs are done, and {name} will pay for it.

More about {name}: the repairs cost two million, and the state pays half of it."""


def lines(text: str) -> list[list[str]]:
    return [words_of(line) for line in text.split("\n")]


def chosen(page: str, gold: str) -> list[int]:
    return [i for i, kept in enumerate(align(lines(page), words_of(gold))) if kept]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    for i, name in enumerate(("Arden", "Brill", "Corby", "Derwent", "Ember", "Frome", "Goole", "Hexham", "Ilkley", "Jarrow")):
        site = folder / f"site{i}"
        site.mkdir(parents=True)
        html = PAGE.format(name=name).replace("<body>", f'<body><link rel="canonical" href="https://www.{name}.example/a">')
        (site / f"{name}.html").write_text(html, encoding="utf-8")
        (site / f"{name}.txt").write_text(TEXT.format(name=name), encoding="utf-8")
    return folder


# --- alignment -------------------------------------------------------------------------


def test_lines_of_the_gold_text_are_found_and_others_are_not() -> None:
    page = "Home\nNews\nThe bridge is closed\nIt was closed on Monday, officials said.\nRead also\nA theatre was sold"
    assert chosen(page, "The bridge is closed\n\nIt was closed on Monday, officials said.") == [2, 3]


def test_short_repeated_lines_are_resolved_by_order() -> None:
    """`Reply` stands after both posts in the gold text, and in the menu above and the links below of the page."""
    page = "Reply\nThe first post is about the bridge.\nReply\nThe second post is about the river.\nReply\nOther topics\nReply"
    gold = "The first post is about the bridge. Reply The second post is about the river. Reply"
    assert chosen(page, gold) == [1, 2, 3, 4]


def test_a_text_that_stands_twice_on_the_page_is_gold_once() -> None:
    page = "The bridge over the river is closed.\nIt opens in spring.\nThe bridge over the river is closed.\nIt opens in spring."
    assert len(chosen(page, "The bridge over the river is closed. It opens in spring.")) == 2


def test_long_lines_out_of_order_are_found() -> None:
    page = "By a writer of this paper\nThe bridge over the river is closed since Monday.\nIt opens again in spring, they say."
    assert chosen(page, "It opens again in spring, they say. The bridge over the river is closed since Monday.") == [1, 2]


def test_nothing_aligns_with_an_empty_text() -> None:
    assert chosen("The bridge\nis closed", "") == []
    assert align([], words_of("text")) == []


# --- word-F1 ---------------------------------------------------------------------------


def test_word_f1_is_that_of_the_benchmark() -> None:
    """The function printed in WCXB's README, on bags of words in lower case."""
    assert word_f1(words_of("The bridge, the RIVER"), words_of("the bridge is closed")) == pytest.approx(2 * 2 / (4 + 4))
    assert word_f1([], []) == 1.0
    assert word_f1(words_of("text"), []) == word_f1([], words_of("text")) == 0.0
    assert word_scores("a b c d", "a b") == pytest.approx((2 / 3, 0.5, 1.0))


# --- import ----------------------------------------------------------------------------


def test_pairs_become_gold_rows_with_cues(pairs: Path, tmp_path: Path) -> None:
    done = import_benchmark("pairs", pairs, tmp_path / "rows.jsonl")
    assert (done.pages, done.skipped) == (10, [])
    assert min(done.ceiling[""]) == 1.0
    page = load_gold(tmp_path / "rows.jsonl").pages[0]
    kinds = {line.text.split(" ")[0]: line.type for line in page.lines}
    assert kinds["The"] == kinds["It"] == "body" and kinds["Home"] == kinds["All"] == "ui"
    assert [line.text[:10] for line in page.lines if line.cues and line.cues.hidden] == ["More about"]


@pytest.mark.parametrize("option", ["--lines", "--pages", "--keep", "--column"])
def test_options_of_a_table_are_refused_with_a_benchmark(option: str, tmp_path: Path, cli: Cli) -> None:
    done = cli("data", "import", "wcxb", tmp_path, "-o", "rows.jsonl", option, "text=body")
    assert done.code == 2 and "are of a plain table, not of a benchmark" in done.error and not (tmp_path / "rows.jsonl").exists()


def test_wcxb_layout(tmp_path: Path, cli: Cli) -> None:
    root = tmp_path / "wcxb"
    for part in ("ground-truth", "html"):
        (root / "dev" / part).mkdir(parents=True)
    gold: dict[str, Any] = {"url": "https://docs.bridges.co.uk/a", "ground_truth": {"main_content": TEXT.format(name="Arden")}}
    (root / "dev/ground-truth/0001.json").write_text(json.dumps(gold), encoding="utf-8")
    (root / "dev/html/0001.html.gz").write_bytes(gzip.compress(PAGE.format(name="Arden").encode()))
    (root / "metadata.json").write_text(json.dumps({"files": {"0001": {"page_type": "forum"}}}), encoding="utf-8")
    outcome = cli("data", "import", "wcxb", str(root), "-o", "rows.jsonl", cwd=tmp_path)
    assert outcome.code == 0, outcome.err
    assert "1 pages" in outcome.out and "forum" in outcome.out
    corpus = load_gold(tmp_path / "rows.jsonl")
    assert (corpus.kinds, corpus.groups, corpus.pages[0].id) == (("forum",), ("bridges.co.uk",), "wcxb-0001")


def test_article_extraction_benchmark_layout(tmp_path: Path) -> None:
    (tmp_path / "html").mkdir()
    gold = {"abc": {"articleBody": TEXT.format(name="Arden"), "url": "https://bridges.example/a"}}
    (tmp_path / "ground-truth.json").write_text(json.dumps(gold), encoding="utf-8")
    (tmp_path / "html/abc.html.gz").write_bytes(gzip.compress(PAGE.format(name="Arden").encode()))
    assert import_benchmark("aeb", tmp_path, tmp_path / "rows.jsonl").pages == 1


@pytest.mark.parametrize(
    ("format", "said"), [("wcxbb", "did you mean 'wcxb'"), ("wcxb", "no dev/ground-truth"), ("pairs", "no NAME.html")]
)
def test_a_folder_of_another_layout_is_told(format: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        import_benchmark(format, tmp_path, tmp_path / "rows.jsonl")
    assert not list(tmp_path.glob("*.jsonl"))


def test_sub_domains_share_a_group() -> None:
    assert registered_domain("docs.bridges.co.uk") == registered_domain("bridges.co.uk") == "bridges.co.uk"
    assert registered_domain("www.bridges.example") == "bridges.example"
    for hosts in (("www2.vtv.vn", "vtv.vn", "VTV.vn."), ("www.ft.de", "ft.de"), ("tin.bao.com.vn", "bao.com.vn")):
        assert len({registered_domain(host) for host in hosts}) == 1
    assert registered_domain("a.blogspot.com") != registered_domain("b.blogspot.com")
    for name in ("báo", "10.0.0.1", "com.vn", "localhost", "[::1]", ""):
        assert registered_domain(name) == name
    rows = [{"lines": [{"text": "x", "type": "body"}], "site": site} for site in ("www2.vtv.vn", "vtv.vn", "ft.de")]
    assert corpus_from_rows(iter(rows), "x", "x").groups == ("vtv.vn", "vtv.vn", "ft.de")


# --- training ---------------------------------------------------------------------------


@pytest.mark.slow
def test_the_benchmark_configuration_trains_scores_and_filters(pairs: Path, tmp_path: Path) -> None:
    """wcxb.yaml on ten pages: word-F1 out of fold, a saved filter that reads hidden lines of HTML, and plain text."""
    import_benchmark("pairs", pairs, tmp_path / "rows.jsonl")
    small = ["folds=2", "type.models.rules=null",
             "type.models.page.forest=0", "type.models.page.nets=2", "type.models.page.epochs=60"]  # fmt: skip
    config = load_config(ROOT / "configs/wcxb.yaml", [f"data.train={tmp_path / 'rows.jsonl'}", *small])
    outcome = train(config, track=False)
    result = outcome.champions["type"]
    assert set(outcome.champions) == {"type"}
    assert result.oof.values["words/f1"] > 0.7
    outcome.page_filter.save(tmp_path / "filter")
    page_filter = PageFilter.load(tmp_path / "filter")
    assert page_filter.reads_hidden
    html = read_html(PAGE.format(name="Otley"), hidden=True).page
    kept = next(iter(page_filter.tag([html]))).text
    assert "The bridge over the river" in kept and "theatre" not in kept
    assert next(iter(page_filter.tag([html.from_text(html.text)]))).text


def test_scores_by_kind_of_page(pairs: Path, tmp_path: Path) -> None:
    import_benchmark("pairs", pairs, tmp_path / "rows.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    kinds = ["article"] * 5 + ["forum"] * 5
    text = "\n".join(json.dumps(row | {"kind": kind}) for row, kind in zip(rows, kinds, strict=True))
    (tmp_path / "rows.jsonl").write_text(text, encoding="utf-8")
    corpus = load_gold(tmp_path / "rows.jsonl")
    body = TYPES.index("body")
    p = [(lambda eye: eye[[body if line.type == "body" else 7 for line in page.lines]])(_eye()) for page in corpus.pages]
    scores = score_type(corpus, p)
    assert scores.values["words/f1"] == scores.values["words/f1_article"] == scores.values["words/f1_forum"] == 1.0


def _eye() -> Any:
    import numpy as np

    return np.eye(len(TYPES))
