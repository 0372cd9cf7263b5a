"""The MLflow model: a thin shell around `PageFilter`.

MLflow runs this file when it loads the model ("models from code"), so nothing
is unpickled; the package itself travels with the model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd

if TYPE_CHECKING:
    from clfnews.page import Page
    from clfnews.readers.base import ReadOptions


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

        Columns: those of `tracking.columns.columns`: the fields of a row of `clfnews tag`,
        where texts are empty and numbers 0 if nothing is known, and `error`. Raises
        `MlflowException` if there is neither a column `text` nor one `html`.
        """
        from clfnews.page import Page
        from clfnews.readers.base import ReadOptions
        from clfnews.tracking.columns import CONTENT, INPUTS, columns, flat, no_page

        options = ReadOptions(hidden=self.page_filter.reads_hidden)
        cells = {name: model_input[name].tolist() for name in INPUTS if name in model_input}
        if not cells.keys() & set(CONTENT):
            # Said of all: MLflow drops the columns it does not know, and with the last of them the rows.
            raise mlflow.exceptions.MlflowException.invalid_parameter_value("the input has no column 'text' or 'html'")
        records = [
            _read({name: values[i] for name, values in cells.items()}, str(i), options) for i in range(len(model_input.index))
        ]
        tagged = self.page_filter.tag([record for record in records if isinstance(record, Page)])
        origin, tasks = self.page_filter.origin, self.page_filter.tasks
        rows = [
            flat(next(tagged).as_row(), tasks) if isinstance(record, Page) else no_page(record, origin, tasks)
            for record in records
        ]
        return pd.DataFrame(rows, index=model_input.index, columns=list(columns(tasks)))


def _read(cells: dict[str, Any], name: str, options: ReadOptions) -> Page | str:
    """The page of a row, or why it is none; unlike a page without an article, a row without content is a mistake."""
    from clfnews.filtering.frames import page_of_cells, plain
    from clfnews.readers.base import is_blank
    from clfnews.tracking.columns import CONTENT

    row = {key: plain(value) for key, value in cells.items()}
    if all(row.get(key) is None or is_blank(row[key]) for key in CONTENT):
        return "has no content: neither 'text' nor 'html' has a value"
    return page_of_cells(row, name, options)


mlflow.models.set_model(PackagedFilter())
