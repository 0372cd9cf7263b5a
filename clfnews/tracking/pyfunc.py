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
    from clfnews.filtering.tagged import TaggedPage


class PackagedFilter(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """One row a page in (`text`, optional `id`, `url`), one row a page out.

    A row is read as `clfnews filter` reads a row of JSON, with its limits: HTML
    in `text` as HTML; what cannot be read is a row with the reason in `error`.
    """

    def load_context(self, context: Any) -> None:
        """Read the filter from the model's artefacts."""
        from clfnews.filtering.filter import PageFilter

        self.page_filter = PageFilter.load(Path(context.artifacts["filter"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Columns: `title`, `text`, `stance`, `p_*`, `confidence`, `lines` (JSON of all tagged lines), `error`, and the record.

        The record is what `docs/record.md` lists: texts are empty where nothing
        is known, `authors` and `tags` are lists, `language_p` is then 0, and
        `paywall` is `true`, `false` or empty.
        """
        from clfnews.filtering.frames import page_of_cells
        from clfnews.page import Page
        from clfnews.readers.base import ReadOptions

        options = ReadOptions(hidden=self.page_filter.reads_hidden)
        columns = {name: model_input[name].tolist() for name in ("text", "id", "url") if name in model_input}
        records = [
            page_of_cells({name: values[i] for name, values in columns.items()}, str(i), options)
            for i in range(len(model_input.index))
        ]
        tagged = self.page_filter.tag([record for record in records if isinstance(record, Page)])
        rows = [_row(next(tagged)) if isinstance(record, Page) else _error_row(record) for record in records]
        return pd.DataFrame(rows, index=model_input.index, columns=output_columns())


def _row(tagged: TaggedPage) -> dict[str, Any]:
    from clfnews.labels import STANCES

    p = tagged.stance.p or {}
    return {
        "title": tagged.title or "",
        "text": tagged.text,
        "stance": tagged.stance.label or "",
        **{f"p_{label}": float(p.get(label, 0.0)) for label in STANCES},
        "confidence": float(tagged.confidence),
        "lines": json.dumps([line.as_row() for line in tagged.lines], ensure_ascii=False),
        "error": "",
        **_record(tagged.record()),
    }


def _record(facts: dict[str, Any]) -> dict[str, Any]:
    """The record in types that a column of any engine can hold, beside the title."""
    from clfnews.record.cells import LISTS, TEXTS

    paywall = {None: "", True: "true", False: "false"}[facts["paywall"]]
    lists = {name: facts[name] for name in LISTS}
    return {name: facts[name] or "" for name in TEXTS} | lists | {"language_p": facts["language_p"] or 0.0, "paywall": paywall}


def _error_row(reason: str) -> dict[str, Any]:
    from clfnews.labels import STANCES
    from clfnews.record.cells import LISTS, TEXTS

    nothing = {"title": "", "text": "", "stance": "", **{f"p_{label}": 0.0 for label in STANCES}}
    facts = dict.fromkeys(TEXTS, "") | {"paywall": "", "language_p": 0.0} | {name: [] for name in LISTS}
    return nothing | {"confidence": 0.0, "lines": "[]", "error": reason} | facts


def output_columns() -> list[str]:
    """Names of the columns of `predict`."""
    from clfnews.labels import STANCES
    from clfnews.record.cells import LISTS, TEXTS

    tags = ["title", "text", "stance", *(f"p_{label}" for label in STANCES), "confidence", "lines", "error"]
    return [*tags, *TEXTS, "paywall", "language_p", *LISTS]


mlflow.models.set_model(PackagedFilter())
