"""What the MLflow UI shows of our experiments without anybody setting it up.

The UI keeps its saved views (menu "Views") as tags of the experiment: filter,
columns and widths as JSON. Training writes ours, so that metrics stand in the
run list and the models of a task beside each other. Their format is that of
the UI of MLflow 3.17; a UI that does not know it shows its own columns.
"""

from __future__ import annotations

import json
from typing import Any

from clfnews.evaluation.metrics import HEADLINE

START_VIEW = "runs"
_NOTE = """Trainings of clfnews. Each run has one child run a model; open it with the plus sign.

- Menu **Views**: *All runs*, *Type models*, *Stance models*, *Sweeps* have the metrics that matter as columns.
- Select runs and press **Compare**: parameters that differ, parallel coordinates, every metric.
- The artefact `report.html` of a training shows its scores, curves and pages; `scores.json` has every score with its interval.
- `TASK_oof/...` is out of fold on train, `TASK_validation/...` the validation split, `TASK_test/...` the test split.
- `TASK_run/...` is what a model costs.
- Choose by `TASK_oof/...` (names and order of the runs go by it) and check on validation; the test split is for the end.
"""
_TASK_COLUMNS = {
    "type": ("article_precision", "article_recall", "page_macro_f1", "macro_f1"),
    "stance": ("sides_f1", "macro_f1_at_60", "ece"),
}


def experiment_tags(created: int) -> dict[str, str]:
    """Tags of an experiment: its kind, its description and the saved views, dated `created` (milliseconds)."""
    tags = {
        # Without it the experiment opens in the view for traces of language models.
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.note.content": _NOTE,
    }
    for key, (name, state) in _views().items():
        view = {"name": name, "createdAt": created, "updatedAt": created, "state": json.dumps(state)}
        tags[f"mlflow.sharedViewState.{key}"] = json.dumps(view)
    return tags


def run_list(experiment_id: str) -> str:
    """The part of the UI's address that opens an experiment's run list, with the headline metrics as columns."""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={START_VIEW}"


def _views() -> dict[str, tuple[str, dict[str, Any]]]:
    # Both tasks out of fold first: what lies beyond the screen is not looked at.
    both = [_metric(name) for names in zip(*map(_sets, HEADLINE.values()), strict=True) for name in names]
    views = {
        START_VIEW: (
            "All runs",
            _state("", [*both, _metric("stance_test/end_to_end_macro_f1"), _tag("changed"), _tag("clfnews.config")]),
        )
    }
    for task, metric in HEADLINE.items():
        columns = [*map(_metric, _sets(metric)), _tag("best")]
        columns += [_metric(f"{task}_run/{name}") for name in ("cpu_seconds", "model_mb")]
        columns += [_metric(f"{task}_test/{name}") for name in _TASK_COLUMNS[task]]
        filtered = f"tags.task = '{task}' and tags.`clfnews.kind` = 'model'"
        views[f"{task}-models"] = f"{task.capitalize()} models", _state(filtered, columns, order=_sets(metric)[0])
    sweep = [
        _param("variant"),
        _param("task"),
        _param("model"),
        _param("seed"),
        *(_metric(_sets(metric)[0]) for metric in HEADLINE.values()),
    ]
    views["sweeps"] = "Sweeps", _state("tags.`clfnews.kind` = 'variant'", sweep)
    return views


def _sets(metric: str) -> list[str]:
    """The metric out of fold, on validation and on test: in the order in which one should look."""
    return [metric.replace("/", "_oof/", 1), metric.replace("/", "_validation/", 1), metric.replace("/", "_test/", 1)]


def _state(search: str, columns: list[str], order: str = "") -> dict[str, Any]:
    """Filter, columns in order and widths in pixels, as the UI keeps them."""
    widths = {"attributes.`Run Name`": 300, "runDateAndNestInfo": 130, "duration": 80}
    widths |= {column: max(90, 7 * len(column.split("`")[1]) + 30) for column in columns}
    state: dict[str, Any] = {
        "searchFilter": search, "selectedColumns": columns, "columnOrder": list(widths), "columnWidths": widths,
    }  # fmt: skip
    return state | ({"orderByKey": _metric(order), "orderByAsc": False} if order else {})


def _metric(name: str) -> str:
    return f"metrics.`{name}`"


def _param(name: str) -> str:
    return f"params.`{name}`"


def _tag(name: str) -> str:
    return f"tags.`{name}`"
