"""A vertical colour bar with a few numbers beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QLinearGradient, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme

#: Its width at the system's text size: room for the numbers, and at most this much for a longer title.
NARROW, WIDE = 68, 120


class ColorBar(QWidget):
    """Colours from bottom (share 0) to top (share 1), with labels at chosen shares."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = ""
        self._stops: Sequence[tuple[float, QColor]] = ()
        self._labels: Sequence[tuple[float, str]] = ()
        self._fit()
        theme.changed.connect(self._fit)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def set_scale(
        self, title: str, stops: Sequence[tuple[float, QColor]], labels: Sequence[tuple[float, str]]
    ) -> None:
        """What the colours mean: a title above, colours and labels at shares from 0 to 1."""
        self._title, self._stops, self._labels = title, stops, labels
        self._fit()
        self.setAccessibleName(f"{title}: " + ", ".join(text for _, text in labels))
        self.update()

    def _fit(self) -> None:
        """As wide as its title, within limits."""
        wanted = QFontMetrics(self._theme.font(-1)).horizontalAdvance(self._title) + 8
        self.setFixedWidth(max(self._theme.px(NARROW), min(wanted, self._theme.px(WIDE))))

    def sizeHint(self) -> QSize:
        return QSize(self.minimumWidth(), 160)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        c = self._theme.colors
        painter.fillRect(self.rect(), QColor(c.base))
        if not self._stops:
            return
        painter.setFont(self._theme.font(-1))
        line = self._theme.px(16)
        painter.setPen(QColor(c.muted))
        title = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, self.width() - 4)
        painter.drawText(QRectF(0, 4, self.width() - 4, line), Qt.AlignmentFlag.AlignLeft, title)
        bar = QRectF(4, line + 10, 10, max(self.height() - line - 38, 1))
        fill = QLinearGradient(bar.bottomLeft(), bar.topLeft())
        for share, colour in self._stops:
            fill.setColorAt(share, colour)
        painter.setPen(QPen(QColor(c.grid), 1))
        painter.setBrush(QBrush(fill))
        painter.drawRoundedRect(bar, 2, 2)
        last = -math.inf
        for share, text in sorted(self._labels, reverse=True):
            y = bar.bottom() - share * bar.height()
            if y - last < 0.8 * line:
                continue
            last = y
            painter.setPen(QPen(QColor(c.grid), 1))
            painter.drawLine(QPointF(bar.right() + 1, y), QPointF(bar.right() + 4, y))
            painter.setPen(QColor(c.muted))
            painter.drawText(QRectF(bar.right() + 7, y - line / 2, self.width() - bar.right() - 7, line),
                             Qt.AlignmentFlag.AlignVCenter, text)  # fmt: skip
