"""Words of paths (`Cues.path`), as `char_table` finds them in any text, with each step of a path read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clfnews.models.features.characters import CharTable, char_table, class_code


@dataclass(frozen=True, slots=True)
class PathWords:
    """Ends and words of N paths: the columns of `CharTable` that a text scorer takes."""

    first: np.ndarray
    last: np.ndarray
    word_line: np.ndarray
    word_bucket: np.ndarray


def path_words(paths: Sequence[str]) -> PathWords | CharTable:
    """What `char_table` says of paths. They share their steps: a tenth of the characters is read.

    A slash is a word of its own, so no word goes beyond a step. Texts that do not begin with a slash are no paths, and
    are read as any text.
    """
    number: dict[str, int] = {}
    if not all(path[:1] in ("", "/") for path in paths):
        return char_table(paths)
    names = [path.split("/")[1:] for path in paths]
    step = np.array([number.setdefault(name, len(number)) for some in names for name in some], dtype=np.int64)
    table = char_table([f"/{name}" for name in number])
    count = np.bincount(table.word_line, minlength=len(number))
    begin = np.cumsum(count) - count
    n_words = count[step]
    word = np.arange(int(n_words.sum())) + np.repeat(begin[step] - np.cumsum(n_words) + n_words, n_words)
    size = np.array([len(some) for some in names], dtype=np.int64)
    some, end = size > 0, np.cumsum(size)
    first = np.full(len(paths), class_code("other"))
    last = first.copy()
    first[some], last[some] = table.first[step[(end - size)[some]]], table.last[step[end[some] - 1]]
    return PathWords(first, last, np.repeat(np.repeat(np.arange(len(paths)), size), n_words), table.word_bucket[word])
