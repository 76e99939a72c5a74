"""Space and Return press the button or list that has the keyboard, whatever else these keys mean in the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QWidget

_PRESS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ButtonKeys(QObject):
    """Watches what has the keyboard, and nothing else."""

    def __init__(self, app: QApplication, parent: QObject | None = None) -> None:
        super().__init__(parent)
        app.focusChanged.connect(self._moved)

    @Slot(QWidget, QWidget)
    def _moved(self, before: QWidget | None, now: QWidget | None) -> None:
        if before is not None:
            before.removeEventFilter(self)
        if isinstance(now, (QAbstractButton, QComboBox)):
            now.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.key() not in _PRESS:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            # The key is the button's: no shortcut of the window takes it.
            event.accept()
        elif event.type() == QEvent.Type.KeyPress and event.key() != Qt.Key.Key_Space:
            if isinstance(watched, QAbstractButton):
                watched.click()
                return True
            if isinstance(watched, QComboBox):
                watched.showPopup()
                return True
        return False
