"""Political actors in lines, found by name and replaced by one placeholder.

A stance must not hang on who is named: with every actor as the placeholder,
"Nga phản đối Mỹ" and "Mỹ phản đối Nga" are one pattern. One placeholder for all
measured better than one for each actor of a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

import numpy as np

from clfnews.models.features.characters import WORD_BITS, CharTable, char_table


def actor_mentions(table: CharTable) -> tuple[np.ndarray, np.ndarray]:
    """Which words belong to an actor's name, and which of these begin a mention.

    A word of a name with one word is found by itself, longer names by their
    neighbouring pairs, both only with their capitals. Names that touch ("Tổng
    thống Mỹ Trump") are one mention.
    """
    single, pairs = _name_buckets()
    bucket, line = table.word_bucket, table.word_line
    if not len(bucket):
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    # Only words with capitals are looked up: a tenth of all.
    named = np.zeros(len(bucket), dtype=bool)
    upper = np.flatnonzero(table.word_upper)
    named[upper[np.isin(bucket[upper], single)]] = True
    first = upper[upper + 1 < len(bucket)]
    first = first[line[first] == line[first + 1]]
    both = first[np.isin((bucket[first] << WORD_BITS) | bucket[first + 1], pairs)]
    named[both] = named[both + 1] = True
    before = np.concatenate(([False], named[:-1] & (line[:-1] == line[1:])))
    return named, named & ~before


def mentions(texts: Sequence[str]) -> np.ndarray:
    """How often each text names political actors."""
    if not texts:
        return np.zeros(0, dtype=np.int64)
    table = char_table(texts)
    return np.bincount(table.word_line[actor_mentions(table)[1]], minlength=len(texts))


@lru_cache(maxsize=1)
def _name_buckets() -> tuple[np.ndarray, np.ndarray]:
    """Buckets of one-word names, and pairs of buckets inside longer ones."""
    text = resources.files("clfnews.lexicons").joinpath("actors.txt").read_text(encoding="utf-8")
    names = [name.strip() for row in text.splitlines() if row and not row.startswith("#") for name in row.split("|")]
    table = char_table(names)
    size = np.bincount(table.word_line, minlength=len(names))
    alone = size[table.word_line] == 1
    together = table.word_line[:-1] == table.word_line[1:]
    pairs = (table.word_bucket[:-1] << WORD_BITS) | table.word_bucket[1:]
    return np.unique(table.word_bucket[alone]), np.unique(pairs[together])
