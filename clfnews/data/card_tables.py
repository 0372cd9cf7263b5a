"""The tables of a dataset card: each block is a function of the data folder (see `card.py`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from clfnews.data.card_labels import agreement_block, challenge_block, stance_lines_block
from clfnews.data.card_parts import articles_block, layouts_block, noise_block, recipe_block, web_block
from clfnews.data.card_rows import challenges, file_digest, json_object, rows_of
from clfnews.data.markdown import markdown_table
from clfnews.data.stats import stats_tables
from clfnews.errors import UserError
from clfnews.files import jsonl_files

REALISM = "realism.json"
"""In the data folder: `text`, how well composed pages are told from real ones, and `data`, the digests of the files measured."""


def _summary(folder: Path) -> str:
    pages = Counter(row["origin"] for path in jsonl_files(folder / "pages") for row in rows_of(path, "origin"))
    sets = (
        (pages["composed"], "composed pages"),
        (pages["seed"], "real (seed) pages"),
        (len(rows_of(folder / "articles.jsonl")), "authored articles"),
        (len(rows_of(folder / "stance_lines.jsonl")), "single stance lines"),
        (len(list((folder / "layouts").glob("*.layout"))), "site layouts"),
        (len(rows_of(folder / "noise.jsonl")), "noise strings"),
        (len(challenges(folder)), "challenge pairs"),
    )
    return markdown_table(["what", "number"], [[name, f"{n:,}"] for n, name in sets], numbers_from=1)


def _pages(folder: Path) -> str:
    tables = (
        (f"**{title[0].upper()}{title[1:]}**", markdown_table(header, rows, numbers_from=1))
        for title, header, rows in stats_tables(folder)
    )
    return "\n\n".join(f"{title}\n\n{table}" for title, table in tables)


def _realism(folder: Path) -> str:
    path = folder / REALISM
    if not path.is_file():
        return f"Not measured yet (no `{REALISM}`)."
    found = json_object(path)
    text, data = found.get("text"), found.get("data")
    if not isinstance(text, str) or not isinstance(data, dict):
        raise UserError(f"{path}: expected 'text' and 'data' (file below the folder -> its digest)")
    stale = [Path(name).name for name, digest in data.items() if file_digest(folder / name) != digest]
    return text + (f"\n\nMeasured on an earlier version of {' and '.join(stale)}." if stale else "")


BLOCKS: dict[str, Callable[[Path], str]] = {
    "summary": _summary,
    "pages": _pages,
    "recipe": recipe_block,
    "articles": articles_block,
    "web": web_block,
    "layouts": layouts_block,
    "noise": noise_block,
    "stance-lines": stance_lines_block,
    "challenge": challenge_block,
    "agreement": agreement_block,
    "realism": _realism,
}
"""Name of a block -> its text for a data folder."""
