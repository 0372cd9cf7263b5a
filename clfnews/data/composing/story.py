"""The body of an article as sites mark it up: paragraphs, headings, pictures, lists, and what stands in the middle of it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from html import escape
from itertools import groupby
from typing import Any, Protocol

from clfnews.data.composing.articles import Article, ArticleLine


class Words(Protocol):
    """What the drawing asks the site for: words of a role, and other stories (`site.Shown`)."""

    article: Article | None

    def w(self, role: str) -> str: ...

    def ws(self, role: str, low: int, high: int | None = None) -> list[str]: ...

    def teasers(self, low: int, high: int, source: str = "mixed") -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class StoryStyle:
    """A site's habits; `CHOICES` has the values, common ones more often."""

    p: str = "p"
    """`p`, `div`, `br` (one box, texts between breaks), `span` (a span in a p), `section` (each in a box of its own)."""
    p_class: str = ""
    h: str = "as"
    """`as`: h2 and h3 as the article has them; `strong`: a bold paragraph; `h3`, `h4`."""
    caption: str = "figure"
    """`figure`, `p`, `table`, `em`, `div`, `dl`, `none` (not shown)."""
    caption_class: str = ""
    items: str = "ul"
    """List items: `ul`, `dash`, `p`."""
    rows: str = "table"
    """Table rows: `table` (with `th` in the first row), `p`, `div` (a grid of boxes)."""
    read_also: str = "p"
    """A link to another story in the middle: `p`, `box`, `ul`, `label`, `none`."""
    quote: str = "blockquote"
    """`blockquote`, `p`, `aside`."""
    links: float = 0.1
    """Share of paragraphs with a link in them."""
    inserts: float = 0.3
    """Chance of each kind of box between paragraphs on a page."""
    groups: int = 0
    """Paragraphs in a box before the next one begins, often behind a wall of offers; 0: one box."""
    shown: float = 0.8
    """Share of captions that are shown."""


CHOICES: Mapping[str, tuple[Any, ...]] = {
    "p": ("p",) * 9 + ("div", "div", "br", "br", "span", "section"),
    "p_class": ("", "", "", "", "Normal", "article__p", "css-1k2j", "text-block", "paragraph", "ArticleParagraph"),
    "h": ("as", "as", "as", "strong", "h3", "h4"),
    "caption": ("figure", "figure", "figure", "figure", "p", "p", "table", "em", "div", "dl", "none"),
    "caption_class": ("", "caption", "wp-caption-text", "Image", "PhotoCMS_Caption", "media-caption", "credit", "desc", "legend"),
    "items": ("ul", "ul", "ul", "dash", "p"),
    "rows": ("table", "table", "table", "div", "p"),
    "read_also": ("p", "p", "box", "ul", "label", "none"),
    "quote": ("blockquote", "blockquote", "p", "aside"),
    "links": (0.0, 0.05, 0.1, 0.1, 0.25, 0.5),
    "inserts": (0.0, 0.15, 0.3, 0.3, 0.5, 0.8),
    "groups": (0, 0, 0, 0, 3, 6),
    "shown": (1.0, 1.0, 0.7, 0.4),
}


def style_of(rng: random.Random, fixed: Mapping[str, Any]) -> StoryStyle:
    """A site's style, drawn but for what its template fixes."""
    drawn = {f.name: rng.choice(CHOICES[f.name]) for f in fields(StoryStyle)}
    return replace(StoryStyle(**drawn), **fixed)


def draw_story(article: Article, style: StoryStyle, shown: Words, rng: random.Random, *, lede: bool) -> Any:
    """The HTML of the body, as `markupsafe.Markup`."""
    from markupsafe import Markup

    return Markup(_Drawing(article, style, shown, rng, lede).html())


def _attributes(label: str, name: str = "") -> str:
    return (f' class="{escape(name)}"' if name else "") + f' data-l="{label}"'


