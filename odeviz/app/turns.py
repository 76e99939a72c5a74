"""What follows a tick, one piece in each turn of the event loop."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QMetaObject, QObject, Qt, QTimer, Signal, Slot

#: Milliseconds to the next turn. With none at all it would come only when nothing else is to be done.
_SOON = 1
#: What took longer than so many seconds is not painted at once: mouse, keys and timers come before.
_LONG = 0.001
#: So many milliseconds after it the floor is free, whether something has been painted or not.
_AT_LAST = 6


class Floor(QObject):
    """Who has the event loop: a tick, or something that follows it, until what that has changed is painted.

    Timers that are due fire one after the other, and all that they changed is painted after the last. Whoever cannot
    have the floor comes back a moment later, when others too have had their turn.
    """

    #: It is free again.
    left = Signal()
    #: Something took long: the paint of what it has changed is better left for a moment.
    lasted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._taken = self._at_work = False
        self._began = 0.0
        self._at_last = QTimer(self)
        self._at_last.setSingleShot(True)
        self._at_last.setInterval(_AT_LAST)
        self._at_last.timeout.connect(self.leave)

    def take(self) -> bool:
        """Whether it was free; whoever takes it calls :meth:`done`."""
        if self._taken:
            return False
        self._taken = self._at_work = True
        self._began = time.perf_counter()
        QMetaObject.invokeMethod(self, "_interrupt", Qt.ConnectionType.QueuedConnection)
        return True

    def done(self) -> None:
        """What has changed is painted now, and then the floor is free."""
        self._at_work = False
        if time.perf_counter() - self._began > _LONG:
            self._at_last.start()
            self.lasted.emit()
            return
        QMetaObject.invokeMethod(self, "leave", Qt.ConnectionType.QueuedConnection)

    def painted(self) -> None:
        """What somebody has changed is painted."""
        if self._at_last.isActive():
            self.leave()

    @Slot()
    def _interrupt(self) -> None:
        # Comes while somebody is still at work: in the event loop of a question that a person has to answer.
        if self._at_work:
            self.leave()

    @Slot()
    def leave(self) -> None:
        """It is free."""
        self._at_last.stop()
        if self._taken:
            self._taken = False
            self.left.emit()


class Turns(QObject):
    """Does one thing in each turn of the event loop, in the order they came.

    What one thing has changed is painted before the next is done, and mouse, keys and timers come in between: many
    panels that follow the same tick do not hold up the window together.
    """

    def __init__(self, parent: QObject | None = None, floor: Floor | None = None) -> None:
        super().__init__(parent)
        self.floor = floor or Floor(self)
        self._due: dict[str, Callable[[], object]] = {}
        #: What is not forgotten.
        self._lasting: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.take)
        self.floor.left.connect(self._wait)

    @property
    def due(self) -> tuple[str, ...]:
        """The names of what is still to be done."""
        return tuple(self._due)

    def give(self, key: str, do: Callable[[], object], lasting: bool = False) -> None:
        """Do this when its turn comes; a later call for the same ``key`` takes its place.

        What is ``lasting`` is done whatever is forgotten.
        """
        self._due[key] = do
        if lasting:
            self._lasting.add(key)
        self._wait()

    def clear(self) -> None:
        """Forget what is still to be done, but for what is lasting."""
        self._due = {key: do for key, do in self._due.items() if key in self._lasting}

    @Slot()
    def take(self) -> None:
        """Do what is due now."""
        if not self._due or not self.floor.take():
            return
        do = self._due.pop(next(iter(self._due)))
        try:
            do()
        finally:
            self.floor.done()

    @Slot()
    def _wait(self) -> None:
        """Be next, as soon as others that are due have been."""
        if self._due and not self._timer.isActive():
            self._timer.start(_SOON)
