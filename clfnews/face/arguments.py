"""What the functions of the face take, as the functions below it do."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.page import Page

if TYPE_CHECKING:
    from clfnews.filtering.filter import PageFilter
    from clfnews.sites.memory import SiteMemory

Names = str | Path | Iterable[str | Path]
"""Files, folders and patterns (`"*.txt"`), or `-` for standard input: one, or many."""


def as_filter(model: PageFilter | str | Path | None) -> PageFilter:
    """The filter, or the one that is named as `load` takes it."""
    if model is not None and not isinstance(model, str | Path):
        return model
    from clfnews.tracking.find import load_filter

    return load_filter(as_text(model))


def as_memory(sites: SiteMemory | str | Path | None, pages: Iterable[Page]) -> SiteMemory | None:
    """The memory, the one of a file, or with `auto` that of the pages."""
    if not isinstance(sites, str | Path):
        return sites
    from clfnews.sites.memory import SiteMemory

    return SiteMemory.fit(pages) if str(sites) == "auto" else SiteMemory.load(sites)


def as_text(name: str | Path | None) -> str | None:
    """A path or a name as text."""
    return None if name is None else str(name)


def as_names(inputs: Names) -> list[str]:
    """The inputs as texts, of one or many."""
    return [str(name) for name in ([inputs] if isinstance(inputs, str | Path) else inputs)]


def read_options(format: str | None, columns: Mapping[str, str] | None, hidden: bool) -> Any:
    """`ReadOptions` of a format and of role -> name of a column."""
    from clfnews.readers.base import ReadOptions, parse_columns

    return ReadOptions(format, parse_columns(f"{role}={name}" for role, name in (columns or {}).items()), hidden=hidden)


def warn_user(message: str) -> None:
    """A `UserWarning` at the place that called the face."""
    warnings.warn(message, stacklevel=3)
