"""Lines of gold rows on their way to and from labelling tools, and how their problems are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clfnews.data.rows import line_problems
from clfnews.errors import UserError
from clfnews.page import Line, normalise

GoldRow = dict[str, Any]
"""A gold row."""

_SHOWN = 5
"""Problems that an error message names; it counts the others."""


def label_line(text: str, labels: Mapping[str, str], n: int | None) -> GoldRow:
    """A line of a gold row; an empty label is none, and only numbered lines have `n`."""
    line: GoldRow = {"text": text, "type": labels.get("type") or None, "stance": labels.get("stance") or None}
    return line if n is None else {"n": n} | line


def problems_of(line: Mapping[str, Any], n: int) -> list[str]:
    """What keeps a line from being a gold line."""
    labels = {key: line.get(key) for key in ("type", "stance")}
    bad = [f"{key} {value!r} is not a label's name" for key, value in labels.items() if not isinstance(value, str | None)]
    if bad:
        return bad
    text = line["text"]
    not_clean = [] if text and normalise(text) == text else ["empty or not normalised text (see clfnews data check)"]
    return not_clean + line_problems(Line(text, n, labels["type"], labels["stance"]))


def has_labels(row: GoldRow) -> bool:
    """Whether anybody has given any line of the page a label."""
    return any(line.get("type") or line.get("stance") for line in row["lines"])


def by_person(row: GoldRow) -> GoldRow:
    """A row whose labels a person gave, from those of a model: the field `model` becomes `prefilled`."""
    return {{"model": "prefilled"}.get(key, key): value for key, value in row.items()}


def raise_problems(problems: Sequence[str]) -> None:
    """Raise `UserError` with the first problems in one line, if there are any."""
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise UserError("; ".join(problems[:_SHOWN]) + more)
