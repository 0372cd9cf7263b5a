"""What varied in a sweep, which of its rows is best out of fold, and the command that trains that one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from clfnews.models import MODELS

MEAN = "mean"
"""In place of a seed: the mean over all seeds."""
_BETWEEN = re.compile(r" (?=[\w.]+=)")
_MODELS = re.compile(r"(?:tasks\.)?(\w+)\.models\.(\w+)[.=]")

Row = dict[str, str]


def overrides_of(row: Row) -> list[str]:
    """The overrides of a row of `results.csv`; a value may have spaces."""
    return [item for item in _BETWEEN.split(row["overrides"]) if "=" in item]


def changed(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Variant/model -> what is set otherwise than in all other variants and says something of that model; rows of one task."""
    own = [row for row in rows if not is_reference(row)]
    variants = {row["variant"]: overrides_of(row) for row in own}
    shared = set.intersection(*map(set, variants.values())) if len(variants) > 1 else set()
    return {
        f"{row['variant']}/{row['model']}": [item for item in variants[row["variant"]] if item not in shared and _of(item, row)]
        for row in own
    }


def _of(override: str, row: Row) -> bool:
    """False for an option of another model."""
    found = _MODELS.match(override)
    return found is None or found.groups() == (row["task"], row["model"])


def is_reference(row: Row) -> bool:
    """True for the floor and the majority, which are no variants."""
    return row["variant"].startswith("(")


def best_rows(rows: Sequence[Row]) -> dict[str, Row]:
    """Task -> its row with the highest score out of fold, the mean over seeds if there are several; the first of equals."""
    best: dict[str, Row] = {}
    for task in dict.fromkeys(row["task"] for row in rows):
        of_task = [row for row in rows if row["task"] == task and row["set"] == "oof" and not is_reference(row)]
        means = [row for row in of_task if row["seed"] == MEAN] or of_task
        if means:
            best[task] = max(means, key=lambda row: float(row["value"]))
    return best


def train_command(base: str, row: Row, rows: Sequence[Row]) -> str:
    """What trains the model of a row, with the first seed of the sweep."""
    seed = next(other["seed"] for other in rows if other["seed"] != MEAN)
    settings = [*overrides_of(row), f"seed={seed}"]
    return shlex.join(["clfnews", "train", base, *(part for item in settings for part in ("--set", item))])


def told_best(base: str, rows: Sequence[Row]) -> list[str]:
    """A line for each task: the best row out of fold and the command that trains it.

    Results of a model that an earlier version had have no such command.
    """
    lines = []
    for task, row in best_rows(rows).items():
        told = f"{task}: best out of fold is {row['variant']}, {row['model']} ({float(row['value']):.3f})"
        lines.append(f"{told}: `{train_command(base, row, rows)}`" if row["model"] in MODELS else told)
    return lines
