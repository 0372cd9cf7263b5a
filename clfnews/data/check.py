"""What is wrong with a data folder (`clfnews data check`).

Rows are read raw here, not through `datasets`: its error for a bad label hides
which row has it, and it stops at the first.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from clfnews.data.rows import CONFIGS, PAIR_KINDS, SplitRow, alone_note, line_problems, objects_of, read_folder, stands_alone
from clfnews.errors import UserError, nearest
from clfnews.labels import GUIDELINES_VERSION, STANCES, TASKS, TYPES, is_article
from clfnews.page import normalise

NEAR_DUPLICATE = 0.7
"""Jaccard similarity of word 3-shingles from which two articles count as one."""
_PERMUTATIONS = 128
# Below the threshold, so that hardly a pair above it is missed; the exact
# similarity of the few candidates decides.
_LSH_THRESHOLD = 0.5
_MIN_LEDE_CHARS = 40
"""A shorter first body line is a fragment or a sub-heading that any article may have."""
_IN_TRAINING = "the text stands in training"


def check_folder(folder: Path) -> tuple[list[str], str]:
    """Every problem of the splits and challenge pairs of a data folder; if there is none, what is behind its parts.

    Returns one line a problem, such as `pages/train.jsonl: row 12, line 5: ...`,
    and a summary of what was read (pages, lines, files, challenge pairs, pages without a site).
    Raises `UserError` only if there is no data folder to check.
    """
    problems: list[str] = []
    from clfnews.data.card import stale

    rows = read_folder(folder, problems)
    names = _label_names(folder)
    files = {name: list(part) for name, part in groupby(rows, key=lambda row: row.file)}
    for of_file in files.values():
        has_stance = any(line.stance for row in of_file for line in row.lines)
        for row in of_file:
            problems += (f"{row.place}: {problem}" for problem in _row_problems(row, names))
            problems += (f"{row.place}, line {n}: {problem}" for n, problem in _line_problems(row, has_stance, names))
        problems += _in_two("article", "groups", ((row.data.get("article"), row.data.get("group"), row.place) for row in of_file))
    for config in CONFIGS:
        problems += _duplicates([row for row in rows if row.config == config])
    problems += _leaks(rows)
    pairs = _check_challenges(folder, rows, problems)
    if not problems:
        problems = stale(folder)
    summary = f"{len(rows):,} pages and {sum(len(row.lines) for row in rows):,} lines in {len(files)} files"
    summary += f", {pairs:,} challenge pairs" if pairs else ""
    alone = sum(stands_alone(row.data) for row in rows if row.config == "pages")
    return problems, summary + (f" ({alone_note(alone)})" if alone else "")


def leaks(folder: Path) -> list[str]:
    """What is on both sides of a split of a data folder: groups, articles, titles and ledes, near copies, challenge pairs.

    One line each, as in `check_folder`. Raises `UserError` if there is no data folder to check.
    """
    rows = read_folder(folder, [])
    found = [*_leaks(rows)]
    told: list[str] = []
    _check_challenges(folder, rows, told)
    return found + [problem for problem in told if _IN_TRAINING in problem]


def _leaks(rows: Sequence[SplitRow]) -> Iterator[str]:
    """Problems of rows whose text or group is in two splits."""
    yield from _in_two("group", "splits", ((row.data.get("group"), row.split, row.place) for row in rows))
    yield from _in_two("article", "splits", ((row.data.get("article"), row.split, row.place) for row in rows))
    yield from _shared_texts(rows)
    yield from _near_duplicates(rows)


def _label_names(folder: Path) -> Mapping[str, Sequence[str]]:
    """The label names of the lines, where the card gives others than the guidelines'; else those."""
    from clfnews.data.folder import label_names

    try:
        own = label_names(folder)["lines"]
    except UserError:  # no front matter: `stale` and training tell
        return TASKS
    return own if own.get("type") != TYPES else TASKS


