"""The boxes around the lines of pages (`Cues.path`, `Cues.shared`): the pages' trees without what shows no text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clfnews.page import Cues, Page

NO_CUES = Cues("", 0.0, "", 0)


@dataclass
class Tree:
    """The boxes of many pages; N lines, B boxes. Box 0 holds everything."""

    parent: np.ndarray
    """B: the box around each box."""
    first: np.ndarray
    """B: its first line."""
    last: np.ndarray
    """B: the line after its last."""
    depth: np.ndarray
    """B: boxes around it; pages are at 1."""
    step: np.ndarray
    """B: number of its tag and names (`Cues.path`)."""
    box: np.ndarray
    """N: innermost box of each line."""
    leaf: np.ndarray
    """N: number of its whole path, per page."""


def tree_of(pages: Sequence[Page]) -> Tree:
    """The boxes of pages, from the cues of their lines; a line without cues lies in its page's box."""
    parent, first, last, depth, step = [0], [0], [0], [0], [0]
    box, leaf = [], []
    steps: dict[str, int] = {}
    n = 0
    for page in pages:
        stack = [len(parent)]
        parent.append(0)
        first.append(n)
        last.append(n)
        depth.append(1)
        step.append(0)
        leaves: dict[str, int] = {}
        before = None
        number = -1
        for line in page.lines:
            cues = line.cues or NO_CUES
            path, shared, around = cues.path, cues.shared, len(stack) - 1
            if path is not before or shared < around:
                names = path.split("/")
                if names[-1][:1] == "~":
                    names.pop()
                keep = min(shared, around, len(names) - 1)
                for gone in stack[keep + 1 :]:
                    last[gone] = n
                del stack[keep + 1 :]
                if new := len(names) - 1 - keep:
                    at = len(first)
                    parent.append(stack[-1])
                    parent.extend(range(at, at + new - 1))
                    depth.extend(range(keep + 2, keep + 2 + new))
                    step.extend([steps.setdefault(name, len(steps) + 1) for name in names[keep + 1 :]])
                    first.extend([n] * new)
                    last.extend([n] * new)
                    stack.extend(range(at, at + new))
                before, number = path, leaves.setdefault(path, len(leaves))
            box.append(stack[-1])
            leaf.append(number)
            n += 1
        for gone in stack:
            last[gone] = n
    last[0] = n
    return Tree(*(np.array(column, dtype=np.int64) for column in (parent, first, last, depth, step, box, leaf)))
