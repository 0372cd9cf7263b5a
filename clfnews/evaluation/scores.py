"""Scores with intervals: line and page scores of the type task, scores of the stance task.

Every score is a function of counts summed over groups. A bootstrap sample is a
vector of group weights, so all samples of all scores are one matrix product,
and two models scored with the same weights are compared in pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from clfnews.data.corpus import Corpus
from clfnews.evaluation.metrics import (
    END_TO_END_METRICS,
    FEW_GROUPS,
    Counts,
    Metric,
    end_to_end_counts,
    label_metrics,
    stance_counts,
    type_counts,
    type_metrics,
)
from clfnews.evaluation.words import word_counts, word_metrics
from clfnews.filtering.decisions import keep_mask
from clfnews.labels import GUIDELINES_VERSION, STANCE, TYPE, Task, as_task
from clfnews.models.base import Probabilities
from clfnews.version import __version__


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Resampling of groups: `samples` draws at confidence `level`, from `seed`."""

    samples: int = 1000
    level: float = 0.95
    seed: int = 7

    def weights(self, n_groups: int) -> np.ndarray:
        """Samples x groups: how often each group was drawn."""
        rng = np.random.default_rng(self.seed)
        return rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=self.samples).astype(float)


@dataclass(frozen=True, slots=True)
class Scores:
    """Metric name -> value, with the interval's ends and the bootstrap samples."""

    values: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    signature: str
    samples: dict[str, np.ndarray] = field(repr=False, default_factory=dict)
    groups: int | None = None
    """How many groups were resampled, if it is known."""

    @property
    def few(self) -> bool:
        """Whether there are too few groups to believe an interval."""
        return self.groups is not None and self.groups < FEW_GROUPS

    def interval(self, name: str, form: str = "[{:.2f}, {:.2f}]") -> str:
        """The interval as it is printed; `-` if there are too few groups for one."""
        return "-" if self.few else form.format(self.low[name], self.high[name])

    def flat(self, intervals: bool = True) -> dict[str, float]:
        """One flat dict: each metric with its `_low` and `_high`."""
        out: dict[str, float] = {}
        for name, value in self.values.items():
            out[name] = value
            if intervals and name in self.low:
                out[f"{name}_low"], out[f"{name}_high"] = self.low[name], self.high[name]
        return out

    def difference(self, other: Scores, name: str, level: float = 0.95) -> tuple[float, float, float]:
        """This minus the other, with the paired interval; both need the same signature."""
        if self.signature != other.signature:
            raise ValueError(f"different signatures: {self.signature} / {other.signature}")
        delta = self.samples[name] - other.samples[name]
        tail = (1 - level) / 2
        low, high = np.quantile(delta, [tail, 1 - tail])
        return self.values[name] - other.values[name], float(low), float(high)


def signature(corpus: Corpus, bootstrap: Bootstrap) -> str:
    """What has to agree before two numbers may stand in one table."""
    return (
        f"{corpus.name} {len(corpus)} pages {corpus.n_lines} lines|data {corpus.digest}|guidelines {GUIDELINES_VERSION}"
        f"|bootstrap {bootstrap.samples}x{bootstrap.level:g} of groups, seed {bootstrap.seed}|clfnews {__version__}"
    )


def score_type(
    corpus: Corpus, p: Probabilities, threshold: float = 0.5, bootstrap: Bootstrap | None = None, task: Task = TYPE
) -> Scores:
    """Scores of the type task at a threshold on p(article) = p(title) + p(body); word-F1 too if the pages have gold texts."""
    counts, metrics = type_counts(corpus, p, threshold, task), type_metrics(task)
    if corpus.references:
        counts |= word_counts(corpus, [keep_mask(rows, threshold, task) for rows in p])
        metrics = word_metrics(corpus) | metrics
    return _score(corpus, counts, _of_present(metrics, counts, task.labels), bootstrap or Bootstrap())


def score_stance(corpus: Corpus, p: Probabilities, bootstrap: Bootstrap | None = None, task: Task = STANCE) -> Scores:
    """Scores of the stance task over the gold article lines, or of another task that keeps no lines over what it labels."""
    counts = stance_counts(corpus, p, task)
    return _score(corpus, counts, _of_present(label_metrics(task), counts, task.labels), bootstrap or Bootstrap())


def score_end_to_end(corpus: Corpus, keep: Sequence[np.ndarray], p: Probabilities, bootstrap: Bootstrap | None = None) -> Scores:
    """Stance scores when the lines were found by the type model, not given.

    A gold line that was dropped counts as missed; a kept noise line with a
    forced side counts as a false alarm.
    """
    return _score(corpus, end_to_end_counts(corpus, keep, p), END_TO_END_METRICS, bootstrap or Bootstrap())


def score_task(
    task: Task | str, corpus: Corpus, p: Probabilities, threshold: float, bootstrap: Bootstrap | None = None
) -> Scores:
    """`score_type` or `score_stance`; the threshold is of types only."""
    task = as_task(task)
    if task.keep:
        return score_type(corpus, p, threshold, bootstrap, task)
    return score_stance(corpus, p, bootstrap, task)


def _of_present(metrics: dict[str, Metric], counts: Counts, labels: Sequence[str]) -> dict[str, Metric]:
    """The metrics without those of labels that no line has: a recall of nothing is not 0."""
    lines = counts["confusion"].sum(axis=(0, 2))
    absent = tuple(f"/{label}_" for label, n in zip(labels, lines, strict=True) if not n)
    return {name: metric for name, metric in metrics.items() if not any(mark in name for mark in absent)}


def _score(corpus: Corpus, counts: Counts, metrics: dict[str, Metric], bootstrap: Bootstrap) -> Scores:
    groups, index = np.unique(np.array(corpus.groups), return_inverse=True)
    found = len(groups)
    if len(groups) == 1:  # one site: pages are all that can be resampled
        groups, index = np.arange(len(corpus)), np.arange(len(corpus))
    by_group = {name: _sum_by(array, index, len(groups)) for name, array in counts.items()}
    total = {name: array.sum(axis=0) for name, array in by_group.items()}
    weights = bootstrap.weights(len(groups))
    resampled = {
        name: (weights @ array.reshape(len(groups), -1)).reshape(len(weights), *array.shape[1:])
        for name, array in by_group.items()
    }
    values = {name: float(metric(total)) for name, metric in metrics.items()}
    samples = {name: np.asarray(metric(resampled)) for name, metric in metrics.items()}
    return replace(scores_of(values, samples, signature(corpus, bootstrap), bootstrap.level), groups=found)


def scores_of(values: dict[str, float], samples: dict[str, np.ndarray], signature: str, level: float) -> Scores:
    """Scores whose intervals are the quantiles of their bootstrap samples."""
    tail = (1 - level) / 2
    ends = {name: np.quantile(sample, [tail, 1 - tail]) for name, sample in samples.items()}
    low, high = ({name: float(end[i]) for name, end in ends.items()} for i in (0, 1))
    return Scores(values, low, high, signature, samples)


def _sum_by(array: np.ndarray, index: np.ndarray, n: int) -> np.ndarray:
    out = np.zeros((n, *array.shape[1:]))
    np.add.at(out, index, array)
    return out
