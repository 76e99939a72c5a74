"""Tooltips that let the mouse through: one that lies over the next control does not take its click."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QWindow
from PySide6.QtWidgets import QApplication, QToolTip
from shiboken6 import isValid


class SeeThroughTips(QObject):
    """One for the application. Qt makes each tip anew and says nothing of it; the next move of the mouse tells."""

    def __init__(self, app: QApplication, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window: QWindow | None = None
        app.focusWindowChanged.connect(self._watch)
        self._watch(app.focusWindow())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseMove and QToolTip.isVisible():
            let_through()
        return False

    @Slot(QWindow)
    def _watch(self, window: QWindow | None) -> None:
        if self._window is not None and isValid(self._window):
            self._window.removeEventFilter(self)
        self._window = window
        if window is not None:
            window.installEventFilter(self)


def let_through() -> None:
    """Let the mouse through every tooltip that is shown."""
    through = Qt.WindowType.WindowTransparentForInput
    for window in QApplication.topLevelWindows():
        # A tip's window has all bits of the type.
        if window.type() == Qt.WindowType.ToolTip and not window.flags() & through:
            window.setFlag(through, True)
