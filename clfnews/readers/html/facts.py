"""The record of a page of HTML: what its JSON-LD, `<meta>`, microdata and `<time>` elements say, the best of each.

`facts_of` chooses; what there is to choose from comes from `jsonld.py` and
`marked.py`. Every value is a guess that may be wrong and is never worth the
page: what cannot be read is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any
from urllib.parse import urljoin, urlsplit

from clfnews.page import Line, normalise
from clfnews.readers.html.byline import Byline, read_byline
from clfnews.readers.html.jsonld import Linked, types_of
from clfnews.readers.html.marked import NAMES, Marked
from clfnews.record.cells import MANY_TEXTS, plain_flag, plain_text
from clfnews.record.dates import read_date
from clfnews.record.names import is_publisher, read_names

_URL_DATE = re.compile(r"[/-]((?:19|20)\d\d)([/-]?)(1[0-2]|0[1-9])\2([0-2]\d|3[01])(?=[/._-])")
_WORD = re.compile(r"\w+")
_LONGEST, _LONGEST_URL = 500, 2_000
_ALIKE = 0.5
"""Share of words that an `<h1>` and another headline of the page have in common from which on they are the same."""
_FEW_SPACES, _FEW_SPACED, _UNSPACED = 10, 3, "\u0e00"
"""Spaces more or fewer in the same headline; words of one in a script without spaces, which begin with Thai."""
_CHARS_OF_WORD, _FEW_WORDS, _LONG = 3, 150, 60
"""A text is cut off if it has fewer characters than this a word that it should have; shorter lines are none of it."""


def facts_of(marked: Marked, linked: Linked, lines: Sequence[Line] = (), url: str | None = None) -> dict[str, Any]:
    """What a document says of its page, under the names of the fields of `Page`; without what it does not say.

    Parameters: `lines` that a reader sees, which are asked where the markup
    tells no date or nobody by name; `url` where the document was found, if known.
    `language` is as it is declared.
    """
    meta, items, article, other = marked["meta"], marked["items"], linked.article, linked.other
    own, title, site_name = (
        _canonical(marked, linked, url),
        _seen(_title(marked, linked), lines),
        _first(_site_names(meta, linked)),
    )
    american = _is_american(marked)
    date = _first_date(_published(marked, linked), american)
    authors, are_people = _authors(marked, linked, site_name)
    seen = Byline() if date and are_people else read_byline(lines, title, american)
    modified = chain(_of(article, "dateModified"), _named(meta, NAMES["modified"]), items.get("datemodified", ()),
                     _of(other, "dateModified"))  # fmt: skip
    section = chain(_of(article, "articleSection"), _named(meta, NAMES["sections"]), items.get("articlesection", ()))
    facts: dict[str, Any] = {
        "title": title,
        "url": own,
        "site_name": site_name,
        "date": date or seen.date or _first_date(_in_address(own or url), american),
        "modified": _first_date(modified, american),
        "authors": authors if are_people else seen.authors or authors,
        "language": _language(marked, article),
        "section": _first(section),
        "tags": _tags(meta, article),
        "paywall": _paywall(meta, items, article, other, lines),
        "image": _image(meta, linked, own or url),
    }
    return {name: value for name, value in facts.items() if value not in (None, ())}


def _named(found: dict[str, list[str]], keys: Iterable[str]) -> Iterator[str]:
    """The values of several names, those of the first name first."""
    return chain.from_iterable(found[key] for key in keys if key in found)


def _of(node: dict[str, Any], key: str) -> Iterator[Any]:
    """The values of a key of JSON-LD, one or a list."""
    value = node.get(key)
    return iter(value[:MANY_TEXTS] if isinstance(value, list) else [] if value is None else [value])


def _first(values: Iterable[Any]) -> str | None:
    return next((text for value in values if (text := _text(value))), None)


def _text(value: Any) -> str | None:
    value = value.get("name") or value.get("@value") if isinstance(value, dict) else value
    text = normalise((plain_text(value) or "")[:_LONGEST])
    return (_unescaped(text) if "&" in text else text) or None


def _unescaped(text: str) -> str:
    import html

    return normalise(html.unescape(text))


# --- title ----------------------------------------------------------------------------


def _title(marked: Marked, linked: Linked) -> str | None:
    """The headline that a reader sees: the `<h1>` that the rest of the page calls its title, else what it calls so."""
    told = [text for text in (_first(_named(marked["meta"], NAMES["titles"][:1])), _first(_of(linked.article, "headline")),
                              _first(_named(marked["meta"], NAMES["titles"][1:])), _first(marked["title"])) if text]  # fmt: skip
    heads = [text for text in marked["h1"] if text]
    if not told:
        return heads[0] if heads else None
    scored = [(max(_likeness(head, text) for text in told), -i, head) for i, head in enumerate(heads)]
    best = max(scored, default=(0.0, 0, ""))
    return best[2] if best[0] >= _ALIKE else told[0]


def _seen(title: str | None, lines: Sequence[Line]) -> str | None:
    """A headline as its line has it: markup inside it may set its words apart in another way."""
    if title is None or any(line.text == title for line in lines):
        return title
    letters = "".join(title.split())
    size = len(title)
    near = (line.text for line in lines if abs(len(line.text) - size) < _FEW_SPACES)
    return next((text for text in near if "".join(text.split()) == letters), title)


def _likeness(a: str, b: str) -> float:
    """Share of the words of two texts that are in both; of characters, where no spaces set words apart."""
    one, two = set(_WORD.findall(a.lower())), set(_WORD.findall(b.lower()))
    if len(one) < _FEW_SPACED and max(a, default="") >= _UNSPACED:
        one, two = set(a.lower()), set(b.lower())
    return 2 * len(one & two) / max(len(one) + len(two), 1)


# --- address, dates, language ---------------------------------------------------------


def _canonical(marked: Marked, linked: Linked, url: str | None) -> str | None:
    told = chain(marked["canonical"], marked["meta"].get("og:url", ()), _of(linked.article, "url"))
    return next((found for value in told if (found := _address(value, url))), None)


def _address(value: Any, base: str | None) -> str | None:
    """A whole address of the web; None for all else."""
    text = (plain_text(value) or "").strip()[:_LONGEST_URL]
    try:
        text = urljoin(base, text) if base and text and not text.lower().startswith("http") else text
        return text if text.lower().startswith(("http://", "https://")) and urlsplit(text).hostname else None
    except ValueError:
        return None


def _first_date(values: Iterable[Any], month_first: bool) -> str | None:
    """The first value that is a date."""
    return next((found for value in values if (found := read_date(value, month_first=month_first))), None)


def _published(marked: Marked, linked: Linked) -> Iterator[Any]:
    """All that may be the date of publication, the most likely first."""
    meta, items = marked["meta"], marked["items"]
    yield from _of(linked.article, "datePublished")
    yield from _named(meta, NAMES["dates"][:4])
    yield from items.get("datepublished", ())
    yield from _of(linked.other, "datePublished")
    yield from _named(meta, NAMES["dates"][4:])
    yield from _of(linked.article, "dateCreated")
    yield from _of(linked.other, "uploadDate")
    # The first behind the headline; those before it are of other things.
    times = marked["times"]
    yield from (text for text, heads in times if heads)
    yield from (text for text, heads in times if not heads)


def _in_address(url: str | None) -> Iterator[str]:
    if found := _URL_DATE.search(url or ""):
        yield f"{found[1]}-{found[3]}-{found[4]}"


def _language(marked: Marked, article: dict[str, Any]) -> str | None:
    told = chain(_of(article, "inLanguage"), [marked["lang"]], _named(marked["meta"], NAMES["languages"]))
    return _first(told)


def _is_american(marked: Marked) -> bool:
    told = [marked["lang"], *marked["meta"].get("og:locale", ())]
    return any(text.lower().replace("_", "-").startswith("en-us") for text in told)


# --- people, subjects -----------------------------------------------------------------


def _authors(marked: Marked, linked: Linked, site_name: str | None) -> tuple[tuple[str, ...], bool]:
    """The first authors that are told, and whether they are people: a page that names its publisher may name others below."""
    meta, items = marked["meta"], marked["items"]
    nobody: tuple[str, ...] = ()
    for values in (
        [linked.followed(value) for value in _flat(linked.article.get("author"))],
        *(meta.get(name, ()) for name in NAMES["authors"]),
        items.get("author", ()),
        [linked.followed(value) for value in _flat(linked.other.get("author"))],
        [linked.followed(value) for value in _flat(linked.article.get("creator"))],
        marked["author"],
    ):
        if found := read_names(text for value in values if (text := _text(value))):
            if not all(_is_publisher(value, site_name) for value in values):
                return found, True
            nobody = nobody or found
    return nobody, False


def _flat(value: Any) -> list[Any]:
    """The values of a list and of the lists in it."""
    values = value if isinstance(value, list) else [value]
    return [inner for item in values[:MANY_TEXTS] for inner in (item[:MANY_TEXTS] if isinstance(item, list) else [item])]


def _is_publisher(value: Any, site_name: str | None) -> bool:
    """Whether an author is an organisation, the page's site or the name of one in the web."""
    if isinstance(value, dict) and types_of(value) & {"Organization", "NewsMediaOrganization"}:
        return True
    return is_publisher(_text(value) or "", site_name)


