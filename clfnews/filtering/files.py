"""Files of any kind through a filter, one page at a time: what `clfnews tag` and `clfnews filter` do with what they are given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clfnews.errors import BadRecord, UserError
from clfnews.files import is_folder
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.tagged import TaggedPage
from clfnews.page import Page
from clfnews.readers.base import ReadOptions
from clfnews.readers.inputs import read_pages
from clfnews.readers.searching import passed_over
from clfnews.sites.memory import SiteMemory

AUTO = "auto"
"""For `sites`: what is known of them comes from the inputs themselves."""


@dataclass
class TaggedFiles:
    """The tagged pages of files; iterating reads them, in order, and counts what is no page."""

    page_filter: PageFilter
    inputs: Sequence[str]
    options: ReadOptions
    memory: SiteMemory | None = None
    """What is known of the pages' sites; empty if no page says which site it is of."""
    events: bool = False
    """Whether pages get their events, if the filter can give them."""
    warn: Callable[[str], None] = lambda _: None
    """Is told what was read only in part."""
    bad: Callable[[BadRecord], None] = lambda _: None
    """Is given the records that are no pages."""
    errors: int = 0
    """Records that are no pages, so far."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Kind -> responses of web archives that were passed over, so far."""

    def __iter__(self) -> Iterator[TaggedPage]:
        for tagged in self.page_filter.tag(self._pages(), self.memory):
            yield tagged.with_events() if self.events else tagged

    def _pages(self) -> Iterator[Page]:
        options = replace(self.options, hidden=self.page_filter.reads_hidden)
        for record in read_pages(self.inputs, self.warn, options, lambda kind: self.skipped.update([kind])):
            if isinstance(record, BadRecord):
                self.errors += 1
                self.bad(record)
            else:
                yield record

    @property
    def folders_not_read(self) -> int:
        """Folders within the inputs that could not be looked into: nobody knows what is in them."""
        return sum(is_folder(path) for name in self.inputs for path in passed_over(name, self.options))

    def row(self, tagged: TaggedPage, all_lines: bool = True, explain: bool = False) -> dict[str, Any]:
        """The row of a page; with `explain` its kept lines have `why`: what moved their stance, and how much."""
        row = tagged.as_row(all_lines)
        for line in row["lines"] if explain else ():
            if line["keep"]:
                line["why"] = self.page_filter.explain(line["text"])
        return row


def memory_of(sites: str | None, inputs: Sequence[str], options: ReadOptions, page_filter: PageFilter) -> SiteMemory | None:
    """The memory that `sites` names: a file, or `auto`, a first pass over the inputs, whose warnings the second one tells.

    Raises `UserError` if the filter takes none, and for inputs that cannot be read twice.
    """
    if sites is None:
        return None
    page_filter.site_weights()  # a filter that takes none is told before a pass over the inputs
    if sites != AUTO:
        return SiteMemory.load(sites)
    if "-" in inputs or any(Path(name).is_fifo() for name in inputs):
        raise UserError("--sites auto reads the inputs twice, which a pipe does not give: give files, or -o FOLDER")
    options = replace(options, hidden=page_filter.reads_hidden)
    return SiteMemory.fit(record for record in read_pages(inputs, options=options) if isinstance(record, Page))
