"""Training and what tells how good it was: `train`, `evaluate`, `compare`, `drift`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clfnews.face.arguments import as_filter, as_memory, warn_user

if TYPE_CHECKING:
    from clfnews.config.schema import Config
    from clfnews.evaluation.compare import Comparison
    from clfnews.evaluation.drift import Drift
    from clfnews.evaluation.results import TrainResult
    from clfnews.evaluation.scores import Scores
    from clfnews.filtering.filter import PageFilter
    from clfnews.sites.memory import SiteMemory


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration of a YAML file, with overrides such as `"folds=3"` or `"type.models.linear.C=2"`.

    Raises `UserError` that names file, line and key of what is wrong.
    """
    from clfnews.config.schema import load_config as read

    return read(path, list(overrides))


def train(
    config: Config | str | Path,
    overrides: Sequence[str] = (),
    *,
    track: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> TrainResult:
    """Train, score, compare and register the models of a configuration (`clfnews train`).

    Parameters: `config`, a file, or what `load_config` gives; `overrides` of the
    file; `track`, whether the run is logged to MLflow and the filter registered;
    `progress`, such as `print`, is called with a line when a step begins or ends.

    The result has every model with its scores (`results`), the best of each task
    (`champions`) and the two joined (`page_filter`). Raises `UserError` for a
    configuration, data or a store that cannot be used.
    """
    from clfnews.training.train import train as run

    if not isinstance(config, str | Path):
        if overrides:
            raise TypeError("overrides are for a file; give them to load_config()")
        return run(config, progress=progress, track=track)
    return run(
        load_config(config, overrides),
        config_path=str(config),
        changed=[item for item in overrides if not item.startswith("tracking.")],
        progress=progress,
        track=track,
    )


def evaluate(
    model: PageFilter | str | Path | None,
    file: str | Path,
    *,
    sites: SiteMemory | str | Path | None = None,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Scores]:
    """Score a filter on labelled pages, stance rows or challenge pairs (`clfnews evaluate`).

    Parameters: `model`, a filter or what `load` takes; `file`, JSONL;
    `sites`, what is known of the pages' sites: a memory, its file, or `auto`, the
    other pages of the file; `warn` is called if the model was trained on this file,
    or has no use for `sites` on it (default: a `UserWarning`).
    Returns task -> scores with intervals, as far as the file has labels: `type`,
    `stance`, `end_to_end`; or `challenge`. Raises `UserError` for a file or a
    model that cannot be used.
    """
    from clfnews.data.gold import load_gold
    from clfnews.evaluation.challenge import is_challenge, load_pairs, score_challenge
    from clfnews.evaluation.predictions import evaluate_filter, trained_on

    path, warn = Path(file), warn or warn_user
    if is_challenge(path):
        pairs = load_pairs(path)
        if sites is not None:
            as_memory(sites, ())  # a file that is none is told all the same
            warn(f"--sites: not used: {path} has challenge pairs, which are of no site")
        return {"challenge": score_challenge(as_filter(model).stance_model(), pairs)}
    page_filter = as_filter(model)
    corpus = load_gold(path, page_filter.tasks)
    if trained_on(page_filter, corpus):
        warn(f"the model was trained on {path}: it knows these pages, and its scores on new ones are lower")
    scores = evaluate_filter(page_filter, corpus, sites=as_memory(sites, corpus.pages))
    if sites is not None and not ("type" in scores and any(page.site for page in corpus.pages)):
        warn(f"--sites: not used: {path} has no pages of a known site in which an article has to be found")
    return scores


def compare(a: str | Path, b: str | Path, *, on: str | Path | None = None, experiment: str = "clfnews") -> Comparison:
    """Two runs side by side: settings, paired differences of every score, lines on which they disagree (`clfnews compare`).

    Parameters: `a` and `b`, each the id or name of a run, `best`, `last`, or a
    `runs:/` or `models:/` URI, looked up in `experiment`; with `on`, a file of
    labelled pages, both filters are scored on it now, and may be folders too.
    Raises `UserError` for runs, models and files that are not there.
    """
    from clfnews.evaluation.compare import compare_filters, compare_runs
    from clfnews.tracking.runs import filter_of, load_run

    one, other = str(a), str(b)
    if on is None:
        return compare_runs(load_run(one, experiment), load_run(other, experiment))
    return compare_filters((one, other), filter_of(one, experiment), filter_of(other, experiment), Path(on))


def drift(reference: str | Path, new: str | Path, *, seed: int = 0) -> Drift:
    """Whether new outputs of the filter still look like those of a reference, without labels (`clfnews drift`).

    Parameters: `reference` and `new`, each a file or a folder of `clfnews filter`
    or `filter_folder`, JSONL or Parquet; `seed` of samples and tests. Returns
    measures and sites with their changes; `drifted` is the verdict. Raises
    `UserError` for what is no such output, or has fewer than 30 pages.
    """
    from clfnews.evaluation.drift import compare_outputs

    return compare_outputs(Path(reference), Path(new), seed)
