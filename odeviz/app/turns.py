"""What follows a tick, one piece in each turn of the event loop."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

#: Milliseconds to the next turn. With none at all it would come only when nothing else is to be done.
_SOON = 1


class Turns(QObject):
    """Does one thing in each turn of the event loop, in the order they came.

    What one thing has changed is painted before the next is done, and mouse, keys and timers come in between: many
    panels that follow the same tick do not hold up the window together.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._due: dict[str, Callable[[], object]] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.take)

    @property
    def due(self) -> tuple[str, ...]:
        """The names of what is still to be done."""
        return tuple(self._due)

    def give(self, key: str, do: Callable[[], object]) -> None:
        """Do this when its turn comes; a later call for the same ``key`` takes its place."""
        self._due[key] = do
        if not self._timer.isActive():
            self._timer.start(_SOON)

    def clear(self) -> None:
        """Forget what is still to be done."""
        self._due.clear()
        self._timer.stop()

    @Slot()
    def take(self) -> None:
        """Do what is due now."""
        if not self._due:
            return
        do = self._due.pop(next(iter(self._due)))
        if self._due:
            # Before it is done, which may raise.
            self._timer.start(_SOON)
        do()
