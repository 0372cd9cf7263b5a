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
        for column, value in ((parent, 0), (first, n), (last, n), (depth, 1), (step, 0)):
            column.append(value)
        leaves: dict[str, int] = {}
        before = None
        for line in page.lines:
            cues = line.cues or NO_CUES
            path = cues.path
            if path is not before or cues.shared < len(stack) - 1:
                names = path.split("/")[1:]
                if names and names[-1][:1] == "~":
                    names.pop()
                keep = min(cues.shared, len(stack) - 1, len(names)) + 1
                for gone in stack[keep:]:
                    last[gone] = n
                del stack[keep:]
                for name in names[keep - 1 :]:
                    parent.append(stack[-1])
                    stack.append(len(first))
                    first.append(n)
                    last.append(n)
                    depth.append(len(stack))
                    step.append(steps.setdefault(name, len(steps) + 1))
                before = path
            box.append(stack[-1])
            leaf.append(leaves.setdefault(path, len(leaves)))
            n += 1
        for gone in stack:
            last[gone] = n
    last[0] = n
    return Tree(*(np.array(column, dtype=np.int64) for column in (parent, first, last, depth, step, box, leaf)))
