"""What a cell of a table or a value of JSON says, as text, texts, a flag or a share; and the record of a page in a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from numbers import Real
from typing import Any

# Halves of a character that JSON lets through ("\ud83d"); no file can hold them.
_SURROGATE = re.compile("[\ud800-\udfff]")
MANY_TEXTS = 100
"""Texts of a list, such as tags, that are kept."""


def whole(text: str) -> str:
    """The text with U+FFFD for half characters."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def plain_text(value: Any) -> str | None:
    """What a cell says, as text: numbers and dates as they are written, bytes that are UTF-8; None for all else.

    An address or a date is never worth the page: NaN and empty texts are no
    value, and so are lists, objects and numbers too long to be one.
    """
    is_number = isinstance(value, Real | Decimal) and not isinstance(value, bool)
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            return None
    elif is_number:
        if not abs(value) < 10**18:  # nor is NaN
            return None
        value = int(value) if not isinstance(value, Decimal) and value == int(value) else value
    elif not isinstance(value, str | date) or value != value:  # pandas has a date that is none
        return None
    return whole(str(value)) or None


def plain_texts(value: Any) -> tuple[str, ...]:
    """The texts of a list, each once, in their order; a text alone is a list of one; empty for all else."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | dict):
        items = list(value) if isinstance(value, list | tuple | set) else [*value]
    else:
        items = [value]
    found = (plain_text(item.get("name") if isinstance(item, dict) else item) for item in items[: 2 * MANY_TEXTS])
    return tuple(dict.fromkeys(text for text in found if text))[:MANY_TEXTS]


def plain_flag(value: Any) -> bool | None:
    """True or False, also as words or numbers; None for all else."""
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}.get(value.strip().lower())
    return bool(value) if isinstance(value, bool | int) and value in (0, 1) else None


def plain_share(value: Any) -> float | None:
    """A number from 0 to 1; None for all else."""
    is_number = isinstance(value, Real | Decimal) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else None


FACTS = ("title", "url", "site", "site_name", "date", "modified", "authors", "language", "language_p", "section", "tags",
         "paywall", "image")  # fmt: skip
"""The record of a page: what there is to know of it beside its lines, in the order of outputs (`docs/record.md`)."""
_READ: dict[str, Callable[[Any], Any]] = {
    "authors": plain_texts, "tags": plain_texts, "paywall": plain_flag, "language_p": plain_share,
}  # fmt: skip


def facts_of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """The `FACTS` that a row gives, whatever their types; `author` stands in for `authors`."""
    readers: dict[str, Callable[[Any], Any]] = {name: _READ.get(name, plain_text) for name in FACTS}
    facts = {name: readers[name](row[name]) for name in FACTS if row.get(name) is not None}
    if not facts.get("authors") and row.get("author") is not None:
        facts["authors"] = plain_texts(row["author"])
    return {name: value for name, value in facts.items() if value not in (None, ())}
