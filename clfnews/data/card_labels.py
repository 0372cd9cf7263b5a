"""The tables of a dataset card on labels: stance lines, challenge pairs, and how far two labellings agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from clfnews.data.card_rows import challenges, file_digest, json_object, listed, most_common, rows_of
from clfnews.data.markdown import markdown_table
from clfnews.errors import UserError
from clfnews.labels import SIDES, STANCES

HARD_CASES = "hard_cases.yaml"
"""In the data folder: the cases of stance lines that are easily taken for another stance."""


def stance_lines_block(folder: Path) -> str:
    """Stance lines by case, and the share of hard ones."""
    rows = rows_of(folder / "stance_lines.jsonl", "lines")
    lines = [(str(row.get("case")), line.get("stance")) for row in rows for line in row["lines"]]
    if not lines:
        return "There is no `stance_lines.jsonl`."
    count, cases, stances = Counter(lines), Counter(case for case, _ in lines), Counter(stance for _, stance in lines)
    table = [[case, *(f"{count[case, stance]:,}" for stance in STANCES), f"{n:,}"] for case, n in most_common(cases)]
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


def challenge_block(folder: Path) -> str:
    """Challenge pairs by kind and by what changes."""
    pairs = challenges(folder)
    if not pairs:
        return "There are no `challenge/*.jsonl`."
    count = Counter((pair["kind"], f"{pair['a'].get('stance')} to {pair['b'].get('stance')}") for pair in pairs)
    kinds = Counter(pair["kind"] for pair in pairs)
    changes = {kind: listed((change, n) for (k, change), n in sorted(count.items()) if k == kind) for kind in kinds}
    rows = [[kind, changes[kind], f"{kinds[kind]:,}"] for kind in sorted(kinds)]
    return markdown_table(["kind", "stance of the first to that of the second", "pairs"], rows, numbers_from=2)


def agreement_block(folder: Path) -> str:
    """How far two labellings of the same pages agree, as `votes/agreement.json` has it."""
    path = folder / "votes" / "agreement.json"
    parts = [] if path.is_file() else ["Not measured yet (no `votes/agreement.json`)."]
    try:
        for name, part in (json_object(path) if path.is_file() else {}).items():
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
        labels.append([task, listed((label, f"{f1:.3f}") for label, f1 in one["f1"].items())])
    return (
        f"**{name}**: {part['pages']:,} pages, {part['lines']:,} lines\n\n"
        f"{markdown_table(['task', 'lines', 'labelled differently', 'agreement', 'kappa'], rows, numbers_from=1)}\n\n"
        f"{markdown_table(['task', 'F1 of one labelling against the other'], labels, numbers_from=2)}"
    )
