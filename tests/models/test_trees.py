"""Boosted trees as arrays: both ways of reading them give the same bits as scikit-learn, whatever rows stand beside a row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import environment
from sklearn.ensemble import HistGradientBoostingClassifier

from clfnews.models.forest import Forest, binned
from clfnews.models.trees import BINS, Trees

N, D = 4000, 12


def rows(seed: int) -> np.ndarray:
    """Rows x features with all that trees meet: amounts, codes, few values, columns that are all or never NaN."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, D)).astype(np.float32)
    x[:, 1] = rng.integers(0, 5, N)
    x[:, 2] = x[:, 2] > 0
    x[rng.random((N, D)) < 0.1] = np.nan
    x[:, 3], x[:, 4] = 7.0, np.nan
    x[:, 5] = np.where(rng.random(N) < 0.5, np.nan, 1.0)  # only whether there is a value tells
    return x


@pytest.fixture(scope="module")
def forest() -> Forest:
    x = rows(1)
    y = np.nan_to_num(x[:, 0]) * np.nan_to_num(x[:, 1], nan=-1) + np.isnan(x[:, 5]) > 0.5
    return Forest(20, 7).fit(x, y, np.ones(N))


@pytest.fixture(scope="module")
def trees(forest: Forest) -> Trees:
    return Trees.restored(forest.arrays(), forest.edges)


def hard(forest: Forest) -> np.ndarray:
    """Unseen rows, rows on and beside the borders of bins, beyond all of them, and of NaN alone."""
    x = rows(2)[:, forest.columns]
    rng = np.random.default_rng(3)
    borders = forest.edges[np.arange(len(forest.columns)), rng.integers(0, forest.edges.shape[1], x.shape)]
    on = np.where(np.isfinite(borders), borders, np.float32(9))
    beside = np.nextafter(on, np.where(rng.random(x.shape) < 0.5, np.float32(-99), np.float32(99)))
    ends = np.repeat(np.array([[np.nan], [-1e30], [1e30], [0.0]], dtype=np.float32), x.shape[1], axis=1)
    return np.concatenate([x, on, beside, ends])


def of_block(trees: Trees, way: str, x: np.ndarray) -> np.ndarray:
    odds = np.full(len(x), 0.25)
    getattr(trees, way)(x, odds)
    return odds


def test_masks_and_walk_give_the_same_bits(forest: Forest, trees: Trees) -> None:
    x = hard(forest)
    masks, walk = of_block(trees, "add_by_masks", x), of_block(trees, "add_by_walk", x)
    np.testing.assert_array_equal(masks, walk)
    assert len(np.unique(masks)) > 500


def test_both_ways_are_the_model_that_was_trained(forest: Forest) -> None:
    x = hard(forest)
    rng = np.random.default_rng(5)
    model = HistGradientBoostingClassifier(max_iter=9, max_bins=BINS, early_stopping=False)
    model.fit(binned(x, forest.edges), rng.random(len(x)) < 0.3)
    trees = Trees.grown(model, forest.edges)
    wanted = model._raw_predict(binned(x, forest.edges)).ravel()
    start = float(model._baseline_prediction.ravel()[0])
    for way in ("add_by_masks", "add_by_walk"):
        np.testing.assert_allclose(of_block(trees, way, x) - 0.25 + start, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("way", ["add_by_masks", "add_by_walk"])
def test_a_row_does_not_depend_on_the_rows_beside_it(way: str, forest: Forest, trees: Trees) -> None:
    x = hard(forest)[-300:]
    together = of_block(trees, way, x)
    np.testing.assert_array_equal(np.concatenate([of_block(trees, way, x[i : i + 1]) for i in range(len(x))]), together)
    order = np.random.default_rng(4).permutation(len(x))
    np.testing.assert_array_equal(of_block(trees, way, x[order]), together[order])


def test_a_side_that_training_lacks_has_no_probability() -> None:
    x = rows(1)
    for side in (False, True):
        forest = Forest(3, 7).fit(x, np.full(N, side), np.ones(N))
        again = Forest(3, 7).restore(forest.arrays())
        assert set(again.predict(x).tolist()) == {float(side)}


LONG_RUN = """
import sys
import numpy as np
from clfnews.models.forest import Forest
with np.load(sys.argv[1]) as stored:
    arrays = {name: stored[name] for name in stored.files}
x = arrays.pop("x")
forest = Forest(1, 7).restore(arrays)
first, loaded = forest.predict(x), "sklearn" in sys.modules
for _ in range(40_000 // len(x)):
    last = forest.predict(x)
print(loaded, "sklearn" in sys.modules, (first == last).all())
"""


def test_a_long_run_changes_to_the_faster_way_and_answers_the_same(forest: Forest, tmp_path: Path) -> None:
    np.savez(tmp_path / "forest.npz", x=rows(2), **forest.arrays())
    done = subprocess.run(
        [sys.executable, "-c", LONG_RUN, str(tmp_path / "forest.npz")],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True", "True"]
