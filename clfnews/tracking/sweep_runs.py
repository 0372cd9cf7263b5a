"""What a sweep logs: a run for each model, variant and seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from clfnews.reports.varied import best_rows, overrides_of, told_best
from clfnews.tracking.killed import process_tag
from clfnews.tracking.store import find_experiment, open_store

if TYPE_CHECKING:
    from clfnews.config.schema import TrackingSection


def log_sweep(section: TrackingSection, name: str, rows: Sequence[dict[str, str]], base: str) -> None:
    """One parent run for a sweep, one child for each model, variant and seed; the best out of fold is tagged."""
    by_run: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        by_run.setdefault((row["variant"], row["task"], row["model"], row["seed"]), []).append(row)
    mark = process_tag()
    best = {(task, row["variant"], row["model"]) for task, row in best_rows(rows).items()}
    with open_store(make=True) as mlflow:
        experiment = find_experiment(mlflow, section.experiment).experiment_id
        with mlflow.start_run(experiment_id=experiment, run_name=f"sweep {name}", tags=mark):
            mlflow.set_tags({"clfnews.kind": "sweep", "mlflow.note.content": "\n\n".join(told_best(base, rows))})
            for (variant, task, model, seed), of_run in by_run.items():
                run_name = f"{name} {variant} {task} {model} seed {seed}"
                with mlflow.start_run(experiment_id=experiment, run_name=run_name, nested=True, tags=mark):
                    mlflow.set_tags({"clfnews.kind": "variant", "task": task, "model": model})
                    mlflow.set_tag("best", str((task, variant, model) in best).lower())
                    changed = dict(item.split("=", 1) for item in overrides_of(of_run[0]))
                    mlflow.log_params({"task": task, "model": model, "variant": variant, "seed": seed} | changed)
                    mlflow.log_metrics(_sweep_metrics(of_run))


def _sweep_metrics(rows: Iterable[dict[str, str]]) -> dict[str, float]:
    """Named as training names them: `TASK_SET/...`."""
    out = {}
    for row in rows:
        for name, value in {row["metric"]: row["value"], **row}.items():
            if name.startswith(f"{row['task']}/") and value:
                out[name.replace("/", f"_{row['set']}/", 1)] = float(value)
    return out
