"""Precision and recall of events on lines with gold events.

    python experiments/014-events/score.py [--split dev|test] [--wrong] [--against SECOND] [FILE]

FILE: as tests/files/events/lines.jsonl (default). Prints Markdown tables: events by what has to agree, by the kind of
line and by the quad class; --wrong also prints the lines that are not right. SECOND: events of a second pass over some
of the lines (`id`, `events`), scored in the place of the extracted ones.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from clfnews.events.classes import QUADS, quad_of
from clfnews.events.extract import Act, acts_of

Key = Callable[[Act], object]
KEYS: dict[str, Key] = {
    "source, target, quad": lambda act: (act.source, act.target, quad_of(act.event)),
    "source, target, class": lambda act: act,
    "source, target": lambda act: (act.source, act.target),
    "source": lambda act: act.source,
    "target": lambda act: act.target,
    "quad": lambda act: quad_of(act.event),
}
MAIN = "source, target, quad"
SAMPLES = 2000


def counts(gold: Iterable[Act], found: Iterable[Act], key: Key) -> tuple[int, int, int]:
    """Events of a line that agree, that were found, and that are gold."""
    wanted, given = {key(act) for act in gold}, {key(act) for act in found}
    return len(wanted & given), len(given), len(wanted)


def ratios(rows: Iterable[tuple[int, int, int]]) -> tuple[float, float, int, int]:
    """Precision, recall, events found, gold events."""
    hits, given, wanted = (sum(column) for column in zip(*rows, strict=True))
    return hits / max(given, 1), hits / max(wanted, 1), given, wanted


def interval(rows: list[tuple[int, int, int]]) -> tuple[list[float], list[float]]:
    """95% intervals of precision and recall by bootstrap of lines."""
    draw = random.Random(0)
    samples = [ratios(draw.choices(rows, k=len(rows)))[:2] for _ in range(SAMPLES)]
    ends = int(0.025 * SAMPLES), int(0.975 * SAMPLES)
    precision, recall = (sorted(column) for column in zip(*samples, strict=True))
    return [precision[end] for end in ends], [recall[end] for end in ends]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parents[2] / "tests/files/events/lines.jsonl"
    parser.add_argument("file", nargs="?", type=Path, default=default)
    parser.add_argument("--split", default="test")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    lines = [line for line in rows_of(options.file) if line["split"] == options.split]
    second = {row["id"]: row["events"] for row in rows_of(options.against)} if options.against else {}
    lines = [line for line in lines if not second or line["id"] in second]
    gold = [[Act(**event) for event in line["events"]] for line in lines]
    if second:
        found = [[Act(**event) for event in second[line["id"]]] for line in lines]
    else:
        found = [acts_of(line["text"]) for line in lines]
    print(f"{len(lines)} lines, {sum(not acts for acts in gold)} without events ({options.split})\n")
    print("| what agrees | precision | recall | found | gold |\n|---|---|---|---:|---:|")
    for name, key in KEYS.items():
        rows = [counts(a, b, key) for a, b in zip(gold, found, strict=True)]
        precision, recall, given, wanted = ratios(rows)
        shown = [
            f"{value:.3f} [{low:.2f}, {high:.2f}]" for value, (low, high) in zip((precision, recall), interval(rows), strict=True)
        ]
        print(f"| {name} | {shown[0]} | {shown[1]} | {given} | {wanted} |")
    print("\n| kind of line | lines | precision | recall | found | gold |\n|---|---:|---:|---:|---:|---:|")
    for kind in Counter(line["kind"] for line in lines):
        rows = [counts(a, b, KEYS[MAIN]) for a, b, line in zip(gold, found, lines, strict=True) if line["kind"] == kind]
        print(f"| {kind} | {len(rows)} |{cells(rows)}")
    print("\n| quad class | precision | recall | found | gold |\n|---|---:|---:|---:|---:|")
    for quad in QUADS:
        of_quad = [
            ([act for act in acts if quad_of(act.event) == quad] for acts in (a, b)) for a, b in zip(gold, found, strict=True)
        ]
        print(f"| {quad} |{cells([counts(a, b, KEYS[MAIN]) for a, b in of_quad])}")
    for line, a, b in zip(lines, gold, found, strict=True) if options.wrong else ():
        if {KEYS[MAIN](act) for act in a} != {KEYS[MAIN](act) for act in b}:
            missed, extra = ([f"{x.source}>{x.target} {x.event}" for x in acts] for acts in (set(a) - set(b), set(b) - set(a)))
            print(f"\n{line['id']} {line['kind']}: {line['text']}\n  missed: {'; '.join(missed)}\n  extra: {'; '.join(extra)}")


def rows_of(file: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file."""
    return [json.loads(row) for row in file.read_text(encoding="utf-8").splitlines()]


def cells(rows: list[tuple[int, int, int]]) -> str:
    """Cells of a table: precision and recall where there is something to divide by."""
    precision, recall, given, wanted = ratios(rows)
    shown = f"{precision:.3f}" if given else "-", f"{recall:.3f}" if wanted else "-"
    return f" {shown[0]} | {shown[1]} | {given} | {wanted} |"


if __name__ == "__main__":
    main()
