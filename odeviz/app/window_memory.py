"""What the window remembers from one start to the next: where it stands, its docks, its theme, text and motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, QSettings, QTimer, Slot

if TYPE_CHECKING:
    from odeviz.app.main_window import MainWindow

#: Milliseconds between two looks at where the docks stand.
PERIOD = 60_000


class WindowMemory(QObject):
    """Writes to the settings, if there are any: a choice of the look at once, the layout now and then and at the end.

    ``version`` is the layout's: one remembered by another version is left alone.
    """

    def __init__(self, window: MainWindow, settings: QSettings | None, version: int) -> None:
        super().__init__(window)
        self._window, self._settings, self._version = window, settings, version
        self._look = self._look_now()
        self._layout: tuple[QByteArray, QByteArray] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(PERIOD)
        self._timer.timeout.connect(self.keep_layout)
        window.theme.chosen.connect(self.keep_look)

    def restore(self) -> None:
        """Stand as it was left, and remember from now on."""
        if self._settings is None:
            return
        geometry, state = (self._settings.value(f"window/{name}") for name in ("geometry", "state"))
        if isinstance(geometry, QByteArray):
            self._window.restoreGeometry(geometry)
        # Another version's layout is refused by Qt, and the default one stays.
        if isinstance(state, QByteArray):
            self._window.restoreState(state, self._version)
        self._timer.start()

    @Slot()
    def keep_look(self) -> None:
        """Write what a person has chosen; what the command line or the system asks for is for this once."""
        now = self._look_now()
        if self._settings is None or now == self._look:
            return
        for name, before, value in zip(("theme", "text", "calm"), self._look, now, strict=True):
            if value != before:
                self._settings.setValue(f"window/{name}", value)
        self._look = now
        self._settings.sync()

    @Slot()
    def keep_layout(self) -> None:
        """Write where everything stands, if it does not stand as written."""
        # While a dock is withdrawn for a task's sake, the layout would tell that a person had closed it.
        if self._settings is None or not self._window.isVisible() or self._window.behind.withdrawn:
            return
        layout = self._window.saveGeometry(), self._window.saveState(self._version)
        if layout != self._layout:
            self._layout = layout
            self._settings.setValue("window/geometry", layout[0])
            self._settings.setValue("window/state", layout[1])

    def keep_last(self) -> None:
        """The window closes: write the layout as it is without regard to the task on show."""
        if self._settings is None:
            return
        behind = self._window.behind
        behind.dock.setVisible(behind.withdrawn or not behind.dock.isHidden())
        self._settings.setValue("window/geometry", self._window.saveGeometry())
        self._settings.setValue("window/state", self._window.saveState(self._version))
        self._settings.sync()
        behind.keep()

    def _look_now(self) -> tuple[str, float, bool]:
        theme = self._window.theme
        return theme.mode, theme.scale, theme.calm
