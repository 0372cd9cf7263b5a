"""Pages from web archives: WARC (HTML responses) and WET (extracted text).

The format is a few header lines, a length and a body, and is read here rather
than by a library: of the ones measured, fastwarc 2.0 takes a cut off archive
for a complete one and gives up at the first damaged record. It is twice as fast,
which is a thirtieth of what a page takes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from clfnews.errors import BadRecord
from clfnews.page import Page
from clfnews.readers.base import Part, ReadOptions, Records, Source, Warn
from clfnews.readers.html.blocks import MAX_LINES
from clfnews.readers.html.document import MAX_HTML_BYTES, read_html

_MAX_HEADER = 64 * 1024
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_OTHER_TYPES = ("application", "audio", "font", "image", "text", "video")
"""Content types that responses which are no HTML are counted by."""
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


class WarcRecord(NamedTuple):
    """One record; `problem` says why its body is not there."""

    number: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    problem: str | None


def read_wet(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """The `conversion` records: text that was extracted by others."""
    for record in warc_records(file, "conversion", options):
        if record.problem:
            yield BadRecord(source.name, _name(record, source), record.problem)
            continue
        text = record.body.decode("utf-8", errors="replace")
        if text.count("\n") > MAX_LINES:
            yield BadRecord(source.name, _name(record, source), f"has more than {MAX_LINES:,} lines")
        else:
            yield Page.from_text(text, _name(record, source), url=record.headers.get("warc-target-uri"))


def read_warc(file: BinaryIO, source: Source, options: ReadOptions, warn: Warn, part: Part | None = None) -> Records:
    """The successful HTML `response` records; requests are passed over, other responses too and told to `source.skip`."""
    for record in warc_records(file, "response", options):
        try:
            if record.problem:
                raise ValueError(record.problem)
            response = _http(record.body, options)
            if isinstance(response, str):
                source.skip(response)
            else:
                html, charset = response
                url = record.headers.get("warc-target-uri")
                name, hidden = _name(record, source), options.hidden
                yield read_html(html, name, url=url, charset=charset, seconds=options.seconds, hidden=hidden).page
        except ValueError as error:
            yield BadRecord(source.name, _name(record, source), str(error))


def warc_records(file: BinaryIO, kind: str, options: ReadOptions) -> Iterator[WarcRecord]:
    """The records of one type, and every place where the archive is damaged."""
    number, lost = 0, False
    while line := file.readline(_MAX_HEADER):
        if not line.strip():
            continue
        if not line.startswith(b"WARC/"):
            if not lost:  # one problem a gap, however long
                yield WarcRecord(number + 1, {}, b"", "is no WARC record; skipped to the next one")
            lost = True
            continue
        number, lost = number + 1, False
        headers = _headers(file)
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            yield WarcRecord(number, headers, b"", f"has no valid Content-Length: {length!r:.40}")
            lost = True
            continue
        wanted = headers.get("warc-type", "").lower() == kind
        body, complete = _body(file, int(length), keep=wanted and int(length) <= options.max_bytes)
        if not complete:
            yield WarcRecord(number, headers, b"", "is cut off")
        elif wanted:
            yield WarcRecord(number, headers, body, None if int(length) <= options.max_bytes else options.too_large)


def _headers(file: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(1000):
        line = file.readline(_MAX_HEADER)
        if not line.strip():
            break
        name, colon, value = line.decode("utf-8", errors="replace").partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return headers


def _body(file: BinaryIO, length: int, keep: bool) -> tuple[bytes, bool]:
    """The body if it is wanted, and whether all of it was there."""
    if keep:
        body = file.read(length)
        return body, len(body) == length
    while length > 0:
        read = len(file.read(min(length, 1 << 20)))
        if not read:
            return b"", False
        length -= read
    return b"", True


def _name(record: WarcRecord, source: Source) -> str:
    name = record.headers.get("warc-record-id", "").strip("<>").removeprefix("urn:uuid:")
    return name[:200] or f"{source.stem}-{record.number}"


def _http(body: bytes, options: ReadOptions) -> tuple[bytes, str | None] | str:
    """HTML and charset of a response, or what it is if it is not HTML or not a success.

    Raises `ValueError` for a response that is no HTTP or cannot be decoded.
    """
    head, separator, payload = body.partition(b"\r\n\r\n")
    if not separator:
        head, separator, payload = body.partition(b"\n\n")
    lines = head.decode("latin-1").splitlines()
    status = lines[0].split(maxsplit=2) if lines else []
    if len(status) < 2 or not status[0].startswith("HTTP/"):
        raise ValueError("holds no HTTP response")
    fields = [line.partition(":") for line in lines[1:]]
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    content_type = headers.get("content-type", "")
    if not status[1].startswith("2"):
        return "redirect" if status[1].startswith("3") else "error"
    if not _is_html(content_type, payload):
        kind = content_type.lower().partition("/")[0]
        return kind if kind in _OTHER_TYPES else "other type"
    if headers.get("transfer-encoding", "").lower() == "chunked":
        payload = _dechunked(payload)
    for coding in reversed(headers.get("content-encoding", "").lower().split(",")):
        payload = _decoded(payload, coding.strip(), min(options.max_bytes, MAX_HTML_BYTES))
    charset = _CHARSET.search(content_type)
    return payload, charset[1] if charset else None


def _is_html(content_type: str, payload: bytes) -> bool:
    if content_type:
        return content_type.lower().startswith(_HTML_TYPES)
    start = payload[:1024].lower()
    return b"<html" in start or b"<!doctype html" in start


def _dechunked(payload: bytes) -> bytes:
    """The payload without chunk sizes; as it is if it has none (crawlers often store it decoded)."""
    out: list[bytes] = []
    at = 0
    while True:
        end = payload.find(b"\r\n", at, at + 1000)
        size = payload[at:end].split(b";")[0].strip() if end >= 0 else b""
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
            return b"".join(out) if out else payload
        length = int(size, 16)
        if length == 0:
            return b"".join(out)
        out.append(payload[end + 2 : end + 2 + length])
        at = end + 2 + length + 2


def _decoded(payload: bytes, coding: str, limit: int) -> bytes:
    """The payload without its content coding; as it is if the crawler had already decoded it."""
    if coding in ("", "identity") or payload.lstrip()[:1] == b"<":
        return payload
    try:
        if coding in ("gzip", "x-gzip"):
            decoder = zlib.decompressobj(31)
            out = decoder.decompress(payload, limit + 1)
        elif coding == "deflate":
            decoder = zlib.decompressobj(15 if payload[:1] == b"\x78" else -15)
            out = decoder.decompress(payload, limit + 1)
        else:
            raise ValueError(f"has the content coding {coding!r:.40}, which is not read")
    except zlib.error as error:
        raise ValueError(f"is damaged: {error}") from error
    if len(out) > limit:
        raise ValueError(f"is larger than {limit // 2**20} MiB when unpacked")
    if not decoder.eof:
        raise ValueError("is cut off: its compressed body ends too early")
    return out
