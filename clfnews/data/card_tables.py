"""The tables of a dataset card: each block is a function of the data folder (see `card.py`)."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from clfnews.data.composing.layout import Body, LayoutRow, LiteralLine, OptionalRows, Tags, Teasers, load_layouts
from clfnews.data.composing.recipe import load_recipe
from clfnews.data.markdown import markdown_table
from clfnews.data.stats import stats_tables
from clfnews.errors import UserError
from clfnews.files import jsonl_files, numbered_rows
from clfnews.labels import NOISE, SIDES, STANCES

HARD_CASES = "hard_cases.yaml"
"""In the data folder: the cases of stance lines that are easily taken for another stance."""
REALISM = "realism.json"
"""In the data folder: `text`, how well composed pages are told from real ones, and `data`, the digests of the files measured."""


def _summary(folder: Path) -> str:
    pages = Counter(row["origin"] for path in jsonl_files(folder / "pages") for row in _rows(path, "origin"))
    sets = (
        (pages["composed"], "composed pages"),
        (pages["seed"], "real (seed) pages"),
        (len(_rows(folder / "articles.jsonl")), "authored articles"),
        (len(_rows(folder / "stance_lines.jsonl")), "single stance lines"),
        (len(list((folder / "layouts").glob("*.layout"))), "site layouts"),
        (len(_rows(folder / "noise.jsonl")), "noise strings"),
        (len(_challenges(folder)), "challenge pairs"),
    )
    return markdown_table(["what", "number"], [[name, f"{n:,}"] for n, name in sets], numbers_from=1)


def _pages(folder: Path) -> str:
    tables = (
        (f"**{title[0].upper()}{title[1:]}**", markdown_table(header, rows, numbers_from=1))
        for title, header, rows in stats_tables(folder)
    )
    return "\n\n".join(f"{title}\n\n{table}" for title, table in tables)


def _recipe(folder: Path) -> str:
    path = folder / "compose.yaml"
    if not path.is_file():
        return "There is no `compose.yaml`."
    recipe = load_recipe(path)
    rows = [[name, f"{split.share:.0%}", split.cells, f"{split.pages:,}"] for name, split in recipe.splits.items()]
    return f"Seed {recipe.seed}.\n\n" + markdown_table(
        ["split", "share of the parts", "cells (groups)", "pages"], rows, numbers_from=1
    )


def _articles(folder: Path) -> str:
    rows = _rows(folder / "articles.jsonl", "lines")
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
        [["topic", _listed(_counted(rows, "topic"))], ["register", _listed(_counted(rows, "register"))],
         ["decade", _listed(sorted(decades.items()))], ["type of line", _listed(_most_common(lines))]],
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


def _web(folder: Path) -> str:
    """Pages drawn as HTML: languages, shapes and forms, and what they are made of."""
    rows = [row for path in jsonl_files(folder / "pages") for row in _rows(path, "origin") if row.get("form")]
    if not rows:
        return "There are no pages drawn as HTML."
    templates = sorted((folder / "templates").glob("[!_]*.html"))
    parts = [
        ["language", _listed(_counted(rows, "language"))],
        ["shape of the article", _listed(_counted(rows, "shape"))],
        ["form that is kept", _listed(_counted(rows, "form"))],
    ]
    articles = sum(len(_rows(path)) for path in sorted((folder / "articles").glob("*.jsonl")))
    made = f"{len(templates)} templates, {articles:,} articles beside `articles.jsonl`"
    words = len(list((folder / "wording").glob("*.json")))
    return f"{len(rows):,} pages of {made}, and the wording of {words} languages.\n\n" + markdown_table(
        ["pages by", ""], parts, numbers_from=2
    )


def _layouts(folder: Path) -> str:
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
            ["captions", _listed(_most_common(Counter(body.caption for body in bodies)))],
            ["read-also links in the text", _listed(_most_common(Counter(body.readalso for body in bodies)))],
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


def _noise(folder: Path) -> str:
    """Distinct texts of each noise type, by where they are written."""
    pool: dict[str, set[str]] = {kind: set() for kind in NOISE}
    shown: dict[str, set[str]] = {kind: set() for kind in NOISE}
    written: dict[str, set[str]] = {kind: set() for kind in NOISE}
    for row in _rows(folder / "noise.jsonl", "text", "type"):
        pool.setdefault(row["type"], set()).add(row["text"])
    for article in _rows(folder / "articles.jsonl", "lines"):
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


def _stance_lines(folder: Path) -> str:
    rows = _rows(folder / "stance_lines.jsonl", "lines")
    lines = [(str(row.get("case")), line.get("stance")) for row in rows for line in row["lines"]]
    if not lines:
        return "There is no `stance_lines.jsonl`."
    count, cases, stances = Counter(lines), Counter(case for case, _ in lines), Counter(stance for _, stance in lines)
    table = [[case, *(f"{count[case, stance]:,}" for stance in STANCES), f"{n:,}"] for case, n in _most_common(cases)]
    total = ["**together**", *(f"{stances[s]:,} ({stances[s] / len(lines):.0%})" for s in STANCES), f"{len(lines):,}"]
    text = markdown_table(["case", *STANCES, "lines"], [*table, total], numbers_from=1)
    if not (folder / HARD_CASES).is_file():
        return text
    hard_neutral, hard_sides = _hard_cases(folder / HARD_CASES)
    neutral = sum(count[case, "neutral"] for case in hard_neutral) / max(1, stances["neutral"])
    n_sides = len(lines) - stances["neutral"]
    sides = sum(count[case, stance] for case in hard_sides for stance in SIDES) / max(1, n_sides)
    return (
        f"{text}\n\nHard by their case: {neutral:.0%} of the neutral lines ({', '.join(hard_neutral)}) "
        f"and {sides:.0%} of the others ({', '.join(hard_sides)})."
    )


def _hard_cases(path: Path) -> tuple[list[str], list[str]]:
    """The hard cases of neutral lines, and of those that take a side."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [str(case) for case in found["neutral"]], [str(case) for case in found["sides"]]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"{path}: expected 'neutral:' and 'sides:', each with a list of cases") from error


