"""Labels of the user's own go to labelling tools and back: from a card, or from a model."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT

from clfnews.config.schema import load_config
from clfnews.data.corpus import task_corpus
from clfnews.data.gold import load_gold
from clfnews.data.stats import stats_figure, stats_tables
from clfnews.errors import UserError
from clfnews.filtering.filter import PageFilter
from clfnews.labelling.agreement import agreement
from clfnews.labelling.exchange import export_rows, import_rows, read_labelled, write_rows
from clfnews.labelling.folder import add_to_folder
from clfnews.labelling.labelstudio import labelling_config
from clfnews.labelling.plain import Columns, import_plain
from clfnews.labelling.queue import make_queue, queue_rows
from clfnews.labelling.tasks import tasks_of_folder, tasks_of_labelled
from clfnews.models import make_model
from clfnews.models.calibration import FittedTask
from clfnews.page import Page
from clfnews.training.suspects import after_edit

ARTICLES = ROOT / "tests" / "files" / "topics" / "articles.csv"
NEW = [
    Page.from_lines(["Read more", "Goalkeeper wins the match", "The team scored and the coach praised the players."], "a1"),
    Page.from_lines(["Sign in", "Company raises wages", "Shares of the bank rose by two percent."], "a2"),
]


@pytest.fixture(scope="module")
def topics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the example."""
    folder = tmp_path_factory.mktemp("own") / "topics"
    import_plain(ARTICLES, folder, Columns(("section",), ("topic",), ("headline", "text")))
    return folder


@pytest.fixture(scope="module")
def trained(topics: Path) -> PageFilter:
    """A filter of the folder's labels."""
    tasks = tasks_of_folder(topics)
    assert tasks is not None
    fitted = {}
    for name, task in tasks.items():
        corpus = task_corpus(load_gold(topics / "pages" / "train.jsonl", tasks), task, tasks["type"].keep)
        options = {"min_df": 1}
        model = make_model("linear", name, task.labels, options).fit(list(corpus.pages), list(corpus.groups))
        fitted[name] = FittedTask(model, options, spec=task)
    return PageFilter.of(fitted, name="topics")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("ending", ["tsv", "json", "jsonl"])
def test_a_folder_of_own_labels_comes_back_from_every_format(ending: str, topics: Path, tmp_path: Path) -> None:
    source, sent, back = topics / "pages" / "test.jsonl", tmp_path / f"e.{ending}", tmp_path / "b.jsonl"
    assert export_rows(source, sent) == 6
    assert import_rows(sent, back) == (6, 39, 0)
    known = rows_of(source)
    assert [{key: value for key, value in row.items() if key != "tasks"} for row in rows_of(back)] == known
    found = agreement(back, source)
    assert {name: task.agreement for name, task in found.tasks.items()} == {"type": 1.0, "article": 1.0, "topic": 1.0}
    assert found.tasks["topic"].lines == 6 and found.tasks["type"].lines == 39
    blank = tmp_path / f"blank.{ending}"
    export_rows(source, blank, blank=True)
    with pytest.raises(UserError, match="none of them with a label yet"):
        read_labelled(blank)


@pytest.mark.parametrize("ending", ["tsv", "json", "jsonl"])
def test_a_queue_has_the_labels_of_its_model(ending: str, trained: PageFilter, tmp_path: Path) -> None:
    rows = queue_rows(make_queue(trained, NEW, 2))
    assert {line["type"] for row in rows for line in row["lines"]} <= {"headline", "text", "menu"}
    assert {row["topic"] for row in rows} <= {"economy", "sport", "weather"} and {row["model"] for row in rows} == {"topics"}
    write_rows(rows, tmp_path / f"q.{ending}")
    if ending == "json":  # a model's labels are predictions
        [task, _] = json.loads((tmp_path / "q.json").read_text(encoding="utf-8"))
        assert {result["from_name"] for result in task["predictions"][0]["result"]} == {"type", "topic"}
    else:
        assert read_labelled(tmp_path / f"q.{ending}") == rows


def test_a_correction_is_a_persons_and_arrives_in_the_folder(trained: PageFilter, tmp_path: Path) -> None:
    rows = queue_rows(make_queue(trained, NEW, 2))
    write_rows(rows, tmp_path / "q.tsv")
    table = (tmp_path / "q.tsv").read_text(encoding="utf-8").splitlines()
    place = next(n for n, line in enumerate(table) if line.startswith("a1\t1\t"))
    cells = table[place].split("\t")
    table[place] = "\t".join([*cells[:3], "weather", cells[4]])
    (tmp_path / "q.tsv").write_text("\n".join(table), encoding="utf-8")
    corrected = {row["id"]: row for row in read_labelled(tmp_path / "q.tsv")}
    assert corrected["a1"]["topic"] == "weather" and "prefilled" in corrected["a1"] and "model" in corrected["a2"]
    add_to_folder([*corrected.values()], tmp_path / "more")
    assert 'keep: ["headline", "text"]' in (tmp_path / "more" / "train.yaml").read_text(encoding="utf-8")
    assert tasks_of_folder(tmp_path / "more") == tasks_of_labelled(_jsonl(rows, tmp_path))


