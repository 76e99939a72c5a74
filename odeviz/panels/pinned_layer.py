"""The pinned setting's trajectories: thin dashed lines under the present ones, and where the two differ most."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt

from odeviz.panels.flow_layers import Layer, at_time, frame_at
from odeviz.widgets.primitives import Dots, Segments, pen, polyline
from odeviz.widgets.theme import Theme
from odeviz.widgets.trail import Trail

#: Times ``[T]`` and finite paths ``[T, B, 2]`` as they are seen.
Seen = tuple[NDArray[Any], NDArray[np.float64]]
#: A difference shorter than this share of the picture's width cannot be seen: it is not marked.
_SEEN = 0.004


class PinnedLayer(Layer):
    """Draws the paths of one solve up to the playhead, and joins the two heads that are farthest apart."""

    def __init__(self, theme: Theme) -> None:
        self._trail, self._gap, self._ends = Trail(), Segments(), Dots()
        super().__init__(theme, [self._trail, self._gap, self._ends], 9)
        for item in (self._gap, self._ends):
            item.setZValue(30)
        self._pinned: Seen | None = None
        self._live: Seen | None = None
        self._width = 1.0
        #: The two ends ``[2, 2]`` of what is marked, the present one first; empty for nothing.
        self.gap: NDArray[np.float64] = np.empty((0, 2))
        self.restyle()

    def clear(self) -> None:
        """Draw nothing."""
        if self._pinned is not None:
            self._pinned = self._live = None
            self._trail.set_segments(np.empty((0, 4)))
            self._mark(0.0)

    def show_result(self, pinned: Seen, live: Seen | None, width: float) -> None:
        """Draw the pinned trajectories beside the present ones, in a picture of this width."""
        if self._pinned is None or not np.array_equal(pinned[1], self._pinned[1]):
            self._pinned = pinned
            self._trail.set_segments(polyline(pinned[1]))
            self.restyle()
        self._live, self._width = live, width

    def set_time(self, t: float) -> None:
        if self._pinned is not None:
            times, paths = self._pinned
            frame, share = frame_at(times, t)
            # The segment that the playhead is in is drawn whole: at this width it does not show.
            self._trail.set_count((frame + (share > 0)) * paths.shape[1], fixed=frame * paths.shape[1])
        self._mark(t)

    def restyle(self) -> None:
        shade, count = self.theme.colors.text, 0 if self._pinned is None else self._pinned[1].shape[1]
        line = pen(shade, 1.0, float(np.clip(6.0 / np.sqrt(max(count, 1)), 0.3, 0.8)))
        line.setStyle(Qt.PenStyle.DotLine)
        self._trail.set_pen(line)
        self._gap.set_pen(pen(self.theme.colors.accent, 2.0), smooth=True)
        self._ends.set_looks(
            [(self.theme.qcolor(self.theme.colors.accent, 1.0), self.theme.qcolor(shade, 0.9))], 7.0
        )

    def _mark(self, t: float) -> None:
        self.gap = np.empty((0, 2))
        if (
            self._pinned is not None
            and self._live is not None
            and self._live[1].shape[1] == self._pinned[1].shape[1] > 0
        ):
            here, there = at_time(*self._live, t), at_time(*self._pinned, t)
            far = np.linalg.norm(here - there, axis=1)
            worst = int(far.argmax())
            if far[worst] > _SEEN * self._width:
                self.gap = np.stack([here[worst], there[worst]])
        self._gap.set_segments(self.gap.reshape(-1, 4))
        self._ends.set_points(self.gap, np.zeros(len(self.gap), dtype=np.int64))
