"""Files that are one page: extracted text, and HTML."""

from __future__ import annotations

from typing import BinaryIO

from clfnews.errors import BadRecord
from clfnews.page import Page
from clfnews.readers.base import FilePart, ReadOptions, Records, Source, Warn
from clfnews.readers.html.blocks import MAX_LINES
from clfnews.readers.html.document import is_html, read_html
from clfnews.readers.streams import is_utf16


def read_text_page(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: FilePart | None = None) -> Records:
    """The whole file as one page of text; one that is HTML is read as HTML unless the format was named."""
    data = file.read(options.max_bytes + 1)
    if not data.strip():
        yield BadRecord(source.name, "file", "is empty")
    elif len(data) > options.max_bytes:
        yield BadRecord(source.name, "file", f"{options.too_large}; one text file is one page")
    elif is_utf16(data):
        yield Page.from_text(data.decode("utf-16", errors="replace"), source.stem)
    # Text has no NUL bytes; PNG, PDF, zip and compiled files have some early on.
    elif b"\0" in data[:8192] or data[:5] == b"%PDF-":
        yield BadRecord(source.name, "file", "is a binary file, not text")
    else:
        text = data.decode("utf-8-sig", errors="replace")
        if options.format != "text" and is_html(text):
            warn(f"{source.name}: is HTML and is read as such (as text: --input-format text)")
            yield _page_of_html(data, source, options, warn)
        elif max(data.count(b"\n"), data.count(b"\r")) > MAX_LINES:
            yield BadRecord(source.name, "file", f"has more than {MAX_LINES:,} lines; one text file is one page")
        else:
            if "\ufffd" in text:
                warn(f"{source.name}: not valid UTF-8; {text.count(chr(0xFFFD))} bad bytes were replaced")
            yield Page.from_text(text, source.stem)


def read_html_page(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: FilePart | None = None) -> Records:
    """The whole file as one page of HTML."""
    data = file.read(options.max_bytes + 1)
    if not data.strip():
        yield BadRecord(source.name, "file", "is empty")
    elif len(data) > options.max_bytes:
        yield BadRecord(source.name, "file", f"{options.too_large}; one HTML file is one page")
    else:
        yield _page_of_html(data, source, options, warn)


def _page_of_html(data: bytes, source: Source, options: ReadOptions, warn: Warn) -> Page | BadRecord:
    try:
        document = read_html(data, source.stem, seconds=options.seconds, hidden=options.hidden)
    except ValueError as error:
        return BadRecord(source.name, "file", str(error))
    if document.replaced > 0:
        warn(f"{source.name}: {document.replaced} bytes are not valid in the page's encoding and were replaced")
    return document.page