class _Drawing:
    def __init__(self, article: Article, style: StoryStyle, shown: Words, rng: random.Random, lede: bool) -> None:
        self.style, self.shown, self.rng = style, shown, rng
        parts = [part for part in article.parts if part.type != "title"]
        if not lede and article.lede:
            first = next(i for i, part in enumerate(parts) if part.type == "body")
            parts = parts[:first] + parts[first + 1 :]
        self.parts = parts

    def html(self) -> str:
        out: list[str] = []
        boxes = self._boxes()
        for kind, group in groupby(self.parts, key=_kind_of):
            parts = list(group)
            drawn = self._group(kind, parts)
            for html in drawn:
                out.append(html)
                if kind == "p" and boxes and self.rng.random() < 0.35:
                    out.append(boxes.pop())
        if self.rng.random() < self.style.inserts:
            out.append(self._notice())
        if self.style.p == "br":
            return _joined_by_breaks(out)
        return self._grouped(out) if self.style.groups else "\n".join(out)

    def _grouped(self, parts: list[str]) -> str:
        """The story in several boxes, with walls of offers between some."""
        out = []
        for at in range(0, len(parts), self.style.groups):
            out.append('<div class="content-group">' + "\n".join(parts[at : at + self.style.groups]) + "</div>")
            if at + self.style.groups < len(parts) and self.rng.random() < 0.5:
                out.append(self._wall())
        return "\n".join(out)

    def _wall(self) -> str:
        """Offers of subscriptions and accounts, several of which only one is shown: many lines, some of them sentences."""
        shown, rng = self.shown, self.rng
        out = []
        for _ in range(rng.randint(1, 3)):
            items = [*shown.ws("paywall", 1, 4), *shown.ws("newsletter", 1, 3), *shown.ws("login", 1, 5)]
            rng.shuffle(items)
            lines = "".join(f"<li>{escape(text)}</li>" for text in items)
            pitch = escape(rng.choice((shown.w("consent"), shown.w("paywall"), shown.w("newsletter"))))
            button = f"<button>{escape(shown.w('read_more'))}</button>"
            out.append(f'<div class="offer"><h4>{escape(shown.w("paywall"))}</h4><p>{pitch}</p><ul>{lines}</ul>{button}</div>')
        hidden = rng.choice(("", "", "", ' style="display:none"'))
        return f'<section class="wall"{hidden} data-l="ui">{"".join(out)}</section>'

    def _group(self, kind: str, parts: list[ArticleLine]) -> list[str]:
        if kind == "li":
            return [self._items(parts)]
        if kind == "row":
            return [self._rows(parts)]
        draw: Callable[[ArticleLine], str] = getattr(self, f"_{kind}")
        return [html for html in map(draw, parts) if html]

    # --- the article's own parts ------------------------------------------------

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
        if self.style.caption == "none" or self.rng.random() >= self.style.shown:
            return '<p><img src="/i/1.jpg" alt=""></p>' if self.style.p != "br" else ""
        text, attributes = escape(part.text), _attributes("caption", self.style.caption_class)
        image = f'<img src="/i/{self.rng.randrange(1, 90)}.jpg" width="660">'
        return {
            "figure": f"<figure>{image}<figcaption{attributes}>{text}</figcaption></figure>",
            "p": f"<p>{image}</p><p{attributes}>{text}</p>",
            "table": f"<table class='tplCaption'><tr><td>{image}</td></tr><tr><td{attributes}>{text}</td></tr></table>",
            "em": f"<div>{image}</div><p{attributes}><em>{text}</em></p>",
            "div": f"<div class='media'>{image}<div{attributes}>{text}</div></div>",
            "dl": f"<dl class='gallery-item'><dt>{image}</dt><dd{attributes}>{text}</dd></dl>",
        }[self.style.caption]

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

    # --- what stands between paragraphs -------------------------------------------

    def _boxes(self) -> list[str]:
        rng = self.rng
        kinds: list[tuple[Callable[[], str], float]] = [
            (self._ad, 1.0), (self._related, 1.0), (self._newsletter, 0.6), (self._player, 0.6), (self._other_story, 0.4),
            (self._tools, 0.6), (self._sign_up, 0.5), (self._more, 0.5), (self._ad, 0.6), (self._notice, 0.8),
            (self._picture, 1.0),
        ]  # fmt: skip
        chosen = [kind for kind, share in kinds if rng.random() < self.style.inserts * share]
        rng.shuffle(chosen)
        return [kind() for kind in chosen]

    def _ad(self) -> str:
        return f'<div class="ad-slot" data-l="ad"><span>{escape(self.shown.w("ads"))}</span></div>'

    def _related(self) -> str:
        summaries = self.rng.random() < 0.4
        out = [
            f'<aside class="related-inline"><h4 data-l="navigation">{escape(self.shown.w("related"))}</h4><ul data-l="teaser">'
        ]
        for story in self.shown.teasers(1, 4, "related"):
            more = f"<p>{escape(story['summary'])}</p>" if summaries and story["summary"] else ""
            out.append(f'<li><a href="#">{escape(story["title"])}</a>{more}</li>')
        return "".join(out) + "</ul></aside>"

    def _picture(self) -> str:
        """A picture of the archive: its caption reads like a sentence and names nobody of the story."""
        return "\n".join(self._caption(ArticleLine("caption", text, "p")) for text in self.shown.ws("captions", 1, 2))

    def _newsletter(self) -> str:
        return f'<div class="nl-box" data-l="ad"><p>{escape(self.shown.w("newsletter"))}</p></div>'

    def _player(self) -> str:
        """A video with its buttons, often under the headline once more."""
        words = self.shown.ws("video_ui", 1, 4)
        copy = f"<h5>{escape(self.shown.article.title)}</h5>" if self.shown.article and self.rng.random() < 0.5 else ""
        return (
            f'<div class="player" data-l="ui">{copy}' + "".join(f"<span>{escape(word)}</span><br>" for word in words) + "</div>"
        )

    def _sign_up(self) -> str:
        """The form of a newsletter or a subscription: a heading, what one gets, buttons, a sentence of law."""
        shown = self.shown
        items = "".join(
            f"<li>{escape(text)}</li>" for text in shown.ws(self.rng.choice(("newsletter", "paywall", "topics")), 2, 5)
        )
        closing = "".join(f"<p>{escape(text)}</p>" for text in shown.ws(self.rng.choice(("login", "cookie")), 1, 3))
        hidden = self.rng.choice(("", "", ' style="display:none"', " hidden"))
        head = f'<section class="subscribe"{hidden} data-l="ad"><h4>{escape(shown.w("newsletter"))}</h4>'
        button = f'<button data-l="ui">{escape(shown.w("read_more"))}</button>'
        return f'{head}<ul>{items}</ul>{button}<div data-l="ui">{closing}</div></section>'

    def _more(self) -> str:
        """Cards of other stories, pictures first, some with a summary."""
        out = [f'<div class="more-topic"><div class="head" data-l="navigation">{escape(self.shown.w("recommended"))}</div>']
        for story in self.shown.teasers(2, 4, "mixed"):
            time = f"<time>{escape(story['time'])}</time>" if self.rng.random() < 0.4 else ""
            title = escape(story["title"])
            out.append(f'<div class="item" data-l="teaser"><a href="#"><img src="t.jpg"><h3>{title}</h3></a>{time}</div>')
        return "".join(out) + "</div>"

    def _other_story(self) -> str:
        """A box with whole paragraphs of another story."""
        told = [story for story in self.shown.teasers(3, 3, "related") if len(story["paragraphs"]) > 1]
        if not told:
            return self._related()
        story = told[0]
        text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in story["paragraphs"])
        return f'<div class="box-story" data-l="teaser"><h3>{escape(story["title"])}</h3>{text}</div>'

    def _notice(self) -> str:
        """A sentence of the house in the dress of a paragraph: follow us, an appeal, a rule for comments, an image's place."""
        texts = self.shown.ws("boilerplate", 1, 2)
        tag = self.rng.choice(("p", "p", "div", "em"))
        return "\n".join(f'<{tag} data-l="ui">{escape(text)}</{tag}>' for text in texts)

    def _tools(self) -> str:
        return f'<div class="tools" data-l="ui"><button>{escape(self.shown.w("article_ui"))}</button></div>'


def _kind_of(part: ArticleLine) -> str:
    if part.type in ("caption", "byline", "teaser"):
        return part.type
    named = {"h2": "heading", "h3": "heading", "li": "li", "quote": "quote", "row": "row", "time": "time", "question": "question",
             "verse": "verse"}  # fmt: skip
    return named.get(part.form, "p")


def _joined_by_breaks(parts: list[str]) -> str:
    """Texts in one box with breaks between them, boxes as they are."""
    out = []
    for part in parts:
        out.append(part.removeprefix("<!--br-->") + "<br><br>" if part.startswith("<!--br-->") else part)
    return '<div class="content-body">' + "\n".join(out) + "</div>"


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
