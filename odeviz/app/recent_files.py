"""The files opened or saved lately, remembered from one start to the next."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal

from odeviz.app.actions import RECENT

_KEY = "files/recent"


class RecentFiles(QObject):
    """Absolute paths, the last one first. Without ``settings`` they are forgotten with the window."""

    changed = Signal()

    def __init__(self, settings: QSettings | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        stored = settings.value(_KEY, []) if settings is not None else []
        # A list of one comes back as a text.
        listed = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        self.names: tuple[str, ...] = tuple(name for name in listed if isinstance(name, str) and name)[
            :RECENT
        ]

    def add(self, path: Path) -> None:
        """A file was opened or saved."""
        name = str(path.absolute())
        self._set((name, *(other for other in self.names if other != name))[:RECENT])

    def remove(self, path: Path) -> None:
        """A file cannot be opened any more."""
        self._set(tuple(name for name in self.names if name != str(path.absolute())))

    def clear(self) -> None:
        self._set(())

    def _set(self, names: tuple[str, ...]) -> None:
        if names != self.names:
            self.names = names
            if self._settings is not None:
                self._settings.setValue(_KEY, list(names))
            self.changed.emit()
