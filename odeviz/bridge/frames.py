"""The moving background: density or decision frames of one snapshot at equal times, filled in idle time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Frame = TypeVar("Frame")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A frame to compute: its time, grid points a side, and whether a person waits for it."""

    t: float
    n: int
    awaited: bool = False


@dataclass(slots=True)
class _Slot(Generic[Frame]):
    t: float
    level: int = -1
    frame: Frame | None = None


class FrameCache(Generic[Frame]):
    """Frames at ``count`` equal times of [0, t1], each in up to ``len(grids)`` resolutions, coarse first.

    A playhead that rests between two of them gets a frame of its very time, in the resolutions ``glances``.
    It only keeps the books: :meth:`next_wanted` says what to compute, :meth:`store` takes the answer.
    """

    def __init__(
        self, t1: float, count: int = 25, grids: Sequence[int] = (40, 100), glances: Sequence[int] = (48, 100)
    ) -> None:
        self.t1 = t1
        self.grids, self.glances = tuple(grids), tuple(glances)
        self.times = tuple(t1 * k / (count - 1) for k in range(count))
        self._slots: list[_Slot[Frame]] = [_Slot(t) for t in self.times]
        #: The frame of the time at which the playhead rests.
        self._glance: _Slot[Frame] = _Slot(math.nan)

    def index(self, t: float) -> int:
        """The frame nearest to time ``t``."""
        last = len(self.times) - 1
        return min(max(round(t / self.t1 * last), 0), last)

    def store(self, t: float, n: int, frame: Frame) -> None:
        """Keep a frame unless a finer one is there."""
        if t != self.times[self.index(t)]:
            if t != self._glance.t:
                self._glance = _Slot(t)
            slot, level = self._glance, self.glances.index(n)
        else:
            slot = self._slots[self.index(t)]
            level = (self.grids if n in self.grids else self.glances).index(n)
        if level > slot.level:
            slot.level, slot.frame = level, frame

    def is_finest(self, t: float, still: bool = False) -> bool:
        """Whether the frame at ``t`` is there in the finest resolution; of a moving playhead, the one nearest to it."""
        slot = self._slot_at(t) if still else self._slots[self.index(t)]
        return slot is not None and slot.level == len(self.grids) - 1

    def nearest(self, t: float) -> Frame | None:
        """The stored frame nearest to ``t``; None if nothing is stored."""
        there = [slot for slot in (self._glance, *self._slots) if slot.frame is not None]
        return min(there, key=lambda slot: abs(slot.t - t)).frame if there else None

    def next_wanted(self, t: float, still: bool = False) -> Wanted | None:
        """The frame to compute next for a playhead at ``t``; None when all is there.

        Coarse before fine, and within a resolution in playing order from ``t``, round to the start.
        ``still`` (the playhead rests) takes the frame of its very time to the finest grid first.
        """
        if still and not self.is_finest(t, still=True):
            slot = self._slot_at(t)
            return Wanted(t, self.glances[slot.level + 1 if slot is not None else 0], awaited=True)
        here, count = self.index(t), len(self.times)
        for level, n in enumerate(self.grids):
            for offset in range(count):
                slot = self._slots[(here + offset) % count]
                if slot.level < level:
                    return Wanted(slot.t, n)
        return None

    def _slot_at(self, t: float) -> _Slot[Frame] | None:
        return next((slot for slot in (self._glance, self._slots[self.index(t)]) if slot.t == t), None)
