"""HTTP responses as a web archive keeps them: which are pages of HTML, and their bytes."""

from __future__ import annotations

import re

from clfnews.readers.base import ReadOptions
from clfnews.readers.codings import dechunked, decoded
from clfnews.readers.html.document import MAX_HTML_BYTES

_HTML_TYPES = ("text/html", "application/xhtml+xml")
OTHER_TYPES = ("application", "audio", "font", "image", "text", "video")
"""Content types that responses which are no HTML are counted by."""
_MAX_CODINGS = 10
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


def html_of(body: bytes, options: ReadOptions) -> tuple[bytes, str | None] | str:
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
    if not is_html_type(content_type, payload):
        return general_type(content_type)
    codings = [*_codings(headers, "content-encoding"), *_codings(headers, "transfer-encoding")]
    if len(codings) > _MAX_CODINGS:
        raise ValueError(f"has {len(codings):,} content codings")
    for coding in reversed(codings):
        payload = dechunked(payload) if coding == "chunked" else decoded(payload, coding, min(options.max_bytes, MAX_HTML_BYTES))
    return payload, charset_of(content_type)


def _codings(headers: dict[str, str], name: str) -> list[str]:
    return [coding.strip() for coding in headers.get(name, "").lower().split(",") if coding.strip()]


def charset_of(content_type: str) -> str | None:
    found = _CHARSET.search(content_type)
    return found[1] if found else None


def general_type(content_type: str) -> str:
    kind = content_type.lower().partition("/")[0].strip()
    return kind if kind in OTHER_TYPES else "other type"


def is_html_type(content_type: str, payload: bytes) -> bool:
    if content_type:
        return content_type.lower().startswith(_HTML_TYPES)
    start = payload[:1024].lower()
    return b"<html" in start or b"<!doctype html" in start
