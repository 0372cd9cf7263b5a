"""Features of a line from the page's markup: its boxes, runs of equal boxes, headings, repeats.

Each box (`tree.Tree`) is a run of lines, so sums over boxes are differences
of cumulative sums, for many pages at once. No word list is used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from clfnews.models.features.characters import CharTable, class_code
from clfnews.models.features.tree import NO_CUES, Tree
from clfnews.page import Cues, Page

UP = (0, 1, 2, 3, 5)
"""Boxes that are described: that of the line, and so many around it."""
_REGIONS = ("main", "article", "nav", "header", "footer", "aside", "form")
_HINTS = ("content", "title", "meta", "caption", "related", "navigation", "comment", "share", "ad", "form", "side", "footer")
_TAGS = ("p", "h1", "h2", "h3", "h4", "li", "div", "td", "button", "pre", "section")
_TAG_CODE, _REGION_CODE, _HINT_CODE = ({name: i for i, name in enumerate(names)} for names in (_TAGS, _REGIONS, _HINTS))
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_FAR = 60


@dataclass
class _Columns:
    names: list[str] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)

    def add(self, name: str, column: np.ndarray) -> None:
        self.names.append(name)
        self.values.append(np.asarray(column, dtype=np.float32))


def markup_features(pages: Sequence[Page], table: CharTable, tree: Tree) -> tuple[np.ndarray, tuple[str, ...]]:
    """Lines x features (float32; NaN for lines without cues), and their names.

    Parameters: `lines.page_table` and `tree_of` of the same pages.
    """
    sizes = np.array([len(page.lines) for page in pages], dtype=np.int64)
    page = np.repeat(np.arange(len(pages)), sizes)
    end = np.cumsum(sizes)
    start = end - sizes
    cues = [line.cues or NO_CUES for p in pages for line in p.lines]
    out = _Columns()
    facts = _Facts(pages, table, cues, page, start, end)
    _own(out, facts, cues)
    _boxes(out, facts, tree)
    _cards(out, facts, tree)
    _main(out, facts, tree)
    _paths(out, facts, tree)
    _headings(out, facts)
    _page(out, facts)
    matrix = np.stack(out.values).T
    matrix[np.array([not cue.path for cue in cues], dtype=bool)] = np.nan
    return matrix, tuple(out.names)


class _Facts:
    """What is summed over boxes, and how."""

    def __init__(
        self, pages: Sequence[Page], table: CharTable, cues: Sequence[Cues], page: np.ndarray, start: np.ndarray, end: np.ndarray
    ) -> None:
        n = len(cues)
        self.page, self.index = page, np.arange(n)
        self.start: np.ndarray
        self.end: np.ndarray
        self.start, self.end = (start[page], end[page]) if n else (page, page)
        self.n_pages = len(pages)
        self.texts = [line.text for p in pages for line in p.lines]
        self.chars = np.maximum(table.length, 1).astype(np.float64)
        self.words = table.counts[:, class_code("space")] + 1.0
        self.density = np.array([cue.link_density for cue in cues])
        # Whole numbers, so that sums are exact and no page depends on those before it.
        self.links = np.rint(self.chars * self.density)
        stop = (table.last == class_code("stop")) | (table.last == class_code("quote")) | (table.last == class_code("colon"))
        self.sentence = ((table.length >= 60) & stop).astype(np.float64)
        self.prose = np.rint(self.sentence * self.chars * (1 - self.density))
        self.digits = table.counts[:, class_code("digit")].astype(np.float64)
        self.hidden = np.array([cue.hidden for cue in cues], dtype=np.float64)
        self.heading = np.array([_HEADINGS.get(cue.tag, 0) for cue in cues])
        self.tag = np.array([_TAG_CODE.get(cue.tag, -1) for cue in cues])
        self.region = np.array([_REGION_CODE.get(cue.region, -1) for cue in cues])
        self.hint = np.array([_HINT_CODE.get(cue.hint, -1) for cue in cues])
        self.sums = {
            name: np.concatenate(([0.0], np.cumsum(values)))
            for name, values in (
                ("lines", np.ones(n)), ("chars", self.chars), ("links", self.links), ("sentences", self.sentence),
                ("prose", self.prose), ("hidden", self.hidden), ("heads", (self.heading > 0) * 1.0), ("digits", self.digits),
                ("linked", (self.density > 0.5) * 1.0),
            )
        }  # fmt: skip

    def over(self, name: str, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Sum over lines `first` to before `last`."""
        total: np.ndarray = self.sums[name]
        return np.asarray(total[last] - total[first])

    def page_sum(self, name: str) -> np.ndarray:
        return self.over(name, self.start, self.end)


def _own(out: _Columns, facts: _Facts, cues: Sequence[Cues]) -> None:
    """The line's own cues, and which copy of its text on the page it is."""
    out.add("hidden", facts.hidden)
    out.add("boxes_around", np.array([cue.path.count("/") for cue in cues]))
    out.add("shared_boxes", np.array([cue.shared for cue in cues]))
    out.add("in_main", facts.region == _REGIONS.index("main"))
    # The same text twice: one for small screens, one for large ones.
    seen: dict[tuple[int, str], int] = {}
    rank = np.zeros(len(facts.texts))
    for i, key in enumerate(zip(facts.page.tolist(), facts.texts, strict=True)):
        rank[i] = seen[key] = seen.get(key, -1) + 1
    out.add("copies_above", np.minimum(rank, 20))


