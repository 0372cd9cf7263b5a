"""The queue of pages to label, and the data folder that labelled pages become; on the shipped English pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, Cli, write_rows

from clfnews.config.schema import Config
from clfnews.data.folder import load_split
from clfnews.errors import UserError
from clfnews.filtering.filter import PageFilter
from clfnews.labelling.exchange import read_labelled
from clfnews.labelling.folder import SHARES, add_to_folder
from clfnews.labelling.labelstudio import LABELLING_CONFIG
from clfnews.labelling.queue import Choice, Labelled, known_pages, make_queue, queue_rows, rules_filter
from clfnews.labels import TASKS
from clfnews.models import make_model
from clfnews.models.calibration import FittedTask
from clfnews.page import Page
from clfnews.readers.inputs import read_pages
from clfnews.training.splits import load_splits

ENGLISH = ROOT / "tests" / "files" / "english"
PAGES: list[Page] = [page for page in read_pages([str(ENGLISH / "pages.jsonl")]) if isinstance(page, Page)]


@pytest.fixture(scope="module")
def trained() -> PageFilter:
    """A linear model of the labelled English pages."""
    gold = [Page.from_row(row, row["id"]) for row in read_labelled(ENGLISH / "labelled.tsv")]
    model = make_model("linear", "type", TASKS["type"], {"min_df": 1}).fit(gold, [str(page.site) for page in gold])
    return PageFilter(FittedTask(model, {}), None, name="linear")


def ids(choices: list[Choice]) -> list[str]:
    return [choice.candidate.tagged.page.id for choice in choices]


def test_each_reason_takes_its_best_page_in_turn(trained: PageFilter) -> None:
    found = make_queue(trained, PAGES, 12)
    reasons = [choice.reason for choice in found]
    assert reasons[:3] == ["new site", "unsure", "disagreement"] and len(set(ids(found))) == 12
    sure = {choice.candidate.tagged.page.id: choice.candidate.tagged.confidence for choice in found}
    first_unsure = found[reasons.index("unsure")].candidate.tagged.page.id
    assert sure[first_unsure] == min(sure[name] for name in sure if name != ids(found)[0])
    for choice in found:
        assert choice.why.startswith(f"{choice.reason} (")


def test_the_same_pages_in_another_order_give_the_same_queue(trained: PageFilter) -> None:
    wanted = ids(make_queue(trained, PAGES, 5))
    assert ids(make_queue(trained, PAGES[::-1], 5)) == wanted == ids(make_queue(trained, PAGES, 12))[:5]


def test_pages_are_spread_over_sites(trained: PageFilter) -> None:
    found = make_queue(trained, PAGES, 12, per_site=1)
    assert len(found) == 6 == len({choice.candidate.site for choice in found})


def test_labelled_pages_are_left_out_and_their_sites_are_not_new(trained: PageFilter, tmp_path: Path) -> None:
    rows = read_labelled(ENGLISH / "labelled.tsv")
    known = known_pages(write_rows(tmp_path / "half.jsonl", rows[::2]))
    found = make_queue(trained, PAGES, 12, labelled=known)
    assert sorted(ids(found)) == sorted(row["id"] for row in rows[1::2])
    assert "new site" not in {choice.reason for choice in found}, "one page of every site is labelled"
    with pytest.raises(UserError, match="no page to choose from"):
        make_queue(trained, PAGES[:1], 5, labelled=Labelled(texts=known.texts))


def test_a_text_is_offered_once_and_two_texts_of_one_name_get_two_ids(trained: PageFilter) -> None:
    first, second = PAGES[:2]
    twin = Page("copy", first.lines, first.url, first.site)
    namesake = Page(first.id, second.lines, second.url, second.site)
    found = ids(make_queue(trained, [first, twin, namesake, Page("empty", ())], 10))
    assert len(found) == 2 and first.id in found and any(name.startswith(f"{first.id}~") for name in found)


def test_two_models_that_agree_give_no_disagreement(trained: PageFilter) -> None:
    found = make_queue(trained, PAGES, 12, against=trained)
    assert {choice.reason for choice in found} == {"new site", "unsure"}
    different = make_queue(trained, PAGES, 12, against=rules_filter())
    assert any(choice.candidate.disagreement > 0 for choice in different)


@pytest.mark.parametrize("name", ["queue.tsv", "queue.jsonl"])
def test_the_queue_comes_back_from_a_file(name: str, rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    done = cli("annotate", "queue", rules_filter, ENGLISH / "pages.jsonl", "-n", 4, "-o", name)
    assert done.code == 0 and f"{name}: 4 pages to label" in done.out and "new site (" in done.out
    assert cli("data", "import", name, "-o", "back.jsonl").code == 0
    rows = [json.loads(line) for line in (tmp_path / "back.jsonl").read_text(encoding="utf-8").splitlines()]
    page_filter = PageFilter.load(rules_filter)
    wanted = queue_rows(make_queue(page_filter, PAGES, 4))
    assert rows == wanted and rows[0]["model"].startswith("filter@sha256:")
    (tmp_path / name).write_text("labels of a person", encoding="utf-8")
    done = cli("annotate", "queue", rules_filter, ENGLISH / "pages.jsonl", "-o", name)
    assert (done.code, done.error) == (2, f"clfnews: {name}: is there already and may hold labels; give another name")
    assert (tmp_path / name).read_text(encoding="utf-8") == "labels of a person"


def test_the_queue_for_label_studio_is_predictions(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    options = ["-n", 4, "-o", "queue.json", "--labelling-config", "labels.xml"]
    done = cli("annotate", "queue", rules_filter, ENGLISH / "pages.jsonl", *options)
    assert done.code == 0 and "labels.xml: paste it into" in done.out
    assert (tmp_path / "labels.xml").read_text(encoding="utf-8") == LABELLING_CONFIG
    tasks = json.loads((tmp_path / "queue.json").read_text(encoding="utf-8"))
    assert [task["annotations"] for task in tasks] == [[]] * 4
    assert {task["predictions"][0]["model_version"] for task in tasks} == {PageFilter.load(rules_filter).origin.model}
    done = cli("data", "import", "queue.json", "-o", "back.jsonl")
    assert done.code == 2 and "queue.json: 4 pages, none of them with a label yet" in done.error


def test_the_rules_stand_in_for_a_model_that_nobody_has_trained_yet(cli: Cli, tmp_path: Path) -> None:
    done = cli("annotate", "queue", "rules", ENGLISH / "pages.jsonl", "-n", 4, "--types-only", "-o", "queue.tsv")
    assert done.code == 0 and "queue.tsv: 4 pages to label" in done.out
    notes: list[str] = []
    rows = read_labelled(tmp_path / "queue.tsv", note=notes.append)
    assert {row["model"] for row in rows} == {"rules"} and len({row["site"] for row in rows}) > 1
    assert notes == [f"{tmp_path / 'queue.tsv'}: 4 of 4 pages have the model's labels unchanged"]
    assert [path.name for path in tmp_path.iterdir()] == ["queue.tsv"], "no store of models was made"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.jsonl", "-o", "q.tsv"], "missing.jsonl: no such file or folder"),
        ([ENGLISH / "pages.jsonl", "-o", "q.doc"], "q.doc: give --format, or a name that ends in .json or .tsv or .jsonl"),
        ([ENGLISH / "pages.jsonl", "-o", "q.tsv", "--labelled", "gone"], "gone: no such file"),
        ([ENGLISH / "pages.jsonl", "-o", "nowhere/q.tsv"], "the folder nowhere does not exist"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments: list[Any], said: str, rules_filter: Path, cli: Cli) -> None:
    done = cli("annotate", "queue", rules_filter, *arguments, "-q")
    assert done.code == 2 and said in done.error


# --- the data folder ------------------------------------------------------------------------


def test_sites_keep_their_split_when_pages_are_added(tmp_path: Path) -> None:
    rows, folder = read_labelled(ENGLISH / "labelled.tsv"), tmp_path / "labels"
    add_to_folder(rows[::2], folder)
    before = {page.site: name for name in SHARES for page in load_split(folder, "pages", name).pages}
    assert len(before) == 6
    rows[0]["lines"][0]["type"] = "ui"
    added = add_to_folder(rows, folder)
    after = {page.site: name for name in SHARES for page in load_split(folder, "pages", name).pages}
    assert after == before and sum(pages for pages, _, _ in added.counts.values()) == 12, "a page keeps its place"
    assert (added.replaced, added.changed, added.alone) == (6, 1, 0)
    changed = next(p for p in load_split(folder, "pages", before[rows[0]["site"]]).pages if p.id == rows[0]["id"])
    assert changed.lines[0].type == "ui"


def test_a_folder_takes_only_what_can_be_trained_on(tmp_path: Path, tiny_data: Path, cli: Cli) -> None:
    rows = read_labelled(ENGLISH / "labelled.tsv")
    rows[1]["lines"][2]["type"] = None
    with pytest.raises(UserError, match=r"no type on page '.+', line 3; every line needs one"):
        add_to_folder(rows, tmp_path / "labels")
    assert not (tmp_path / "labels").exists()
    with pytest.raises(UserError, match="has a dataset card of its own"):
        add_to_folder(rows[2:], tiny_data)
    done = cli("data", "import", ENGLISH / "labelled.tsv", "-o", "labels", "--split", "tset")
    assert done.code == 2 and "--split tset: unknown (did you mean 'test'?)" in done.error
    done = cli("data", "import", ENGLISH / "labelled.tsv", "-o", "labels", "--split", "train")
    assert done.code == 0 and "no sites yet for test and validation" in done.err


def test_replaced_pages_are_told(tmp_path: Path, cli: Cli) -> None:
    rows = read_labelled(ENGLISH / "labelled.tsv")
    first = cli("data", "import", ENGLISH / "labelled.tsv", "-o", "labels")
    assert "replaced" not in first.out + first.err
    rows[0]["lines"][0]["type"] = rows[2]["lines"][4]["type"] = "ui"
    rows[2]["lines"].pop()
    write_rows(tmp_path / "again.jsonl", rows[:3])
    again = cli("data", "import", "again.jsonl", "-o", "labels")
    assert again.code == 0 and "labels: 3 pages replaced (3 lines changed)" in again.out


def test_labels_of_a_model_take_the_place_of_nobodys_work(tmp_path: Path, cli: Cli) -> None:
    assert cli("data", "import", ENGLISH / "labelled.tsv", "-o", "labels").code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "labels/pages").glob("*.jsonl")}
    queue = ("annotate", "queue", "rules", ENGLISH / "pages.jsonl", "-n", 12, "--types-only", "-o", "queue.tsv")
    assert cli(*queue).code == 0
    done = cli("data", "import", "queue.tsv", "-o", "labels")
    assert done.code == 0 and "12 pages left as they are: those of queue.tsv have a model's labels unchanged" in done.err
    assert {path.name: path.read_bytes() for path in (tmp_path / "labels/pages").glob("*.jsonl")} == before


def test_pages_without_a_site_are_told_of(tmp_path: Path, cli: Cli) -> None:
    rows = [row | {"site": None, "url": None, "layout": None, "group": None} for row in read_labelled(ENGLISH / "labelled.tsv")]
    write_rows(tmp_path / "mine.jsonl", rows)
    told = "12 pages have no site; each counts as one: give `site` or `url`"
    done = cli("data", "import", "mine.jsonl", "-o", "labels")
    assert done.code == 0 and f"clfnews: labels: {told}" in done.err
    checked = cli("data", "check", "labels")
    assert (checked.code, checked.out) == (0, f"12 pages and 220 lines in 3 files ({told}): 0 problems\n")
    # With their addresses they are dealt out again, a site to one split.
    for i, row in enumerate(rows):
        row["url"] = f"https://www.paper{i % 4}.example/{i}"
    write_rows(tmp_path / "mine.jsonl", rows)
    done = cli("data", "import", "mine.jsonl", "-o", "labels")
    assert "12 pages replaced (0 lines changed)" in done.out and "no site;" not in done.err
    checked = cli("data", "check", "labels")
    assert (checked.code, checked.out) == (0, "12 pages and 220 lines in 3 files: 0 problems\n")
    assert {page.site for page in load_split(tmp_path / "labels", "pages", "test").pages} == {"paper1.example"}


def test_a_folder_too_small_to_train_on_says_what_to_do(tmp_path: Path) -> None:
    rows, folder = read_labelled(ENGLISH / "labelled.tsv"), tmp_path / "labels"

    def splits(**data: str | None) -> None:
        load_splits(Config.model_validate({"data": {"folder": str(folder), **data}}), "type")

    add_to_folder(rows[:2], folder)
    with pytest.raises(UserError, match=r"no split 'test' in 'pages'.*; --set data.test=null holds out a tenth of train's sites"):
        splits()
    with pytest.raises(UserError, match=r"pages/train has only pages of 1 site, which the test takes: label pages of more sites"):
        splits(test=None)
    add_to_folder(rows, folder, "train")
    with pytest.raises(UserError, match=r"no split 'validation' in 'pages'.*; --set data.validation=null goes without one"):
        splits(test=None)
    splits(test=None, validation=None)
    with pytest.raises(UserError, match=r"no split 'tets' in 'pages' \(known: train\); --set data.test=null"):
        splits(test="tets")
