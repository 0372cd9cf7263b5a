"""A data folder of one's own labels: `clfnews data import FILE -o FOLDER`.

The folder has a dataset card and `pages/SPLIT.jsonl`, so that `clfnews train`
reads it like the shipped one. All pages of a site stay in one split, and a site
keeps its split when more pages are imported.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from clfnews.data.rows import registered_domain, site_of, stands_alone
from clfnews.errors import UserError, nearest
from clfnews.files import numbered_rows, write_text
from clfnews.labelling.card import MARK, card_text, config_text
from clfnews.labelling.rows import GoldRow
from clfnews.labelling.tasks import CONFIG, Tasks, of_lines, of_pages, tasks_of_folder, tasks_of_row
from clfnews.labels import ARTICLE, GUIDELINES_VERSION, SHIPPED, TYPES

SHARES = {"train": 0.6, "test": 0.2, "validation": 0.2}
"""Split -> its share of the sites; of equal needs the first is filled first."""
_KEYS = ("id", "origin", "site", "layout", "article", "group", "url", "date", "guidelines")
_SHOWN = 3
_HOW = """Labelled pages. A row is a page; the sites of one split are not in another. Train on them with
`clfnews train configs/base.yaml --set data.folder=THIS_FOLDER`; look for errors with `clfnews data check THIS_FOLDER`.
"""
HOW_OWN = """Labelled pages. A row is a page; the groups (sites) of one split are not in another. Train on them with
`clfnews train train.yaml` of this folder. The labels and their order are the `class_label` features above.
"""


@dataclass(frozen=True, slots=True)
class Added:
    """What a data folder holds after an import, and what the import did to it."""

    counts: dict[str, tuple[int, int, int]]
    """Split -> pages, sites and lines."""
    replaced: int
    """Imported pages that the folder had already."""
    changed: int
    """Their lines that are not what they were."""
    alone: int
    """Pages of the folder without a site (see `data.rows.stands_alone`)."""
    kept: int
    """Pages that were not replaced, since the import has only a model's labels of them."""


