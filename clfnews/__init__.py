"""clfnews: find the article's lines on news pages, and their stance.

>>> import clfnews
>>> page_filter = clfnews.load()                              # doctest: +SKIP
>>> page_filter.keep([clfnews.Page.from_text(open("page.txt").read())])  # doctest: +SKIP
>>> pages = clfnews.read_pages("pages/", hidden=page_filter.reads_hidden)  # doctest: +SKIP
>>> [page.lines[0].text for page in [clfnews.read_html("<h1>Tin</h1><p>Bài</p>")]]
['Tin']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.errors import BadRecord, UserError
from clfnews.page import Line, Page
from clfnews.version import __version__

if TYPE_CHECKING:
    from clfnews.filtering.filter import PageFilter


__all__ = ["BadRecord", "Line", "Page", "PageFilter", "UserError", "__version__", "load", "read_html", "read_pages"]


def load(uri_or_dir: str | None = None) -> PageFilter:
    """The trained filter: a folder, a run's model or a registry URI.

    Default: `models:/clfnews@champion` of the tracking store in use. Raises
    `clfnews.errors.UserError` if there is no such model yet.
    """
    from clfnews.tracking.registry import load_filter

    return load_filter(uri_or_dir)


def read_pages(
    inputs: str | Path | Iterable[str | Path],
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    hidden: bool = False,
) -> Iterator[Page | BadRecord]:
    """The pages of text, HTML, JSON, CSV, Parquet, WET and WARC files (also .gz, .zst), in order, one at a time.

    Parameters: `inputs`, files, folders and patterns (`"*.txt"`), `-` for
    standard input; `format` of all of them (default: by their names);
    `columns`, such as `{"text": "body"}`: role (text, html, lines, id, url,
    site, date) -> name; `hidden`, also what HTML hides: give
    `page_filter.reads_hidden`, since a filter should see what it learnt from.

    What cannot be read comes as a `BadRecord` between the pages; a page that
    could be read only in part is a `UserWarning`. Raises `UserError` for an
    input that does not exist, before any is read.
    """
    import warnings

    from clfnews.readers.base import ReadOptions, parse_columns
    from clfnews.readers.inputs import expand
    from clfnews.readers.inputs import read_pages as read

    names = [str(name) for name in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    options = ReadOptions(format, parse_columns(f"{role}={name}" for role, name in (columns or {}).items()), hidden=hidden)
    for name in names:
        expand(name, options)
    return read(names, lambda message: warnings.warn(message, stacklevel=2), options)


def read_html(html: str | bytes, id: str = "page", *, url: str | None = None, hidden: bool = False) -> Page:
    """The page of an HTML document: one line a block that a reader can see, with what the markup says about it.

    Parameters: `html`, a text or bytes (whose encoding is found out); `url`, else
    the canonical one of the document; `hidden`, also what is hidden: see
    `read_pages`. Raises `ValueError` for what is too large, binary, or made to
    take long, and `UserError` if selectolax is not installed.
    """
    from clfnews.readers.html.document import read_html as read

    if isinstance(html, str) and "<" not in html:
        raise ValueError(f"no markup in {html!r:.80}; clfnews.read_pages reads files, Page.from_text extracted text")
    return read(html, id, url=url, hidden=hidden).page


def __getattr__(name: str) -> Any:
    if name == "PageFilter":  # imports numpy: only when asked for
        from clfnews.filtering.filter import PageFilter

        return PageFilter
    raise AttributeError(f"module 'clfnews' has no attribute {name!r}")
