"""Filters and single models as MLflow models."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from clfnews.filtering.filter import PageFilter
from clfnews.tracking.columns import INPUTS, LABEL_INPUTS, NUMBER, PROBABILITIES, TEXT, TEXTS, columns

REQUIREMENTS = [
    "mlflow", "pandas", "numpy", "scipy", "scikit-learn", "skops", "fasttext-community", "selectolax", "py3langid",
]  # fmt: skip


def log_model(mlflow: Any, page_filter: PageFilter) -> Any:
    """Log a filter as an MLflow model into the active run."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import Array

    kinds: dict[str, Any] = {TEXT: "string", NUMBER: "double", TEXTS: Array("string")}
    outputs = Schema([ColSpec(kinds[kind], name) for name, kind in columns(page_filter.tasks).items()])
    return _log_pyfunc(mlflow, "pyfunc.py", page_filter, ModelSignature(_anything(*INPUTS), outputs))


def log_one_model(mlflow: Any, page_filter: PageFilter) -> Any:
    """Log a filter of one model as an MLflow model that gives a label a row (`label_pyfunc`), into the active run.

    Its artefact `filter` is that filter, which `clfnews.load("runs:/ID/model")` reads.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    signature = ModelSignature(
        _anything(*LABEL_INPUTS),
        Schema([ColSpec("string")]),
        ParamSchema([ParamSpec(PROBABILITIES, "boolean", False)]),
    )
    return _log_pyfunc(mlflow, "label_pyfunc.py", page_filter, signature)


def _anything(*names: str) -> Any:
    """Columns of any type, none of them needed: what is no page is told row by row, and does not end the others."""
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    kind: Any = AnyType()  # type: ignore[no-untyped-call]
    return Schema([ColSpec(kind, name, required=False) for name in names])


def _log_pyfunc(mlflow: Any, file: str, page_filter: PageFilter, signature: Any) -> Any:
    """Log a filter with its card, its package and what that needs, under a module of this room that serves it."""
    from clfnews.reports.model_card import CARD, render

    package = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        page_filter.save(Path(folder) / "filter")
        (Path(folder) / "filter" / CARD).write_text(render(page_filter.meta()), encoding="utf-8")
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(package / "tracking" / file),
            artifacts={"filter": str(Path(folder) / "filter")},
            code_paths=[str(package)],
            signature=signature,
            pip_requirements=requirements_of(page_filter),
        )


def requirements_of(page_filter: PageFilter) -> list[str]:
    """What pip installs for a logged filter: the packages with the versions of this training."""
    return [*_pinned(REQUIREMENTS), *(f"{name}=={version}" for name, version in page_filter.needs.items())]


def _pinned(names: list[str]) -> list[str]:
    """The names with the versions that are installed here."""
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in names]