def add_to_folder(rows: Sequence[GoldRow], folder: Path, split: str | None = None) -> Added:
    """Add labelled pages to a data folder, or make it; pages with the id of an old one take its place,
    unless their labels are still a model's.

    Parameters: `split`, for the pages of all new sites, else by `SHARES`.
    A page that comes back with another site is dealt out with that site.
    Raises `UserError` for lines without a type, an unknown split, and a folder
    whose card is not of this command.
    """
    if split is not None and split not in SHARES:
        raise UserError(f"--split {split}: unknown{nearest(split, tuple(SHARES))}")
    _check_complete(rows)
    card = folder / "README.md"
    if card.is_file() and MARK not in card.read_text(encoding="utf-8", errors="replace"):
        raise UserError(f"{folder}: has a dataset card of its own ({card.name}); give another folder")
    tasks = _tasks_for(rows, folder, card.is_file())
    old = {name: _rows(folder / "pages" / f"{name}.jsonl") for name in SHARES}
    known = {row["id"] for part in old.values() for row in part}
    # A person may have corrected what is there: a model's labels never take its place.
    kept = {row["id"] for row in rows if row.get("model") and row["id"] in known}
    new = {row["id"]: _gold(row, tasks) for row in rows if row["id"] not in kept}
    before = {row["id"]: row for part in old.values() for row in part if row["id"] in new}
    changed = sum(_changed_lines(row, new[page_id]) for page_id, row in before.items())
    moved = {page_id for page_id, row in before.items() if row["group"] != new[page_id]["group"]}
    parts = {name: [new.pop(row["id"], row) for row in part if row["id"] not in moved] for name, part in old.items()}
    of_group = {row["group"]: name for name, part in parts.items() for row in part}
    for row in new.values():
        name = of_group.setdefault(row["group"], split or neediest(Counter(of_group.values())))
        parts[name].append(row)
    try:
        (folder / "pages").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror}") from error
    filled = {name: part for name, part in parts.items() if part}
    for name, part in filled.items():
        write_text(folder / "pages" / f"{name}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part))
    for name in old.keys() - filled.keys():
        (folder / "pages" / f"{name}.jsonl").unlink(missing_ok=True)  # its pages have moved
    write_text(card, card_text(list(filled), tasks, _keys(tasks), _HOW if tasks == SHIPPED else HOW_OWN))
    if tasks != SHIPPED and _is_ours(folder, [name for name, part in old.items() if part], tasks):
        write_text(folder / CONFIG, config_text(folder, list(filled), tasks))
    counts = {name: (len(p), len({r["group"] for r in p}), sum(len(r["lines"]) for r in p)) for name, p in filled.items()}
    return Added(counts, len(before), changed, sum(stands_alone(row) for part in filled.values() for row in part), len(kept))


def _tasks_for(rows: Sequence[GoldRow], folder: Path, known: bool) -> Tasks:
    """The tasks of a folder with these rows; raises `UserError` if those of the folder have other labels."""
    tasks = tasks_of_row(rows[0]) if rows else SHIPPED
    own = (tasks_of_folder(folder) or SHIPPED) if known else tasks
    for name in [*own, *(name for name in tasks if name not in own)]:
        mine, theirs = own.get(name), tasks.get(name)
        if mine is None or theirs is None or mine.labels != theirs.labels or (mine.of == "pages") != (theirs.of == "pages"):
            here, there = (", ".join(task.labels) if task else "no labels" for task in (mine, theirs))
            raise UserError(
                f"{folder}: its card has other labels of {name} ({here}) than the pages ({there}); give another folder"
            )
    return own


def _is_ours(folder: Path, splits: Sequence[str], tasks: Tasks) -> bool:
    """Whether the folder's configuration is as an import wrote it, or not there."""
    config = folder / CONFIG
    return not config.is_file() or config.read_text(encoding="utf-8", errors="replace") == config_text(folder, splits, tasks)


def _changed_lines(old: GoldRow, new: GoldRow) -> int:
    """How many lines of two versions of a page differ, in text or label."""
    return sum(x != y for x, y in zip_longest(old["lines"], new["lines"]))


def _check_complete(rows: Sequence[GoldRow]) -> None:
    missing = [
        f"page {row['id']!r}, line {n}"
        for row in rows
        if "type" in tasks_of_row(row)
        for n, line in enumerate(row["lines"], 1)
        if line.get("type") is None
    ]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise UserError(f"no type on {'; '.join(missing[:_SHOWN])}{more}; every line needs one before it is trained on")


def _rows(path: Path) -> list[GoldRow]:
    return [row for _, row in numbered_rows(path)] if path.is_file() else []


def _keys(tasks: Tasks) -> tuple[str, ...]:
    """The fields of a page beside its labels: with the shipped types those of the shipped data."""
    return _KEYS if "type" in tasks and tasks["type"].labels == TYPES else ("id", "site", "url", "date", "group")


def _gold(row: GoldRow, tasks: Tasks) -> dict[str, Any]:
    """The row as the card describes it; without a site every page is a group of its own."""
    site = site_of(row)
    has_article = any(line.get("type") in ARTICLE for line in row["lines"])
    full = row | {
        "origin": row.get("origin") or "labelled",
        "site": site,
        "layout": row.get("layout") or site or row["id"],
        "group": str(row.get("group") or (registered_domain(site) if site else row["id"])),
        "article": (row.get("article") or row["id"]) if has_article else None,
        "guidelines": row.get("guidelines") or GUIDELINES_VERSION,
    }
    lines = [{"text": line["text"]} | {name: line.get(name) for name in of_lines(tasks)} for line in row["lines"]]
    return {key: full.get(key) for key in (*_keys(tasks), *of_pages(tasks))} | {"lines": lines}


def neediest(sites: Counter[str]) -> str:
    """The split that is furthest below its share when one more site comes."""
    total = sites.total() + 1
    return max(SHARES, key=lambda name: (SHARES[name] * total - sites[name], -list(SHARES).index(name)))
