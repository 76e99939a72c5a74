"""The title of a dock that has no tab: its name, and what takes it out of the window and away, as large as the text."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from odeviz.widgets.icons import icon
from odeviz.widgets.theme import Theme

_SIDE = 15


class DockTitle(QWidget):
    """Dragging it moves the dock, a double click takes it out or puts it back: Qt looks after both."""

    def __init__(self, theme: Theme, dock: QDockWidget) -> None:
        super().__init__(dock)
        self._theme, self._dock = theme, dock
        self.name = QLabel(dock.windowTitle(), self)
        self.name.setProperty("role", "muted")
        #: Room for what else is put into the title.
        self.room = QWidget(self)
        self.floats, self.closes = self._button(), self._button()
        self.closes.setIcon(icon("x", theme, "muted"))
        self.closes.setToolTip("Close (View > Panels brings it back)")
        self.closes.setAccessibleName(f"Close {dock.windowTitle()}")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 4, 4)
        row.setSpacing(0)
        row.addWidget(self.name, 1)
        for each in (self.room, self.floats, self.closes):
            row.addWidget(each)
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.floats.clicked.connect(self._float)
        self.closes.clicked.connect(dock.close)
        dock.topLevelChanged.connect(self._tell)
        theme.changed.connect(self._fit)
        self._tell()
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Its margins are the row's: what is beside the name has the width it needs.
        beside = sum(each.sizeHint().width() for each in (self.floats, self.closes)) + self.room.width() + 16
        whole, metrics = self._dock.windowTitle(), self.name.fontMetrics()
        self.name.setText(
            metrics.elidedText(whole, Qt.TextElideMode.ElideRight, max(self.width() - beside, 0))
        )

    def _button(self) -> QToolButton:
        button = QToolButton(self)
        # Menus do the same: Tab need not pass here.
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # The window takes this for what it measures beside text of the system's size.
        button.setProperty("plain", QSize(_SIDE, _SIDE))
        return button

    @Slot()
    def _fit(self) -> None:
        side = self._theme.px(_SIDE)
        for button in (self.floats, self.closes):
            button.setIconSize(QSize(side, side))
        self.room.setFixedSize(self._theme.px(22), self._theme.px(22))

    @Slot()
    def _tell(self) -> None:
        out = self._dock.isFloating()
        self.floats.setIcon(icon("arrow-square-in" if out else "arrow-square-out", self._theme, "muted"))
        what = "Put back into the window" if out else "Take out of the window"
        self.floats.setToolTip(f"{what} (a double click on the title does the same)")
        self.floats.setAccessibleName(f"{what}: {self._dock.windowTitle()}")

    @Slot()
    def _float(self) -> None:
        self._dock.setFloating(not self._dock.isFloating())
