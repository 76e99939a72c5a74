"""The moving background: density or decision frames of one snapshot at equal times, filled in idle time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

Frame = TypeVar("Frame")


class FrameCache(Generic[Frame]):
    """Frames at ``count`` equal times of [0, t1], each in up to ``len(grids)`` resolutions, coarse first.

    It only keeps the books: :meth:`next_wanted` says what to compute, :meth:`store` takes the answer.
    """

    def __init__(self, t1: float, count: int = 25, grids: Sequence[int] = (40, 100)) -> None:
        self.t1 = t1
        self.grids = tuple(grids)
        self.times = tuple(t1 * k / (count - 1) for k in range(count))
        self._frames: list[Frame | None] = [None] * count
        self._levels = [-1] * count

    def index(self, t: float) -> int:
        """The frame nearest to time ``t``."""
        last = len(self.times) - 1
        return min(max(round(t / self.t1 * last), 0), last)

    def store(self, t: float, n: int, frame: Frame) -> None:
        """Keep a frame unless a finer one is there."""
        k, level = self.index(t), self.grids.index(n)
        if level > self._levels[k]:
            self._levels[k] = level
            self._frames[k] = frame

    def is_finest(self, t: float) -> bool:
        """Whether the frame at ``t`` is there in the finest resolution."""
        return self._levels[self.index(t)] == len(self.grids) - 1

    def nearest(self, t: float) -> Frame | None:
        """The stored frame nearest to ``t``; None if nothing is stored."""
        here = self.index(t)
        order = sorted(range(len(self.times)), key=lambda k: abs(k - here))
        return next((frame for k in order if (frame := self._frames[k]) is not None), None)

    def next_wanted(self, t: float, still: bool = False) -> tuple[float, int] | None:
        """Time and grid size of the frame to compute next for a playhead at ``t``; None when all is there.

        Coarse before fine, and within a resolution in playing order from ``t``, round to the start.
        ``still`` (the playhead rests) takes the present frame to the finest grid first.
        """
        here, count = self.index(t), len(self.times)
        if still and self._levels[here] < len(self.grids) - 1:
            return self.times[here], self.grids[self._levels[here] + 1]
        for level, n in enumerate(self.grids):
            for offset in range(count):
                k = (here + offset) % count
                if self._levels[k] < level:
                    return self.times[k], n
        return None
