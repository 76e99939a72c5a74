"""Cyclic garbage is collected on the GUI thread only: a collection in a worker could destroy its QObjects."""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer, Slot

#: Milliseconds between two looks at what has piled up.
PERIOD = 500
#: Seconds between two full collections.
FULL = 30.0


class GarbageCollector(QObject):
    """Switches Python's own collector off, collects on a timer, and puts all back in :meth:`stop`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.collect)
        self._timer.start(PERIOD)
        self._full = time.monotonic()

    @Slot()
    def collect(self) -> None:
        """Collect the generations whose thresholds are passed, as Python would."""
        counts, thresholds = gc.get_count(), gc.get_threshold()
        if time.monotonic() - self._full > FULL:
            self._full = time.monotonic()
            gc.collect(2)
        elif counts[1] > thresholds[1]:
            gc.collect(1)
        elif counts[0] > thresholds[0]:
            gc.collect(0)

    @Slot()
    def settle(self) -> None:
        """Set aside what has come to stay (modules just loaded), so that full collections stay short."""
        gc.collect(0)
        gc.freeze()

    def stop(self) -> None:
        """Hand collecting back to Python."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
