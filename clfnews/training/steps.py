"""Steps of a training: which is running, how many are done, and what part of the work that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_COST = {"page": 40.0, "cues": 6.0, "encoder": 60.0, "fasttext": 4.0, "linear": 3.0}
"""CPU seconds of a fit beside those of the others, about: enough to guess when a training ends."""
_OTHER, _AROUND = 0.5, 3.0


class Part(str):
    """A line of progress inside a step, which goes on."""


class Step(str):
    """A line of progress that also knows how far the whole is."""

    done: int
    """Steps that are finished."""
    total: int
    share: float
    """Of the work that is finished, from 0 to 1."""


def step(text: str, done: int, total: int, share: float) -> Step:
    """A line of progress with its numbers."""
    line = Step(text)
    line.done, line.total, line.share = done, total, share
    return line


class Steps:
    """Counts lines of progress, each of which says that the step before it is done.

    Parameters: `progress`, called with every line; `models`, those that are
    fitted, in order; `folds` of each; `before` and `after` are the numbers of steps around the fits.
    """

    def __init__(
        self, progress: Callable[[str], None], models: Sequence[str] = (), folds: int = 0, *, before: int = 0, after: int = 0
    ) -> None:
        self._progress, self._done = progress, 0
        fits = [_COST.get(name, _OTHER) for name in models for _ in range(folds + 1)]
        self._costs = [_AROUND] * before + fits + [_AROUND] * after

    def __call__(self, text: str) -> None:
        """The next step begins."""
        inside = isinstance(text, Part) and self._done > 0
        self._done -= inside
        total = max(len(self._costs), self._done + 1)
        share = sum(self._costs[: self._done]) / (sum(self._costs) or 1.0)
        self._progress(step(text, self._done, total, min(share, 1.0)))
        self._done += 1
