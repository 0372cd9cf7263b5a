"""Gold rows to and from the tools in which people label: Label Studio, or a table of tab-separated values.

Label Studio: one task a page; its lines are the paragraphs of a `Paragraphs`
tag, a type is a `ParagraphLabels` region over a line, a stance a per-region
choice. Format: https://labelstud.io/tags/paragraphs and
https://labelstud.io/guide/task_format.

Table: a row a line, below a comment row with everything else of its page. It
opens in any editor or spreadsheet; the labels are what is meant to be edited,
and a digest of the texts shows if a spreadsheet has turned "20/10" into a date.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from clfnews.dataset import read_rows
from clfnews.errors import UserError, nearest
from clfnews.labels import STANCES, TYPES
from clfnews.page import Line, normalise
from clfnews.quality import line_problems

Row = dict[str, Any]
"""A gold row."""

FORMATS = {"labelstudio": ".json", "tsv": ".tsv"}
"""Format -> ending of the file names that choose it."""

_COLUMNS = ["page_id", "n", "type", "stance", "text"]
_PAGE = "# page "
_LINE_KEYS = frozenset({"n", "text", "type", "stance"})
_SHOWN = 5
"""Problems that an error message names; it counts the others."""

_COLOURS = ("#1b7837", "#5aae61", "#9970ab", "#c2a5cf", "#d6604d", "#4393c3", "#f4a582", "#878787")
_LABELS = "\n".join(
    f'    <Label value="{kind}" background="{colour}" hotkey="{n}"/>'
    for n, (kind, colour) in enumerate(zip(TYPES, _COLOURS, strict=True), 1)
)
_CHOICES = "\n".join(f'      <Choice value="{stance}" hotkey="{key}"/>' for stance, key in zip(STANCES, "qwe", strict=True))
# The visibility of a View splits its label values at commas; that of Choices does not.
LABELLING_CONFIG = f"""<View>
  <ParagraphLabels name="type" toName="page">
{_LABELS}
  </ParagraphLabels>
  <View visibleWhen="region-selected" whenTagName="type" whenLabelValue="title,body">
    <Choices name="stance" toName="page" perRegion="true" choice="single" showInline="true">
{_CHOICES}
    </Choices>
  </View>
  <Paragraphs name="page" value="$lines" nameKey="author" textKey="text" layout="none"/>
</View>
"""
"""The labelling configuration of the Label Studio project that takes the exported tasks."""


def export_rows(source: str | Path, output: str | Path, format: str | None = None, blank: bool = False) -> int:
    """Write the gold rows of a JSONL file for labelling; returns the number of pages.

    Parameters: `format` is `labelstudio` or `tsv`, by default as the ending of
    `output` says; `blank` leaves the labels out, for a second, independent opinion.
    Raises `UserError` for an unknown format and for rows that would not come
    back as they are (no id, text not normalised, unknown labels or keys).
    """
    output = Path(output)
    endings = {ending: name for name, ending in FORMATS.items()}
    chosen = format or endings.get(output.suffix.lower())
    if chosen is None:
        raise UserError(f"{output}: give --format, or a name that ends in {' or '.join(endings)}")
    if chosen not in FORMATS:
        raise UserError(f"--format {chosen}: unknown format{nearest(chosen, tuple(FORMATS))}")
    rows = _exportable(read_rows(Path(source)), str(source))
    if blank:
        rows = [row | {"lines": [line | {"type": None, "stance": None} for line in row["lines"]]} for row in rows]
    _write(output, to_tsv(rows) if chosen == "tsv" else json.dumps(to_labelstudio(rows), ensure_ascii=False, indent=1) + "\n")
    return len(rows)


def import_rows(source: str | Path, output: str | Path, annotator: str | None = None) -> tuple[int, int, int]:
    """Write the gold rows of a labelled file, in either format, as JSONL.

    Parameters: `annotator` (user id or e-mail) chooses among several Label
    Studio annotations of a task.
    Returns the numbers of pages, of lines, and of lines without a type.
    Raises `UserError` that names the file and row of the first problems.
    """
    source = Path(source)
    try:
        text = source.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"{source}: no such file") from error
    except IsADirectoryError as error:
        raise UserError(f"{source}: is a folder; give a file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{source}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    is_json = text.lstrip()[:1] in ("[", "{")
    rows = from_labelstudio(_tasks(text, source), str(source), annotator) if is_json else from_tsv(text, str(source))
    if not rows:
        raise UserError(f"{source}: no pages in it")
    _write(Path(output), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    lines = [line for row in rows for line in row["lines"]]
    return len(rows), len(lines), sum(line["type"] is None for line in lines)


def write_labelling_config(path: str | Path) -> None:
    """Write `LABELLING_CONFIG` to a file."""
    _write(Path(path), LABELLING_CONFIG)


# --- Label Studio ---------------------------------------------------------------


def to_labelstudio(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Gold rows as Label Studio tasks; the labels are an annotation that can be edited."""
    tasks = []
    for row in rows:
        # Paragraphs want an author for each text: the line's number.
        lines = [
            {"author": str(n), "text": line["text"]} | ({"n": line["n"]} if "n" in line else {})
            for n, line in enumerate(row["lines"], 1)
        ]
        result = [item for i, line in enumerate(row["lines"]) for item in _results(i, line)]
        tasks.append({"data": row | {"lines": lines}, "annotations": [{"result": result}] if result else []})
    return tasks


