"""Gold rows survive the trip to Label Studio and to a table, and mistakes made there are named."""

from __future__ import annotations

import csv
import io
import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, Cli, write_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clfnews.errors import UserError
from clfnews.labelling.agreement import agreement
from clfnews.labelling.exchange import export_rows, import_rows, read_labelled
from clfnews.labelling.labelstudio import LABELLING_CONFIG, from_labelstudio, to_labelstudio
from clfnews.labelling.queue import known_pages
from clfnews.labelling.table import from_tsv, to_tsv
from clfnews.labels import ARTICLE, STANCES, TYPES
from clfnews.page import normalise

SEEDS = ROOT / "data" / "pages" / "test.jsonl"
FILES = ["pages/test.jsonl", "stance/validation.jsonl", "votes/seeds-annotator1.jsonl"]

Row = dict[str, Any]
Task = dict[str, Any]


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def seed() -> Row:
    """The seed page with the fewest lines."""
    return min(read(SEEDS), key=lambda row: len(row["lines"]))


# --- round trips ------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["json", "tsv"])
@pytest.mark.parametrize("name", FILES)
def test_shipped_files_come_back_byte_for_byte(name: str, ending: str, tmp_path: Path) -> None:
    source, there, back = tmp_path / "source.jsonl", tmp_path / f"x.{ending}", tmp_path / "x.jsonl"
    shutil.copy(ROOT / "data" / name, source)
    n = export_rows(source, there)
    assert import_rows(there, back)[0] == n == len(read(source))
    assert back.read_bytes() == source.read_bytes()


# Signs that mean something to tables, spreadsheets, JSON, XML or UTF-16.
_signs = st.sampled_from([*"\"'#=+-@\\<>&,;| \t\n\x85\u2028", "đ", "\u0301", "😀"])
_text = st.text(st.one_of(_signs, st.characters(exclude_categories=["Cs"])), min_size=1).map(normalise).filter(bool)


@st.composite
def gold_rows(draw: st.DrawFn) -> list[Row]:
    rows = []
    for page_id in draw(st.lists(_text, max_size=3, unique=True)):
        numbered = draw(st.booleans())
        lines = []
        for n, text in enumerate(draw(st.lists(_text, min_size=1, max_size=5)), 1):
            kind = draw(st.sampled_from([*TYPES, None]))
            stance = draw(st.sampled_from([*STANCES, None])) if kind in {*ARTICLE, None} else None
            lines.append(({"n": 2 * n} if numbered else {}) | {"text": text, "type": kind, "stance": stance})
        meta = draw(st.dictionaries(st.sampled_from(["origin", "site", "article", "date"]), st.one_of(st.none(), st.text())))
        rows.append({"id": page_id, **meta, "lines": lines, "guidelines": "1"})
    return rows


def same(rows: list[Row], others: list[Row]) -> bool:
    """Equal, in the order of the keys too."""
    return json.dumps(rows) == json.dumps(others)


@settings(max_examples=60, deadline=None)
@given(gold_rows())
def test_any_rows_survive_a_table(rows: list[Row]) -> None:
    assert same(from_tsv(to_tsv(rows), "x.tsv"), rows)


@settings(max_examples=60, deadline=None)
@given(gold_rows())
def test_any_rows_survive_label_studio(rows: list[Row]) -> None:
    assert same(from_labelstudio(json.loads(json.dumps(to_labelstudio(rows))), "x.json"), rows)


@settings(max_examples=30, deadline=None)
@given(gold_rows(), st.randoms(use_true_random=False))
def test_any_table_survives_a_spreadsheet(rows: list[Row], rng: Any) -> None:
    """A spreadsheet quotes cells, fills rows up, writes Windows line ends, and its user sorts."""
    cells = list(csv.reader(io.StringIO(to_tsv(rows), newline=""), dialect="excel-tab"))
    comments = [row for row in cells if len(row) == 1]
    others = [row for row in cells if len(row) > 1]
    rng.shuffle(others)
    out = io.StringIO(newline="")
    writer = csv.writer(out, dialect="excel-tab", quoting=csv.QUOTE_ALL)
    writer.writerows(row + [""] * (6 - len(row)) for row in [*others, *comments])
    assert same(from_tsv(out.getvalue(), "x.tsv"), rows)


