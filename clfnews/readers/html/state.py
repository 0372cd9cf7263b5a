"""Articles in the data that a page carries for its scripts and for search engines: JSON-LD, and the state of its program."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_BODIES = ("articleBody", "body", "content", "contentHtml", "bodyHtml", "html", "text", "paragraphs")
"""Keys under which the state of a page has the text of an article."""
_TITLES = ("headline", "title", "name")
_PARTS = ("text", "content", "html", "value", "body", "children")
"""Keys under which a paragraph has its text."""
_DEEPEST = 8
"""Lists in lists that a text is put together from."""
_MAX_VALUES, _MAX_TRIES, _MAX_CHARS = 200_000, 20, 8_000_000
"""Of the state of one page: values that are looked at, places where JSON may begin, and characters of a script."""
_ASSIGNED = re.compile(r"(?:=\s*+(?=[\[{])|JSON\.parse\(\s*+(?=\"))")


class Told(NamedTuple):
    """A text, plain or HTML, and its headline."""

    title: str | None
    text: str


def told_by_json_ld(scripts: Iterable[tuple[str, str]]) -> list[Told]:
    """The `articleBody` of every object of schema.org, given the types and texts of the page's scripts."""
    values = [value for kind, text in scripts if "ld+json" in kind for value in _parsed(text)]
    return _distinct(_told(values, ("articleBody",)))


def told_by_state(scripts: Iterable[tuple[str, str]]) -> list[Told]:
    """The texts in the state of the page's program, such as `__NEXT_DATA__` or `window.__STATE__ = {...}`."""
    values: list[Any] = []
    for kind, text in scripts:
        if "ld+json" in kind or len(text) > _MAX_CHARS or not any(f'{key}"' in text or f'{key}\\"' in text for key in _BODIES):
            continue
        values += _parsed(text) if "json" in kind else _assigned(text)
    return _distinct(_told(values, _BODIES))


def _parsed(text: str) -> list[Any]:
    try:
        return [json.loads(text.strip().strip(";"), strict=False)]
    except (ValueError, RecursionError):  # the page's own mistake: then it tells nothing
        return []


def _assigned(text: str) -> Iterator[Any]:
    """Every JSON value that a program gives to a name."""
    decoder, at = json.JSONDecoder(strict=False), 0
    for _ in range(_MAX_TRIES):
        found = _ASSIGNED.search(text, at)
        if found is None:
            return
        try:
            value, at = decoder.raw_decode(text, found.end())
            yield json.loads(value, strict=False) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            at = max(at, found.end())


def _told(values: list[Any], keys: tuple[str, ...]) -> Iterator[Told]:
    """The objects below some values that have a text under one of the keys."""
    stack, left = list(reversed(values)), _MAX_VALUES
    while stack and left:
        left -= 1
        value = stack.pop()
        if isinstance(value, dict):
            text = next((text for key in keys if (text := _text(value.get(key)))), "")
            title = next((value[key] for key in _TITLES if isinstance(value.get(key), str)), None)
            if text:
                yield Told(title, text)
            stack.extend(reversed(value.values()))
        elif isinstance(value, list):
            stack.extend(reversed(value))


def _text(value: Any, depth: int = 0) -> str:
    """A text, or paragraphs as its lines."""
    if isinstance(value, str):
        return value
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return ("" if depth else "\n").join(_text(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return next((text for key in _PARTS if (text := _text(value.get(key), depth + 1))), "")
    return ""


def _distinct(found: Iterator[Told]) -> list[Told]:
    """Each text once, and none that is part of another: an object and what is in it tell the same."""
    kept: list[Told] = []
    for told in sorted(found, key=lambda told: -len(told.text))[:50]:
        if not any(told.text in other.text for other in kept):
            kept.append(told)
    return kept
