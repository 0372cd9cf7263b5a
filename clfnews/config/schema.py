"""The keys of a configuration with their defaults, and `load_config`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from clfnews.config.loading import Section, merged, read_chain, set_key, validated, yaml_value
from clfnews.config.options import LARGEST, OwnModels, Share, StanceModels, TypeModels
from clfnews.errors import UserError
from clfnews.labels import SHIPPED
from clfnews.record.cells import FACTS


class FurtherPages(Section):
    """A file of further pages that train is made larger by."""

    path: str
    labels: Literal["types", "article"] = "types"
    """`article`: its labels tell article from noise only, whatever type they name."""
    weight: Annotated[float, Field(gt=0, le=LARGEST)] = 1.0
    """Of each of its lines; a line of train has 1."""


class DataSection(Section):
    """Where the labelled pages are."""

    folder: str = "data"
    train: str | tuple[str | FurtherPages, ...] = "train"
    train_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    validation: str | None = "validation"
    test: str | None = "test"
    cues: bool = True

    @field_validator("train")
    @classmethod
    def _a_split_first(cls, train: str | tuple[str | FurtherPages, ...]) -> str | tuple[str | FurtherPages, ...]:
        if not isinstance(train, str) and not (train and isinstance(train[0], str)):
            raise ValueError("begins with the split or file that is predicted out of fold, such as [train, {path: more.jsonl}]")
        return train

    @property
    def main(self) -> str:
        """The split or file that is fitted on, predicted out of fold and scored."""
        return self.train if isinstance(self.train, str) else str(self.train[0])

    @property
    def further(self) -> tuple[FurtherPages, ...]:
        """What is only fitted on, beside `main`."""
        rest = () if isinstance(self.train, str) else self.train[1:]
        return tuple(FurtherPages(path=source) if isinstance(source, str) else source for source in rest)


class BootstrapSection(Section):
    """Intervals of every score."""

    samples: Annotated[int, Field(ge=100, le=1_000_000)] = 1000
    level: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95


class TypeSection(Section):
    """Article or noise, and which kind of noise."""

    keep: tuple[str, ...] = ("title", "body")
    threshold: Share | Literal["f1"] = "f1"
    sites: bool = True
    models: TypeModels = TypeModels()


class StanceSection(Section):
    """Conciliatory, hostile or neutral."""

    min_confidence: Share = 0.45
    risk: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    models: StanceModels = StanceModels()


class OwnTask(Section):
    """A task of the user's own labels."""

    of: Literal["lines", "kept lines", "pages"] = "lines"
    min_confidence: Share = 0.0
    models: OwnModels = OwnModels()


def task_name(name: str) -> str:
    """The name, if a task of one's own may have it; raises `ValueError` that says why not."""
    if not _TASK.fullmatch(name):
        raise ValueError("the name of a task is of small letters, digits and _, and begins with a letter")
    if name in _TAKEN:
        raise ValueError(f"{name!r} is a field of every row of results; the task needs another name")
    return name


_TASK = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TAKEN = frozenset({
    "id", "source", *FACTS, "text_from", "text", "lines", "n", "p", "keep", "reason", "model", "run", "confidence",
    "text_confidence", "events", "error", "labels", "end_to_end", "challenge", "words", "group", "layout", "origin", "article",
    "p_conciliatory", "p_hostile", "p_neutral", "tasks", "guidelines", "chosen_for", "prefilled",
})  # fmt: skip
TaskName = Annotated[str, AfterValidator(task_name)]


def _model_name(name: str) -> str:
    """MLflow says it only when the model is registered: after the training."""
    if any(sign in name for sign in "/:"):
        raise ValueError("must not contain / or :")
    if any(sign in name for sign in "@#?%"):
        raise ValueError("must not contain @ # ? or %, which mean something in models:/NAME/VERSION")
    return name


def _shown_name(name: str) -> str:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise ValueError("must be a name of one line, without spaces at its ends")
    return name


StoreName = Annotated[str, Field(max_length=200), AfterValidator(_shown_name)]


class TrackingSection(Section):
    """Where runs and models are kept."""

    experiment: StoreName = "clfnews"
    registered_model: Annotated[StoreName, AfterValidator(_model_name)] | None = "clfnews"
    promote: bool = True
    promote_if: Literal["better", "any"] = "better"
    run_name: str | None = None