def test_a_table_is_a_row_a_line(seed: Row) -> None:
    header, comment, *rows = to_tsv([seed]).splitlines()
    assert header == "page_id\tn\ttype\tstance\ttext"
    assert comment.startswith('# page {"id": ')
    first = seed["lines"][0]
    assert rows[0].split("\t") == [seed["id"], "1", first["type"], first["stance"] or "", first["text"]]
    assert len(rows) == len(seed["lines"])


def test_blank_export_has_no_labels(tmp_path: Path) -> None:
    for name in ("x.tsv", "x.json"):
        export_rows(SEEDS, tmp_path / name, blank=True)
        with pytest.raises(UserError, match=rf"{name}: 5 pages, none of them with a label yet"):
            import_rows(tmp_path / name, tmp_path / "x.jsonl")
    guessed = write_rows(tmp_path / "guessed.jsonl", [guess("one")])
    export_rows(guessed, tmp_path / "y.tsv", blank=True)
    table = (tmp_path / "y.tsv").read_text("utf-8")
    assert "\tui\t" not in table and "m1" not in table, "a second opinion is not told whose the first was"


# --- Label Studio's format ------------------------------------------------------------------


def test_labelling_config_names_what_the_tasks_use(seed: Row) -> None:
    """The names that tie result, control and data together, as Label Studio requires."""
    root = ET.fromstring(LABELLING_CONFIG)
    controls = {tag.attrib["name"]: tag for tag in root.iter() if "toName" in tag.attrib}
    shown = next(root.iter("Paragraphs"))
    assert [label.attrib["value"] for label in controls["type"]] == list(TYPES)
    assert [choice.attrib["value"] for choice in controls["stance"]] == list(STANCES)
    keys = [tag.attrib["hotkey"] for tag in root.iter() if "hotkey" in tag.attrib]
    assert len(keys) == len(set(keys)) == len(TYPES) + len(STANCES)
    when = next(tag for tag in root.iter("View") if "whenLabelValue" in tag.attrib)
    assert set(when.attrib["whenLabelValue"].split(",")) == ARTICLE
    [task] = to_labelstudio([seed])
    for item in task["data"][shown.attrib["value"].removeprefix("$")]:
        assert {shown.attrib["nameKey"], shown.attrib["textKey"]} <= set(item)
    for result in task["annotations"][0]["result"]:
        control = controls[result["from_name"]]
        assert result["to_name"] == control.attrib["toName"] == shown.attrib["name"]
        assert result["type"] == control.tag.lower()


def test_a_region_covers_its_line_in_utf16_units() -> None:
    row = {"id": "x", "lines": [{"text": "Tin nóng 🔥", "type": "title", "stance": "neutral"}]}
    [task] = to_labelstudio([row])
    region, choice = task["annotations"][0]["result"]
    assert region["id"] == choice["id"]
    assert region["value"]["paragraphlabels"] == ["title"]
    assert choice["value"]["choices"] == ["neutral"]
    # Label Studio's model wants indices as strings and offsets as numbers.
    assert [region["value"][key] for key in ("start", "end", "startOffset", "endOffset")] == ["0", "0", 0, 11]


def region(kind: str, start: int, end: int, first: int = 0, last: int = 10) -> dict[str, Any]:
    value = {"start": str(start), "end": str(end), "startOffset": first, "endOffset": last, "paragraphlabels": [kind]}
    return {"id": f"{start}-{end}", "from_name": "type", "to_name": "page", "type": "paragraphlabels", "value": value}


def task_with(*annotations: list[Any], texts: tuple[str, ...] = ("Trang chủ", "Thời sự", "Thế giới", "Bạn đọc")) -> Task:
    lines = [{"author": str(n), "text": text} for n, text in enumerate(texts, 1)]
    return {"data": {"id": "x", "lines": lines}, "annotations": [{"result": list(result)} for result in annotations]}


