"""A horizontal track with a handle: what the time bar's and the tolerance slider's hands share."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme

#: Room left and right of the track for the handle and the outermost tick labels.
MARGIN = 16


class Track(QWidget):
    """A value from ``lo`` to ``hi`` moved by mouse, wheel and keys; it emits only what a person does."""

    value_changed = Signal(float)
    drag_started = Signal()
    drag_finished = Signal()

    def __init__(self, theme: Theme, lo: float, hi: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.lo, self.hi, self.value = lo, hi, lo
        #: What an arrow key moves by; Page keys move ten times as far.
        self.single_step = (hi - lo) / 100
        self.dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMouseTracking(True)
        theme.changed.connect(self.update)

    def set_range(self, lo: float, hi: float) -> None:
        """The values at the two ends; the value stays within."""
        self.lo, self.hi = lo, hi
        self.value = min(max(self.value, min(lo, hi)), max(lo, hi))
        self.single_step = abs(hi - lo) / 100
        self.describe()
        self.update()

    def set_value(self, value: float) -> None:
        """Show a value; nothing is emitted."""
        value = min(max(value, min(self.lo, self.hi)), max(self.lo, self.hi))
        if value != self.value:
            self.value = value
            self.describe()
            self.update()

    def spoken(self) -> str:
        """The value for those who do not see it."""
        return f"{self.value:.3g}"

    def describe(self) -> None:
        """Tell assistive tools the value."""
        self.setAccessibleDescription(self.spoken())

    def groove(self) -> QRectF:
        """Where the track lies: from the lowest to the highest value."""
        return QRectF(MARGIN, self.height() / 2 - 2, max(self.width() - 2 * MARGIN, 1), 4)

    def place(self, value: float) -> float:
        """The x of a value."""
        groove = self.groove()
        return groove.left() + groove.width() * (value - self.lo) / ((self.hi - self.lo) or 1.0)

    def value_at(self, x: float) -> float:
        """The value at an x, kept within the range."""
        groove = self.groove()
        share = min(max((x - groove.left()) / groove.width(), 0.0), 1.0)
        return self.lo + share * (self.hi - self.lo)

    def sizeHint(self) -> QSize:
        return QSize(240, 32)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 32)

    def user_moved(self, value: float) -> None:
        """A person chose a value: show it and say so."""
        before = self.value
        self.set_value(value)
        if self.value != before:
            self.value_changed.emit(self.value)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.dragging = True
            self.drag_started.emit()
            self.user_moved(self.value_at(event.position().x()))
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.dragging:
            self.user_moved(self.value_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.dragging and event.button() == Qt.MouseButton.LeftButton:
            self.dragging = False
            self.update()
            self.drag_finished.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if turns:
            self._one_move(self.value + turns * self.single_step)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = self.single_step * (1 if self.hi > self.lo else -1)
        moves = {
            Qt.Key.Key_Left: self.value - step, Qt.Key.Key_Down: self.value - step,
            Qt.Key.Key_Right: self.value + step, Qt.Key.Key_Up: self.value + step,
            Qt.Key.Key_PageDown: self.value - 10 * step, Qt.Key.Key_PageUp: self.value + 10 * step,
            Qt.Key.Key_Home: self.lo, Qt.Key.Key_End: self.hi,
        }  # fmt: skip
        if event.key() in moves:
            self._one_move(moves[event.key()])
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        self.paint_groove(painter)
        self.paint_handle(painter)

    def paint_groove(self, painter: QPainter) -> None:
        """The track, filled up to the value."""
        c, groove = self.theme.colors, self.groove()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.grid if self.isEnabled() else c.separator))
        painter.drawRoundedRect(groove, 2, 2)
        if self.isEnabled():
            painter.setBrush(QColor(c.accent))
            painter.drawRoundedRect(
                QRectF(groove.topLeft(), QPointF(self.place(self.value), groove.bottom())), 2, 2
            )

    def paint_handle(self, painter: QPainter) -> None:
        """A disc at the value, with a ring when it has the keyboard."""
        c = self.theme.colors
        centre = QPointF(self.place(self.value), self.groove().center().y())
        if self.hasFocus():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.qcolor(c.accent, 0.25))
            painter.drawEllipse(centre, 11, 11)
        painter.setBrush(QColor("#FFFFFF") if self.isEnabled() else QColor(c.separator))
        painter.setPen(QPen(QColor(c.accent if self.isEnabled() else c.faint), 2))
        radius = 7.0 if self.dragging or self.underMouse() else 6.0
        painter.drawEllipse(centre, radius, radius)

    def _one_move(self, value: float) -> None:
        # A key or a turn of the wheel is a whole drag, so that it becomes one undo step.
        self.drag_started.emit()
        self.user_moved(value)
        self.drag_finished.emit()
