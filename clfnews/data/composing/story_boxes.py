"""What stands between the paragraphs of a story and is no part of it: ads, offers, players, other stories, notices."""

from __future__ import annotations

import random
from collections.abc import Callable
from html import escape

from clfnews.data.composing.story_parts import Parts, Words
from clfnews.data.composing.story_style import StoryStyle


class Boxes:
    """Draws the boxes of one page."""

    def __init__(self, style: StoryStyle, shown: Words, rng: random.Random, parts: Parts) -> None:
        self.style, self.shown, self.rng, self.parts = style, shown, rng, parts

    def between_paragraphs(self) -> list[str]:
        """The boxes of this page, in the order in which they are taken from the end."""
        rng = self.rng
        kinds: list[tuple[Callable[[], str], float]] = [
            (self._ad, 1.0), (self._related, 1.0), (self._newsletter, 0.6), (self._player, 0.6), (self._other_story, 0.4),
            (self._tools, 0.6), (self._sign_up, 0.5), (self._more, 0.5), (self._ad, 0.6), (self.notice, 0.8),
            (self._picture, 1.0),
        ]  # fmt: skip
        chosen = [kind for kind, share in kinds if rng.random() < self.style.inserts * share]
        rng.shuffle(chosen)
        return [kind() for kind in chosen]

    def wall(self) -> str:
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

    def notice(self) -> str:
        """A sentence of the house in the dress of a paragraph: follow us, an appeal, a rule for comments, an image's place."""
        texts = self.shown.ws("boilerplate", 1, 2)
        tag = self.rng.choice(("p", "p", "div", "em"))
        return "\n".join(f'<{tag} data-l="ui">{escape(text)}</{tag}>' for text in texts)

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
        return "\n".join(self.parts.caption(text) for text in self.shown.ws("captions", 1, 2))

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

    def _tools(self) -> str:
        return f'<div class="tools" data-l="ui"><button>{escape(self.shown.w("article_ui"))}</button></div>'
