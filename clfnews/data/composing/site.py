"""A site that shows articles: a template written as HTML, the words of its language, and its habits.

A template is a Jinja2 file. Every text stands in an element with `data-l`, the
type of its lines (`data-l="teaser"`), or below one; `labels.py` reads it and
strips it. What a template may call is a method or attribute of `Shown`.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from clfnews.data.composing.articles import Article, Story
from clfnews.data.composing.story import draw_story, style_of
from clfnews.errors import UserError

CHROME = frozenset(
    [
        "names",
        "slogans",
        "sections",
        "menu_ui",
        "related",
        "most_read",
        "latest",
        "recommended",
        "tags_heading",
        "read_more",
        "load_more",
        "share",
        "share_heading",
        "article_ui",
        "newsletter",
        "cookie",
        "login",
        "footer_links",
        "legal",
        "app",
        "breadcrumb",
        "series",
    ]
)
"""Words that a site uses on all its pages; other words change from page to page."""
Wording = Mapping[str, Sequence[str]]
"""Role (such as `related`) -> what sites of a language write there: `data/wording/XX.json`."""
DIALOGS = 0.45
"""Share of sites with a dialog about consent or accounts in their pages."""
IMPRINT = 0.5
"""Share of sites whose pages end with the publisher's address, licence and rights, a line each."""
PREFIXED = 0.2
"""Share of sites that begin every lede and summary with their name."""
_PREFIXES = ("({site}) - ", "({site}) – ", "{site} - ", "({short}) ", "({short}) - ", "{site}: ")
RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")
_BLANK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """How the pages of a site are built."""

    name: str
    source: str = field(repr=False)
    languages: tuple[str, ...]
    """Languages it is written for; empty: any."""
    listing: bool
    """A page without an article: a section, a search, an error."""


def load_templates(folder: Path) -> list[Template]:
    """All `*.html` of a folder but those that begin with `_`; their first line is a comment: `{# languages: any; listing #}`."""
    found = []
    for path in sorted(folder.glob("[!_]*.html")):
        source = path.read_text(encoding="utf-8")
        head = re.match(r"\{#(.{0,300}?)#\}", source)
        if not head:
            raise UserError(f"{path}: the first line is not a comment such as {{# languages: any #}}")
        named = re.search(r"languages:\s*([\w ,]+)", head[1])
        languages = tuple(re.findall(r"\w+", named[1])) if named and "any" not in named[1] else ()
        found.append(Template(path.stem, source, languages, "listing" in head[1]))
    if not found:
        raise UserError(f"{folder}: no *.html templates")
    return found


@lru_cache(maxsize=256)
def _compiled(source: str) -> Any:
    from jinja2 import Environment, StrictUndefined

    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(source)


@dataclass(frozen=True, slots=True)
class Site:
    """A template in one language with one set of habits: all its pages share menus, footers and markup."""

    template: Template
    language: str
    wording: Wording = field(repr=False)
    seed: str
    """Of the site's habits."""

    def show(self, article: Article | None, stories: Stories, rng: random.Random) -> str:
        """The HTML of a page, with `data-l` on its elements."""
        shown = Shown(self, article, stories, rng)
        html = str(_compiled(self.template.source).render(_context(shown)))
        return _with_dialog(_with_imprint(html, shown), shown)


@dataclass(slots=True)
class Stories:
    """The other stories that a page can tease, by how near they are; each is shown once before any again."""

    related: list[Story]
    """Of the same actors and subject."""
    other: list[Story]
    _next: dict[str, int] = field(default_factory=dict)

    def take(self, source: str, rng: random.Random) -> Story | None:
        """The next story of `related`, `other` or `mixed`."""
        if source == "mixed":
            source = "related" if rng.random() < 0.6 else "other"
        first, second = (self.related, self.other) if source == "related" else (self.other, self.related)
        both = [*first, *second]
        if not both:
            return None
        at = self._next.get(source, 0)
        self._next[source] = at + 1
        return both[at % len(both)]


