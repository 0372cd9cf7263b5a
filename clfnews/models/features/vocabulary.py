"""Words that a line shares with the story and with the lines next to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clfnews.models.features.characters import WORD_BITS, CharTable
from clfnews.models.features.flat import FlatLines


def add_vocabulary(lines: FlatLines, table: CharTable, segment: np.ndarray, idf: np.ndarray | None) -> None:
    """Idf-weighted share of a line's words found in the story's first guess, its start, and next to it.

    The line itself never counts: a word has to stand on another line too.
    """
    n = len(lines.texts)
    weight = np.ones(2**WORD_BITS, dtype=np.float32) if idf is None else idf
    words = _Words.of(lines, table.word_line[table.word_text], table.word_bucket[table.word_text])
    line, w = words.line, weight[words.bucket]
    total = np.maximum(np.bincount(line, w, minlength=n), 1e-6)
    lines.add("mean_idf", total / np.maximum(np.bincount(line, minlength=n), 1))
    starts = np.zeros(n, dtype=bool)
    if n:
        place = lines.before(segment) * segment
        starts = segment & (place < 4)
    for name, mask in (("story", segment), ("story_start", starts)):
        lines.add(f"shared_with_{name}", np.bincount(line, w * words.elsewhere(mask), minlength=n) / total)
    names = _Words.of(lines, table.word_line[table.word_capital], table.word_bucket[table.word_capital])
    n_names = np.bincount(names.line, minlength=n)
    lines.add("names", np.minimum(n_names, 12))
    found = np.bincount(names.line, names.elsewhere(segment), minlength=n)
    lines.add("names_in_story", found / np.maximum(n_names, 1))
    # Words of the line that the lines next to it hold: a caption or a doubled teaser repeats.
    for reach in (-2, -1, 1, 2):
        lines.add(f"shared_with_line_{reach:+d}", np.bincount(line, w * words.on_line(reach), minlength=n) / total)


@dataclass(frozen=True, slots=True)
class _Words:
    """Each (line, word) once, in the order of page, word, line."""

    line: np.ndarray
    bucket: np.ndarray
    group: np.ndarray
    """Number of the (page, word) that an entry belongs to."""
    keys: np.ndarray
    """The (page, word) of each entry as one number."""

    @classmethod
    def of(cls, lines: FlatLines, line: np.ndarray, bucket: np.ndarray) -> _Words:
        """Entries of words, given with their lines."""
        # Sorting one packed number is many times faster than sorting an index.
        bits = max(len(lines.page), 1).bit_length()
        packed = np.sort((((lines.page[line] << WORD_BITS) | bucket) << bits) | line)
        packed = packed[np.diff(packed, prepend=-1) > 0]
        keys = packed >> bits
        group = np.cumsum(np.diff(keys, prepend=keys[:1]) > 0)
        return cls(packed & (2**bits - 1), keys & (2**WORD_BITS - 1), group, keys)

    def elsewhere(self, mask: np.ndarray) -> np.ndarray:
        """Whether another line of the page, within the mask, has the word too."""
        inside = mask[self.line]
        count = np.bincount(self.group[inside], minlength=len(inside))
        return np.asarray(count[self.group] > inside, dtype=np.float32)

    def on_line(self, reach: int) -> np.ndarray:
        """Whether the line `reach` lines on (-2 to 2, on the page) has the word too."""
        found = np.zeros(len(self.line), dtype=bool)
        # Lines of one word ascend: the wanted one is among the next `reach` entries.
        for step in range(1, abs(reach) + 1):
            low, high = slice(None, -step), slice(step, None)
            near = (self.keys[low] == self.keys[high]) & (self.line[high] - self.line[low] == abs(reach))
            found[low if reach > 0 else high] |= near
        return found
