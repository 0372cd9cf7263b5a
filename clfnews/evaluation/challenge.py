"""Pairs of sentences that test a stance model: swapped actors, and minimal changes that flip the label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from clfnews.data.rows import PAIR_KINDS
from clfnews.errors import UserError
from clfnews.evaluation.scores import Bootstrap, Scores, scores_of
from clfnews.files import numbered_rows
from clfnews.labels import GUIDELINES_VERSION, STANCES
from clfnews.models.calibration import FittedTask
from clfnews.page import Page, normalise


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sentences and their stances; `kind` tells what was changed between them."""

    kind: str
    texts: tuple[str, str]
    stances: tuple[str, str]


def is_challenge(path: Path) -> bool:
    """Whether a JSONL file holds pairs: its first row has `a` and `b`."""
    first = next((row for _, row in numbered_rows(path)), {})
    return "a" in first and "b" in first


def load_pairs(path: Path) -> list[Pair]:
    """The pairs of a JSONL file (`{"kind","a":{"text","stance"},"b":{...}}`); raises `UserError` for a row that is none."""
    pairs = []
    for number, row in numbered_rows(path):
        sides = [row.get("a"), row.get("b")]
        good = all(isinstance(s, dict) and isinstance(s.get("text"), str) and s.get("stance") in STANCES for s in sides)
        if row.get("kind") not in PAIR_KINDS or not good:
            raise UserError(
                f"{path}: row {number}: not a challenge pair (kind: {' or '.join(PAIR_KINDS)}; a and b with text and stance)"
            )
        a, b = row["a"], row["b"]
        pairs.append(Pair(row["kind"], (normalise(a["text"]), normalise(b["text"])), (a["stance"], b["stance"])))
    if not pairs:
        raise UserError(f"{path}: holds no pairs")
    return pairs


def folder_pairs(folder: Path) -> list[Pair]:
    """The pairs of all files in the `challenge` folder of a data folder; none if it has none."""
    return [pair for path in sorted((folder / "challenge").glob("*.jsonl")) for pair in load_pairs(path)]


def score_challenge(stance_task: FittedTask, pairs: Sequence[Pair], bootstrap: Bootstrap | None = None) -> Scores:
    """Scores of a stance model on pairs, with intervals over pairs.

    `challenge/invariance`: pairs with swapped actors whose two predictions
    agree (the invariance test of Ribeiro et al. 2020, "Beyond Accuracy");
    `challenge/swap_accuracy`: their sentences labelled right;
    `challenge/minimal_accuracy`: sentences of minimal pairs labelled right;
    `challenge/minimal_both`: minimal pairs with both right (contrast consistency,
    Gardner et al. 2020).
    """
    bootstrap = bootstrap or Bootstrap()
    p = stance_task.predict([Page.from_lines([text]) for pair in pairs for text in pair.texts])
    predicted = np.array([rows[0].argmax() if len(rows) else -1 for rows in p]).reshape(-1, 2)
    gold = np.array([[STANCES.index(stance) for stance in pair.stances] for pair in pairs])
    right, swap = predicted == gold, np.array([pair.kind == "swap" for pair in pairs])
    measured = {
        "challenge/invariance": (predicted[:, 0] == predicted[:, 1], swap),
        "challenge/swap_accuracy": (right.mean(axis=1), swap),
        "challenge/minimal_accuracy": (right.mean(axis=1), ~swap),
        "challenge/minimal_both": (right.all(axis=1), ~swap),
    }
    weights = bootstrap.weights(len(pairs))
    values, samples = {}, {}
    for name, (score, counted) in measured.items():
        if counted.any():
            values[name] = float(score[counted].mean())
            samples[name] = (weights[:, counted] @ score[counted]) / np.maximum(weights[:, counted].sum(axis=1), 1)
    digest = sha256("\n".join(text for pair in pairs for text in pair.texts).encode()).hexdigest()[:12]
    signature = (
        f"{len(pairs)} challenge pairs|data {digest}|guidelines {GUIDELINES_VERSION}"
        f"|bootstrap {bootstrap.samples}x{bootstrap.level:g} of pairs, seed {bootstrap.seed}"
    )
    return scores_of(values, samples, signature, bootstrap.level)
