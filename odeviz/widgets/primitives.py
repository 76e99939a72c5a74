"""Bulk drawing for plots: line segments, dots and images straight from numpy arrays.

pyqtgraph's general items rebuild their geometry whenever data change. Here an array *is* the geometry, in
the layout Qt draws (a segment is four doubles), so moving the playhead costs what it changes and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap, QPolygonF, QTransform

from odeviz.exporting.marks import Mark
from odeviz.widgets.guard import guarded


class InPixels(pg.GraphicsObject):
    """Something whose outline is of the plane and whose thickness is in pixels: all of it is within its bounds.

    What it draws outside them would stay when it has gone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bounds = QRectF()
        #: A pixel's width and height in the plane.
        self._pixel = 0.0, 0.0

    @property
    def _reach(self) -> float:
        """How many pixels it reaches beyond its outline."""
        raise NotImplementedError

    def boundingRect(self) -> QRectF:
        dx, dy = self._pixel[0] * self._reach, self._pixel[1] * self._reach
        return self._bounds.adjusted(-dx, -dy, dx, dy)

    def viewTransformChanged(self) -> None:
        """Qt asks for the bounds several times a paint: how large a pixel is is worked out when that changes."""
        super().viewTransformChanged()
        width, height = self.pixelVectors()
        dx, dy = (abs(v.x()) + abs(v.y()) if v is not None else 0.0 for v in (width, height))
        if (dx, dy) != self._pixel:
            self.prepareGeometryChange()
            self._pixel = dx, dy


class Segments(InPixels):
    """Many independent line segments in one colour, one pixel wide by default and not antialiased."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = np.empty((0, 4))
        self._count = 0
        self._pen = pen("#808080")
        self._smooth = False

    def set_pen(self, value: QPen, smooth: bool = False) -> None:
        """The pen (thick ones are slow in bulk), and whether to antialias."""
        self.prepareGeometryChange()
        self._pen, self._smooth = value, smooth
        self.update()

    def set_segments(self, lines: NDArray[np.float64], count: int | None = None) -> None:
        """Draw the first ``count`` rows (default: all) of C-contiguous float64 ``lines [n, 4]``: x0, y0, x1, y1.

        The array is kept, not copied. Every number must be finite.
        """
        self.prepareGeometryChange()
        self._lines = lines
        self._count = len(lines) if count is None else count
        self._bounds = bounds(lines.reshape(-1, 2))
        self.update()

    def set_count(self, count: int) -> None:
        """Draw the first ``count`` rows; also after rows were changed in place within the same bounds."""
        self._count = count
        self.update()

    @property
    def _reach(self) -> float:
        return self._pen.widthF()

    @guarded
    def paint(self, painter: QPainter, *_: Any) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
        painter.setPen(self._scaled_pen(pixel_ratio(painter)))
        self._draw(painter, 0, self._count)

    def _draw(self, painter: QPainter, start: int, stop: int) -> None:
        if stop > start:
            address = self._lines.ctypes.data + start * self._lines.strides[0]
            painter.drawLines(shiboken6.wrapInstance(address, QLineF), stop - start)

    def _scaled_pen(self, ratio: float) -> QPen:
        return scaled(self._pen, ratio, self._smooth)


class Dots(InPixels):
    """Many round dots (or crosses, or marks) of a few looks, sized in pixels."""

    def __init__(self, cross: bool = False) -> None:
        super().__init__()
        self._cross = cross
        self._points = np.empty((0, 2))
        self._groups = np.empty(0, dtype=np.intp)
        self._looks: list[tuple[QColor, QColor]] = [(QColor("#808080"), QColor(0, 0, 0, 0))]
        self._marks: Sequence[Mark] = ()
        self._size = 6.0
        self._atlas: QPixmap | None = None
        self._fragments = np.empty((0, 10))
        self._near: NDArray[np.floating[Any]] | None = None

    def set_looks(self, looks: list[tuple[QColor, QColor]], size: float, marks: Sequence[Mark] = ()) -> None:
        """A (fill, outline) for each group of dots, the diameter in pixels, and marks if not all are round."""
        self._looks, self._size, self._marks, self._atlas = looks, size, marks, None
        self.update()

    def set_points(self, points: NDArray[np.floating[Any]], groups: NDArray[np.integer[Any]]) -> None:
        """Dots at ``points [n, 2]``, finite, each with the index of its look ``groups [n]``."""
        self._points, self._groups, self._near = points, groups, None
        self._fragments = np.empty((len(points), 10))
        self._atlas = None
        self.set_bounds(bounds(points))

    def move(self, points: NDArray[np.floating[Any]], near: NDArray[np.floating[Any]] | None = None) -> None:
        """New places for the same dots, within the bounds last given.

        With ``near [n]`` from 0 (far) to 1, the nearest are drawn last, largest and least faint.
        """
        self._points, self._near = points, near
        self.update()

    def set_bounds(self, bounds: QRectF) -> None:
        """The part of the plane that :meth:`move` stays within."""
        self.prepareGeometryChange()
        self._bounds = bounds
        self.update()

    @property
    def _reach(self) -> float:
        # Their radius keeps those on the edge whole, and some are drawn larger.
        return self._size

    @guarded
    def paint(self, painter: QPainter, option: Any, widget: Any = None) -> None:
        count = len(self._points)
        if not count:
            return
        ratio = pixel_ratio(painter)
        if self._atlas is None or self._atlas.devicePixelRatioF() != ratio:
            self._render_atlas(ratio)
        transform = painter.transform()
        rows = self._fragments
        x, y = self._points[:, 0], self._points[:, 1]
        rows[:, 0] = transform.m11() * x + transform.m21() * y + transform.dx()
        rows[:, 1] = transform.m12() * x + transform.m22() * y + transform.dy()
        # The device pixel ratio is not part of the painter's transform and stays in force after the reset.
        if self._near is not None:
            rows[:, 6] = rows[:, 7] = (0.6 + 0.55 * self._near) / ratio
            rows[:, 9] = 0.35 + 0.65 * self._near
            rows = np.ascontiguousarray(rows[np.argsort(self._near, kind="stable")])
        painter.save()
        painter.resetTransform()
        painter.drawPixmapFragments(
            shiboken6.wrapInstance(rows.ctypes.data, QPainter.PixmapFragment), count, self._atlas
        )
        painter.restore()

    def _render_atlas(self, ratio: float) -> None:
        # A mark reaches further than the circle of its size.
        cell = int(np.ceil((self._size * (1.6 if self._marks else 1.0) + 4) * ratio))
        atlas = QPixmap(cell * len(self._looks), cell)
        atlas.fill(Qt.GlobalColor.transparent)
        painter = QPainter(atlas)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = self._size * ratio / 2
        for index, (fill, outline) in enumerate(self._looks):
            if self._cross:
                painter.setPen(QPen(fill, 1.6 * ratio, c=Qt.PenCapStyle.RoundCap))
                middle, arm = QPointF((index + 0.5) * cell, cell / 2), QPointF(radius, radius)
                painter.drawLine(middle - arm, middle + arm)
                arm.setY(-radius)
                painter.drawLine(middle - arm, middle + arm)
                continue
            painter.setBrush(QBrush(fill))
            painter.setPen(QPen(outline, ratio) if outline.alpha() else QPen(Qt.PenStyle.NoPen))
            mark = self._marks[index] if self._marks else ()
            draw_mark(painter, QPointF((index + 0.5) * cell, cell / 2), radius, mark)
        painter.end()
        atlas.setDevicePixelRatio(ratio)
        rows = self._fragments
        rows[:, 2] = np.minimum(self._groups, len(self._looks) - 1) * cell
        rows[:, 3] = 0.0
        rows[:, 4:6] = cell
        rows[:, 6:8] = 1 / ratio
        rows[:, 8] = 0.0
        rows[:, 9] = 1.0
        self._atlas = atlas


def draw_mark(painter: QPainter, middle: QPointF, radius: float, mark: Mark) -> None:
    """A class's mark with the painter's pen and brush, as large as a circle of the radius."""
    if mark:
        painter.drawPolygon(QPolygonF([middle + QPointF(x * radius, -y * radius) for x, y in mark]))
    else:
        painter.drawEllipse(middle, radius, radius)


def pen(color: str | QColor, width: float = 1.0, alpha: float = 1.0) -> QPen:
    """A cosmetic pen: its width is in pixels whatever the view's scale."""
    shade = QColor(color)
    if alpha < 1.0:
        shade.setAlphaF(alpha)
    result = QPen(shade, width)
    result.setCosmetic(True)
    result.setCapStyle(Qt.PenCapStyle.RoundCap if width > 1 else Qt.PenCapStyle.FlatCap)
    result.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return result


