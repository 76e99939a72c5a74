"""What every panel has: a key, a title, the theme, and its picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QWidget

from odeviz.widgets.grab import grab_png
from odeviz.widgets.theme import Theme

#: Puts off drawing, under a name: what is put off later under the same name takes its place.
Later = Callable[[str, Callable[[], None]], None]


def at_once(name: str, draw: Callable[[], None]) -> None:
    """Put off nothing."""
    draw()


class Panel(QWidget):
    """A view of results. It gets frozen results through ``set_*`` and emits what the person did."""

    #: Names the panel in layouts, files and commands.
    key: ClassVar[str]
    #: Shown on its tab.
    title: ClassVar[str]
    #: One sentence: what the panel shows.
    about: ClassVar[str]

    #: A click with the right button: the panel's key, and where on the screen it was.
    exports_wanted = Signal(str, QPoint)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName(self.key)
        self.setAccessibleName(self.title)
        self.setAccessibleDescription(self.about)
        theme.changed.connect(self.restyle)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_context_menu)

    def restyle(self) -> None:
        """Take the theme's colours again; called when they change."""
        self.update()

    def _on_context_menu(self, at: QPoint) -> None:
        self.exports_wanted.emit(self.key, self.mapToGlobal(at))

    def grab_png(self, path: Path | str, scale: float = 2.0) -> None:
        """Save the panel as it is seen at ``scale`` device pixels per pixel. Raises ``OSError``."""
        grab_png(self, path, scale)
