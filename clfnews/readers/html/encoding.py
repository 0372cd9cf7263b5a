"""The text of HTML bytes: which encoding they are in.

Order of evidence: byte order mark, HTTP header, `<meta>`, the bytes themselves.
"""

from __future__ import annotations

import codecs
import re

import webencodings

_META = re.compile(rb"<(?:meta|\?xml)([^>]*+)", re.IGNORECASE)
_LABEL = re.compile(rb"""(?:charset|encoding)\s*+=\s*+["']?+\s*+([A-Za-z0-9._:-]{2,40})""", re.IGNORECASE)
_ROOT = re.compile(rb"<html([^>]*+)", re.IGNORECASE)
_LANG = re.compile(rb"""\slang\s*+=\s*+["']?([A-Za-z]{2})""", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD_BYTES = 4096

# What browsers assume for a page without any mark, by the page's language (HTML standard, 13.2.3.2).
_BY_LANGUAGE = {"vi": "cp1258", "ru": "cp1251", "uk": "cp1251", "bg": "cp1251", "be": "iso8859-5", "zh": "gb18030", "ja": "cp932",
                "ko": "cp949", "th": "cp874", "tr": "cp1254", "el": "iso8859-7", "he": "cp1255", "ar": "cp1256", "fa": "cp1256",
                "cs": "cp1250", "hu": "iso8859-2", "pl": "iso8859-2", "lt": "cp1257", "lv": "cp1257", "et": "cp1257"}  # fmt: skip


def to_utf8(data: bytes, charset: str | None = None) -> tuple[bytes, int]:
    """HTML bytes as valid UTF-8 without a mark, and how many bad bytes were replaced.

    Parameters: `charset` of the HTTP header, if there was one.
    """
    for mark, marked in _MARKS:
        if data.startswith(mark):
            return _recode(data[len(mark) :], marked)
    if data.isascii() and b"\x1b" not in data and b"\0" not in data[:_HEAD_BYTES]:
        return data, 0
    zeros = data[:_HEAD_BYTES].count(0)
    if 4 * zeros > len(data[:_HEAD_BYTES]):  # UTF-16 without a mark: every other byte of the markup is zero
        return _recode(data, "utf-16-le" if data[1:2] == b"\0" else "utf-16-be")
    name = _known(charset) or _declared(data)
    # Bytes above 0x7f that form valid UTF-8 are UTF-8, whatever a one-byte label
    # says: the chance that other text does so by accident is nil.
    if _is_utf8(data) and not (name == "iso2022_jp" and b"\x1b" in data):
        return data, 0
    if name is None or name.startswith("utf-16"):
        name = "utf-8" if _mostly_utf8(data) else _BY_LANGUAGE.get(_language(data), "cp1252")
    return _recode(data, name)


def _declared(data: bytes) -> str | None:
    for attributes in _META.findall(data[:_HEAD_BYTES]):
        if found := _LABEL.search(attributes):
            return _known(found[1].decode("ascii"))
    return None


def _language(data: bytes) -> str:
    root = _ROOT.search(data[:_HEAD_BYTES])
    found = _LANG.search(root[1]) if root else None
    return found[1].decode("ascii").lower() if found else ""


def _known(label: str | None) -> str | None:
    """Python's name of a label of a page or header; None if it is not one of the standard's.

    Others are not taken from a page: Python knows "encodings" such as punycode that are traps.
    """
    found = webencodings.lookup(label.strip().strip("\"'")) if label else None
    if found is None or found.name in ("replacement", "x-user-defined"):
        return None
    return "gb18030" if found.name == "gbk" else str(found.codec_info.name)  # the larger one, as browsers decode it


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(data: bytes) -> bool:
    """True if bad bytes are rare beside good letters of more than one byte: damaged UTF-8."""
    sample = data[: 1 << 18]
    bad = sample.decode("utf-8", errors="replace").count("\ufffd")
    good = sum(byte >= 0xC2 for byte in sample) - bad
    return good > 4 * bad


def _recode(data: bytes, name: str) -> tuple[bytes, int]:
    text = data.decode(name, errors="replace")
    return text.encode("utf-8", errors="replace"), text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
