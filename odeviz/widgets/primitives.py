"""Bulk drawing for plots: line segments, dots and images straight from numpy arrays.

pyqtgraph's general items rebuild their geometry whenever data change. Here an array *is* the geometry, in
the layout Qt draws (a segment is four doubles), so moving the playhead costs what it changes and nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap

from odeviz.widgets.guard import guarded


class Segments(pg.GraphicsObject):
    """Many independent line segments in one colour, one pixel wide by default and not antialiased."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = np.empty((0, 4))
        self._count = 0
        self._bounds = QRectF()
        self._pen = pen("#808080")
        self._smooth = False

    def set_pen(self, value: QPen, smooth: bool = False) -> None:
        """The pen (thick ones are slow in bulk), and whether to antialias."""
        self._pen, self._smooth = value, smooth
        self.update()

    def set_segments(self, lines: NDArray[np.float64], count: int | None = None) -> None:
        """Draw the first ``count`` rows (default: all) of C-contiguous float64 ``lines [n, 4]``: x0, y0, x1, y1.

        The array is kept, not copied. Every number must be finite.
        """
        self.prepareGeometryChange()
        self._lines = lines
        self._count = len(lines) if count is None else count
        self._bounds = _bounds(lines.reshape(-1, 2))
        self.update()

    def set_count(self, count: int) -> None:
        """Draw the first ``count`` rows; also after rows were changed in place within the same bounds."""
        self._count = count
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    @guarded
    def paint(self, painter: QPainter, *_: Any) -> None:
        if self._count:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
            painter.setPen(self._scaled_pen(painter) if self._smooth else self._pen)
            painter.drawLines(shiboken6.wrapInstance(self._lines.ctypes.data, QLineF), self._count)

    def _scaled_pen(self, painter: QPainter) -> QPen:
        # A cosmetic pen counts device pixels. Bulk lines stay at one, for speed; smooth ones keep their weight.
        result = QPen(self._pen)
        result.setWidthF(self._pen.widthF() * painter.device().devicePixelRatioF())
        return result


class Dots(pg.GraphicsObject):
    """Many round dots (or crosses) of a few looks, sized in pixels."""

    def __init__(self, cross: bool = False) -> None:
        super().__init__()
        self._cross = cross
        self._points = np.empty((0, 2))
        self._groups = np.empty(0, dtype=np.intp)
        self._looks: list[tuple[QColor, QColor]] = [(QColor("#808080"), QColor(0, 0, 0, 0))]
        self._size = 6.0
        self._bounds = QRectF()
        self._atlas: QPixmap | None = None
        self._fragments = np.empty((0, 10))

    def set_looks(self, looks: list[tuple[QColor, QColor]], size: float) -> None:
        """A (fill, outline) for each group of dots, and the diameter in pixels."""
        self._looks, self._size, self._atlas = looks, size, None
        self.update()

    def set_points(self, points: NDArray[np.floating[Any]], groups: NDArray[np.integer[Any]]) -> None:
        """Dots at ``points [n, 2]``, finite, each with the index of its look ``groups [n]``."""
        self._points, self._groups = points, groups
        self._fragments = np.empty((len(points), 10))
        self._atlas = None
        self.set_bounds(_bounds(points))

    def move(self, points: NDArray[np.floating[Any]]) -> None:
        """New places for the same dots, within the bounds last given."""
        self._points = points
        self.update()

    def set_bounds(self, bounds: QRectF) -> None:
        """The part of the plane that :meth:`move` stays within."""
        self.prepareGeometryChange()
        self._bounds = bounds
        self.update()

    def boundingRect(self) -> QRectF:
        # Dots are sized in pixels: a margin of their radius keeps those on the edge whole.
        width, height = self.pixelVectors()
        dx, dy = (abs(v.x()) + abs(v.y()) if v is not None else 0.0 for v in (width, height))
        return self._bounds.adjusted(-dx * self._size, -dy * self._size, dx * self._size, dy * self._size)

    @guarded
    def paint(self, painter: QPainter, option: Any, widget: Any = None) -> None:
        count = len(self._points)
        if not count:
            return
        ratio = painter.device().devicePixelRatioF()
        if self._atlas is None or self._atlas.devicePixelRatioF() != ratio:
            self._render_atlas(ratio)
        transform = painter.transform()
        rows = self._fragments
        x, y = self._points[:, 0], self._points[:, 1]
        rows[:, 0] = transform.m11() * x + transform.m21() * y + transform.dx()
        rows[:, 1] = transform.m12() * x + transform.m22() * y + transform.dy()
        # The device pixel ratio is not part of the painter's transform and stays in force after the reset.
        painter.save()
        painter.resetTransform()
        painter.drawPixmapFragments(
            shiboken6.wrapInstance(rows.ctypes.data, QPainter.PixmapFragment), count, self._atlas
        )
        painter.restore()

    def _render_atlas(self, ratio: float) -> None:
        cell = int(np.ceil((self._size + 4) * ratio))
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
            painter.drawEllipse(QPointF((index + 0.5) * cell, cell / 2), radius, radius)
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


class HeatMap(pg.ImageItem):
    """An image whose pixels are the cells of a grid, drawn with smooth interpolation between their centres."""

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")

    @guarded
    def paint(self, painter: QPainter, *args: Any) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        super().paint(painter, *args)


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


def polyline(paths: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The segments ``[(T-1) B, 4]`` of paths ``[T, B, 2]``, time-major: the first k B rows reach frame k."""
    return np.concatenate([paths[:-1], paths[1:]], axis=2).reshape(-1, 4).astype(np.float64)


def _bounds(points: NDArray[np.floating[Any]]) -> QRectF:
    if not len(points):
        return QRectF()
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return QRectF(x0, y0, max(x1 - x0, 1e-9), max(y1 - y0, 1e-9))
