"""Features of a line that only its page can give, for many pages at once.

Everything is computed on flat arrays over all lines of all pages; the page
borders are respected by cumulative sums cut at the starts of pages and by
positions that may not cross them. Language enters through the word lists of
`lexicons` alone. HTML cues are NaN for plain text, so one model reads both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from clfnews.labels import ARTICLE, TYPES, columns_of
from clfnews.lexicons import fold, lexicon
from clfnews.models.features.characters import CLASSES, WORD_BITS, CharTable, char_table, class_code
from clfnews.models.features.flat import FlatLines, cumulative
from clfnews.models.features.openings import add_openings
from clfnews.models.features.story import add_place, add_segment, add_state
from clfnews.models.features.vocabulary import add_vocabulary
from clfnews.page import Page

_PIECE = 64
"""Pages whose words are counted in one go."""
_SCORE_STEPS = 2.0**30
"""Scores are added up as whole numbers of this part, so that sums are exact and no page depends on those before it."""
_KINDS = ("link_headings", "tag_headings", "end_marks", "ui_words")
_REGIONS = {"": 0, "main": 1, "article": 2, "header": 3, "nav": 4, "aside": 5, "footer": 6, "form": 7}
_TAGS = {"": 0, "p": 1, "h1": 2, "h2": 3, "h3": 4, "h4": 4, "h5": 4, "h6": 4, "li": 5, "div": 6, "td": 7, "th": 7, "a": 8,
         "span": 9, "figcaption": 10, "blockquote": 11, "pre": 12, "time": 13, "button": 14, "dt": 15, "dd": 16}  # fmt: skip


def feature_names() -> tuple[str, ...]:
    """Names of the columns of `line_features`."""
    matrix, names = _compute([Page.from_lines(["line"])], None)
    assert matrix.shape[1] == len(names)
    return names


def line_features(
    pages: Sequence[Page], scores: np.ndarray | None = None, idf: np.ndarray | None = None, table: CharTable | None = None
) -> np.ndarray:
    """Lines x features (float32) of all pages, in order.

    Parameters: `scores`, lines x `labels.TYPES`, probabilities of a text scorer
    (NaN columns if None); `idf`, one weight a word bucket (`word_idf`; ones if None);
    `table`, the `page_table` of the same pages if it is there already.
    """
    return _compute(pages, scores, idf, table)[0]


def line_columns(
    pages: Sequence[Page], scores: np.ndarray | None, idf: np.ndarray | None, table: CharTable
) -> tuple[np.ndarray, tuple[str, ...]]:
    """`line_features` with the names of the columns."""
    return _compute(pages, scores, idf, table)


def page_table(pages: Sequence[Page]) -> CharTable:
    """Characters and words of all lines of all pages."""
    return char_table([line.text for page in pages for line in page.lines])


def word_idf(pages: Sequence[Page]) -> np.ndarray:
    """Inverse document frequency of every word bucket over pages (float32, 2**WORD_BITS)."""
    seen = np.zeros(2**WORD_BITS, dtype=np.float32)
    for at in range(0, len(pages), _PIECE):
        piece = pages[at : at + _PIECE]
        table = page_table(piece)
        page = np.repeat(np.arange(len(piece)), [len(one.lines) for one in piece])[table.word_line]
        distinct = np.unique(page * 2**WORD_BITS + table.word_bucket)  # once a page
        seen += np.bincount(distinct % 2**WORD_BITS, minlength=len(seen))
    return np.log((1 + len(pages)) / (1 + seen)).astype(np.float32) + 0.1


def _compute(
    pages: Sequence[Page], scores: np.ndarray | None, idf: np.ndarray | None = None, table: CharTable | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    sizes = np.array([len(page.lines) for page in pages], dtype=np.int64)
    n = int(sizes.sum())
    first = np.concatenate(([0], np.cumsum(sizes)[:-1])) if len(sizes) else np.zeros(0, dtype=np.int64)
    page = np.repeat(np.arange(len(pages)), sizes)
    lines = FlatLines(
        texts=[line.text for p in pages for line in p.lines],
        start=first[page] if n else page,
        end=(first + sizes)[page] if n else page,
        page=page,
        index=np.arange(n),
    )
    table = char_table(lines.texts) if table is None else table
    kinds = _shape(lines, table)
    sentence = add_place(lines, table)
    segment = add_segment(lines, table, kinds, sentence)
    add_state(lines, kinds, sentence, segment, table)
    add_vocabulary(lines, table, segment, idf)
    add_openings(lines, table, segment)
    _scores(lines, scores)
    _neighbours(lines)
    _html(lines, pages)
    # Column by column in memory, as they were made and as they will be read.
    return (np.stack(lines.columns).T if n else np.zeros((0, len(lines.names)), dtype=np.float32)), tuple(lines.names)


def _shape(lines: FlatLines, table: CharTable) -> np.ndarray:
    """Length, characters, first and last mark, numbers, word-list hits, repeats. Returns the hits."""
    length = np.maximum(table.chars, 1)
    # Two signs of a script without spaces are about a word.
    words = table.counts[:, class_code("space")] + 1 + table.alone // 2
    letters = np.maximum(table.counts[:, class_code("lower")] + table.counts[:, class_code("upper")], 1)
    lines.add("log_length", np.log1p(table.length))
    lines.add("log_words", np.log1p(words))
    lines.add("upper_share", table.counts[:, class_code("upper")] / letters)
    lines.add("capital_share", table.capitals / words)
    lines.add("letter_share", letters / length)
    for name in ("digit", "comma", "stop", "colon", "quote", "dash", "bar", "slash", "bracket", "other"):
        lines.add(f"{name}_count", np.minimum(table.counts[:, class_code(name)], 20))
    lines.add("digit_share", table.counts[:, class_code("digit")] / length)
    lines.add("first_class", table.first)
    lines.add("last_class", table.last)
    for i, name in enumerate(("dates", "clocks", "amounts")):
        lines.add(name, np.minimum(table.number_joints[:, i], 9))
    lines.add("sentence_ends", np.minimum(table.sentence_ends, 12))
    ids: dict[str, int] = {}
    distinct = np.array([ids.setdefault(key, len(ids)) for key in map(fold, lines.texts)], dtype=np.int64)
    codes = _list_codes()
    kinds = np.array([codes.get(key, 0) for key in ids], dtype=np.int64)[distinct]
    for bit, name in enumerate(_KINDS):
        lines.add(f"is_{name}", (kinds >> bit) & 1)
    lines.add("repeats", np.minimum(_repeats(distinct, lines), 5))
    return kinds


@lru_cache(maxsize=1)
def _list_codes() -> dict[str, int]:
    """Folded entry -> bits of the word lists it stands in."""
    codes: dict[str, int] = {}
    lists = lexicon()
    for bit, name in enumerate(_KINDS):
        for entry in lists[name]:
            codes[entry] = codes.get(entry, 0) | (1 << bit)
    return codes


def _repeats(distinct: np.ndarray, lines: FlatLines) -> np.ndarray:
    """How often the line's text (as a number) stands on its page."""
    _, inverse, counts = np.unique(lines.page * (len(distinct) + 1) + distinct, return_inverse=True, return_counts=True)
    return counts[inverse]


