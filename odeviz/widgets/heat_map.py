"""Images on a plot: the values of a grid in colours."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from odeviz.widgets.guard import guarded
from odeviz.widgets.kept import Kept


class HeatMap(pg.ImageItem):
    """An image whose pixels are the cells of a grid, drawn with smooth interpolation between their centres.

    Without ``smooth`` each cell has one colour. The interpolated picture is kept until the image or the view changes.
    """

    def __init__(self) -> None:
        self._kept = Kept()
        self.smooth = True
        super().__init__(axisOrder="row-major")

    def setImage(self, *args: Any, **options: Any) -> None:
        self._kept.forget()
        super().setImage(*args, **options)

    def setLookupTable(self, *args: Any, **options: Any) -> None:
        self._kept.forget()
        super().setLookupTable(*args, **options)

    @guarded
    def paint(self, painter: QPainter, option: Any, widget: QWidget | None = None) -> None:
        if self.image is None:
            return
        if widget is None:
            self._paint(painter)
        else:
            self._kept.paint(painter, widget, self.boundingRect(), self._paint)

    def _paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth)
        super().paint(painter)
