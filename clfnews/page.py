"""`Page` and `Line`, and the only place where text becomes lines."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from clfnews.record.cells import facts_of_row, plain_text, whole

# Marks without width that converters leave inside words: soft hyphen,
# zero-width space, word joiner, byte order mark, direction marks. Variation
# selectors stay: they belong to the sign before them.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
# Joiners (U+200C, U+200D) are letters of Persian and Indic words and hold emoji
# together; after any other character they are leftovers of a converter.
_LOOSE_JOINERS = re.compile(
    "(?<![\u0590-\u1cff\ua800-\uabff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U0001efff"
    "\u2194\u2195\u2600-\u27bf\u2b05-\u2b55\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]+"
)
# Control characters other than white space; NUL would end a C string.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")

# Sorting the marks above and below a letter takes the square of their number.
# Thirty are more than any language needs (Unicode annex 15, stream-safe text).
_MAX_MARKS = 30
_FAR_RUN = re.compile(f"[^\\x00-\u02ff]{{{_MAX_MARKS + 1}}}")
"""What holds every run that is too long, and can be searched fast."""

MAX_LINE_CHARS = 100_000
"""Characters of a line that are read; the rest of a longer one is cut off."""


class Cues(NamedTuple):
    """What the HTML told about a line (absent for plain text)."""

    tag: str
    """Name of the block element that holds the line, such as `p` or `li`."""
    link_density: float
    """Share of the line's characters inside `<a>`, 0 to 1."""
    region: str
    """Nearest landmark: `main`, `article`, `nav`, `header`, `footer`, `aside`, `form` or ``."""
    depth: int
    """Number of elements around the line."""
    hint: str = ""
    """What class and id of the innermost telling box say, such as `related` (`lexicons/html.toml`)."""
    path: str = ""
    """The blocks around the line, outermost first, each as `/`, its tag and the words of its class and id."""
    shared: int = 0
    """How many of these blocks are also around the line before: with `path`, the page's tree."""
    hidden: bool = False
    """Whether a box around the line is hidden until a script or a click shows it."""


READERS: dict[str, Callable[..., Any]] = {}
"""What `Page.from_html` reads with (`html`); the face puts it here, since this module is below the readers."""


@dataclass(frozen=True, slots=True)
class Line:
    """One non-empty line of a page."""

    text: str
    """Normalised text (`normalise`)."""
    n: int
    """1-based number of the line in its source, counting empty lines."""
    type: str | None = None
    """One of `labels.TYPES` when labelled."""
    stance: str | None = None
    """One of `labels.STANCES` when labelled; only on article lines."""
    cues: Cues | None = None
    labels: Mapping[str, str] | None = field(default=None, hash=False)
    """Task -> label, of the tasks other than `type` and `stance`, when labelled."""

    def label(self, task: str) -> str | None:
        """Its label of a task, when labelled."""
        if task in ("type", "stance"):
            found: str | None = getattr(self, task)
            return found
        return self.labels.get(task) if self.labels else None


@dataclass(frozen=True, slots=True)
class Page:
    """One web page as its lines, top to bottom."""

    id: str
    lines: tuple[Line, ...]
    url: str | None = None
    site: str | None = None
    """Host of the address, without `www.`."""
    date: str | None = None
    """When it was published: as a row gives it, from markup in the form of ISO 8601."""
    source: str | None = None
    """The file it was read from."""
    labels: Mapping[str, str] | None = field(default=None, hash=False)
    """Task -> label, of the tasks of pages, when labelled."""
    own: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The fields of its row that are the user's own, of any type: they go out with the result."""
    text_from: str = "page"
    """Where the article of an HTML document stands: `page`; or, if the page shows none by itself, `noscript`, `hidden` (boxes
    that a script opens), `json-ld` or `state` (data of the page's program)."""
    title: str | None = None
    """The headline that a reader sees."""
    site_name: str | None = None
    modified: str | None = None
    """When it was last changed, as `date`."""
    authors: tuple[str, ...] = ()
    language: str | None = None
    """ISO 639 code: what the page declares, and from `PageFilter.tag` on what its text is in."""
    language_p: float | None = None
    """How sure that is, 0 to 1; None if it was declared."""
    section: str | None = None
    tags: tuple[str, ...] = ()
    paywall: bool | None = None
    """Whether one has to pay or sign up to read all of it; None: not known."""
    image: str | None = None
    """Address of its main picture."""
    guessed: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """Names of the fields above that were read from markup, where better evidence may replace them."""

    @classmethod
    def from_text(cls, text: str, id: str = "page", **meta: Any) -> Page:
        """A page from extracted text, one line of text a `Line`.

        `meta`: any of `record.cells.FACTS`. The site defaults to the host of the URL.
        """
        return cls(id=id, lines=lines_of(text), **_with_site(meta))

    @classmethod
    def from_lines(cls, lines: Iterable[str], id: str = "page", **meta: Any) -> Page:
        """A page from texts of lines; empty ones are dropped but counted in `n`."""
        clean = ((n, normalise(text)) for n, text in enumerate(lines, 1))
        return cls(id=id, lines=tuple(Line(text, n) for n, text in clean if text), **_with_site(meta))

    @classmethod
    def from_html(cls, html: str | bytes, id: str = "page", *, url: str | None = None, hidden: bool = False) -> Page:
        """A page from an HTML document, one block that a reader sees a `Line`: the same as `clfnews.read_html`."""
        page: Page = READERS["html"](html, id, url=url, hidden=hidden)
        return page

    @classmethod
    def from_row(cls, row: Mapping[str, Any], id: str = "page") -> Page:
        """A page from a gold or input row: `lines` (dicts or strings) or `text`.

        What else it has may be of any type: `facts_of_row` says what becomes of it.
        Raises `ValueError` that names the key that is missing or of the wrong kind.
        """
        meta = facts_of_row(row)
        page_id = plain_text(row.get("id")) or id
        if row.get("lines") is None:
            text = row.get("text")
            if isinstance(text, bytes):
                text = text.decode("utf-8", errors="replace")
            if not isinstance(text, str):
                raise ValueError("needs 'text' (a string) or 'lines' (a list)")
            return cls.from_text(text, page_id, **meta)
        if not isinstance(row["lines"], (list, tuple)):
            raise ValueError("'lines' is not a list")
        lines = (_line_of(item, n) for n, item in enumerate(row["lines"], 1))
        return cls(id=page_id, lines=tuple(line for line in lines if line.text), **_with_site(meta))

    @property
    def text(self) -> str:
        """The lines joined by newlines."""
        return "\n".join(line.text for line in self.lines)

    def with_lines(self, lines: Iterable[Line]) -> Page:
        """The same page with other lines."""
        return replace(self, lines=tuple(lines))


