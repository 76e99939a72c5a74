"""Points drawn with the mouse: a spray can over the plane, and what it has sprayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from odeviz.storage.own_data import OwnData
from odeviz.tasks.own_data import FEWEST
from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme

#: The canvas shows the square from -HALF to HALF.
HALF = 4.0
#: Points sprayed for each movement of the mouse, and the most that are kept.
SPRAYED, MOST = 12, 20_000


class Canvas(QWidget):
    """A square of the plane. The left button sprays points, the right one wipes them away; Ctrl+Z undoes a stroke."""

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rng = np.random.default_rng(0)
        self._strokes: list[NDArray[np.float64]] = []
        self.points: NDArray[np.float64] = np.empty((0, 2))
        self.radius = 0.25
        self._mouse: QPointF | None = None
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setMinimumSize(320, 320)
        self.setAccessibleName("Drawing area")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(440, 440)

    def clear(self) -> None:
        """Take all points away; it can be undone."""
        self._remember()
        self._set(np.empty((0, 2)))

    def undo(self) -> None:
        """Take the last stroke back."""
        if self._strokes:
            self._set(self._strokes.pop())

    @property
    def can_undo(self) -> bool:
        return bool(self._strokes)

    def _remember(self) -> None:
        self._strokes.append(self.points)

    def _set(self, points: NDArray[np.float64]) -> None:
        self.points = points[-MOST:]
        self.changed.emit()
        self.update()

    def _plane(self, at: QPointF) -> NDArray[np.float64]:
        side, left, top = self._square()
        return np.array([(at.x() - left) / side - 0.5, 0.5 - (at.y() - top) / side]) * 2.0 * HALF

    def _square(self) -> tuple[float, float, float]:
        side = float(min(self.width(), self.height()))
        return side, (self.width() - side) / 2, (self.height() - side) / 2

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._remember()
        self._act(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse = event.position()
        self._act(event)
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._mouse = None
        self.update()

    def _act(self, event: QMouseEvent) -> None:
        centre = self._plane(event.position())
        if event.buttons() & Qt.MouseButton.LeftButton:
            spray = centre + self.radius * self._rng.normal(size=(SPRAYED, 2)) / 2
            inside = np.abs(spray).max(axis=1) <= HALF
            self._set(np.concatenate([self.points, spray[inside]]))
        elif event.buttons() & Qt.MouseButton.RightButton:
            far = np.hypot(*(self.points - centre).T) > self.radius
            self._set(self.points[far])

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
        pixels = (self.points * [1.0, -1.0] / (2 * HALF) + 0.5) * side + [left, top]
        pen = QPen(self._theme.qcolor(c.accent, 0.8), 3.0)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints([QPointF(x, y) for x, y in pixels])
        if not len(self.points):
            painter.setPen(self._theme.qcolor(c.muted))
            text = "Drag to spray points.\nThe right button wipes them away."
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        if self._mouse is not None:
            reach = self.radius / (2 * HALF) * side
            painter.setPen(QPen(self._theme.qcolor(c.muted), 1))
            painter.drawEllipse(self._mouse, reach, reach)


class DrawDialog(QDialog):
    """A canvas with a brush; ``drawn`` is emitted with the points as :class:`OwnData`."""

    drawn = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("draw")
        self.setWindowTitle("Draw data")
        self.canvas = Canvas(theme, self)
        self._count = QLabel(self)
        self._count.setProperty("role", "muted")
        size = QSlider(Qt.Orientation.Horizontal, self)
        size.setRange(5, 100)
        size.setValue(round(100 * self.canvas.radius))
        size.setAccessibleName("Brush size")
        size.setToolTip("How wide the brush sprays and wipes.")
        size.valueChanged.connect(self._resize_brush)
        self._undo = QPushButton("Undo", self)
        self._undo.setShortcut("Ctrl+Z")
        self._undo.setToolTip("Take the last stroke back (Ctrl+Z).")
        self._undo.clicked.connect(self.canvas.undo)
        self._clear = QPushButton("Clear", self)
        self._clear.setToolTip("Take all points away.")
        self._clear.clicked.connect(self.canvas.clear)
        for button in (self._undo, self._clear):
            button.setAutoDefault(False)
        tools = QHBoxLayout()
        tools.addWidget(QLabel("Brush", self))
        tools.addWidget(size, 1)
        tools.addWidget(self._undo)
        tools.addWidget(self._clear)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._learn = self._buttons.addButton("Learn from it", QDialogButtonBox.ButtonRole.AcceptRole)
        self._learn.setProperty("kind", "primary")
        self._buttons.accepted.connect(self._accept)
        self._buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.canvas, 1)
        column.addLayout(tools)
        column.addWidget(self._count)
        column.addWidget(self._buttons)
        self.canvas.changed.connect(self._tell)
        self._tell()

    @Slot(int)
    def _resize_brush(self, percent: int) -> None:
        self.canvas.radius = percent / 100
        self.canvas.update()

    @Slot()
    def _tell(self) -> None:
        n = len(self.canvas.points)
        enough = n >= FEWEST
        self._count.setText(f"{n:,} points" if enough else f"{n} points; at least {FEWEST} are needed")
        self._learn.setEnabled(enough)
        self._undo.setEnabled(self.canvas.can_undo)
        self._clear.setEnabled(n > 0)

    @Slot()
    def _accept(self) -> None:
        points = self.canvas.points.astype(np.float32)
        self.drawn.emit(OwnData({"points": points, "labels": np.full(len(points), -1, dtype=np.int64)}))
        self.accept()
