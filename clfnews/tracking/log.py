"""What a training logs: names, tags, parameters, scores, data and figures of its runs.

The functions are given the module mlflow, which `store.open_store` imports.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.evaluation.metrics import CHALLENGE, SETS, headline, score_columns, short
from clfnews.evaluation.results import LoggedRun
from clfnews.evaluation.scores import Scores
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.origin import Origin
from clfnews.labels import TASKS
from clfnews.tracking.killed import process_tag
from clfnews.tracking.registry import log_model, log_one_model, register
from clfnews.tracking.store import find_experiment, open_store
from clfnews.version import __version__

if TYPE_CHECKING:
    from clfnews.config.schema import TrackingSection
    from clfnews.evaluation.results import Result, TrainResult

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#595959")
"""Of runs in the charts of the UI, which are told apart also by the colour-blind (Okabe and Ito); MLflow's own often collide."""
_DIGITS = 4
"""Decimals of a logged metric, so that columns can be read; `scores.json` has every digit."""


def run_name(outcome: TrainResult) -> str:
    """The facts that tell one run from another in a list: champions and their scores out of fold.

    Not those on test: what stands in a list is what people choose by. What was
    set otherwise than in the configuration comes first: `seed=1, C=2 | cues 0.826`.
    """
    parts = " + ".join(f"{result.name} {result.headline:.3f}" for result in outcome.champions.values())
    if outcome.changed:
        return f"{shortened(outcome.changed)} | {parts}"[:200]
    return f"{parts} | {len(next(iter(outcome.splits.values())).train)} pages"


def shortened(changed: Sequence[str]) -> str:
    """Overrides with the last part of their keys, where that tells them apart: `seed=1, C=2`."""
    pairs = [item.partition("=")[::2] for item in changed]
    times = Counter(key.rpartition(".")[2] for key, _ in pairs)
    names = [last if times[last := key.rpartition(".")[2]] == 1 else key for key, _ in pairs]
    return ", ".join(f"{name}={value}" for name, (_, value) in zip(names, pairs, strict=True))


def tags_of(outcome: TrainResult, config_path: str) -> dict[str, str]:
    """What tells a training and its data from others: tags of all its runs."""
    splits = outcome.splits
    return {
        "clfnews.version": __version__,
        "clfnews.config": config_path,
        "clfnews.git_commit": _git_commit(),
        "clfnews.data_hash": "".join(of_task.train.digest for of_task in splits.values()),
        "clfnews.test_hash": "".join(of_task.test.digest for of_task in splits.values()),
        "changed": " ".join(outcome.changed),
    }


def _git_commit() -> str:
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


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
    from clfnews.evaluation import predictions as predictions_predictions
    from clfnews.evaluation import results as predictions_results
    from clfnews.reports.html_report import render

    parts = predictions_results.parts_of(outcome)
    metrics = {(task, r.name): metrics_of(r) for task, results in outcome.results.items() for r in results}
    champions = {task: result.name for task, result in outcome.champions.items()}
    params = parameters_of(outcome)
    data = predictions_predictions.RunData(run.info.run_id, run.info.run_name, params, tags, champions, metrics, parts)
    with tempfile.TemporaryDirectory() as folder:
        predictions_predictions.write_parts(Path(folder), parts)
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


def parameters_of(outcome: TrainResult) -> dict[str, str]:
    """The configuration, flat, with the models of each task as one parameter and the champions.

    The Compare page starts with the first three parameters that differ, by
    the alphabet: `best.*` stands before the others.
    """
    values = outcome.config.model_dump(exclude={"tracking"})
    values |= values.pop("tasks")
    for task in (*TASKS, *outcome.config.tasks):
        values[task]["models"] = {name: options for name, options in values[task]["models"].items() if options is not None}
        values[f"{task}.models"] = ", ".join(values[task]["models"])
    champions = {f"best.{task}": result.name for task, result in outcome.champions.items()}
    return champions | {key: str(value) for key, value in _flat(values).items()}


MOST_METRICS = 40
"""Of a run: more fill the UI with what nobody looks at; `scores.json` has all."""


