"""A data folder with a dataset card, such as `data/`, read through `datasets`.

`datasets` is imported only when a folder is read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from clfnews.data.corpus import Corpus
from clfnews.data.gold import corpus_from_rows
from clfnews.errors import UserError, nearest
from clfnews.labels import TASKS


class MissingSplit(UserError):
    """A data folder has no such split."""


def load_split(folder: str | Path, config: str, split: str) -> Corpus:
    """One split of a data folder (`data/`) through `datasets.load_dataset`.

    Parameters: `folder` with a dataset card, the card's configuration (`pages`
    or `stance`) and the split (`train`, `validation`, `test`).
    Raises `UserError` for a folder or configuration that is not there, `MissingSplit` for a split.
    """
    with splits_of(folder, config) as load:
        return load(split)


@contextmanager
def splits_of(folder: str | Path, config: str) -> Iterator[Callable[[str], Corpus]]:
    """What loads splits of a configuration one by one, as `load_split` does; their files are parsed once for all."""
    # datasets keys its cache of a local folder by the path, not by what the
    # files hold: after an edit it would answer with the old rows. So: a cache of its own.
    with tempfile.TemporaryDirectory(prefix="clfnews-") as cache:
        yield partial(_load_split, Path(folder), config, cache)


def _load_split(folder: Path, config: str, cache: str, split: str) -> Corpus:
    # datasets takes a mistyped path for a name on the hub, and waits for it.
    _check_card(folder)
    import datasets

    datasets.disable_progress_bars()
    try:
        builder = datasets.load_dataset_builder(str(folder), config, cache_dir=cache)
        known = sorted(str(name) for name in builder.config.data_files or {})
    except FileNotFoundError as error:
        raise UserError(f"{folder}: its card names a file that is not there ({str(error).splitlines()[0]:.200})") from error
    except ValueError as error:
        raise UserError(f"{folder}: {str(error).splitlines()[0]}") from error
    if split not in known:
        raise MissingSplit(f"{folder}: no split {split!r} in {config!r}{nearest(split, known)}")
    try:
        table = datasets.load_dataset(str(folder), config, split=split, cache_dir=cache, keep_in_memory=True)
        names = {key: labels for key, labels in _line_labels(table.features).items() if key in TASKS}
        return corpus_from_rows(_decoded(table), f"{config}/{split}", str(folder), names=names)
    except (ValueError, datasets.exceptions.DatasetGenerationError) as error:
        # Its message hides which row is wrong; the check names them all.
        raise UserError(f"{folder}: {config}/{split} cannot be read; run: clfnews data check {folder}") from error


def _check_card(folder: Path) -> None:
    if not (folder / "README.md").is_file():
        raise UserError(f"{folder}: not a data folder (no README.md dataset card in {folder.absolute()})")


def config_names(folder: str | Path) -> list[str]:
    """Names of the configurations of a data folder, as its card has them; raises `UserError` without a card."""
    folder = Path(folder)
    _check_card(folder)
    import datasets

    try:
        return list(map(str, datasets.get_dataset_config_names(str(folder))))
    except ValueError as error:
        raise UserError(f"{folder}: {str(error).splitlines()[0]}") from error


def _decoded(table: Any) -> Iterator[dict[str, Any]]:
    """Rows with label names instead of class numbers."""
    names = _line_labels(table.features)
    of_page = {key: feature.names for key, feature in table.features.items() if hasattr(feature, "names")}
    for row in table:
        for item in row["lines"]:
            item |= {key: _name(item[key], labels) for key, labels in names.items()}
            item["labels"] = {key: item[key] for key in names if key not in TASKS and item[key] is not None}
        row["labels"] = {key: name for key, labels in of_page.items() if (name := _name(row[key], labels)) is not None}
        yield row


def _name(value: int | None, labels: Sequence[str]) -> str | None:
    return None if value is None or value < 0 else labels[value]


def label_names(folder: str | Path, config: str = "pages") -> dict[str, dict[str, tuple[str, ...]]]:
    """The label names that a card's ClassLabel features give, in order: task -> names, of `lines` and of `pages`."""
    folder = Path(folder)
    _check_card(folder)
    import datasets

    with tempfile.TemporaryDirectory(prefix="clfnews-") as cache:
        try:
            features: Any = datasets.load_dataset_builder(str(folder), config, cache_dir=cache).info.features or {}
        except (ValueError, FileNotFoundError) as error:
            raise UserError(f"{folder}: {str(error).splitlines()[0]:.200}") from error
    return {"lines": _line_labels(features), "pages": {k: tuple(x.names) for k, x in features.items() if hasattr(x, "names")}}


def _line_labels(features: Any) -> dict[str, tuple[str, ...]]:
    """Task -> label names of the ClassLabel features of the lines."""
    line: Any = features.get("lines", {})
    line = getattr(line, "feature", line[0] if isinstance(line, list) else line)
    return {key: tuple(x.names) for key, x in line.items() if hasattr(x, "names")}