def _with_dialog(html: str, shown: Shown) -> str:
    """The page with the site's dialog about consent or accounts: long sentences, at the top or the end, hidden or open."""
    if not shown.site_chance(DIALOGS):
        return html
    box, hidden = (
        shown.site_pick(("onetrust-consent", "cmp-layer modal", "privacy-manager", "cookie-wall", "subscribe-dialog")),
        "",
    )
    if shown.site_chance(0.5):
        hidden = shown.site_pick((' style="display:none"', " hidden", ' aria-hidden="true"'))
    tag = shown.site_pick(("p", "p", "div", "li"))
    lines = [
        f"<{'h2' if len(text) < 60 else tag}>{escape(text)}</{'h2' if len(text) < 60 else tag}>"
        for text in shown.ws("consent", 3, 14)
    ]
    dialog = f'<div class="{box}"{hidden} data-l="ui"><div class="content">{"".join(lines)}</div></div>'
    at = re.search(r"<body[^>]*>", html, re.IGNORECASE)
    if at and shown.site_chance(0.5):
        return html[: at.end()] + dialog + html[at.end() :]
    end = html.lower().rfind("</body>")
    return html[:end] + dialog + html[end:] if end >= 0 else html + dialog


def _with_imprint(html: str, shown: Shown) -> str:
    """The page with the publisher's block at its end: licence, address, telephone, rights."""
    if not shown.site_chance(IMPRINT):
        return html
    tag = shown.site_pick(("p", "p", "div", "li", "span"))
    lines = shown.ws("imprint", 3, 10)
    texts = [escape(text) for text in lines]
    inner = "<br>".join(texts) if shown.site_chance(0.3) else "".join(f"<{tag}>{text}</{tag}>" for text in texts)
    outer = shown.site_pick(("footer", "div", "div", "address", "section"))
    name = shown.site_pick(("", ' class="footer-info"', ' class="bottom"', ' class="copyright"', ' id="ft"', ' class="coquan"'))
    block = f'<{outer}{name} data-l="ui">{inner}</{outer}>'
    end = html.lower().rfind("</body>")
    return html[:end] + block + html[end:] if end >= 0 else html + block


def _context(shown: Shown) -> dict[str, Any]:
    names = [name for name in dir(shown) if not name.startswith("_")]
    return {name: getattr(shown, name) for name in names}


