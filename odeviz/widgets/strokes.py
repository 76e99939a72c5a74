"""Bulk lines in several pens, drawn one after the other: what fades with age or with depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter, QPen

from odeviz.widgets.guard import guarded
from odeviz.widgets.primitives import pixel_ratio, scaled


class Strokes(pg.GraphicsObject):
    """Independent segments in runs of one pen each; later runs lie over earlier ones."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: NDArray[np.float64] = np.empty((0, 4))
        self._ends: Sequence[int] = ()
        self.pens: Sequence[QPen] = ()
        self._bounds = QRectF()

    def set_pens(self, pens: Sequence[QPen]) -> None:
        """The pen of each run."""
        self.pens = pens
        self.update()

    def set_bounds(self, bounds: QRectF) -> None:
        """The part of the plane that all segments stay within."""
        self.prepareGeometryChange()
        self._bounds = bounds
        self.update()

    def set_runs(self, lines: NDArray[np.float64], ends: Sequence[int]) -> None:
        """Rows of C-contiguous float64 ``lines [n, 4]``, kept and not copied; run k ends before row ``ends[k]``."""
        self._lines, self._ends = lines, ends
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    @guarded
    def paint(self, painter: QPainter, *_: Any) -> None:
        ratio, start = pixel_ratio(painter), 0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for line, end in zip(self.pens, self._ends, strict=False):
            if end > start:
                painter.setPen(scaled(line, ratio, smooth=False))
                address = self._lines.ctypes.data + start * self._lines.strides[0]
                painter.drawLines(shiboken6.wrapInstance(address, QLineF), end - start)
            start = end
