"""The fields of a row of results, in one place: Parquet files, the MLflow model and the description of the API are made from it.

`TaggedPage.as_row` writes the rows; `tests/filtering/test_schema.py` holds them and all forms together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clfnews.labels import STANCE, STANCES, Task
from clfnews.record.cells import FACTS


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the labels; any text if there are none."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shares:
    """A number from 0 to 1 for each label."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """An object of the fields; `name` is that of its description."""

    name: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    of: Kind


Kind = str | Choice | Shares | Record | Many
"""A scalar (`text`, `flag`, `whole`, `number`), or what is made of some."""


@dataclass(frozen=True, slots=True)
class Field:
    """What stands under one name of a row."""

    kind: Kind
    about: str
    null: bool = False
    """Whether it may be null."""


_TEXTS = Many("text")
_RECORD: dict[str, Field] = {
    "title": Field("text", "The headline.", null=True),
    "url": Field("text", "Address of the page.", null=True),
    "site": Field("text", "Host of the address, without `www.`.", null=True),
    "site_name": Field("text", "Name of the publication.", null=True),
    "date": Field("text", "When it was published, as ISO 8601 where that is known.", null=True),
    "modified": Field("text", "When it was last changed.", null=True),
    "authors": Field(_TEXTS, "Names of people; the publisher where it names nobody else."),
    "language": Field("text", "ISO 639 code of the text.", null=True),
    "language_p": Field("number", "How sure the language is, 0 to 1; null if it was only declared.", null=True),
    "section": Field("text", "Part of the paper.", null=True),
    "tags": Field(_TEXTS, "Subjects."),
    "paywall": Field("flag", "Whether one has to pay or sign up to read all of it.", null=True),
    "image": Field("text", "Address of the main picture.", null=True),
}
_STANCE = {
    "label": Field(Choice(STANCES), "Null: see `reason`.", null=True),
    "p": Field(Shares(STANCES), "Weighted mean over the lines of the article.", null=True),
    "reason": Field(
        "text",
        "`side`; `coverage` (neutral: too little of the page takes a side); `balance` (neutral: both sides "
        "alike); without a label `no article lines` or `no stance model`.",
    ),
    "coverage": Field("number", "Weight on either side, 0 to 1.", null=True),
    "shares": Field(Shares(STANCES), "Share of the lines of which a stance is the most probable.", null=True),
    "lines": Field(Many("whole"), "Numbers of the lines that carry the label most, strongest first."),
}
_EVENT = {
    "source": Field("text", "Who acts: code of the actor."),
    "target": Field("text", "On whom: code of the actor."),
    "event": Field("text", "What is done."),
    "cameo": Field("text", "Root code of CAMEO."),
    "plover": Field("text", "Class of PLOVER."),
    "quad": Field("text", "Class of the quad of CAMEO."),
    "stance": Field("text", "Stance of the line.", null=True),
    "date": Field("text", "Day of the event, or that of the page.", null=True),
    "n": Field("whole", "Number of the line."),
    "text": Field("text", "The line."),
}


def own_tasks(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """Those of the user's labels that have a field of their own; types of lines have the field `type`, whosever they are."""
    return {name: task for name, task in tasks.items() if name != "type" and task != STANCE}


def tells_stance(tasks: Mapping[str, Task]) -> bool:
    """Whether rows have the shipped stance, if only as null; not if the tasks are the user's alone."""
    return tasks.get("stance") == STANCE


def row_schema(tasks: Mapping[str, Task], events: bool = False) -> dict[str, Field]:
    """Name -> field of a row of a filter of these tasks (`PageFilter.tasks`), in the order of rows.

    `events`: whether they were asked for. The user's own fields (`Page.own`) stand before `lines`, beside these.
    """
    own = {name: Field(_told(name, task), f"What the task {name} says of the page.") for name, task in own_tasks(tasks).items()}
    stance = {"stance": Field(Record("StanceOut", _STANCE), "The stance of the page.")} if tells_stance(tasks) else {}
    event = Field(Many(Record("EventOut", _EVENT)), "Who does what to whom, by the kept lines.")
    return {
        "id": Field("text", "Name of the page."),
        "source": Field("text", "The file of the page.", null=True),
        **{name: _RECORD[name] for name in FACTS},
        "text_from": Field(
            "text", "`page`; if it shows no article without its scripts: `noscript`, `hidden`, `json-ld`, `state`."
        ),
        "text": Field("text", "The kept lines, joined by newlines."),
        **stance,
        "text_confidence": Field(
            "number", "Expected F1 of the kept lines; if none is kept, the probability of no article. Not of the stance."
        ),
        "reason": Field("text", "Why nothing was kept; null if something was.", null=True),
        **own,
        "model": Field("text", "`models:/NAME/VERSION`, or the folder of the filter with a checksum."),
        "run": Field("text", "Id of the MLflow run that logged the model; null: not known.", null=True),
        **({"events": event} if events else {}),
        "lines": Field(Many(Record("LineOut", line_schema(tasks))), "The lines of the page."),
    }


def line_schema(tasks: Mapping[str, Task]) -> dict[str, Field]:
    """Name -> field of a line of a row."""
    kinds = tasks["type"].labels if "type" in tasks else ()
    fields = {
        "n": Field("whole", "Number of the line in its source, from 1, counting empty ones."),
        "text": Field("text", "The line, normalised (NFC, single spaces)."),
        "type": Field(Choice(kinds), "What the line is; null: the filter has no types.", null=not kinds),
        "p": Field(Shares(kinds), "Probability of each type.", null=not kinds),
        "keep": Field("flag", "Whether the line belongs to the article."),
    }
    if tells_stance(tasks):
        fields["stance"] = Field(Choice(STANCES), "Null: not kept, or the model abstains.", null=True)
        fields["p_stance"] = Field(Shares(STANCES), "Probability of each stance; null for lines that are not kept.", null=True)
    for name, task in own_tasks(tasks).items():
        if task.of != "pages":
            fields[name] = Field(_told(name, task), f"What the task {name} says of the line.")
    return fields


def _told(name: str, task: Task) -> Record:
    """What `decisions.told` gives."""
    label = Field(Choice(task.labels), "Null: not sure enough, or nothing to read.", null=True)
    p = Field(Shares(task.labels), "Probability of each label.", null=True)
    return Record(f"{name.title().replace('_', '')}Out", {"label": label, "p": p})