def scaled(line: QPen, ratio: float, smooth: bool) -> QPen:
    """A cosmetic pen, which counts device pixels, as wide as it is meant to be in pixels of the window.

    Without antialiasing whole pixels: then independent lines of two cost hardly more than those of one.
    """
    result = QPen(line)
    width = line.widthF() * ratio
    result.setWidthF(width if smooth else max(1.0, round(width)))
    return result


def polyline(paths: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The segments ``[(T-1) B, 4]`` of paths ``[T, B, 2]``, time-major: the first k B rows reach frame k."""
    lines = np.empty((len(paths) - 1, paths.shape[1], 4))
    lines[..., :2], lines[..., 2:] = paths[:-1], paths[1:]
    return lines.reshape(-1, 4)


def bounds(points: NDArray[np.floating[Any]]) -> QRectF:
    """The smallest rectangle that holds ``points [n, 2]``."""
    if not len(points):
        return QRectF()
    # Column by column: numpy reduces over a short last axis many times more slowly.
    x, y = points[:, 0], points[:, 1]
    x0, y0 = float(x.min()), float(y.min())
    return QRectF(x0, y0, max(float(x.max()) - x0, 1e-9), max(float(y.max()) - y0, 1e-9))


def pixel_ratio(painter: QPainter) -> float:
    """Device pixels per pixel of what is painted on: a screen, or a picture at another scale."""
    logical, device = painter.transform().determinant(), painter.deviceTransform().determinant()
    return math.sqrt(abs(device / logical)) if logical else 1.0


def elements(t: QTransform) -> tuple[float, ...]:
    """What tells two views of a plane apart."""
    return t.m11(), t.m12(), t.m21(), t.m22(), t.dx(), t.dy()
