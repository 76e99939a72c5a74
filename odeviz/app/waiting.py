"""Why a picture is not there yet: what is solved before it, or for how long it has been worked on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer, Slot

from odeviz.bridge import SolveService

#: What the requests of a kind are for; of others it is said how many there are.
_NAMES = {
    "flow": "the trajectories",
    "field": "the field",
    "cost": "the solver's error",
    "background": "the background",
    "view": "the view beside",
    "precision": "the Tolerance panel",
    "film": "the film",
}
#: Seconds that nobody has to be told of, and milliseconds between two looks.
_BRIEF, _EVERY = 1.0, 500


class Waiting(QObject):
    """Tells every half a second why a picture of a kind is on its way, while it is."""

    def __init__(
        self, service: SolveService, kind: str, training: Callable[[], bool], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._service, self._kind, self._training = service, kind, training
        self._since = 0.0
        self._tell: Callable[[str], object] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY)
        self._timer.timeout.connect(self._look)

    def begin(self, tell: Callable[[str], object]) -> None:
        """A picture has been asked for: ``tell`` what it waits for until :meth:`end`, from the first time on."""
        if self._tell is None:
            self._since = time.monotonic()
        self._tell = tell
        self._timer.start()

    def end(self) -> None:
        """It is there, or nobody waits for it any more."""
        self._tell = None
        self._timer.stop()

    @Slot()
    def _look(self) -> None:
        ahead = self._service.before(self._kind)
        if self._tell is not None and ahead is not None:
            self._tell(reason(ahead, time.monotonic() - self._since, self._training()))


def reason(ahead: Sequence[str], seconds: float, training: bool) -> str:
    """One or two lines: what is solved before, by kinds, or for how long it has been worked on."""
    if seconds < _BRIEF:
        return "Drawing…"
    slow = "\nIt takes longer while training goes on." if training else ""
    if not ahead:
        return f"Drawing… {seconds:.0f} s{slow}"
    named = [_NAMES[kind] for kind in ahead if kind in _NAMES]
    others = len(ahead) - len(named)
    if others:
        named.append(f"{others} other{'s' if others > 1 else ''}" if named else f"{others} before it")
    *some, last = named
    return f"Waits for {', '.join(some)}{' and ' if some else ''}{last}…{slow}"
