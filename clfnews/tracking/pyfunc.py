"""The MLflow model: a thin shell around `PageFilter`.

MLflow runs this file when it loads the model ("models from code"), so nothing
is unpickled; the package itself travels with the model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd

if TYPE_CHECKING:
    from clfnews.filtering.origin import Origin
    from clfnews.filtering.tagged import TaggedPage
    from clfnews.page import Page
    from clfnews.readers.base import ReadOptions


CONTENT = ("text", "html")
"""Columns of which a row needs one."""
INPUTS = (*CONTENT, "id", "url", "site", "date")
"""Columns that are read, in the order in which Spark gives them without names."""


class PackagedFilter(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """One row a page in, one row a page out.

    A row has `text` or `html` (the first that is not empty counts; HTML in
    `text` is read as HTML), and may have `id`, `url`, `site` and `date`. It is
    read as `clfnews filter` reads a row of JSON, with its limits; what cannot be
    read, or has no content, is a row with the reason in `error`.
    """

    def load_context(self, context: Any) -> None:
        """Read the filter from the model's artefacts."""
        from clfnews.filtering.filter import PageFilter
        from clfnews.tracking.origins import of_logged

        folder = Path(context.artifacts["filter"])
        self.page_filter = PageFilter.load(folder, of_logged(folder.parents[1]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """A row a page, with the same index.

        Columns: `title`, `text`, `stance`, `stance_p` (probability of that stance; 0
        without one), `p_*` (of each stance), `text_confidence` (expected F1 of the
        kept lines), `lines` (JSON of all tagged lines), `error`, the record, and `model` and
        `run`, which model answers.

        The record is what `docs/record.md` lists: texts are empty where nothing
        is known, `authors` and `tags` are lists, `language_p` is then 0, and
        `paywall` is `true`, `false` or empty. Raises `MlflowException` if there is
        neither a column `text` nor one `html`.
        """
        from clfnews.page import Page
        from clfnews.readers.base import ReadOptions

        options = ReadOptions(hidden=self.page_filter.reads_hidden)
        columns = {name: model_input[name].tolist() for name in INPUTS if name in model_input}
        if not columns.keys() & set(CONTENT):
            # Said of all: MLflow drops the columns it does not know, and with the last of them the rows.
            raise mlflow.exceptions.MlflowException.invalid_parameter_value("the input has no column 'text' or 'html'")
        records = [
            _read({name: values[i] for name, values in columns.items()}, str(i), options) for i in range(len(model_input.index))
        ]
        tagged = self.page_filter.tag([record for record in records if isinstance(record, Page)])
        origin = self.page_filter.origin
        rows = [_row(next(tagged)) if isinstance(record, Page) else _error_row(record, origin) for record in records]
        return pd.DataFrame(rows, index=model_input.index, columns=output_columns())


def _read(cells: dict[str, Any], name: str, options: ReadOptions) -> Page | str:
    """The page of a row, or why it is none; unlike a page without an article, a row without content is a mistake."""
    from clfnews.filtering.frames import page_of_cells, plain
    from clfnews.readers.base import is_blank

    row = {key: plain(value) for key, value in cells.items()}
    if all(row.get(key) is None or is_blank(row[key]) for key in CONTENT):
        return "has no content: neither 'text' nor 'html' has a value"
    return page_of_cells(row, name, options)


def _row(tagged: TaggedPage) -> dict[str, Any]:
    from clfnews.labels import STANCES

    p = tagged.stance.p or {}
    return {
        "title": tagged.title or "",
        "text": tagged.text,
        "stance": tagged.stance.label or "",
        "stance_p": float(p.get(tagged.stance.label or "", 0.0)),
        **{f"p_{label}": float(p.get(label, 0.0)) for label in STANCES},
        "text_confidence": float(tagged.confidence),
        "lines": json.dumps([line.as_row() for line in tagged.lines], ensure_ascii=False),
        "error": "",
        **_record(tagged.record()),
        "model": tagged.model,
        "run": tagged.run or "",
    }


def _record(facts: dict[str, Any]) -> dict[str, Any]:
    """The record in types that a column of any engine can hold, beside the title."""
    from clfnews.record.cells import LISTS, TEXTS

    paywall = {None: "", True: "true", False: "false"}[facts["paywall"]]
    lists = {name: facts[name] for name in LISTS}
    return {name: facts[name] or "" for name in TEXTS} | lists | {"language_p": facts["language_p"] or 0.0, "paywall": paywall}


def _error_row(reason: str, origin: Origin) -> dict[str, Any]:
    from clfnews.labels import STANCES
    from clfnews.record.cells import LISTS, TEXTS

    nothing = {"title": "", "text": "", "stance": "", "stance_p": 0.0, **{f"p_{label}": 0.0 for label in STANCES}}
    facts = dict.fromkeys(TEXTS, "") | {"paywall": "", "language_p": 0.0} | {name: [] for name in LISTS}
    facts |= {"model": origin.model, "run": origin.run or ""}
    return nothing | {"text_confidence": 0.0, "lines": "[]", "error": reason} | facts


def output_columns() -> list[str]:
    """Names of the columns of `predict`."""
    from clfnews.labels import STANCES
    from clfnews.record.cells import LISTS, TEXTS

    stance = ["stance", "stance_p", *(f"p_{label}" for label in STANCES)]
    facts = [*TEXTS, "paywall", "language_p", *LISTS]
    return ["title", "text", *stance, "text_confidence", "lines", "error", *facts, "model", "run"]


mlflow.models.set_model(PackagedFilter())
