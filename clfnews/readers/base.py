"""What all readers share: options, limits, and a row that becomes a `Page`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from clfnews.errors import BadRecord, UserError, nearest
from clfnews.page import MAX_LINE_CHARS, Page
from clfnews.readers.html.blocks import MAX_LINES
from clfnews.readers.html.document import MAX_SECONDS, is_html, read_html
from clfnews.record.cells import FACTS, facts_of_row, plain_text

MAX_RECORD_BYTES = 32 * 1024 * 1024
"""A text file or row larger than this is not one page; it becomes a `BadRecord`."""
MAX_PAGE_CHARS = 4_000_000
"""A page with more text than this is not tagged: what a model needs grows with the page."""
ROLES = ("text", "html", "lines", "id", *FACTS, "author")
"""What a column can be to a page."""
KNOWN = ("id", *FACTS)
"""The roles of what is known of a page; a column with the name of its role goes out under that name."""
CONTENT = ("lines", "text", "html")
"""The roles one of which a page needs; the first that has a value counts."""

Records = Iterator[Page | BadRecord]
Warn = Callable[[str], None]


def silent(message: str) -> None:
    """The default for `warn`."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How inputs are read.

    `format`: one of `inputs.FORMATS` for all inputs, else by the file's name.
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
    def content(self) -> tuple[str, ...]:
        """Roles that a page is made of: those that the user named a column for, else all of `CONTENT`."""
        return tuple(role for role in CONTENT if role in self.columns) or CONTENT

    @property
    def too_large(self) -> str:
        """The reason of a record beyond `max_bytes`."""
        return f"is larger than {self.max_bytes / 2**20:g} MiB"


class Source(NamedTuple):
    """Where records come from: `name` for messages, `stem` for the ids of pages without one."""

    name: str
    stem: str
    skip: Callable[[str], None] = silent
    """Told the reason of every record that is no page and no error, such as an image in a web archive."""


class FilePart(NamedTuple):
    """A piece of a large file: bytes (JSONL) or row groups (Parquet) from `start` to before `end`."""

    start: int
    end: int
    first: int
    """Rows before it."""
    in_bytes: bool = True


def parse_columns(items: Iterable[str], roles: tuple[str, ...] = ROLES) -> dict[str, str]:
    """`text=body` as a dict; raises `UserError` for anything else."""
    columns = {}
    for item in items:
        role, equals, name = item.partition("=")
        if not equals or not name:
            raise UserError(f"--column {item}: expected ROLE=NAME, such as text=body")
        if role not in roles:
            raise UserError(f"--column {item}: unknown role {role!r}{nearest(role, roles)}")
        columns[role] = name
    return columns


def missing_content(names: Iterable[str], options: ReadOptions, what: str = "column", hint: bool = True) -> str | None:
    """Why a table (`what`: column) or a row (key) has no page: nothing in it has the name of one.

    With `hint`, the option of the command line that names a column is told too.
    """
    names = list(names)
    if any(options.column(role) in names for role in options.content):
        return None
    # Nobody names a column of lines by chance.
    wanted = [options.column(role) for role in options.content if role != "lines" or role in options.columns]
    shown = ", ".join(str(name)[:40] for name in names[:12])[:200] + ", ..." * (len(names) > 12)
    option = "; name it: --column text=NAME or --column html=NAME" * hint
    return f"has no {what} {' or '.join(map(repr, wanted))} ({what}s: {shown or 'none'}){option}"


