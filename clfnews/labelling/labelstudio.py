"""Gold rows to and from Label Studio.

One task a page; its lines are the paragraphs of a `Paragraphs` tag, a type is a
`ParagraphLabels` region over a line, a stance a per-region choice, and the label of
a task of pages a choice of the whole. Format:
https://labelstud.io/tags/paragraphs and https://labelstud.io/guide/task_format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from clfnews.errors import UserError, nearest
from clfnews.labelling.rows import GoldRow, by_person, label_line, problems_of, problems_of_page, raise_problems
from clfnews.labelling.tasks import Tasks, of_lines, of_pages, tasks_of_row
from clfnews.labels import SHIPPED

_COLOURS = ("#1b7837", "#5aae61", "#9970ab", "#c2a5cf", "#d6604d", "#4393c3", "#f4a582", "#878787")
_DIGITS, _LETTERS = "123456789", "qwertyuiopasdfghjklzxcvbnm"
"""Keys that choose a label: of the first task the digits, then letters; further labels have none."""


def labelling_config(tasks: Tasks = SHIPPED) -> str:
    """The labelling configuration of the Label Studio project that takes the exported tasks of these labels."""
    lines, letters = of_lines(tasks), iter(_LETTERS)
    out = []
    for task in lines[:1]:
        digits = iter(_DIGITS)
        labels = "".join(
            f'    <Label value={quoteattr(label)} background="{_COLOURS[n % len(_COLOURS)]}"{_key(digits, letters)}/>\n'
            for n, label in enumerate(tasks[task].labels)
        )
        out.append(f'  <ParagraphLabels name="{task}" toName="page">\n{labels}  </ParagraphLabels>\n')
    for task in lines[1:]:
        out.append(
            f'  <View visibleWhen="region-selected"{_only_on(tasks, task, lines[0])}>\n'
            f'    <Choices name="{task}" toName="page" perRegion="true" choice="single" showInline="true">\n'
            f"{_choices(tasks, task, letters, 6)}    </Choices>\n  </View>\n"
        )
    for task in of_pages(tasks):
        out.append(
            f'  <Header value="{task}" size="5"/>\n  <Choices name="{task}" toName="page" choice="single" showInline="true">\n'
            f"{_choices(tasks, task, letters, 4)}  </Choices>\n"
        )
    text = '  <Paragraphs name="page" value="$lines" nameKey="author" textKey="text" layout="none"/>\n'
    return f"<View>\n{''.join(out)}{text}</View>\n"


def _choices(tasks: Tasks, task: str, letters: Iterator[str], indent: int) -> str:
    return "".join(f"{' ' * indent}<Choice value={quoteattr(label)}{_key(letters)}/>\n" for label in tasks[task].labels)


def _key(*keys: Iterator[str]) -> str:
    """The next free key as an attribute; nothing if none is left."""
    key = next((key for of in keys for key in of), None)
    return f' hotkey="{key}"' if key else ""


def _only_on(tasks: Tasks, task: str, types: str) -> str:
    """The attributes that show the choices of a task of kept lines on such lines alone."""
    # The visibility of a View splits its label values at commas; that of Choices does not.
    keep = [label for label in tasks[types].labels if label in tasks[types].keep]
    if tasks[task].of != "kept lines" or not keep or any("," in label for label in keep):
        return ""
    return f' whenTagName="{types}" whenLabelValue={quoteattr(",".join(keep))}'


LABELLING_CONFIG = labelling_config()
"""The configuration for the shipped labels."""


def to_labelstudio(rows: Sequence[GoldRow]) -> list[dict[str, Any]]:
    """Gold rows as Label Studio tasks.

    A person's labels are an annotation that can be edited. Those of rows with a
    `model` (see `queue.queue_rows`) are its prediction, which Label Studio
    shows and which counts only once a person has submitted it.
    """
    tasks = []
    for row in rows:
        # Paragraphs want an author for each text: the line's number.
        lines = [
            {"author": str(n), "text": line["text"]} | ({"n": line["n"]} if "n" in line else {})
            for n, line in enumerate(row["lines"], 1)
        ]
        known = tasks_of_row(row)
        result = [item for i, line in enumerate(row["lines"]) for item in _results(i, line, of_lines(known))]
        result += [_choice(name, row[name]) for name in of_pages(known) if row.get(name) is not None]
        task: dict[str, Any] = {"data": row | dict.fromkeys(of_pages(known)) | {"lines": lines}, "annotations": []}
        if result and row.get("model"):
            task["predictions"] = [{"model_version": str(row["model"]), "result": result}]
        elif result:
            task["annotations"] = [{"result": result}]
        tasks.append(task)
    return tasks


def _choice(task: str, label: str) -> dict[str, Any]:
    """The label of a page: a choice about no region."""
    return {"id": f"page-{task}", "from_name": task, "to_name": "page", "type": "choices", "value": {"choices": [label]}}


def _kinds(names: Sequence[str]) -> dict[str, str]:
    """The tasks of lines with the tag that each has: the first is regions, the others choices about them."""
    return {name: "choices" if n else "paragraphlabels" for n, name in enumerate(names)}


def _results(i: int, line: Mapping[str, Any], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The region of a line with its type, and its stance as a choice about that region."""
    # Offsets are those of JavaScript strings.
    span = {"start": str(i), "end": str(i), "startOffset": 0, "endOffset": _utf16_length(line["text"]), "text": line["text"]}
    for name, kind in _kinds(names).items():
        if line.get(name) is not None:
            value = span | {kind: [line[name]]}
            yield {"id": f"line-{i + 1}", "from_name": name, "to_name": "page", "type": kind, "value": value}


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def tasks_of(text: str, source: Path) -> list[Any]:
    """The tasks of an exported file; raises `UserError` if it is not JSON."""
    try:
        tasks = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{source}:{error.lineno}: not JSON ({error.msg}); export the project as JSON") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise UserError(f"{source}: not JSON ({error}); export the project as JSON") from error
    return tasks if isinstance(tasks, list) else [tasks]