def _jsonl(rows: list[dict[str, Any]], folder: Path) -> Path:
    write_rows(rows, folder / "rows.jsonl")
    return folder / "rows.jsonl"


def test_label_studio_is_set_up_for_the_tasks(topics: Path) -> None:
    tasks = tasks_of_folder(topics)
    assert tasks is not None
    root = ET.fromstring(labelling_config(tasks))
    controls = {tag.attrib["name"]: tag for tag in root.iter() if "toName" in tag.attrib}
    assert [label.attrib["value"] for label in controls["type"]] == ["headline", "menu", "text"]
    assert [label.attrib["value"] for label in controls["topic"]] == ["economy", "sport", "weather"]
    assert "perRegion" not in controls["topic"].attrib


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("\tmenu\t", "\tmenü\t", "unknown type 'menü' (did you mean 'menu'?)"),
        ("\teconomy\t", "\teconmy\t", "unknown topic 'econmy' (did you mean 'economy'?)"),
        ("\theadline\t\t", "\theadline\tweather\t", "but page 'bellport-news-1' is 'economy' before; a page has one"),
        ('"of": "pages"', '"of": "sites"', "its field 'tasks' does not say what the labels are: export the page again"),
    ],
)
def test_mistakes_are_named(old: str, new: str, told: str, topics: Path, tmp_path: Path) -> None:
    export_rows(topics / "pages" / "test.jsonl", tmp_path / "e.tsv")
    text = (tmp_path / "e.tsv").read_text(encoding="utf-8")
    (tmp_path / "e.tsv").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_labelled(tmp_path / "e.tsv")
    assert told in str(error.value) and "e.tsv:" in str(error.value)


def test_pages_with_other_labels_do_not_get_into_a_folder(topics: Path) -> None:
    row = {"id": "x", "lines": [{"text": "Tin", "type": "title", "stance": None}]}
    with pytest.raises(
        UserError, match=r"its card has other labels of type \(headline, menu, text\) than the pages \(title, body"
    ):
        add_to_folder([row], topics)


def test_stats_count_the_tasks_of_the_card(topics: Path, tmp_path: Path) -> None:
    tables = {title: (header, rows) for title, header, rows in stats_tables(topics)}
    header, rows = tables["labels of lines: type"]
    assert header[0] == "type" and [row[0] for row in rows] == ["headline", "menu", "text"]
    assert rows[0][header.index("pages/test")] == "6 (15.4%)"
    header, rows = tables["labels of pages: topic"]
    assert [row[0] for row in rows] == ["economy", "sport", "weather"] and rows[0][header.index("pages/test")] == "2 (33.3%)"
    header, rows = tables["pages"]
    assert header == ["split", "pages", "lines", "sites", "groups"] and ["pages/test", "6", "39", "3", "3"] in rows
    stats_figure(topics, tmp_path / "stats.png")
    assert (tmp_path / "stats.png").is_file()


def test_labels_of_pages_alone_are_counted_and_exported(tmp_path: Path) -> None:
    rows = "".join(f"word {n},{'ab'[n % 2]}\n" for n in range(20))
    (tmp_path / "mail.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    import_plain(tmp_path / "mail.csv", tmp_path / "mail", Columns(named={}, pages=("label",)))
    titles = [title for title, _, _ in stats_tables(tmp_path / "mail")]
    assert titles[:2] == ["pages", "labels of pages: label"] and len(titles) == 3
    stats_figure(tmp_path / "mail", tmp_path / "stats.png")
    assert export_rows(tmp_path / "mail" / "pages" / "test.jsonl", tmp_path / "mail.tsv") == 4
    assert (tmp_path / "mail.tsv").read_text(encoding="utf-8").startswith("page_id\tn\tlabel\ttext\n")
    assert import_rows(tmp_path / "mail.tsv", tmp_path / "back.jsonl") == (4, 4, 0)


def test_what_to_do_after_an_edit_is_of_the_folder(topics: Path) -> None:
    assert after_edit(load_config(topics / "train.yaml")) == f"check the folder: clfnews data check {topics}"
    shipped = load_config(ROOT / "configs" / "base.yaml", [f"data.folder={ROOT / 'data'}"])
    assert after_edit(shipped) == f"build the splits again: clfnews data compose {ROOT / 'data' / 'compose.yaml'}"
