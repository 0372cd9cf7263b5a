"""Pages in batches, each without the pauses of Python's garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from clfnews.page import Page


@contextmanager
def no_collection() -> Iterator[None]:
    """Without looking for cycles: a batch has tens of thousands of objects and no cycle."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def batches(items: Iterable[Page], size: int) -> Iterator[list[Page]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
