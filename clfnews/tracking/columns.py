"""Rows of results as flat columns that any engine holds: what the MLflow model gives, in Spark and from a server too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from clfnews.filtering.origin import Origin
from clfnews.filtering.schema import Field, Record, Shares, row_schema
from clfnews.labels import Task

CONTENT = ("text", "html")
"""Columns of the MLflow model of a filter of which a row needs one."""
INPUTS = (*CONTENT, "id", "url", "site", "date")
"""Its columns that are read, in the order in which Spark gives them without names."""
LABEL_INPUTS = ("text", "page", "site")
"""Columns of the MLflow model of one task that are read; only `text` is needed."""
PROBABILITIES = "probabilities"
"""Parameter of its `predict`: a column a label instead of the best label."""
TEXT, NUMBER, TEXTS = "text", "number", "texts"
"""Kinds of columns; what is not known is an empty text, 0 or an empty list."""
_FIRST = ("title", "text", "stance", "stance_p", "p_conciliatory", "p_hostile", "p_neutral", "text_confidence", "lines", "error")


def columns(tasks: Mapping[str, Task]) -> dict[str, str]:
    """Name -> kind of the columns of a filter of these tasks (`PageFilter.tasks`).

    They are the fields of `filtering.schema.row_schema`. Of an object with a label there are the
    label and, as `NAME_p`, its probability; of the shipped stance also `p_LABEL`. Lines are JSON, a
    flag is `true` or `false`. `error` says why a row is no page. There is no `source`: rows are no files.
    """
    found: dict[str, str] = {"error": TEXT}
    for name, field in row_schema(tasks).items():
        found |= {column: kind for column, (kind, _) in _flat(name, field, None).items()}
    return {name: found[name] for name in (*_FIRST, *found) if name in found}


def flat(row: Mapping[str, Any], tasks: Mapping[str, Task]) -> dict[str, Any]:
    """The columns of a row of `TaggedPage.as_row`."""
    values: dict[str, Any] = {"error": ""}
    for name, field in row_schema(tasks).items():
        values |= {column: value for column, (_, value) in _flat(name, field, row[name]).items()}
    return values


def no_page(reason: str, origin: Origin, tasks: Mapping[str, Task]) -> dict[str, Any]:
    """The columns of a row that is no page, and why."""
    empty: dict[str, Any] = {TEXT: "", NUMBER: 0.0}
    nothing = {name: empty.get(kind, []) for name, kind in columns(tasks).items()}
    return nothing | {"lines": "[]", "error": reason, "model": origin.model, "run": origin.run or ""}


def _flat(name: str, field: Field, value: Any) -> dict[str, tuple[str, Any]]:
    """Column -> kind and value of a field."""
    if name == "source":
        return {}
    if name == "lines":
        return {name: (TEXT, json.dumps(value, ensure_ascii=False))}
    if isinstance(field.kind, Record):
        return _of_label(name, field.kind, value or {})
    if field.kind == "flag":
        return {name: (TEXT, {None: "", True: "true", False: "false"}[value])}
    if field.kind == "number":
        return {name: (NUMBER, float(value or 0.0))}
    return {name: (TEXT, value or "") if field.kind == "text" else (TEXTS, value)}


def _of_label(name: str, kind: Record, value: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    label, p = value.get("label") or "", value.get("p") or {}
    found = {name: (TEXT, label), f"{name}_p": (NUMBER, float(p.get(label, 0.0)))}
    shares = kind.fields["p"].kind
    if "shares" in kind.fields and isinstance(shares, Shares):  # of the shipped stance
        found |= {f"p_{one}": (NUMBER, float(p.get(one, 0.0))) for one in shares.labels}
    return found