def joined(lines: Iterable[Line], labels: Mapping[str, str] | None = None) -> Line:
    """Lines as one, which is what models of pages read."""
    return Line(normalise(" ".join(line.text for line in lines)), 1, labels=labels)


def normalise(text: str) -> str:
    """One line of text in the form that models, labels and checks use.

    NFC; every run of white space becomes one space; marks without width and
    control characters go, but for joiners that are letters; half characters
    become U+FFFD; a letter keeps its first `_MAX_MARKS` marks; cut at
    `MAX_LINE_CHARS`. Idempotent, in time that grows with the text alone.
    """
    text = text[: 4 * MAX_LINE_CHARS]
    # Every character that has to be cleaned away is unprintable, and few lines hold one.
    if not text.isprintable() or "  " in text or text[:1] == " " or text[-1:] == " ":
        text = " ".join(text.split())
        if not text.isprintable():  # more than white space
            text = _CONTROL.sub(" ", _INVISIBLE.sub("", text))
            text = " ".join(_LOOSE_JOINERS.sub("", whole(text)).split())
    if not text.isascii():
        if _FAR_RUN.search(text):
            # Twice: a few marks are two once they are composed.
            text = _few_marks(unicodedata.normalize("NFC", _few_marks(text)))
        elif not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
    return text[:MAX_LINE_CHARS].rstrip()


def _few_marks(text: str) -> str:
    """The text without the marks of a letter after its first `_MAX_MARKS`."""
    return _many_marks().sub(r"\1", text)


@lru_cache(maxsize=1)
def _many_marks() -> re.Pattern[str]:
    marks = "".join(char for char in map(chr, range(0x300, sys.maxunicode + 1)) if unicodedata.combining(char))
    return re.compile(f"([{marks}]{{{_MAX_MARKS}}})[{marks}]+")


def lines_of(text: str) -> tuple[Line, ...]:
    r"""Split text into its non-empty, normalised lines.

    A line ends at ``\n``, ``\r\n`` or ``\r``, as editors and ``grep -n`` count.
    The further breaks of `str.splitlines` (``\x0b \x0c \x1c-\x1e \x85 \u2028
    \u2029``) count as spaces: inside web text they are leftovers, and line
    numbers have to agree with what a user sees.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    clean = ((n, normalise(part)) for n, part in enumerate(text.split("\n"), 1) if part)
    return tuple(Line(part, n) for n, part in clean if part)


def _line_of(item: Any, n: int) -> Line:
    if isinstance(item, str):
        return Line(normalise(item), n)
    if not isinstance(item, Mapping) or not isinstance(item.get("text"), str):
        raise ValueError(f"line {n} has no 'text'")
    number, cues = item.get("n"), item.get("cues")
    if not isinstance(number, int | None) or isinstance(number, bool):
        raise ValueError(f"line {n}: 'n' is not a whole number: {number!r:.80}")
    if cues and not _are_cues(cues):
        raise ValueError(f"line {n}: 'cues' needs exactly {', '.join(Cues._fields)}, as texts and numbers")
    return Line(
        text=normalise(item["text"]),
        n=number if number and 0 < number < _MAX_NUMBER else n,
        type=_optional_text(item, "type"),
        stance=_optional_text(item, "stance"),
        cues=_bounded(Cues(**cues)) if cues else None,
        labels=item["labels"] if isinstance(item.get("labels"), Mapping) else None,
    )


_MAX_NUMBER = 2**31
"""Line numbers are smaller: they have 32 bits in some of the files that are written."""


def _bounded(cues: Cues) -> Cues:
    """Cues with numbers as the reader of HTML gives them, whatever a file says."""
    density = min(max(cues.link_density, 0.0), 1.0) if cues.link_density == cues.link_density else 0.0
    return cues._replace(link_density=density, depth=min(max(cues.depth, 0), 10**6), shared=min(max(cues.shared, 0), 10**6))


def _are_cues(cues: Any) -> bool:
    if not isinstance(cues, Mapping) or set(cues) | set(Cues._field_defaults) != set(Cues._fields):
        return False
    kinds = {"link_density": int | float, "depth": int, "shared": int, "hidden": bool}
    return all(isinstance(value, kinds.get(key, str)) for key, value in cues.items())


def _optional_text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key!r} is not a string: {value!r:.80}")
    return whole(value) if value else None


def _with_site(meta: Mapping[str, Any]) -> dict[str, Any]:
    meta = dict(meta)
    if not meta.get("site") and meta.get("url"):
        meta["site"] = site_of(str(meta["url"]))
    return meta


def site_of(url: str) -> str | None:
    """Host of an address, without `www.`; None if it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.") or None
    except ValueError:  # "http://[a": the page is still a page
        return None
