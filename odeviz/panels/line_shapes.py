"""Lines over a run as segments to be drawn: thinned, dashed, in stairs, with gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def segments(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """The segments ``[n, 4]`` of a line through points, without those that touch a value that is not finite."""
    lines = np.stack([x[:-1], y[:-1], x[1:], y[1:]], axis=1)
    return np.ascontiguousarray(lines[np.isfinite(lines).all(axis=1)], dtype=np.float64)


def thinned(x: NDArray[Any], y: NDArray[Any], most: int = 300) -> tuple[NDArray[Any], NDArray[Any]]:
    """At most about ``most`` points of a slow curve, the last one among them."""
    every = max(1, len(x) // most)
    start = (len(x) - 1) % every if len(x) else 0
    return x[start::every], y[start::every]


def dashes(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Segments of an even curve with gaps: a dashed pen would begin its pattern anew at every segment."""
    count = len(lines)
    on = max(1, count // 50)
    return np.ascontiguousarray(lines[np.arange(count) % (2 * on) < on]) if count > 3 else lines


def runs(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The points at which a value differs from the one before, and the last one."""
    if len(x) < 3:
        return x, y
    keep = np.r_[True, np.diff(y) != 0]
    keep[-1] = True
    return x[keep], y[keep]


def stairs(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A line that holds each value until the next one: counts do not lie between whole numbers."""
    if len(x) < 2:
        return x, y
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
