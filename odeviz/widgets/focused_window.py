"""What happens in the window that has the focus: what is pressed, and how the mouse moves, arrives there first."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QWindow
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid


class FocusedWindow(QObject):
    """Filters the events of the window that has the focus: one filter there costs less than one for all that happens.

    One for the application; what it does with the events is its ``eventFilter``.
    """

    def __init__(self, app: QApplication, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window: QWindow | None = None
        app.focusWindowChanged.connect(self._watch)
        self._watch(app.focusWindow())

    @Slot(QWindow)
    def _watch(self, window: QWindow | None) -> None:
        if self._window is not None and isValid(self._window):
            self._window.removeEventFilter(self)
        self._window = window
        if window is not None:
            window.installEventFilter(self)
