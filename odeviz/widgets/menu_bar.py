"""A menu bar that gives the keyboard up when nobody is in it."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QMenuBar

_AFTER = (QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.FocusIn)


class MenuBar(QMenuBar):
    """Qt's gives the keyboard back to whom it took it from, and keeps it where that was nobody."""

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() in _AFTER and self.hasFocus() and self.activeAction() is None:
            self.clearFocus()
        return handled