def _row_problems(row: SplitRow, names: Mapping[str, Sequence[str]]) -> Iterator[str]:
    data = row.data
    for key in ("id", "origin", "group") if names is TASKS else ("id", "group"):
        if not isinstance(data.get(key), str) or not data[key]:
            yield f"no {key!r}"
    if names is not TASKS:
        return
    # An article without a page around it has no layout, and says so with null.
    if "layout" not in data or (row.config == "pages" and not data["layout"]):
        yield "no 'layout'"
    if data.get("guidelines") != GUIDELINES_VERSION:
        yield f"guidelines version {data.get('guidelines')!r}, expected {GUIDELINES_VERSION!r}"
    if data.get("origin") == "seed" and row.split != "test":
        yield f"a seed page in {row.split}; seeds may stand in test only"
    listing = "article" in data and data["article"] is None
    if row.lines and not listing and not any(is_article(line.type) for line in row.lines):
        yield "a page without article lines whose 'article' is not null"


def _line_problems(row: SplitRow, has_stance: bool, names: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, str]]:
    """Number and problem of each bad line; `has_stance` tells whether the file has stances at all."""
    for line in row.lines:
        clean = normalise(line.text)
        if not clean:
            yield line.n, "empty line"
        elif clean != line.text:
            yield line.n, f"not normalised: {_short(line.text)}"
        yield from ((line.n, problem) for problem in line_problems(line, names))
        if names is not TASKS:
            yield from _own_problems(row, line.n, names)
            continue
        if line.type is None:
            yield line.n, "no type"
        if has_stance and is_article(line.type) and line.stance is None:
            yield line.n, f"no stance on a {line.type} line"


def _own_problems(row: SplitRow, n: int, names: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, str]]:
    """Labels of a line that the card does not name."""
    for task, labels in names.items():
        label = row.data["lines"][n - 1].get(task)
        if task not in TASKS and label is not None and label not in labels:
            yield n, f"unknown {task} {label!r}{nearest(str(label), tuple(labels))}"


def _duplicates(rows: Iterable[SplitRow]) -> Iterator[str]:
    """Page ids and page contents that stand twice in one configuration."""
    ids: dict[str, str] = {}
    contents: dict[tuple[str, ...], str] = {}
    for row in rows:
        page_id, content = str(row.data.get("id") or ""), tuple(line.text for line in row.lines)
        if page_id and ids.setdefault(page_id, row.place) != row.place:
            yield f"{row.place}: page id {page_id!r} is already that of {ids[page_id]}"
        if content and contents.setdefault(content, row.place) != row.place:
            yield f"{row.place}: the page has the same text as {contents[content]}"


def _in_two(what: str, sides: str, found: Iterable[tuple[Any, Any, str]]) -> Iterator[str]:
    """One problem for each key that stands on two sides; `found` gives key, side and place."""
    places: dict[str, dict[str, str]] = {}
    for key, side, place in found:
        if key and side:
            places.setdefault(str(key), {}).setdefault(str(side), place)
    for key, by_side in places.items():
        (first, first_place), *others = by_side.items()
        for side, place in others:
            yield f"{place}: {what} {_short(key)} is in two {sides}: {side}, and {first} ({first_place})"


def _shared_texts(rows: Sequence[SplitRow]) -> Iterator[str]:
    """Titles and ledes that are article text in two splits."""
    heads, found = set(), []
    for row in rows:
        article = [line for line in row.lines if is_article(line.type)]
        lede = next((line.text for line in article if line.type == "body"), "")
        heads |= {line.text.casefold() for line in article if line.type == "title"}
        heads |= {lede.casefold()} if len(lede) >= _MIN_LEDE_CHARS else set()
        found += [(line.text.casefold(), row.split, f"{row.place}, line {line.n}") for line in article]
    return _in_two("title or lede", "splits", (hit for hit in found if hit[0] in heads))


