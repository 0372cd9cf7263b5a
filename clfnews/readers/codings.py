"""Bodies of HTTP as they were before chunks and compression, within limits."""

from __future__ import annotations

import io
import re
import zlib

from clfnews.readers.streams import StreamError, open_bytes

_PIECE = 2048
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")


def dechunked(payload: bytes) -> bytes:
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


def decoded(payload: bytes, coding: str, limit: int) -> bytes:
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