def _scores(lines: FlatLines, scores: np.ndarray | None) -> None:
    """The scorer's probabilities, and their means around the line."""
    n, k = len(lines.texts), len(TYPES)
    p = np.full((n, k), np.nan, dtype=np.float32) if scores is None else scores.astype(np.float32)
    for j in range(k):
        lines.add(f"score_{j}", p[:, j])
    # The scorer may abstain on whole pages: their NaN must not run into the sums of others.
    silent = np.isnan(p[:, :1]).ravel()
    p = np.where(silent[:, None], 0, p)
    article, teaser = p[:, columns_of(ARTICLE)].sum(axis=1), p[:, TYPES.index("teaser")]
    for reach in (2, 6):
        for name, values in (("article", article), ("teaser", teaser)):
            total = cumulative(np.rint(values.astype(np.float64) * _SCORE_STEPS)) / _SCORE_STEPS
            above = (total[lines.index] - total[lines.reach(-reach)]) / reach
            below = (total[lines.reach(reach + 1)] - total[lines.reach(1)]) / reach
            lines.add(f"score_{name}_above_{reach}", np.where(silent, np.nan, above))
            lines.add(f"score_{name}_below_{reach}", np.where(silent, np.nan, below))


_NEIGHBOUR_TYPES = ("body", "teaser", "caption", "navigation", "ui")
_NEIGHBOUR_COLUMNS = ("log_length", "sentence", "last_class", "digit_share", "upper_share", "is_link_headings",
                      "is_ui_words", "names_in_story", "shared_with_story", "repeats",
                      *(f"score_{TYPES.index(label)}" for label in _NEIGHBOUR_TYPES))  # fmt: skip


def _neighbours(lines: FlatLines) -> None:
    """Chosen columns of the two lines above and below; NaN beyond the page."""
    for name in _NEIGHBOUR_COLUMNS:
        column = lines.columns[lines.names.index(name)]
        for reach in (-2, -1, 1, 2):
            lines.add(f"{name}_{reach:+d}", lines.shift(column, reach))
    length = lines.columns[0]
    for reach in (-3, 3):
        lines.add(f"log_length_{reach:+d}", lines.shift(length, reach))


def _html(lines: FlatLines, pages: Sequence[Page]) -> None:
    """Tag, link density, region and depth, and how they compare with the lines around; NaN for text."""
    n = len(lines.texts)
    cues = np.full((n, 4), np.nan, dtype=np.float32, order="F")
    rows = [(i, line.cues) for i, line in enumerate(line for page in pages for line in page.lines) if line.cues is not None]
    if rows:
        at = [i for i, _ in rows]
        cues[at, 0] = [_TAGS.get(cue.tag, 17) for _, cue in rows]
        cues[at, 1] = [cue.link_density for _, cue in rows]
        cues[at, 2] = [_REGIONS.get(cue.region, 0) for _, cue in rows]
        cues[at, 3] = [cue.depth for _, cue in rows]
    for j, name in enumerate(("tag", "link_density", "region", "depth")):
        lines.add(f"html_{name}", cues[:, j])
    for reach in (-1, 1):
        lines.add(f"html_link_density_{reach:+d}", lines.shift(cues[:, 1], reach))
        lines.add(f"html_depth_change_{reach:+d}", cues[:, 3] - lines.shift(cues[:, 3], reach))


assert len(CLASSES) < 256
