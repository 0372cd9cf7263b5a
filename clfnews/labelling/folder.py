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
from clfnews.labelling.rows import GoldRow
from clfnews.labels import ARTICLE, GUIDELINES_VERSION, STANCES, TYPES

SHARES = {"train": 0.6, "test": 0.2, "validation": 0.2}
"""Split -> its share of the sites; of equal needs the first is filled first."""
MARK = "<!-- made by clfnews data import -->"
"""In cards that may be written again."""

_KEYS = ("id", "origin", "site", "layout", "article", "group", "url", "date", "guidelines")
_SHOWN = 3


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
    old = {name: _rows(folder / "pages" / f"{name}.jsonl") for name in SHARES}
    known = {row["id"] for part in old.values() for row in part}
    # A person may have corrected what is there: a model's labels never take its place.
    kept = {row["id"] for row in rows if row.get("model") and row["id"] in known}
    new = {row["id"]: _gold(row) for row in rows if row["id"] not in kept}
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
    write_text(card, _card(list(filled)))
    counts = {name: (len(p), len({r["group"] for r in p}), sum(len(r["lines"]) for r in p)) for name, p in filled.items()}
    return Added(counts, len(before), changed, sum(stands_alone(row) for part in filled.values() for row in part), len(kept))


def _changed_lines(old: GoldRow, new: GoldRow) -> int:
    """How many lines of two versions of a page differ, in text or label."""
    return sum(x != y for x, y in zip_longest(old["lines"], new["lines"]))


def _check_complete(rows: Sequence[GoldRow]) -> None:
    missing = [
        f"page {row['id']!r}, line {n}" for row in rows for n, line in enumerate(row["lines"], 1) if line.get("type") is None
    ]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise UserError(f"no type on {'; '.join(missing[:_SHOWN])}{more}; every line needs one before it is trained on")


def _rows(path: Path) -> list[GoldRow]:
    return [row for _, row in numbered_rows(path)] if path.is_file() else []


def _gold(row: GoldRow) -> dict[str, Any]:
    """The row as the card describes it; without a site every page is a group of its own."""
    site = site_of(row)
    has_article = any(line["type"] in ARTICLE for line in row["lines"])
    full = row | {
        "origin": row.get("origin") or "labelled",
        "site": site,
        "layout": row.get("layout") or site or row["id"],
        "group": str(row.get("group") or (registered_domain(site) if site else row["id"])),
        "article": (row.get("article") or row["id"]) if has_article else None,
        "guidelines": row.get("guidelines") or GUIDELINES_VERSION,
    }
    lines = [{"text": line["text"], "type": line["type"], "stance": line.get("stance")} for line in row["lines"]]
    return {key: full.get(key) for key in _KEYS} | {"lines": lines}


def neediest(sites: Counter[str]) -> str:
    """The split that is furthest below its share when one more site comes."""
    total = sites.total() + 1
    return max(SHARES, key=lambda name: (SHARES[name] * total - sites[name], -list(SHARES).index(name)))


def card_head(splits: Sequence[str], keys: Sequence[str]) -> str:
    """The beginning of a card that `datasets` reads: the files of the splits, and the keys of pages that are texts."""
    files = "\n".join(f"  - {{split: {name}, path: pages/{name}.jsonl}}" for name in splits)
    columns = "\n".join(f"  - {{name: {key}, dtype: string}}" for key in keys)
    return f"""---
configs:
- config_name: pages
  default: true
  data_files:
{files}
dataset_info:
- config_name: pages
  features:
{columns}"""


def _card(splits: Sequence[str]) -> str:
    def names(labels: Sequence[str]) -> str:
        return "{" + ", ".join(f"'{i}': {label}" for i, label in enumerate(labels)) + "}"

    return f"""{card_head(splits, _KEYS)}
  - name: lines
    list:
    - {{name: text, dtype: string}}
    - name: type
      dtype:
        class_label:
          names: {names(TYPES)}
    - name: stance
      dtype:
        class_label:
          names: {names(STANCES)}
---
{MARK}

Labelled pages. A row is a page; the sites of one split are not in another. Train on them with
`clfnews train configs/base.yaml --set data.folder=THIS_FOLDER`; look for errors with `clfnews data check THIS_FOLDER`.
"""
