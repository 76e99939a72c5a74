"""Points of the plane in rows: cells for maps, nodes for fields."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from odeviz.analysis.results import Extent

#: The longer side of a plane has at most this many times as many cells as the shorter one.
_LONGEST = 4.0


def counts(extent: Extent, n: int) -> tuple[int, int]:
    """How many along x and y make about n x n cells, square ones where one unit is as long on both axes."""
    at_least("n", n, 1)
    if not extent.equal:
        return n, n
    shape = (extent.x1 - extent.x0) / (extent.y1 - extent.y0)
    stretch = math.sqrt(min(max(shape, 1 / _LONGEST), _LONGEST))
    return max(round(n * stretch), 2), max(round(n / stretch), 2)


def cell_centres(extent: Extent, nx: int, ny: int) -> NDArray[np.float64]:
    """Midpoints ``[ny * nx, 2]`` of equal cells; the lowest row first, each from left to right."""
    at_least("n", min(nx, ny), 1)
    x = extent.x0 + (extent.x1 - extent.x0) * (np.arange(nx) + 0.5) / nx
    y = extent.y0 + (extent.y1 - extent.y0) * (np.arange(ny) + 0.5) / ny
    return _rows(x, y)


def cell_area(extent: Extent, nx: int, ny: int) -> float:
    """Area of one of the equal cells."""
    return (extent.x1 - extent.x0) * (extent.y1 - extent.y0) / (nx * ny)


def nodes(
    extent: Extent, nx: int, ny: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """x ``[nx]`` and y ``[ny]`` from edge to edge, and their grid's points ``[ny * nx, 2]`` in rows, lowest first."""
    at_least("n", min(nx, ny), 2)
    x, y = np.linspace(extent.x0, extent.x1, nx), np.linspace(extent.y0, extent.y1, ny)
    return x, y, _rows(x, y)


def _rows(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def at_least(name: str, value: int, least: int) -> None:
    """``ValueError`` in one sentence for a count that is too small."""
    if value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
