"""What runs and versions say of a training: names, tags, parameters and metrics, as the pages of the UI read best."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clfnews.evaluation.metrics import CHALLENGE, SETS, headline, score_columns, short
from clfnews.evaluation.scores import Scores
from clfnews.labels import TASKS
from clfnews.version import __version__

if TYPE_CHECKING:
    from clfnews.evaluation.results import Result, TrainResult

MOST_METRICS = 40
"""Of a run: more fill the UI with what nobody looks at; `scores.json` has all."""
_DIGITS = 4
"""Decimals of a logged metric, so that columns can be read; `scores.json` has every digit."""

_VERSION_TAGS = {"type_article_f1": "article_f1", "stance_macro_f1": "stance_f1"}


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


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[f"{prefix}{key}"] = value
    return out
