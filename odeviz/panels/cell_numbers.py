"""The numbers in a matrix's cells: how many are counted in each, and where there is room the share of its row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter
from PySide6.QtWidgets import QGraphicsSceneHoverEvent, QWidget

from odeviz.exporting.palette import readable
from odeviz.tasks.chart import Map, Maps, cell_lines, cell_sentence
from odeviz.widgets.guard import guarded
from odeviz.widgets.theme import Theme

#: Pixels of the smallest letters that are written, and between them and their cell's sides.
_LEAST, _GAP = 8, 0.75


class CellNumbers(pg.GraphicsObject):
    """Written in the middle of each cell, dark on light cells and light on dark ones; a tooltip tells the cell."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._lines: list[list[tuple[str, str]]] = []
        self._inks: list[list[QColor]] = []
        self._told: tuple[Maps, Map] | None = None
        self._box = QRectF()
        self.setAcceptHoverEvents(True)

    def set_matrix(self, maps: Maps, one: Map, colours: NDArray[np.uint8]) -> None:
        """Write a map's counts, if it has any, upon its cells' colours ``[ny, nx, 4]``, from 0 to 255."""
        self.prepareGeometryChange()
        x0, x1, y0, y1 = one.extent
        self._box = QRectF(x0, y0, x1 - x0, y1 - y0)
        self._lines = cell_lines(one)
        self._told = (maps, one) if self._lines else None
        self._inks = [
            [
                QColor(readable(QColor(*map(int, colour)).name(), faint=count == "0"))
                for colour, (count, _) in zip(*row, strict=True)
            ]
            for row in zip(colours, self._lines, strict=False)
        ]
        self.setVisible(bool(self._lines))
        self.setToolTip("")
        self.update()

    def boundingRect(self) -> QRectF:
        return self._box

    @guarded
    def paint(self, painter: QPainter, option: Any, widget: QWidget | None = None) -> None:
        if not self._lines:
            return
        transform = painter.transform()
        wide, high = self._box.width() / len(self._lines[0]), self._box.height() / len(self._lines)
        room = transform.mapRect(QRectF(0.0, 0.0, wide, high))
        fitting = self._font(room.width(), room.height())
        if fitting is None:
            return
        font, both = fitting
        painter.save()
        # Letters are as large as the cells let them be, and never mirrored with the axis that points upwards.
        painter.resetTransform()
        painter.setFont(font)
        for i, row in enumerate(self._lines):
            for k, (count, share) in enumerate(row):
                middle = QPointF(self._box.x() + (k + 0.5) * wide, self._box.y() + (i + 0.5) * high)
                room.moveCenter(transform.map(middle))
                painter.setPen(self._inks[i][k])
                text = f"{count}\n{share}" if both and share else count
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()

    def _font(self, wide: float, high: float) -> tuple[QFont, bool] | None:
        """The letters that fit into every cell, and whether there is room for the shares too; None if none fit."""
        font = self._theme.font(-1)
        metrics, size = QFontMetricsF(font), font.pixelSize()
        counts = max(metrics.horizontalAdvance(count) for row in self._lines for count, _ in row)
        shares = max(metrics.horizontalAdvance(share) for row in self._lines for _, share in row)
        wide, high = wide - 2 * _GAP, high - 2 * _GAP
        if high >= 2 * metrics.lineSpacing() and wide >= max(counts, shares):
            return font, True
        # Digits have no descenders: a cell may be as low as its letters are high.
        fitting = int(size * min(1.0, wide / counts, high / metrics.ascent()))
        if fitting < _LEAST:
            return None
        font.setPixelSize(fitting)
        return font, False

    @guarded
    def hoverMoveEvent(self, event: QGraphicsSceneHoverEvent) -> None:
        self.setToolTip(self.tell(event.pos()))

    def tell(self, place: QPointF) -> str:
        """What is counted in the cell at a place of the plane, or nothing beside the cells."""
        if self._told is None or not self._box.contains(place):
            return ""
        maps, one = self._told
        across, up = place.x() - self._box.x(), place.y() - self._box.y()
        columns, rows = len(self._lines[0]), len(self._lines)
        k = min(int(across / self._box.width() * columns), columns - 1)
        i = min(int(up / self._box.height() * rows), rows - 1)
        return cell_sentence(maps, one, i, k)
