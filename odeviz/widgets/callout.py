"""A callout: a card with an arrow to what it speaks of, and an outline around that."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme

_WIDTH, _ARROW, _GAP = 330, 9, 6


class Outline(QWidget):
    """A frame around a part of its parent; the mouse goes through it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def surround(self, place: QRect) -> None:
        """Stand around a part, within the parent."""
        self.setGeometry(place.adjusted(-4, -4, 4, 4).intersected(self.parentWidget().rect()))

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        painter.setPen(QPen(QColor(self._theme.colors.accent), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)


class Callout(QWidget):
    """Title, text, and the buttons Back, Next and Skip."""

    next_wanted = Signal()
    back_wanted = Signal()
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        #: The side of the card the arrow is at, and its place along that side.
        self._side, self._along = "", 0.0
        self.title, self.text, self.count = QLabel(self), QLabel(self), QLabel(self)
        self.title.setProperty("role", "title")
        self.text.setWordWrap(True)
        self.count.setProperty("role", "caption")
        self.skip, self.back, self.next = (QPushButton(word, self) for word in ("Skip", "Back", "Next"))
        self.next.setProperty("kind", "primary")
        self.skip.setToolTip("End the tour; it stays in the Help menu  (Escape)")
        self.back.setToolTip("To the step before")
        self.next.setToolTip("To the next step")
        self.skip.clicked.connect(self.closed)
        self.back.clicked.connect(self.back_wanted)
        self.next.clicked.connect(self.next_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(16 + _ARROW, 12 + _ARROW, 16 + _ARROW, 12 + _ARROW)
        column.setSpacing(8)
        column.addWidget(self.title)
        column.addWidget(self.text)
        row = QHBoxLayout()
        column.addLayout(row)
        row.setSpacing(6)
        row.addWidget(self.count, 1)
        for button in (self.skip, self.back, self.next):
            row.addWidget(button)
        theme.changed.connect(self.update)
        self.hide()

    def say(self, title: str, text: str, step: int, of: int) -> None:
        """Show step ``step``, counted from 0."""
        self.title.setText(title)
        self.text.setText(text)
        self.count.setText(f"{step + 1} of {of}")
        self.setAccessibleName(f"{title}, step {step + 1} of {of}")
        self.setAccessibleDescription(text)
        last = step == of - 1
        self.next.setText("Done" if last else "Next")
        self.next.setToolTip("End the tour" if last else "To the next step")
        self.next.setAccessibleDescription(f"{title}. {text}")
        self.skip.setVisible(not last)
        self.back.setEnabled(step > 0)

    def take_keyboard(self) -> None:
        """Return goes on."""
        self.next.setFocus()

    def stand_by(self, place: QRect, within: QRect) -> None:
        """Stand beside a place, on the side with most room, or inside it where there is none."""
        width = self._theme.px(_WIDTH) + 2 * _ARROW
        height = self.layout().totalHeightForWidth(width)
        middle = place.center()
        rooms = {
            "top": within.bottom() - place.bottom() - height,
            "bottom": place.top() - within.top() - height,
            "left": within.right() - place.right() - width,
            "right": place.left() - within.left() - width,
        }
        # The arrow is at the side that looks at the place.
        self._side = next((side for side, room in rooms.items() if room >= _GAP), "")
        x, y = {
            "top": (middle.x() - width // 2, place.bottom() + _GAP),
            "bottom": (middle.x() - width // 2, place.top() - height - _GAP),
            "left": (place.right() + _GAP, middle.y() - height // 2),
            "right": (place.left() - width - _GAP, middle.y() - height // 2),
            "": (place.left() + 16, place.bottom() - height - 16),
        }[self._side]
        x = min(max(x, within.left()), within.right() - width)
        y = min(max(y, within.top()), within.bottom() - height)
        self._along = middle.x() - x if self._side in ("top", "bottom") else middle.y() - y
        self.setGeometry(x, y, width, height)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.next_wanted.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        c = self._theme.colors
        card = QRectF(self.rect()).adjusted(_ARROW, _ARROW, -_ARROW, -_ARROW)
        painter.setPen(QPen(QColor(c.accent), 1.5))
        painter.setBrush(QColor(c.raised))
        painter.drawRoundedRect(card, 8, 8)
        along = min(max(self._along, 2.5 * _ARROW), (self.width() if self._side in ("top", "bottom") else self.height())
                    - 2.5 * _ARROW)  # fmt: skip
        tips = {
            "top": (QPointF(along, 1), QPointF(-_ARROW, _ARROW), QPointF(_ARROW, _ARROW)),
            "bottom": (
                QPointF(along, self.height() - 1),
                QPointF(-_ARROW, -_ARROW),
                QPointF(_ARROW, -_ARROW),
            ),
            "left": (QPointF(1, along), QPointF(_ARROW, -_ARROW), QPointF(_ARROW, _ARROW)),
            "right": (QPointF(self.width() - 1, along), QPointF(-_ARROW, -_ARROW), QPointF(-_ARROW, _ARROW)),
        }
        if self._side in tips:
            tip, first, second = tips[self._side]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(c.accent))
            painter.drawPolygon(QPolygonF([tip, tip + first, tip + second]))
