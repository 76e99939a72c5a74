"""The one redraw timer: everything that changes a picture over time happens on its ticks."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from odeviz.app.turns import Floor

#: The shortest time between two ticks, in seconds: no screen shows more.
FRAME = 1 / 60
#: A tick never tells of more than this, so that nothing jumps after a pause.
LONGEST = 0.1
#: The longest gap: where a tick or a paint has once taken seconds, pictures do not stand still for as long again.
MOST = 0.4
#: A paint that begins this soon after a tick, or after another paint of it, is its doing.
FOLLOWS = 0.005


class RedrawLoop(QObject):
    """Ticks while there is something to draw, and leaves room between two paints.

    Painting holds the interpreter lock, and training pays for it: after a paint that took p seconds, the next
    waits at least ``gap`` p.
    """

    #: Seconds since the last tick (0 for the first after a rest).
    tick = Signal(float)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.gap = 1.0
        self.floor = Floor(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self._going = False
        self._last: float | None = None
        self._began = 0.0
        self._ended = 0.0
        self._cost = 0.0
        self._allowed = 0.0
        #: When the gap after the last paint is over.
        self._rested = 0.0

    @property
    def going(self) -> bool:
        """Whether it ticks on and on."""
        return self._going

    def set_going(self, going: bool) -> None:
        """Tick on and on (while playing or training), or only when woken."""
        self._going = going
        if going:
            self.wake()

    def wake(self, under_hand: bool = False) -> None:
        """Something waits to be drawn: tick as soon as the gap allows, and what is ``under_hand`` before its frame."""
        if under_hand:
            self._allowed = min(self._allowed, self._rested)
        if under_hand or not self._timer.isActive():
            self._timer.start(self._wait())

    @Slot(float)
    def painted(self, seconds: float) -> None:
        """The window has painted, in this many seconds."""
        self.floor.painted()
        now = time.perf_counter()
        if now - seconds - self._ended > FOLLOWS:
            # Not of the last tick: a button was hovered, a number changed.
            self._cost = 0.0
        self._ended = now
        self._cost += seconds
        self._rested = now + min(self.gap * self._cost, MOST)
        self._allowed = min(max(self._allowed, self._began + FRAME, self._rested), now + MOST)

    def stop(self) -> None:
        """No more ticks."""
        self._going = False
        self._timer.stop()

    def _wait(self) -> int:
        return max(0, round(1000 * (self._allowed - time.perf_counter())))

    @Slot()
    def _on_timeout(self) -> None:
        if self._wait() > 1:
            # A paint came in between and moved the next tick back.
            self._timer.start(self._wait())
            return
        if not self.floor.take():
            self._timer.start(1)
            return
        now = time.perf_counter()
        passed = 0.0 if self._last is None else min(now - self._last, LONGEST)
        self._last = now
        # Frames are counted from when a tick was due, not from when its timer fired: being late does not add up.
        self._began = self._allowed if abs(now - self._allowed) < FRAME else now
        try:
            self.tick.emit(passed)
        finally:
            self.floor.done()
        self._ended = time.perf_counter()
        self._cost = self._ended - now
        # A tick that paints nothing need not be waited for; going on and on, it must.
        self._rested = self._ended + min(self.gap * self._cost, MOST)
        self._allowed = max(self._rested, self._began + FRAME if self._going else now)
        if self._going:
            self.wake()
        elif not self._timer.isActive():
            self._last = None
