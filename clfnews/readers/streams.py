"""Bytes of files, compressed or not, in bounded memory."""

from __future__ import annotations

import codecs
import io
import zlib
from typing import Any, BinaryIO

from clfnews.errors import UserError

COMPRESSED = (".gz", ".zst")
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BUFFER = 1 << 20

# A bomb: gigabytes out of nearly nothing. Text packs 3 to 30 times.
BOMB_BYTES, BOMB_RATIO = 1 << 30, 250


class StreamError(Exception):
    """The bytes end or break before they should. No `ValueError`: it is not about one record."""


def open_bytes(file: BinaryIO, compression: str | None = None) -> io.BufferedReader:
    """The decompressed bytes of an open file; `compression` is `.gz`, `.zst` or None.

    Reading from it raises `StreamError` for broken or cut off data and for bombs,
    and `UserError` if zstandard is needed and not installed.
    """
    if compression == ".gz":
        import gzip

        return io.BufferedReader(_Checked(gzip.GzipFile(fileobj=file), file), _BUFFER)
    if compression == ".zst":
        return io.BufferedReader(_Checked(_Zstd(file), file), _BUFFER)
    return io.BufferedReader(_Checked(file, None), _BUFFER)


def sniff_compression(first: bytes) -> str | None:
    """`.gz` or `.zst` by the first bytes, else None."""
    return ".gz" if first.startswith(_GZIP_MAGIC) else ".zst" if first.startswith(_ZSTD_MAGIC) else None


_UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def is_utf16(first: bytes) -> bool:
    """Whether bytes begin with the mark of UTF-16, as files of Windows programs do."""
    return first[:2] in _UTF16_MARKS


def as_utf8(file: BinaryIO) -> BinaryIO:
    """A stream of rows as UTF-8 whose lines end in a line feed: UTF-16 with its mark, and old line ends, are recoded.

    Anything else is the stream itself.
    """
    first: bytes = file.peek(_BUFFER)[:_BUFFER]  # type: ignore[attr-defined]
    encoding = _UTF16_MARKS.get(first[:2])
    text = first.decode(encoding, errors="replace") if encoding else first.decode("latin-1")
    old_ends = "\r" in text and "\n" not in text.partition("\r")[2]
    if not encoding and not old_ends:
        return file
    return io.BufferedReader(_Recoded(file, encoding or "latin-1", "utf-8" if encoding else "latin-1", old_ends), _BUFFER)


class _Recoded(io.RawIOBase):
    """A stream in another encoding, with line feeds for carriage returns if `old_ends`."""

    def __init__(self, file: BinaryIO, encoding: str, wanted: str, old_ends: bool) -> None:
        self._file, self._decoder = file, codecs.getincrementaldecoder(encoding)(errors="replace")
        self._wanted, self._old_ends, self._rest = wanted, old_ends, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            data = self._file.read(1 << 16)
            text = self._decoder.decode(data, final=not data)
            self._rest = (text.replace("\r", "\n") if self._old_ends else text).encode(self._wanted, errors="replace")
            if not data:
                break
        out, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(out)] = out
        return len(out)


class _Checked(io.RawIOBase):
    """Turns the many errors of decompressors into `StreamError` and stops at bombs."""

    def __init__(self, inner: Any, packed: BinaryIO | None) -> None:
        self.packed, self.count = packed, 0
        self.read1 = getattr(inner, "read1", inner.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            # A piece at a time: what was unpacked before the data breaks off is not lost.
            data = self.read1(len(buffer))
        except EOFError as error:
            raise StreamError("is cut off: the compressed data ends too early") from error
        except zlib.error as error:
            raise StreamError(f"is broken: {error}") from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise StreamError(f"is broken: {error}") from error  # gzip.BadGzipFile
        buffer[: len(data)] = data
        self.count += len(data)
        if self.packed is not None and self.count > BOMB_BYTES and self.count > BOMB_RATIO * max(_position(self.packed), 1):
            raise StreamError(f"unpacks to more than {BOMB_RATIO} times its size: a decompression bomb")
        return len(data)


def _position(file: BinaryIO) -> int:
    try:
        return file.tell()
    except (OSError, ValueError):  # a pipe
        return 1 << 62


class _Zstd:
    """Zstandard frames one after the other; unlike the library's own reader it notices a cut off frame."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            import zstandard
        except ImportError as error:
            raise UserError("reading .zst needs zstandard: pip install 'clfnews[web]'") from error
        self._error = zstandard.ZstdError
        # Frames may ask for gigabytes of window; 128 MiB is the limit of the zstd command.
        self._new = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj
        self._file, self._out = file, io.BytesIO()
        self._frame: Any = None
        self._rest = b""

    def read(self, size: int) -> bytes:
        while not (out := self._out.read(size)):
            # Little at a time: a block of four bytes can unpack to 128 KiB.
            data = self._rest or self._file.read(2048)
            self._rest = b""
            if not data:
                if self._frame is not None:
                    raise EOFError
                return b""
            frame = self._frame or self._new()
            try:
                self._out = io.BytesIO(frame.decompress(data))
            except self._error as error:
                raise StreamError(f"is broken: {error}") from error
            self._rest = frame.unused_data
            self._frame = None if frame.eof else frame
        return out