class Config(Section):
    """One training run."""

    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 7
    folds: Annotated[int, Field(ge=2, le=1000)] = 2
    data: DataSection = DataSection()
    type: TypeSection = TypeSection()
    stance: StanceSection = StanceSection()
    tasks: dict[TaskName, OwnTask] = Field(default_factory=dict)
    bootstrap: BootstrapSection = BootstrapSection()
    tracking: TrackingSection = TrackingSection()

    @model_validator(mode="before")
    @classmethod
    def _one_place(cls, values: Any) -> Any:
        """`tasks.type` and `tasks.stance` are the sections `type` and `stance`."""
        tasks = values.get("tasks") if isinstance(values, dict) else None
        if not isinstance(tasks, dict):
            return values
        ours = {name: dict(tasks[name]) for name in SHIPPED if isinstance(tasks.get(name), dict)}
        for name, section in ours.items():
            of = section.pop("of", SHIPPED[name].of)
            if of != SHIPPED[name].of:
                raise _wrong(f"the task {name!r} is always of {SHIPPED[name].of}; give a task of {of} another name", name, of)
        values = values | {name: merged(values.get(name) or {}, section) for name, section in ours.items()}
        return values | {"tasks": {name: task for name, task in tasks.items() if name not in ours}}

    @field_validator("tasks")
    @classmethod
    def _columns_apart(cls, tasks: dict[str, OwnTask]) -> dict[str, OwnTask]:
        for name in tasks:
            if name.removesuffix("_p") in {"stance", *tasks} - {name}:
                raise ValueError(f"{name!r} is the column with the probability of {name.removesuffix('_p')!r}; name it otherwise")
        return tasks

    @field_validator("stance", "type")
    @classmethod
    def _some_model(cls, section: TypeSection | StanceSection) -> TypeSection | StanceSection:
        if not chosen_models(section):
            raise ValueError("no model is left; at least one must not be null")
        return section


def _wrong(why: str, task: str, of: Any) -> ValidationError:
    """What is said of the key `of` of a task."""
    problem = InitErrorDetails(type=PydanticCustomError("of", "{why}", {"why": why}), loc=("tasks", task, "of"), input=of)
    return ValidationError.from_exception_data("Config", [problem])


def section_of(config: Config, task: str) -> TypeSection | StanceSection | OwnTask:
    """The section of a task."""
    own = config.tasks.get(task)
    return own if own is not None else config.type if task == "type" else config.stance


def chosen_models(section: TypeSection | StanceSection | OwnTask) -> dict[str, dict[str, Any]]:
    """Name -> options of the models that a configuration asks for."""
    models = section.models
    chosen = {name: getattr(models, name) for name in type(models).model_fields}
    return {name: options.model_dump() for name, options in chosen.items() if options is not None}


def load_config(path: str | Path, overrides: list[str] | None = None) -> Config:
    """A configuration file with its `extends` chain and dotted overrides.

    Parameters: `path` of a YAML file, `overrides` such as `type.models.linear.C=2`
    (values in YAML). Raises `UserError` that names file, line and key.
    """
    path = Path(path)
    merged, lines = read_chain(path, ())
    for override in overrides or []:
        key, sign, value = override.partition("=")
        if not sign or not key:
            raise UserError(f"--set {override}: expected key=value, such as folds=3")
        keys = key.split(".")
        set_key(merged, keys, yaml_value(value, f"--set {override}"), f"--set {override}")
        for end in range(1, len(keys)):  # a section that no file has is the override's too
            lines.setdefault(tuple(keys[:end]), f"--set {override}")
        lines[tuple(keys)] = f"--set {override}"
    _beside(merged, lines)
    return validated(Config, merged, path, lines)


def _beside(values: dict[str, Any], lines: dict[tuple[str, ...], str]) -> None:
    """Look up a relative data folder that a file names: from the working directory and from the folder of that file.

    The one that has a dataset card counts; of both the working directory's, but of one that begins with a dot the file's.
    """
    where, folder = lines.get(("data", "folder"), "--set"), (values.get("data") or {}).get("folder")
    if where.startswith("--set") or not isinstance(folder, str) or Path(folder).is_absolute():
        return
    beside = Path(where.rpartition(":")[0]).parent / folder
    first, second = (beside, Path(folder)) if folder.startswith(".") else (Path(folder), beside)
    found = next((path for path in (first, second) if (path / "README.md").is_file()), None)
    if found == beside != Path(folder):
        values["data"]["folder"] = str(beside)
