"""Three dimensions on the flow view's plane: parallel projection, depth, and a frame with the axes' names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import Extent
from odeviz.panels.flow_layers import Layer
from odeviz.widgets.primitives import Segments, pen
from odeviz.widgets.theme import Theme


class Sight:
    """How points are seen: as they are in a plane, and from the side that space is turned to."""

    def __init__(self, projection: Projection, extent: Extent) -> None:
        self.camera = projection.camera if projection.in_space else None
        #: Half the side of the cube that holds nearly all points.
        self.half = (extent.x1 - extent.x0) / 2

    def flat(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Points ``[..., k]`` where they are drawn, ``[..., 2]``."""
        if self.camera is None or points.shape[-1] != 3:
            return np.asarray(points[..., :2], dtype=np.float64)
        seen: NDArray[np.float64] = np.asarray(points, dtype=np.float64) @ self.camera[:2].T
        return seen

    def near(self, points: NDArray[Any]) -> NDArray[np.float64] | None:
        """How near points ``[..., 3]`` are, from 0 at the back to 1; None in a plane."""
        if self.camera is None or points.shape[-1] != 3:
            return None
        depth = np.asarray(points, dtype=np.float64) @ self.camera[2]
        near: NDArray[np.float64] = np.clip(0.5 + 0.5 * depth / self.half, 0.0, 1.0)
        return near


class FrameLayer(Layer):
    """The edges of the box about the states, faint where they lie behind, and the axes' names at the ends of three."""

    def __init__(self, theme: Theme) -> None:
        self._back, self._front = Segments(), Segments()
        self._labels = [pg.TextItem(anchor=(0.5, 0.5)) for _ in range(3)]
        super().__init__(theme, [self._back, self._front, *self._labels], -30)
        self._names: Sequence[str] = ()
        self._sides: NDArray[Any] | None = None
        self._sight: Sight | None = None

    def set_box(self, names: Sequence[str], sides: NDArray[Any] | None) -> None:
        """What the three axes are called, none in a plane, and half the box's sides, by default those of a cube."""
        self._names, self._sides = names, sides

    def show_sight(self, sight: Sight) -> None:
        """Draw the frame from this side, or nothing in a plane."""
        self._sight = sight
        there = sight.camera is not None and len(self._names) == 3
        self.set_visible(there)
        if not there:
            return
        sides = np.full(3, sight.half / np.sqrt(3)) if self._sides is None else np.asarray(self._sides)
        corners = np.array(list(product((-1.0, 1.0), repeat=3))) * sides
        edges = [(a, b) for a, b in product(range(8), repeat=2) if a < b and (a ^ b).bit_count() == 1]
        flat, near = sight.flat(corners), sight.near(corners)
        assert near is not None, "in space"
        lines = np.array([[*flat[a], *flat[b]] for a, b in edges])
        behind = np.array([int(near.argmin()) in edge for edge in edges])
        self._back.set_segments(np.ascontiguousarray(lines[behind]))
        self._front.set_segments(np.ascontiguousarray(lines[~behind]))
        for k, label in enumerate(self._labels):
            # Beside the edge that lies farthest out: the lower one of the two, where nothing is drawn.
            middles = np.array([(corners[a] + corners[b]) / 2 for a, b in edges if a ^ b == 4 >> k])
            seen = sight.flat(middles)
            far = np.hypot(seen[:, 0], seen[:, 1])
            x, y = seen[int((far - 1e-3 * sight.half * np.sign(seen[:, 1] + 1e-9)).argmax())] * 1.09
            label.setText(self._names[k])
            label.setPos(float(x), float(y))

    def restyle(self) -> None:
        c = self.theme.colors
        self._back.set_pen(pen(c.grid, 1.0, 0.6), smooth=True)
        self._front.set_pen(pen(c.faint, 1.0, 0.8), smooth=True)
        for label in self._labels:
            label.setColor(c.muted)
            label.setFont(self.theme.font(0))


def middle_of(space: SpaceResult, projection: Projection) -> NDArray[np.float64]:
    """The coordinates of what is drawn at the origin, along the axes that are seen; of components in a plane, zero."""
    if space.middle is not None:
        return np.asarray(space.middle, dtype=np.float64)
    if projection.by_components or space.origin is None or space.basis is None:
        return np.zeros(1)
    middle: NDArray[np.float64] = np.asarray(space.origin, dtype=np.float64) @ space.basis
    return middle
