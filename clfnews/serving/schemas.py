"""What the JSON API takes and gives, for its description (OpenAPI).

Rows are read by `readers`, not by these: a row that cannot be read is its own
error and not that of the request.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

Type = Literal["title", "body", "caption", "byline", "teaser", "navigation", "ad", "ui"]
Stance = Literal["conciliatory", "hostile", "neutral"]


class RowIn(BaseModel):
    """A page: `lines`, `text` or `html`; the first of them that has a value counts."""

    text: str | None = Field(None, description="Extracted text, one line of the page a line. HTML in it is read as HTML.")
    html: str | None = Field(None, description="The HTML document.")
    lines: list[Any] | None = Field(None, description="The page's lines: texts, or objects with `text`.")
    id: Any = Field(None, description="Comes back as text. Default: `row-1`, `row-2`, ...")
    url: str | None = Field(None, description="Address of the page.")
    site: str | None = Field(None, description="Default: the host of the address.")
    date: str | None = Field(None, description="Date of the page.")


class LineOut(BaseModel):
    """A line of the page, with what the filter thinks of it."""

    n: int = Field(description="Number of the line in its source, from 1, counting empty ones.")
    text: str = Field(description="The line, normalised (NFC, single spaces).")
    type: Type = Field(description="`title` and `body` are the article, the others noise.")
    p: dict[Type, float] = Field(description="Probability of each type.")
    keep: bool = Field(description="Whether the line belongs to the article.")
    stance: Stance | None = Field(description="Null: not kept, or the model abstains.")
    p_stance: dict[Stance, float] | None = Field(description="Probability of each stance; null for lines that are not kept.")


class StanceOut(BaseModel):
    """The stance of a page, and what it rests on."""

    label: Stance | None
    p: dict[Stance, float] | None = Field(description="Weighted mean over the lines of the article.")
    reason: str = Field(
        description="`side`; `coverage` (neutral: too little of the page takes a side); `balance` (neutral: both sides "
        "alike); without a label `no article lines` or `no stance model`."
    )
    coverage: float | None = Field(description="Weight on either side, 0 to 1.")
    shares: dict[Stance, float] | None = Field(description="Share of the lines of which a stance is the most probable.")
    lines: list[int] = Field(description="Numbers of the lines that carry the label most, strongest first.")


class PageOut(BaseModel):
    """A page with its lines, as a row of `clfnews tag` (`lines=all`) or `clfnews filter` (`lines=kept`)."""

    id: str
    url: str | None
    site: str | None
    date: str | None
    source: None = Field(description="The file of the page; here none.")
    title: str | None = Field(description="The kept headline.")
    text: str = Field(description="The kept lines, joined by newlines.")
    stance: StanceOut
    text_confidence: float = Field(
        description="Expected F1 of the kept lines; if none is kept, the probability of no article. Not of the stance."
    )
    reason: str | None = Field(description="Why nothing was kept; null if something was.")
    model: str
    lines: list[LineOut]


class RowError(BaseModel):
    """A row that could not be read; the others are not affected."""

    id: str
    error: str = Field(description="What is wrong, in one line.")


class Problem(BaseModel):
    """A request that could not be answered."""

    error: str = Field(description="What is wrong, in one line.")


class Health(BaseModel):
    """The server is up, its model loaded."""

    status: Literal["ok"]


class Version(BaseModel):
    """What answers."""

    clfnews: str = Field(description="Version of the package.")
    model: str = Field(description="`models:/NAME/VERSION`, or the folder of the filter with a checksum.")
    run: str | None = Field(description="Id of the MLflow run that logged it; null: not known.")
    name: str = Field(description="Name of the filter.")
    models: dict[str, str] = Field(description="Task (`type`, `stance`) and the kind of its model.")
    threshold: float = Field(description="p(article) from which a line is kept.")