def page_of_row(row: Mapping[str, Any], default_id: str, options: ReadOptions, note: Warn = silent) -> Page:
    """The page of a row with `lines`, `text` or `html`; raises `ValueError` if it is not one.

    A `text` that is HTML is read as HTML, and `note` told.
    """
    problem = missing_content(row, options, "key")
    if problem:
        raise ValueError(problem)
    own = own_fields(row, options)
    if options.columns:
        row = {role: row.get(options.column(role)) for role in ROLES if role not in CONTENT or role in options.content}
        if all(row.get(role) is None for role in CONTENT):
            raise ValueError(f"has no value for {' or '.join(repr(options.column(role)) for role in options.content)}")
    if row.get("lines") is None:
        row = {**row, "text": _content(row.get("text"), options.column("text"), note), "html": _content(row.get("html"))}
        text = row["text"]
        if is_blank(text) and row["html"] is not None and not is_blank(row["html"]):
            text = None
        if isinstance(text, str) and is_html(text):
            note(f"{options.column('text')!r} is HTML and is read as such (said once a file)")
            row, text = {**row, "html": text}, None
        if text is None and row.get("html") is not None:
            return replace(html_page(row, default_id, options), own=own)
    for key, count in (("text", lambda text: max(text.count("\n"), text.count("\r"))), ("lines", len)):
        value = row.get(key)
        if isinstance(value, str if key == "text" else list) and count(value) > MAX_LINES:
            raise ValueError(f"has more than {MAX_LINES:,} lines")
    return replace(Page.from_row(row, default_id), own=own)


def is_blank(value: Any) -> bool:
    """Whether a text is empty or of white space alone."""
    return isinstance(value, str | bytes) and (not value or value.isspace())


def own_fields(row: Mapping[str, Any], options: ReadOptions) -> dict[str, Any]:
    """What a row has beside the page: all but the texts it is made of, and what stands under the name of its role."""
    known = {options.column(role) for role in CONTENT} | {role for role in KNOWN if options.column(role) == role}
    return {key: value for key, value in row.items() if key not in known}


def _content(value: Any, name: str = "", note: Warn = silent) -> Any:
    """Text or HTML of a cell: a missing number is no value; bytes of text are decoded, those of HTML tell their encoding."""
    if isinstance(value, float) and value != value:
        return None
    if not name or not isinstance(value, bytes):
        return value
    text = value.decode("utf-8", errors="replace")
    if "\ufffd" in text:
        note(f"{name!r} is not valid UTF-8; its bad bytes were replaced (said once a file)")
    return text


def read_row(row: Any, default_id: str, options: ReadOptions, note: Warn = silent) -> Page | BadRecord:
    """The page of a row that came by itself, over the network or from a table in memory, or why it is none; it has no source.

    Read as a row of a JSON file is, with the same limits.
    """
    if not isinstance(row, Mapping):
        return BadRecord("", default_id, "not a JSON object")
    problem = missing_content(row, options, "key", hint=False)
    if problem:
        return BadRecord("", default_id, problem)
    try:
        for role in ("text", "html"):
            value = row.get(options.column(role))
            if isinstance(value, str) and (len(value) > options.max_bytes or _bytes(value) > options.max_bytes):
                raise ValueError(options.too_large)
        page = checked(page_of_row(row, default_id, options, note), "", note)
    except (ValueError, UserError) as error:  # UserError: selectolax, which reads HTML, is not installed
        return BadRecord("", default_id, str(error))
    return page if isinstance(page, BadRecord) else replace(page, source=None)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def html_page(row: Mapping[str, Any], default_id: str, options: ReadOptions) -> Page:
    """The page of a row with `html`; what the row says of the page comes first."""
    if not isinstance(row["html"], str | bytes):
        raise ValueError(f"'html' is not a string: {row['html']!r:.80}")
    own = facts_of_row(row)
    page_id = plain_text(row.get("id")) or default_id
    page = read_html(row["html"], page_id, url=own.get("url"), seconds=options.seconds, hidden=options.hidden).page
    return replace(page, **own, guessed=page.guessed - own.keys())


def checked(record: Page | BadRecord, source: str, warn: Warn) -> Page | BadRecord:
    """The record with its source, or why its page is too large to be tagged; warns of lines that were cut."""
    if isinstance(record, BadRecord):
        return record
    if len(record.lines) > MAX_LINES:
        return BadRecord(source, record.id, f"has more than {MAX_LINES:,} lines")
    lengths = [len(line.text) for line in record.lines]
    if sum(lengths) > MAX_PAGE_CHARS:
        return BadRecord(source, record.id, f"has more than {MAX_PAGE_CHARS:,} characters")
    if max(lengths, default=0) >= MAX_LINE_CHARS - 1:  # a space at the end of what is left goes too
        warn(f"{source}: {record.id}: a line of more than {MAX_LINE_CHARS:,} characters is cut off there")
    return replace(record, source=source)