def types_of(task: Task, annotator: str | None = None) -> list[str | None]:
    return [line["type"] for line in from_labelstudio([task], "x.json", annotator)[0]["lines"]]


def test_one_region_may_cover_several_lines() -> None:
    assert types_of(task_with([region("navigation", 0, 2, 3, 4), region("ui", 3, 3)])) == ["navigation"] * 3 + ["ui"]


def test_a_region_dragged_from_a_lines_end_to_a_lines_start_touches_neither() -> None:
    assert types_of(task_with([region("navigation", 0, 3, len("Trang chủ"), 0)])) == [None, "navigation", "navigation", None]


def test_the_annotation_that_counts() -> None:
    task = task_with([region("ui", 0, 0)], [region("ad", 0, 0)], [region("body", 0, 0)])
    first, second, third = task["annotations"]
    first["completed_by"], second["completed_by"] = 1, {"id": 2, "email": "an@example.com"}
    third["was_cancelled"] = True
    assert types_of(task, "1")[0] == "ui"
    assert types_of(task, "2")[0] == types_of(task, "an@example.com")[0] == "ad"
    with pytest.raises(UserError, match=r"task 1 \(page 'x'\): 2 annotations \(by 1, an@example.com\); choose with --annotator"):
        types_of(task)
    with pytest.raises(UserError, match=r"no annotation by 'am@example.com' \(did you mean 'an@example.com'\?\)"):
        types_of(task, "am@example.com")


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (task_with([region("bdoy", 1, 1)]), "x.json: task 1 (page 'x'), line 2: unknown type 'bdoy' (did you mean 'body'?)"),
        (task_with([region("ad", 1, 1), region("ui", 0, 2)]), "task 1 (page 'x'), line 2: type is both 'ad' and 'ui'"),
        (task_with([region("ad", 1, 4)]), "type ['ad'] on paragraphs '1' to '4'; expected one label on lines of the page"),
        (task_with([region("ad", 0, 0) | {"type": "labels"}]), "a result of 'type' ('labels'); label with the configuration"),
        ({"id": 7, "type": ["ui"]}, "x.json: task 1: no 'data' with 'id' and 'lines' (export the project as JSON, not JSON-MIN"),
    ],
)
def test_mistakes_in_label_studio_are_named(task: Task, told: str) -> None:
    with pytest.raises(UserError) as error:
        from_labelstudio([task], "x.json")
    assert told in str(error.value)


def test_two_labels_on_one_region() -> None:
    both = region("ad", 0, 0)
    both["value"]["paragraphlabels"] = ["ad", "ui"]
    with pytest.raises(UserError, match="expected one label"):
        types_of(task_with([both]))


# --- mistakes in a table ------------------------------------------------------------------------


def edit(text: str, row: int, cell: int, value: str) -> str:
    lines = text.splitlines(keepends=True)
    cells = lines[row - 1].rstrip("\n").split("\t")
    cells[cell] = value
    lines[row - 1] = "\t".join(cells) + "\n"
    return "".join(lines)


