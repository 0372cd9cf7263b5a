"""Site layouts: the small language in which a page's blocks are written down.

A layout file has a header (`site:`, `name:`, optional `prefix:` and `kind:`),
a line `---`, and the page from top to bottom, one row an output line:

    navigation: Trang chủ               a literal line with its type
    ?0.3 ad: Advertisement              present with probability 0.3
    [0.6                                the rows up to `]`, all or none
    ]
    @title                              the headline (`upper`)
    @lede                               the standfirst
    @body caption=plain readalso=bullet the paragraphs, captions and read-also links
    @teasers 3-6 related :: {title} / {summary}     other stories, one form a story
    @tags 3-6 :: {tag}                  the article's tags (`:: join ", "` on one line)

Rows may hold placeholders such as `{author}` or `{dd}`; `pages.py` fills them.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from clfnews.errors import UserError, nearest
from clfnews.labels import NOISE

CAPTION_STYLES = ("plain", "bar", "split", "double", "markdown", "before", "none", "italic")
READALSO_STYLES = ("plain", "bullet", "label", "summary", "none")
TIME_STYLES = ("ago", "clock", "date", "datetime", "short")
SOURCES = ("related", "other", "mixed")
PLACEHOLDER = re.compile(r"(?<!\{)\{([A-Za-z_0-9]+)\}(?!\})")
PLACEHOLDERS = ("dd", "d", "mm", "m", "yyyy", "yy", "HH", "MM", "weekday", "now", "site", "title", "lede", "section", "section2",
                "author", "source", "topic_tag", "n", "N", "teaser", "related", "summary", "time", "rank", "tag")  # fmt: skip
"""What `pages.py` fills in."""


@dataclass(frozen=True, slots=True)
class LiteralLine:
    """A literal line."""

    type: str
    text: str
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class Title:
    upper: bool = False
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class Lede:
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class Body:
    caption: str = "plain"
    readalso: str = "plain"
    label: str = ""
    links: float = 0.0
    """Share of paragraphs that inline links break into several lines."""
    bullets: bool = False
    inserts: tuple[LiteralLine, ...] = ()
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class Teasers:
    low: int
    high: int
    source: str
    time: str
    form: tuple[LiteralLine, ...]
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class Tags:
    low: int
    high: int
    form: str
    join: str | None
    type: str = "navigation"
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class OptionalRows:
    rows: tuple[LayoutRow, ...]
    p: float = 1.0


LayoutRow = LiteralLine | Title | Lede | Body | Teasers | Tags | OptionalRows


@dataclass(frozen=True, slots=True)
class Layout:
    """One site's page template."""

    site: str
    name: str
    prefix: str
    listing: bool
    """A page without an article (home, section, tag or search page)."""
    rows: tuple[LayoutRow, ...] = field(repr=False)


def load_layouts(folder: Path) -> list[Layout]:
    """All `*.layout` files of a folder, by name; raises `UserError` for a broken one."""
    files = sorted(folder.glob("*.layout"))
    if not files:
        raise UserError(f"{folder}: no *.layout files")
    return [parse_layout(file.read_text(encoding="utf-8"), str(file)) for file in files]


def parse_layout(text: str, source: str = "layout") -> Layout:
    """A layout from its text; raises `UserError` that names source, line and problem."""
    head, separator, body = text.partition("\n---\n")
    if not separator:
        raise UserError(f"{source}: no line '---' between header and rows")
    header = dict(line.split(":", 1) for line in head.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in header.items()}
    if not fields.get("site"):
        raise UserError(f"{source}: the header has no 'site:'")
    stack: list[tuple[float, list[LayoutRow]]] = [(1.0, [])]
    opened_at: list[int] = []
    for number, raw in enumerate(body.splitlines(), head.count("\n") + 3):
        row = raw.strip()
        if not row:
            continue
        try:
            unknown = [name for name in PLACEHOLDER.findall(row) if name not in PLACEHOLDERS]
            if unknown:
                raise ValueError(f"unknown placeholder {{{unknown[0]}}}{nearest(unknown[0], PLACEHOLDERS)}")
            if opened := re.fullmatch(r"\[\s*([\d.]+)", row):
                stack.append((float(opened[1]), []))
                opened_at.append(number)
            elif row == "]":
                if not opened_at:
                    raise ValueError("']' closes no block")
                opened_at.pop()
                p, rows = stack.pop()
                stack[-1][1].append(OptionalRows(tuple(rows), p))
            else:
                stack[-1][1].append(_parse_row(row))
        except ValueError as error:
            raise UserError(f"{source}:{number}: {error}: {row[:80]}") from error
    if opened_at:
        raise UserError(f"{source}:{opened_at[-1]}: a block '[' is not closed")
    return Layout(
        site=fields["site"],
        name=fields.get("name", fields["site"]),
        prefix=fields.get("prefix", ""),
        listing=fields.get("kind") == "listing",
        rows=tuple(stack[0][1]),
    )


