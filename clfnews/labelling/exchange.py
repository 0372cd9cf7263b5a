"""Gold rows to and from the tools in which people label: Label Studio, or a table of tab-separated values.

`labelstudio.py` has the format of Label Studio, `table.py` that of the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from clfnews.errors import UserError, counted, nearest
from clfnews.files import is_folder, is_there, not_readable, read_rows, write_text
from clfnews.labelling.labelstudio import are_texts, from_labelstudio, labelling_config, tasks_of, to_labelstudio
from clfnews.labelling.rows import GoldRow, has_labels, problems_of, problems_of_page, raise_problems, without_labels
from clfnews.labelling.table import from_tsv, to_tsv
from clfnews.labelling.tasks import Tasks, described, of_lines, tasks_of_file, tasks_of_row
from clfnews.labels import SHIPPED

LABEL_FILES = {"labelstudio": ".json", "tsv": ".tsv", "jsonl": ".jsonl"}
"""Format -> ending of the file names that choose it."""

_LINE_KEYS = frozenset({"n", "text"})
"""Keys of a line beside its labels."""


def export_rows(source: str | Path, output: str | Path, format: str | None = None, blank: bool = False) -> int:
    """Write the gold rows of a JSONL file for labelling (see `write_rows`); returns the number of pages.

    The names of their labels are those of the card of the data folder that the file is in, if it is in one.
    """
    tasks = tasks_of_file(Path(source)) or SHIPPED
    rows = ({**row, **({} if row.get("tasks") else described(tasks))} for row in read_rows(Path(source)))
    return write_rows(rows, output, format, blank, str(source))


def write_rows(
    rows: Iterable[GoldRow], output: str | Path, format: str | None = None, blank: bool = False, source: str = "rows"
) -> int:
    """Write gold rows for labelling; returns their number.

    Parameters: `format`, one of `LABEL_FILES`, by default as the ending of
    `output` says; `blank` leaves the labels out, for a second, independent
    opinion; `source` names the rows in errors.
    Raises `UserError` for an unknown format, for a file that is there already,
    and for rows that would not come back as they are (no id, text not
    normalised, unknown labels or keys).
    """
    output = Path(output)
    chosen = format_for(output, format)
    checked = _exportable(rows, source)
    if blank:
        checked = [_blank(row) for row in checked]
    write_text(output, _TO[chosen](checked))
    return len(checked)


def format_for(output: Path, format: str | None = None) -> str:
    """The format to write a file in; raises `UserError` for an unknown one and if there is such a file.

    A person may have spent hours on what is in that file.
    """
    endings = {ending: name for name, ending in LABEL_FILES.items()}
    chosen = format or endings.get(output.suffix.lower())
    if chosen is None:
        raise UserError(f"{output}: give --format, or a name that ends in {' or '.join(endings)}")
    if chosen not in LABEL_FILES:
        raise UserError(f"--format {chosen}: unknown format{nearest(chosen, tuple(LABEL_FILES))}")
    if is_folder(output):
        raise UserError(f"{output}: is a folder; give the name of a file")
    if is_there(output):
        raise UserError(f"{output}: is there already and may hold labels; give another name")
    return chosen


def _blank(row: GoldRow) -> GoldRow:
    """The row without labels, and without whose labels they were."""
    return without_labels({key: value for key, value in row.items() if key not in ("model", "prefilled")})


def import_rows(
    source: str | Path, output: str | Path, annotator: str | None = None, note: Callable[[str], None] = lambda _: None
) -> tuple[int, int, int]:
    """Write the gold rows of a labelled file (see `read_labelled`) as JSONL.

    Returns the numbers of pages, of lines, and of lines without a type (0 if types are not asked for).
    """
    rows = read_labelled(source, annotator, note)
    write_text(Path(output), _to_jsonl(rows))
    lines = [line for row in rows for line in row["lines"]]
    typed = "type" in tasks_of_row(rows[0])
    return len(rows), len(lines), sum(line.get("type") is None for line in lines) if typed else 0


def read_labelled(
    source: str | Path, annotator: str | None = None, note: Callable[[str], None] = lambda _: None
) -> list[GoldRow]:
    """The gold rows of a labelled file in any of `LABEL_FILES`; pages without any label are left out.

    Parameters: `annotator` (user id or e-mail) chooses among several Label
    Studio annotations of a task; `note` is told how many pages were left out,
    and how many have a model's labels unchanged.
    Raises `UserError` that names the file and row of the first problems, and if no page is labelled.
    """
    source = Path(source)
    rows = _read(source, annotator, lambda text: note(f"{source}: {text}"))
    if not rows:
        raise UserError(f"{source}: no pages in it")
    labelled = [row for row in rows if has_labels(row)]
    who = f" by {annotator}" if annotator is not None else ""
    if not labelled:
        raise UserError(f"{source}: {counted(len(rows), 'page')}, none of them with a label{who} yet")
    if len(labelled) < len(rows):
        note(f"{source}: {counted(len(rows) - len(labelled), 'page')} without any label{who} left out")
    return labelled


def _read(source: Path, annotator: str | None, note: Callable[[str], None]) -> list[GoldRow]:
    if source.suffix.lower() == LABEL_FILES["jsonl"]:
        known = described(tasks_of_file(source) or SHIPPED)
        return _exportable(({**row, **({} if row.get("tasks") else known)} for row in read_rows(source)), str(source))
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{source}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise not_readable(source, error, "a file") from error
    if text.lstrip()[:1] in ("[", "{"):
        return from_labelstudio(tasks_of(text, source), str(source), annotator)
    return from_tsv(text, str(source), note)


def write_labelling_config(path: str | Path, tasks: Tasks = SHIPPED) -> None:
    """Write `labelstudio.labelling_config` to a file."""
    write_text(Path(path), labelling_config(tasks))


def _exportable(rows: Iterable[GoldRow], source: str) -> list[GoldRow]:
    """The rows, if every one of them comes back as it is."""
    problems: list[str] = []
    checked, ids = [], set()
    first: Tasks | None = None
    for number, row in enumerate(rows, 1):
        place, page_id, lines = f"{source}: row {number}", row.get("id"), row.get("lines")
        if bad := problems_of_page(row):
            problems += (f"{place}: {what}" for what in bad)
            continue
        tasks = tasks_of_row(row)
        first = tasks if first is None else first
        if tasks != first:
            problems.append(f"{place}: its labels are of other tasks than those of the rows before; one file has one kind")
        if page_id in ids:
            problems.append(f"{place}: a second page with id {page_id!r}")
        ids.add(page_id)
        if not lines or not are_texts(lines):
            problems.append(f"{place}: no 'lines' with texts (only gold rows can be exported)")
            continue
        numbers = [line.get("n", n) for n, line in enumerate(lines, 1)]
        if not all(isinstance(n, int) for n in numbers) or any(x >= y for x, y in pairwise(numbers)):
            problems.append(f"{place}: the line numbers 'n' do not rise")
        for n, line in enumerate(lines, 1):
            problems += (f"{place}, line {n}: {what}" for what in problems_of(line, n, tasks))
            unknown = sorted(line.keys() - _LINE_KEYS - {*of_lines(tasks)})
            problems += (f"{place}, line {n}: field {key!r} cannot be exported" for key in unknown)
        checked.append(row)
    raise_problems(problems)
    if not checked:
        raise UserError(f"{source}: no labelled pages in it")
    return checked


def _to_jsonl(rows: Sequence[GoldRow]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _to_json(rows: Sequence[GoldRow]) -> str:
    return json.dumps(to_labelstudio(rows), ensure_ascii=False, indent=1) + "\n"


_TO: dict[str, Callable[[Sequence[GoldRow]], str]] = {"labelstudio": _to_json, "tsv": to_tsv, "jsonl": _to_jsonl}
"""Format -> its text."""
