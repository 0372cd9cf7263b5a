"""The fields of a submitted form, as browsers send them (RFC 7578, and URL-encoded)."""

from __future__ import annotations

from email.message import Message
from email.parser import HeaderParser
from typing import NamedTuple
from urllib.parse import parse_qsl

_MOST = 16
"""Fields of a form."""


class Field(NamedTuple):
    """The value of a field as it was sent; a file has a name, which may be empty."""

    value: bytes
    filename: str | None = None


def parse_form(body: bytes, content_type: str) -> dict[str, Field]:
    """Name -> field; the last of several of one name. Raises `ValueError` for what is no form."""
    kind = Message()
    kind["content-type"] = content_type
    if kind.get_content_type() == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST, encoding="latin-1")
        return {name: Field(value.encode("latin-1")) for name, value in pairs}
    boundary = kind.get_param("boundary")
    if kind.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        raise ValueError("not a form: send multipart/form-data, or JSON to /tag")
    # The boundary stands in no value: the browser has seen to that.
    first, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"), _MOST + 1)
    if first.strip() or not parts or not parts[-1].startswith(b"--"):
        raise ValueError("a form that is not whole")
    return dict(map(_field, parts[:-1]))


def _field(part: bytes) -> tuple[str, Field]:
    head, blank, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = HeaderParser().parsestr(head.decode("utf-8", "replace"))
    name = headers.get_param("name", header="content-disposition")
    if not blank or not isinstance(name, str):
        raise ValueError("a form with a field that has no name")
    return name, Field(value, headers.get_filename())
