"""A filtered page as `clfnews filter` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from clfnews.cli.terminal import printable, styled
from clfnews.labels import STANCES

if TYPE_CHECKING:
    from clfnews.filtering.tagged import TaggedPage


def alone(tagged: Iterator[TaggedPage]) -> Iterator[tuple[TaggedPage, bool]]:
    """The pages, and whether one is the only one."""
    first = next(tagged, None)
    second = next(tagged, None)
    if first is not None:
        yield first, second is None
    if second is not None:
        yield second, False
    yield from ((page, False) for page in tagged)


def as_json(row: dict[str, Any], shown: bool) -> str:
    """The JSON object of a page; where it is `shown` on a terminal, with escapes for what would steer that."""
    from clfnews.filtering.own_fields import to_json

    text = to_json(row)
    return printable(text) if shown else text


def as_text(tagged: TaggedPage, format: str, shown: bool, first: bool) -> str:
    """The article as a format has it; plain text that is `shown` on a terminal with a stance mark before each line."""
    from clfnews.filtering.shown import as_article, as_markdown, body_lines, byline

    if format == "markdown":
        text = as_markdown(tagged)
        text = "\n".join(map(printable, text.split("\n"))) if shown else text
        return f"{text}\n" if first else f"---\n\n{text}\n"
    if not shown:
        return f"{as_article(tagged) if format == 'article' else tagged.text}\n"
    colours = {"conciliatory": typer.colors.GREEN, "hostile": typer.colors.RED}
    stance = tagged.stance
    why = stance.reason if stance.coverage is None else f"{stance.reason}, coverage {stance.coverage:.2f}"
    head = f"# {printable(tagged.page.id)}  stance: {stance.label or 'none'} ({why})  confidence: {tagged.confidence:.2f}"
    lines, kept = [styled(head, bold=True)], list(tagged.kept)
    if format == "article" and kept:
        lines += [styled(f"  {printable(text)}", bold=text == tagged.title) for text in (tagged.title, byline(tagged)) if text]
        kept = [line for line, _ in body_lines(tagged)]
    for line in kept:
        mark = STANCE_MARKS.get(line.stance or "", "?") + ("*" if line.n in stance.lines else " ")
        text = styled(f"{mark} {printable(line.text)}", fg=colours.get(line.stance or ""), bold=line.type == "title")
        lines += ["", text] if format == "article" else [text]
    return "\n".join(lines) + "\n"


STANCE_MARKS = dict(zip(STANCES, ("+", "-", " "), strict=True))
"""How a line's stance is shown on a terminal."""
