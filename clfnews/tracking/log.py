"""What a training logs: a run with its data, tables and predictions, a child for each model, the filter.

The functions are given the module mlflow, which `store.open_store` imports.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.evaluation.results import LoggedRun
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.origin import Origin
from clfnews.tracking.killed import process_tag
from clfnews.tracking.logged_model import log_model, log_one_model
from clfnews.tracking.registry import register
from clfnews.tracking.run_facts import metrics_of, metrics_of_run, parameters_of, run_name, tags_of, version_tags
from clfnews.tracking.store import find_experiment, open_store

if TYPE_CHECKING:
    from clfnews.evaluation.results import Result, TrainResult

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#595959")
"""Of runs in the charts of the UI, which are told apart also by the colour-blind (Okabe and Ito); MLflow's own often collide."""


def log_parent(mlflow: Any, outcome: TrainResult, tags: dict[str, str], colour: str) -> None:
    """Tags, parameters, champions' scores, data and tables of a training, into the active run."""
    from clfnews.reports import model_card
    from clfnews.reports import tables as report

    config = outcome.config
    mlflow.set_tags(tags | {"clfnews.kind": "train", "mlflow.note.content": report.summary(outcome), "mlflow.runColor": colour})
    mlflow.log_params(parameters_of(outcome))
    mlflow.log_metrics(metrics_of_run(outcome))
    for task, splits in outcome.splits.items():
        for part, context in (("train", "train"), ("validation", "validation"), ("test", "test")):
            corpus = getattr(splits, part)
            if corpus is not None:
                mlflow.log_input(_dataset(mlflow, corpus), context=f"{context} ({task})")
    mlflow.log_dict(config.model_dump(mode="json"), "config.yaml")
    if Path(tags["clfnews.config"]).is_file():
        mlflow.log_artifact(tags["clfnews.config"], "source")
    mlflow.log_text(report.markdown(outcome), "report.md")
    mlflow.log_text(model_card.render(outcome.page_filter.meta()), "model_card.md")
    mlflow.log_dict(report.all_scores(outcome), "scores.json")
    for task, results in outcome.results.items():
        mlflow.log_table(report.table_rows(results), f"tables/{task}.json")


def log_predictions(mlflow: Any, outcome: TrainResult, tags: dict[str, str], run: Any) -> None:
    """What every model predicted, so that runs can be compared, and the page that shows it."""
    from clfnews.evaluation.predictions import RunData, write_parts
    from clfnews.evaluation.results import parts_of
    from clfnews.reports.html_report import render

    parts = parts_of(outcome)
    metrics = {(task, r.name): metrics_of(r) for task, results in outcome.results.items() for r in results}
    champions = {task: result.name for task, result in outcome.champions.items()}
    params = parameters_of(outcome)
    data = RunData(run.info.run_id, run.info.run_name, params, tags, champions, metrics, parts)
    with tempfile.TemporaryDirectory() as folder:
        write_parts(Path(folder), parts)
        (Path(folder) / "report.html").write_text(render(data), encoding="utf-8")
        mlflow.log_artifacts(folder)


def log_child(mlflow: Any, outcome: TrainResult, result: Result, tags: dict[str, str], experiment: str, parent: str) -> None:
    """One model as a child of the active run."""
    from clfnews.reports import figures as report

    name = f"{result.task} {result.name} {result.headline:.3f}"
    client, above = mlflow.MlflowClient(), mlflow.active_run().info.run_id
    began, ended = (int(seconds * 1000) for seconds in result.span)
    mark = process_tag() | {"mlflow.parentRunId": above}
    run_id = client.create_run(experiment, start_time=began, tags=mark, run_name=name).info.run_id
    with mlflow.start_run(run_id=run_id, nested=True):
        best = outcome.champions[result.task] is result
        place = outcome.results[result.task].index(result)
        own = {
            "mlflow.runColor": COLOURS[place % len(COLOURS)],
            "mlflow.note.content": f"Model of the training `{parent}`, where report and predictions are.",
            "task": result.task,
            "model": result.name,
            "best": str(best).lower(),
            "clfnews.kind": "model",
        }
        mlflow.set_tags(tags | own)
        splits, config = outcome.splits[result.task], outcome.config
        shared = {"task": result.task, "model": result.name, "folds": config.folds, "seed": config.seed}
        shared |= {"data.train_share": config.data.train_share, "train_data": splits.train.digest}
        # Behind `model` in the alphabet: the Compare page starts with the first parameters that differ.
        options = {f"model.{key}": str(value) for key, value in result.fitted.options.items() if key != "seed"}
        mlflow.log_params(shared | options)
        mlflow.log_metrics(metrics_of(result))
        mlflow.log_input(_dataset(mlflow, splits.train), context="train")
        mlflow.log_input(_dataset(mlflow, splits.test), context="test")
        for file, figure in report.figures(splits, result).items():
            mlflow.log_figure(figure, f"figures/{file}")
        log_one_model(mlflow, PageFilter.of({result.task: result.fitted}, threshold=result.threshold, name=result.name))
    client.set_terminated(run_id, "FINISHED", end_time=ended)  # the fits took that long, not the logging


def _dataset(mlflow: Any, corpus: Any) -> Any:
    import numpy as np

    shape = np.array([[len(page.lines)] for page in corpus.pages])
    return mlflow.data.from_numpy(shape, name=corpus.name, digest=corpus.digest)


def log_training(outcome: TrainResult, config_path: str, started: float) -> TrainResult:
    """Log a training run (one parent, one child a model), register its filter.

    `started`: when the training began, in seconds since 1970; the run's duration counts from there.
    """
    section = outcome.config.tracking
    tags = tags_of(outcome, config_path)
    with open_store(make=True) as mlflow:
        experiment = find_experiment(mlflow, section.experiment).experiment_id
        earlier = mlflow.MlflowClient().search_runs([experiment], "tags.`clfnews.kind` = 'train'")
        colour = COLOURS[len(earlier) % len(COLOURS)]
        name = section.run_name or run_name(outcome)
        with mlflow.start_run(run_id=_create_run(mlflow, experiment, name, started)) as run:
            log_parent(mlflow, outcome, tags, colour)
            log_predictions(mlflow, outcome, tags, run)
            for results in outcome.results.values():
                for result in results:
                    log_child(mlflow, outcome, result, tags, experiment, run.info.run_name)
            version, promoted, reason = register(mlflow, outcome, log_model(mlflow, outcome.page_filter), version_tags(outcome))
        store = mlflow.get_tracking_uri()
    uri = f"models:/{section.registered_model}/{version}" if version else None
    outcome.page_filter.origin = Origin(uri or f"runs:/{run.info.run_id}/model", run.info.run_id)
    logged = LoggedRun(run.info.run_id, experiment, run.info.run_name, store, uri, promoted, reason)
    return replace(outcome, run=logged)


def _create_run(mlflow: Any, experiment_id: str, name: str, started: float) -> str:
    """The id of a new run that began before now, with the tags (user, source) that MLflow gives runs by itself."""
    from mlflow.tracking.context.registry import resolve_tags

    client = mlflow.MlflowClient()
    run = client.create_run(experiment_id, start_time=int(started * 1000), tags=resolve_tags() | process_tag(), run_name=name)
    return str(run.info.run_id)
