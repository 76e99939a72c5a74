"""A slider over decades, with a tick and a label at powers of ten."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from odeviz.tasks.numerals import power
from odeviz.widgets.theme import Theme
from odeviz.widgets.track import Track


class LogSlider(Track):
    """Chooses ``number`` between two positive ends; ``lo`` may be the larger one, it is at the left."""

    number_changed = Signal(float)

    def __init__(self, theme: Theme, lo: float, hi: float, parent: QWidget | None = None) -> None:
        self._whole = False
        super().__init__(theme, math.log10(lo), math.log10(hi), parent)
        self.single_step = 0.1
        self.value_changed.connect(self._emit_number)

    @property
    def number(self) -> float:
        """The number under the handle."""
        return self._round(10**self.value)

    def set_number(self, number: float) -> None:
        """Show a number; nothing is emitted."""
        self.set_value(math.log10(number))

    def set_ends(self, lo: float, hi: float, whole: bool = False) -> None:
        """The numbers at the left and right end, and whether only whole ones are meant."""
        self._whole = whole
        self.set_range(math.log10(lo), math.log10(hi))
        self.single_step = 0.1

    def spoken(self) -> str:
        low, high = (self._round(10**end) for end in (self.lo, self.hi))
        return f"{self.number:g}, from {low:g} to {high:g}"

    def sizeHint(self) -> QSize:
        return QSize(320, self.theme.px(16) + 24)

    def minimumSizeHint(self) -> QSize:
        return QSize(140, self.theme.px(16) + 24)

    def groove(self) -> QRectF:
        return QRectF(self.theme.px(18), 11, max(self.width() - 2 * self.theme.px(18), 1), 4)

    def paint_groove(self, painter: QPainter) -> None:
        super().paint_groove(painter)
        c, groove = self.theme.colors, self.groove()
        painter.setFont(self.theme.font(-1))
        first, last = sorted(
            (math.ceil(min(self.lo, self.hi) - 1e-9), math.floor(max(self.lo, self.hi) + 1e-9))
        )
        room = groove.width() / max(last - first, 1)
        every = next((n for n in (1, 2, 4) if n * room >= self.theme.px(34)), 8)
        for index, decade in enumerate(
            range(first, last + 1) if self.lo < self.hi else range(last, first - 1, -1)
        ):
            x = self.place(decade)
            painter.setPen(QPen(QColor(c.faint), 1))
            painter.drawLine(QPointF(x, groove.bottom() + 5), QPointF(x, groove.bottom() + 8))
            if index % every == 0:
                painter.setPen(QColor(c.muted))
                painter.drawText(
                    QRectF(x - 40, groove.bottom() + 8, 80, self.theme.px(16)),
                    Qt.AlignmentFlag.AlignCenter,
                    power(10.0**decade),
                )

    def _round(self, number: float) -> float:
        return float(max(1, round(number))) if self._whole else float(f"{number:.2g}")

    def _emit_number(self, _: float) -> None:
        self.number_changed.emit(self.number)
