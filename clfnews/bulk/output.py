"""What `clfnews filter -o FOLDER` has written, read back: dates of pages and their kept lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from clfnews.errors import UserError
from clfnews.files import MANIFEST, is_there, numbered_rows


class KeptLine(NamedTuple):
    """An article line of a filtered page."""

    n: int
    text: str
    stance: str | None


class FilteredPage(NamedTuple):
    """A record of an output folder."""

    id: str
    url: str | None
    date: str | None
    lines: tuple[KeptLine, ...]


def is_output(path: Path) -> bool:
    """Whether a folder holds the results of a finished `clfnews filter`."""
    return is_there(path / MANIFEST)


def filtered_pages(folder: Path) -> Iterator[FilteredPage]:
    """The pages of an output folder in the order of its shards.

    Raises `UserError` for one that cannot be read, is of text, or has only labels of the user's own.
    """
    for shard in _shards(folder):
        try:
            rows = _parquet_rows(shard) if shard.suffix == ".parquet" else (row for _, row in numbered_rows(shard))
            for row in rows:
                if any("p_stance" not in line for line in row["lines"]):
                    raise UserError(f"{shard}: has labels of your own and no stance, so it gives no events")
                yield _page(row)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{shard}: not a shard of clfnews filter ({type(error).__name__}: {error})") from error


def _shards(folder: Path) -> list[Path]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        format, names = manifest["options"]["output_format"], [row["shard"] for row in manifest["shards"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: not the manifest of clfnews filter ({type(error).__name__})") from error
    if format in ("text", "markdown"):
        raise UserError(f"{folder}: holds {format} without stances; filter again with --format jsonl or parquet")
    return [folder / name for name in names]


def _parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["id", "url", "date", "lines"], batch_size=500):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]:.200})") from error


def _page(row: Mapping[str, Any]) -> FilteredPage:
    lines = tuple(KeptLine(line["n"], line["text"], line["stance"]) for line in row["lines"])
    return FilteredPage(row["id"], row["url"], row["date"], lines)