def _site_names(meta: dict[str, list[str]], linked: Linked) -> Iterator[Any]:
    yield from meta.get("og:site_name", ())
    for node in (linked.article, linked.other):
        for value in _of(node, "publisher"):
            yield linked.followed(value) if isinstance(value, dict) else value
    yield linked.site
    yield from _named(meta, NAMES["sites"][1:])


def _tags(meta: dict[str, list[str]], article: dict[str, Any]) -> tuple[str, ...]:
    """Subjects, each once; those of the first source that has some."""
    for values in (meta.get("article:tag", ()), [*_of(article, "keywords")], *(meta.get(name, ()) for name in NAMES["tags"][1:])):
        texts = [text for value in values if (text := _text(value))]
        found = [part.strip() for text in texts for part in re.split(r"[,;，、]", text)]
        unique = tuple(dict.fromkeys(text for text in found if text))[:MANY_TEXTS]
        if unique:
            return unique
    return ()


# --- access, picture ------------------------------------------------------------------


def _paywall(
    meta: dict[str, list[str]], items: dict[str, list[str]], article: dict[str, Any], other: dict[str, Any], lines: Sequence[Line]
) -> bool | None:
    """Whether one has to pay or sign up to read all of the page; None if it does not say so."""
    if lines and _is_cut_off(article, lines):
        return True
    told = [*_of(article, "isAccessibleForFree"), *_of(other, "isAccessibleForFree"), *items.get("isaccessibleforfree", ())]
    flags = [flag for value in (*told, *meta.get("isaccessibleforfree", ())) if (flag := _flag(value)) is not None]
    tiers = {tier.lower() for tier in meta.get("article:content_tier", ())}
    if flags or tiers:
        return False in flags or bool(tiers & {"locked", "metered"})
    return None


def _is_cut_off(article: dict[str, Any], lines: Sequence[Line]) -> bool:
    """Whether the page has far less text than the words that it says it has."""
    words = next((int(value) for value in _of(article, "wordCount") if str(value).isdecimal() and len(str(value)) < 7), 0)
    if words < _FEW_WORDS:
        return False
    return sum(size for line in lines if (size := len(line.text)) >= _LONG) < _CHARS_OF_WORD * words


def _flag(value: Any) -> bool | None:
    return plain_flag(value.rpartition("/")[2] if isinstance(value, str) else value)


def _image(meta: dict[str, list[str]], linked: Linked, base: str | None) -> str | None:
    told: Iterator[Any] = chain(
        _named(meta, NAMES["images"][:3]),
        _of(linked.article, "image"),
        _named(meta, NAMES["images"][3:]),
        _of(linked.other, "image"),
    )
    for value in told:
        value = linked.followed(value)
        value = value.get("url") or value.get("contentUrl") if isinstance(value, dict) else value
        if found := _address(value[0] if isinstance(value, list) and value else value, base):
            return found
    return None
