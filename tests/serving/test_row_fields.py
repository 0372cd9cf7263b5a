"""A row of results has the same fields in Python, from the command line and the server, in Parquet and in the MLflow model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers import SEED_PAGE, Cli, Project, write_rows
from serve_client import Client, serving

import clfnews
from clfnews.bulk.parquet import schema_of
from clfnews.events.classes import CLASSES
from clfnews.events.page import Event
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.schema import Many, Record, row_schema
from clfnews.labels import STANCE, Task
from clfnews.record.cells import FACTS
from clfnews.serving.limits import Limits

TEXT = SEED_PAGE.read_text(encoding="utf-8")
TABLE = "page,site,line,tone,topic,stance\n" + "".join(
    f"p{i},s{i}.example,{text},{tone},{topic},{side}\n"
    for i in range(12)
    for topic, extra in [("sport", "the team won the match") if i % 2 else ("economy", "the bank raised wages")]
    for text, tone, side in (
        (f"we welcome the plan {i} {extra}", "glad", "conciliatory"),
        (f"we reject the plan and threaten {i}", "cross", "hostile"),
        (f"{extra} on day {i}", "glad", "neutral"),
    )
)


@pytest.fixture(scope="module")
def own_filter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filter of two tasks of the user's and the shipped stance, without types: all lines are kept."""
    from helpers import run

    folder = tmp_path_factory.mktemp("own")
    (folder / "t.csv").write_text(TABLE, encoding="utf-8")
    done = run("data", "import", "t.csv", "-o", "t", "--lines", "stance", "--lines", "tone", "--pages", "topic", cwd=folder)
    assert done.code == 0, done.err
    overrides = ["folds=2", "bootstrap.samples=100", f"data.folder={folder / 't'}", "stance.models.cues=null"]
    outcome = clfnews.train(folder / "t" / "train.yaml", overrides, track=False)
    assert set(outcome.champions) == {"stance", "tone", "topic"} and outcome.skipped is None
    outcome.page_filter.save(folder / "model")
    return folder / "model"


def described(client: Client) -> dict[str, Any]:
    """Fields of `PageOut` in the description of the API."""
    found: dict[str, Any] = client.get("/openapi.json").json["components"]["schemas"]
    return found


@pytest.mark.parametrize("events", [False, True])
def test_the_shipped_tasks(project: Project, registered: str, store: Any, cli: Cli, tmp_path: Path, events: bool) -> None:
    import mlflow

    page_filter = clfnews.load(registered)
    page = next(page_filter.tag([TEXT]))
    row = (page.with_events() if events else page).as_row()
    assert [*row] == [*row_schema(page_filter.tasks, events)] == schema_of(page_filter.tasks, events).names
    assert {"title", "url", "site", "site_name", "date", "modified", "authors", "language", "model", "run"} <= {*FACTS, *row}
    flags = ["--events"] if events else []
    (written,) = cli("filter", SEED_PAGE, "-f", "jsonl", *flags, "-m", project.filter).rows
    assert [*written] == [*row] and [*written["lines"][0]] == [*row["lines"][0]]
    with serving(page_filter, Limits()) as client:
        answer = client.tag({"text": TEXT}, "?events=true" if events else "").json
        fields = described(client)
    assert [*answer] == [*row] and [*answer["lines"][0]] == [*row["lines"][0]]
    assert [*fields["PageOut"]["properties"]] == [*row_schema(page_filter.tasks, events=True)]
    assert {*fields["PageOut"]["required"]} == {*row} - {"events"} and fields["PageOut"]["additionalProperties"] is True
    assert [*fields["LineOut"]["properties"]] == [*row["lines"][0]]
    assert [*fields["StanceOut"]["properties"]] == [*row["stance"]]
    event = Event("RUS", "UKR", next(iter(CLASSES)), None, None, 1, "a line").as_row()
    assert [*fields["EventOut"]["properties"]] == [*event]
    frame = mlflow.pyfunc.load_model(registered).predict(pd.DataFrame({"text": [TEXT]}))
    flat = {"stance_p", "p_conciliatory", "p_hostile", "p_neutral", "error"}
    assert {*frame.columns} == {*row} - {"source", "events"} | flat, "rows of a frame are no files"
    assert {*page_filter.tag_frame(pd.DataFrame({"body": [TEXT]}), text="body")} == {"body", *row, "error"} - {"source", "events"}


