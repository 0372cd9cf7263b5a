"""Rows of labelled pages as they stand in files, and what can be wrong with their labels."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.errors import UserError, nearest
from clfnews.files import jsonl_files
from clfnews.labels import ARTICLE, TASKS, TYPES
from clfnews.page import Line, Page

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

CONFIGS = ("pages", "stance")
"""Folders of labelled rows in a data folder."""
PAIR_KINDS = ("swap", "minimal")
"""What differs between the sentences of a challenge pair: who acts on whom, or a word or two that turn the stance."""
_SPLITS = ("train", "validation", "test")


def page_of_gold(row: dict[str, Any], default_id: str, names: Mapping[str, Sequence[str]] = TASKS) -> Page:
    """The labelled page of a gold or stance row; raises `ValueError` for bad labels.

    Parameters: `names`, the labels of `type` and `stance` where they are not the shipped ones.
    """
    if row.get("lines") is None and "stance" in row:
        row = row | {"lines": [{"text": row.get("text"), "type": "body", "stance": row["stance"]}]}
    page = Page.from_row(row, default_id)
    for line in page.lines:
        for problem in label_problems(line, names):
            raise ValueError(f"line {line.n}: {problem}")
    return replace(page, labels=row["labels"]) if row.get("labels") else page


def label_problems(line: Line, names: Mapping[str, Sequence[str]] = TASKS) -> list[str]:
    """What is wrong with the labels of a line."""
    problems = []
    types, stances = (tuple(names.get(task, ())) for task in ("type", "stance"))
    if line.type is not None and line.type not in types:
        problems.append(f"unknown type {line.type!r}{nearest(line.type, types)}")
    if line.stance is not None and line.stance not in stances:
        problems.append(f"unknown stance {line.stance!r}{nearest(line.stance, stances)}")
    if types == TYPES and line.stance is not None and line.type is not None and line.type not in ARTICLE:
        problems.append(f"stance on a {line.type} line (only title and body have one)")
    return problems


def split_of(file: str) -> str:
    """The split that a file of rows belongs to: `train` for `pages/train.jsonl` and `pages/train-web.jsonl.gz`."""
    return file.rpartition("/")[2].partition(".")[0].partition("-")[0]


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One row of a split, with those of its lines that have a text; `Line.n` is the place in `lines`."""

    file: str
    number: int
    data: dict[str, Any]
    lines: tuple[Line, ...]

    @property
    def place(self) -> str:
        return f"{self.file}: row {self.number}"

    @property
    def config(self) -> str:
        return self.file.split("/")[0]

    @property
    def split(self) -> str:
        return split_of(self.file)


def line_problems(line: Line, names: Mapping[str, Sequence[str]] = TASKS) -> list[str]:
    """What is wrong with the labels of a line; an unknown type is told once, not also as noise with a stance."""
    if line.type is None or line.type in names.get("type", ()):
        return label_problems(line, names)
    return label_problems(replace(line, stance=None), names) + label_problems(replace(line, type=None), names)


def site_of(row: Mapping[str, Any]) -> str | None:
    """The site of a page: as given, else the host of its address."""
    meta = {key: str(row[key]) for key in ("site", "url") if row.get(key)}
    return Page.from_text("", **meta).site


def registered_domain(site: str) -> str:
    """`docs.example.co.uk` as `example.co.uk`: hosts of one owner share templates and texts, so they are one group.

    By the public suffix list, where each blog of a host of blogs is an owner.
    What is no name of a host stays as it is.
    """
    host = site.lower().rstrip(".")
    if "." not in host or host.replace(".", "").isdigit() or ":" in host:
        return site
    return _suffixes().privatesuffix(host) or host


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def stands_alone(row: Mapping[str, Any]) -> bool:
    """Whether a page is a group of its own because nothing tells its site.

    Two such pages may be of one site, and on both sides of a split.
    """
    return site_of(row) is None and row.get("group") in (None, "", row.get("id"))


def alone_note(n: int) -> str:
    """What `n` pages that stand alone mean, in a line."""
    if n == 1:
        return "1 page has no site and counts as one: give `site` or `url`"
    return f"{n:,} pages have no site; each counts as one: give `site` or `url`"


def read_folder(folder: Path, problems: list[str]) -> list[SplitRow]:
    """The rows of all splits that are JSON objects; what cannot be read is told in `problems`."""
    if not (folder / "README.md").is_file():
        raise UserError(f"{folder}: not a data folder (no README.md dataset card in it)")
    rows = []
    for config in CONFIGS:
        order = {name: i for i, name in enumerate(_SPLITS)}
        for path in sorted(jsonl_files(folder / config), key=lambda p: (order.get(split_of(p.name), len(order)), p.name)):
            name = f"{config}/{path.name}"
            for number, data in objects_of(path, name, problems):
                rows.append(SplitRow(name, number, data, tuple(_lines(data, f"{name}: row {number}", problems))))
    if not rows and not problems:
        raise UserError(f"{folder}: no rows in {' or '.join(f'{config}/*.jsonl' for config in CONFIGS)}")
    return rows


def objects_of(path: Path, name: str, problems: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and object of each row of a JSONL file."""
    data_bytes = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for number, raw in enumerate(data_bytes.split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            data = json.loads(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            problems.append(f"{name}: row {number}: not UTF-8 at byte {error.start} of the row")
        except json.JSONDecodeError as error:
            problems.append(f"{name}: row {number}: not JSON ({error.msg} at character {error.pos + 1})")
        else:
            if isinstance(data, dict):
                yield number, data
            else:
                problems.append(f"{name}: row {number}: not a JSON object")


def _lines(data: Mapping[str, Any], place: str, problems: list[str]) -> Iterator[Line]:
    items = data.get("lines")
    if not isinstance(items, list) or not items:
        problems.append(f"{place}: no 'lines' (a list of lines)")
        return
    for n, item in enumerate(items, 1):
        if not isinstance(item, dict) or not isinstance(item.get("text"), str):
            problems.append(f"{place}, line {n}: no 'text' (a string)")
            continue
        labels: dict[str, str | None] = {}
        for task in TASKS:
            value = item.get(task)
            labels[task] = value if isinstance(value, str) else None
            if value is not None and not isinstance(value, str):
                problems.append(f"{place}, line {n}: {task} {value!r} is not a label's name")
        yield Line(item["text"], n, labels["type"], labels["stance"])