def drop(text: str, row: int) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(lines[: row - 1] + lines[row:])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: edit(text, 5, 2, "bdoy"), "x.tsv:5: unknown type 'bdoy' (did you mean 'body'?)"),
        (lambda text: edit(text, 5, 2, "BODY"), "x.tsv:5: unknown type 'BODY' (did you mean 'body'?)"),
        (lambda text: edit(edit(text, 5, 2, "ui"), 5, 3, "hostile"), "x.tsv:5: stance on a ui line"),
        (lambda text: edit(text, 5, 3, "hostil"), "x.tsv:5: unknown stance 'hostil' (did you mean 'hostile'?)"),
        (lambda text: edit(text, 5, 1, "three"), "x.tsv:5: line number 'three' is not a number"),
        (lambda text: edit(text, 5, 1, "2"), "x.tsv:5: line 2 of page '{id}' a second time"),
        (lambda text: edit(text, 5, 4, "20-Oct"), "x.tsv:5: the text of line 3 of page '{id}' is not the one exported (a spread"),
        (lambda text: edit(text, 5, 4, " hai  cách"), "x.tsv:5: empty or not normalised text"),
        (lambda text: edit(text, 5, 0, "other"), "x.tsv:5: no '# page ...' row for page 'other'"),
        (lambda text: edit(text, 5, 4, "a\tb"), "x.tsv:5: 6 cells, expected 5 (page_id, n, type, stance, text)"),
        (lambda text: drop(text, 5), "x.tsv:2: page '{id}' lacks line 3; it had {n}"),
        (lambda text: drop(drop(text, 5), 7), "x.tsv:2: page '{id}' lacks lines 3, 6; it had {n}"),
        (lambda text: edit(text, 5, 1, "99"), "x.tsv:5: page '{id}' had no line 99 when it was exported"),
        (
            lambda text: text.replace("page_id\tn", "page\tline", 1),
            "x.tsv:1: the header is page, line, type, stance, text; expected page_id, n, type, stance, text",
        ),
        (lambda text: drop(text, 2), "x.tsv:2: no '# page ...' row for page '{id}'"),
        (lambda text: text + text.splitlines()[1] + "\n", "page '{id}' a second time"),
        (lambda text: edit(text, 2, 0, '# page {"id": '), "x.tsv:2: the page's fields are not JSON"),
        (lambda text: edit(text, 2, 0, '# page {"site": "y"}'), "x.tsv:2: the page's fields have no 'id'"),
        (lambda text: text.replace("\t", ";"), "x.tsv:1: its values are separated by semicolons"),
    ],
)
def test_mistakes_in_a_table_are_named(change: Callable[[str], str], told: str, seed: Row) -> None:
    n = len(seed["lines"])
    with pytest.raises(UserError) as error:
        from_tsv(change(to_tsv([seed])), "x.tsv")
    assert told.format(id=seed["id"], n=n) in str(error.value)


def test_all_mistakes_are_found_and_the_first_named(seed: Row) -> None:
    text = to_tsv([seed])
    for row in range(4, 11):
        text = edit(text, row, 2, f"label{row}")
    with pytest.raises(UserError) as error:
        from_tsv(text, "x.tsv")
    assert str(error.value).count("unknown type") == 5
    assert str(error.value).startswith("x.tsv:4: unknown type 'label4'")
    assert str(error.value).endswith("; and 2 more")
    assert "\n" not in str(error.value)


def test_edited_labels_arrive(seed: Row) -> None:
    n = next(i for i, line in enumerate(seed["lines"], 1) if line["type"] == "teaser")
    text = edit(to_tsv([seed]), n + 2, 2, " navigation ")  # typed with spaces around
    expected = deepcopy(seed)
    expected["lines"][n - 1]["type"] = "navigation"
    assert from_tsv("# a remark of mine\n\n" + text, "x.tsv") == [expected]


def test_a_header_in_capitals_is_the_header(seed: Row) -> None:
    assert from_tsv(to_tsv([seed]).replace("page_id\tn\ttype", "Page_ID\tN\tType", 1), "x.tsv") == [seed]


# --- whose labels they are ----------------------------------------------------------------------


def guess(page_id: str) -> Row:
    """A page of a queue: its labels are a model's."""
    lines = [{"text": f"{text} {page_id}", "type": "ui", "stance": None} for text in ("Home", "Sport")]
    return {"id": page_id, "model": "m1", "lines": lines}


def test_a_table_tells_which_pages_nobody_has_corrected(tmp_path: Path) -> None:
    rows = [guess("one"), guess("two"), guess("three")]
    rows[1]["lines"][0]["type"] = "navigation"
    text = to_tsv(rows)
    (tmp_path / "x.tsv").write_text(edit(text, 4, 2, "body"), encoding="utf-8")
    notes: list[str] = []
    one, two, three = read_labelled(tmp_path / "x.tsv", note=notes.append)
    assert notes == [f"{tmp_path / 'x.tsv'}: 2 of 3 pages have the model's labels unchanged"]
    assert (one["prefilled"], [line["type"] for line in one["lines"]]) == ("m1", ["ui", "body"]) and "model" not in one
    assert [two, three] == rows[1:], "what nobody has corrected is the model's still"


