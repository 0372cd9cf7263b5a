"""Can composed pages be told from real ones, and by what?

Run: python experiments/006-realism/realism.py ../shared/vn-dev/pages.jsonl

Writes `results.json` and the tables of `README.md` beside this file, and
`data/realism.json` for the dataset card (then: clfnews data card). Only
numbers and names of features leave this script: no text of a real page.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cues import Sample, own_features, page_features, read_sample
from scipy.stats import spearmanr
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler
from tables import card_block, realism_tables

from clfnews.data.card import replace_blocks
from clfnews.data.card_rows import file_digest
from clfnews.labels import TYPES

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "data" / "pages"
MIN_SITES = 0.6
"""A giveaway lies on the same side of the composed mean on this share of the real sites."""


# --- telling them apart -------------------------------------------------------------------


def boosting(seed: int) -> Any:
    return HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=8, min_samples_leaf=10, max_features=0.3, random_state=seed)


def logistic(seed: int) -> Any:
    # Quartiles for scale and a short reach: a few features of a few pages have extreme values.
    scale = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), RobustScaler(unit_variance=True))
    return make_pipeline(scale, _Clip(), LogisticRegression(C=0.01, max_iter=1000))


class _Clip:
    """Values beyond four deviations are cut."""

    def fit(self, x: np.ndarray, y: Any = None) -> _Clip:
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x, -4, 4)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {}


def out_of_fold(
    model: Callable[[int], Any], x: np.ndarray, y: np.ndarray, groups: np.ndarray, w: np.ndarray, repeats: int
) -> np.ndarray:
    """p(composed) of every row by models that saw no row of its group; mean over repeated foldings."""
    real_groups = len(np.unique(groups[y == 0]))
    scores = np.zeros(len(y))
    for repeat in range(repeats):
        folds = StratifiedGroupKFold(min(5, real_groups), shuffle=True, random_state=repeat)
        for fit, held in folds.split(x, y, groups):
            estimator = model(repeat)
            key = "sample_weight" if hasattr(estimator, "max_iter") else "logisticregression__sample_weight"
            estimator.fit(x[fit], y[fit], **{key: w[fit]})
            scores[held] += estimator.predict_proba(x[held])[:, 1] / repeats
    return scores


def auc(y: np.ndarray, scores: np.ndarray, groups: np.ndarray, w: np.ndarray, samples: int) -> list[float]:
    """AUC with a 95% interval: real sites and composed cells drawn anew, separately."""
    rng = np.random.default_rng(7)
    names, index = np.unique(groups, return_inverse=True)
    of_real = np.array([name.startswith("real ") for name in names])
    found = []
    for _ in range(samples):
        drawn = np.zeros(len(names))
        for side in (of_real, ~of_real):
            drawn[side] = rng.multinomial(side.sum(), np.full(side.sum(), 1 / side.sum()))
        found.append(roc_auc_score(y, scores, sample_weight=w * drawn[index]))
    return [round(float(v), 3) for v in (roc_auc_score(y, scores, sample_weight=w), *np.quantile(found, [0.025, 0.975]))]


def balanced(y: np.ndarray, units: np.ndarray | None = None) -> np.ndarray:
    """Weights by which real and composed weigh the same, and within each every unit (page)."""
    w = np.ones(len(y)) if units is None else 1 / np.bincount(units)[units]
    totals = np.array([max(w[y == side].sum(), 1e-9) for side in (0, 1)])
    return w / totals[y] * len(y) / 2


# --- by what --------------------------------------------------------------------------------


def giveaways(x: np.ndarray, names: Sequence[str], sample: Sample, units: np.ndarray, top: int) -> list[dict[str, Any]]:
    """Features that differ most, best first, without the echoes of one already named.

    `auc` is the probability that a composed value is above a real one; `sites`
    is the share of real sites whose mean lies on that side of the composed mean.
    """
    y, groups = sample.composed[units], sample.groups[units]
    found = []
    for j, name in enumerate(names):
        known = ~np.isnan(x[:, j])
        v, side, pages = x[known, j], y[known], units[known]
        if min((side == 0).sum(), (side == 1).sum()) < 5 or np.ptp(v) == 0:
            continue
        w = balanced(side, np.unique(pages, return_inverse=True)[1])
        above = float(roc_auc_score(side, v, sample_weight=w))
        means = {s: float(np.average(v[side == s], weights=w[side == s])) for s in (0, 1)}
        sites = [v[groups[known] == g].mean() for g in np.unique(groups[known]) if g.startswith("real ")]
        same = float(np.mean([(site < means[1]) == (above > 0.5) for site in sites]))
        if same >= MIN_SITES:
            item = {"feature": name, "real": means[0], "composed": means[1], "auc": above, "sites": same}
            found.append((abs(above - 0.5), j, item))
    chosen: list[tuple[int, dict[str, Any]]] = []
    for _, j, item in sorted(found, key=lambda hit: (-hit[0], hit[1])):
        if len(chosen) == top:
            break
        if all(abs(_rank_correlation(x[:, j], x[:, k])) < 0.7 for k, _ in chosen):
            chosen.append((j, item))
    return [{key: round(v, 3) if isinstance(v, float) else v for key, v in item.items()} for _, item in chosen]


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    known = ~(np.isnan(a) | np.isnan(b))
    value = spearmanr(a[known], b[known]).statistic if known.sum() > 4 and np.ptp(a[known]) and np.ptp(b[known]) else 0.0
    return float(value)


def measure(sample: Sample, repeats: int, samples: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """All numbers of `results.json` but where the pages come from."""
    y, groups, pages = sample.composed, sample.groups, sample.page_of
    w = balanced(y)
    x, names, families = page_features(sample)
    progress(f"{len(y)} pages, {x.shape[1]} page features")
    results: dict[str, Any] = {"pages": {}, "lines": {}, "lines_by_type": {}, "families": {}}
    for name, model in (("logistic regression", logistic), ("boosted trees", boosting)):
        results["pages"][name] = auc(y, out_of_fold(model, x, y, groups, w, repeats), groups, w, samples)
    for family in sorted(set(families)):
        part = x[:, [f == family for f in families]]
        results["families"][family] = auc(y, out_of_fold(logistic, part, y, groups, w, repeats), groups, w, samples)
    results["giveaways"] = giveaways(x, names, sample, np.arange(len(y)), 20)
    progress("lines")
    own, own_names = own_features(sample)
    line_y, line_groups, line_w = y[pages], groups[pages], balanced(y[pages], pages)
    scores = out_of_fold(boosting, own, line_y, line_groups, line_w, 1)
    results["lines"]["a line alone, with its type"] = auc(line_y, scores, line_groups, line_w, samples)
    results["line_giveaways"] = {}
    for kind, label in enumerate(TYPES):
        mine = sample.types == kind
        if len({*line_y[mine]}) == 2:
            kind_w = balanced(line_y[mine], np.unique(pages[mine], return_inverse=True)[1])
            results["lines_by_type"][label] = auc(line_y[mine], scores[mine], line_groups[mine], kind_w, samples)
            results["line_giveaways"][label] = giveaways(own[mine], own_names, sample, pages[mine], 4)
    return results


def _counts(sample: Sample, side: int) -> dict[str, int]:
    chosen = sample.composed == side
    return {
        "pages": int(chosen.sum()),
        "lines": int(np.diff(sample.first)[chosen].sum()),
        "groups": len(np.unique(sample.groups[chosen])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path, help="labelled real pages, JSONL")
    parser.add_argument("--composed", type=Path, nargs="+", default=[DATA / "train.jsonl", DATA / "validation.jsonl"])
    parser.add_argument("--max-lines", type=int, default=120, help="cut all pages here, as the real ones were for labelling")
    parser.add_argument("--per-layout", type=int, default=2, help="composed pages of each layout")
    parser.add_argument("--repeats", type=int, default=3, help="foldings of the page classifiers")
    parser.add_argument("--samples", type=int, default=200, help="bootstrap samples of the intervals")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of results.json and README.md")
    args = parser.parse_args()
    sample = read_sample(args.real, args.composed, args.max_lines, args.per_layout, args.seed)
    results = measure(sample, args.repeats, args.samples, print)
    results["real"], results["composed"] = (_counts(sample, side) for side in (0, 1))
    results["data"] = {path.name: file_digest(path) for path in args.composed}
    (args.out / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if args.out == HERE:
        block = json.dumps(card_block(results), indent=1, ensure_ascii=False)
        (DATA.parent / "realism.json").write_text(block + "\n", encoding="utf-8")
    readme = args.out / "README.md"
    if readme.is_file():
        text = replace_blocks(readme.read_text(encoding="utf-8"), realism_tables(results), str(readme))
        readme.write_text(text, encoding="utf-8")
    for block in realism_tables(results).values():
        print(f"\n{block}")


if __name__ == "__main__":
    main()
