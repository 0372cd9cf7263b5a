"""A page read twice: the second time with what the first reading found on all of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clfnews.models.base import check_shapes, reading
from clfnews.models.features.characters import CharTable
from clfnews.models.features.lines import page_table
from clfnews.models.features.tree import Tree, tree_of
from clfnews.models.forest import Forest
from clfnews.models.line_reader import LineReader
from clfnews.models.nets import Nets
from clfnews.models.page_features import feature_names, second_features, second_names
from clfnews.models.page_scorers import PIECE
from clfnews.page import Page

_ALPHA = 0.01
"""Weight decay of the networks."""
_FEW = 3000
"""Lines up to which every reader learns from all."""


class TwoReadings:
    """Two first readers, each of the groups of one half, and a second one that learns from what they say of the other half.

    So the second learns what a first reading of an unseen site is worth. For new pages the two firsts are averaged;
    together they have as many networks and trees as the second.

    Parameters: of `PageModel`; `again` 0 leaves the second out.
    """

    def __init__(
        self, is_article: np.ndarray, *, hidden: int, nets: int, epochs: int, trees: int, forest: float, rows: int, again: int,
        seed: int,
    ) -> None:  # fmt: skip
        self._rows, self._again = rows, again

        def reader(share: int, turn: int) -> LineReader:
            networks = Nets(max(nets // share, 1), hidden, epochs, _ALPHA, seed + turn)
            return LineReader(is_article, networks, Forest(max(trees // share, 1), seed + turn), forest)

        self._first = [reader(2, turn) for turn in range(2)]
        self._second = [reader(1, 2)] if again else []

    def fit(
        self, pages: Sequence[Page], x: np.ndarray, possible: np.ndarray, weight: np.ndarray, folds: np.ndarray,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Learn from the lines of pages.

        Parameters: `x`, lines x `feature_names`; `possible`, lines x types; `weight`, a number a line; `folds`, 0 or 1 a page.
        """
        of_line = np.repeat(folds, [len(page.lines) for page in pages])
        some = rng.permutation(np.flatnonzero(weight > 0))
        n = min(self._again, len(some) // 3)  # where lines are few, the first readers need most of them
        second, rest = (some, some) if len(some) < _FEW else (some[:n], some[n:])
        for fold, reader in enumerate(self._first):
            own = rest[of_line[rest] != fold]
            own = np.sort((own if len(own) else rest)[: self._rows // 2])
            reader.fit(x[own], feature_names(), possible[own], weight[own])
        if self._second:
            second = np.sort(second)
            names = (*feature_names(), *second_names())
            self._second[0].fit(self._with_first(pages, x, of_line, second), names, possible[second], weight[second])

    def _with_first(self, pages: Sequence[Page], x: np.ndarray, of_line: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """The drawn lines' features with what the first reader found that has not seen their group."""
        parts, start = [], 0
        for at in range(0, len(pages), PIECE):
            piece = pages[at : at + PIECE]
            table = page_table(piece)
            rows = slice(start, start + len(table.length))
            low, high = np.searchsorted(drawn, [rows.start, rows.stop])
            if low < high:
                p = np.zeros((len(table.length), self._first[0].n_types))
                for fold, reader in enumerate(self._first):
                    own = of_line[rows] == fold
                    p[own] = reader.read(x[rows][own])
                # Row by row in memory: it decides in which order the means of columns are added up, so the bits of a model.
                found = np.ascontiguousarray(second_features(piece, table, tree_of(piece), p))
                parts.append(np.concatenate([x[drawn[low:high]], found[drawn[low:high] - start]], axis=1))
            start = rows.stop
        return np.concatenate(parts)

    def read(self, pages: Sequence[Page], table: CharTable, tree: Tree, x: np.ndarray) -> np.ndarray:
        """p(type) of the pages' lines, lines x types, from their `page_features`."""
        p = (self._first[0].read(x) + self._first[1].read(x)) / 2
        for reader in self._second:
            p = reader.read(x, second_features(pages, table, tree, p))
        return np.asarray(p)

    # --- storage --------------------------------------------------------------

    @property
    def _readers(self) -> dict[str, LineReader]:
        return {f"reader{turn}": reader for turn, reader in enumerate([*self._first, *self._second], 1)}

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be stored."""
        return {f"{name}_{key}": a for name, reader in self._readers.items() for key, a in reader.arrays().items()}

    def restore(self, file: Path, stored: dict[str, np.ndarray]) -> None:
        """The readers whose `arrays` a file holds; raises `UserError` for arrays that do not fit, or hold no readers."""
        for name, reader in self._readers.items():
            own = {key.removeprefix(f"{name}_"): array for key, array in stored.items() if key.startswith(f"{name}_")}
            check_shapes(file, stored, {f"{name}_{key}": shape for key, shape in reader.shapes(own).items()})
            with reading(file):
                reader.restore(own)