class Shown:
    """What a template sees while one page is drawn.

    Words: `w(role)`, one; `ws(role, low, high)`, several without repeats.
    Chance: `chance(p)`, `pick(list)`, `between(low, high)` differ from page to
    page; `site_chance`, `site_pick`, `site_between` are the same on all pages.
    """

    def __init__(self, site: Site, article: Article | None, stories: Stories, rng: random.Random) -> None:
        self._site, self._stories, self._rng = site, stories, rng
        self._asked: Counter[str] = Counter()
        self.lang = site.language
        self.dir = "rtl" if site.language in RIGHT_TO_LEFT else "ltr"
        self.site = random.Random(f"{site.seed}-name").choice(list(site.wording["names"]))
        self._prefix = self._drawn_prefix()
        self.article = article.after(self._prefix) if article else None
        self.when = _date_of(article, rng)
        self.section = (article.section if article else "") or self.w("sections")
        self.host = re.sub(r"[^a-z0-9]+", "", site.template.name) + ".example"

    def _drawn_prefix(self) -> str:
        rng = random.Random(f"{self._site.seed}-prefix")
        if rng.random() >= PREFIXED:
            return ""
        words = self.site.split()
        short = "".join(word[0] for word in words).upper() if len(words) > 1 else self.site
        return rng.choice(_PREFIXES).format(site=self.site, short=short)

    # --- chance ---------------------------------------------------------------

    def chance(self, p: float) -> bool:
        return self._rng.random() < p

    def pick(self, items: Sequence[Any]) -> Any:
        return self._rng.choice(items)

    def between(self, low: int, high: int) -> int:
        return self._rng.randint(low, high)

    def _of_site(self, what: str) -> random.Random:
        """The same draw on every page, whatever else a page asks for: by what is asked and how often it was before."""
        self._asked[what] += 1
        return random.Random(f"{self._site.seed}-{what}-{self._asked[what]}")

    def site_chance(self, p: float) -> bool:
        return self._of_site(f"chance {p}").random() < p

    def site_pick(self, items: Sequence[Any]) -> Any:
        return self._of_site(f"pick {items}").choice(items)

    def site_between(self, low: int, high: int) -> int:
        return self._of_site(f"between {low} {high}").randint(low, high)

    # --- words ----------------------------------------------------------------

    def w(self, role: str) -> str:
        """A word or sentence of a role, its blanks filled."""
        rng = self._of_site(role) if role in CHROME else self._rng
        return self._filled(rng.choice(list(self._site.wording[role])))

    def ws(self, role: str, low: int, high: int | None = None) -> list[str]:
        """Between `low` and `high` different ones."""
        rng = self._of_site(role) if role in CHROME else self._rng
        words = list(self._site.wording[role])
        n = min(rng.randint(low, high or low), len(words))
        return [self._filled(word) for word in rng.sample(words, n)]

    def _filled(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            name, words = match[1], self._site.wording
            if name in ("n", "N"):
                return str(self._rng.randrange(2, 60 if name == "n" else 9000))
            if name == "section":
                return getattr(self, "section", None) or self._rng.choice(list(words["sections"]))
            if name == "author":
                return self.author
            return self._rng.choice(list(words[f"{name}s"])) if f"{name}s" in words else match[0]

        return _BLANK.sub(value, text)

    @property
    def author(self) -> str:
        own = self.article.author if self.article else ""
        return own or self._rng.choice(list(self._site.wording["authors"]))

    @property
    def slogan(self) -> str:
        return self.w("slogans")

    def date(self, pattern: str | None = None) -> str:
        """When the page was published, as the language writes it."""
        return self._time(pattern or self.site_pick(list(self._site.wording["dates"])), self.when)

    def ago(self) -> str:
        """When another story was published: "3 hours ago", or a date."""
        words = self._site.wording
        if self._rng.random() < 0.5:
            return self._rng.choice(list(words["ago"])).replace("{n}", str(self._rng.randrange(2, 24)))
        then = self.when - timedelta(minutes=self._rng.randrange(3, 60 * 24 * 30))
        return then.strftime(self._rng.choice(("%d/%m/%Y", "%H:%M", "%d.%m.%Y", "%Y-%m-%d", "%d/%m %H:%M")))

    def _time(self, pattern: str, when: datetime) -> str:
        words = self._site.wording
        pattern = pattern.replace("%B", words["months"][when.month - 1]).replace("%A", words["weekdays"][when.weekday()])
        pattern = pattern.replace("{weekday}", words["weekdays"][when.weekday()])
        return when.strftime(self._filled(pattern).encode("utf-8", "surrogateescape").decode("utf-8"))

    def byline(self) -> str:
        return self.w("bylines")

    # --- stories --------------------------------------------------------------

    def teasers(self, low: int, high: int, source: str = "mixed") -> list[dict[str, Any]]:
        """Other stories: `title`, `summary` (may be empty), `section`, `time`, `author`, `paragraphs`, `rank`."""
        out = []
        for rank in range(1, self._rng.randint(low, high) + 1):
            story = self._stories.take(source, self._rng)
            if story is None:
                break
            out.append({
                "title": story.title, "summary": self._prefix * bool(story.summary) + story.summary,
                "section": story.section or self._pick_word("sections"),
                "time": self.ago(), "author": self._pick_word("authors"), "paragraphs": list(story.paragraphs) or [story.summary],
                "rank": rank,
            })  # fmt: skip
        return out

    def _pick_word(self, role: str) -> str:
        return self._rng.choice(list(self._site.wording[role]))

    def comments(self, low: int, high: int) -> list[dict[str, str]]:
        """Comments of readers: `name`, `text`, `time`."""
        texts = self.ws("reader_comments", low, high)
        return [{"name": self._pick_word("reader_names"), "text": text, "time": self.ago()} for text in texts]

    def story(self, *, lede: bool = True, **fixed: Any) -> Any:
        """The body as the site marks it up; options of `story.StoryStyle` may be fixed."""
        if self.article is None:
            return ""
        style = style_of(random.Random(f"{self._site.seed}-story"), fixed)
        return draw_story(self.article, style, self, self._rng, lede=lede)


def _date_of(article: Article | None, rng: random.Random) -> datetime:
    try:
        return datetime.strptime(article.date if article else "", "%Y-%m-%d %H:%M")
    except ValueError:
        return datetime(2012, 1, 1, 6) + timedelta(minutes=rng.randrange(60 * 24 * 365 * 14))
