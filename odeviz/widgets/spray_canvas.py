"""A square of the plane to spray points on, with a brush for each class, a wiper, and undo."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme

#: The canvas shows the square from -HALF to HALF.
HALF = 4.0
#: The most points that are kept, and strokes that can be undone.
MOST, STROKES = 20_000, 100
#: Points ``[n, 2]`` and their classes ``[n]``.
_Drawn = tuple[NDArray[np.float64], NDArray[np.int64]]
#: The brush that wipes.
WIPER = -1
#: How far an arrow key moves the brush, and a Page key makes it wider.
_NUDGE, _WIDEN = 0.2, 1.25
_MOVES = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, 1.0),
    Qt.Key.Key_Down: (0.0, -1.0),
}
#: Radii within which the brush stays.
NARROWEST, WIDEST = 0.05, 1.0


class SprayCanvas(QWidget):
    """Drag to spray or wipe; the right button always wipes.

    With the keyboard: arrows move the brush, Space uses it, digits choose a class and E the wiper, Page keys make it
    wider and narrower.
    """

    #: Points or brush are others now.
    changed = Signal()

    def __init__(self, theme: Theme, classes: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._classes = theme, classes
        self._rng = np.random.default_rng(0)
        self._strokes: list[_Drawn] = []
        self._taken: list[_Drawn] = []
        self.points: NDArray[np.float64] = np.empty((0, 2))
        self.labels: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        #: The class that is sprayed, or :data:`WIPER`; the brush's radius; points for each movement.
        self.brush, self.radius, self.density = 0, 0.25, 12
        self._mouse: NDArray[np.float64] | None = None
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setMinimumSize(320, 320)
        self.setAccessibleName("Drawing area")
        self.setAccessibleDescription(" ".join((self.__doc__ or "").split()))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        side = min(self._theme.px(440), 600)
        return QSize(side, side)

    def take(self, brush: int) -> None:
        """Spray this class from now on, or wipe."""
        if brush != self.brush:
            self.brush = brush
            self.changed.emit()
            self.update()

    def widen(self, radius: float) -> None:
        """A brush of this radius."""
        self.radius = min(max(radius, NARROWEST), WIDEST)
        self.changed.emit()
        self.update()

    def clear(self) -> None:
        """Take all points away; it can be undone."""
        self._remember()
        self._set(np.empty((0, 2)), np.empty(0, dtype=np.int64))

    def show_drawing(self, points: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        """Go on with a drawing of before; undo takes it away."""
        self._remember()
        self._set(points, labels)

    def undo(self) -> None:
        """Take the last stroke back."""
        if self._strokes:
            self._taken.append((self.points, self.labels))
            self._set(*self._strokes.pop())

    def redo(self) -> None:
        """Make a stroke again that was taken back."""
        if self._taken:
            self._strokes.append((self.points, self.labels))
            self._set(*self._taken.pop())

    @property
    def can_undo(self) -> bool:
        return bool(self._strokes)

    @property
    def can_redo(self) -> bool:
        return bool(self._taken)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._remember()
        self._mouse = self._plane(event.position())
        self._use(event, self._mouse[None])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        before, self._mouse = self._mouse, self._plane(event.position())
        start = self._mouse if before is None else before
        # A fast hand moves far between two events: the stroke has no gaps.
        count = max(math.ceil(float(np.hypot(*(self._mouse - start))) / self.radius), 1)
        self._use(event, np.linspace(start, self._mouse, count + 1)[1:])
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._mouse = None
        self.update()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, text = Qt.Key(event.key()), event.text()
        here = np.zeros(2) if self._mouse is None else self._mouse
        if key in _MOVES:
            self._mouse = np.clip(here + _NUDGE * np.array(_MOVES[key]), -HALF, HALF)
            self.update()
        elif key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._remember()
            self._mouse = here
            self._apply(here, self.brush)
        elif text.isdigit() and 1 <= int(text) <= self._classes:
            self.take(int(text) - 1)
        elif key == Qt.Key.Key_E:
            self.take(WIPER)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.widen(self.radius * (_WIDEN if key == Qt.Key.Key_PageUp else 1 / _WIDEN))
        else:
            super().keyPressEvent(event)

    def _use(self, event: QMouseEvent, places: NDArray[np.float64]) -> None:
        """Spray or wipe at each of these places ``[n, 2]``."""
        held = event.buttons()
        if held & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton):
            for place in places:
                self._apply(place, self.brush if held & Qt.MouseButton.LeftButton else WIPER)

    def _apply(self, centre: NDArray[np.float64], brush: int) -> None:
        if brush == WIPER:
            far = np.hypot(*(self.points - centre).T) > self.radius
            self._set(self.points[far], self.labels[far])
            return
        spray = centre + self.radius * self._rng.normal(size=(self.density, 2)) / 2
        spray = spray[np.abs(spray).max(axis=1) <= HALF]
        labels = np.full(len(spray), brush, dtype=np.int64)
        self._set(np.concatenate([self.points, spray]), np.concatenate([self.labels, labels]))

    def _remember(self) -> None:
        self._strokes = [*self._strokes[1 - STROKES :], (self.points, self.labels)]
        self._taken.clear()

    def _set(self, points: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        self.points, self.labels = points[-MOST:], labels[-MOST:]
        self.changed.emit()
        self.update()

    def _plane(self, at: QPointF) -> NDArray[np.float64]:
        side, left, top = self._square()
        return np.array([(at.x() - left) / side - 0.5, 0.5 - (at.y() - top) / side]) * 2.0 * HALF

    def _square(self) -> tuple[float, float, float]:
        side = float(min(self.width(), self.height()))
        return side, (self.width() - side) / 2, (self.height() - side) / 2

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        c = self._theme.colors
        side, left, top = self._square()
        box = QRectF(left, top, side, side)
        painter.fillRect(box, self._theme.qcolor(c.base))
        painter.setPen(QPen(self._theme.qcolor(c.grid), 1))
        for k in range(1, 8):
            at = side * k / 8
            painter.drawLine(QPointF(left + at, top), QPointF(left + at, top + side))
            painter.drawLine(QPointF(left, top + at), QPointF(left + side, top + at))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pixels = self._pixels(self.points)
        for label in range(self._classes):
            pen = QPen(self._theme.qcolor(c.of_class(label), 0.8), 3.0)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawPoints([QPointF(x, y) for x, y in pixels[self.labels == label]])
        if not len(self.points):
            painter.setPen(self._theme.qcolor(c.muted))
            text = "Drag to spray points.\nThe right button wipes them away."
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.qcolor(c.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        if self._mouse is not None:
            reach = self.radius / (2 * HALF) * side
            shade = c.muted if self.brush == WIPER else c.of_class(self.brush)
            painter.setPen(QPen(self._theme.qcolor(shade), 1.5))
            (x, y), *_ = self._pixels(self._mouse[None])
            painter.drawEllipse(QPointF(x, y), reach, reach)

    def _pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        side, left, top = self._square()
        placed: NDArray[np.float64] = (points * [1.0, -1.0] / (2 * HALF) + 0.5) * side + [left, top]
        return placed
