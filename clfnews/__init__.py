"""clfnews: find the article's lines on news pages, and their stance.

>>> import clfnews
>>> page_filter = clfnews.load()                              # doctest: +SKIP
>>> page_filter.keep([clfnews.Page.from_text(open("page.txt").read())])  # doctest: +SKIP
>>> pages = clfnews.read_pages("pages/", hidden=page_filter.reads_hidden)  # doctest: +SKIP
>>> [page.lines[0].text for page in [clfnews.read_html("<h1>Tin</h1><p>Bài</p>")]]
['Tin']

Every command is one call: `train`, `evaluate`, `compare`, `tag_files`, `filter_folder`
(the functions stand in `clfnews/face/`). Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clfnews.errors import BadRecord, UserError
from clfnews.face.filtering import filter_folder, load, serve, tag_files
from clfnews.face.reading import fasttext_text, read_html, read_pages
from clfnews.face.training import compare, drift, evaluate, load_config, train
from clfnews.page import Line, Page
from clfnews.version import __version__

if TYPE_CHECKING:
    from clfnews.filtering.filter import PageFilter
    from clfnews.filtering.tagged import TaggedPage
    from clfnews.models.estimators import LineClassifier, PageTagger
    from clfnews.sites.memory import SiteMemory

__all__ = [
    "BadRecord",
    "Line",
    "LineClassifier",
    "Page",
    "PageFilter",
    "PageTagger",
    "SiteMemory",
    "TaggedPage",
    "UserError",
    "__version__",
    "compare",
    "drift",
    "evaluate",
    "fasttext_text",
    "filter_folder",
    "load",
    "load_config",
    "read_html",
    "read_pages",
    "serve",
    "tag_files",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "PageFilter":  # imports numpy, as TaggedPage does: only when asked for
        from clfnews.filtering.filter import PageFilter

        return PageFilter
    if name == "SiteMemory":
        from clfnews.sites.memory import SiteMemory

        return SiteMemory
    if name == "TaggedPage":
        from clfnews.filtering.tagged import TaggedPage

        return TaggedPage
    if name in ("LineClassifier", "PageTagger"):  # derive from classes of scikit-learn
        from clfnews.models import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'clfnews' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