def from_labelstudio(tasks: Sequence[Any], source: str, annotator: str | None = None) -> list[GoldRow]:
    """Gold rows of Label Studio tasks as exported with "JSON"; `source` names the file in errors.

    A region labels every line that it touches. Predictions are nobody's work:
    without an annotation a page has no labels. Raises `UserError` for unknown
    labels, for a line with two labels, and for a task with several annotations
    unless `annotator` names one.
    """
    problems: list[str] = []
    pages: dict[str, GoldRow] = {}
    people = {name for task in tasks for annotation in _annotations(task) for name in _names_of(annotation)}
    if annotator is not None and annotator not in people:
        raise UserError(f"{source}: no annotation by {annotator!r}{nearest(annotator, sorted(people))}")
    for number, task in enumerate(tasks, 1):
        data = task.get("data") if isinstance(task, dict) else None
        place = f"{source}: task {number}"
        if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not are_texts(data.get("lines")):
            problems.append(f"{place}: no 'data' with 'id' and 'lines' (export the project as JSON, not JSON-MIN or CSV)")
            continue
        place += f" (page {data['id']!r:.100})"
        if bad := problems_of_page(data):
            problems.extend(f"{place}: {what}" for what in bad)
            continue
        if data["id"] in pages:
            problems.append(f"{place}: a second task for this page")
        known = tasks_of_row(data)
        result = _result(task, annotator, place, problems)
        of_page = _page_labels(result, known, place, problems)
        marks = _marks(result, data["lines"], place, problems, known)
        numbers = [item["n"] for item in data["lines"] if "n" in item]
        if not all(isinstance(n, int) for n in numbers) or any(x >= y for x, y in pairwise(numbers)):
            problems.append(f"{place}: the line numbers 'n' do not rise")
            continue
        lines = [label_line(item["text"], marks.get(i, {}), item.get("n"), known) for i, item in enumerate(data["lines"])]
        problems += (f"{place}, line {n}: {what}" for n, line in enumerate(lines, 1) for what in problems_of(line, n, known))
        row = by_person(data | of_page | {"lines": lines})
        if (bad := problems_of_page(row)) or (pages and tasks_of_row(next(iter(pages.values()))) != known):
            problems += (f"{place}: {what}" for what in bad or ["its labels are of other tasks than those of the pages before"])
        pages[data["id"]] = row
    raise_problems(problems)
    return list(pages.values())


