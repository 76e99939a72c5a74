"""The bounded record of a run, which becomes a :class:`History`. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from odeviz.training.snapshot import History

#: iteration, seconds, loss, nfe_forward, nfe_backward, metric
Row = tuple[int, float, float, float, float, float]


class Recorder:
    """Keeps rows of a run, at most ``capacity`` of them.

    When it is full every second row goes, and from then on only every second iteration is kept; so rows stay
    evenly spaced however long the run.
    """

    def __init__(self, capacity: int = 2000, history: History | None = None) -> None:
        self._capacity = capacity
        self._stride = 1
        self._rows: list[Row] = []
        if history is not None:
            columns = (getattr(history, name).tolist() for name in History.__slots__)
            self._rows = list(zip(*columns, strict=True))
            if 2 * len(self._rows) >= capacity:
                # It may have been thinned: the new rows keep its distance, a power of two.
                common = math.gcd(*(row[0] for row in self._rows))
                self._stride = max(1, common & -common)
            self._thin()

    @property
    def stride(self) -> int:
        """Iterations between two rows."""
        return self._stride

    def add(self, row: Row) -> None:
        """Record one iteration, unless it falls between two rows."""
        if row[0] % self._stride:
            return
        self._rows.append(row)
        self._thin()

    def _thin(self) -> None:
        while len(self._rows) > self._capacity:
            self._stride *= 2
            self._rows = [kept for kept in self._rows if kept[0] % self._stride == 0]

    def history(self) -> History:
        """The rows so far, as read-only columns."""
        rows: Sequence[Row] = self._rows
        if not rows:
            return History.empty()
        iteration, *columns = zip(*rows, strict=True)
        index = np.array(iteration, dtype=np.int64)
        values = [np.array(column, dtype=np.float64) for column in columns]
        for array in (index, *values):
            array.setflags(write=False)
        return History(index, *values)

    def state_dict(self) -> dict[str, Any]:
        return {"stride": self._stride, "rows": list(self._rows)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._stride, self._rows = state["stride"], list(state["rows"])
