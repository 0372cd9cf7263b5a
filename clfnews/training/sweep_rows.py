"""Rows of a sweep: each model once, beside its reference, with the rows of files that are not here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clfnews.evaluation.metrics import SETS
from clfnews.reports.experiments import Entry, mean_scores, result_row
from clfnews.reports.varied import MEAN
from clfnews.training.folds import Progress
from clfnews.training.sweep_spec import Sweep


def once(entries: Sequence[Entry], progress: Progress) -> list[Entry]:
    """The entries without models that a variant left as an earlier one had them; one that changes nothing at all stays."""
    first: dict[tuple[str, ...], str] = {}
    same = []
    for entry in entries:
        key = (entry.task, entry.model, entry.seed, entry.set, entry.fit)
        same.append(first.setdefault(key, entry.variant) != entry.variant)
    differ = {entry.variant for entry, again in zip(entries, same, strict=True) if not again}
    left_out = [again and entry.variant in differ for entry, again in zip(entries, same, strict=True)]
    for text in dict.fromkeys(f"{e.variant}: {e.task} {e.model}" for e, out in zip(entries, left_out, strict=True) if out):
        progress(f"{text} is the same model as in an earlier variant; it is shown once")
    return [entry for entry, out in zip(entries, left_out, strict=True) if not out]


def rows_of(spec: Sweep, entries: Sequence[Entry], level: float) -> list[dict[str, str]]:
    """Rows of `results.csv`: every entry, and with several seeds their mean; each beside its reference."""
    merged: dict[tuple[str, str, str, str], list[Entry]] = {}
    for entry in entries:
        merged.setdefault((entry.variant, entry.task, entry.model, entry.set), []).append(entry)
    complete: dict[tuple[str, str, str, str, str], Entry] = {}
    for key, of_seeds in merged.items():
        for entry in of_seeds:
            complete[*key, entry.seed] = entry
        if len(spec.seeds) > 1:
            complete[*key, MEAN] = replace(of_seeds[0], seed=MEAN, scores=mean_scores([e.scores for e in of_seeds], level))
    first = next(iter(spec.variants))
    rows = []
    for (variant, task, model, part, seed), entry in complete.items():
        same = complete.get((first, task, model, part, seed)) if variant != first else None
        reference = same or complete.get((first, task, spec.tasks[task][0], part, seed))
        rows.append(result_row(entry, reference if reference is not entry else None, level))
    return rows


def with_kept(spec: Sweep, rows: list[dict[str, str]], old: list[dict[str, str]], progress: Progress) -> list[dict[str, str]]:
    """The rows, and those of evaluation files that are not here, as they stood in `results.csv`.

    An old row stays only beside a model that was trained on the same data with
    the same overrides.
    """
    have = {row["set"] for row in rows}
    trained = {(r["variant"], r["task"], r["model"], r["seed"]): (r["overrides"], r["train"], r["threshold"]) for r in rows}
    kept, stale = [], set()
    for row in old:
        if row["set"] in have or row["set"] not in spec.evaluate:
            continue
        same = trained.get((row["variant"], row["task"], row["model"], row["seed"]))
        if same == (row["overrides"], row["train"], row["threshold"]):
            kept.append(row)
        else:
            stale.add(row["set"])
    for name in sorted(stale):
        progress(f"{name}: rows of models that were trained otherwise are left out of results.csv")
    order = {key: i for i, key in enumerate(dict.fromkeys((r["variant"], r["task"], r["model"]) for r in rows))}
    sets = {name: i for i, name in enumerate([*SETS, *spec.evaluate])}
    seeds = {name: i for i, name in enumerate([*map(str, spec.seeds), MEAN])}
    return sorted([*rows, *kept], key=lambda r: (order[r["variant"], r["task"], r["model"]], sets[r["set"]], seeds[r["seed"]]))
