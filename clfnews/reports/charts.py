"""Curves as inline SVG (`templates/chart.html`), for a report that works without network and libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _PAD = 350, 260, 52, 40, 12
_POINTS = 200
"""Points of a curve: more cannot be seen."""
_FEW = 20
"""A curve of so few points shows each of them."""
_TOPS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Ends of the y axis, to choose from."""
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Curve = tuple[str, np.ndarray, np.ndarray]
"""Name, x and y, both from 0 to 1."""


class Dot(NamedTuple):
    """A circle, in pixels."""

    style: str
    x: float
    y: float
    radius: float


class Drawn(NamedTuple):
    """A curve, in pixels: its path as SVG writes it, and a dot at each point if there are few."""

    style: str
    name: str
    path: str
    dots: list[Dot]


class Tick(NamedTuple):
    """A number on both axes, and where it stands, in pixels."""

    x: float
    y: float
    x_text: str
    y_text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure with all that is drawn in it."""

    title: str
    x_label: str
    y_label: str
    ticks: list[Tick]
    ideal: str
    """Path of the diagonal; empty if there is none."""
    curves: list[Drawn]
    rings: list[Dot]
    legend: list[tuple[str, str]]
    """Style and name."""
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    bottom: int = _BOTTOM

    @property
    def middle(self) -> tuple[float, float]:
        """Of both axes, in pixels."""
        return _x(0.5), _y(0.5)


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
) -> Chart:
    """A figure with up to two curves over the unit square.

    `ideal` draws the diagonal under that name, `marks` puts a ring on each
    curve; with `zoom` the y axis ends a little above the highest point.
    """
    highest = max((float(y.max()) for _, _, y in curves if len(y)), default=1.0)
    top = next(end for end in _TOPS if end >= min(highest, 1)) if zoom else 1.0
    drawn = [_draw(style, curve, top) for style, curve in zip("ab", curves, strict=False)]
    rings = [_dot(f"{style} ring", x, y / top, 5) for style, (x, y) in zip("ab", marks, strict=False)]
    legend = [("ideal", ideal)] if ideal else []
    legend += [(curve.style, curve.name) for curve in drawn]
    legend += [("ring", mark_label)] if marks else []
    diagonal = _path(np.array([0.0, 1.0]), np.array([0.0, 1.0])) if ideal else ""
    ticks = [Tick(_x(tick), _y(tick), f"{tick:g}", f"{tick * top:g}") for tick in _TICKS]
    return Chart(title, x_label, y_label, ticks, diagonal, drawn, rings, legend)


def _draw(style: str, curve: Curve, top: float) -> Drawn:
    name, x, y = curve
    pick = np.unique(np.linspace(0, len(x) - 1, _POINTS).astype(int)) if len(x) else np.zeros(0, dtype=int)
    x, y = x[pick], y[pick] / top
    dots = [_dot(style, a, b, 2.5) for a, b in zip(x, y, strict=True)] if len(pick) <= _FEW else []
    return Drawn(style, name, _path(x, y), dots)


def _x(value: float) -> float:
    return _LEFT + value * (_WIDTH - _LEFT - _PAD)


def _y(value: float) -> float:
    return _HEIGHT - _BOTTOM - value * (_HEIGHT - _BOTTOM - _PAD)


def _dot(style: str, x: float, y: float, radius: float) -> Dot:
    return Dot(style, _x(float(x)), _y(float(y)), radius)


def _path(x: np.ndarray, y: np.ndarray) -> str:
    points = [f"{_x(float(a)):.1f},{_y(float(b)):.1f}" for a, b in zip(x, y, strict=True)]
    return f"M{'L'.join(points)}" if points else ""
