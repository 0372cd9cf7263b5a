"""What the JSON API takes and gives, for its description (OpenAPI).

Rows are read by `readers`, not by these: a row that cannot be read is its own
error and not that of the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, create_model
from pydantic import Field as Described

from clfnews.filtering.schema import Choice, Field, Kind, Many, Record, Shares, row_schema
from clfnews.labels import Task


class RowIn(BaseModel):
    """A page: `lines`, `text` or `html`; the first of them that has a value counts."""

    text: str | None = Described(None, description="Extracted text, one line of the page a line. HTML in it is read as HTML.")
    html: str | None = Described(None, description="The HTML document.")
    lines: list[Any] | None = Described(None, description="The page's lines: texts, or objects with `text`.")
    id: Any = Described(None, description="Comes back as text. Default: `row-1`, `row-2`, ...")
    url: str | None = Described(None, description="Address of the page.")
    site: str | None = Described(None, description="Default: the host of the address.")
    date: str | None = Described(None, description="Date of the page.")


def page_out(tasks: Mapping[str, Task]) -> type[BaseModel]:
    """A page with its lines, as a row of `clfnews tag` or `clfnews filter` of a filter of these tasks (`filtering.schema`)."""
    about = "A page with its lines, as a row of `clfnews tag` (`lines=all`) or `clfnews filter` (`lines=kept`)."
    fields = row_schema(tasks, events=True)
    return _model("PageOut", fields, about + " Fields of the row that are not known come back under their names.", own=True)


def _model(name: str, fields: Mapping[str, Field], about: str | None = None, *, own: bool = False) -> type[BaseModel]:
    """The model of an object of these fields; `own`: it may have others too."""
    described: dict[str, Any] = {}
    for key, field in fields.items():
        # The others are always there, events only if they were asked for.
        missing: dict[str, Any] = {"default_factory": list} if key == "events" else {}
        kind = _type(field.kind) | None if field.null else _type(field.kind)
        described[key] = kind, Described(description=field.about, **missing)
    return create_model(name, __doc__=about, __config__=ConfigDict(extra="allow" if own else "ignore"), **described)


def _type(kind: Kind) -> Any:
    """The type of a kind, for pydantic."""
    match kind:
        case Record():
            return _model(kind.name, kind.fields)
        case Many():
            return list[_type(kind.of)]  # type: ignore[misc]
        case Shares(labels):
            return dict[_choice(labels), float]  # type: ignore[misc]
        case Choice(labels):
            return _choice(labels)
    return {"text": str, "flag": bool, "whole": int, "number": float}[kind]


def _choice(labels: tuple[str, ...]) -> Any:
    return Literal[labels] if labels else str


class RowError(BaseModel):
    """A row that could not be read; the others are not affected."""

    id: str
    error: str = Described(description="What is wrong, in one line.")


class Problem(BaseModel):
    """A request that could not be answered."""

    error: str = Described(description="What is wrong, in one line.")


class Health(BaseModel):
    """The server is up, its model loaded."""

    status: Literal["ok"]


class Version(BaseModel):
    """What answers."""

    clfnews: str = Described(description="Version of the package.")
    model: str = Described(description="`models:/NAME/VERSION`, or the folder of the filter with a checksum.")
    run: str | None = Described(description="Id of the MLflow run that logged it; null: not known.")
    name: str = Described(description="Name of the filter.")
    models: dict[str, str] = Described(description="Task (`type`, `stance`) and the kind of its model.")
    threshold: float = Described(description="p(article) from which a line is kept.")
