"""What the head of an HTML document says of its page: title, address, date."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from clfnews.page import normalise

_BYTES = 1 << 16
"""How far into a document its head is looked for."""


class Head(NamedTuple):
    """What was found; None for what was not."""

    title: str | None
    """`og:title`, else `<title>`."""
    url: str | None
    """The canonical address, else `og:url`."""
    date: str | None
    """When the page was published, as it is written there."""


def read_head(utf8: bytes) -> Head:
    """The head of a document in valid UTF-8, by its bytes: a parser is not needed for three values."""
    head = utf8[:_BYTES]
    return Head(
        title=_meta(head, b"og:title") or _title(head),
        url=_canonical(head),
        date=_meta(head, b"article:published_time") or _meta(head, b"datePublished"),
    )


def _title(head: bytes) -> str | None:
    found = re.search(rb"<title[^>]{0,500}>([^<]{1,2000})", head, re.IGNORECASE)
    return _clean(found[1]) if found else None


def _meta(head: bytes, name: bytes) -> str | None:
    """The content of a `<meta>` with this name, property or itemprop."""
    return _attribute(head, name, b"content")


def _canonical(head: bytes) -> str | None:
    url = _attribute(head, b"canonical", b"href") or _meta(head, b"og:url")
    return url if url and url.startswith(("http://", "https://")) else None


def _attribute(head: bytes, value: bytes, name: bytes) -> str | None:
    """An attribute of the first tag that has another attribute with this value, in quotes."""
    at = next((at for quote in (b'"', b"'") if (at := head.find(quote + value + quote)) >= 0), -1)
    start, end = head.rfind(b"<", 0, max(at, 0)), head.find(b">", at)
    if at < 0 or start < 0 or end < 0 or end - start > 4000:
        return None
    found = re.search(rb"\b" + name + rb"""\s*=\s*(?:"([^"]*)"|'([^']*)')""", head[start:end], re.IGNORECASE)
    return _clean(found[1] or found[2] or b"") if found else None


def _clean(raw: bytes) -> str | None:
    return normalise(html.unescape(raw.decode("utf-8", errors="replace"))) or None
