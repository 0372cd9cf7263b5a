"""A filter with a memory of sites: what changes, what does not, and two passes over a run's inputs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, Cli, pages_of_six_sites, write_rows

import clfnews
from clfnews.errors import UserError
from clfnews.files import MANIFEST
from clfnews.filtering.filter import PageFilter
from clfnews.labels import TYPES, Task, columns_of, is_article
from clfnews.page import Page
from clfnews.sites.memory import SiteMemory
from clfnews.sites.weights import FILE, SiteWeights


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    return pages_of_six_sites()


def test_without_a_memory_and_on_unknown_sites_nothing_changes(pages: list[Page], sites_filter: Path, rules_filter: Path) -> None:
    plain = [tagged.as_row() for tagged in PageFilter.load(rules_filter).tag(pages)]
    page_filter = PageFilter.load(sites_filter, PageFilter.load(rules_filter).origin)
    assert [tagged.as_row() for tagged in page_filter.tag(pages)] == plain
    assert [tagged.as_row() for tagged in page_filter.tag(pages, SiteMemory())] == plain
    elsewhere = SiteMemory.fit(replace(page, site="elsewhere.example") for page in pages)
    assert [tagged.as_row() for tagged in page_filter.tag(pages, sites=elsewhere)] == plain


def test_with_a_memory_fewer_lines_are_wrong_and_nothing_is_deleted(pages: list[Page], sites_filter: Path) -> None:
    page_filter = clfnews.load(sites_filter)

    def wrong(memory: SiteMemory | None) -> int:
        tagged = list(page_filter.tag(pages, memory))
        assert [len(one.lines) for one in tagged] == [len(page.lines) for page in pages]
        pairs = [pair for page, one in zip(pages, tagged, strict=True) for pair in zip(page.lines, one.lines, strict=True)]
        return sum(tag.keep != is_article(line.type) for line, tag in pairs)

    assert wrong(clfnews.SiteMemory.fit(pages)) < wrong(None)


def test_a_page_reads_the_same_in_any_batch(pages: list[Page], sites_filter: Path) -> None:
    page_filter, memory = PageFilter.load(sites_filter), SiteMemory.fit(pages)
    together = page_filter.type_model().predict(pages[:20], memory)
    for page, p in zip(pages[:20], together, strict=True):
        assert np.array_equal(page_filter.type_model().predict([page], memory)[0], p)
        assert np.allclose(p.sum(axis=1), 1) and p.shape == (len(page.lines), len(TYPES))


def test_old_filters_load_and_say_that_they_take_no_memory(rules_filter: Path, pages: list[Page]) -> None:
    with pytest.raises(UserError, match="trained without what a memory of sites is worth"):
        list(PageFilter.load(rules_filter).tag(pages[:1], SiteMemory.fit(pages)))


def test_broken_weights_are_refused(sites_filter: Path, tmp_path: Path) -> None:
    row = json.loads((sites_filter / "type" / FILE).read_text(encoding="utf-8"))
    for change in ({"weights": [float("nan")] * len(row["weights"])}, {"weights": [1.0]}, {"features": ["line"]}, {"schema": 2}):
        (tmp_path / FILE).write_text(json.dumps(row | change), encoding="utf-8")
        with pytest.raises(UserError, match=r"sites\.json: .*train again"):
            SiteWeights.load(tmp_path)
    assert SiteWeights.load(tmp_path / "nowhere") is None


def test_too_few_pages_give_no_weights(pages: list[Page]) -> None:
    alone = [replace(page, site=f"{i}.example") for i, page in enumerate(pages[:10])]
    some = [np.full(len(page.lines), 0.5) for page in alone]
    assert SiteWeights.fit(alone, some, some, [np.ones(len(q), np.int64) for q in some], 0.5, 7) is None


@pytest.mark.parametrize("keep", [{"title", "body", "caption"}, {"body"}])
def test_types_of_the_users_own_are_moved_by_what_they_keep(keep: set[str], pages: list[Page], sites_filter: Path) -> None:
    """Also without a title among them."""
    fitted = PageFilter.load(sites_filter).type_model()
    fitted = replace(fitted, spec=Task("type", TYPES, "lines", frozenset(keep)))
    plain, moved = fitted.predict(pages), fitted.predict(pages, SiteMemory.fit(pages))
    assert any(not np.allclose(a, b) for a, b in zip(plain, moved, strict=True))
    for side in (columns_of(keep), columns_of(set(TYPES) - keep)):
        for a, b in zip(plain, moved, strict=True):
            ours, theirs = a[:, side], b[:, side]
            assert np.allclose(ours * theirs.sum(axis=1, keepdims=True), theirs * ours.sum(axis=1, keepdims=True), atol=1e-6)


def test_a_filter_without_types_takes_no_memory(pages: list[Page]) -> None:
    untyped = PageFilter(None, None)
    with pytest.raises(UserError, match="no type model"):
        list(untyped.tag(pages[:1], SiteMemory()))
    with pytest.raises(UserError, match="no type model"):
        untyped.fit_sites(pages[:1])


# --- the commands -------------------------------------------------------------------------


@pytest.fixture
def inputs(pages: list[Page], tmp_path: Path) -> list[Path]:
    rows = [{"id": page.id, "site": page.site, "lines": [line.text for line in page.lines]} for page in pages]
    return [write_rows(tmp_path / f"in{i}.jsonl", rows[i::3]) for i in range(3)]


@pytest.mark.slow
def test_two_passes_give_the_same_bytes_whatever_the_workers_and_after_a_stop(
    cli: Cli, inputs: list[Path], sites_filter: Path, tmp_path: Path
) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        done = cli("filter", *inputs, "-o", name, "--sites", "auto", "--model", sites_filter, "--workers", workers)
        assert done.code == 0, done.err
    shards = {path.name: path.read_bytes() for path in (tmp_path / "one").glob("in*.jsonl")}
    assert len(shards) == 3 and shards == {path.name: path.read_bytes() for path in (tmp_path / "two").glob("in*.jsonl")}
    (tmp_path / "two" / "in1.jsonl").unlink()
    (tmp_path / "two" / ".clfnews" / "sites.npz").unlink()
    again = cli("filter", *inputs, "-o", "two", "--sites", "auto", "--model", sites_filter, "--workers", 1, "--resume")
    assert again.code == 0 and "(2 of them by an earlier run)" in again.out
    assert shards == {path.name: path.read_bytes() for path in (tmp_path / "two").glob("in*.jsonl")}
    assert cli("filter", *inputs, "-o", "none", "--model", sites_filter, "--workers", 1).code == 0
    assert shards != {path.name: path.read_bytes() for path in (tmp_path / "none").glob("in*.jsonl")}
    manifests = [json.loads((tmp_path / name / MANIFEST).read_text(encoding="utf-8")) for name in ("one", "none")]
    assert len(manifests[0]["sites"]) == 64 and "sites" not in manifests[1]


@pytest.mark.slow
def test_a_file_of_sites_for_tag_filter_and_evaluate(cli: Cli, inputs: list[Path], sites_filter: Path, tmp_path: Path) -> None:
    assert cli("sites", "fit", *inputs, "-o", "s.npz", "--unread").code == 0
    given = cli("tag", *inputs, "--sites", "s.npz", "--model", sites_filter)
    twice = cli("tag", *inputs, "--sites", "auto", "--model", sites_filter)
    assert given.code == 0 and given.out == twice.out != cli("tag", *inputs, "--model", sites_filter).out
    into = cli("filter", *inputs, "-o", "out", "--sites", "s.npz", "--model", sites_filter, "--workers", 1)
    assert into.code == 0, into.err
    texts = [json.loads(row)["text"] for i in range(3) for row in (tmp_path / "out" / f"in{i}.jsonl").open(encoding="utf-8")]
    assert texts == [row["text"] for row in given.rows]
    gold = ROOT / "data" / "pages" / "validation.jsonl"
    scores = [
        json.loads(cli("evaluate", gold, "--model", sites_filter, "--json", *more).out) for more in ((), ("--sites", "auto"))
    ]
    assert scores[0]["type/article_f1"] != scores[1]["type/article_f1"]


@pytest.mark.parametrize(
    ("file", "said"),
    [("challenge/pairs.jsonl", "challenge pairs, which are of no site"), ("stance/test.jsonl", "no pages of a known")],
)
def test_a_file_that_has_no_use_for_sites_says_so(file: str, said: str, cli: Cli, sites_filter: Path) -> None:
    path = ROOT / "data" / file
    plain = cli("evaluate", path, "--model", sites_filter, "--json")
    done = cli("evaluate", path, "--model", sites_filter, "--json", "--sites", "auto")
    assert (done.code, done.out) == (0, plain.out) and f"--sites: not used: {path} has {said}" in done.error
    assert "nowhere.npz: no such file" in cli("evaluate", path, "--model", sites_filter, "--sites", "nowhere.npz").error


def test_mistakes_with_sites_are_one_line(cli: Cli, inputs: list[Path], sites_filter: Path) -> None:
    assert "reads the inputs twice" in cli("tag", "-", "--sites", "auto", "--model", sites_filter).error
    done = cli("filter", *inputs, "-o", "out", "--sites", "nowhere.npz", "--model", sites_filter, "--workers", 1)
    assert done.code == 2 and "nowhere.npz: no such file" in done.error


# --- composing ----------------------------------------------------------------------------


def test_more_pages_of_a_composed_site_share_its_words() -> None:
    from itertools import islice

    from clfnews.data.composing.more import more_pages

    found = list(islice(more_pages(ROOT / "data" / "compose.yaml", "validation", 6), 18))
    assert len({page.site for page in found}) == 3
    own = [page.page for page in found if page.site == found[0].site]
    memory = SiteMemory.fit(own)
    assert memory[str(own[0].site)].site.stories == 6
    assert len(memory[str(own[0].site)].texts) >= 3, "menus come back"
    again = list(islice(more_pages(ROOT / "data" / "compose.yaml", "validation", 6), 18))
    assert again == found
