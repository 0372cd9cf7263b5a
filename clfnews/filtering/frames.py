"""Pages in pandas: texts, Series and frames in, a frame of results out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clfnews.errors import BadRecord
from clfnews.filtering.own_fields import own_names
from clfnews.page import Page
from clfnews.readers.base import KNOWN, ReadOptions, page_of_row, read_row

if TYPE_CHECKING:
    import pandas as pd

    from clfnews.filtering.tagged import TaggedPage

_NOT_PAGES = "leave out what could not be read (isinstance(x, clfnews.Page))"


def as_pages(items: Iterable[Page | str], hidden: bool = False) -> Iterator[Page]:
    """Pages of pages, and of texts (HTML is read as such) by the labels of a Series or their number.

    Raises `TypeError` for what is neither, `ValueError` for HTML that cannot be read.
    """
    if isinstance(items, Page | str):
        raise TypeError("tag() and keep() take many pages: tag([page])")
    if hasattr(items, "items") and hasattr(items, "index"):  # a Series
        numbered = ((str(label), item) for label, item in items.items())
    else:
        numbered = ((f"page-{n}", item) for n, item in enumerate(items, 1))
    options = ReadOptions(hidden=hidden)
    for name, item in numbered:
        if isinstance(item, str):
            yield page_of_row({"text": item}, name, options)
        elif isinstance(item, Page):
            yield item
        else:
            raise TypeError(f"not a page: {item!r:.200}; {_NOT_PAGES}")


def page_of_cells(row: Mapping[str, Any], name: str, options: ReadOptions) -> Page | str:
    """The page of a row of a frame, read as `clfnews filter` reads a row of JSON; or why it is none."""
    page = read_row({str(key): plain(value) for key, value in row.items()}, name, options)
    return page.reason if isinstance(page, BadRecord) else page


def plain(value: Any) -> Any:
    """The value of a cell: nothing for the many forms of nothing, whole numbers as such (pandas makes 7.0 of 7 beside a gap)."""
    import pandas as pd

    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def tag_frame(
    tag: Callable[[Iterable[Page]], Iterator[TaggedPage]], frame: pd.DataFrame, options: ReadOptions, all_lines: bool
) -> pd.DataFrame:
    """What `PageFilter.tag_frame` gives; `tag` is that filter's."""
    import pandas as pd

    cells = frame.to_dict("list")
    rows = ({name: values[i] for name, values in cells.items()} for i in range(len(frame)))
    records = [page_of_cells(row, str(label), options) for label, row in zip(frame.index, rows, strict=True)]
    tagged = tag(record for record in records if isinstance(record, Page))
    found = [
        {**_without_own(next(tagged)).as_row(all_lines), "error": None} if isinstance(record, Page) else {"error": record}
        for record in records
    ]
    nothing = _without_own(next(tag([Page("", ())]))).as_row(all_lines)
    known = [role for role in KNOWN if role in cells and options.column(role) == role]
    names = [name for name in (*nothing, "error") if name not in known and name != "source"]
    results = pd.DataFrame({name: pd.Series([row.get(name) for row in found], index=frame.index, dtype=object) for name in names})
    results["text_confidence"] = results["text_confidence"].astype(float)
    return pd.concat([frame.rename(columns=own_names(list(frame.columns), names)), results], axis=1)


def _without_own(tagged: TaggedPage) -> TaggedPage:
    """The page without the user's own fields, which are in the frame already."""
    return replace(tagged, page=replace(tagged.page, own={}))
