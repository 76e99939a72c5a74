"""Contour lines of gridded values as independent segments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF


def contour_segments(values: NDArray[Any], box: QRectF, levels: list[float]) -> NDArray[np.float64]:
    """Segments ``[n, 4]`` of the lines where ``values [ny, nx]``, known at the centres of cells, reach each level."""
    ny, nx = values.shape
    x = box.x() + (np.arange(nx) + 0.5) * box.width() / nx
    y = box.y() + (np.arange(ny) + 0.5) * box.height() / ny
    return _segments(x, y, values, levels)


def zero_segments(x: NDArray[Any], y: NDArray[Any], values: NDArray[Any]) -> NDArray[np.float64]:
    """Segments ``[n, 4]`` of the lines where ``values [ny, nx]``, known at the nodes ``x``, ``y``, are zero."""
    return _segments(x, y, values, [0.0])


def _segments(
    x: NDArray[Any], y: NDArray[Any], values: NDArray[Any], levels: list[float]
) -> NDArray[np.float64]:
    # The window is painted before there is anything to draw lines of.
    import contourpy

    # What is not known has no lines, along its edge neither.
    values = np.ma.masked_invalid(values)
    generator = contourpy.contour_generator(x, y, values, line_type=contourpy.LineType.ChunkCombinedNan)
    found = [points for level in levels for points in generator.lines(level)[0] if points is not None]
    pieces = [np.concatenate([points[:-1], points[1:]], axis=1) for points in found]
    if not pieces:
        return np.empty((0, 4))
    lines = np.concatenate(pieces)
    return np.ascontiguousarray(lines[np.isfinite(lines).all(axis=1)], dtype=np.float64)