def test_pages_without_a_label_are_left_out_and_counted(tmp_path: Path, cli: Cli) -> None:
    text = to_tsv([guess("one"), guess("two")])
    for row in (3, 4):
        text = edit(text, row, 2, "")
    (tmp_path / "x.tsv").write_text(edit(text, 6, 2, "navigation"), encoding="utf-8")
    done = cli("data", "import", "x.tsv", "-o", "labels")
    assert done.code == 0 and "train" in done.out
    assert "clfnews: x.tsv: 1 page without any label left out" in done.err and "unchanged" not in done.err
    (tmp_path / "y.tsv").write_text(edit(text, 6, 2, ""), encoding="utf-8")
    done = cli("data", "import", "y.tsv", "-o", "labels")
    assert done.code == 2 and "no type on page 'two', line 1" in done.err, "half a page is a mistake"


def test_guesses_are_predictions_and_no_persons_work(tmp_path: Path, cli: Cli) -> None:
    tasks = to_labelstudio([guess("one"), guess("two"), {**guess("three"), "model": None}])
    assert [[p["model_version"] for p in task.get("predictions", [])] for task in tasks] == [["m1"], ["m1"], []]
    assert [len(task["annotations"]) for task in tasks] == [0, 0, 1]
    # Label Studio makes an annotation of the prediction that a person submits.
    tasks[1]["annotations"] = [{"completed_by": {"id": 7, "email": "an@example.com"}, **tasks[1]["predictions"][0]}]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    done = cli("data", "import", "tasks.json", "-o", "x.jsonl")
    assert (done.code, done.err) == (0, "clfnews: tasks.json: 1 page without any label left out\n")
    two, three = read(tmp_path / "x.jsonl")
    assert (two["id"], two["prefilled"], three["id"]) == ("two", "m1", "three") and "model" not in two
    done = cli("data", "import", "tasks.json", "-o", "x.jsonl", "--annotator", "an@example.com")
    assert (done.code, done.err) == (0, "clfnews: tasks.json: 2 pages without any label by an@example.com left out\n")
    assert "annotations" in json.dumps(to_labelstudio([two])) and "predictions" not in json.dumps(to_labelstudio([two]))


# --- what cannot be exported, and the commands -----------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": None}, "row 2: needs an 'id'"),
        ({"id": "a\tb"}, "row 2: needs an 'id'"),
        ({"id": "one"}, "row 2: a second page with id 'one'"),
        ({"lines": []}, "row 2: no 'lines' with texts"),
        ({"lines": [{"text": "hai  cách", "type": "ui"}]}, "row 2, line 1: empty or not normalised text"),
        ({"lines": [{"text": "x", "type": "iu"}]}, "row 2, line 1: unknown type 'iu' (did you mean 'ui'?)"),
        ({"lines": [{"text": "x", "type": 7}]}, "row 2, line 1: type 7 is not a label's name"),
        ({"lines": [{"text": "x", "cues": {}}]}, "row 2, line 1: field 'cues' cannot be exported"),
        ({"lines": [{"n": 2, "text": "x"}, {"n": 1, "text": "y"}]}, "row 2: the line numbers 'n' do not rise"),
    ],
)
def test_rows_that_would_not_come_back_are_refused(change: Row, told: str, tmp_path: Path) -> None:
    good = {"id": "one", "lines": [{"text": "x", "type": "ui", "stance": None}]}
    source = write_rows(tmp_path / "x.jsonl", [good, good | {"id": "two"} | change])
    with pytest.raises(UserError) as error:
        export_rows(source, tmp_path / "x.tsv")
    assert f"x.jsonl: {told}" in str(error.value)
    assert not (tmp_path / "x.tsv").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no pages in it"),
        (b'[{"data": ', "x.in:1: not JSON"),
        ("page_id\tn\n".encode("utf-16"), "not UTF-8 at byte 0; save it as UTF-8"),
    ],
)
def test_files_that_are_neither(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.in").write_bytes(content)
    with pytest.raises(UserError, match=told):
        import_rows(tmp_path / "x.in", tmp_path / "x.jsonl")


@pytest.mark.parametrize(("sign", "name"), [(",", "commas"), (";", "semicolons")])
def test_a_table_with_other_signs_between_is_named_as_such(sign: str, name: str, tmp_path: Path) -> None:
    source = tmp_path / "queue.csv"
    source.write_text(
        sign.join(["page_id", "n", "type", "stance", "text"]) + f"\np1{sign}1{sign}body{sign}{sign}Bài\n", encoding="utf-8"
    )
    with pytest.raises(UserError, match=rf"queue\.csv:1: its values are separated by {name}; save the table as text with tabs"):
        read_labelled(source)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path, seed: Row) -> None:
    (tmp_path / "x.tsv").write_text(to_tsv([seed]), encoding="utf-8-sig")
    import_rows(tmp_path / "x.tsv", tmp_path / "x.jsonl")
    assert read(tmp_path / "x.jsonl") == [seed]


