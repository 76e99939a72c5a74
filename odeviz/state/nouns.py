"""The frozen values a workbench holds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from odeviz.bridge.trainer import Phase

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Playhead:
    """The time all views share, and how it moves."""

    t: float = 0.0
    t1: float = 1.0
    playing: bool = False
    loop: bool = True
    #: 1 plays the flow from t = 0 to t1 in :data:`SECONDS`.
    speed: float = 1.0
    #: Seconds a loop has rested at t1.
    rested: float = 0.0

    def at(self, t: float) -> Playhead:
        """The same playhead at time ``t``, kept within [0, t1]."""
        return dataclasses.replace(self, t=min(max(t, 0.0), self.t1))

    def with_end(self, t1: float) -> Playhead:
        """The same playhead for a flow that ends at ``t1``, at the same fraction of it."""
        return self if t1 == self.t1 else dataclasses.replace(self, t=self.t / self.t1 * t1, t1=t1)

    def advanced(self, seconds: float) -> Playhead:
        """Where it is after ``seconds`` of playing.

        At t1 a loop rests a moment, so that the eye takes in the result, and starts again; else it stops.
        """
        if self.t < self.t1:
            return dataclasses.replace(self.at(self.t + self.speed * seconds * self.t1 / SECONDS), rested=0.0)
        if not self.loop:
            return dataclasses.replace(self, playing=False, rested=0.0)
        rested = self.rested + self.speed * seconds
        if rested < REST_SECONDS:
            return dataclasses.replace(self, rested=rested)
        return dataclasses.replace(self, t=0.0, rested=0.0)


#: Seconds from t = 0 to t1 at speed 1.
SECONDS = 4.0
#: The rest at the end of a loop, at speed 1.
REST_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class Seeds:
    """Points a person has set in the flow view, and which of them is selected."""

    points: tuple[Point, ...] = ()
    selected: int | None = None

    def added(self, point: Point) -> Seeds:
        """With one more seed, which is selected."""
        return Seeds((*self.points, point), len(self.points))

    def moved(self, index: int, point: Point) -> Seeds:
        """With one seed elsewhere."""
        return Seeds((*self.points[:index], point, *self.points[index + 1 :]), index)

    def removed(self, index: int) -> Seeds:
        """Without one seed."""
        return Seeds((*self.points[:index], *self.points[index + 1 :]), None)

    def select(self, index: int | None) -> Seeds:
        return dataclasses.replace(self, selected=index)


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    """What the trainer is doing, and why it stopped if something stopped it."""

    phase: Phase = Phase.IDLE
    message: str = ""
