"""The MLflow model of one model of one task: a thin shell that gives a label a row.

MLflow runs this file when it loads the model ("models from code"), so nothing
is unpickled; the package itself travels with the model.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from clfnews.filtering.filter import PageFilter


class PackagedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """One row a line in (of a task of pages: a page), one label a row out.

    Rows that follow each other with the same `page` are lines of one page, in
    order: a model that looks at the whole page needs them. Without that column
    each row is a page of its own.
    """

    def load_context(self, context: Any) -> None:
        """Read the filter of one model in the model's artefacts."""
        from clfnews.filtering.filter import PageFilter

        self.page_filter = PageFilter.load(Path(context.artifacts["filter"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """The label of every row; with `params={"probabilities": True}` a frame, rows x labels, rows summing to 1.

        A row without text has the label "", and NaN for probabilities. Raises `MlflowException`
        if there is no column `text`.
        """
        from clfnews.tracking.columns import PROBABILITIES

        if "text" not in model_input:
            raise mlflow.exceptions.MlflowException.invalid_parameter_value("the input has no column 'text'")
        p, labels = _probabilities(self.page_filter, model_input)
        if (params or {}).get(PROBABILITIES):
            return pd.DataFrame(p, index=model_input.index, columns=list(labels))
        known = ~np.isnan(p).any(axis=1)
        return np.array([labels[row.argmax()] if good else "" for row, good in zip(p, known, strict=True)], dtype=object)


def _probabilities(page_filter: PageFilter, rows: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """Rows x labels, NaN where a row has no text; and the labels."""
    from clfnews.page import Page, normalise

    (fitted,) = page_filter.fitted.values()
    texts = [normalise(text) if isinstance(text, str) else "" for text in rows["text"].tolist()]
    names: list[Any] = list(range(len(texts)))
    if "page" in rows and fitted.task.of != "pages":
        # A row without a page is one by itself, not a line of the row above that has none either.
        names = [(name,) if pd.notna(name) else i for i, name in enumerate(rows["page"].tolist())]
    sites = rows["site"].tolist() if "site" in rows else [None] * len(texts)
    together = ([i for i in same if texts[i]] for _, same in groupby(range(len(texts)), key=names.__getitem__))
    places = [place for place in together if place]
    pages = [Page.from_lines([texts[i] for i in place], site=_text(sites[place[0]])) for place in places]
    found = np.full((len(texts), len(fitted.task.labels)), np.nan)
    for place, p in zip(places, fitted.predict(pages), strict=True):
        found[place] = p
    return found, fitted.task.labels


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


mlflow.models.set_model(PackagedModel())
