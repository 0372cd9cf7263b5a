"""The file of a sweep (`configs/sweep.yaml` shows every key), checked key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from clfnews.config.loading import Section, load_section
from clfnews.errors import UserError, nearest
from clfnews.evaluation.metrics import SETS

VariantName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.+-]*$")]


class Choices(Section):
    """What a search may set a key to: one of `choices`, or a number from `low` to `high`."""

    choices: list[Any] | None = None
    low: float | None = None
    high: float | None = None
    log: bool = False


class Search(Section):
    """An Optuna search (`pip install 'clfnews[search]'`) for the best out-of-fold score."""

    task: str
    model: str
    trials: Annotated[int, Field(gt=0)] = 20
    space: dict[str, Choices]


class Sweep(Section):
    """The file `sweep.yaml`; paths are relative to it."""

    question: str
    base: str
    tasks: dict[str, list[str]]
    """Task -> models to train. Others of the base configuration are left out."""
    variants: dict[VariantName, list[str]]
    """Name -> dotted overrides, such as `type.threshold=0.5`."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (7,)
    evaluate: dict[VariantName, str] = Field(default_factory=dict)
    """Name -> JSONL file of labelled pages; one that is not there is passed over."""
    tables: tuple[str, ...] = SETS
    """Splits that get a table; in whatever order they are named, the test split is shown last."""
    search: Search | None = None
    track: bool = True
    """Log every variant to MLflow too, into the experiment of the base configuration."""

    @property
    def shown(self) -> list[str]:
        """The sets that get a table, in the order in which they may decide."""
        return sorted([*self.tables, *self.evaluate], key=lambda name: (name == "test", name in self.evaluate, _place(name)))


def _place(name: str) -> int:
    return SETS.index(name) if name in SETS else len(SETS)


def load_sweep(path: Path) -> Sweep:
    """The sweep file; raises `UserError` for unknown keys and sets. Its tasks and models are those of its base."""
    spec = load_section(path, Sweep)
    if not spec.tasks or not spec.variants:
        raise UserError(f"{path}: tasks and variants must not be empty")
    for name in spec.tables:
        if name not in SETS:
            raise UserError(f"{path}: tables: unknown set {name!r}{nearest(name, SETS)}")
    return spec
