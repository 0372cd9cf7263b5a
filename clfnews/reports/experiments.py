"""The folders under `experiments/`: results, tables made from them, and the index."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from clfnews.data.markdown import markdown_table
from clfnews.errors import UserError
from clfnews.evaluation.metrics import CHALLENGE, headline, score_columns
from clfnews.evaluation.scores import Scores, scores_of
from clfnews.files import write_text
from clfnews.labels import Task
from clfnews.reports.varied import MEAN, best_rows, changed, told_best

FLOORS = {"type": "rules", "stance": "lexicon"}
"""The model without training that every table of a task shows."""
BEGIN, END = "<!-- table: written by clfnews sweep -->", "<!-- end of table -->"
RESULTS = ("<!-- results: written by clfnews sweep --index experiments -->", "<!-- /results -->")
OVERVIEW = "overview.yaml"
"""In the folder of experiments: what the README beside it shows."""
UNANSWERED = "Not answered yet."

ResultRow = dict[str, str]
"""A row of `results.csv`: column -> text."""


MORE = {
    "type": ("type/recall_at_p98", "type/brier"),
    "stance": ("stance/swap_rate", "stance/brier", *(name for _, name in CHALLENGE)),
}
"""Metrics that `results.csv` keeps beside the columns of the report."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of one variant and seed, scored on one set."""

    variant: str
    overrides: str
    task: str
    model: str
    seed: str
    set: str
    train: str
    threshold: float
    scores: Scores
    of: Task | None = None
    """The task, if its labels are not the shipped ones."""
    fit: str = ""
    """Equal for two variants that are the same model."""


def result_row(entry: Entry, reference: Entry | None, level: float) -> ResultRow:
    """A row of `results.csv`: the scores of an entry, and its difference to another one if both have the same signature."""
    main, scores = headline(entry.task), entry.scores
    row = {
        "variant": entry.variant, "overrides": entry.overrides, "task": entry.task, "model": entry.model,
        "seed": entry.seed, "set": entry.set, "metric": main,
        "value": _number(scores.values[main]), "low": _number(scores.low[main]), "high": _number(scores.high[main]),
        "against": "", "difference": "", "difference_low": "", "difference_high": "",
    }  # fmt: skip
    if reference is not None and reference.scores.signature == scores.signature:
        delta = scores.difference(reference.scores, main, level)
        row |= {"against": f"{reference.variant}/{reference.model}"}
        row |= {name: _number(x) for name, x in zip(("difference", "difference_low", "difference_high"), delta, strict=True)}
    labels = entry.of.labels if entry.of else None
    more = MORE.get(entry.task, ()) if labels is None or entry.task == "type" else ()
    details = [name for _, name in score_columns(entry.task, labels) if name != main]
    details += more or (f"{entry.task}/brier",)
    row |= {"labels": str(len(labels))} if labels else {}
    row |= {name: _number(scores.values[name]) for name in details if name in scores.values}
    threshold = _number(entry.threshold) if entry.task == "type" and entry.seed != MEAN else ""
    return row | {"threshold": threshold, "train": entry.train, "signature": scores.signature}


def _number(value: float) -> str:
    # Few enough that differences in the last bits of another machine do not show, enough to be rounded again.
    text = f"{value:.5f}"
    return "0.00000" if text == "-0.00000" else text


def mean_scores(scores: Sequence[Scores], level: float) -> Scores:
    """The mean over seeds; its interval is that of the mean in every resample."""
    values = {name: float(np.mean([s.values[name] for s in scores])) for name in scores[0].values}
    samples = {name: np.mean([s.samples[name] for s in scores], axis=0) for name in scores[0].samples}
    return scores_of(values, samples, scores[0].signature, level)


