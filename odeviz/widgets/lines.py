"""pyqtgraph's curves and straight lines with pens as wide on fine screens as on others.

A cosmetic pen counts device pixels: at two of them a pixel, lines would be half as wide.
"""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from odeviz.widgets.guard import guarded
from odeviz.widgets.kept import Kept
from odeviz.widgets.primitives import Segments, pixel_ratio, scaled

#: A curve of more points is long.
_LONG = 60


class CurveLine(pg.PlotCurveItem):
    """A curve, or bars, with a pen in pixels of the window.

    A long thick curve is kept as a picture: what moves over it, at every tick, then costs no more than a copy.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._kept = Kept()
        super().__init__(*args, **options)

    def update(self, *rect: Any) -> None:
        # Called whenever something of it has changed.
        self._kept.forget()
        super().update(*rect)

    @guarded
    def paint(self, painter: QPainter, option: Any, widget: QWidget | None = None) -> None:
        if widget is not None and self._is_slow:
            self._kept.paint(painter, widget, self.boundingRect(), self._paint)
        else:
            self._paint(painter)

    @property
    def _is_slow(self) -> bool:
        meant = self.opts["pen"]
        return (
            self.xData is not None and len(self.xData) > _LONG and meant is not None and meant.widthF() > 1.0
        )

    def _paint(self, painter: QPainter) -> None:
        meant, ratio = self.opts["pen"], pixel_ratio(painter)
        if meant is None or ratio == 1.0:
            super().paint(painter, None, None)
            return
        self.opts["pen"] = scaled(pg.mkPen(meant), ratio, smooth=True)
        try:
            super().paint(painter, None, None)
        finally:
            self.opts["pen"] = meant


class FaintLines(Segments):
    """Many thin curves in one faint colour, kept as a picture."""

    def __init__(self) -> None:
        self._kept = Kept()
        super().__init__()

    def update(self, *rect: Any) -> None:
        # Called whenever something of it has changed.
        self._kept.forget()
        super().update(*rect)

    @guarded
    def paint(self, painter: QPainter, option: Any, widget: QWidget | None = None) -> None:
        if widget is not None:
            self._kept.paint(painter, widget, self.boundingRect(), super().paint)
        else:
            super().paint(painter)


class StraightLine(pg.InfiniteLine):
    """A line across the plot with a pen in pixels of the window."""

    @guarded
    def paint(self, painter: QPainter, *rest: Any) -> None:
        meant, ratio = self.currentPen, pixel_ratio(painter)
        self.currentPen = scaled(meant, ratio, smooth=True)
        try:
            super().paint(painter, *rest)
        finally:
            self.currentPen = meant
