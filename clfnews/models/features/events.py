"""Phrases for what political actors do, found in lines: the classes of `lexicons/events.txt`.

A few thousand labelled lines show most verbs of conflict and cooperation once
or never. A list of phrases by class of event (after the root codes of CAMEO,
Schrodt 2012) lets rare ones share what was learnt from frequent ones.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np

from clfnews.models.features.characters import WORD_BITS, CharTable, char_table

_STEP = np.uint64(0x9E3779B97F4A7C15)
_NEW = ("oà", "oá", "oả", "oã", "oạ", "oè", "oé", "oẻ", "oẽ", "oẹ", "uỳ", "uý", "uỷ", "uỹ", "uỵ")
_OLD = ("òa", "óa", "ỏa", "õa", "ọa", "òe", "óe", "ỏe", "õe", "ọe", "ùy", "úy", "ủy", "ũy", "ụy")
_OLDER = dict(zip(_NEW, _OLD, strict=True))
"""Ends of words as they were spelled before: both are in use, "hoá" and "hóa"."""


def event_phrases(table: CharTable) -> tuple[np.ndarray, np.ndarray]:
    """Where a phrase begins (index of its first word, ascending), and its class (index into `event_classes`).

    The longest phrase wins; no word belongs to two.
    """
    sizes = _phrases()
    n = len(table.word_line)
    taken = np.zeros(n, dtype=bool)
    # Only where a word stands that begins a phrase: a fifth of all places.
    begins = np.flatnonzero(_first_words()[table.word_bucket])
    place, classes = [], []
    for size in sorted(sizes, reverse=True):
        if n < size:
            continue
        keys, kinds = sizes[size]
        at = begins[begins <= n - size]
        key = _keys(table.word_bucket, size, at)
        found = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        hit = (keys[found] == key) & (table.word_line[at] == table.word_line[at + size - 1])
        for offset in range(size):
            hit &= ~taken[at + offset]
        at, found = at[hit], found[hit]
        for offset in range(size):
            taken[at + offset] = True
        place.append(at)
        classes.append(kinds[found])
    if not place:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    where, which = np.concatenate(place), np.concatenate(classes)
    order = np.argsort(where, kind="stable")
    return where[order], which[order]


def event_classes() -> tuple[str, ...]:
    """Names of the classes, in the order of the list."""
    return tuple(_lists())


@lru_cache(maxsize=1)
def _lists() -> dict[str, tuple[str, ...]]:
    text = resources.files("clfnews.lexicons").joinpath("events.txt").read_text(encoding="utf-8")
    rows = (row.partition(":") for row in text.splitlines() if row and not row.startswith("#"))
    return {name: tuple(phrase.strip() for phrase in phrases.split("|")) for name, _, phrases in rows}


@lru_cache(maxsize=1)
def _spelled() -> tuple[CharTable, ...]:
    """Per class the words of its phrases, in both spellings."""
    return tuple(
        char_table([text for phrase in phrases for text in (phrase, _old_tones(phrase))]) for phrases in _lists().values()
    )


@lru_cache(maxsize=1)
def _phrases() -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Words in the phrase -> its keys (sorted) and their classes."""
    found: dict[int, dict[int, int]] = {}
    for kind, table in enumerate(_spelled()):
        ends = np.flatnonzero(np.diff(table.word_line, append=-1)) + 1
        starts = np.concatenate(([0], ends[:-1]))
        for size in np.unique(ends - starts).tolist():
            kinds = found.setdefault(size, {})
            for key in _keys(table.word_bucket, size, starts[ends - starts == size]).tolist():
                kinds.setdefault(key, kind)
    out = {}
    for size, kinds in found.items():
        keys = np.array(sorted(kinds), dtype=np.uint64)
        out[size] = keys, np.array([kinds[int(key)] for key in keys], dtype=np.int64)
    return out


@lru_cache(maxsize=1)
def _first_words() -> np.ndarray:
    """For each word bucket whether a phrase begins with it (bool, 2**WORD_BITS)."""
    begins = np.zeros(2**WORD_BITS, dtype=bool)
    for table in _spelled():
        begins[table.word_bucket[np.diff(table.word_line, prepend=-1) > 0]] = True
    return begins


def _keys(bucket: np.ndarray, size: int, at: np.ndarray) -> np.ndarray:
    """Keys of the runs of `size` words that begin at some places."""
    key: np.ndarray = bucket[at].astype(np.uint64)
    for offset in range(1, size):
        key = key * _STEP + bucket[at + offset].astype(np.uint64)
    return key


def _old_tones(phrase: str) -> str:
    return " ".join(word[:-2] + _OLDER.get(word[-2:], word[-2:]) for word in phrase.split())
