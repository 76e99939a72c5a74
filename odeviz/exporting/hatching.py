"""Where a picture has nothing to show: hatched rectangles, for the window and for figures."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from odeviz.analysis.results import Bools, DecisionResult, DensityResult, Extent, Floats
from odeviz.exporting.style import ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def strips(cells: Bools, extent: Extent) -> Floats:
    """The marked ``cells [ny, nx]`` as rectangles ``[n, 4]``: left, bottom, width, height.

    Equal rows that follow each other are one.
    """
    ny, nx = cells.shape
    wide, high = (extent.x1 - extent.x0) / nx, (extent.y1 - extent.y0) / ny
    rows = [0, *(np.flatnonzero((cells[1:] != cells[:-1]).any(axis=1)) + 1).tolist(), ny]
    found = []
    for low, top in pairwise(rows):
        change = np.diff(cells[low].astype(np.int8), prepend=0, append=0)
        for left, right in zip(np.flatnonzero(change > 0), np.flatnonzero(change < 0), strict=True):
            x, y = extent.x0 + left * wide, extent.y0 + low * high
            found.append((x, y, (right - left) * wide, (top - low) * high))
    return np.array(found, dtype=np.float64).reshape(-1, 4)


def paint_unreached(axes: Axes, result: DensityResult | DecisionResult) -> None:
    """Slanting lines where the solve did not arrive, and nothing is known."""
    from matplotlib.patches import Rectangle

    for x, y, width, height in strips(result.unreached, result.extent).tolist():
        axes.add_patch(
            Rectangle(
                (x, y), width, height, facecolor=ink().ground, edgecolor=ink().muted, hatch="/////", linewidth=0.0,
                zorder=0.5,
            )
        )  # fmt: skip
