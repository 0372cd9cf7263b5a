"""Curves as inline SVG, for a report that works without network and libraries."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _PAD = 350, 260, 52, 40, 12
_POINTS = 200
"""Points of a curve: more cannot be seen."""
_FEW = 20
"""A curve of so few points shows each of them."""
_TOPS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Ends of the y axis, to choose from."""

Curve = tuple[str, np.ndarray, np.ndarray]
"""Name, x and y, both from 0 to 1."""


def line_chart(
    title: str,
    x_label: str,
    y_label: str,
    curves: Sequence[Curve],
    *,
    ideal: str = "",
    marks: Sequence[tuple[float, float]] = (),
    mark_label: str = "",
    zoom: bool = False,
) -> str:
    """A figure with up to two curves over the unit square.

    `ideal` draws the diagonal under that name, `marks` puts a ring on each
    curve; with `zoom` the y axis ends a little above the highest point.
    """
    highest = max((float(y.max()) for _, _, y in curves if len(y)), default=1.0)
    top = next(end for end in _TOPS if end >= min(highest, 1)) if zoom else 1.0
    parts, legend = [_axes(x_label, y_label, top)], []
    if ideal:
        parts.append(f'<path class="ideal" d="{_path(np.array([0.0, 1.0]), np.array([0.0, 1.0]))}"/>')
        legend.append(("ideal", ideal))
    for style, (name, x, y) in zip("ab", curves, strict=False):
        pick = np.unique(np.linspace(0, len(x) - 1, _POINTS).astype(int)) if len(x) else np.zeros(0, dtype=int)
        parts.append(f'<path class="{style}" d="{_path(x[pick], y[pick] / top)}"><title>{escape(name)}</title></path>')
        if len(pick) <= _FEW:
            parts += [_dot(style, a, b / top, 2.5) for a, b in zip(x[pick], y[pick], strict=True)]
        legend.append((style, name))
    for style, (a, b) in zip("ab", marks, strict=False):
        parts.append(_dot(f"{style} ring", a, b / top, 5))
    if marks:
        legend.append(("ring", mark_label))
    said = escape(f"{title}: {y_label} over {x_label}; {', '.join(name for _, name in legend)}")
    keys = "".join(f'<span class="key {style}">{escape(name)}</span>' for style, name in legend)
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg role="img" aria-label="{said}" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'{"".join(parts)}</svg><p class="note">{keys}</p></figure>'
    )


def _x(value: float) -> float:
    return _LEFT + value * (_WIDTH - _LEFT - _PAD)


def _y(value: float) -> float:
    return _HEIGHT - _BOTTOM - value * (_HEIGHT - _BOTTOM - _PAD)


def _dot(style: str, x: float, y: float, radius: float) -> str:
    return f'<circle class="{style}" cx="{_x(float(x)):.1f}" cy="{_y(float(y)):.1f}" r="{radius:g}"/>'


def _path(x: np.ndarray, y: np.ndarray) -> str:
    points = [f"{_x(float(a)):.1f},{_y(float(b)):.1f}" for a, b in zip(x, y, strict=True)]
    return f"M{'L'.join(points)}" if points else ""


def _axes(x_label: str, y_label: str, top: float) -> str:
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<line class="axis" x1="{_x(0):.1f}" x2="{_x(1):.1f}" y1="{_y(tick):.1f}" y2="{_y(tick):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{_y(tick) + 4:.1f}" text-anchor="end">{tick * top:g}</text>')
        parts.append(f'<text x="{_x(tick):.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text class="name" x="{_x(0.5):.1f}" y="{_HEIGHT - 5}" text-anchor="middle">{escape(x_label)}</text>')
    middle = _y(0.5)
    turned = f'transform="rotate(-90 12 {middle:.1f})"'
    parts.append(f'<text class="name" x="12" y="{middle:.1f}" text-anchor="middle" {turned}>{escape(y_label)}</text>')
    return "".join(parts)


def precision_recall(p: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision at every cut of p."""
    order = np.argsort(-p, kind="stable")
    hits = gold[order].cumsum()
    return hits / max(int(gold.sum()), 1), hits / np.arange(1, len(p) + 1)


def calibration(p: np.ndarray, right: np.ndarray, bins: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Mean p and share that was right, of the bins of equal width that are not empty."""
    index = np.minimum((p * bins).astype(int), bins - 1)
    n = np.bincount(index, minlength=bins)
    used = n > 0
    mean = np.bincount(index, p, minlength=bins)[used] / n[used]
    return mean, np.bincount(index, right.astype(float), minlength=bins)[used] / n[used]


def risk_coverage(sure: np.ndarray, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and share of wrong lines among those covered, the surest first."""
    order = np.argsort(-sure, kind="stable")
    n = np.arange(1, len(sure) + 1)
    return n / max(len(sure), 1), wrong[order].cumsum() / n


def operating_point(p: np.ndarray, gold: np.ndarray, threshold: float) -> tuple[float, float]:
    """Recall and precision of the lines whose p reaches the threshold."""
    kept = p >= threshold
    hits = float((kept & gold).sum())
    return hits / max(float(gold.sum()), 1), hits / max(float(kept.sum()), 1)
