"""The MLflow model: a thin shell around `PageFilter`.

MLflow runs this file when it loads the model ("models from code"), so nothing
is unpickled; the package itself travels with the model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd


class PackagedFilter(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """One row a page in (`text`, optional `id`, `url`), one row a page out."""

    def load_context(self, context: Any) -> None:
        """Read the filter from the model's artefacts."""
        from clfnews.filtering.filter import PageFilter

        self.page_filter = PageFilter.load(Path(context.artifacts["filter"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Columns: `title`, `text`, `stance`, `p_*`, `confidence`, `lines` (JSON of all tagged lines)."""
        from clfnews.labels import STANCES
        from clfnews.page import Page

        columns = {name: model_input[name].tolist() for name in ("text", "id", "url") if name in model_input}
        pages = [
            Page.from_text(
                text if isinstance(text, str) else "",
                id=str(columns["id"][i]) if columns.get("id") and columns["id"][i] is not None else str(i),
                url=columns["url"][i] if columns.get("url") else None,
            )
            for i, text in enumerate(columns["text"])
        ]
        rows = []
        for tagged in self.page_filter.tag(pages):
            p = tagged.stance.p or {}
            rows.append(
                {"title": tagged.title or "", "text": tagged.text, "stance": tagged.stance.label or ""}
                | {f"p_{label}": float(p.get(label, 0.0)) for label in STANCES}
                | {
                    "confidence": float(tagged.confidence),
                    "lines": json.dumps([line.as_row() for line in tagged.lines], ensure_ascii=False),
                }
            )
        return pd.DataFrame(rows, index=model_input.index, columns=output_columns())


def output_columns() -> list[str]:
    """Names of the columns of `predict`."""
    from clfnews.labels import STANCES

    return ["title", "text", "stance", *(f"p_{label}" for label in STANCES), "confidence", "lines"]


mlflow.models.set_model(PackagedFilter())
