"""Trails of many trajectories: what was drawn for the last paint is kept as a picture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QWidget

from odeviz.widgets.guard import guarded
from odeviz.widgets.primitives import Segments, elements, pixel_ratio

#: Seconds that a paint may take to renew the kept picture of a trail, and how many lines are drawn before the first
#: look at the clock.
PATIENCE, _BATCH = 0.006, 400
#: Milliseconds from a paint that was not whole to the next.
_BREATH = 8


class Trail(Segments):
    """Segments that grow: what was drawn for the last paint is kept as a picture, and only new ones are added.

    Playing forwards, 1,000 trajectories cost a copy of that picture instead of 60,000 lines. Rows from
    ``set_count(count, fixed)``'s ``fixed`` on may still change and are drawn afresh each time.

    Long lines are drawn slowly however few they are. What a paint has no time for is left to the next, and until the
    new picture is whole the one before stays: no paint holds up the window.
    """

    def __init__(self) -> None:
        super().__init__()
        self._fixed = 0
        self._kept = _Kept()
        #: The picture before, shown until the one that is being drawn is whole.
        self._before: _Kept | None = None
        #: Seconds that a paint may add to the picture for.
        self.patience = PATIENCE
        #: Whether the last paint has drawn everything.
        self.whole = True

    def set_pen(self, value: QPen, smooth: bool = False) -> None:
        self._draw_again()
        super().set_pen(value, smooth)

    def set_segments(self, lines: NDArray[np.float64], count: int | None = None) -> None:
        self._draw_again()
        self._fixed = len(lines) if count is None else count
        super().set_segments(lines, count)

    def set_count(self, count: int, fixed: int | None = None) -> None:
        self._fixed = count if fixed is None else fixed
        super().set_count(count)

    @guarded
    def paint(self, painter: QPainter, option: Any, widget: QWidget | None = None) -> None:
        ratio, transform = pixel_ratio(painter), painter.transform()
        if widget is None or ratio != widget.devicePixelRatioF():
            # For a picture to keep, not for the screen: whole at once.
            super().paint(painter)
            return
        key = (*elements(transform), ratio, widget.width(), widget.height())
        if self._kept.key != key or self._kept.count > self._fixed:
            self._kept = _Kept(key)
        self._keep(transform, ratio, widget.size())
        self.whole = self._kept.count >= self._fixed
        if self.whole:
            self._before = None
        else:
            QTimer.singleShot(_BREATH, self.update)
        shown = self._before if self._before is not None and self._before.key == key else self._kept
        if shown.picture is not None:
            painter.save()
            painter.resetTransform()
            painter.drawPixmap(0, 0, shown.picture)
            painter.restore()
        if shown is self._kept:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
            painter.setPen(self._scaled_pen(ratio))
            self._draw(painter, max(self._kept.count, self._fixed), self._count)

    def _draw_again(self) -> None:
        if self._before is None and self._kept.picture is not None:
            self._before = self._kept
        self._kept = _Kept()

    def _keep(self, transform: QTransform, ratio: float, size: QSize) -> None:
        """Add to the picture what it lacks, as far as patience goes."""
        kept = self._kept
        if self._fixed <= kept.count:
            return
        if kept.picture is None:
            kept.picture = QPixmap(size * ratio)
            kept.picture.setDevicePixelRatio(ratio)
            kept.picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(kept.picture)
        painter.setTransform(transform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
        painter.setPen(self._scaled_pen(ratio))
        began, first, batch = time.perf_counter(), kept.count, _BATCH
        while kept.count < self._fixed:
            stop = min(kept.count + batch, self._fixed)
            self._draw(painter, kept.count, stop)
            kept.count = stop
            took = time.perf_counter() - began
            if took > 0.7 * self.patience:
                break
            # As many as there is time for, in few calls: in each another thread may take the interpreter.
            batch = max(_BATCH, int((self.patience - took) / took * (stop - first)))
        painter.end()


@dataclass(slots=True)
class _Kept:
    """What is drawn of a trail."""

    #: The view it is drawn for.
    key: tuple[Any, ...] = ()
    picture: QPixmap | None = None
    #: How many rows it shows.
    count: int = 0
