"""A question mark at the right end of each docked panel's title or row of tabs."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QDockWidget, QTabBar

from odeviz.app.main_window import MainWindow
from odeviz.widgets.dock_title import DockTitle
from odeviz.widgets.help_button import HelpButton

_SIDE, _EDGE = 22, 6
_MOVES = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide)


class HelpMarks(QObject):
    """Keeps one mark over each dock that is in front, where its title leaves room; pressing it asks for the panel.

    One that floats carries its mark itself.
    """

    asked = Signal(str)

    def __init__(self, window: MainWindow, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window = window
        self.marks: dict[str, HelpButton] = {}
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.place)
        for key, dock in window.docks.items():
            self.marks[key] = self._make(key, dock.windowTitle())
            dock.installEventFilter(self)
            dock.visibilityChanged.connect(self._soon)
            dock.topLevelChanged.connect(self._soon)
        window.theme.changed.connect(self._soon)

    @Slot()
    def place(self) -> None:
        """Put every mark where its dock is now."""
        side = self._window.theme.px(_SIDE)
        bars = self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        for bar in bars:
            bar.setAccessibleName("Panels: " + ", ".join(bar.tabText(place) for place in range(bar.count())))
        for key, mark in self.marks.items():
            dock = self._window.docks[key]
            at = self._spot(dock, bars)
            host = dock if dock.isFloating() else self._window
            if mark.parentWidget() is not host:
                mark.setParent(host)
            mark.setFixedSize(side, side)
            mark.fit()
            if at is not None:
                # Before it is seen: under a mouse at the window's corner it would begin as if pointed at, and stay so.
                mark.move(at)
                mark.raise_()
            mark.setVisible(at is not None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _MOVES:
            self._soon()
        return super().eventFilter(watched, event)

    @Slot()
    def _soon(self) -> None:
        # A change of layout moves many docks: once is enough.
        self._later.start(0)

    def _spot(self, dock: QDockWidget, bars: list[QTabBar]) -> QPoint | None:
        """Where a dock's mark stands in the window; None where it has no room, or is not seen."""
        panel = dock.widget()
        # A dock that was dropped on a floating one stands in that one's window, which may end without it.
        lost = dock.window() is not self._window and not dock.isFloating()
        if lost or panel is None or not self._window.is_seen(panel):
            return None
        side = self._window.theme.px(_SIDE)
        origin = QPoint(0, 0) if dock.isFloating() else dock.pos()
        title = dock.titleBarWidget()
        if isinstance(title, DockTitle):
            return origin + title.room.mapTo(dock, title.room.rect().center()) - QPoint(side, side) / 2
        corner = origin + QPoint(dock.width() - side - _EDGE, 0)
        bar = next((b for b in bars if b.isVisible() and b.geometry().contains(corner - QPoint(0, 8))), None)
        if bar is None:
            return None
        end = bar.x() + bar.tabRect(bar.count() - 1).right()
        return None if end > corner.x() else QPoint(corner.x(), bar.y() + (bar.height() - side) // 2)

    def _make(self, key: str, title: str) -> HelpButton:
        about = self._window.docks[key].toggleViewAction().toolTip()
        mark = HelpButton(self._window.theme, key, title, about, self._window)
        mark.clicked.connect(self._pressed)
        mark.hide()
        return mark

    @Slot()
    def _pressed(self) -> None:
        self.asked.emit(self.sender().objectName())
