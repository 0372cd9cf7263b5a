"""Features of a page's lines from what is known of its site."""

from __future__ import annotations

import numpy as np

from clfnews.page import Page
from clfnews.sites.keys import PageKeys, page_keys
from clfnews.sites.memory import SiteMemory
from clfnews.sites.site import Site

FEATURES = (
    "stories", "line", "shape", "place", "any", "known", "near", "above", "below", "judged_shape", "judged_place", "page_known",
)  # fmt: skip
"""The columns of `site_features`:

`stories`: log(1 + number of other stories that are known of the site);
`line`, `shape`, `place`: shares of them that have this line, one of its shape, this box (NaN for text);
`any`, `known`: whether one of them, or at least `_KNOWN`, has a line of this shape;
`near`: share of known lines among the `_WINDOW` before, the line and the `_WINDOW` after;
`above`, `below`: 1 / number of lines to the next known line on that side, 0 without one;
`judged_shape`, `judged_place`: mean p(article) that a model gave lines of this shape, of this box; NaN if none was judged;
`page_known`: share of the page's lines that are known."""
_KNOWN = 2
_WINDOW = 3


def site_features(page: Page, memory: SiteMemory, article: np.ndarray | None = None) -> np.ndarray:
    """Lines x `FEATURES` (float32) of a page; all NaN if nothing is known of its site but the page's own story.

    `article`: p(article) of each line, to leave the page's own part out of the
    judged means; without it they hold what the page itself may have added.
    """
    return features_of(page_keys(page), memory.site(page) or Site(), article)


def features_of(keys: PageKeys, site: Site, article: np.ndarray | None = None) -> np.ndarray:
    """`site_features` of the keys of a page."""
    told = site.told(keys)
    if site.stories <= told or not len(keys.lines):
        return np.full((len(keys.lines), len(FEATURES)), np.nan, np.float32)
    return _columns(keys, site, told, article).astype(np.float32)


def _columns(keys: PageKeys, site: Site, told: int, article: np.ndarray | None) -> np.ndarray:
    n, stories = len(keys.lines), site.stories - told
    lines = site.counts(keys.lines, told)
    shapes = site.counts(keys.shapes, told, _means(keys.shapes, article))
    places = site.counts(keys.places, told, _means(keys.places, article))
    boxed = keys.places > 0
    known = shapes.seen >= min(_KNOWN, stories)
    with np.errstate(invalid="ignore", divide="ignore"):
        judged_shape = np.where(shapes.judged > 0, shapes.article / shapes.judged, np.nan)
        judged_place = np.where(boxed & (places.judged > 0), places.article / places.judged, np.nan)
    around = np.concatenate(([0], np.cumsum(known)))
    low, high = np.maximum(np.arange(n) - _WINDOW, 0), np.minimum(np.arange(n) + _WINDOW + 1, n)
    return np.stack(
        (
            np.full(n, np.log1p(stories)),
            np.minimum(lines.seen / stories, 1),
            np.minimum(shapes.seen / stories, 1),
            np.where(boxed, np.minimum(places.seen / stories, 1), np.nan),
            shapes.seen > 0,
            known,
            (around[high] - around[low]) / (high - low),
            _nearness(known),
            _nearness(known[::-1])[::-1],
            judged_shape,
            judged_place,
            np.full(n, known.mean()),
        ),
        axis=1,
    )


def _nearness(known: np.ndarray) -> np.ndarray:
    """1 / number of lines up to the known one before each line; 0 without one."""
    at = np.arange(len(known))
    last = np.maximum.accumulate(np.where(known, at, -1))
    before = np.concatenate(([-1], last[:-1]))
    return np.where(before >= 0, 1 / np.maximum(at - before, 1), 0.0)


def _means(keys: np.ndarray, article: np.ndarray | None) -> np.ndarray | None:
    """For each line the mean p(article) over the lines of the page that share its key: what the page adds to a site."""
    if article is None:
        return None
    _, code = np.unique(keys, return_inverse=True)
    mean: np.ndarray = (np.bincount(code, article) / np.bincount(code))[code]
    return mean
