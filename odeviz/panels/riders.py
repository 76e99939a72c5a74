"""Dots that ride on the paths of a chart with the playhead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor

from odeviz.tasks.chart import Curve
from odeviz.widgets.primitives import Dots, bounds

#: Pixels of a dot.
_SIZE = 9.0


class Riders(Dots):
    """One dot on every path, where it is at the playhead's time; none before it begins or after its end."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[Curve] = []
        self._kinds = np.empty(0, dtype=np.intp)
        self._there = np.empty(0, dtype=bool)
        self._colours: list[str] = []
        self._room = QRectF()
        #: Where the dots are, ``[n, 2]``.
        self.places = np.empty((0, 2))

    @property
    def any(self) -> bool:
        """Whether there is any path."""
        return bool(self._paths)

    def set_paths(self, paths: Sequence[Curve], fills: Sequence[str], outline: str, t: float) -> None:
        """Ride on these curves, which have times, from ``t`` on, in the colours of theirs."""
        if not paths and not self._paths:
            return
        self._paths = list(paths)
        if [*fills, outline] != self._colours:
            self._colours = [*fills, outline]
            each = list(dict.fromkeys(fills))
            self._kinds = np.array([each.index(fill) for fill in fills], dtype=np.intp)
            self.set_looks([(QColor(fill), QColor(outline)) for fill in each or [outline]], _SIZE)
        every = [np.stack([c.x, c.y], axis=1) for c in paths]
        room = np.concatenate(every) if every else np.empty((0, 2))
        self._room = bounds(room[np.isfinite(room).all(axis=1)])
        self._there = np.zeros(len(paths), dtype=bool)
        self.set_time(t)

    def set_time(self, t: float) -> None:
        """Ride on to the playhead's time."""
        at = [
            [np.interp(t, path.t, values, np.nan, np.nan) for values in (path.x, path.y)]
            for path in self._paths
            if path.t is not None
        ]
        places = np.array(at, dtype=np.float64).reshape(-1, 2)
        there = np.isfinite(places).all(axis=1)
        self.places = places[there]
        if len(there) and (there == self._there).all():
            self.move(self.places)
            return
        self._there = there
        self.set_points(self.places, self._kinds[there])
        self.set_bounds(self._room)
