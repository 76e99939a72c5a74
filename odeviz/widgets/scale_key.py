"""The key of a colouring on a small card over a plot: a scale with its limits, or names with their colours."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen
from PySide6.QtWidgets import QWidget

from odeviz.exporting.marks import Mark
from odeviz.tasks.numerals import power
from odeviz.widgets.guard import painted
from odeviz.widgets.primitives import draw_mark
from odeviz.widgets.theme import Theme

_BAR, _PAD = 112.0, 10.0


@dataclass(frozen=True, slots=True)
class Scale:
    """What colours mean: names with a colour each, or equal steps between two limits; nothing where both are empty."""

    title: str
    names: tuple[tuple[str, QColor], ...] = ()
    colors: tuple[QColor, ...] = ()
    limits: tuple[float, float] = (0.0, 1.0)
    #: The mark of each name; without any they are circles.
    marks: tuple[Mark, ...] = ()

    @property
    def ends(self) -> tuple[str, str]:
        """The limits as they are written."""
        low, high = (power(float(f"{value:.3g}")).replace("-", "−") for value in self.limits)
        return low, high


class ScaleKey(QWidget):
    """Paints a :class:`Scale`; the mouse goes through it to the plot."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._scale = theme, Scale("")
        self._area = QRect()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self.update)
        self.hide()

    def set_scale(self, scale: Scale) -> None:
        """Show what these colours mean; nothing to say hides the card."""
        if scale == self._scale:
            return
        self._scale = scale
        said = ", ".join(text for text, _ in scale.names) or " to ".join(scale.ends)
        self.setAccessibleName(f"Colours: {scale.title} {said}")
        self.setVisible(bool(scale.names or scale.colors))
        self.place(self._area)
        self.update()

    def place(self, area: QRect) -> None:
        """Sit in the lower right corner of an area."""
        self._area = area
        font = QFontMetricsF(self._theme.font(-1))
        if self._scale.names:
            width = sum(font.horizontalAdvance(text) + 22 for text, _ in self._scale.names)
            width += font.horizontalAdvance(self._scale.title) + 8
        else:
            texts = (self._scale.title, *self._scale.ends)
            width = _BAR + sum(font.horizontalAdvance(text) for text in texts) + 24
        self.resize(round(width + 2 * _PAD), 26)
        self.move(area.right() - self.width() - 11, area.bottom() - self.height() - 9)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        c, scale = self._theme.colors, self._scale
        painter.setPen(QPen(QColor(c.separator), 1))
        painter.setBrush(self._theme.qcolor(c.raised, 0.9))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setFont(self._theme.font(-1))
        x = self._text(painter, _PAD, scale.title, c.muted) + 8
        if scale.names:
            marks = scale.marks or ((),) * len(scale.names)
            for (text, color), mark in zip(scale.names, marks, strict=True):
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                draw_mark(painter, QPointF(x + 4, self.height() / 2), 4, mark)
                x = self._text(painter, x + 12, text, c.text) + 10
            return
        low, high = scale.ends
        x = self._text(painter, x, low, c.text) + 8
        bar = QRectF(x, self.height() / 2 - 4, _BAR, 8)
        fill = QLinearGradient(bar.topLeft(), bar.topRight())
        for k, color in enumerate(scale.colors):
            fill.setColorAt(k / max(len(scale.colors) - 1, 1), color)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(bar, 3, 3)
        self._text(painter, bar.right() + 8, high, c.text)

    def _text(self, painter: QPainter, x: float, text: str, color: str) -> float:
        """Write in the middle of the height from ``x`` on; returns where the text ends."""
        width = QFontMetricsF(painter.font()).horizontalAdvance(text)
        painter.setPen(QColor(color))
        painter.drawText(QRectF(x, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, text)
        return x + width