def _challenge(folder: Path) -> str:
    pairs = _challenges(folder)
    if not pairs:
        return "There are no `challenge/*.jsonl`."
    count = Counter((pair["kind"], f"{pair['a'].get('stance')} to {pair['b'].get('stance')}") for pair in pairs)
    kinds = Counter(pair["kind"] for pair in pairs)
    changes = {kind: _listed((change, n) for (k, change), n in sorted(count.items()) if k == kind) for kind in kinds}
    rows = [[kind, changes[kind], f"{kinds[kind]:,}"] for kind in sorted(kinds)]
    return markdown_table(["kind", "stance of the first to that of the second", "pairs"], rows, numbers_from=2)


def _agreement(folder: Path) -> str:
    path = folder / "votes" / "agreement.json"
    parts = [] if path.is_file() else ["Not measured yet (no `votes/agreement.json`)."]
    try:
        for name, part in (_json(path) if path.is_file() else {}).items():
            parts += _agreement_of(name, part)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{path}: expected NAME -> what 'clfnews data agreement --json' writes ({error!r})") from error
    return "\n\n".join(parts + _same_votes(folder))


def _same_votes(folder: Path) -> list[str]:
    """A warning for each vote file that repeats another: its agreement with that one measures nothing."""
    seen: dict[str, str] = {}
    files = [(path.name, file_digest(path)) for path in sorted((folder / "votes").glob("*.jsonl"))]
    return [
        f"**Take no agreement from `votes/{name}`: it is `votes/{seen[digest]}` again, byte for byte.**"
        for name, digest in files
        if seen.setdefault(digest, name) != name
    ]