def test_tasks_of_ones_own_beside_the_shipped_stance_without_types(own_filter: Path, cli: Cli, tmp_path: Path) -> None:
    import datasets

    page_filter = PageFilter.load(own_filter)
    write_rows(tmp_path / "in.jsonl", [{"text": "we welcome the plan\nwe reject and threaten", "price": 3}, {"text": ""}])
    rows = cli("tag", "in.jsonl", "-m", own_filter).rows
    fields = row_schema(page_filter.tasks)
    line = fields["lines"].kind
    assert isinstance(line, Many) and isinstance(line.of, Record)
    for row in rows:
        assert {*row} == {*fields, "price"} - ({"price"} if row["text"] == "" else set())
    first, empty = rows
    assert [*first["lines"][0]] == [*line.of.fields] == ["n", "text", "type", "p", "keep", "stance", "p_stance", "tone"]
    assert [x["stance"] for x in first["lines"]] == ["conciliatory", "hostile"] and first["stance"]["label"] is not None
    assert {x["type"] for x in first["lines"]} == {None} and first["topic"]["label"] in ("economy", "sport")
    assert (empty["stance"]["reason"], empty["topic"]) == ("no article lines", {"label": None, "p": None})

    assert cli("filter", "in.jsonl", "-o", "out", "--format", "parquet", "-w", 1, "-m", own_filter).code == 0
    (shard,) = (tmp_path / "out").glob("*.parquet")
    own = {"price": 3}
    assert pq.read_table(shard).to_pylist() == [{"price": None} | row | (own if row is first else {}) for row in rows]
    table = pd.read_parquet(tmp_path / "out")
    assert table["price"].tolist()[0] == 3 and table["stance"].str.get("label").tolist() == [first["stance"]["label"], None]
    read = datasets.load_dataset("parquet", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    assert set(read.column_names) == {*fields, "price"} and read[0]["topic"] == first["topic"]

    with serving(page_filter, Limits()) as client:
        answer = client.tag({"text": first["text"], "price": 3}).json
        found = described(client)
    assert {*answer} == {*first} and {*found["PageOut"]["properties"]} == {*first} - {"price"} | {"events"}
    assert found["TopicOut"]["properties"]["label"]["anyOf"][0]["enum"] == ["economy", "sport"]
    assert [*found["LineOut"]["properties"]] == [*first["lines"][0]]


def test_the_mlflow_model_has_a_column_for_each_task_of_ones_own(own_filter: Path, tmp_path: Path) -> None:
    from clfnews.tracking.columns import columns, flat, no_page

    page_filter = PageFilter.load(own_filter)
    page = next(page_filter.tag(["we welcome the plan\nwe reject and threaten"]))
    row = flat(page.as_row(), page_filter.tasks)
    assert {*row} == {*columns(page_filter.tasks)} and {"topic", "topic_p", "tone", "tone_p", "stance_p", "p_hostile"} <= {*row}
    assert row["topic"] == page.own["topic"]["label"] and row["topic_p"] == page.own["topic"]["p"][row["topic"]]
    assert json.loads(row["lines"])[0]["tone"]["label"] in ("glad", "cross")
    bad = no_page("why", page_filter.origin, page_filter.tasks)
    assert {*bad} == {*row} and (bad["error"], bad["topic"], bad["authors"], bad["model"]) == ("why", "", [], row["model"])


def test_a_stance_of_the_users_own_takes_the_place_of_the_shipped_one() -> None:
    for of in ("lines", "pages"):
        tasks = {"topic": Task("topic", ("a", "b"), "pages"), "stance": Task("stance", ("pro", "contra"), of)}
        names = schema_of(tasks).names
        assert names.count("stance") == 1 and "p_stance" not in schema_of(tasks).field("lines").type.value_type.names
    assert STANCE not in tasks.values()


def test_events_that_a_filter_cannot_give_are_refused(own_filter: Path) -> None:
    page_filter = PageFilter.load(own_filter)
    page_filter.stance_task = None
    with serving(page_filter, Limits()) as client:
        answer = client.tag({"text": "a line"}, "?events=true")
    assert answer.status == 422 and "gives no events" in answer.error
