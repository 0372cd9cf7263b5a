"""A filtered page as `clfnews filter` prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from clfnews.cli.terminal import print_table, printable, styled
from clfnews.labels import STANCES

if TYPE_CHECKING:
    from clfnews.filtering.files import TaggedFiles
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


class Form(NamedTuple):
    """How pages are written."""

    format: str
    """`article`, `text`, `markdown` or `jsonl`."""
    all_lines: bool
    explain: bool
    on_terminal: bool


class Printer:
    """Writes the pages of files one by one."""

    def __init__(self, write: Callable[[str], Any], found: TaggedFiles, form: Form) -> None:
        self._write, self._found, self._form = write, found, form
        self._marked = form.all_lines

    def page(self, tagged: TaggedPage, first: bool, only: bool) -> None:
        """Write a page; whether it is the `first` and the `only` one tells how plain text begins."""
        form = self._form
        if form.all_lines and form.on_terminal:
            _show_lines(self._write, self._found.page_filter, tagged, form.explain)
        elif form.format == "jsonl":
            self._write(_as_json(self._found.row(tagged, form.all_lines, form.explain), form.on_terminal))
        else:
            self._marked = self._marked or (bool(tagged.kept) and tagged.tells_stance and form.format != "markdown")
            self._write(_as_text(tagged, form.format, form.on_terminal, first, only))

    def legend(self) -> None:
        """Write what the marks on a terminal mean, if there were any."""
        if self._form.on_terminal and self._marked:
            self._write(_legend(stances=not self._form.all_lines))


def _as_json(row: dict[str, Any], shown: bool) -> str:
    """The JSON object of a page; where it is `shown` on a terminal, with escapes for what would steer that."""
    from clfnews.filtering.own_fields import to_json

    text = to_json(row)
    return printable(text) if shown else text


def _as_text(tagged: TaggedPage, format: str, shown: bool, first: bool, only: bool) -> str:
    """The article as a format has it; plain text that is `shown` on a terminal with a stance mark before each line."""
    from clfnews.filtering.shown import as_article, as_markdown, body_lines, byline

    if format == "markdown":
        text = as_markdown(tagged)
        text = "\n".join(map(printable, text.split("\n"))) if shown else text
        return f"{text}\n" if first else f"---\n\n{text}\n"
    if not shown:
        # Of several pages each says which it is, unless the lines alone were asked for.
        name = "" if only or format == "text" else f"# {_name(tagged)}\n"
        return f"{name}{as_article(tagged) if format == 'article' and only else tagged.text}\n"
    colours = {"conciliatory": typer.colors.GREEN, "hostile": typer.colors.RED}
    stance = tagged.stance
    lines, kept = [styled(_head(tagged.page.id, tagged, why=True), bold=True)], list(tagged.kept)
    form, indent = format if only else "text", "  " * tagged.tells_stance
    if form == "article" and kept:
        lines += [
            styled(f"{indent}{printable(text)}", bold=text == tagged.title) for text in (tagged.title, byline(tagged)) if text
        ]
        kept = [line for line, _ in body_lines(tagged)]
    for line in kept:
        mark = STANCE_MARKS.get(line.stance or "", "?") + ("* " if line.n in stance.lines else "  ")
        mark = mark if tagged.tells_stance else ""
        text = styled(f"{mark}{printable(line.text)}", fg=colours.get(line.stance or ""), bold=line.type == "title")
        lines += ["", text] if form == "article" else [text]
    return "\n".join(lines) + "\n"


def _head(name: str, tagged: TaggedPage, why: bool = False) -> str:
    """The line above a page: what is said of all of it, with the reason of its stance or without."""
    stance, said = tagged.stance, [f"# {printable(name)}"]
    if tagged.tells_stance:
        reason = stance.reason if stance.coverage is None else f"{stance.reason}, coverage {stance.coverage:.2f}"
        said.append(f"stance: {stance.label or 'none'}" + f" ({reason})" * why)
    for task, found in tagged.own.items():
        label, sure = found["label"], max((found["p"] or {}).values(), default=None)
        said.append(printable(f"{task}: {label or 'none'}") + ("" if sure is None or label is None else f" {sure:.2f}"))
    return "  ".join([*said, f"text confidence: {tagged.confidence:.2f}"])


def _name(tagged: TaggedPage) -> str:
    """File and page: which page of the inputs it is."""
    page = tagged.page
    named = page.source and Path(page.source).stem == page.id
    return page.source if named and page.source else f"{page.source}: {page.id}" if page.source else page.id


def _legend(stances: bool) -> str:
    """What the marks before lines on a terminal mean; without `stances` only that of the type."""
    if not stances:
        return "* kept"
    marks = "  ".join(f"{mark} {name}" for name, mark in STANCE_MARKS.items() if mark.strip())
    return styled(f"{marks}  ? no stance  * the page's stance hangs on it; no mark: neutral", dim=True)


def _show_lines(write: Callable[[str], Any], page_filter: Any, tagged: TaggedPage, explain: bool) -> None:
    """Print a page as a table of its lines, with what the filter thinks of each."""
    write(styled(_head(_name(tagged), tagged), bold=True))
    rows, stances = [], tagged.tells_stance
    for line in tagged.lines:
        p = max(line.type_row) if line.type_row is not None else None
        sure = max(line.stance_row) if line.stance_row is not None and line.stance else None
        told = [line.stance or "", "" if sure is None else f"{sure:.2f}"] if stances else []
        own = [str(found.get("label") or "") for found in line.own.values()]
        why = (
            ", ".join(f"{name} {weight:+.2f}" for name, weight in page_filter.explain(line.text)) if explain and line.keep else ""
        )
        rows.append(
            [
                str(line.n), "*" * line.keep, line.type or "", "" if p is None else f"{p:.2f}",
                *told, *own, *([why] if explain else []), line.text,
            ]
        )  # fmt: skip
    header = [
        "line",
        "",
        "type",
        "p",
        *(["stance", "p"] if stances else []),
        *(tagged.lines[0].own if tagged.lines else ()),
        *(["why"] * explain),
        "text",
    ]
    print_table(header, rows)


STANCE_MARKS = dict(zip(STANCES, ("+", "-", " "), strict=True))
"""How a line's stance is shown on a terminal."""
