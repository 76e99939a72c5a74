"""A ring around what has the keyboard, for those who use keys: seen on every ground, around drawn things too."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPen, QRegion
from PySide6.QtWidgets import QApplication, QCheckBox, QMenuBar, QWidget

from odeviz.widgets.focused_window import FocusedWindow
from odeviz.widgets.guard import painted
from odeviz.widgets.theme import Theme

_WIDTH = 2
#: Pixels between a check box and the ring around it.
_OUTSIDE = 4


class FocusRing(FocusedWindow):
    """Whoever uses the mouse knows where the hand is: a ring comes with the first key."""

    def __init__(self, theme: Theme, app: QApplication, parent: QObject | None = None) -> None:
        super().__init__(app, parent)
        self._theme = theme
        #: The last thing pressed was a key, not the mouse.
        self.by_key = False
        app.focusChanged.connect(self._moved)
        #: The ring that is drawn, and around what.
        self.ring: QWidget | None = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress:
            self.by_key = True
        elif event.type() == QEvent.Type.MouseButtonPress:
            self.by_key = False
            self._take_away()
        return False

    def _take_away(self) -> None:
        if self.ring is not None:
            self.ring.hide()
            self.ring.deleteLater()
            self.ring = None

    @Slot(QWidget, QWidget)
    def _moved(self, before: QWidget | None, now: QWidget | None) -> None:
        self._take_away()
        if now is None or not self.by_key or now.isWindow():
            return
        self.ring = _Ring(self._theme, now)
        self.ring.destroyed.connect(self._lost)

    @Slot(QObject)
    def _lost(self, ring: QObject) -> None:
        # It went with what it was around.
        if ring is self.ring:
            self.ring = None


class _Ring(QWidget):
    """Along the inner edge of a widget, or around a check box, of which it would leave nothing to be seen.

    In a menu bar it is around the entry that the keyboard is at.

    Only that edge is its own, so that nothing below is painted twice.
    """

    def __init__(self, theme: Theme, widget: QWidget) -> None:
        outside = isinstance(widget, QCheckBox) and widget.parentWidget() is not None
        super().__init__(widget.parentWidget() if outside else widget)
        self._theme, self._widget, self._outside = theme, widget, outside
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        widget.installEventFilter(self)
        if isinstance(widget, QMenuBar):
            widget.hovered.connect(self._fit)
        self._fit()
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._fit()
        return super().eventFilter(watched, event)

    @Slot()
    def _fit(self) -> None:
        rect, edge = self._widget.rect(), _WIDTH + 3
        if isinstance(self._widget, QMenuBar):
            entry = self._widget.activeAction()
            rect = self._widget.actionGeometry(entry) if entry is not None else QRect()
        if isinstance(self._widget, QCheckBox) and self._outside:
            # Of a wide box no more than is drawn.
            hint, edge = self._widget.sizeHint(), _OUTSIDE
            wide = hint.width() if self._widget.text() else hint.height()
            rect = QRect(self._widget.pos(), QSize(min(wide, rect.width()), rect.height()))
            rect.adjust(-edge, -edge, edge, edge)
        self.setGeometry(rect)
        inner = self.rect().adjusted(edge, edge, -edge, -edge)
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
