"""The JSON API: rows as the command line reads and writes them, and no row, however odd, that harms another."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import SEED_PAGE, Cli
from pydantic import TypeAdapter
from serve_client import JSON, Client, serving

from clfnews.filtering.filter import PageFilter
from clfnews.labels import SHIPPED, TYPES
from clfnews.serving import schemas
from clfnews.serving.limits import Limits, Turns
from clfnews.serving.work import RowOptions, Work

TEXT = SEED_PAGE.read_text(encoding="utf-8")
HTML = "<html><body><nav><a href=/>Home</a></nav><h1>Talks resume</h1><p>The two ministers met on Monday again.</p></body></html>"


@pytest.fixture(scope="module")
def client(rules_filter: Path) -> Iterator[Client]:
    with serving(rules_filter, Limits(megabytes=1, rows=20, seconds=60)) as started:
        yield started


def test_a_row_is_what_tag_and_filter_write(client: Client, cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    rows = [{"id": 7, "text": TEXT, "url": "https://www.a.example/x"}, {"html": HTML}, {"lines": ["A line", "", "Another"]}]
    (tmp_path / "row.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for query, command in (("", ["tag"]), ("?lines=kept", ["filter", "-f", "jsonl"])):
        wanted = cli(*command, "row.jsonl", "-m", rules_filter).rows
        found = client.tag(rows, query).json
        for row, other in zip(found, wanted, strict=True):
            assert row | {"id": "", "source": ""} == other | {"id": "", "source": ""}
    assert [row["id"] for row in found] == ["7", "row-2", "row-3"] and found[0]["site"] == "a.example"


def test_an_object_gives_an_object_and_a_threshold_counts(client: Client) -> None:
    assert client.tag({"text": TEXT}).json["lines"] == client.tag([{"text": TEXT}]).json[0]["lines"]
    assert {line["keep"] for line in client.tag({"text": TEXT}, "?threshold=0").json["lines"]} == {True}
    assert client.tag([]).json == []
    for query, said in (("?threshold=2", "threshold"), ("?threshold=nan", "threshold"), ("?lines=some", "lines")):
        answer = client.tag({"text": TEXT}, query)
        assert answer.status == 422 and said in answer.error


BAD_ROWS: list[tuple[Any, str]] = [
    (None, "not a JSON object"),
    (7, "not a JSON object"),
    (["text"], "not a JSON object"),
    ({}, "has no key 'text' or 'html' (keys: none)"),
    ({"body": "x"}, "has no key 'text' or 'html' (keys: body)"),
    ({"text": None}, "needs 'text'"),
    ({"text": 7}, "needs 'text'"),
    ({"html": 7}, "'html' is not a string"),
    ({"lines": "x"}, "'lines' is not a list"),
    ({"lines": [{"n": 1}]}, "line 1 has no 'text'"),
    ({"html": "<p>" + "\0PNG" * 9}, ""),
    ({"text": "\n" * 60_000}, "more than 50,000 lines"),
]


def test_a_bad_row_is_its_own_error_and_the_others_are_tagged(client: Client) -> None:
    good = {"id": "good", "text": TEXT}
    rows = client.tag([good, *(row for row, _ in BAD_ROWS), good]).json
    assert rows[0] == rows[-1] and rows[0]["id"] == "good" and "error" not in rows[0]
    for (row, said), found in zip(BAD_ROWS, rows[1:-1], strict=True):
        if said:
            assert set(found) == {"id", "error"} and said in found["error"] and "--column" not in found["error"], row
    alone = client.tag({"body": "x", "id": 9})
    assert (alone.status, alone.json["id"]) == (422, "9") and "has no key" in alone.json["error"]


@pytest.mark.parametrize(
    ("id", "wanted"),
    [(7, "7"), (7.5, "7.5"), ("", "row-1"), (None, "row-1"), ([1], "row-1"), ({"a": 1}, "row-1"), (True, "row-1"),
     (float("nan"), "row-1"), (10**30, "row-1"), ("\ud800<b>", "\ufffd<b>"), ("../../etc", "../../etc")],
)  # fmt: skip
def test_ids_of_any_kind(client: Client, id: object, wanted: str) -> None:
    assert client.tag({"id": id, "text": "Một dòng"}).json["id"] == wanted
    assert client.tag({"id": id, "url": id, "date": id, "site": id, "text": "Một dòng"}).status == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"", "not JSON"), (b"{", "not JSON"), (b"\0\0\0", "not JSON"), (b"[" * 200_000, "nested too deep"),
     (b'{"a":' * 100_000, "nested too deep"), (b"[" + b"9" * 5000 + b"]", "not JSON")],
)  # fmt: skip
def test_what_is_no_json_is_told_in_one_line(client: Client, body: bytes, said: str) -> None:
    answer = client.tag(body)
    assert answer.status == 400 and said in answer.error and "\n" not in answer.error


def test_odd_characters_are_read_as_the_command_line_does(client: Client) -> None:
    row = client.tag(b'\xef\xbb\xbf{"id": "a\xff", "text": "NUL \\u0000 half \\ud83d end\xff"}').json
    assert row["id"] == "a\ufffd" and row["lines"][0]["text"] == "NUL half \ufffd end\ufffd"


def test_what_is_too_large_is_refused_whole_or_in_pieces(client: Client) -> None:
    large = json.dumps({"text": "x" * 10_000_000}).encode()
    answer = client.tag(large)
    assert answer.status == 413 and "larger than 1 MiB" in answer.error
    answer = client.send("POST", "/tag", iter([large[i : i + 65536] for i in range(0, len(large), 65536)]), JSON)
    assert answer.status == 413, "without a Content-Length"
    answer = client.tag([{"text": "x"}] * 21)
    assert answer.status == 413 and "more than 20 rows" in answer.error


def test_only_json_under_this_servers_own_names(client: Client) -> None:
    answer = client.send("POST", "/tag", b'{"text": "x"}', {"Content-Type": "text/plain"})
    assert answer.status == 415 and "Content-Type: application/json" in answer.error
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
        assert client.send("GET", "/health", headers={"Host": host}).status == 400
    for host in ("localhost", f"localhost:{client.port}", "127.0.0.1", "[::1]:80"):
        assert client.send("GET", "/health", headers={"Host": host}).status == 200


def test_other_addresses_and_methods_are_one_line(client: Client) -> None:
    assert client.get("/nothing").status == 404 and "/openapi.json" in client.get("/nothing").error
    assert client.get("/tag").status == 405 and "GET is not for" in client.get("/tag").error
    for path in ("/static/../app.py", "/static/%2e%2e%2fapp.py", "/static/serve.html", "/docs", "/redoc"):
        assert client.get(path).status == 404


def test_health_and_version(client: Client) -> None:
    import clfnews

    assert client.get("/health").json == {"status": "ok"} and client.send("HEAD", "/health").status == 200
    known = client.get("/version").json
    assert known["models"] == {"type": "rules", "stance": "lexicon"} and known["clfnews"] == clfnews.__version__


def test_the_description_is_that_of_the_answers(client: Client) -> None:
    described = client.get("/openapi.json").json
    assert set(described["paths"]) == {"/tag", "/health", "/version"}
    names = described["components"]["schemas"]
    assert all(
        field.get("description")
        for name in ("RowIn", "PageOut", "LineOut", "StanceOut", "EventOut")
        for field in names[name]["properties"].values()
    ), "every field says what it is"
    text = json.dumps(described)
    for target in {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}:
        assert target in names
    pages = TypeAdapter(list[schemas.page_out(SHIPPED) | schemas.RowError])  # type: ignore[misc]
    pages.validate_python(client.tag([{"text": TEXT}, {}, {"html": HTML}, {"text": ""}]).json, strict=True)
    assert names["LineOut"]["properties"]["type"]["enum"] == [*TYPES]


def test_rows_beyond_the_time_are_told_and_the_answer_comes(rules_filter: Path) -> None:
    work = Work(PageFilter.load(rules_filter), Limits(seconds=5))
    body = json.dumps([{"id": "a", "text": TEXT}, {"text": TEXT}]).encode()
    late, _ = work.tag_json(body, RowOptions(), until=time.monotonic() - 1)
    assert late == [{"id": name, "error": "not done within 5 s"} for name in ("a", "row-2")]
    in_time, _ = work.tag_json(body, RowOptions(), until=time.monotonic() + 600)
    assert [row["id"] for row in in_time] == ["a", "row-2"] and in_time[0]["text"]


def test_a_body_that_never_comes_is_given_up(rules_filter: Path) -> None:
    with serving(rules_filter, Limits(seconds=0.5)) as client:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        connection.putrequest("POST", "/tag")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "100")
        connection.endheaders()
        assert connection.getresponse().status == 408
        connection.close()


def test_many_at_once_are_served_or_told_to_come_again() -> None:
    go = threading.Event()

    async def crowd() -> list[Any]:
        turns = Turns(Limits(at_once=1, waiting=2, seconds=60))
        asked = [asyncio.create_task(turns.run(go.wait, 60)) for _ in range(6)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_EXCEPTION)
        go.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [*answers, await turns.run(go.wait, 60)]

    answers = asyncio.run(crowd())
    assert answers[:3] == [True] * 3 and answers[-1] is True, "those that waited, and one that came later"
    assert {(error.status, error.reason) for error in answers[3:6]} == {
        (503, "the server has too much to do; try again in a moment")
    }


def test_work_without_end_is_answered_and_keeps_its_place() -> None:
    go = threading.Event()

    async def stuck() -> list[Any]:
        turns = Turns(Limits(at_once=1, waiting=0, seconds=0.05))
        first = await asyncio.gather(turns.run(go.wait, 60), return_exceptions=True)
        second = await asyncio.gather(turns.run(go.wait, 60), return_exceptions=True)
        go.set()
        return first + second

    assert [error.status for error in asyncio.run(stuck())] == [504, 503]


def test_requests_side_by_side_get_their_own_answers(client: Client) -> None:
    found: dict[int, str] = {}

    def ask(number: int) -> None:
        found[number] = client.tag({"id": number, "text": f"Dòng số {number}\n{TEXT}"}).json["lines"][0]["text"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: f"Dòng số {number}" for number in range(12)}
