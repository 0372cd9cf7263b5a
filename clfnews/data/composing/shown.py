"""What a template sees while one page is drawn: words, chances, dates, other stories and the article."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from clfnews.data.composing.articles import Article
from clfnews.data.composing.site import Site, Stories
from clfnews.data.composing.story import draw_story
from clfnews.data.composing.story_style import style_of

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
PREFIXED = 0.2
"""Share of sites that begin every lede and summary with their name."""
_PREFIXES = ("({site}) - ", "({site}) – ", "{site} - ", "({short}) ", "({short}) - ", "{site}: ")
RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")
_BLANK = re.compile(r"\{(\w+)\}")


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
        """The body as the site marks it up; options of `story_style.StoryStyle` may be fixed."""
        if self.article is None:
            return ""
        style = style_of(random.Random(f"{self._site.seed}-story"), fixed)
        return draw_story(self.article, style, self, self._rng, lede=lede)


def _date_of(article: Article | None, rng: random.Random) -> datetime:
    try:
        return datetime.strptime(article.date if article else "", "%Y-%m-%d %H:%M")
    except ValueError:
        return datetime(2012, 1, 1, 6) + timedelta(minutes=rng.randrange(60 * 24 * 365 * 14))
