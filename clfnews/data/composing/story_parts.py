"""The parts of an article as a site marks them up: paragraphs, headings, pictures, lists, tables and quotes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Any, Protocol

from clfnews.data.composing.articles import Article, ArticleLine
from clfnews.data.composing.story_style import StoryStyle


class Words(Protocol):
    """What the drawing asks the site for: words of a role, and other stories (`shown.Shown`)."""

    article: Article | None

    def w(self, role: str) -> str: ...

    def ws(self, role: str, low: int, high: int | None = None) -> list[str]: ...

    def teasers(self, low: int, high: int, source: str = "mixed") -> list[dict[str, Any]]: ...


class Parts:
    """Draws the parts of one article."""

    def __init__(self, style: StoryStyle, shown: Words, rng: random.Random) -> None:
        self.style, self.shown, self.rng = style, shown, rng

    def draw(self, kind: str, parts: list[ArticleLine]) -> list[str]:
        """The HTML of neighbouring parts of a kind (`kind_of`); one that a site does not show is left out."""
        if kind == "li":
            return [self._items(parts)]
        if kind == "row":
            return [self._rows(parts)]
        draw: Callable[[ArticleLine], str] = getattr(self, f"_{kind}")
        return [html for html in map(draw, parts) if html]

    def _p(self, part: ArticleLine) -> str:
        text = self._linked(part.text)
        style = self.style.p
        if style == "br":
            return f'<!--br--><span data-l="{part.type}">{text}</span>'
        if style == "span":
            return f'<p{_attributes(part.type, self.style.p_class)}><span style="font-size:16px">{text}</span></p>'
        if style == "section":
            return f'<div class="block"><div{_attributes(part.type, self.style.p_class)}><p>{text}</p></div></div>'
        return f"<{style}{_attributes(part.type, self.style.p_class)}>{text}</{style}>"

    def _linked(self, text: str) -> str:
        if self.rng.random() >= self.style.links:
            return escape(text)
        cut = pieces(text, self.rng)
        return "".join(f'<a href="/tag/{self.rng.randrange(999)}">{escape(t)}</a>' if link else escape(t) for t, link in cut)

    def _heading(self, part: ArticleLine) -> str:
        text = escape(part.text)
        if self.style.h == "strong":
            return f"<p{_attributes(part.type)}><strong>{text}</strong></p>"
        tag = part.form if self.style.h == "as" else self.style.h
        return f"<{tag}{_attributes(part.type)}>{text}</{tag}>"

    def _time(self, part: ArticleLine) -> str:
        tag = self.rng.choice(("time", "span", "div"))
        return f'<div class="entry-time"><{tag}{_attributes(part.type)}>{escape(part.text)}</{tag}></div>'

    def _quote(self, part: ArticleLine) -> str:
        tag = self.style.quote
        inner = f"<p>{escape(part.text)}</p>" if tag != "p" else f"<em>{escape(part.text)}</em>"
        return f"<{tag}{_attributes(part.type)}>{inner}</{tag}>"

    def _verse(self, part: ArticleLine) -> str:
        return f"<p{_attributes(part.type)}>{escape(part.text)}</p>"

    def _question(self, part: ArticleLine) -> str:
        tag = "b" if self.style.h == "strong" else "strong"
        return f"<p{_attributes(part.type)}><{tag}>{escape(part.text)}</{tag}></p>"

    def _items(self, parts: list[ArticleLine]) -> str:
        if self.style.items == "ul":
            tag = "ol" if len(parts) % 2 else "ul"
            return f"<{tag}>" + "".join(f"<li{_attributes(x.type)}>{self._linked(x.text)}</li>" for x in parts) + f"</{tag}>"
        mark = "- " if self.style.items == "dash" else ""
        return "\n".join(f"<p{_attributes(x.type)}>{mark}{escape(x.text)}</p>" for x in parts)

    def _rows(self, parts: list[ArticleLine]) -> str:
        rows = [part.text.split(" | ") for part in parts]
        if self.style.rows == "p":
            return "\n".join(f'<p data-l="body">{escape(part.text)}</p>' for part in parts)
        if self.style.rows == "div":
            cells = ("".join(f"<span>{escape(cell)}</span> " for cell in row) for row in rows)
            return '<div class="grid">' + "".join(f'<div class="grid-row" data-l="body">{row}</div>' for row in cells) + "</div>"
        head, *rest = rows
        out = ["<table><thead><tr data-l='body'>", *(f"<th>{escape(cell)}</th>" for cell in head), "</tr></thead><tbody>"]
        for row in rest:
            out += ["<tr data-l='body'>", *(f"<td>{escape(cell)}</td>" for cell in row), "</tr>"]
        return "".join(out) + "</tbody></table>"

    def _caption(self, part: ArticleLine) -> str:
        return self.caption(part.text)

    def caption(self, text: str) -> str:
        """A picture with a caption, as far as the site shows them."""
        if self.style.caption == "none" or self.rng.random() >= self.style.shown:
            return '<p><img src="/i/1.jpg" alt=""></p>' if self.style.p != "br" else ""
        text, attributes = escape(self._ended(text)), _attributes("caption", self.style.caption_class)
        image = f'<img src="/i/{self.rng.randrange(1, 90)}.jpg" width="660">'
        return {
            "figure": f"<figure>{image}<figcaption{attributes}>{text}</figcaption></figure>",
            "p": f"<p>{image}</p><p{attributes}>{text}</p>",
            "table": f"<table class='tplCaption'><tr><td>{image}</td></tr><tr><td{attributes}>{text}</td></tr></table>",
            "em": f"<div>{image}</div><p{attributes}><em>{text}</em></p>",
            "div": f"<div class='media'>{image}<div{attributes}>{text}</div></div>",
            "dl": f"<dl class='gallery-item'><dt>{image}</dt><dd{attributes}>{text}</dd></dl>",
        }[self.style.caption]

    def _ended(self, caption: str) -> str:
        """A caption with a full stop or without, as the site has them."""
        if self.style.caption_end == "none":
            return caption.rstrip(".") or caption
        return f"{caption}." if self.style.caption_end == "stop" and caption[-1:].isalnum() else caption

    def _byline(self, part: ArticleLine) -> str:
        side = self.rng.choice((' style="text-align:right"', "", ' class="author"'))
        return f'<p{side} data-l="byline"><strong>{escape(part.text)}</strong></p>'

    def _teaser(self, part: ArticleLine) -> str:
        link = f'<a href="/{self.rng.randrange(9999)}.html">{escape(part.text)}</a>'
        label = escape(self.shown.w("read_also"))
        return {
            "p": f'<p data-l="teaser">{link}</p>',
            "box": f'<div class="inner-related"><span data-l="navigation">{label}</span><p data-l="teaser">{link}</p></div>',
            "ul": f'<ul class="more"><li data-l="teaser">{link}</li></ul>',
            "label": f'<p data-l="teaser"><strong>{label}</strong> {link}</p>',
            "none": "",
        }[self.style.read_also]


def _attributes(label: str, name: str = "") -> str:
    return (f' class="{escape(name)}"' if name else "") + f' data-l="{label}"'


def kind_of(part: ArticleLine) -> str:
    """How a part is drawn: parts of one kind in a row, such as the items of a list, are drawn together."""
    if part.type in ("caption", "byline", "teaser"):
        return part.type
    named = {"h2": "heading", "h3": "heading", "li": "li", "quote": "quote", "row": "row", "time": "time", "question": "question",
             "verse": "verse"}  # fmt: skip
    return named.get(part.form, "p")


def pieces(text: str, rng: random.Random) -> Iterator[tuple[str, bool]]:
    """A paragraph cut at one stretch of it that is a link: (text, whether it is the link)."""
    words = list(re.finditer(r"\S+", text))
    if len(words) < 6:  # a script without spaces, or too short to link
        if len(text) < 24:
            yield text, False
            return
        start = rng.randrange(4, len(text) - 12)
        end = start + rng.randrange(3, 8)
    else:
        first = rng.randrange(1, len(words) - 3)
        last = min(first + rng.randrange(3), len(words) - 2)
        start, end = words[first].start(), words[last].end()
    yield text[:start], False
    yield text[start:end], True
    yield text[end:], False
