"""A plot over a run that is dragged through: press, drag, wheel or arrow keys choose a moment of it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent

from odeviz.widgets.lines import StraightLine
from odeviz.widgets.plot import Plot
from odeviz.widgets.primitives import pen
from odeviz.widgets.theme import Theme

_STEPS = {Qt.Key.Key_Left: 1, Qt.Key.Key_Right: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
_ENDS = (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Escape)


class ScrubPlot(Plot):
    """Emits what a hand does; :meth:`set_moment` shows where it is."""

    #: The x under the hand, and whether it still holds on.
    scrubbed = Signal(float, bool)
    #: So many moments back; a negative number goes forwards.
    stepped = Signal(int)
    #: Back to the latest.
    released = Signal()
    #: There is nothing to drag through, and somebody tried.
    missed = Signal()

    def __init__(self, theme: Theme, x: str = "", y: str = "", **more: Any) -> None:
        self._mark, self._guide = StraightLine(), StraightLine()
        self._x: float | None = None
        self._past = self._ready = self._held = False
        super().__init__(theme, x, y, **more)
        for z, line in enumerate((self._guide, self._mark)):
            line.setZValue(50 + z)
            line.hide()
            self.addItem(line)
        self._mark.addMarker("v", position=1.0, size=10.0)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)

    def set_ready(self, ready: bool) -> None:
        """Whether there is anything to drag through."""
        if ready != self._ready:
            self._ready = ready
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if ready else Qt.FocusPolicy.NoFocus)
            self.viewport().setCursor(Qt.CursorShape.SplitHCursor if ready else Qt.CursorShape.ArrowCursor)
            self._mark.setVisible(ready and self._x is not None)

    def set_moment(self, x: float | None, past: bool = False) -> None:
        """Where the moment on show is, and whether it is one of the past."""
        if x is not None and x != self._x:
            self._mark.setPos(x)
        if past != self._past:
            self._past = past
            self._dress()
        self._x = x
        self._mark.setVisible(self._ready and x is not None)

    def restyle(self) -> None:
        super().restyle()
        self._dress()

    def _dress(self) -> None:
        c = self._theme.colors
        strong = self._past or self.hasFocus()
        self._mark.setPen(pen(c.accent if strong else c.faint, 2.0 if self._past else 1.0))
        self._guide.setPen(pen(c.grid, 1.0))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._ready and event.button() == Qt.MouseButton.LeftButton:
            self._held = True
            self._guide.hide()
            self._tell(event)
            event.accept()
        elif self._x is not None and event.button() == Qt.MouseButton.LeftButton:
            self.missed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._tell(event)
        elif self._ready:
            self._guide.setPos(self._at(event))
            self._guide.show()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held and event.button() == Qt.MouseButton.LeftButton:
            self._held = False
            self._tell(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._guide.hide()
        super().leaveEvent(event)

    def event(self, event: QEvent) -> bool:
        # Home and the like are shortcuts of the window: while this has the keyboard they are its own.
        if event.type() is QEvent.Type.ShortcutOverride and self._ready and isinstance(event, QKeyEvent):
            mine = not event.modifiers() and event.key() in (*_STEPS, *_ENDS)
            event.setAccepted(mine)
            return mine
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._ready and key in _STEPS:
            self.stepped.emit(_STEPS[key])
        elif self._ready and key == Qt.Key.Key_Home:
            self.scrubbed.emit(0.0, False)
        elif self._ready and key in (Qt.Key.Key_End, Qt.Key.Key_Escape):
            self.released.emit()
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._dress()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._dress()

    def _at(self, event: QMouseEvent) -> float:
        scene = self.mapToScene(event.position().toPoint())
        return float(self.getViewBox().mapSceneToView(scene).x())

    def _tell(self, event: QMouseEvent) -> None:
        self.scrubbed.emit(self._at(event), self._held)
