"""The flow view's layers: each owns its graphics items, takes results and follows the playhead."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor

from odeviz.analysis.results import DataResult, DecisionResult, DensityResult, Extent, FieldResult
from odeviz.exporting.hatching import strips
from odeviz.exporting.marks import MARKS, PLAIN
from odeviz.widgets.contours import contour_segments
from odeviz.widgets.hatch import Hatch
from odeviz.widgets.heat_map import HeatMap
from odeviz.widgets.primitives import Dots, Segments, bounds, pen
from odeviz.widgets.theme import Theme

#: How much is left of what steps back.
_FADED = 0.35
_CLEAR = QColor(0, 0, 0, 0)


class Layer:
    """Graphics items that are shown and hidden together."""

    def __init__(self, theme: Theme, items: Sequence[pg.GraphicsObject], z: int) -> None:
        self.theme = theme
        self.items = list(items)
        for index, item in enumerate(self.items):
            item.setZValue(z + 0.01 * index)

    def set_visible(self, on: bool) -> None:
        for item in self.items:
            item.setVisible(on)

    def set_faded(self, faded: bool) -> None:
        """Step back: what is shown is not quite what it should be."""
        for item in self.items:
            item.setOpacity(_FADED if faded else 1.0)

    def restyle(self) -> None:
        """Take the theme's colours again."""

    def set_time(self, t: float) -> None:
        """Show the state at time ``t``."""


class BackgroundLayer(Layer):
    """The density, or the decision regions with the line where the decision is even; hatched where none is known."""

    def __init__(self, theme: Theme) -> None:
        self._image, self._line, self._hatch = HeatMap(), Segments(), Hatch()
        super().__init__(theme, [self._image, self._line, self._hatch], -20)
        self._shown: DensityResult | DecisionResult | None = None

    def show_result(self, result: DensityResult | DecisionResult | None) -> None:
        """Draw a result, or nothing."""
        self._shown = result
        lines = np.empty((0, 4))
        if result is None:
            self._image.clear()
        elif isinstance(result, DensityResult):
            self._draw_density(result)
        else:
            self._image.setImage(decision_image(result, self.theme), autoLevels=False, levels=None)
            lines = boundary(result)
        if result is not None:
            self._image.setRect(box_of(result.extent))
        self._hatch.set_strips(
            np.empty((0, 4)) if result is None else strips(result.unreached, result.extent)
        )
        self._line.set_segments(lines)

    def is_lost(self, point: QPointF) -> bool:
        """Whether a point of the plane lies where nothing was reached."""
        shown = self._shown
        if shown is None or not box_of(shown.extent).contains(point):
            return False
        e, lost = shown.extent, shown.unreached
        row = int((point.y() - e.y0) / (e.y1 - e.y0) * len(lost))
        column = int((point.x() - e.x0) / (e.x1 - e.x0) * lost.shape[1])
        return bool(lost[min(row, len(lost) - 1), min(column, lost.shape[1] - 1)])

    def restyle(self) -> None:
        self._line.set_pen(pen(self.theme.colors.text, 1.5, 0.75), smooth=True)
        self._hatch.set_color(self.theme.qcolor(self.theme.colors.muted, 0.55))
        self.show_result(self._shown)

    def _draw_density(self, result: DensityResult) -> None:
        values, top = density_values(result)
        self._image.setLookupTable(self.theme.density_map.getLookupTable(nPts=256), update=False)
        self._image.setImage(values, autoLevels=False, levels=(0.0, top))


