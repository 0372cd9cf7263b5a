"""Pages from web archives: WARC (HTML responses) and WET (extracted text)."""

from __future__ import annotations

from typing import BinaryIO

from clfnews.errors import BadRecord
from clfnews.page import Page
from clfnews.readers.base import FilePart, ReadOptions, Records, Source, Warn
from clfnews.readers.html.blocks import MAX_LINES
from clfnews.readers.html.document import read_html
from clfnews.readers.responses import OTHER_TYPES, charset_of, general_type, html_of, is_html_type
from clfnews.readers.warc_records import WarcRecord, warc_records

_KINDS = {*OTHER_TYPES, "other type", "redirect", "error", "request", "metadata", "revisit", "continuation"}
"""What a record that is passed over can be called."""


def read_warc(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: FilePart | None = None) -> Records:
    """The pages of an archive, WARC or WET.

    Those are successful HTML `response` records, `resource` records of HTML or
    text, and `conversion` records. All others but `warcinfo` are told to
    `source.skip` by what they are.
    """
    for record in warc_records(file, options):
        kind = record.headers.get("warc-type", "").lower()
        try:
            if record.problem:
                raise ValueError(record.problem)
            page = _READERS[kind](record, _name(record, source), options) if kind in _READERS else kind or "other record"
        except ValueError as error:
            yield BadRecord(source.name, _name(record, source), str(error))
            continue
        if isinstance(page, Page):
            yield page
        elif page != "warcinfo":
            source.skip(page if page in _KINDS else "other record")


def _response(record: WarcRecord, name: str, options: ReadOptions) -> Page | str:
    response = html_of(record.body, options)
    if isinstance(response, str):
        return response
    html, charset = response
    url, hidden = _url(record), options.hidden
    return read_html(html, name, url=url, charset=charset, seconds=options.seconds, hidden=hidden).page


def _resource(record: WarcRecord, name: str, options: ReadOptions) -> Page | str:
    kind = record.headers.get("content-type", "")
    if is_html_type(kind, record.body):
        url, charset = _url(record), charset_of(kind)
        return read_html(record.body, name, url=url, charset=charset, seconds=options.seconds, hidden=options.hidden).page
    return _conversion(record, name, options) if kind.lower().startswith("text/plain") else general_type(kind)


def _conversion(record: WarcRecord, name: str, options: ReadOptions) -> Page | str:
    text = record.body.decode("utf-8-sig", errors="replace")
    if text.count("\n") > MAX_LINES:
        raise ValueError(f"has more than {MAX_LINES:,} lines")
    return Page.from_text(text, name, url=_url(record))


_READERS = {"response": _response, "resource": _resource, "conversion": _conversion}


def _url(record: WarcRecord) -> str | None:
    """The address of a record: wget writes it in angle brackets, browsertrix with the kind of a view before it."""
    url = record.headers.get("warc-target-uri", "").strip("<> ")
    if url.lower().startswith("urn:"):
        at = url.lower().find("http")
        return url[at:] if at >= 0 else None
    return url or None


def _name(record: WarcRecord, source: Source) -> str:
    name = record.headers.get("warc-record-id", "").strip("<>").removeprefix("urn:uuid:")
    return name[:200] or f"{source.stem}-{record.number}"
