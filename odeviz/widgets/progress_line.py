"""A thin line that fills up while something is being measured, and takes no room of its own."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from odeviz.tasks.numerals import percent
from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme


class ProgressLine(QWidget):
    """Shows a share from 0 to 1; the whole shows nothing."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.share = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Progress")
        theme.changed.connect(self.update)

    def set_share(self, share: float) -> None:
        """How much is done."""
        if share != self.share:
            self.share = share
            self.setAccessibleDescription("" if share >= 1.0 else f"{percent(share)} measured")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(80, 2)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        if self.share >= 1.0:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.colors.grid))
        painter.drawRect(self.rect())
        painter.setBrush(QColor(self._theme.colors.accent))
        painter.drawRect(QRectF(0, 0, self.share * self.width(), self.height()))
