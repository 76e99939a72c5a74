"""Room for the flow view: the docks beside it give way when the window is made narrower, and come back."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow

#: The least share of the window's width that the middle keeps, while the docks can give way.
SHARE = 0.44
_SIDES = (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea)


class DockRoom:
    """Shares the window's width between its middle and the docks to both sides."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        #: How wide each side is meant to be, by a person or by the layout.
        self._meant: dict[Qt.DockWidgetArea, int] = {}

    def forget(self) -> None:
        """The docks stand anew, or a person has moved an edge: what is so from now on is meant."""
        self._meant.clear()

    def share(self, before: int) -> None:
        """The window's width was ``before`` and is another now: divide it."""
        window, sides = self._window, self._sides()
        if window.centralWidget() is None or not sides or before <= 0:
            return
        for side, dock in sides.items():
            self._meant.setdefault(side, dock.width())
        meant = [self._meant[side] for side in sides]
        factor = min(1.0, (1.0 - SHARE) * window.width() / max(sum(meant), 1))
        widths = [round(factor * width) for width in meant]
        window.resizeDocks(list(sides.values()), widths, Qt.Orientation.Horizontal)

    def _sides(self) -> dict[Qt.DockWidgetArea, QDockWidget]:
        """One dock of each side: those that are seen are as wide as each other, those behind a tab narrower."""
        found: dict[Qt.DockWidgetArea, QDockWidget] = {}
        for dock in self._window.findChildren(QDockWidget):
            side = self._window.dockWidgetArea(dock)
            if side in _SIDES and dock.isVisible() and not dock.isFloating():
                found[side] = max(found.get(side, dock), dock, key=QDockWidget.width)
        return found
