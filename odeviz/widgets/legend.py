"""A legend row above a plot: key, name and latest value of each curve, clear of the curves themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme


@dataclass(frozen=True, slots=True)
class Key:
    """One curve of a legend: its kind is line, dash, dot or cross; its colour a theme role or ``classes.N``."""

    name: str
    role: str
    kind: str = "line"
    value: str = ""


def shade(theme: Theme, role: str) -> str:
    """The colour of a role such as ``accent`` or ``classes.1``."""
    name, _, index = role.partition(".")
    return str(theme.colors.classes[int(index)] if index else getattr(theme.colors, name))


class Legend(QWidget):
    """Draws keys in one row, as many as there is room for; the tooltip has them all."""

    def __init__(self, theme: Theme, keys: Sequence[Key] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._keys = theme, tuple(keys)
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_keys(self, keys: Sequence[Key]) -> None:
        """Other curves or other values."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            text = ", ".join(f"{key.name} {key.value}".strip() for key in self._keys)
            self.setAccessibleName(text)
            self.setToolTip(text)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, 28)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        c, plain, bold = self._theme.colors, self._theme.font(-1), self._theme.font(-1)
        bold.setWeight(bold.Weight.DemiBold)
        x = 12.0
        for key in self._keys:
            parts = [
                (text, font, colour, QFontMetricsF(font).horizontalAdvance(text))
                for text, font, colour in ((key.name, plain, c.muted), (key.value, bold, c.text))
                if text
            ]
            if x + 22 + sum(part[3] + 6 for part in parts) > self.width():
                break
            self._paint_key(painter, QRectF(x, 8, 16, 12), key)
            x += 22
            for text, font, colour, width in parts:
                painter.setFont(font)
                painter.setPen(QColor(colour))
                painter.drawText(QRectF(x, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, text)
                x += width + 6
            x += 10

    def _paint_key(self, painter: QPainter, box: QRectF, key: Key) -> None:
        colour, middle = QColor(shade(self._theme, key.role)), box.center()
        style = Qt.PenStyle.DashLine if key.kind == "dash" else Qt.PenStyle.SolidLine
        painter.setPen(QPen(colour, 2, style))
        if key.kind in ("line", "dash"):
            painter.drawLine(QPointF(box.left(), middle.y()), QPointF(box.right(), middle.y()))
        elif key.kind == "cross":
            painter.drawLine(middle + QPointF(-3, -3), middle + QPointF(3, 3))
            painter.drawLine(middle + QPointF(-3, 3), middle + QPointF(3, -3))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(middle, 3.5, 3.5)
