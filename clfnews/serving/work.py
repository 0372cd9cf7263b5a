"""What a request asks for: rows to tagged rows, and one page to a tagged page."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from clfnews.errors import BadRecord, UserError
from clfnews.files import valid
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.tagged import TaggedLine, TaggedPage
from clfnews.page import Page
from clfnews.readers.base import ReadOptions, Source, checked, read_row
from clfnews.readers.formats import FORMATS, ONE_PAGE, format_of
from clfnews.readers.html.document import is_html
from clfnews.readers.json_rows import parse_json
from clfnews.record.cells import plain_text
from clfnews.serving.limits import Limits, Refused

_HTML_SECONDS = 10.0
"""How long one document that is made to take long may be parsed."""
_BATCH_ROWS, _BATCH_LINES = 16, 2000
"""What is tagged in one go: between batches the time is looked at."""


class RowOptions(NamedTuple):
    """What is asked for of every row."""

    all_lines: bool = True
    threshold: float | None = None
    events: bool = False


class Shown(NamedTuple):
    """A page that was read: tagged, or why not, and what is to be said of its reading."""

    tagged: TaggedPage | None
    problem: str | None
    notes: tuple[str, ...]
    seconds: float


class Work:
    """Reads and tags within limits; one object serves all threads."""

    def __init__(self, page_filter: PageFilter, limits: Limits) -> None:
        self.page_filter, self.limits = page_filter, limits
        self.options = ReadOptions(
            max_bytes=limits.bytes, seconds=min(_HTML_SECONDS, limits.seconds), hidden=page_filter.reads_hidden
        )
        # The models are not made for many threads at once; reading is.
        self._tagging = threading.Lock()

    def tag_json(self, body: bytes, options: RowOptions, until: float) -> tuple[Any, bool]:
        """The answer to the JSON of one row or a list, and whether it is an error of its only row.

        Parameters: `until`, on the clock of `time.monotonic`; rows that come too late get an error.
        Raises `Refused` for a body that is not JSON or has too many rows.
        """
        try:
            found, _ = parse_json(body.removeprefix(b"\xef\xbb\xbf"))
        except RecursionError as error:
            raise Refused(400, "not JSON that can be read: nested too deep") from error
        except ValueError as error:
            raise Refused(400, valid(f"not JSON: {error}")) from error
        if isinstance(found, list):
            if len(found) > self.limits.rows:
                raise Refused(413, f"more than {self.limits.rows:,} rows in one request; send them in parts")
            return list(self._answers(found, options, until)), False
        [row] = self._answers([found], options, until)
        return row, "error" in row

    def _answers(self, rows: Sequence[Any], options: RowOptions, until: float) -> Iterator[dict[str, Any]]:
        page_filter = self.page_filter.with_threshold(options.threshold)
        for records in _batches(self._read(row, f"row-{number}", until) for number, row in enumerate(rows, 1)):
            with self._turn(until) as granted:
                pages = [record for record in records if isinstance(record, Page)] if granted else []
                tagged = iter(list(page_filter.tag(pages)))
            for record in records:
                if isinstance(record, BadRecord):
                    yield {"id": record.record, "error": valid(record.reason)}
                elif not granted:
                    yield {"id": record.id, "error": self.limits.too_slow}
                else:
                    page = next(tagged)
                    yield (page.with_events() if options.events else page).as_row(options.all_lines)

    def _read(self, row: Any, default_id: str, until: float) -> Page | BadRecord:
        default_id = (plain_text(row.get("id")) if isinstance(row, dict) else None) or default_id
        if time.monotonic() >= until:
            return BadRecord("", default_id, self.limits.too_slow)
        return read_row(row, default_id, self.options)

    def tag_page(self, data: bytes, name: str, until: float) -> Shown:
        """One page of text or HTML, read as the file `name` is by the command line."""
        started = time.monotonic()
        notes: list[str] = []
        format, compression = format_of(name)
        if compression or format not in (*ONE_PAGE, None):
            problem = "one page is text or HTML; tables, archives and packed files are for clfnews filter"
            return Shown(None, f"{valid(name)}: {problem}", (), 0.0)
        source = Source(valid(name), valid(name.rpartition(".")[0] or name))
        if is_html(data.decode("utf-8", errors="replace")):
            format = "html"
        try:
            [record] = FORMATS[format or "text"](io.BytesIO(data), source, self.options, notes.append, None)
            record = checked(record, source.name, notes.append)
        except UserError as error:  # selectolax, which reads HTML, is not installed
            record = BadRecord(source.name, "file", str(error))
        if isinstance(record, BadRecord):
            return Shown(None, f"{record.source}: {record.reason}", tuple(notes), 0.0)
        with self._turn(until) as granted:
            if not granted:
                raise Refused(503, f"{self.limits.too_slow}; try again in a moment")
            [tagged] = self.page_filter.tag([record])
        return Shown(tagged, None, tuple(notes), time.monotonic() - started)

    def why(self, line: TaggedLine) -> list[tuple[str, float]]:
        """What moved the stance of a kept line, strongest first; nothing if the model cannot say."""
        if line.stance is None or self.page_filter.stance_task is None:
            return []
        try:
            return self.page_filter.explain(line.text)
        except UserError:
            return []

    @contextmanager
    def _turn(self, until: float) -> Iterator[bool]:
        """The models for this thread alone; False if they are not free in time."""
        granted = self._tagging.acquire(timeout=max(until - time.monotonic(), 0.0))
        try:
            yield granted and time.monotonic() < until
        finally:
            if granted:
                self._tagging.release()


def _batches(records: Iterable[Page | BadRecord]) -> Iterator[list[Page | BadRecord]]:
    batch: list[Page | BadRecord] = []
    lines = 0
    for record in records:
        batch.append(record)
        lines += len(record.lines) if isinstance(record, Page) else 0
        if len(batch) >= _BATCH_ROWS or lines >= _BATCH_LINES:
            yield batch
            batch, lines = [], 0
    if batch:
        yield batch
