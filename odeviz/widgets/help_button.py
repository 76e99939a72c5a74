"""The question mark of a panel: press it to be told what one sees."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QToolButton, QWidget

from odeviz.widgets.icons import icon
from odeviz.widgets.theme import Theme


class HelpButton(QToolButton):
    """Names the panel it is about by its ``objectName``."""

    def __init__(self, theme: Theme, key: str, title: str, about: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(key)
        self.setIcon(icon("question", theme, "muted"))
        self.setIconSize(QSize(16, 16))
        self.setToolTip(f"What am I seeing?  (Shift+F1)\n{about}")
        self.setAccessibleName(f"What am I seeing in {title}?")
        self.setAccessibleDescription(about)
