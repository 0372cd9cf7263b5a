"""Features of a line that only its page can give, for many pages at once.

Everything is computed on flat arrays over all lines of all pages; the page
borders are respected by cumulative sums cut at the starts of pages and by
positions that may not cross them. Language enters through the word lists of
`lexicons` alone. HTML cues are NaN for plain text, so one model reads both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from clfnews.lexicons import fold, lexicon
from clfnews.models.features.characters import CLASSES, WORD_BITS, CharTable, char_table, class_code
from clfnews.models.features.flat import FAR, FlatLines, cumulative
from clfnews.page import Page

LONG = 60
"""Characters from which a line that ends like a sentence counts as running text."""
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

    Parameters: `scores`, lines x types, probabilities of a text scorer (NaN
    columns if None); `idf`, one weight a word bucket (`word_idf`; ones if None);
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
    for page in pages:
        seen[np.unique(page_table([page]).word_bucket)] += 1
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
    sentence = _place(lines, table, kinds)
    segment = _segment(lines, table, kinds, sentence)
    _state(lines, kinds, sentence, segment, table)
    _vocabulary(lines, table, segment, idf)
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


def _place(lines: FlatLines, table: CharTable, kinds: np.ndarray) -> np.ndarray:
    """Position, text before and after, densities around. Returns the sentence-like lines."""
    stop = (table.last == class_code("stop")) | (table.last == class_code("quote"))
    # Thai and Lao set no stops: there a long line is taken for text.
    stop |= (table.last == class_code("lower")) & (2 * table.alone > table.chars) & (table.length < 1.2 * table.chars)
    sentence: np.ndarray = (table.length >= LONG) & (
        stop | (table.last == class_code("colon")) | (table.last == class_code("slash"))
    )
    total = lines.page_sum(table.length)
    above = lines.before(table.length)
    lines.add("sentence", sentence)
    lines.add("line_share", (lines.index - lines.start) / np.maximum(lines.end - lines.start, 1))
    lines.add("from_top", np.minimum(lines.index - lines.start, 3 * FAR))
    lines.add("from_end", np.minimum(lines.end - 1 - lines.index, 3 * FAR))
    lines.add("page_lines", np.minimum(lines.end - lines.start, 400))
    lines.add("page_sentences", np.minimum(lines.page_sum(sentence), 100))
    lines.add("text_before", above / np.maximum(total, 1))
    short = table.length < 30
    date = table.number_joints[:, :2].sum(axis=1) > 0
    flags = {"sentence": sentence, "short": short, "date": date & (table.length < 60), "long_text": table.length >= 2 * LONG}
    for name, flag in flags.items():
        total = cumulative(flag)
        for reach in (3, 8, 20):
            lines.add(f"{name}_above_{reach}", total[lines.index] - total[lines.reach(-reach)])
            lines.add(f"{name}_below_{reach}", total[lines.reach(reach + 1)] - total[lines.reach(1)])
    return sentence


def _segment(lines: FlatLines, table: CharTable, kinds: np.ndarray, sentence: np.ndarray) -> np.ndarray:
    """The run of lines with the largest sum of text worth: first guess of the story.

    In hundredths, so that sums are exact and no page depends on those before it:
    sentences are worth up to 400 by length, other lines -70, list headings -400.
    Returns a mask of the run's lines.
    """
    heading = (kinds & 0b111) > 0
    worth = np.where(sentence, np.minimum(table.length, 400), -70).astype(np.int64)
    worth = np.where(heading, -400, worth)
    # Kadane over flat pages: the running minimum of prefix sums may not look
    # into the page before; a large step down at every page sees to that.
    prefix = np.cumsum(worth)
    step = lines.page * (800 * len(worth) + 100_000)
    base = prefix - worth  # the sum before the line
    lowest = np.minimum.accumulate(base - step)
    gain = prefix - step - lowest
    first_low = lines.last_true(base - step <= lowest)
    n_pages = int(lines.page[-1]) + 1 if len(lines.page) else 0
    best = np.full(n_pages, np.iinfo(np.int64).min)
    np.maximum.at(best, lines.page, gain)
    end_at = np.full(n_pages, -1)
    hit = gain >= best[lines.page] if n_pages else np.zeros(0, bool)
    end_at[lines.page[hit]] = lines.index[hit]
    begin = first_low[np.maximum(end_at, 0)][lines.page] if n_pages else lines.index
    last = end_at[lines.page]
    inside = (lines.index >= begin) & (lines.index <= last) & (best[lines.page] > 0)
    lines.add("in_segment", inside)
    lines.add("from_segment_start", np.clip(lines.index - begin, -FAR, FAR))
    lines.add("from_segment_end", np.clip(lines.index - last, -FAR, FAR))
    lines.add("segment_share", (last - begin + 1) / np.maximum(lines.end - lines.start, 1))
    lines.add("worth_after_segment", lines.page_sum(sentence & (lines.index > last)))
    return np.asarray(inside)


def _state(lines: FlatLines, kinds: np.ndarray, sentence: np.ndarray, segment: np.ndarray, table: CharTable) -> None:
    """What has been seen above and comes below: headings of lists, tags, dates, sentences."""
    two = lines.before(sentence) >= 2
    link, tag, end = ((kinds >> bit) & 1 > 0 for bit in range(3))
    ends = (link | tag | end) & two
    lines.add("story_headings_above", np.minimum(lines.before(ends), 6))
    for name, flag in (
        ("link_heading", link),
        ("tag_heading", tag),
        ("end_mark", end),
        ("story_heading", ends),
        ("sentence", sentence),
    ):
        above, below = lines.distance(flag)
        lines.add(f"since_{name}", above)
        lines.add(f"until_{name}", below)
    lines.add("sentences_since_heading", np.minimum(lines.since(sentence, ends), 30))
    title_like = (table.length >= 25) & (table.length <= 160) & (table.last != class_code("stop")) & ~ends
    lines.add("title_like", title_like)
    date = (table.number_joints[:, :2].sum(axis=1) > 0) & (table.length < 60)
    above, below = lines.distance(date)
    lines.add("since_date", above)
    lines.add("until_date", below)
    above, below = lines.distance(sentence & (table.length >= 2 * LONG))
    lines.add("since_paragraph", above)
    lines.add("until_paragraph", below)
    lines.add("title_likes_between", np.minimum(lines.since(title_like, sentence), 15))


def _vocabulary(lines: FlatLines, table: CharTable, segment: np.ndarray, idf: np.ndarray | None) -> None:
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


def _scores(lines: FlatLines, scores: np.ndarray | None) -> None:
    """The scorer's probabilities, and their means around the line."""
    n, k = len(lines.texts), 8
    p = np.full((n, k), np.nan, dtype=np.float32) if scores is None else scores.astype(np.float32)
    for j in range(k):
        lines.add(f"score_{j}", p[:, j])
    # The scorer may abstain on whole pages: their NaN must not run into the sums of others.
    silent = np.isnan(p[:, :1]).ravel()
    p = np.where(silent[:, None], 0, p)
    article = p[:, 0] + p[:, 1]
    for reach in (2, 6):
        for name, values in (("article", article), ("teaser", p[:, 4])):
            total = cumulative(np.rint(values.astype(np.float64) * _SCORE_STEPS)) / _SCORE_STEPS
            above = (total[lines.index] - total[lines.reach(-reach)]) / reach
            below = (total[lines.reach(reach + 1)] - total[lines.reach(1)]) / reach
            lines.add(f"score_{name}_above_{reach}", np.where(silent, np.nan, above))
            lines.add(f"score_{name}_below_{reach}", np.where(silent, np.nan, below))


_NEIGHBOUR_COLUMNS = ("log_length", "sentence", "last_class", "digit_share", "upper_share", "is_link_headings",
                      "is_ui_words", "names_in_story", "shared_with_story", "repeats",
                      "score_1", "score_4", "score_2", "score_5", "score_7")  # fmt: skip


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