def are_texts(items: Any) -> bool:
    """Whether these are lines with texts."""
    return isinstance(items, list) and all(isinstance(item, dict) and isinstance(item.get("text"), str) for item in items)


def _result(task: Mapping[str, Any], annotator: str | None, place: str, problems: list[str]) -> list[Any]:
    """The results of the one annotation that counts; empty if the task has none."""
    found = [a for a in _annotations(task) if annotator is None or annotator in _names_of(a)]
    if len(found) > 1:
        people = ", ".join(_names_of(annotation)[-1] for annotation in found)
        problems.append(f"{place}: {len(found)} annotations (by {people}); choose with --annotator")
        return []
    result = found[0].get("result") if found else None
    if not isinstance(result, list | None):
        problems.append(f"{place}: its result is not a list")
    return result if isinstance(result, list) else []


def _annotations(task: Any) -> list[dict[str, Any]]:
    found = task.get("annotations") if isinstance(task, dict) else None
    return [a for a in found if isinstance(a, dict) and not a.get("was_cancelled")] if isinstance(found, list) else []


def _names_of(annotation: Mapping[str, Any]) -> list[str]:
    """Id and e-mail of who made an annotation, as far as they are known."""
    by = annotation.get("completed_by")
    names = [by.get("id"), by.get("email")] if isinstance(by, dict) else [by]
    return [str(name) for name in names if name is not None] or ["unknown"]


def _page_labels(result: Sequence[Any], tasks: Tasks, place: str, problems: list[str]) -> dict[str, str | None]:
    """The label of the page for each task of pages; None: without."""
    labels: dict[str, str | None] = dict.fromkeys(of_pages(tasks))
    for item in result:
        name = item.get("from_name") if isinstance(item, dict) else None
        if not isinstance(name, str) or name not in labels:
            continue
        found = item["value"].get("choices") if isinstance(item.get("value"), dict) else None
        if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], str):
            problems.append(f"{place}: {name} {found!r:.100}; expected one label")
        elif labels[name] not in (None, found[0]):
            problems.append(f"{place}: {name} is both {labels[name]!r} and {found[0]!r}")
        else:
            labels[name] = found[0]
    return labels


def _marks(
    result: Sequence[Any], items: Sequence[Mapping[str, Any]], place: str, problems: list[str], tasks: Tasks
) -> dict[int, dict[str, str]]:
    """Index of a line -> its labels."""
    kinds = _kinds(of_lines(tasks))
    marks: dict[int, dict[str, str]] = {}
    for item in result:
        name, kind = (item.get("from_name"), item.get("type")) if isinstance(item, dict) else (None, None)
        if isinstance(name, str) and name in tasks and tasks[name].of == "pages":
            continue
        if (name, kind) not in tuple(kinds.items()):
            problems.append(
                f"{place}: a result of {name!r:.100} ({kind!r:.100}); label with the configuration of --labelling-config"
            )
            continue
        value = item["value"] if isinstance(item.get("value"), dict) else {}
        labels, touched = value.get(str(kind)), _touched(value, items)
        if not isinstance(labels, list) or len(labels) != 1 or not isinstance(labels[0], str) or not touched:
            where = f"paragraphs {value.get('start')!r:.100} to {value.get('end')!r:.100}"
            problems.append(f"{place}: {name} {labels!r:.100} on {where}; expected one label on lines of the page")
            continue
        for i in touched:
            known = marks.setdefault(i, {}).setdefault(str(name), labels[0])
            if known != labels[0]:
                problems.append(f"{place}, line {i + 1}: {name} is both {known!r} and {labels[0]!r}")
    return marks


def _touched(value: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> range:
    """Indices of the lines of which a region holds at least one character."""
    try:
        start, end = int(value["start"]), int(value["end"])
        first, last = int(value.get("startOffset") or 0), int(value.get("endOffset", -1))
    except (KeyError, TypeError, ValueError, OverflowError):
        return range(0)
    if not 0 <= start <= end < len(items):
        return range(0)
    # A selection dragged from a line's end, or to a line's start, has nothing of that line.
    if start < end and first >= _utf16_length(items[start]["text"]):
        start += 1
    if start < end and last == 0:
        end -= 1
    return range(start, end + 1)