def _results(i: int, line: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The region of a line with its type, and its stance as a choice about that region."""
    # Offsets are those of JavaScript strings.
    span = {"start": str(i), "end": str(i), "startOffset": 0, "endOffset": _utf16_length(line["text"]), "text": line["text"]}
    for name, kind in (("type", "paragraphlabels"), ("stance", "choices")):
        if line.get(name) is not None:
            value = span | {kind: [line[name]]}
            yield {"id": f"line-{i + 1}", "from_name": name, "to_name": "page", "type": kind, "value": value}


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _tasks(text: str, source: Path) -> list[Any]:
    try:
        tasks = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{source}:{error.lineno}: not JSON ({error.msg}); export the project as JSON") from error
    return tasks if isinstance(tasks, list) else [tasks]


def from_labelstudio(tasks: Sequence[Any], source: str, annotator: str | None = None) -> list[Row]:
    """Gold rows of Label Studio tasks as exported with "JSON"; `source` names the file in errors.

    A region labels every line that it touches. Raises `UserError` for unknown
    labels, for a line with two labels, and for a task with several annotations
    unless `annotator` names one.
    """
    problems: list[str] = []
    pages: dict[str, Row] = {}
    people = {name for task in tasks for annotation in _annotations(task) for name in _names_of(annotation)}
    if annotator is not None and annotator not in people:
        raise UserError(f"{source}: no annotation by {annotator!r}{nearest(annotator, sorted(people))}")
    for number, task in enumerate(tasks, 1):
        data = task.get("data") if isinstance(task, dict) else None
        place = f"{source}: task {number}"
        if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not _are_texts(data.get("lines")):
            problems.append(f"{place}: no 'data' with 'id' and 'lines' (export the project as JSON, not JSON-MIN or CSV)")
            continue
        place += f" (page {data['id']!r})"
        if data["id"] in pages:
            problems.append(f"{place}: a second task for this page")
        result = _result(task, annotator, place, problems)
        marks = _marks(result, data["lines"], place, problems)
        lines = [_line(item["text"], marks.get(i, {}), item.get("n")) for i, item in enumerate(data["lines"])]
        problems += (f"{place}, line {n}: {what}" for n, line in enumerate(lines, 1) for what in _problems_of(line, n))
        pages[data["id"]] = data | {"lines": lines}
    _raise(problems)
    return list(pages.values())


def _are_texts(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) and isinstance(item.get("text"), str) for item in items)


def _result(task: Mapping[str, Any], annotator: str | None, place: str, problems: list[str]) -> list[Any]:
    """The results of the one annotation that counts; empty if the task has none."""
    found = [a for a in _annotations(task) if annotator is None or annotator in _names_of(a)]
    if len(found) > 1:
        people = ", ".join(_names_of(annotation)[-1] for annotation in found)
        problems.append(f"{place}: {len(found)} annotations (by {people}); choose with --annotator")
        return []
    return list(found[0].get("result") or []) if found else []


def _annotations(task: Any) -> list[dict[str, Any]]:
    found = task.get("annotations") if isinstance(task, dict) else None
    return [a for a in found or [] if isinstance(a, dict) and not a.get("was_cancelled")]


def _names_of(annotation: Mapping[str, Any]) -> list[str]:
    """Id and e-mail of who made an annotation, as far as they are known."""
    by = annotation.get("completed_by")
    names = [by.get("id"), by.get("email")] if isinstance(by, dict) else [by]
    return [str(name) for name in names if name is not None] or ["unknown"]


def _marks(
    result: Sequence[Any], items: Sequence[Mapping[str, Any]], place: str, problems: list[str]
) -> dict[int, dict[str, str]]:
    """Index of a line -> its labels."""
    marks: dict[int, dict[str, str]] = {}
    for item in result:
        name, kind = (item.get("from_name"), item.get("type")) if isinstance(item, dict) else (None, None)
        if (name, kind) not in (("type", "paragraphlabels"), ("stance", "choices")):
            problems.append(f"{place}: a result of {name!r} ({kind}); label with the configuration of --labelling-config")
            continue
        value = item.get("value") or {}
        labels, touched = value.get(str(kind)), _touched(value, items)
        if not isinstance(labels, list) or len(labels) != 1 or not touched:
            where = f"paragraphs {value.get('start')!r} to {value.get('end')!r}"
            problems.append(f"{place}: {name} {labels!r} on {where}; expected one label on lines of the page")
            continue
        for i in touched:
            known = marks.setdefault(i, {}).setdefault(str(name), str(labels[0]))
            if known != labels[0]:
                problems.append(f"{place}, line {i + 1}: {name} is both {known!r} and {labels[0]!r}")
    return marks


def _touched(value: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> range:
    """Indices of the lines of which a region holds at least one character."""
    try:
        start, end = int(value["start"]), int(value["end"])
    except (KeyError, TypeError, ValueError):
        return range(0)
    if not 0 <= start <= end < len(items):
        return range(0)
    # A selection dragged from a line's end, or to a line's start, has nothing of that line.
    if start < end and (value.get("startOffset") or 0) >= _utf16_length(items[start]["text"]):
        start += 1
    if start < end and value.get("endOffset") == 0:
        end -= 1
    return range(start, end + 1)


# --- table ----------------------------------------------------------------------


def to_tsv(rows: Sequence[Row]) -> str:
    """Gold rows as a table: `page_id  n  type  stance  text`, under a comment row for each page."""
    out = ["\t".join(_COLUMNS)]
    for row in rows:
        lines = row["lines"]
        about: dict[str, Any] = {"count": len(lines), "texts": _digest(line["text"] for line in lines)}
        about |= {"numbered": True} if any("n" in line for line in lines) else {}
        out.append(_PAGE + json.dumps(row | {"lines": about}, ensure_ascii=False))
        for n, line in enumerate(lines, 1):
            cells = (row["id"], str(line.get("n", n)), line.get("type") or "", line.get("stance") or "", line["text"])
            out.append("\t".join(map(_cell, cells)))
    return "\n".join(out) + "\n"


def _cell(text: str) -> str:
    """Only a quotation mark at the start means something to a reader of tab-separated values."""
    return '"' + text.replace('"', '""') + '"' if text.startswith('"') else text


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def from_tsv(text: str, source: str) -> list[Row]:
    """Gold rows of a table that `to_tsv` wrote and people have labelled; `source` names the file in errors.

    The rows may have been sorted and the cells quoted by a spreadsheet.
    Raises `UserError` for unknown labels and for lines that are missing,
    doubled or no longer have the exported text.
    """
    problems: list[str] = []
    pages: dict[str, tuple[str, Row]] = {}
    lines: dict[str, list[tuple[int, str, Row]]] = {}
    reader = csv.reader(io.StringIO(text, newline=""), dialect="excel-tab")
    try:
        for cells in reader:
            place = f"{source}:{reader.line_num}"
            if cells[:1] and cells[0].startswith("#") and not any(cells[1:]):
                _add_page(cells[0], place, pages, problems)
            elif any(cells) and cells[: len(_COLUMNS)] != _COLUMNS:
                _add_line(cells, place, lines, problems)
    except csv.Error as error:
        raise UserError(f"{source}:{reader.line_num}: not tab-separated values ({error})") from error
    for page_id in sorted(lines.keys() - pages.keys()):
        problems.append(f"{lines[page_id][0][1]}: no '{_PAGE}...' row for page {page_id!r}")
    rows = []
    for page_id, (place, meta) in pages.items():
        by_number = sorted(lines.get(page_id, []), key=lambda numbered: numbered[0])
        rows.append(_page_row(place, meta, by_number, problems))
    _raise(problems)
    return rows


def _add_page(comment: str, place: str, pages: dict[str, tuple[str, Row]], problems: list[str]) -> None:
    if not comment.startswith(_PAGE):
        return
    try:
        meta = json.loads(comment.removeprefix(_PAGE))
    except json.JSONDecodeError as error:
        problems.append(f"{place}: the page's fields are not JSON ({error.msg})")
        return
    if not isinstance(meta, dict) or not isinstance(meta.get("id"), str):
        problems.append(f"{place}: the page's fields have no 'id'")
    elif meta["id"] in pages:
        problems.append(f"{place}: page {meta['id']!r} a second time")
    else:
        pages[meta["id"]] = place, meta


def _add_line(cells: list[str], place: str, lines: dict[str, list[tuple[int, str, Row]]], problems: list[str]) -> None:
    if len(cells) < len(_COLUMNS) or any(cells[len(_COLUMNS) :]):
        problems.append(f"{place}: {len(cells)} cells, expected {len(_COLUMNS)} ({', '.join(_COLUMNS)}) with tabs between")
        return
    page_id, n, kind, stance, text = cells[: len(_COLUMNS)]
    if not n.strip().isdecimal():
        problems.append(f"{place}: line number {n!r} is not a number")
        return
    line = _line(text, {"type": kind.strip(), "stance": stance.strip()}, int(n))
    problems += (f"{place}: {what}" for what in _problems_of(line, int(n)))
    lines.setdefault(page_id, []).append((int(n), place, line))


def _page_row(place: str, meta: Row, lines: Sequence[tuple[int, str, Row]], problems: list[str]) -> Row:
    """The gold row of a page; `lines` are number, place and line, by number."""
    about = meta.get("lines")
    if not isinstance(about, dict):  # a table that was written by hand
        about = {}
    for (n, _, _), (other, second, _) in pairwise(lines):
        if n == other:
            problems.append(f"{second}: line {n} of page {meta['id']!r} a second time")
    texts = _digest(line["text"] for _, _, line in lines)
    if about.get("count", len(lines)) != len(lines):
        problems.append(f"{place}: page {meta['id']!r} has {len(lines)} lines, but {about['count']} were exported")
    elif about.get("texts", texts) != texts:
        hint = "a spreadsheet changes dates and numbers: open it with all columns as text"
        problems.append(f"{place}: a text of page {meta['id']!r} is not the one exported ({hint})")
    left_out = () if about.get("numbered") else ("n",)
    return meta | {"lines": [{key: line[key] for key in line if key not in left_out} for _, _, line in lines]}


# --- both ------------------------------------------------------------------------


def _exportable(rows: Iterable[Row], source: str) -> list[Row]:
    """The rows, if every one of them comes back as it is."""
    problems: list[str] = []
    checked, ids = [], set()
    for number, row in enumerate(rows, 1):
        place, page_id, lines = f"{source}: row {number}", row.get("id"), row.get("lines")
        if not isinstance(page_id, str) or not page_id or normalise(page_id) != page_id:
            problems.append(f"{place}: needs an 'id' (a string of one normalised line)")
        elif page_id in ids:
            problems.append(f"{place}: a second page with id {page_id!r}")
        ids.add(page_id)
        if not lines or not _are_texts(lines):
            problems.append(f"{place}: no 'lines' with texts (only gold rows can be exported)")
            continue
        numbers = [line.get("n", n) for n, line in enumerate(lines, 1)]
        if not all(isinstance(n, int) for n in numbers) or any(x >= y for x, y in pairwise(numbers)):
            problems.append(f"{place}: the line numbers 'n' do not rise")
        for n, line in enumerate(lines, 1):
            problems += (f"{place}, line {n}: {what}" for what in _problems_of(line, n))
            problems += (f"{place}, line {n}: field {key!r} cannot be exported" for key in sorted(line.keys() - _LINE_KEYS))
        checked.append(row)
    _raise(problems)
    if not checked:
        raise UserError(f"{source}: no labelled pages in it")
    return checked


def _line(text: str, labels: Mapping[str, str], n: int | None) -> Row:
    """A line of a gold row; an empty label is none, and only numbered lines have `n`."""
    line: Row = {"text": text, "type": labels.get("type") or None, "stance": labels.get("stance") or None}
    return line if n is None else {"n": n} | line


def _problems_of(line: Mapping[str, Any], n: int) -> list[str]:
    """What keeps a line from being a gold line."""
    labels = {key: line.get(key) for key in ("type", "stance")}
    bad = [f"{key} {value!r} is not a label's name" for key, value in labels.items() if not isinstance(value, str | None)]
    if bad:
        return bad
    text = line["text"]
    not_clean = [] if text and normalise(text) == text else ["empty or not normalised text (see clfnews data check)"]
    return not_clean + line_problems(Line(text, n, labels["type"], labels["stance"]))


def _raise(problems: Sequence[str]) -> None:
    """Raise `UserError` with the first problems in one line, if there are any."""
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise UserError("; ".join(problems[:_SHOWN]) + more)


def _write(path: Path, text: str) -> None:
    """Write a file in one step, so that a full disk leaves no half of it."""
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {path.parent} does not exist")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
