"""A page as 64-bit keys: its lines, their shapes and places, and what tells its story from others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from clfnews.page import Page

_DIGITS = re.compile(r"\d++")
_MARKS = " \t*•·-–—>»›|#.:…\"'“”()[]"
"""What converters and lists put around the same line."""
_TELLING = 0.5
"""The longest lines that make up this share of a page's characters tell its story. No length in characters would do: scripts
differ."""
_VERSION = re.compile(r"[/._-](?:print|amp|p\d{1,2}|page[/._-]?\d{1,3})(?=\.\w{2,5}$|$)")
"""End of an address's path that names a version or a part of a story: `/print`, `-p2.html`, `/page/3`."""
_VERSIONS = frozenset(["page", "p", "print", "amp", "output", "view", "share", "ref", "fbclid", "gclid"])
"""Keys of an address's query that do so, or say where a reader came from."""


class PageKeys(NamedTuple):
    """The keys of a page, one a line, each uint64; 0 where there is none."""

    lines: np.ndarray
    shapes: np.ndarray
    """Of the text with its numbers masked; of a text without numbers the key of the line."""
    places: np.ndarray
    """Of the boxes around the line; 0 for text."""
    telling: np.ndarray
    """Distinct keys of the lines that tell the story, sorted."""
    address: int
    """Of the address without what names a version of the page; 0 without one."""

    @property
    def counted(self) -> np.ndarray:
        """The distinct keys that a story adds one to, sorted."""
        every = np.unique(np.concatenate((self.lines, self.shapes, self.places)))
        return every[every > 0]


def key_of(kind: str, text: str) -> int:
    """The 64-bit key of a text; texts of different kinds have different keys."""
    return int.from_bytes(blake2b(f"{kind}\0{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()) or 1


def page_keys(page: Page) -> PageKeys:
    """The keys of a page, in time that grows with its text.

    Lines without a letter have none: a number in a table comes back on any page.
    """
    texts = [folded.strip(_MARKS) or folded for folded in (line.text.casefold() for line in page.lines)]
    lettered = np.array([any(map(str.isalpha, text)) for text in texts], dtype=bool)
    lines = np.where(lettered, _keys("line", texts), 0).astype(np.uint64)
    masked = [_DIGITS.sub("0", text) for text in texts]
    same = np.array([shape == text for shape, text in zip(masked, texts, strict=True)], dtype=bool)
    shapes = np.where(same | ~lettered, lines, _keys("shape", masked)).astype(np.uint64)
    paths = [line.cues.path if line.cues else "" for line in page.lines]
    return PageKeys(lines, shapes, _places(paths), _telling(lines, [len(text) for text in texts]), _address(page.url))


def _keys(kind: str, texts: Iterable[str]) -> np.ndarray:
    return np.array([key_of(kind, text) for text in texts], dtype=np.uint64)


def _places(paths: list[str]) -> np.ndarray:
    known = {path: key_of("place", _DIGITS.sub("0", path)) for path in set(paths) if path}
    return np.array([known.get(path, 0) for path in paths], dtype=np.uint64)


def _telling(lines: np.ndarray, lengths: list[int]) -> np.ndarray:
    """Keys of the longest lines that together make up `_TELLING` of the characters."""
    sizes = np.array(lengths, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]
    found = np.unique(lines[order[before < _TELLING * sizes.sum()]])
    return found[found > 0]


def _address(url: str | None) -> int:
    if not url:
        return 0
    try:
        parts = urlsplit(url)
        rest = sorted(pair for pair in parse_qsl(parts.query) if pair[0] not in _VERSIONS and not pair[0].startswith("utm_"))
    except ValueError:  # "http://[a", or a query of more fields than are read
        return 0
    path = _VERSION.sub("", parts.path.rstrip("/").lower())
    return key_of("address", f"{path}\0{rest}") if path or rest else 0
