"""What the rows of a layout are filled with on one page: its values (date, author, section) and the stories that it teases."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta

from clfnews.data.composing.articles import Article, Story
from clfnews.data.composing.cells import TextCell
from clfnews.data.composing.layout import PLACEHOLDER, Layout
from clfnews.data.composing.wording import AGENCIES, AUTHORS, SECTIONS, WEEKDAYS


class PageTexts:
    """The texts of one page; every story is given once before any again."""

    def __init__(self, cell: TextCell, layout: Layout, article: Article | None, rng: random.Random) -> None:
        self.layout, self.article, self.rng = layout, article, rng
        self.when = self._date()
        self.values = self._values()
        self.queues = self._story_queues(cell)

    def _date(self) -> datetime:
        try:
            return datetime.strptime(self.article.date if self.article else "", "%Y-%m-%d %H:%M")
        except ValueError:
            return datetime(2008, 1, 1, 6) + timedelta(minutes=self.rng.randrange(60 * 24 * 365 * 18))

    def _values(self) -> dict[str, str]:
        """Placeholder -> its text."""
        rng, article = self.rng, self.article
        when, now = self.when, self.when + timedelta(minutes=rng.randrange(5, 60 * 24 * 400))
        return {
            "dd": f"{when:%d}", "d": str(when.day), "mm": f"{when:%m}", "m": str(when.month),
            "yyyy": str(when.year), "yy": f"{when:%y}", "HH": f"{when:%H}", "MM": f"{when:%M}",
            "weekday": WEEKDAYS[when.weekday()], "now": f"{WEEKDAYS[now.weekday()]}, {now:%d/%m/%Y %H:%M}",
            "site": self.layout.site, "title": article.title if article else self.layout.name,
            "lede": article.lede if article else "",
            "section": (article.section if article else "") or rng.choice(SECTIONS), "section2": rng.choice(SECTIONS),
            "author": (article.author if article else "") or rng.choice(AUTHORS), "source": rng.choice(AGENCIES),
            "topic_tag": rng.choice(article.tags) if article and article.tags else rng.choice(SECTIONS),
        }  # fmt: skip

    def fill(self, text: str, **extra: str) -> str:
        """A text of a layout with its placeholders filled; `extra` stands before the values of the page."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name == "n":
                return str(self.rng.randrange(1, 60))
            if name == "N":
                return f"{self.rng.randrange(1_000, 900_000):,}".replace(",", self.rng.choice(".,"))
            if name in ("teaser", "related"):
                return self.next_story("mixed" if name == "teaser" else name).title
            return extra.get(name, self.values.get(name, match[0]))

        return PLACEHOLDER.sub(value, text)

    def _story_queues(self, cell: TextCell) -> dict[str, list[Story]]:
        """Stories for each source, shuffled, without the page's own."""
        own = self.article.title if self.article else None
        others = [story for story in cell.stories if story.title != own]
        related = list(self.article.related) if self.article else []
        same = {story.title for story in related}
        rest = [story for story in others if story.title not in same]
        for stories in (related, rest):
            self.rng.shuffle(stories)
        mixed = related[:] + rest[: max(6, len(related))]
        self.rng.shuffle(mixed)
        return {"related": related + rest, "other": rest, "mixed": mixed + rest}

    def next_story(self, source: str) -> Story:
        """The next story of `related`, `other` or `mixed`."""
        queue = self.queues[source]
        if not queue:
            return Story(self.layout.name, "", self.values["section2"])
        queue.append(queue.pop(0))
        return queue[-1]

    def summary(self, story: Story, cut: bool) -> str:
        """The summary of a story behind the site's dateline, some of them; only its beginning if `cut`."""
        text, words = story.summary, story.summary.split()
        if cut and len(words) > 24:
            text = " ".join(words[: self.rng.randrange(14, 24)]) + self.rng.choice(("...", "…", " ..."))
        if text and self.layout.prefix and self.rng.random() < 0.7 and not text.startswith("("):
            text = f"{self.layout.prefix} {text}"
        return text
