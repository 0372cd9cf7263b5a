"""Models out of fold, in a process a core, and what fits cost."""

from __future__ import annotations

import math
import pickle
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from clfnews.data.corpus import Corpus, Further
from clfnews.errors import UserError
from clfnews.models.base import Probabilities
from clfnews.processes import cores, ignore_interrupts, safe_path

Progress = Callable[[str], None]
"""Called with one line of text when a step begins or ends."""


@dataclass(slots=True)
class Cost:
    """What fits took: CPU seconds, when the first began (seconds since 1970), seconds on the clock, how many did not converge."""

    seconds: float = 0.0
    began: float = math.inf
    wall: float = 0.0
    unconverged: int = 0

    def __add__(self, other: Cost) -> Cost:
        began, wall = min(self.began, other.began), self.wall + other.wall
        return Cost(self.seconds + other.seconds, began, wall, self.unconverged + other.unconverged)


@contextmanager
def measured() -> Iterator[Cost]:
    """The cost of what is done inside; its warnings about convergence are counted, the others are given on."""
    from sklearn.exceptions import ConvergenceWarning

    cost, started = Cost(began=time.time()), time.process_time()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        warnings.simplefilter("always", ConvergenceWarning)
        yield cost
    cost.seconds, cost.wall = time.process_time() - started, time.time() - cost.began
    cost.unconverged = int(any(issubclass(warning.category, ConvergenceWarning) for warning in told))
    for warning in told:
        if not issubclass(warning.category, ConvergenceWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


Fold = tuple[list[int], Probabilities, Cost]
"""Positions of the pages that were held out, what was predicted of them, and the cost of it."""


def out_of_fold(
    make: Callable[[], Any], corpus: Corpus, folds: int, seed: int, progress: Progress = lambda _: None
) -> Probabilities:
    """Predictions for every page by a model that saw no page of its group.

    Raises `UserError` if there are fewer groups than folds.
    """
    with begin_folds([(make, corpus, ())], folds, seed) as found:
        return collect(found, len(corpus), folds, progress)[0]


Fit = tuple[Callable[[], Any], Corpus, tuple[Further, ...]]
"""What makes a model, the pages that it is fitted on and predicts out of fold, and those it only learns from."""


@contextmanager
def begin_folds(works: Sequence[Fit], folds: int, seed: int) -> Iterator[Iterator[Fold]]:
    """The folds of every model, in order, from processes that begin at once; those not asked for end with the block."""
    from joblib import Parallel, delayed
    from sklearn.model_selection import GroupKFold

    parts = []
    for n, (_, corpus, _) in enumerate(works):
        n_groups = len(set(corpus.groups))
        if n_groups < folds:
            are = "group (site) is" if n_groups == 1 else "groups (sites) are"
            remedy = f"--set folds={n_groups}, or " if n_groups > 1 else ""
            few = f"{n_groups} {are} too few for {folds} folds"
            raise UserError(f"{corpus.name}: {few}: {remedy}label pages of more sites")
        split = GroupKFold(folds, shuffle=True, random_state=seed).split(corpus.pages, groups=corpus.groups)
        parts += [(n, fit.tolist(), held.tolist()) for fit, held in split]
    with safe_path(), warnings.catch_warnings(), TemporaryDirectory(prefix="clfnews-") as folder:
        # On Ctrl-C joblib warns about the folds that were not finished, and when it starts a process anew whose memory has grown.
        for message in (".*tasks which were still being processed", "A worker stopped while some jobs"):
            warnings.filterwarnings("ignore", message=message, category=UserWarning)
        pool = Parallel(
            n_jobs=min(len(parts), cores()), return_as="generator", pre_dispatch="3*n_jobs", initializer=ignore_interrupts
        )
        files = _written(works, Path(folder))
        jobs = (delayed(_predict_fold)(works[n][0], files[n], fit, held) for n, fit, held in parts)
        with closing(pool(jobs)) as found:
            yield found


def collect(found: Iterator[Fold], n: int, folds: int, progress: Progress) -> tuple[Probabilities, Cost]:
    """What the next `folds` folds say of `n` pages, in the order of the pages, and the cost of it."""
    out: list[np.ndarray] = [np.zeros((0, 0))] * n
    total = Cost()
    for fold in range(1, folds + 1):
        held, predicted, cost = next(found)
        progress(f"fold {fold}/{folds} done")
        total = total + cost
        for i, p in zip(held, predicted, strict=True):
            out[i] = p
    return out, total


def fitted_on(make: Callable[[], Any], corpus: Corpus, further: Sequence[Further], held: Collection[str] = ()) -> Any:
    """The model fitted on a corpus, and on further pages but those of the groups that are held out."""
    if not further:
        return make().fit(corpus.pages, corpus.groups)
    pages, groups, weights = list(corpus.pages), list(corpus.groups), [1.0] * len(corpus)
    for more in further:
        for page, group in zip(more.corpus.pages, more.corpus.groups, strict=True):
            if group not in held:
                pages.append(page)
                groups.append(group)
                weights.append(more.weight)
    return make().fit(pages, groups, weights)


def _written(works: Sequence[Fit], folder: Path) -> list[Path]:
    """A file for each model with the pages that it learns from; models of the same pages have the same file.

    A process reads them once: to be given them with each fold would cost more than some of the models. joblib's own `dump`
    is made for large arrays; for many small objects it takes four times as long as pickle.
    """
    files: dict[tuple[int, ...], Path] = {}
    for _, corpus, further in works:
        key = id(corpus), *map(id, further)
        if key not in files:
            files[key] = folder / f"{len(files)}.pages"
            with files[key].open("wb") as file:
                pickle.dump((corpus, further), file, pickle.HIGHEST_PROTOCOL)
    return [files[id(corpus), *map(id, further)] for _, corpus, further in works]


@lru_cache(maxsize=2)
def _read(file: Path) -> tuple[Corpus, tuple[Further, ...]]:
    given: tuple[Corpus, tuple[Further, ...]] = pickle.loads(file.read_bytes())  # written by this run, in a folder of its own
    return given


def _predict_fold(make: Callable[[], Any], file: Path, fit: list[int], held: list[int]) -> Fold:
    from threadpoolctl import threadpool_limits

    corpus, further = _read(file)
    rest = corpus.select(held)
    with threadpool_limits(1), measured() as cost:  # one process a core
        p = list(fitted_on(make, corpus.select(fit), further, set(rest.groups)).predict_proba(rest.pages))
    return held, p, cost
