"""A window that tells of its paints, and lets others come between a long piece of work and its paint."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QTimer, Signal, Slot
from PySide6.QtWidgets import QMainWindow, QWidget

#: Milliseconds from what took long to its paint.
_APART = 1


class PaintingWindow(QMainWindow):
    """Qt paints at once what has been changed, so that work and paint hold up the event loop together."""

    #: The window has painted, in this many seconds.
    painted = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._apart = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_APART)
        self._soon.timeout.connect(self._paint_now)

    @Slot()
    def paint_apart(self) -> None:
        """What has just changed the window took its time: mouse, keys and timers come before its paint."""
        self._apart = True

    def event(self, event: QEvent) -> bool:
        if event.type() is not QEvent.Type.UpdateRequest:
            return super().event(event)
        if self._apart:
            # Qt asks once, and not again before it has been painted.
            self._apart = False
            self._soon.start()
            return True
        return self._paint(event)

    @Slot()
    def _paint_now(self) -> None:
        self._paint(QEvent(QEvent.Type.UpdateRequest))

    def _paint(self, event: QEvent) -> bool:
        began = time.perf_counter()
        handled = super().event(event)
        self.painted.emit(time.perf_counter() - began)
        return handled
