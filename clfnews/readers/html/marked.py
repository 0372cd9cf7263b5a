"""What the elements of a parsed document say of its page, before anything is chosen: `found_in`.

Only the tree is asked here, and the answer is plain lists and texts, so that a
process that parses for another can send it.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from clfnews.page import normalise

Marked = dict[str, Any]
"""`lang`; `meta` and `items` (microdata), name -> values; `times`, each with the number of `<h1>` before it;
`title`, `canonical`, `h1`, `author` (links with that relation): texts."""

_TABLE = """
    dates: article:published_time og:article:published_time og:published_time datepublished parsely-pub-date sailthru.date
        cxenseparse:recs:publishtime cxenseparse:recs:published_time cxenseparse:publishtime dc.date.issued dcterms.created
        dc.date.created dc.date dcterms.date citation_publication_date publication_date publish-date publish_date
        publishdate published-date published_date pubdate pub_date date.published article.published article:published
        vr:published_time published_at publisheddate article_date_original ptime apub:time last-published-date
        shareaholic:article_published_time datecreated date_published date
    modified: article:modified_time og:article:modified_time datemodified og:updated_time dc.date.modified dcterms.modified
        sailthru.lastmod last-modified lastmod revised article.updated utime
    authors: article:author author og:article:author og:author parsely-author sailthru.author cxenseparse:author dc.creator
        dcterms.creator dc.author byl citation_author article:author_name creator article.author mediator_author
        shareaholic:article_author_name cxenseparse:recs:author
    sections: article:section parsely-section articlesection cxenseparse:recs:section dc.subject section sailthru.section
    tags: article:tag og:article:tag parsely-tags sailthru.tags news_keywords keywords dc.keywords
    images: og:image og:image:url og:image:secure_url twitter:image twitter:image:src image parsely-image-url
        sailthru.image.full thumbnail
    titles: og:title twitter:title dc.title headline parsely-title sailthru.title
    sites: og:site_name application-name dc.publisher apple-mobile-web-app-title
    languages: content-language inlanguage dc.language og:locale language
    access: isaccessibleforfree article:content_tier"""
"""Names of `<meta>` elements by what they say, those that are trusted most first."""
NAMES: dict[str, list[str]] = {
    key.strip(): names.split() for key, names in re.findall(r"^ {4}(\w++):((?:.|\n {8})++)", _TABLE, re.MULTILINE)
}
_META = frozenset(name for names in NAMES.values() for name in names) | {"og:url"}
_ITEMS = frozenset({"headline", "datepublished", "datemodified", "author", "articlesection", "isaccessibleforfree"})

_SELECTOR = "html,title,meta,link[rel],h1,time,[itemprop],[rel~=author]"
_MOST, _MOST_TEXTS, _LONGEST = 1_000, 20, 1_000
"""Elements that are looked at, those of one kind whose text is read, and characters of a value."""
_MOST_TAGS = 100


def found_in(tree: Any) -> Marked:
    """What the elements of a selectolax tree say, each kind in the order of the document."""
    meta: dict[str, list[str]] = {}
    items: dict[str, list[str]] = {}
    found: Marked = {"lang": "", "title": [], "canonical": [], "h1": [], "author": [], "times": [], "meta": meta, "items": items}
    heads = found["h1"]
    scope: int | None = None
    for node in islice(tree.css(_SELECTOR), _MOST):
        name, attributes = node.tag, node.attributes
        if name == "meta":
            _add_meta(attributes, meta)
            continue
        if name == "link":
            if "canonical" in (attributes.get("rel") or "").lower().split():
                found["canonical"].append(_cut(attributes.get("href")))
            continue
        if name == "html":
            found["lang"] = found["lang"] or _cut(attributes.get("lang") or attributes.get("xml:lang"))
        elif name == "title" or name == "h1":
            _add(found[name], node)
        elif name == "time":
            if len(found["times"]) < _MOST_TEXTS:
                found["times"].append([_cut(attributes.get("datetime")) or _text(node), len(heads)])
        elif "itemprop" not in attributes:
            _add(found["author"], node)
        for key in (attributes.get("itemprop") or "").lower().split():
            if key in _ITEMS and len(items.setdefault(key, [])) < _MOST_TEXTS:
                if key == "author":
                    # The teasers of a page name authors as well, each in a scope of its own.
                    own = _scope(node)
                    scope = own if scope is None else scope
                    if own != scope:
                        continue
                items[key].append(_value(node, attributes, key))
    return found


def _add(texts: list[str], node: Any) -> None:
    if len(texts) < _MOST_TEXTS:
        texts.append(_text(node))


def _add_meta(attributes: dict[str, str | None], meta: dict[str, list[str]]) -> None:
    content = attributes.get("content")
    if not content:
        return
    for place in ("property", "name", "itemprop", "http-equiv"):
        key = attributes.get(place)
        if key and (key in _META or (len(key) < 60 and (key := key.strip().lower()) in _META)):
            values = meta.setdefault(key, [])
            if len(values) < _MOST_TAGS and (value := _cut(content)) not in values:
                values.append(value)


def _scope(node: Any) -> int:
    """The element whose property another is; 0 if none is near."""
    for _ in range(50):
        node = node.parent
        if node is None or node.tag_id == 0:
            return 0
        if "itemscope" in node.attributes:
            return int(node.mem_id)
    return 0


def _value(node: Any, attributes: dict[str, str | None], key: str) -> str:
    """The value of a property of microdata."""
    if told := attributes.get("content") or attributes.get("datetime"):
        return _cut(told)
    if key == "author" and (inner := node.css_first('[itemprop="name"]')) is not None:
        return _cut(inner.attributes.get("content")) or _text(inner)
    return _text(node)


def _cut(value: str | None) -> str:
    return normalise(value[:_LONGEST]) if value else ""


def _text(node: Any) -> str:
    return normalise(node.text(separator=" ")[:_LONGEST])