class ArrowLayer(Layer):
    """The vector field: an arrow in the middle of each cell, longer where the flow is faster."""

    def __init__(self, theme: Theme) -> None:
        self._arrows = Segments()
        super().__init__(theme, [self._arrows], 0)
        self._field: FieldResult | None = None
        self._lines = np.empty((0, 4))
        self._cell = np.ones(2)
        self._reference = 1.0
        self._centres = np.empty((0, 2))

    def show_result(self, field: FieldResult | None) -> None:
        """Draw a field's arrows; lengths are relative to its fast parts over all times."""
        self._field = field
        if field is None:
            self._arrows.set_segments(np.empty((0, 4)))
            return
        x, y = np.meshgrid(field.x, field.y)
        self._centres = np.stack([x.ravel(), y.ravel()], axis=1)
        self._cell = np.array([field.x[1] - field.x[0], field.y[1] - field.y[0]])
        speed = np.hypot(*np.moveaxis(field.velocity / self._cell, -1, 0))
        speed = speed[np.isfinite(speed)]
        self._reference = float(np.quantile(speed, 0.98)) if speed.size else 1.0
        self._lines = np.zeros((3 * len(self._centres), 4))
        # Every arrow stays within its cell, so the bounds are those of the cells: what is outside would not be painted
        # over.
        dx, dy = self._cell / 2
        self._lines[0] = [field.x[0] - dx, field.y[0] - dy, field.x[-1] + dx, field.y[-1] + dy]
        self._arrows.set_segments(self._lines)
        self.set_time(float(field.t[0]))

    def set_time(self, t: float) -> None:
        if self._field is None:
            return
        velocity = at_time(self._field.t, self._field.velocity, t).reshape(-1, 2)
        _fill_arrows(self._lines, self._centres, velocity, self._cell, max(self._reference, 1e-12))
        self._arrows.set_count(len(self._lines))

    def restyle(self) -> None:
        self._arrows.set_pen(
            pen(self.theme.colors.field, 1.0, 0.85 if self.theme.dark else 0.75), smooth=True
        )


class DotsLayer(Layer):
    """Points coloured by class: the data, where trajectories begin, or the particles carried by the flow.

    Of many classes each has a mark of its own.
    """

    def __init__(
        self, theme: Theme, z: int, size: float, alpha: float, rim: bool, plain: str, hollow: bool = False
    ) -> None:
        self._dots = Dots()
        super().__init__(theme, [self._dots], z)
        self._size, self._alpha, self._rim, self._plain, self._hollow = size, alpha, rim, plain, hollow
        self._t: NDArray[Any] = np.zeros(1)
        self._paths: NDArray[Any] | None = None
        self._near: NDArray[Any] | None = None
        self._marked = False

    def show_points(
        self, points: NDArray[Any], labels: NDArray[Any], near: NDArray[Any] | None = None
    ) -> None:
        """Draw points that stay, ``[n, 2]``; in space ``near [n]`` tells from 0 to 1 how near they are."""
        self._paths = None
        self._set(points, labels)
        if near is not None:
            self._dots.move(points, near)

    def show_data(self, data: DataResult | None) -> None:
        """Draw a data set's points, or none."""
        if data is None:
            self._set(np.empty((0, 2)), np.empty(0, dtype=np.int64))
        else:
            self.show_points(np.asarray(data.points, dtype=np.float64), data.labels)

    def show_paths(
        self,
        t: NDArray[Any],
        paths: NDArray[Any],
        labels: NDArray[Any],
        near: NDArray[Any] | None = None,
    ) -> None:
        """Draw points that move along ``paths [T, B, 2]``."""
        self._t, self._paths, self._near = t, paths, near
        self._set(paths[0], labels)
        if paths.shape[1]:
            self._dots.set_bounds(bounds(paths.reshape(-1, 2)))

    def set_time(self, t: float) -> None:
        if self._paths is not None:
            near = None if self._near is None else at_time(self._t, self._near, t)
            self._dots.move(at_time(self._t, self._paths, t), near)

    def restyle(self) -> None:
        c = self.theme.colors
        plain = getattr(c, self._plain) if self._plain != "data" else c.classes[1]
        shades = [self.theme.qcolor(shade, self._alpha) for shade in (plain, *c.classes)]
        rim = self.theme.qcolor(c.base, 0.9) if self._rim else _CLEAR
        looks = [(_CLEAR, one) if self._hollow else (one, rim) for one in shades]
        self._dots.set_looks(looks, self._size, ((), *MARKS) if self._marked else ())

    def _set(self, points: NDArray[Any], labels: NDArray[Any]) -> None:
        classes = len(self.theme.colors.classes)
        marked = bool((labels >= PLAIN).any())
        if marked != self._marked:
            self._marked = marked
            self.restyle()
        self._dots.set_points(points, np.where(labels >= 0, 1 + labels % classes, 0))


