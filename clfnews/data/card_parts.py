"""The tables of a dataset card on what pages are composed of: recipe, articles, templates, layouts, noise."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from clfnews.data.card_rows import counted, listed, most_common, rows_of
from clfnews.data.composing.layout import Body, LayoutRow, LiteralLine, OptionalRows, Tags, Teasers, load_layouts
from clfnews.data.composing.recipe import load_recipe
from clfnews.data.markdown import markdown_table
from clfnews.files import jsonl_files
from clfnews.labels import NOISE


def recipe_block(folder: Path) -> str:
    """How `compose.yaml` deals the parts into splits."""
    path = folder / "compose.yaml"
    if not path.is_file():
        return "There is no `compose.yaml`."
    recipe = load_recipe(path)
    rows = [[name, f"{split.share:.0%}", split.cells, f"{split.pages:,}"] for name, split in recipe.splits.items()]
    return f"Seed {recipe.seed}.\n\n" + markdown_table(
        ["split", "share of the parts", "cells (groups)", "pages"], rows, numbers_from=1
    )


def articles_block(folder: Path) -> str:
    """Articles by topic, register and decade, their lines and actors."""
    rows = rows_of(folder / "articles.jsonl", "lines")
    if not rows:
        return "There is no `articles.jsonl`."
    lines = Counter(str(line.get("type")) for row in rows for line in row["lines"])
    related = [story for row in rows for story in row.get("related") or ()]
    named = [row["actors"] for row in rows if len(row.get("actors") or ()) >= 2]
    # The order of the two does not matter: who acts first differs from line to line.
    pairs = Counter(frozenset(actors[:2]) for actors in named)
    actors = {actor for row in rows for actor in row.get("actors") or ()}
    years = sorted(int(row["date"][:4]) for row in rows if re.match(r"\d{4}-", row.get("date") or ""))
    decades = Counter(f"{year // 10 * 10}s" for year in years)
    table = markdown_table(
        ["articles by", ""],
        [["topic", listed(counted(rows, "topic"))], ["register", listed(counted(rows, "register"))],
         ["decade", listed(sorted(decades.items()))], ["type of line", listed(most_common(lines))]],
        numbers_from=2,
    )  # fmt: skip
    span = f", dated {years[0]} to {years[-1]}" if years else ""
    top = pairs.most_common(1)[0][1] if pairs else 0
    return (
        f"{len(rows):,} articles with {sum(lines.values()):,} lines{span}. {len(named):,} of them name two or more actors: "
        f"{len(pairs):,} pairs (the first two of an article; the most frequent pair in {top}) and {len(actors):,} actors. "
        f"{len(related):,} further stories on the same subjects serve as teasers, "
        f"{sum(bool(story.get('summary')) for story in related):,} of them with a summary.\n\n{table}"
    )


def web_block(folder: Path) -> str:
    """Pages drawn as HTML: languages, shapes and forms, and what they are made of."""
    rows = [row for path in jsonl_files(folder / "pages") for row in rows_of(path, "origin") if row.get("form")]
    if not rows:
        return "There are no pages drawn as HTML."
    templates = sorted((folder / "templates").glob("[!_]*.html"))
    parts = [
        ["language", listed(counted(rows, "language"))],
        ["shape of the article", listed(counted(rows, "shape"))],
        ["form that is kept", listed(counted(rows, "form"))],
    ]
    articles = sum(len(rows_of(path)) for path in sorted((folder / "articles").glob("*.jsonl")))
    made = f"{len(templates)} templates, {articles:,} articles beside `articles.jsonl`"
    words = len(list((folder / "wording").glob("*.json")))
    return f"{len(rows):,} pages of {made}, and the wording of {words} languages.\n\n" + markdown_table(
        ["pages by", ""], parts, numbers_from=2
    )


def layouts_block(folder: Path) -> str:
    """Layouts of text pages by what they do with captions and links."""
    if not (folder / "layouts").is_dir():
        return "There is no `layouts/`."
    layouts = load_layouts(folder / "layouts")
    nodes = [node for layout in layouts for node in _walk(layout.rows)]
    bodies = [node for node in nodes if isinstance(node, Body)]
    teasers = [" / ".join(part.text for part in node.form) for node in nodes if isinstance(node, Teasers)]
    table = markdown_table(
        ["layouts by", ""],
        [
            ["shows an article", sum(not layout.listing for layout in layouts)],
            ["home, section, tag or search page", sum(layout.listing for layout in layouts)],
            ["captions", listed(most_common(Counter(body.caption for body in bodies)))],
            ["read-also links in the text", listed(most_common(Counter(body.readalso for body in bodies)))],
            ["paragraphs broken by inline links", sum(body.links > 0 for body in bodies)],
            ["site's own dateline", sum(bool(layout.prefix) for layout in layouts)],
        ],
        numbers_from=2,
    )
    rows = f"{sum(isinstance(node, LiteralLine) for node in nodes):,} literal rows, {len(teasers):,} lists of other stories"
    return f"{len(layouts):,} layouts with {rows} in {len(set(teasers)):,} forms.\n\n{table}"


def _walk(rows: Sequence[LayoutRow]) -> Iterator[LayoutRow]:
    for row in rows:
        yield row
        if isinstance(row, OptionalRows):
            yield from _walk(row.rows)


def noise_block(folder: Path) -> str:
    """Distinct texts of each noise type, by where they are written."""
    pool: dict[str, set[str]] = {kind: set() for kind in NOISE}
    shown: dict[str, set[str]] = {kind: set() for kind in NOISE}
    written: dict[str, set[str]] = {kind: set() for kind in NOISE}
    for row in rows_of(folder / "noise.jsonl", "text", "type"):
        pool.setdefault(row["type"], set()).add(row["text"])
    for article in rows_of(folder / "articles.jsonl", "lines"):
        for line in article["lines"]:
            if line.get("type") in NOISE:
                written[line["type"]].add(line["text"])
        written["teaser"] |= {story["title"] for story in article.get("related") or ()}
    for layout in load_layouts(folder / "layouts") if (folder / "layouts").is_dir() else ():
        for kind, text in _literals(layout.rows):
            shown[kind].add(text)
    places = {"noise strings": pool, "articles and related stories": written, "rows of layouts": shown}
    places["together"] = {kind: pool[kind] | written[kind] | shown[kind] for kind in NOISE}
    return markdown_table(
        ["distinct texts of", *places],
        [[kind, *(f"{len(texts[kind]):,}" for texts in places.values())] for kind in NOISE],
        numbers_from=1,
    )


def _literals(rows: Sequence[LayoutRow]) -> Iterator[tuple[str, str]]:
    """Type and text of the literal rows, also of those inside lists and articles."""
    for node in _walk(rows):
        if isinstance(node, LiteralLine):
            yield node.type, node.text
        elif isinstance(node, Body):
            yield from ((insert.type, insert.text) for insert in node.inserts)
        elif isinstance(node, Tags) and "{tag}" not in node.form:
            yield node.type, node.form
