"""A drawn page as text, in the ways of common converters: what a crawl keeps when it does not keep the HTML."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib import import_module
from typing import Any

from clfnews.data.composing.labels import html_lines, labelled, with_marks
from clfnews.errors import UserError
from clfnews.page import Line


def text_lines(html: str, form: str, rng: random.Random) -> list[Line]:
    """The labelled lines of a drawn page without cues.

    Parameters: `form`, a name of `CONVERTERS`. Raises `ValueError` for a label that is none.
    """
    if form == "blocks":
        found = [(line.text, line.type or "ui") for line in html_lines(html) if not (line.cues and line.cues.hidden)]
    else:
        text = CONVERTERS[form](with_marks(html), rng)
        found = [labelled(line) for line in text.split("\n")]
    return [Line(text, n, label) for n, (text, label) in enumerate(((t, label) for t, label in found if t), 1)]


def _imported(name: str) -> Any:
    """A converter's package; raises `UserError` if it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(f"composing pages needs {name}: pip install 'clfnews[compose]'") from error


def _strings(html: str, rng: random.Random) -> str:
    """Every piece of text a line, so that links break paragraphs (`get_text("\\n")` of parsers)."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    tree.strip_tags(["script", "style", "head"])
    return tree.root.text(separator="\n", strip=True) if tree.root else ""


def _markdown(html: str, rng: random.Random) -> str:
    """Markdown with bullets, pipes and marks of headings; links as their text or in full."""
    html2text = _imported("html2text")
    convert = html2text.HTML2Text(bodywidth=0)
    convert.ignore_links = rng.random() < 0.7
    convert.ignore_images = rng.random() < 0.7
    convert.ignore_emphasis = rng.random() < 0.6
    return str(convert.handle(html))


def _layout(html: str, rng: random.Random) -> str:
    """Text set out as on the screen, table cells side by side."""
    return str(_imported("inscriptis").get_text(html))


def _glued(html: str, rng: random.Random) -> str:
    """One line a block, but short ones in a row run together, as converters do that know no lists."""
    from clfnews.readers.html.blocks import html_rows

    out: list[str] = []
    run = rng.randrange(3, 30)
    for row in html_rows(html.encode()):
        if out and len(row.text) < 40 and len(out[-1]) < 40 * run and row.cues.link_density > 0.8:
            out[-1] += f" {row.text}"
        else:
            out.append(row.text)
    return "\n".join(out)


CONVERTERS: dict[str, Callable[[str, random.Random], str]] = {
    "blocks": _strings,  # the package's own reader: see `text_lines`
    "strings": _strings,
    "markdown": _markdown,
    "layout": _layout,
    "glued": _glued,
}
