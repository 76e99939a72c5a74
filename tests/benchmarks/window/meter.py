"""The stall meter: how late the window's event loop is."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Slot

PERIOD = 0.005


@dataclass(frozen=True, slots=True)
class Lateness:
    """Milliseconds by which a 5 ms precise timer fires later than asked."""

    p99: float
    max: float
    #: Processor time that the window's own thread took between two firings: what it alone answers for, on a busy
    #: machine too.
    own_p99: float
    own_max: float


class StallMeter(QObject):
    """Runs from when it is made until :meth:`stop`."""

    def __init__(self) -> None:
        super().__init__()
        self._late: list[float] = []
        self._own: list[float] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._fired)
        self._last, self._used = time.perf_counter(), time.thread_time()
        self._timer.start(round(1000 * PERIOD))

    @Slot()
    def _fired(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        self._late.append(max(0.0, now - self._last - PERIOD))
        self._own.append(used - self._used)
        self._last, self._used = now, used

    def stop(self) -> Lateness:
        self._fired()
        self._timer.stop()
        late, own = 1000 * np.array(self._late), 1000 * np.array(self._own)
        return Lateness(
            float(np.percentile(late, 99)), float(late.max()), float(np.percentile(own, 99)), float(own.max())
        )
