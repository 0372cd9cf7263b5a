"""The pages of a site: its template drawn around an article, and the boxes that it lays around or over all its pages."""

from __future__ import annotations

import random
import re
from html import escape
from typing import Any

from clfnews.data.composing.articles import Article
from clfnews.data.composing.shown import Shown
from clfnews.data.composing.site import Site, Stories

DIALOGS = 0.45
"""Share of sites with a dialog about consent or accounts in their pages."""
IMPRINT = 0.5
"""Share of sites whose pages end with the publisher's address, licence and rights, a line each."""


def draw_page(site: Site, article: Article | None, stories: Stories, rng: random.Random) -> str:
    """The HTML of a page of a site, with `data-l` on its elements."""
    shown = Shown(site, article, stories, rng)
    html = site.template.filled(_context(shown))
    return _with_dialog(_with_imprint(html, shown), shown)


def _context(shown: Shown) -> dict[str, Any]:
    names = [name for name in dir(shown) if not name.startswith("_")]
    return {name: getattr(shown, name) for name in names}


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