@pytest.mark.slow
def test_commands(tmp_path: Path, cli: Cli) -> None:
    sent = cli("data", "export", SEEDS, "-o", "tasks.json", "--labelling-config", "config.xml")
    assert (sent.code, sent.err) == (0, "")
    assert sent.out.splitlines()[0] == "tasks.json: 5 pages"
    assert (tmp_path / "config.xml").read_text("utf-8") == LABELLING_CONFIG
    got = cli("data", "import", "tasks.json", "-o", "back.jsonl")
    assert (got.code, got.err) == (0, "")
    assert (tmp_path / "back.jsonl").read_bytes() == SEEDS.read_bytes()
    assert "did you mean 'tsv'?" in cli("data", "export", SEEDS, "-o", "x", "--format", "tvs").error
    assert "give --format" in cli("data", "export", SEEDS, "-o", "x").error
    (tmp_path / "mine.tsv").write_text("hours of work", encoding="utf-8")
    refused = cli("data", "export", SEEDS, "-o", "mine.tsv")
    assert (refused.code, refused.error) == (2, "clfnews: mine.tsv: is there already and may hold labels; give another name")
    assert (tmp_path / "mine.tsv").read_text("utf-8") == "hours of work"
    several = cli("data", "import", "mine.tsv", "other.tsv", "-o", "x.jsonl")
    assert several.code == 2 and "data import: one file at a time, got mine.tsv, other.tsv" in several.error
    assert "unknown benchmark format 'wxcb' (did you mean 'wcxb'?)" in cli("data", "import", "wxcb", "x", "-o", "x.jsonl").error
    assert "no such file" in cli("data", "import", "x.tsv", "-o", "x.jsonl").error
    assert "does not exist" in cli("data", "export", SEEDS, "-o", "nowhere/x.tsv").error


# --- spreadsheets and hostile files ------------------------------------------------------------


def test_no_cell_is_a_formula_and_all_come_back(tmp_path: Path) -> None:
    texts = ["=1+1", "+84 24 3825", "- Ông nói", "@vnexpress", "'=cmd", "'tis", "''-x", '"=a"', "Tin"]
    lines = [{"text": text, "type": "body", "stance": None} for text in texts]
    rows = [{"id": "=HYPERLINK(1)", "lines": lines}, {"id": "plain", "lines": lines[-1:]}]
    table = to_tsv(rows)
    cells = list(csv.reader(io.StringIO(table), dialect="excel-tab"))
    assert not [cell for row in cells for cell in row if cell[:1] in ("=", "+", "-", "@")]
    assert '"escaped"' not in table.splitlines()[-2], "a page without such cells is as it was"
    assert same(from_tsv(table, "x.tsv"), rows)
    # A spreadsheet that takes the apostrophe for its own mark loses nothing.
    rows[0]["lines"] = lines[:4]
    assert same(from_tsv(to_tsv(rows).replace("\t'", "\t").replace("\n'", "\n"), "x.tsv"), rows)


