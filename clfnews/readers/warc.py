"""Pages from web archives: WARC (HTML responses) and WET (extracted text).

The format is a few header lines, a length and a body, and is read here rather
than by a library: of the ones measured, fastwarc 2.0 takes a cut off archive
for a complete one and gives up at the first damaged record. It is twice as fast,
which is a thirtieth of what a page takes.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from clfnews.errors import BadRecord
from clfnews.page import Page
from clfnews.readers.base import FilePart, ReadOptions, Records, Source, Warn
from clfnews.readers.html.blocks import MAX_LINES
from clfnews.readers.html.document import MAX_HTML_BYTES, read_html
from clfnews.readers.streams import StreamError, open_bytes

_MAX_HEADER = 64 * 1024
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_OTHER_TYPES = ("application", "audio", "font", "image", "text", "video")
"""Content types that responses which are no HTML are counted by."""
_KINDS = {*_OTHER_TYPES, "other type", "redirect", "error", "request", "metadata", "revisit", "continuation"}
"""What a record that is passed over can be called."""
_MAX_DIGITS = 15
_LOOK = 1024
_FALSE_BYTES = 256 * 1024 * 1024
"""Bytes of bodies with a false length that are read more than once, in one archive."""
_MAX_CODINGS = 10
_PIECE = 2048
_BOUNDARY = re.compile(rb"(?<=\n)WARC/1\.[01]\r?\n(?=WARC-|Content-)", re.IGNORECASE)
"""Where a record begins."""
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


class WarcRecord(NamedTuple):
    """One record; `problem` says why its body is not there."""

    number: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    problem: str | None


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
    response = _http(record.body, options)
    if isinstance(response, str):
        return response
    html, charset = response
    url, hidden = _url(record), options.hidden
    return read_html(html, name, url=url, charset=charset, seconds=options.seconds, hidden=hidden).page


def _resource(record: WarcRecord, name: str, options: ReadOptions) -> Page | str:
    kind = record.headers.get("content-type", "")
    if _is_html(kind, record.body):
        url, charset = _url(record), _charset(kind)
        return read_html(record.body, name, url=url, charset=charset, seconds=options.seconds, hidden=options.hidden).page
    return _conversion(record, name, options) if kind.lower().startswith("text/plain") else _general(kind)


def _conversion(record: WarcRecord, name: str, options: ReadOptions) -> Page | str:
    text = record.body.decode("utf-8-sig", errors="replace")
    if text.count("\n") > MAX_LINES:
        raise ValueError(f"has more than {MAX_LINES:,} lines")
    return Page.from_text(text, name, url=_url(record))


_READERS = {"response": _response, "resource": _resource, "conversion": _conversion}


class _Archive:
    """The bytes of an archive, which can be given back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._again = file, io.BytesIO()

    def give_back(self, data: bytes) -> None:
        """Bytes that come next once more."""
        at = self._again.tell() - len(data)
        if at >= 0 and self._again.getbuffer()[at : at + len(data)] == data:
            self._again.seek(at)  # a copy of the rest for every record would take the square of their number
        else:
            self._again = io.BytesIO(data + self._again.read())

    def readline(self) -> bytes:
        """A line, of at most `_MAX_HEADER` bytes."""
        line = self._again.readline(_MAX_HEADER)
        return line if line.endswith(b"\n") else line + self._file.readline(_MAX_HEADER)

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end."""
        data = self._again.read(size)
        return data if len(data) == size else data + self._file.read(size - len(data))


def warc_records(file: BinaryIO, options: ReadOptions) -> Iterator[WarcRecord]:
    """All records, and every place where the archive is damaged."""
    archive, number, lost, false = _Archive(file), 0, False, 0
    while line := archive.readline():
        if not line.strip():
            continue
        if not line.startswith(b"WARC/"):
            if not lost:  # one problem a gap, however long
                yield WarcRecord(number + 1, {}, b"", "is no WARC record; skipped to the next one")
            lost = True
            continue
        number, lost = number + 1, False
        headers = _headers(archive)
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) <= _MAX_DIGITS):
            yield WarcRecord(number, headers, b"", f"has no valid Content-Length: {length[:40]!r}")
            lost = True
            continue
        if int(length) > options.max_bytes:
            yield WarcRecord(number, headers, b"", _passed(archive, int(length)) or options.too_large)
            continue
        if false > _FALSE_BYTES:
            # Lengths are not to be believed here, and to read what they say each time would take the square of the file.
            body, problem = _up_to_boundary(archive, int(length))
            yield WarcRecord(number, headers, b"" if problem else body, problem)
            continue
        body = archive.read(int(length))
        problem = None if len(body) == int(length) else "is cut off"
        after = archive.read(_LOOK) if problem is None else b""
        archive.give_back(after)
        if problem or not _is_end(after):
            # The length is false if the next record begins inside the body: that one must not be lost.
            boundary = _BOUNDARY.search(body)
            if boundary:
                false += len(body)
                archive.give_back(body[boundary.start() :])
                body, problem = body[: boundary.start()], None
        yield WarcRecord(number, headers, b"" if problem else body, problem)


def _up_to_boundary(archive: _Archive, length: int) -> tuple[bytes, str | None]:
    """At most so many bytes, up to where another record begins; and what is wrong if they end early without one."""
    body = b""
    while len(body) < length:
        data = archive.read(min(length - len(body), max(_LOOK, len(body))))
        start = max(len(body) - _LOOK, 0)
        body += data
        if boundary := _BOUNDARY.search(body, start):
            archive.give_back(body[boundary.start() :])
            return body[: boundary.start()], None
        if not data:
            return body, "is cut off"
    return body, None


def _passed(archive: _Archive, length: int) -> str | None:
    """Pass over a large body; what is wrong with it, if it ends early or another record begins in it."""
    kept = b""
    while length > 0:
        data = archive.read(min(length, 1 << 20))
        length -= len(data)
        kept = kept[-_LOOK:] + data
        if boundary := _BOUNDARY.search(kept):
            archive.give_back(kept[boundary.start() :])
            return "has a false Content-Length: another record begins in it"
        if not data:
            return "is cut off"
    return None


def _is_end(after: bytes) -> bool:
    rest = after.lstrip(b"\r\n")
    return not rest or rest.startswith(b"WARC/")


def _headers(archive: _Archive) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(1000):
        line = archive.readline()
        if not line.strip():
            break
        name, colon, value = line.decode("utf-8", errors="replace").partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return headers


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
        return _general(content_type)
    codings = [*_codings(headers, "content-encoding"), *_codings(headers, "transfer-encoding")]
    if len(codings) > _MAX_CODINGS:
        raise ValueError(f"has {len(codings):,} content codings")
    for coding in reversed(codings):
        payload = (
            _dechunked(payload) if coding == "chunked" else _decoded(payload, coding, min(options.max_bytes, MAX_HTML_BYTES))
        )
    return payload, _charset(content_type)


def _codings(headers: dict[str, str], name: str) -> list[str]:
    return [coding.strip() for coding in headers.get(name, "").lower().split(",") if coding.strip()]


def _charset(content_type: str) -> str | None:
    found = _CHARSET.search(content_type)
    return found[1] if found else None


def _general(content_type: str) -> str:
    kind = content_type.lower().partition("/")[0].strip()
    return kind if kind in _OTHER_TYPES else "other type"


def _is_html(content_type: str, payload: bytes) -> bool:
    if content_type:
        return content_type.lower().startswith(_HTML_TYPES)
    start = payload[:1024].lower()
    return b"<html" in start or b"<!doctype html" in start


def _dechunked(payload: bytes) -> bytes:
    """The payload without chunk sizes; as it is if it has none (crawlers often store it decoded).

    Raises `ValueError` if the chunks break off.
    """
    out: list[bytes] = []
    at = 0
    while True:
        end = payload.find(b"\r\n", at, at + 1000)
        size = payload[at:end].split(b";")[0].strip() if end >= 0 else b""
        if not _CHUNK_SIZE.fullmatch(size):
            if not out:
                return payload
            raise ValueError("is cut off: its chunks break off")
        length = int(size, 16)
        if length == 0:
            return b"".join(out)
        out.append(payload[end + 2 : end + 2 + length])
        if len(out[-1]) < length:
            raise ValueError("is cut off: its last chunk is not whole")
        at = end + 2 + length + 2


def _decoded(payload: bytes, coding: str, limit: int) -> bytes:
    """The payload without its content coding; as it is if the crawler had already decoded it."""
    if coding in ("identity", "none") or not payload or payload.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return payload
    if coding not in _DECODERS:
        raise ValueError(f"has the content coding {coding!r:.40}, which is not read")
    out, is_whole = _DECODERS[coding](payload, limit + 1)
    if len(out) > limit:
        raise ValueError(f"is larger than {limit // 2**20} MiB when unpacked")
    if not is_whole:
        raise ValueError("is cut off: its compressed body ends too early")
    return out


def _inflated(payload: bytes, limit: int) -> tuple[bytes, bool]:
    return _by_zlib(payload, limit, 15 if payload[:1] == b"\x78" else -15)


def _gunzipped(payload: bytes, limit: int) -> tuple[bytes, bool]:
    """All members of a gzip body; what follows the last is no part of it, as browsers have it."""
    parts: list[bytes] = []
    at = 0
    while limit > 0 and (at == 0 or payload.startswith(b"\x1f\x8b", at)):
        decoder = zlib.decompressobj(31)
        # Piece by piece: a decoder copies what follows its member, and a body can have a million members.
        while limit > 0 and not decoder.eof:
            piece = decoder.unconsumed_tail or payload[at : at + _PIECE]
            if not piece:
                return b"".join(parts), False
            at += 0 if decoder.unconsumed_tail else len(piece)
            try:
                parts.append(decoder.decompress(piece, limit))
            except zlib.error as error:
                raise ValueError(f"is damaged: {error}") from error
            limit -= len(parts[-1])
        at -= len(decoder.unused_data)
    return b"".join(parts), True


def _by_zlib(payload: bytes, limit: int, bits: int) -> tuple[bytes, bool]:
    decoder = zlib.decompressobj(bits)
    try:
        return decoder.decompress(payload, limit), decoder.eof
    except zlib.error as error:
        raise ValueError(f"is damaged: {error}") from error


def _by_zstd(payload: bytes, limit: int) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    stream = open_bytes(io.BytesIO(payload), ".zst")
    try:
        while limit > 0 and (data := stream.read1(min(limit, 1 << 16))):
            parts.append(data)
            limit -= len(data)
    except StreamError as error:
        if "cut off" in str(error):
            return b"".join(parts), False
        raise ValueError(f"is damaged: {error}") from error
    return b"".join(parts), True


def _by_brotli(payload: bytes, limit: int) -> tuple[bytes, bool]:
    try:
        import brotli
    except ImportError as error:
        raise ValueError("has the content coding 'br'; to read it: pip install brotli") from error
    decoder, parts = brotli.Decompressor(), []
    try:
        while limit > 0 and (part := decoder.process(payload, output_buffer_limit=limit)):
            parts.append(part)
            payload, limit = b"", limit - len(part)
    except brotli.error as error:
        raise ValueError(f"is damaged: {error}") from error
    return b"".join(parts), decoder.is_finished()


_DECODERS = {"gzip": _gunzipped, "x-gzip": _gunzipped, "deflate": _inflated, "zstd": _by_zstd, "br": _by_brotli}
