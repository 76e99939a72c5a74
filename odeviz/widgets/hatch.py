"""Hatched rectangles: where a picture has nothing to show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter

from odeviz.widgets.guard import guarded


class Hatch(pg.GraphicsObject):
    """Rectangles of slanting lines, which keep their distance in pixels whatever the view's scale."""

    def __init__(self) -> None:
        super().__init__()
        self._strips: list[QRectF] = []
        self._box = QRectF()
        self._brush = QBrush(Qt.BrushStyle.BDiagPattern)

    def set_color(self, color: QColor) -> None:
        """The lines' colour."""
        self._brush.setColor(color)
        self.update()

    def set_strips(self, strips: NDArray[np.floating[Any]]) -> None:
        """Hatch these rectangles ``[n, 4]``: left, bottom, width, height."""
        self.prepareGeometryChange()
        self._strips = [QRectF(*strip) for strip in strips.tolist()]
        self._box = QRectF()
        for strip in self._strips:
            self._box = self._box.united(strip)
        self.update()

    def boundingRect(self) -> QRectF:
        return self._box

    @guarded
    def paint(self, painter: QPainter, *_: Any) -> None:
        if not self._strips:
            return
        # On whole pixels: neighbours that overlap by a fraction would show a seam.
        transform = painter.transform()
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for strip in self._strips:
            painter.fillRect(transform.mapRect(strip).toRect(), self._brush)
        painter.restore()
