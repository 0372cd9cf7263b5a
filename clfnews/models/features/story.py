"""Where on its page a line is, and where the story is: position, densities, the first guess of the run of its lines."""

from __future__ import annotations

import numpy as np

from clfnews.models.features.characters import CharTable, class_code
from clfnews.models.features.flat import FAR, FlatLines, cumulative

LONG = 60
"""Characters from which a line that ends like a sentence counts as running text."""


def add_place(lines: FlatLines, table: CharTable) -> np.ndarray:
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


def add_segment(lines: FlatLines, table: CharTable, kinds: np.ndarray, sentence: np.ndarray) -> np.ndarray:
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
    lines.add("lines_before_segment", np.log1p(np.maximum(begin - lines.start, 0)))
    lines.add("lines_after_segment", np.log1p(np.maximum(lines.end - 1 - last, 0)))
    lines.add("in_segment", inside)
    lines.add("from_segment_start", np.clip(lines.index - begin, -FAR, FAR))
    lines.add("from_segment_end", np.clip(lines.index - last, -FAR, FAR))
    lines.add("segment_share", (last - begin + 1) / np.maximum(lines.end - lines.start, 1))
    lines.add("worth_after_segment", lines.page_sum(sentence & (lines.index > last)))
    return np.asarray(inside)


def add_state(lines: FlatLines, kinds: np.ndarray, sentence: np.ndarray, segment: np.ndarray, table: CharTable) -> None:
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
