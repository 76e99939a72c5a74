"""Which part of the plane is solved for: all that is seen, and a little more."""

from __future__ import annotations

import dataclasses
import math

from odeviz.analysis.results import Extent
from odeviz.state import Range

#: How much larger than what is seen the solved part is, so that a pan of a few pixels finds it solved already.
ROOM = 1.15
#: Once what is seen is narrower or lower than this share of what is solved, it is solved anew, more finely.
SHARE = 0.5


class Coverage:
    """Keeps :attr:`extent` until what is seen leaves it, or is so small a part of it that more would be seen finer."""

    def __init__(self) -> None:
        self._scene: Extent | None = None
        self._seen: Range | None = None
        #: What is solved for; None until the scene is known.
        self.extent: Extent | None = None

    def place(self, scene: Extent | None) -> None:
        """The plane with its data lies here."""
        if scene != self._scene:
            self._scene = scene
            if scene is None or self.extent is None or not self._same_plane(scene):
                self.extent = None
            self._renew()

    def see(self, seen: Range) -> bool:
        """This part is seen now; True if another has to be solved for."""
        before = self.extent
        if math.isfinite(sum(seen)) and seen[0] < seen[1] and seen[2] < seen[3]:
            self._seen = seen
            self._renew()
        return self.extent != before

    def _same_plane(self, scene: Extent) -> bool:
        assert self.extent is not None
        e = self.extent
        return dataclasses.replace(scene, x0=e.x0, x1=e.x1, y0=e.y0, y1=e.y1) == e

    def _renew(self) -> None:
        scene = self._scene
        if scene is None:
            self.extent = None
            return
        x0, x1, y0, y1 = self._seen or (scene.x0, scene.x1, scene.y0, scene.y1)
        e = self.extent
        if e is not None:
            inside = e.x0 <= x0 and x1 <= e.x1 and e.y0 <= y0 and y1 <= e.y1
            if inside and min((x1 - x0) / (e.x1 - e.x0), (y1 - y0) / (e.y1 - e.y0)) >= SHARE:
                return
        w, h = (ROOM - 1) * (x1 - x0) / 2, (ROOM - 1) * (y1 - y0) / 2
        self.extent = dataclasses.replace(scene, x0=x0 - w, x1=x1 + w, y0=y0 - h, y1=y1 + h)