def _near_duplicates(rows: Sequence[SplitRow]) -> Iterator[str]:
    """Pairs of articles in two splits whose texts have a Jaccard similarity of `NEAR_DUPLICATE` or more.

    An article stands on many pages, on some of them cut: its longest text counts.
    """
    texts: dict[tuple[str, str], tuple[str, SplitRow]] = {}
    for row in rows:
        text = " ".join(line.text for line in row.lines if is_article(line.type)).casefold()
        key = row.split, str(row.data.get("article") or row.data.get("id"))
        if len(text) > len(texts[key][0] if key in texts else ""):
            texts[key] = text, row
    if len({split for split, _ in texts}) < 2:
        return
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=_LSH_THRESHOLD, num_perm=_PERMUTATIONS)
    shingles, first = {}, MinHash(num_perm=_PERMUTATIONS)
    for key, (text, row) in texts.items():
        shingles[key] = _shingles(text)
        # To draw the permutations anew takes longer than the rest.
        sketch = MinHash(num_perm=_PERMUTATIONS, permutations=first.permutations, scheme=first.scheme)
        sketch.update_batch([shingle.encode() for shingle in sorted(shingles[key])])
        for other in sorted(index.query(sketch)):
            common = len(shingles[key] & shingles[other])
            similarity = common / (len(shingles[key]) + len(shingles[other]) - common)
            # The same article is told by its id.
            if other[0] != key[0] and other[1] != key[1] and similarity >= NEAR_DUPLICATE:
                twin = f"{other[1]!r} of {other[0]} ({texts[other][1].place})"
                yield f"{row.place}: article {key[1]!r} shares {similarity:.0%} of its text with {twin}"
        index.insert(key, sketch)


def _shingles(text: str) -> set[str]:
    words = re.findall(r"\w+", text)
    return {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))}


def _check_challenges(folder: Path, rows: Sequence[SplitRow], problems: list[str]) -> int:
    """Add the problems of `challenge/*.jsonl`; returns the number of pairs."""
    pairs = [
        (f"challenge/{path.name}: row {number}", pair)
        for path in sorted((folder / "challenge").glob("*.jsonl"))
        for number, pair in objects_of(path, f"challenge/{path.name}", problems)
    ]
    train = {line.text.casefold(): f"{row.place}, line {line.n}" for row in rows if row.split == "train" for line in row.lines}
    texts = {_text_of(pair, side).casefold() for _, pair in pairs for side in ("a", "b")} - {""}
    seen = _parts_of(texts, train) if texts else {}
    ids: dict[str, str] = {}
    for place, pair in pairs:
        pair_id = str(pair.get("id") or "")
        problems += (f"{place}: {problem}" for problem in _pair_problems(pair))
        if pair_id and ids.setdefault(pair_id, place) != place:
            problems.append(f"{place}: id {pair_id!r} is already that of {ids[pair_id]}")
        for side in ("a", "b"):
            line = seen.get(_text_of(pair, side).casefold())
            if line is not None:
                problems.append(f"{place}, {side}: {_IN_TRAINING}: {train[line]}")
    return len(pairs)


def _parts_of(texts: Collection[str], lines: Collection[str]) -> dict[str, str]:
    """Text -> the first line that has it in it, of the texts of which there is one: a sentence inside a line has been seen too.

    Only lines with the rarest inner word of a text are looked through: the first and the last may be part of a longer one.
    """
    inner = {text: text.split()[1:-1] for text in texts}
    words = {word for of_text in inner.values() for word in of_text}
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(words.intersection(line.split()))
    by_word: dict[str, list[str]] = defaultdict(list)
    for text, of_text in inner.items():
        if of_text:
            by_word[min(of_text, key=lambda word: (counts[word], word))].append(text)
    short = [text for text, of_text in inner.items() if not of_text]
    found: dict[str, str] = {}
    for line in lines:
        for text in chain(short, *(by_word[word] for word in by_word.keys() & set(line.split()))):
            if text in line:
                found.setdefault(text, line)
    return found


def _pair_problems(pair: Mapping[str, Any]) -> Iterator[str]:
    if not pair.get("id"):
        yield "no 'id'"
    if pair.get("kind") not in PAIR_KINDS:
        yield f"unknown kind {pair.get('kind')!r}{nearest(str(pair.get('kind')), PAIR_KINDS)}"
    for side in ("a", "b"):
        text = _text_of(pair, side)
        if not text:
            yield f"{side}: no 'text'"
            continue
        if text != normalise(text):
            yield f"{side}: not normalised: {_short(text)}"
        stance = pair[side].get("stance")
        if stance not in STANCES:
            yield f"{side}: unknown stance {stance!r}{nearest(str(stance), STANCES)}"
    if _text_of(pair, "a") and _text_of(pair, "a") == _text_of(pair, "b"):
        yield "a and b are the same text"


def _text_of(pair: Mapping[str, Any], side: str) -> str:
    item = pair.get(side)
    text = item.get("text") if isinstance(item, dict) else None
    return text if isinstance(text, str) else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