def read_results(path: Path) -> list[ResultRow]:
    """The rows of a `results.csv`."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no results; run: clfnews sweep {path.parent}/sweep.yaml") from error


def alone_in_folder(path: Path) -> None:
    """Raise `UserError` if another sweep lies beside this one: its results would be overwritten."""
    for other in sorted([*path.parent.glob("*.yaml"), *path.parent.glob("*.yml")]):
        if other.resolve() == path.resolve():
            continue
        text = other.read_text(encoding="utf-8", errors="replace")
        if all(re.search(rf"^{key}:", text, re.MULTILINE) for key in ("question", "variants")):
            raise UserError(
                f"{path}: {other.name} lies in the same folder, and both would write results.csv, table.md and README.md there; "
                f"one folder a question: move one of them to a folder of its own"
            )


def write_experiment(file: Path, question: str, rows: Sequence[ResultRow], sets: Sequence[str], base: str) -> None:
    """Write `results.csv`, `table.md` and the table in `README.md` beside the sweep file."""
    folder = file.parent
    columns = list(dict.fromkeys(name for row in rows for name in row))
    columns = [name for name in columns if name != "signature"] + ["signature"]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "results.csv", out.getvalue())
    table = tables(rows, sets, base)
    write_text(folder / "table.md", table)
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else _new_readme(file, question)
    if BEGIN not in text or END not in text:
        raise UserError(f"{readme}: no place for the table; put these two lines where it belongs: {BEGIN} and {END}")
    head, rest = text.split(BEGIN, 1)
    write_text(readme, f"{head}{BEGIN}\n{table}{END}{rest.split(END, 1)[1]}")


def tables(rows: Sequence[ResultRow], sets: Sequence[str], base: str) -> str:
    """The best row of each task and how to train it, then a Markdown table for each task and set that has rows.

    A function of `results.csv` and the path of the base configuration alone.
    """
    parts = [f"{line}\n" for line in told_best(base, rows)]
    best = {task: f"{row['variant']}/{row['model']}" for task, row in best_rows(rows).items()}
    for task in dict.fromkeys(row["task"] for row in rows):
        for name in sets:
            of_set = [row for row in rows if row["task"] == task and row["set"] == name]
            # Two signatures are two tables: their numbers must not stand side by side.
            for signature in dict.fromkeys(row["signature"] for row in of_set):
                same = [row for row in of_set if row["signature"] == signature]
                parts.append(_table(task, name, signature, same, best.get(task)))
    return "\n".join(parts)


def _table(task: str, name: str, signature: str, rows: Sequence[ResultRow], best: str | None) -> str:
    seeds = [row["seed"] for row in rows]
    shown = [row for row in rows if row["seed"] == MEAN] if MEAN in seeds else list(rows)
    n = rows[0].get("labels")
    titles = {metric: title for title, metric in score_columns(task, range(int(n)) if n else None)}
    titles |= {metric: title for title, metric in CHALLENGE if any(row.get(metric) for row in rows)}
    main = headline(task)
    details = [metric for metric in titles if metric != main]
    against = list(dict.fromkeys(row["against"] for row in shown if row["against"]))
    labels = _labels(shown)
    title = f"difference to {labels.get(against[0], against[0])}" if len(against) == 1 else "difference"
    set_otherwise = changed(rows)
    varies = any(set_otherwise.values())
    header = [
        "",
        *(["changed"] if varies else []),
        titles[main],
        title,
        *(["to"] if len(against) > 1 else []),
        *(titles[m] for m in details),
    ]
    header += ["seeds"] if MEAN in seeds else []
    body = []
    for row in shown:
        key = f"{row['variant']}/{row['model']}"
        cells = [f"**{labels[key]}** (best)" if key == best and len(shown) > 1 else labels[key]]
        cells += [" ".join(f"`{item}`" for item in set_otherwise.get(key, ()))] if varies else []
        cells.append(_interval(row, "value", "low", "high"))
        cells.append(_interval(row, "difference", "difference_low", "difference_high", sign=True))
        cells += [labels.get(row["against"], row["against"])] if len(against) > 1 else []
        cells += [_short(row.get(metric, "")) for metric in details]
        if MEAN in seeds:
            own = [float(r["value"]) for r in rows if r["seed"] != MEAN and f"{r['variant']}/{r['model']}" == key]
            cells.append(f"{min(own):.3f} to {max(own):.3f}")
        body.append(cells)
    return f"**{task}, {name}**\n\n{markdown_table(header, body)}\n\n`{signature}`\n"


def _labels(rows: Sequence[ResultRow]) -> dict[str, str]:
    """How a row is called: by its variant, its model, or both, whichever tells it from the others."""
    own = [row for row in rows if not row["variant"].startswith("(")]
    variants, models = {row["variant"] for row in own}, {row["model"] for row in own}
    labels = {}
    for row in rows:
        variant, model = row["variant"], row["model"]
        if variant.startswith("("):
            label = f"{model} (floor)" if model in FLOORS.values() else model
        elif len(models) == 1:
            label = variant
        else:
            label = model if len(variants) == 1 else f"{variant}, {model}"
        labels[f"{variant}/{model}"] = label
    return labels


def _interval(row: ResultRow, value: str, low: str, high: str, sign: bool = False) -> str:
    if not row[value]:
        return ""
    form = "+.3f" if sign else ".3f"
    return f"{float(row[value]):{form}} [{float(row[low]):{form}}, {float(row[high]):{form}}]"


def _short(value: str) -> str:
    return f"{float(value):.3f}" if value else ""


def _new_readme(file: Path, question: str) -> str:
    name = file.resolve().parent.name
    return (
        f"# {name}\n\n## Question\n\n{question.strip()}\n\n## Table\n\n{BEGIN}\n{END}\n\n## Answer\n\n{UNANSWERED}\n"
        f"\nRun again: `clfnews sweep {file}`\n"
    )


def index(folder: Path) -> str:
    """The text of `experiments/README.md`: every experiment with its question and answer."""
    lines = [
        "# Experiments", "",
        "One folder a question: `sweep.yaml` asks, `results.csv` holds the numbers, `README.md` the table and the answer.",
        "`clfnews sweep experiments/NNN-name/sweep.yaml` runs one again and leaves the same bytes.",
        "This page is written by `clfnews sweep --index experiments`.", "",
    ]  # fmt: skip
    rows = []
    # Most are sweeps; one that needs more than other settings brings its own script.
    for name in sorted({path.parent.name for part in ("sweep.yaml", "README.md") for path in folder.glob(f"*/{part}")}):
        readme = folder / name / "README.md"
        text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
        question, answer = (_section(text, title) for title in ("Question", "Answer"))
        rows.append([f"[{name}]({name}/README.md)", question or "not run yet", answer or UNANSWERED])
    return "\n".join([*lines, markdown_table(["experiment", "question", "answer"], rows)]) + "\n"


def write_index(folder: Path) -> Path:
    """Write the index; raises `UserError` if the folder has no experiments."""
    if not any(folder.glob("*/sweep.yaml")):
        raise UserError(f"{folder}: no experiments in it (no */sweep.yaml)")
    path = folder / "README.md"
    write_text(path, index(folder))
    readme = folder.resolve().parent / "README.md"
    if readme.is_file() and RESULTS[0] in (text := readme.read_text(encoding="utf-8")):
        write_text(readme, with_results(text, folder))
    return path


def with_results(text: str, folder: Path) -> str:
    """A README with the tables between its `results` marks made from the results that `overview.yaml` names, if there is one."""
    if RESULTS[0] not in text or RESULTS[1] not in text or not (folder / OVERVIEW).is_file():
        return text
    head, rest = text.split(RESULTS[0], 1)
    return f"{head}{RESULTS[0]}\n{_overview(folder)}{RESULTS[1]}{rest.split(RESULTS[1], 1)[1]}"


def _overview(folder: Path) -> str:
    """Every model's headline score on every set with an interval, one table a task."""
    experiment, titles = _read_overview(folder / OVERVIEW)
    rows, parts = read_results(folder / experiment / "results.csv"), []
    words = {"type": "article F1 by line", "stance": "macro-F1 of three stances"}
    for task in dict.fromkeys(row["task"] for row in rows):
        title = words[task] if task in words and not rows[0].get("labels") else f"{task}: {headline(task).partition('/')[2]}"
        of_task = [row for row in rows if row["task"] == task]
        sets = [name for name in dict.fromkeys(row["set"] for row in of_task) if name != "oof"]
        body = []
        for model in dict.fromkeys(row["model"] for row in of_task):
            found = {row["set"]: _interval(row, "value", "low", "high") for row in of_task if row["model"] == model}
            body.append([model, *(found.get(name, "") for name in sets)])
        parts.append(f"**{title}**\n\n{markdown_table(['model', *(titles.get(name, name) for name in sets)], body)}\n")
    return "\n".join(parts)


def _read_overview(path: Path) -> tuple[str, dict[str, str]]:
    """The experiment whose results are shown, and the titles of its sets."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        return str(found["experiment"]), {str(name): str(title) for name, title in found["sets"].items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: expected 'experiment: FOLDER' and 'sets:' with a title for each set") from error


def _section(text: str, title: str) -> str:
    """The first paragraph under a heading, on one line."""
    found = re.search(rf"^## {title}\n+(.+?)(?:\n\n|\n#|\Z)", text, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""
