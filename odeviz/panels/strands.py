"""The curves of a chart as they are drawn: one by one, and the many of which no one counts together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.chart import Chart, Curve
from odeviz.widgets.primitives import polyline

#: Half frames from its middle beyond which nothing is drawn.
_FAR = 50.0
#: Curves that are drawn by one item.
Strand = tuple[Curve, ...]


def strands(curves: Sequence[Curve]) -> list[Strand]:
    """The curves one by one, but faint lines of one look together: each item of its own costs a part of every paint."""
    every: list[Strand] = []
    for curve in curves:
        if is_crowd(curve) and every and look(every[-1][0]) == look(curve):
            every[-1] = (*every[-1], curve)
        else:
            every.append((curve,))
    return every


def is_crowd(curve: Curve) -> bool:
    """Whether it is one of many of which no one counts."""
    return curve.faint and curve.style == "line" and curve.low is None


def same(one: Strand, other: Strand) -> bool:
    """Whether two strands are of the same objects."""
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def segments(chart: Chart, strand: Strand) -> NDArray[np.float64]:
    """The lines ``[n, 4]`` of a strand's curves, without those that lead to or from a gap."""
    each = [polyline(np.stack(on_sheet(chart, c), axis=1)[:, None]) for c in strand if len(c.x)]
    lines = np.concatenate(each) if each else np.empty((0, 4))
    return np.ascontiguousarray(lines[np.isfinite(lines).all(axis=1)])


def on_sheet(chart: Chart, curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A curve's values as they lie on the axes, but for what lies so far from their frame that it could not be drawn.

    The first point of those is drawn where the way there from the frame leads, the others are gaps.
    """
    x, y = on_axis(curve.x, chart.x_log), on_axis(curve.y, chart.y_log)
    if chart.frame is None:
        return x, y
    x0, x1, y0, y1 = chart.frame
    middle, half = np.array([x0 + x1, y0 + y1]) / 2, np.array([x1 - x0, y1 - y0]) / 2
    away = (np.stack([x, y], axis=1) - middle) / np.maximum(half, 1e-300)
    with np.errstate(invalid="ignore"):
        distance = np.abs(away).max(axis=1)
        far = distance > _FAR
    if not far.any():
        return x, y
    near = ~far & np.isfinite(distance)
    # Seen are the ways between a far point and one that is near.
    beside = np.append(near[1:], False) | np.append(False, near[:-1])
    away[far] *= (_FAR / distance[far])[:, None]
    away[far & ~beside] = np.nan
    placed = middle + away * half
    return placed[:, 0], placed[:, 1]


def on_axis(values: NDArray[Any], log: bool) -> NDArray[np.float64]:
    """The values, or their log10; what has none is NaN."""
    values = np.asarray(values, dtype=np.float64)
    if not log:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.log10(values)
    return np.where(np.isfinite(result), result, np.nan)


def sized(curve: Curve) -> tuple[bool, int]:
    """Whether a curve's points are many, and their size in pixels."""
    many = len(curve.x) > 200
    return many, 10 if len(curve.x) == 1 else 4 if curve.faint or many else 6


def look(curve: Curve) -> tuple[Any, ...]:
    """All that is seen of a curve beside its values."""
    return curve.style, curve.role, curve.faint, curve.low is None, sized(curve)
