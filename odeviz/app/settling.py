"""A hand that pans or zooms: what it brings into view is solved for when it rests, not at each notch of the wheel."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal

#: Seconds of rest that are waited for, and the most that a hand which never rests is waited for.
CALM, MOST = 0.12, 0.5


class Settling(QObject):
    """Waits from :meth:`stir` on, until nothing has stirred for :attr:`calm` seconds."""

    settled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.calm = CALM
        self._since = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.settled)

    @property
    def waiting(self) -> bool:
        """Whether it has not come to rest yet."""
        return self._timer.isActive()

    def stir(self) -> None:
        """It moves."""
        now = time.perf_counter()
        if not self.waiting:
            self._since = now
        left = min(self.calm, MOST - (now - self._since))
        if left > 0.0:
            self._timer.start(round(1000 * left))
