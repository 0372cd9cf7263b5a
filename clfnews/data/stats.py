"""What is in a data folder, as tables and a figure (`clfnews data stats`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from clfnews.data.rows import SplitRow, read_folder
from clfnews.errors import UserError
from clfnews.files import replacing
from clfnews.labels import STANCES, TYPES, is_article
from clfnews.page import Line


def stats_tables(folder: Path) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, header and rows of the tables that describe a data folder.

    Raises `UserError` if there is no data folder or a row in it cannot be read.
    """
    files = _readable(folder)
    lines = {name: [line for row in rows for line in row.lines] for name, rows in files.items()}
    lengths = {name: _lengths(rows) for name, rows in files.items() if name.startswith("pages/")}
    by_type = [[kind, *(_quantiles(part[kind]) for part in lengths.values())] for kind in TYPES]
    return [
        (
            "pages",
            ["split", "pages", "lines", "listings", "articles", "layouts", "sites", "groups", "origins"],
            [[name, *_page_counts(rows)] for name, rows in files.items()],
        ),
        ("line types", ["type", *lines], _label_counts(lines, "type", TYPES)),
        ("stances", ["stance", *lines], _label_counts(lines, "stance", STANCES)),
        ("line length in characters: 10% / median / 90% / longest", ["type", *lengths], by_type),
    ]


def stats_figure(folder: Path, path: Path) -> None:
    """Write one PNG: share of the types per split, and line lengths by type.

    Raises `UserError` if the folder cannot be read or the file not be written.
    """
    from matplotlib.figure import Figure

    if path.suffix.lower() != ".png":
        raise UserError(f"{path}: expected a name that ends in .png")
    lengths = {name: _lengths(rows) for name, rows in _readable(folder).items() if name.startswith("pages/")}
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    shares, boxes = figure.subplots(1, 2)
    left = np.zeros(len(lengths))
    for kind in TYPES:
        share = np.array([len(part[kind]) / max(1, sum(map(len, part.values()))) for part in lengths.values()])
        shares.barh(list(lengths), share, left=left, label=kind)
        left += share
    shares.invert_yaxis()
    shares.set(xlabel="share of lines", xlim=(0, 1), title="line types")
    shares.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.15), frameon=False)
    boxes.boxplot([[n for part in lengths.values() for n in part[kind]] for kind in TYPES], whis=(5, 95), showfliers=False)
    boxes.set_xticks(range(1, len(TYPES) + 1), TYPES, rotation=30, ha="right")
    boxes.set(yscale="log", ylabel="characters", title="line length: quartiles, whiskers at 5% and 95%")
    boxes.yaxis.set_major_formatter("{x:g}")
    boxes.grid(axis="y", alpha=0.3)
    with replacing(path) as place:
        figure.savefig(place, dpi=120, format="png")


def _readable(folder: Path) -> dict[str, list[SplitRow]]:
    """Rows by `config/split`; a row that cannot be read must not be missing in a count."""
    problems: list[str] = []
    rows = read_folder(folder, problems)
    if problems:
        raise UserError(f"{folder}/{problems[0]}; see all: clfnews data check {folder}")
    return {name.removesuffix(".gz").removesuffix(".jsonl"): list(part) for name, part in groupby(rows, key=lambda row: row.file)}


def _page_counts(rows: Sequence[SplitRow]) -> list[str]:
    def distinct(key: str) -> int:
        return len({str(row.data[key]) for row in rows if row.data.get(key)})

    listings = sum(not any(is_article(line.type) for line in row.lines) for row in rows)
    counts = [len(rows), sum(len(row.lines) for row in rows), listings]
    counts += [distinct(key) for key in ("article", "layout", "site", "group")]
    origins = Counter(str(row.data.get("origin")) for row in rows)
    return [f"{n:,}" for n in counts] + [", ".join(f"{name} {n:,}" for name, n in origins.most_common())]


def _label_counts(lines: Mapping[str, Sequence[Line]], task: str, labels: Sequence[str]) -> list[list[str]]:
    """A row a label: count and share among the labelled lines of each split."""
    counts = [Counter(getattr(line, task) for line in part if getattr(line, task)) for part in lines.values()]
    return [[label, *(f"{count[label]:,} ({count[label] / max(1, count.total()):.1%})" for count in counts)] for label in labels]


def _lengths(rows: Sequence[SplitRow]) -> dict[str, list[int]]:
    """Type -> characters of each of its lines."""
    return {kind: [len(line.text) for row in rows for line in row.lines if line.type == kind] for kind in TYPES}


def _quantiles(lengths: Sequence[int]) -> str:
    return " / ".join(f"{q:.0f}" for q in np.quantile(lengths, [0.1, 0.5, 0.9, 1.0])) if lengths else "-"