def _describe(out: _Columns, name: str, facts: _Facts, first: np.ndarray, last: np.ndarray) -> None:
    """Size and make-up of a run of lines, and where in it the line is."""
    lines, chars = facts.over("lines", first, last), np.maximum(facts.over("chars", first, last), 1)
    out.add(f"{name}_lines", np.log1p(lines))
    out.add(f"{name}_chars", np.log1p(chars))
    out.add(f"{name}_share", chars / np.maximum(facts.page_sum("chars"), 1))
    out.add(f"{name}_links", facts.over("links", first, last) / chars)
    out.add(f"{name}_prose", facts.over("prose", first, last) / chars)


def _boxes(out: _Columns, facts: _Facts, tree: Tree) -> None:
    """The boxes around the line, and their siblings."""
    children = np.bincount(tree.parent, minlength=len(tree.parent))
    key = tree.parent * (tree.step.max(initial=0) + 1) + tree.step
    _, group, sizes = np.unique(key, return_inverse=True, return_counts=True)
    alike = np.where(tree.depth > 1, sizes[group], 1)  # the pages of a batch are no siblings
    box = tree.box
    for up in range(max(UP) + 1):
        if up:
            box = np.where(tree.depth[box] > 1, tree.parent[box], box)
        if up not in UP:
            continue
        name = f"up{up}"
        _describe(out, name, facts, tree.first[box], tree.last[box])
        if up in (0, 3):
            out.add(f"{name}_like", np.log1p(alike[box]))
        if up in (3, 5):
            out.add(f"{name}_children", np.log1p(children[box]))
            out.add(f"{name}_heads", np.log1p(facts.over("heads", tree.first[box], tree.last[box])))


def _cards(out: _Columns, facts: _Facts, tree: Tree) -> None:
    """The most repeated box around the line: a card of a listing, a post of a thread, an item of a menu."""
    key = tree.parent * (tree.step.max(initial=0) + 1) + tree.step
    _, group, sizes = np.unique(key, return_inverse=True, return_counts=True)
    # Only boxes with several lines or much text are cards; items of plain lists count apart.
    lines = tree.last - tree.first
    big = (lines >= 2).astype(np.int64)
    repeated = np.where(tree.depth > 1, sizes[group] * big, 0)
    best, best_at = np.zeros(len(tree.parent), dtype=np.int64), np.zeros(len(tree.parent), dtype=np.int64)
    for depth in range(1, int(tree.depth.max(initial=0)) + 1):  # boxes follow their parents in depth
        at = np.flatnonzero(tree.depth == depth)
        inherited = best[tree.parent[at]]
        better = repeated[at] > np.maximum(inherited, 1)
        best[at] = np.where(better, repeated[at], inherited)
        best_at[at] = np.where(better, at, best_at[tree.parent[at]])
    card = best_at[tree.box]
    is_card = card > 0
    first, last = np.where(is_card, tree.first[card], facts.index), np.where(is_card, tree.last[card], facts.index + 1)
    out.add("card_count", np.log1p(best[tree.box]))
    _describe(out, "card", facts, first, last)
    # All cards alike: their sum, and the number of the line's card among them.
    n_groups = len(sizes)
    all_chars = np.bincount(group, facts.over("chars", tree.first, tree.last), minlength=n_groups)
    all_links = np.bincount(group, facts.over("links", tree.first, tree.last), minlength=n_groups)
    all_prose = np.bincount(group, facts.over("prose", tree.first, tree.last), minlength=n_groups)
    g = group[card]
    page_chars = np.maximum(facts.page_sum("chars"), 1)
    out.add("cards_share", np.where(is_card, all_chars[g] / page_chars, 0))
    out.add("cards_links", np.where(is_card, all_links[g] / np.maximum(all_chars[g], 1), 0))
    out.add("cards_prose", np.where(is_card, all_prose[g] / np.maximum(all_chars[g], 1), 0))
    out.add("cards_mean", np.where(is_card, np.log1p(all_chars[g] / sizes[g]), 0))
    order = np.argsort(group, kind="stable")
    rank = np.empty(len(group), dtype=np.int64)
    firsts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    rank[order] = np.arange(len(group)) - firsts[group[order]]
    out.add("card_rank", np.where(is_card, np.minimum(rank[card], 200), -1))


