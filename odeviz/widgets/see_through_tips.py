"""Tooltips that let the mouse through: one that lies over the next control does not take its click."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QToolTip

from odeviz.widgets.focused_window import FocusedWindow


class SeeThroughTips(FocusedWindow):
    """Qt makes each tip anew and says nothing of it; the next move of the mouse tells."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseMove and QToolTip.isVisible():
            let_through()
        return False


def let_through() -> None:
    """Let the mouse through every tooltip that is shown."""
    through = Qt.WindowType.WindowTransparentForInput
    for window in QApplication.topLevelWindows():
        # A tip's window has all bits of the type.
        if window.type() == Qt.WindowType.ToolTip and not window.flags() & through:
            window.setFlag(through, True)
