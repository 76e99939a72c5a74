"""A dock that is offered only where its panel has something to show."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget


class OptionalDock:
    """Withdraws a dock with its tab and its menu entry, and brings it back as it was left."""

    def __init__(self, window: QMainWindow, dock: QDockWidget, instead: QDockWidget) -> None:
        self._window, self.dock, self._instead = window, dock, instead
        self._there = True
        #: What is so while it is withdrawn: a person had not closed it; it was in front.
        self._open = self._front = True
        self._beside: list[QDockWidget] = []

    @property
    def withdrawn(self) -> bool:
        """Whether it is hidden because there is nothing to show, though a person has not closed it."""
        return not self._there and self._open

    def belongs(self, group: Sequence[QDockWidget]) -> bool:
        """Whether it is withdrawn from among these tabs."""
        return self.withdrawn and any(dock in self._beside for dock in group)

    def offer(self, there: bool) -> None:
        """Whether its panel has anything to show."""
        if there == self._there:
            return
        self._there = there
        self.dock.toggleViewAction().setVisible(there)
        if there:
            self._bring_back()
        else:
            self.keep()

    def keep(self) -> None:
        """The docks stand anew: it is withdrawn again if there is nothing to show."""
        if self._there:
            return
        self._open, self._front = not self.dock.isHidden(), _is_seen(self.dock)
        self._beside = self._window.tabifiedDockWidgets(self.dock)
        self.dock.hide()
        if self._front:
            self._instead.raise_()

    def _bring_back(self) -> None:
        self.dock.setVisible(self._open)
        if self._open and self._front and _is_seen(self._instead):
            self.dock.raise_()


def _is_seen(dock: QDockWidget) -> bool:
    panel: QWidget = dock.widget()
    return panel.isVisible() and not panel.visibleRegion().isEmpty()