def frame_at(times: NDArray[Any], t: float) -> tuple[int, float]:
    """The frame at or before ``t`` in ascending ``times`` and the share of the way to the next, in [0, 1)."""
    last = len(times) - 1
    frame = int(np.clip(np.searchsorted(times, t, side="right") - 1, 0, last))
    if frame == last:
        return last, 0.0
    return frame, max(0.0, float((t - times[frame]) / (times[frame + 1] - times[frame])))


def at_time(times: NDArray[Any], values: NDArray[Any], t: float) -> NDArray[Any]:
    """``values [T, ...]`` interpolated linearly at ``t``."""
    frame, share = frame_at(times, t)
    if not share:
        return values[frame]
    result: NDArray[Any] = values[frame] + share * (values[frame + 1] - values[frame])
    return result


def finite_paths(paths: NDArray[Any], extent: Extent) -> NDArray[np.float64]:
    """Paths as float64 whose points stay where the solver stopped, and within reach of a raster.

    A trajectory that was lost at once is put far outside, where it is not seen.
    """
    result = np.array(paths, dtype=np.float64)
    if not np.isfinite(result).all():
        for before, here in pairwise(result):
            lost = ~np.isfinite(here).all(axis=1)
            here[lost] = before[lost]
    reach = 40 * max(extent.x1 - extent.x0, extent.y1 - extent.y0)
    result[~np.isfinite(result)] = reach
    np.clip(result, -reach, reach, out=result)
    return result


def density_values(result: DensityResult) -> tuple[NDArray[np.float32], float]:
    """The density itself as float32 ``[ny, nx]``, and its largest value: the top of the colour scale."""
    values = np.exp(np.nan_to_num(result.log_density, nan=-np.inf)).astype(np.float32)
    top = float(values.max()) if values.size else 0.0
    return values, top if np.isfinite(top) and top > 0 else 1.0


def decision_image(result: DecisionResult, theme: Theme) -> NDArray[np.uint8]:
    """Class colours mixed by probability and softened towards the ground, ``[ny, nx, 3]``."""
    shades = np.array([QColor(theme.colors.of_class(k)).getRgb()[:3] for k in range(len(result.probability))])
    ground = np.array(QColor(theme.colors.base).getRgb()[:3])
    mixed = np.einsum("kyx,kc->yxc", np.nan_to_num(result.probability), shades.astype(np.float64))
    mixed[result.unreached] = ground
    share = 0.34 if theme.dark else 0.30
    return (ground + share * (mixed - ground)).clip(0, 255).astype(np.uint8)


def boundary(result: DecisionResult) -> NDArray[np.float64]:
    """Segments ``[n, 4]`` where the likeliest class changes."""
    classes = len(result.probability)
    leads = [result.lead(k) for k in range(1 if classes == 2 else 0, classes)]
    return np.concatenate([contour_segments(lead, box_of(result.extent), [0.0]) for lead in leads])


def _fill_arrows(
    lines: NDArray[np.float64],
    centres: NDArray[Any],
    velocity: NDArray[Any],
    cell: NDArray[np.float64],
    reference: float,
) -> None:
    """Write the three segments of each arrow into ``lines [3 n, 4]``; speeds and lengths are in cells."""
    velocity = velocity / cell
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    # The square root keeps slow arrows readable beside fast ones; the longest just fills its cell.
    length = 0.92 * np.sqrt(np.minimum(np.nan_to_num(speed) / reference, 1.0))
    along = np.nan_to_num(velocity / np.maximum(speed, 1e-12)[:, None])
    half = 0.5 * length[:, None] * along * cell
    tip = centres + half
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    barb = (0.34 * length)[:, None] * cell
    lines[0::3, :2] = centres - half
    lines[0::3, 2:] = tip
    for start, side in ((1, 1.0), (2, -1.0)):
        lines[start::3, :2] = tip
        lines[start::3, 2:] = tip - barb * (0.84 * along + side * 0.54 * across)


def box_of(extent: Extent) -> QRectF:
    return QRectF(extent.x0, extent.y0, extent.x1 - extent.x0, extent.y1 - extent.y0)
