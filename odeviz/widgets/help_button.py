"""The question mark of a panel: press it to be told what one sees."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QToolButton, QWidget

from odeviz.widgets.icons import icon
from odeviz.widgets.theme import Theme

_SIDE = 16


class HelpButton(QToolButton):
    """Names the panel it is about by its ``objectName``."""

    def __init__(self, theme: Theme, key: str, title: str, about: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(key)
        self.setIcon(icon("question", theme, "muted"))
        self._theme = theme
        # The window takes this for what it measures beside text of the system's size.
        self.setProperty("plain", QSize(_SIDE, _SIDE))
        self.fit()
        self.setToolTip(f"What am I seeing?  (Shift+F1)\n{about}")
        self.setAccessibleName(f"What am I seeing in {title}?")
        self.setAccessibleDescription(about)

    def fit(self) -> None:
        """As large as the text asks for."""
        self.setIconSize(QSize(self._theme.px(_SIDE), self._theme.px(_SIDE)))