def _parse_row(row: str) -> LayoutRow:
    p = 1.0
    if maybe := re.match(r"\?([\d.]+)\s+", row):
        p, row = float(maybe[1]), row[maybe.end() :]
    if not row.startswith("@"):
        return _typed(row, ":", p=p)
    macro, _, rest = row[1:].partition(" ")
    if macro == "title":
        return Title("upper" in rest.split(), p)
    if macro == "lede":
        return Lede(p)
    if macro == "body":
        return _parse_body(rest, p)
    if macro == "teasers":
        return _parse_teasers(rest, p)
    if macro == "tags":
        return _parse_tags(rest, p)
    raise ValueError(f"unknown macro @{macro}")


def _typed(text: str, separator: str, default: str | None = None, p: float = 1.0) -> LiteralLine:
    """`type: text`, or `text` of a default type."""
    kind, found, rest = text.partition(separator)
    if found and kind.strip() in NOISE:
        return LiteralLine(kind.strip(), rest.strip(), p)
    if default is None:
        raise ValueError(f"expected TYPE: TEXT with a type of {', '.join(NOISE)}")
    return LiteralLine(default, text.strip(), p)


def _parse_body(rest: str, p: float) -> Body:
    options: dict[str, str] = {}
    inserts = []
    for item in shlex.split(rest):
        key, _, value = item.partition("=")
        if key == "insert":
            inserts.append(_typed(value, "|"))
        else:
            options[key] = value
    body = Body(
        caption=options.pop("caption", "plain"),
        readalso=options.pop("readalso", "plain"),
        label=options.pop("label", ""),
        links=float(options.pop("links", 0)),
        bullets=options.pop("bullets", "0") == "1",
        inserts=tuple(inserts),
        p=p,
    )
    if options:
        raise ValueError(f"unknown option {sorted(options)[0]!r} of @body")
    if body.caption not in CAPTION_STYLES or body.readalso not in READALSO_STYLES:
        raise ValueError(f"caption={body.caption} or readalso={body.readalso} is not known")
    return body


def _parse_teasers(rest: str, p: float) -> Teasers:
    head, _, form = rest.partition("::")
    match = re.fullmatch(r"(\d+)-(\d+)\s+(\w+)(?:\s+time=(\w+))?\s*", head)
    if not match or match[3] not in SOURCES or (match[4] or "ago") not in TIME_STYLES or not form.strip():
        raise ValueError("expected @teasers LOW-HIGH related|other|mixed [time=STYLE] :: FORM")
    lines = tuple(_typed(part, "|", "teaser") for part in form.strip().split(" / "))
    return Teasers(*_low_high(match), match[3], match[4] or "", lines, p)


def _parse_tags(rest: str, p: float) -> Tags:
    head, _, form = rest.partition("::")
    match = re.match(r"(\d+)-(\d+)", head.strip())
    if not match or not form.strip():
        raise ValueError("expected @tags LOW-HIGH :: FORM")
    form = form.strip()
    if joined := re.fullmatch(r'join "(.*)"', form):
        return Tags(*_low_high(match), "{tag}", joined[1], p=p)
    row = _typed(form, "|", "navigation")
    return Tags(*_low_high(match), row.text, None, row.type, p)


def _low_high(match: re.Match[str]) -> tuple[int, int]:
    low, high = int(match[1]), int(match[2])
    if low > high:
        raise ValueError(f"{low} is more than {high}")
    return low, high
