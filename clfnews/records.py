"""What all readers share: options, limits, and a row that becomes a `Page`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from clfnews.errors import BadRecord, UserError, nearest
from clfnews.html import MAX_LINES, MAX_SECONDS, read_html
from clfnews.page import Page

MAX_RECORD_BYTES = 32 * 1024 * 1024
"""A text file or row larger than this is not one page; it becomes a `BadRecord`."""
MAX_PAGE_CHARS = 4_000_000
"""A page with more text than this is not tagged: what a model needs grows with the page."""
ROLES = ("text", "html", "lines", "id", "url", "site", "date")
"""What a column can be to a page."""

Records = Iterator[Page | BadRecord]
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How inputs are read.

    `format`: one of `readers.FORMATS` for all inputs, else by the file's name.
    `columns`: role (`ROLES`) -> name of the column or key that has it.
    `max_bytes` of a record; `seconds` that one page may take; `hidden`: lines of
    hidden boxes of HTML too, for models that learnt with them.
    """

    format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = MAX_RECORD_BYTES
    seconds: float = MAX_SECONDS
    hidden: bool = False

    def column(self, role: str) -> str:
        """The name under which a role is looked up."""
        return self.columns.get(role, role)

    @property
    def too_large(self) -> str:
        """The reason of a record beyond `max_bytes`."""
        return f"is larger than {self.max_bytes / 2**20:g} MiB"


class Source(NamedTuple):
    """Where records come from: `name` for messages, `stem` for the ids of pages without one."""

    name: str
    stem: str


class Part(NamedTuple):
    """A piece of a large file: bytes (JSONL) or row groups (Parquet) from `start` to before `end`."""

    start: int
    end: int
    first: int
    """Rows before it."""
    in_bytes: bool = True


def parse_columns(items: Iterable[str]) -> dict[str, str]:
    """`text=body` as a dict; raises `UserError` for anything else."""
    columns = {}
    for item in items:
        role, equals, name = item.partition("=")
        if not equals or not name:
            raise UserError(f"--column {item}: expected ROLE=NAME, such as text=body")
        if role not in ROLES:
            raise UserError(f"--column {item}: unknown role {role!r}{nearest(role, ROLES)}")
        columns[role] = name
    return columns


def page_of_row(row: Mapping[str, Any], default_id: str, options: ReadOptions) -> Page:
    """The page of a row with `lines`, `text` or `html`; raises `ValueError` if it is not one."""
    if options.columns:
        row = {role: row.get(options.column(role)) for role in ROLES}
    if row.get("lines") is None and row.get("text") is None and row.get("html") is not None:
        return html_page(row, default_id, options)
    for key, count in (("text", lambda text: max(text.count("\n"), text.count("\r"))), ("lines", len)):
        value = row.get(key)
        if isinstance(value, str if key == "text" else list) and count(value) > MAX_LINES:
            raise ValueError(f"has more than {MAX_LINES:,} lines")
    return Page.from_row(row, default_id)


def html_page(row: Mapping[str, Any], default_id: str, options: ReadOptions) -> Page:
    """The page of a row with `html`; what the row says of url, site and date comes first."""
    if not isinstance(row["html"], str | bytes):
        raise ValueError(f"'html' is not a string: {row['html']!r:.80}")
    meta = {key: row.get(key) for key in ("id", "url", "site", "date")}
    known = Page.from_row(meta | {"lines": []}, default_id)
    read = read_html(row["html"], known.id, url=known.url, seconds=options.seconds, hidden=options.hidden).page
    return Page(known.id, read.lines, known.url or read.url, known.site or read.site, known.date or read.date)


def checked(record: Page | BadRecord, source: str) -> Page | BadRecord:
    """The record with its source, or why its page is too large to be tagged."""
    if isinstance(record, BadRecord):
        return record
    if len(record.lines) > MAX_LINES:
        return BadRecord(source, record.id, f"has more than {MAX_LINES:,} lines")
    if sum(len(line.text) for line in record.lines) > MAX_PAGE_CHARS:
        return BadRecord(source, record.id, f"has more than {MAX_PAGE_CHARS:,} characters")
    return replace(record, source=source)
