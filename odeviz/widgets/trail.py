"""Trails of many trajectories: what was drawn for the last paint is kept as a picture."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import QPainter, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QWidget

from odeviz.widgets.guard import guarded
from odeviz.widgets.primitives import Segments, pixel_ratio

#: Seconds that are drawn at a time to renew the kept picture of a trail, and how many lines before the first look at
#: the clock.
PATIENCE, _BATCH = 0.004, 200
#: So many lines are not begun within a paint where the picture before will do.
_MANY = 1000
#: Lines of more pixels take ten times as long without steps in them: only so many are drawn so.
_LONG, _FEW_LONG = 32.0, 300
#: Milliseconds from one piece to the next.
_BREATH = 8


class Trail(Segments):
    """Segments that grow: what was drawn for the last paint is kept as a picture, and only new ones are added.

    Playing forwards, 1,000 trajectories cost a copy of that picture instead of 60,000 lines. Rows from
    ``set_count(count, fixed)``'s ``fixed`` on may still change and are drawn afresh each time.

    Long lines are drawn slowly however few they are. What a paint has no time for is drawn after it, in pieces, and
    until the new picture is whole the one before stays, moved with the view: no paint holds up the window.
    """

    def __init__(self) -> None:
        super().__init__()
        self._fixed = 0
        self._kept = _Kept()
        #: The picture before, shown until the one that is being drawn is whole.
        self._before: _Kept | None = None
        #: Seconds that are drawn at a time.
        self.patience = PATIENCE
        #: Whether everything is drawn.
        self.whole = True
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_BREATH)
        self._timer.timeout.connect(self._go_on)

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
        if not self._kept.is_for(transform, ratio, widget.size()):
            self._draw_again()
            self._kept = _Kept(transform, ratio, widget.size(), self._can_be_smooth(transform))
        elif self._kept.count > self._fixed:
            # Time went back: the picture shows what has not happened yet.
            self._kept, self._before = dataclasses.replace(self._kept, picture=None, count=0), None
        if self._before is not None and self._fixed > _MANY:
            # It does for now: the new picture is drawn when there is time.
            self.whole = False
            self._wait()
        elif not self._timer.isActive():
            self._keep()
            self._wait()
        shown = self._before if self._before is not None else self._kept
        if shown.picture is not None:
            painter.save()
            painter.setTransform(shown.moved_to(transform))
            painter.drawPixmap(0, 0, shown.picture)
            painter.restore()
        if shown is self._kept:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._kept.smooth)
            painter.setPen(self._scaled_pen(ratio))
            self._draw(painter, max(self._kept.count, self._fixed), self._count)

    def _can_be_smooth(self, transform: QTransform) -> bool:
        if not self._smooth:
            return False
        way = (self._lines[:, 2:] - self._lines[:, :2]) * [transform.m11(), transform.m22()]
        return int(np.count_nonzero((way * way).sum(axis=1) > _LONG**2)) <= _FEW_LONG

    def _draw_again(self) -> None:
        if self._before is None and self._kept.picture is not None and self.whole:
            self._before = self._kept
        self._kept = _Kept()

    def _wait(self) -> None:
        if not self.whole and not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _go_on(self) -> None:
        """Draw the next piece of the picture, and show it if nothing better is shown."""
        if self.whole or not self.isVisible():
            return
        if not self._kept.size.isEmpty():
            self._keep()
            self._wait()
        if self._before is None or self.whole:
            self.update()

    def _keep(self) -> None:
        """Add to the picture what it lacks, as far as patience goes."""
        kept = self._kept
        if kept.count < self._fixed:
            if kept.picture is None:
                kept.picture = QPixmap(kept.size * kept.ratio)
                kept.picture.setDevicePixelRatio(kept.ratio)
                kept.picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(kept.picture)
            painter.setTransform(kept.transform)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, kept.smooth)
            painter.setPen(self._scaled_pen(kept.ratio))
            self._add(painter)
            painter.end()
        self.whole = kept.count >= self._fixed
        if self.whole:
            self._before = None

    def _add(self, painter: QPainter) -> None:
        kept = self._kept
        began, first, batch = time.perf_counter(), kept.count, _BATCH
        while kept.count < self._fixed:
            stop = min(kept.count + batch, self._fixed)
            self._draw(painter, kept.count, stop)
            kept.count = stop
            took = time.perf_counter() - began
            if took > 0.7 * self.patience:
                break
            # As many as there is time for, in few calls: in each another thread may take the interpreter. Lines that
            # come may be longer than those drawn so far.
            fitting = int((self.patience - took) / took * (stop - first))
            batch = max(_BATCH, min(fitting, 2 * batch))


@dataclass(slots=True)
class _Kept:
    """What is drawn of a trail, and the view that it is drawn for."""

    transform: QTransform = field(default_factory=QTransform)
    ratio: float = 1.0
    size: QSize = field(default_factory=QSize)
    #: Lines have no steps.
    smooth: bool = False
    picture: QPixmap | None = None
    #: How many rows it shows.
    count: int = 0

    def is_for(self, transform: QTransform, ratio: float, size: QSize) -> bool:
        """Whether it is drawn for this view."""
        return self.size == size and self.ratio == ratio and self.transform == transform

    def moved_to(self, transform: QTransform) -> QTransform:
        """What moves it along with a view that has become another."""
        if self.transform == transform:
            return QTransform()
        back, possible = self.transform.inverted()
        return back * transform if possible else QTransform()
