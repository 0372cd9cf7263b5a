"""clfnews: find the article's lines on news pages, and their stance.

>>> import clfnews
>>> page_filter = clfnews.load()                              # doctest: +SKIP
>>> page_filter.keep([clfnews.Page.from_text(open("page.txt").read())])  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

from clfnews.page import Line, Page

if TYPE_CHECKING:
    from clfnews.filter import PageFilter

__all__ = ["Line", "Page", "PageFilter", "__version__", "load"]


def load(uri_or_dir: str | None = None) -> PageFilter:
    """The trained filter: a folder, a run's model or a registry URI.

    Default: `models:/clfnews@champion` of the tracking store in use. Raises
    `clfnews.errors.UserError` if there is no such model yet.
    """
    from clfnews.tracking import load_filter

    return load_filter(uri_or_dir)


def __getattr__(name: str) -> Any:
    if name == "PageFilter":  # imports numpy: only when asked for
        from clfnews.filter import PageFilter

        return PageFilter
    raise AttributeError(f"module 'clfnews' has no attribute {name!r}")