def metrics_of(result: Result) -> dict[str, float]:
    """What the charts of the UI are made of; the same names for every model of a task.

    `TASK_oof/`, `TASK_validation/` and `TASK_test/` hold the scores of the
    tables, `TASK_run/` the costs: in the alphabet those out of fold come first,
    and the Compare page begins with them. All scores are in `scores.json`.
    """
    task, main = result.task, short(headline(result.task))
    names = [name for _, name in score_columns(task, result.fitted.task.labels)]
    out: dict[str, float] = {}
    for part in SETS:
        scores: Scores | None = getattr(result, part)
        if scores is not None:
            out |= {f"{task}_{part}/{short(name)}": scores.values[name] for name in names if name in scores.values}
    out |= {
        f"{task}_test/{main}_low": result.test.low[f"{task}/{main}"],
        f"{task}_test/{main}_high": result.test.high[f"{task}/{main}"],
    }
    if result.challenge is not None:
        out |= {f"{task}_test/challenge_{short(name)}": result.challenge.values[name] for _, name in CHALLENGE}
    out |= {f"{task}_run/cpu_seconds": result.seconds, f"{task}_run/model_mb": result.size / 1e6}
    if task == "type":
        out["type_run/threshold"] = result.threshold
    return {name: round(value, _DIGITS) for name, value in out.items()}


def metrics_of_run(outcome: TrainResult) -> dict[str, float]:
    """The metrics of the best models of a training; of many tasks the headline scores alone."""
    metrics: dict[str, float] = {}
    for result in outcome.champions.values():
        metrics |= metrics_of(result)
    if outcome.end_to_end:
        metrics |= {
            f"stance_test/end_to_end_{short(name).removeprefix('stance_')}": round(value, _DIGITS)
            for name, value in outcome.end_to_end.values.items()
        }
    if len(metrics) > MOST_METRICS:
        main = [headline(task).replace("/", f"_{part}/", 1) for task in outcome.champions for part in SETS]
        metrics = {name: metrics[name] for name in main if name in metrics}
    return metrics


def version_tags(outcome: TrainResult) -> dict[str, str]:
    """What the Models tab shows of a version: its scores out of fold, its data, and what was changed."""
    scores = {f"{task}_{short(headline(task))}": f"{result.headline:.3f}" for task, result in outcome.champions.items()}
    scores = {_VERSION_TAGS.get(name, name): value for name, value in scores.items()}
    data = ", ".join(f"{task} {splits.train.digest}" for task, splits in outcome.splits.items())
    models = "+".join(result.name for result in outcome.champions.values())
    return scores | {"models": models, "data": data, "changed": " ".join(outcome.changed) or "nothing"}


_VERSION_TAGS = {"type_article_f1": "article_f1", "stance_macro_f1": "stance_f1"}


def _dataset(mlflow: Any, corpus: Any) -> Any:
    import numpy as np

    shape = np.array([[len(page.lines)] for page in corpus.pages])
    return mlflow.data.from_numpy(shape, name=corpus.name, digest=corpus.digest)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[f"{prefix}{key}"] = value
    return out


_OVERRIDES = re.compile(r" (?=[\w.]+=)")
"""Between two of them in `results.csv`; a value may have spaces."""


def log_sweep(section: TrackingSection, name: str, rows: Iterable[dict[str, str]]) -> None:
    """One parent run for a sweep, one child for each model, variant and seed."""
    by_run: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        by_run.setdefault((row["variant"], row["task"], row["model"], row["seed"]), []).append(row)
    mark = process_tag()
    with open_store(make=True) as mlflow:
        experiment = find_experiment(mlflow, section.experiment).experiment_id
        with mlflow.start_run(experiment_id=experiment, run_name=f"sweep {name}", tags=mark):
            mlflow.set_tags({"clfnews.kind": "sweep"})
            for (variant, task, model, seed), of_run in by_run.items():
                run_name = f"{name} {variant} {task} {model} seed {seed}"
                with mlflow.start_run(experiment_id=experiment, run_name=run_name, nested=True, tags=mark):
                    mlflow.set_tags({"clfnews.kind": "variant", "task": task, "model": model})
                    changed = dict(item.split("=", 1) for item in _OVERRIDES.split(of_run[0]["overrides"]) if "=" in item)
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