def _main(out: _Columns, facts: _Facts, tree: Tree) -> None:
    """The box that holds most of the page's running text: whether the line is in it, and how far from it."""
    for name, measure, share in (("main", "prose", 0.5), ("most", "prose", 0.8), ("half", "chars", 0.5)):
        top = _main_boxes(facts, tree, measure, share)[facts.page] if facts.n_pages else np.zeros(0, dtype=np.int64)
        first, last = tree.first[top], tree.last[top]
        inside = (facts.index >= first) & (facts.index < last)
        out.add(f"{name}_inside", inside)
        out.add(f"{name}_from", np.clip(facts.index - first, -3 * _FAR, 3 * _FAR))
        out.add(f"{name}_until", np.clip(last - facts.index, -3 * _FAR, 3 * _FAR))
        chars = np.maximum(facts.over("chars", first, last), 1)
        out.add(f"{name}_share", chars / np.maximum(facts.page_sum("chars"), 1))
        out.add(f"{name}_links", facts.over("links", first, last) / chars)
        out.add(f"{name}_lines", np.log1p(last - first))
        # Depth of the innermost box around both.
        common = tree.depth[top]
        box = top.copy()
        for _ in range(int(tree.depth.max(initial=0))):
            apart = ~((facts.index >= tree.first[box]) & (facts.index < tree.last[box])) & (tree.depth[box] > 1)
            if not apart.any():
                break
            box = np.where(apart, tree.parent[box], box)
        common = tree.depth[box]
        out.add(f"{name}_up", tree.depth[top] - common)
        out.add(f"{name}_down", tree.depth[tree.box] - common)


def _main_boxes(facts: _Facts, tree: Tree, measure: str, share: float) -> np.ndarray:
    """Pages: the innermost box that holds more than a share of the page's text."""
    amount = facts.over(measure, tree.first, tree.last)
    pages = np.flatnonzero(tree.depth == 1)
    page_of = np.searchsorted(pages, np.arange(len(tree.parent)), side="right") - 1
    total = np.concatenate((amount[pages], [0.0]))
    holds = (amount > share * total[page_of]) & (page_of >= 0)
    holds[pages] = True
    # Such boxes are nested, so the deepest is one a page.
    best = np.zeros(len(pages), dtype=np.int64)
    score = np.where(holds, tree.depth, 0)
    order = np.lexsort((score, page_of))
    best[page_of[order]] = order  # the last written is the deepest
    return best


def _paths(out: _Columns, facts: _Facts, tree: Tree) -> None:
    """Lines of the page with the very same path, and with the same innermost box but for its place."""
    n = len(facts.page)
    for name, code in (("path", tree.leaf), ("step", tree.step[tree.box])):
        _, group = np.unique(facts.page * (code.max(initial=0) + 1) + code, return_inverse=True)
        size = max(int(group.max(initial=-1)) + 1, 1)
        count = np.bincount(group, minlength=size)
        chars = np.bincount(group, facts.chars, minlength=size)
        out.add(f"{name}_count", np.log1p(count[group]) if n else group)
        out.add(f"{name}_mean", np.log1p((chars / np.maximum(count, 1))[group]) if n else group)
        out.add(f"{name}_share", chars[group] / np.maximum(facts.page_sum("chars"), 1) if n else group)
        for part, values in (("links", facts.links), ("prose", facts.prose)):
            out.add(f"{name}_{part}", (np.bincount(group, values, minlength=size) / np.maximum(chars, 1))[group] if n else group)
        at = np.bincount(group, facts.index - facts.start, minlength=size) / np.maximum(count, 1)
        out.add(f"{name}_at", at[group] / np.maximum(facts.end - facts.start, 1) if n else group)


def _headings(out: _Columns, facts: _Facts) -> None:
    """The heading above the line, and the page's first headings."""
    n = len(facts.page)
    for name, flag in (("head", facts.heading > 0), ("h1", facts.heading == 1), ("h2", facts.heading == 2)):
        last = np.maximum.accumulate(np.where(flag, facts.index, -1)) if n else facts.index
        known = last >= facts.start
        out.add(f"since_{name}", np.where(known, np.minimum(facts.index - last, _FAR), _FAR + 1))
        nxt = np.minimum.accumulate(np.where(flag, facts.index, n)[::-1])[::-1] if n else facts.index
        out.add(f"until_{name}", np.where(nxt < facts.end, np.minimum(nxt - facts.index, _FAR), _FAR + 1))


def _page(out: _Columns, facts: _Facts) -> None:
    """What kind of page it is: amounts of text, links, headings, tables, code, lists and hidden lines."""
    chars, lines = np.maximum(facts.page_sum("chars"), 1), np.maximum(facts.end - facts.start, 1)
    out.add("page_chars", np.log1p(chars))
    out.add("page_mean", np.log1p(chars / lines))
    for name in ("links", "prose", "digits"):
        out.add(f"page_{name}", facts.page_sum(name) / chars)
    out.add("page_hidden", facts.page_sum("hidden") / lines)
    out.add("page_linked", facts.page_sum("linked") / lines)
    out.add("page_heads", np.log1p(facts.page_sum("heads")))
    for kind, names, codes in (("tag", _TAGS, facts.tag), ("region", _REGIONS, facts.region), ("hint", _HINTS, facts.hint)):
        for i, name in enumerate(names):
            total = np.bincount(facts.page[codes == i], facts.chars[codes == i], minlength=facts.n_pages)
            out.add(f"page_{kind}_{name}", total[facts.page] / chars if len(chars) else chars)
