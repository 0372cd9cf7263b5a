"""What a page says of itself in JSON-LD (schema.org), as it is found in the wild.

Scripts are looked for in the bytes of the document: they are cut out of what is
parsed where they make it look dangerous. Each is parsed once.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_TYPES = (b"ld+json", b"ld&#43;json", b"ld&#x2B;json")
"""How servers write the type of these scripts, the usual way first."""
_OPENING = re.compile(rb"<[Ss][Cc][Rr][Ii][Pp][Tt]\b[^>]*+>")
_CLOSING = re.compile(rb"</[Ss][Cc][Rr][Ii][Pp][Tt]")
_LONGEST_TAG, _LONGEST, _MOST = 500, 2_000_000, 40
"""Bytes of a script's tag, bytes of all scripts together, and scripts, that are looked at."""
_MOST_NODES = 4_000
_WRAPPING = re.compile(r"^(?:\s|<!--|/\*|//|<!\[CDATA\[|\]\]>|\*/|-->)++")
_TRAILING_COMMA = re.compile(r",(\s*+[}\]])")
_BAD_ESCAPE = re.compile(r'\\(?![\\"/bfnrtu])')
_FIELD = re.compile(
    r'"(@type|headline|datePublished|dateModified|articleSection|inLanguage|name|url|isAccessibleForFree)"\s*+:\s*+'
    r'(?:"((?:[^"\\\n]|\\.)*+)"|(true|false))'
)
_AUTHOR = re.compile(r'"author"\s*+:')
_INSIDE = ("@graph", "mainEntity", "mainEntityOfPage", "itemReviewed", "subjectOf")
"""Keys whose objects may be what the page is about; others, such as `mentions` and `hasPart`, are of other things."""
_VAGUE = ("WebPage", "ItemPage", "VideoObject", "AudioObject", "ImageGallery", "CreativeWork", "MediaGallery", "Event", "Recipe",
          "Review", "PodcastEpisode", "ProfilePage", "Product", "Book", "QAPage", "Course", "CollectionPage")  # fmt: skip


class Linked(NamedTuple):
    """The objects of a page that count."""

    article: dict[str, Any]
    """The object of the article itself; empty if there is none."""
    other: dict[str, Any]
    """The object of the page or of another work on it."""
    site: str | None
    """Name of the `WebSite` or the organisation."""
    by_id: dict[str, dict[str, Any]]
    """`@id` -> the object with that name that says most."""

    def followed(self, value: Any) -> Any:
        """A value, or what stands elsewhere under the `@id` that it names."""
        if isinstance(value, dict) and isinstance(value.get("@id"), str) and "name" not in value:
            return self.by_id.get(value["@id"], value)
        return value


def read_linked(utf8: bytes) -> Linked:
    """The objects of a document in valid UTF-8; never raises, whatever is in it."""
    nodes = [node for script in scripts(utf8) for node in _nodes(parsed(script))]
    by_id: dict[str, dict[str, Any]] = {}
    for node in nodes:
        name = node.get("@id")
        if isinstance(name, str) and len(node) > len(by_id.get(name, ())):
            by_id[name] = node
    articles = [node for node in nodes if _is_article(node)]
    others = [node for node in nodes if types_of(node) & {*_VAGUE}]
    makers = [node for node in nodes if types_of(node) & {"WebSite", "NewsMediaOrganization", "Organization"}]
    names = (node.get("name") for node in sorted(makers, key=lambda node: "WebSite" not in types_of(node)))
    return Linked(
        # A page may carry the articles of its boxes too; the own one has a date and says most.
        article=max(articles, key=lambda node: ("datePublished" in node, "headline" in node), default={}),
        other=max(others, key=lambda node: "datePublished" in node, default={}),
        site=next((name for name in names if isinstance(name, str) and name), None),
        by_id=by_id,
    )


def scripts(utf8: bytes) -> Iterator[str]:
    """Contents of the `<script>` elements of JSON-LD, but for those in comments."""
    type_ = next((type_ for type_ in _TYPES if type_[2:] in utf8), b"")
    at, left = 0, _LONGEST
    for _ in range(_MOST if type_ else 0):
        # The sign is rare and "ld" is not: it is found four times as fast.
        found = utf8.find(type_[2:], at)
        if found < 0:
            return
        start = utf8.rfind(b"<", max(at, found - _LONGEST_TAG), found)
        tag = _OPENING.match(utf8, start) if start >= 0 else None
        if tag is None or type_ not in tag[0]:
            at = found + len(type_)
            continue
        comment = utf8.rfind(b"<!--", at, start)
        if comment >= 0 and (end := utf8.find(b"-->", comment + 4)) > start:
            at = end
            continue
        closing = _CLOSING.search(utf8, tag.end())
        end = closing.start() if closing else len(utf8)
        left -= end - tag.end()
        if left < 0:
            return
        yield utf8[tag.end() : end].decode("utf-8", errors="replace")
        at = end


def parsed(script: str) -> Any:
    """The value of a script, as far as it can be read; None if nothing can."""
    text = script.strip()
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        pass
    text = _WRAPPING.sub("", text.lstrip("\ufeff"))
    if text.startswith(("{&quot;", "[{&quot;", "{ &quot;")) or "&quot;@type" in text[:2000]:
        text = html.unescape(text)
    text = _BAD_ESCAPE.sub(r"\\\\", _TRAILING_COMMA.sub(r"\1", text))
    # Several objects in a row, or something behind the only one.
    values, decoder = [], json.JSONDecoder(strict=False)
    for _ in range(_MOST):
        try:
            value, end = decoder.raw_decode(text)
        except (ValueError, RecursionError):
            break
        values.append(value)
        text = text[end:].lstrip(" \t\r\n,;")
    return values or _salvaged(text)


def _salvaged(text: str) -> dict[str, Any] | None:
    """The plain fields of an object that is no JSON, such as one with quotes inside a text."""
    node: dict[str, Any] = {}
    author = _AUTHOR.search(text)
    for found in _FIELD.finditer(text):
        key, value = found[1], found[2] if found[2] is not None else found[3]
        if key == "name":  # of whom only its place tells
            if author and "author" not in node and 0 < found.start() - author.end() < 200:
                node["author"] = value
        elif key != "@type" or value.endswith(("Article", "Posting")):
            node.setdefault(key, value)
    return node if "@type" in node else None


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """The objects that may be of the page, outermost first, without recursion."""
    stack, seen = [value], 0
    while stack and seen < _MOST_NODES:
        here = stack.pop()
        seen += 1
        if isinstance(here, list):
            stack.extend(reversed(here))
        elif isinstance(here, dict):
            yield here
            stack.extend(here[key] for key in reversed(_INSIDE) if isinstance(here.get(key), dict | list))


def types_of(node: dict[str, Any]) -> set[str]:
    """Names of the types of an object, without their address."""
    kinds = node.get("@type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return {kind.rpartition("/")[2].rpartition(":")[2] for kind in kinds if isinstance(kind, str)}


def _is_article(node: dict[str, Any]) -> bool:
    return any(kind.endswith(("Article", "Posting")) or kind in ("Report", "Article") for kind in types_of(node))
