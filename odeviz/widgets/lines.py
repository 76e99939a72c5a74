"""pyqtgraph's curves and straight lines with pens as wide on fine screens as on others.

A cosmetic pen counts device pixels: at two of them a pixel, lines would be half as wide.
"""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QPainter

from odeviz.widgets.guard import guarded
from odeviz.widgets.primitives import pixel_ratio, scaled


class CurveLine(pg.PlotCurveItem):
    """A curve, or bars, with a pen in pixels of the window."""

    @guarded
    def paint(self, painter: QPainter, *rest: Any) -> None:
        meant, ratio = self.opts["pen"], pixel_ratio(painter)
        if meant is None or ratio == 1.0:
            super().paint(painter, *rest)
            return
        self.opts["pen"] = scaled(pg.mkPen(meant), ratio, smooth=True)
        try:
            super().paint(painter, *rest)
        finally:
            self.opts["pen"] = meant


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
