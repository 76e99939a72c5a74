"""A name, a slider and its value in a row: for a handful of numbers beside a picture."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from odeviz.widgets.theme import Theme
from odeviz.widgets.track import Track

#: Room left and right of the groove for the handle.
_ROOM = 11


class SlimSlider(Track):
    """A low slider with a tick at its default, to which a double click returns."""

    def __init__(
        self, theme: Theme, lo: float, hi: float, default: float, whole: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, lo, hi, parent)
        self._default, self._whole = default, whole
        self.single_step = 1.0 if whole else (hi - lo) / 100
        self.set_value(default)

    def value_at(self, x: float) -> float:
        value = super().value_at(x)
        return float(round(value)) if self._whole else value

    def user_moved(self, value: float) -> None:
        super().user_moved(float(round(value)) if self._whole else value)

    def groove(self) -> QRectF:
        return QRectF(_ROOM, self.height() / 2 - 2, max(self.width() - 2 * _ROOM, 1), 4)

    def sizeHint(self) -> QSize:
        return QSize(120, 24)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 24)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._one_move(self._default)

    def paint_groove(self, painter: QPainter) -> None:
        c, groove = self.theme.colors, self.groove()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.grid))
        painter.drawRoundedRect(groove, 2, 2)
        here, home = self.place(self.value), self.place(self._default)
        painter.setBrush(QColor(c.accent))
        painter.drawRect(QRectF(min(here, home), groove.top(), abs(here - home), groove.height()))
        painter.setBrush(QColor(c.faint))
        painter.drawRect(QRectF(home - 0.5, groove.top() - 3, 1, groove.height() + 6))


class SliderRow(QWidget):
    """Label, slider, value. ``moved`` is emitted as a person moves it, within ``drag_started``, ``drag_finished``."""

    moved = Signal(str, float)
    drag_started = Signal()
    drag_finished = Signal()

    def __init__(
        self, theme: Theme, key: str, label: str, tip: str, slider: SlimSlider, text: Callable[[float], str],
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.key, self.slider, self._text = key, slider, text
        self.name, self.value = QLabel(label, self), QLabel(self)
        self.name.setProperty("role", "caption")
        self.value.setProperty("role", "value")
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        slider.setAccessibleName(label)
        self.setToolTip(f"{tip} Double click: back to {text(slider.value)}.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.name)
        row.addWidget(slider, 1)
        row.addWidget(self.value)
        slider.value_changed.connect(self._moved)
        slider.drag_started.connect(self.drag_started)
        slider.drag_finished.connect(self.drag_finished)
        self.set_value(slider.value)

    def room(self) -> tuple[int, int]:
        """Widths that its name and its widest value need."""
        ends = (self._text(end) for end in (self.slider.lo, self.slider.hi))
        widest = max(self.value.fontMetrics().horizontalAdvance(text) for text in ends)
        return self.name.sizeHint().width(), widest + 10

    def set_room(self, name: int, value: int) -> None:
        """Fix those widths, so that the slider keeps its place under the hand and rows stand in columns."""
        self.name.setFixedWidth(name)
        self.value.setFixedWidth(value)

    def set_value(self, value: float) -> None:
        """Show a value; nothing is emitted. A slider that is held stays under the hand."""
        if not self.slider.dragging:
            self.slider.set_value(value)
            self._tell(value)

    @Slot(float)
    def _moved(self, value: float) -> None:
        self._tell(value)
        self.moved.emit(self.key, value)

    def _tell(self, value: float) -> None:
        self.value.setText(self._text(value))
        self.slider.setAccessibleDescription(self._text(value))
