"""A ring around what has the keyboard, wherever it came there by a key: seen on every ground, drawn or not."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPen, QRegion
from PySide6.QtWidgets import QApplication, QWidget

from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme

_WIDTH = 2


class FocusRing(QObject):
    """One for the application. Where the mouse has put the keyboard, the hand knows already: no ring."""

    def __init__(self, theme: Theme, app: QApplication, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        app.focusChanged.connect(self._moved)
        #: The ring that is drawn, and around what.
        self.ring: QWidget | None = None

    @Slot(QWidget, QWidget)
    def _moved(self, before: QWidget | None, now: QWidget | None) -> None:
        if self.ring is not None:
            self.ring.hide()
            self.ring.deleteLater()
            self.ring = None
        if now is None or QApplication.mouseButtons() != Qt.MouseButton.NoButton or now.isWindow():
            return
        self.ring = _Ring(self._theme, now)
        self.ring.destroyed.connect(self._lost)

    @Slot(QObject)
    def _lost(self, ring: QObject) -> None:
        # It went with what it was around.
        if ring is self.ring:
            self.ring = None


class _Ring(QWidget):
    """Along the inner edge of its parent; only that edge is its own, so that nothing below is painted twice."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        parent.installEventFilter(self)
        self._fit()
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        self.setGeometry(self.parentWidget().rect())
        inner = self.rect().adjusted(_WIDTH + 3, _WIDTH + 3, -_WIDTH - 3, -_WIDTH - 3)
        self.setMask(QRegion(self.rect()).subtracted(QRegion(inner)))
        self.raise_()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        c, half = self._theme.colors, _WIDTH / 2
        # The inner line shows it on a ground that has the accent itself.
        for color, width, inset in ((c.accent, _WIDTH, half), (c.base, 1.0, _WIDTH + 0.5)):
            painter.setPen(QPen(QColor(color), width))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 5, 5)
