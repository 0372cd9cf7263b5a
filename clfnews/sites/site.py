"""What is known of one site: how often its lines, shapes and boxes came back, over how many stories. Bounded in size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from clfnews.sites.keys import PageKeys

ENTRIES = 8000
"""Keys that are remembered of a site; of more, those that came back least are dropped."""
STORIES = 512
"""Stories that are told apart, and the number at which all counts are halved: old ones fade."""
SKETCH = 12
"""Keys that are kept of a story: the smallest of those that tell it (bottom-k sketch, Broder 1997)."""
SAME = 0.6
"""Share of a story's sketch that a page has to have to be that story, told again."""
OWN = 3
"""A line that so many stories have is the site's; it tells no story from another."""
UNIT = 1000
"""p(article) is summed in thousandths: whole numbers have the same sum in any order."""
_LEFT = 0.75
"""Share of `ENTRIES` that is left when keys are dropped: dropping takes time, so it is done rarely."""


class Counts(NamedTuple):
    """What a site knows of keys, one value a key."""

    seen: np.ndarray
    """Other stories that have the key."""
    judged: np.ndarray
    """How many of them a model has read."""
    article: np.ndarray
    """Sum of p(article) over these."""


@dataclass
class Site:
    """The counts of one site. A story is counted once, by the first page that tells it."""

    keys: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    """Sorted."""
    seen: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint16))
    judged: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint16))
    article: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint32))
    """Sum of p(article), in `UNIT`s."""
    sketches: np.ndarray = field(default_factory=lambda: np.zeros((0, SKETCH), np.uint64))
    """One row a story, the oldest first; 0 where it has fewer keys."""
    addresses: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    """Of the stories' pages; 0 without one."""
    stories: int = 0
    """Distinct stories, faded like the counts."""
    pages: int = 0
    """All pages, also those that tell a story again; never faded."""

    @property
    def bytes(self) -> int:
        """Bytes of the arrays."""
        arrays = (self.keys, self.seen, self.judged, self.article, self.sketches, self.addresses)
        return sum(array.nbytes for array in arrays)

    def told(self, page: PageKeys) -> int:
        """How many of the remembered stories the page tells: itself, another version of it, or one with most of its lines."""
        if not self.stories:
            return 0
        seen = self._seen(page.telling)
        hits = np.isin(self.sketches, page.telling[seen < OWN])
        same = (self.addresses == np.uint64(page.address)) & (page.address != 0)
        for row in np.flatnonzero(hits.any(axis=1) & ~same).tolist():
            sketch = self.sketches[row][self.sketches[row] > 0]
            telling = int((self._seen(sketch) < OWN).sum())
            same[row] = hits[row].sum() >= SAME * telling
        return int(same.sum())

    def add(self, page: PageKeys, article: np.ndarray | None = None) -> bool:
        """Count a page, unless its story is known; `article` has p(article) of each line. True if it was counted."""
        self.pages += 1
        if self.told(page):
            return False
        keys = page.counted
        self._add(keys, np.ones(len(keys), np.uint16), *_judged(page, keys, article))
        fresh = page.telling[self._seen(page.telling) < OWN][:SKETCH]
        sketch = np.zeros((1, SKETCH), np.uint64)
        sketch[0, : len(fresh)] = fresh
        self._remember(sketch, np.array([page.address], np.uint64), 1)
        return True

    def merge(self, other: Site) -> None:
        """Add the counts of the same site from elsewhere; its stories come after one's own."""
        self.pages += other.pages
        self._add(other.keys, other.seen, other.judged, other.article)
        self._remember(other.sketches, other.addresses, other.stories)

    def fade(self) -> None:
        """Halve all counts."""
        self.stories //= 2
        for array in (self.seen, self.judged, self.article):
            np.right_shift(array, 1, out=array)
        self._take(self.seen > 0)

    def counts(self, keys: np.ndarray, told: int = 0, article: np.ndarray | None = None) -> Counts:
        """What is known of keys, without the `told` stories that the page itself tells; `article` as in `add`."""
        if not len(self.keys):
            return Counts(*np.zeros((3, len(keys))))
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        found = self.keys[at] == keys
        seen, judged, summed = (
            np.where(found, array[at], 0).astype(np.float64) for array in (self.seen, self.judged, self.article)
        )
        summed /= UNIT
        if told:
            own = np.zeros(len(keys)) if article is None else article
            summed = np.clip(summed - told * own, 0, None)
            seen, judged = np.maximum(seen - told, 0), np.maximum(judged - told, 0)
        return Counts(seen, judged, np.minimum(summed, judged))

    def _seen(self, keys: np.ndarray) -> np.ndarray:
        return self.counts(keys).seen

    def _add(self, keys: np.ndarray, seen: np.ndarray, judged: np.ndarray, article: np.ndarray) -> None:
        at = np.searchsorted(self.keys, keys)
        known = np.zeros(len(keys), dtype=bool)
        if len(self.keys):
            known = self.keys[np.minimum(at, len(self.keys) - 1)] == keys
        place, new = at[known], ~known
        self.keys = np.insert(self.keys, at[new], keys[new])
        for name, values in (("seen", seen), ("judged", judged), ("article", article)):
            array = getattr(self, name)
            array[place] += values[known]
            setattr(self, name, np.insert(array, at[new], values[new]))
        if len(self.keys) > ENTRIES:
            # Of keys that came back as often, the smaller stay: as good as drawn, and the same each time.
            kept = np.argsort(-self.seen.astype(np.int64), kind="stable")[: int(_LEFT * ENTRIES)]
            self._take(np.sort(kept))

    def _take(self, index: np.ndarray) -> None:
        self.keys, self.seen, self.judged, self.article = (
            array[index] for array in (self.keys, self.seen, self.judged, self.article)
        )

    def _remember(self, sketches: np.ndarray, addresses: np.ndarray, stories: int) -> None:
        self.sketches = np.concatenate((self.sketches, sketches))[-STORIES:]
        self.addresses = np.concatenate((self.addresses, addresses))[-STORIES:]
        self.stories += stories
        while self.stories > STORIES:
            self.fade()


def _judged(page: PageKeys, keys: np.ndarray, article: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """What a page adds to `judged` and `article`: the mean of p(article) over the lines that have the key."""
    if article is None:
        return np.zeros(len(keys), np.uint16), np.zeros(len(keys), np.uint32)
    lines, total = np.zeros(len(keys)), np.zeros(len(keys))
    for of_line in (page.lines, np.where(page.shapes == page.lines, 0, page.shapes), page.places):
        some = of_line > 0
        at = np.searchsorted(keys, of_line[some])
        np.add.at(lines, at, 1.0)
        np.add.at(total, at, article[some])
    return np.ones(len(keys), np.uint16), np.rint(UNIT * total / np.maximum(lines, 1)).astype(np.uint32)