ODD: list[Any] = [None, True, -1, 0, 10**30, 1e400, "", "a\ud83db", "5", "body", "hostile", [], {}, [[]], {"text": 5}, "x\ny"]
"""Values that no field expects."""


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """A value in which some parts are others, are missing or are there twice."""
    change = draw(st.integers(0, 9))
    if change == 0:
        return draw(st.sampled_from(ODD))
    if isinstance(value, dict):
        return {key: draw(damaged(part)) for key, part in value.items() if draw(st.integers(0, 15))}
    if isinstance(value, list):
        parts = [draw(damaged(part)) for part in value if draw(st.integers(0, 15))]
        return parts + parts[:1] if change == 1 else parts
    return value


def taken_or_refused(path: Path) -> None:
    """The file is read, and what was read can be written; or one line says why not."""
    try:
        rows = read_labelled(path)
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 3000, str(error)
        return
    out = path.with_name("back.jsonl")
    out.unlink(missing_ok=True)
    import_rows(path, out)
    assert same(read(out), json.loads(json.dumps(rows)))
    (path.parent / "back.tsv").unlink(missing_ok=True)
    export_rows(out, path.parent / "back.tsv")


_TEXTS = {"a": ["=Tin", "Bài viết"], "b": ["Menu"]}
LABELLED = [
    {"id": k, "model": "m", "lines": [{"n": n, "text": x, "type": "body", "stance": None} for n, x in enumerate(texts, 1)]}
    for k, texts in _TEXTS.items()
]
_fuzz = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_fuzz
@given(data=st.data())
def test_any_tasks_are_taken_or_refused_in_one_line(data: Any, tmp_path: Path) -> None:
    people = [row | {"model": None} for row in LABELLED]
    (tmp_path / "x.json").write_text(json.dumps(data.draw(damaged(to_labelstudio(people)))))
    taken_or_refused(tmp_path / "x.json")


@_fuzz
@given(data=st.data())
def test_any_rows_are_taken_or_refused_in_one_line(data: Any, tmp_path: Path) -> None:
    rows = data.draw(damaged(LABELLED))
    lines = map(json.dumps, rows if isinstance(rows, list) else [rows])
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    taken_or_refused(tmp_path / "x.jsonl")
    for reader in (known_pages, lambda path: agreement(path, path)):
        try:
            reader(tmp_path / "x.jsonl")
        except UserError as error:
            assert "\n" not in str(error) and len(str(error)) < 3000


@_fuzz
@given(data=st.data())
def test_any_table_is_taken_or_refused_in_one_line(data: Any, tmp_path: Path) -> None:
    out = []
    for line in to_tsv(LABELLED).splitlines():
        if line.startswith("# page ") and data.draw(st.booleans()):
            line = f"# page {json.dumps(data.draw(damaged(json.loads(line.removeprefix('# page ')))))}"
        elif data.draw(st.integers(0, 3)) == 0:
            cells = line.split("\t")
            cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(
                st.sampled_from(["", "9" * 5000, "-1", "٣", "x", '"', "'", "\0"])
            )
            line = "\t".join(cells)
        out.append(line)
    (tmp_path / "x.tsv").write_text("\n".join(out), encoding="utf-8")
    taken_or_refused(tmp_path / "x.tsv")


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.tsv"])
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"data": ' * 100_000,
        b'[{"data": {"id": "a", "lines": [{"text": "a", "n": ' + b"9" * 5000 + b"}]}}]",
        b"# page " + b"[" * 100_000,
        b"# page " + b"9" * 5000,
        b"\0" * 100,
        b'{"id": "a", "x": ' + b"[" * 500 + b"]" * 500 + b', "lines": [{"text": "a", "type": "body", "stance": null}]}',
    ],
    ids=["brackets", "objects", "digits", "comment", "number", "nul", "deep"],
)
def test_hostile_label_files_are_told_in_one_line(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as error:
        read_labelled(tmp_path / name)
    assert str(tmp_path / name) in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 500