def _agreement_of(name: str, part: Mapping[str, Any]) -> list[str]:
    """Paragraphs of one comparison, or of several under one name; `cases` are notes on what they differ in."""
    if "tasks" in part:
        texts = [_agreement_tables(name, part)]
    else:
        inner = {key: value for key, value in part.items() if key != "cases"}
        if not inner:
            raise ValueError(f"nothing compared in {name!r}")
        texts = [text for key, value in inner.items() for text in _agreement_of(f"{name}, {key}", value)]
    if part.get("cases"):
        texts.append(f"What the labellings of **{name}** differ in:\n\n" + "\n".join(f"- {case}" for case in part["cases"]))
    return texts


def _agreement_tables(name: str, part: Mapping[str, Any]) -> str:
    rows, labels = [], []
    for task, one in part["tasks"].items():
        kappa = "undefined" if one["kappa"] is None else f"{one['kappa']:.3f}"
        differ = round(one["lines"] * (1 - one["agreement"]))
        rows.append([task, f"{one['lines']:,}", f"{differ:,}", f"{one['agreement']:.1%}", kappa])
        labels.append([task, _listed((label, f"{f1:.3f}") for label, f1 in one["f1"].items())])
    return (
        f"**{name}**: {part['pages']:,} pages, {part['lines']:,} lines\n\n"
        f"{markdown_table(['task', 'lines', 'labelled differently', 'agreement', 'kappa'], rows, numbers_from=1)}\n\n"
        f"{markdown_table(['task', 'F1 of one labelling against the other'], labels, numbers_from=2)}"
    )


def _realism(folder: Path) -> str:
    path = folder / REALISM
    if not path.is_file():
        return f"Not measured yet (no `{REALISM}`)."
    found = _json(path)
    text, data = found.get("text"), found.get("data")
    if not isinstance(text, str) or not isinstance(data, dict):
        raise UserError(f"{path}: expected 'text' and 'data' (file below the folder -> its digest)")
    stale = [Path(name).name for name, digest in data.items() if file_digest(folder / name) != digest]
    return text + (f"\n\nMeasured on an earlier version of {' and '.join(stale)}." if stale else "")


def file_digest(path: Path) -> str:
    """Twelve hexadecimal digits of a file's bytes; empty if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


_KINDS = {"lines": list, "a": dict, "b": dict}


def _rows(path: Path, *needed: str) -> list[dict[str, Any]]:
    """The rows of a JSONL file, none if there is no such file; raises `UserError` for a row without what is needed."""
    rows = []
    for number, row in numbered_rows(path) if path.is_file() else ():
        for key in needed:
            value, kind = row.get(key), _KINDS.get(key, str)
            if not isinstance(value, kind) or (isinstance(value, list) and not all(isinstance(item, dict) for item in value)):
                raise UserError(f"{path}: row {number}: no {key!r} ({'a list of objects' if kind is list else kind.__name__})")
        rows.append(row)
    return rows


def _challenges(folder: Path) -> list[dict[str, Any]]:
    return [pair for path in sorted((folder / "challenge").glob("*.jsonl")) for pair in _rows(path, "kind", "a", "b")]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: cannot be read as JSON") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}: not a JSON object")
    return found


def _counted(rows: Iterable[Mapping[str, Any]], key: str) -> list[tuple[str, int]]:
    return _most_common(Counter(str(row.get(key) or "none given") for row in rows))


def _most_common(count: Counter[str]) -> list[tuple[str, int]]:
    """By number, then by name: the order of the rows may not show."""
    return sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))


def _listed(pairs: Iterable[tuple[str, object]]) -> str:
    return ", ".join(f"{name} {n:,}" if isinstance(n, int) else f"{name} {n}" for name, n in pairs)


BLOCKS: dict[str, Callable[[Path], str]] = {
    "summary": _summary,
    "pages": _pages,
    "recipe": _recipe,
    "articles": _articles,
    "web": _web,
    "layouts": _layouts,
    "noise": _noise,
    "stance-lines": _stance_lines,
    "challenge": _challenge,
    "agreement": _agreement,
    "realism": _realism,
}
"""Name of a block -> its text for a data folder."""
