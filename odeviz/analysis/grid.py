"""Points of the plane in rows: cells for maps, nodes for fields."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from odeviz.analysis.results import Extent


def cell_centres(extent: Extent, n: int) -> NDArray[np.float64]:
    """Midpoints ``[n * n, 2]`` of n x n equal cells; the lowest row first, each from left to right."""
    at_least("n", n, 1)
    steps = (np.arange(n) + 0.5) / n
    x = extent.x0 + (extent.x1 - extent.x0) * steps
    y = extent.y0 + (extent.y1 - extent.y0) * steps
    return _rows(x, y)


def cell_area(extent: Extent, n: int) -> float:
    """Area of one of n x n equal cells."""
    return (extent.x1 - extent.x0) * (extent.y1 - extent.y0) / (n * n)


def nodes(extent: Extent, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """x ``[n]`` and y ``[n]`` from edge to edge, and their grid's points ``[n * n, 2]`` in rows, the lowest first."""
    at_least("n", n, 2)
    x, y = np.linspace(extent.x0, extent.x1, n), np.linspace(extent.y0, extent.y1, n)
    return x, y, _rows(x, y)


def _rows(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def at_least(name: str, value: int, least: int) -> None:
    """``ValueError`` in one sentence for a count that is too small."""
    if value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
