"""A titled part of a form that folds."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QToolButton, QVBoxLayout, QWidget

from odeviz.widgets.icons import icon
from odeviz.widgets.theme import Theme


class Section(QWidget):
    """A heading that shows or hides ``body``."""

    def __init__(self, theme: Theme, title: str, open: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.heading = QToolButton(self)
        self.heading.setText(title)
        self.heading.setProperty("kind", "section")
        self.heading.setCheckable(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setIconSize(QSize(12, 12))
        self.heading.setAccessibleName(title)
        self.heading.setToolTip(f"Fold or unfold {title}")
        self.body = QWidget(self)
        line = QFrame(self)
        line.setProperty("role", "line")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._head = QVBoxLayout()
        column.addLayout(self._head)
        self._head.setSpacing(4)
        self._head.addWidget(line)
        self._head.addWidget(self.heading)
        column.addWidget(self.body)
        self.heading.toggled.connect(self._toggled)
        self.heading.setChecked(open)
        self._toggled(open)

    def set_edge(self, left: int) -> None:
        """Leave room at the left of line and heading: the body has something there."""
        self._head.setContentsMargins(left, 0, 0, 0)

    def _toggled(self, on: bool) -> None:
        self.heading.setIcon(icon("caret-down" if on else "caret-right", self._theme, "muted", "muted"))
        self.body.setVisible(on)
