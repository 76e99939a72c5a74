"""The frozen values a workbench holds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, NamedTuple

from odeviz.training.loop import Phase

#: A point of the plane, or a state where it has more than two dimensions.
Point = tuple[float, ...]
#: A rectangle of the plane: x0, x1, y0, y1.
Range = tuple[float, float, float, float]


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
    """Points a person has set in the flow view."""

    points: tuple[Point, ...] = ()

    def added(self, point: Point) -> Seeds:
        """With one more seed, the last."""
        return Seeds((*self.points, point))

    def moved(self, index: int, point: Point) -> Seeds:
        """With one seed elsewhere."""
        return Seeds((*self.points[:index], point, *self.points[index + 1 :]))

    def removed(self, *indices: int) -> Seeds:
        """Without some of them."""
        return Seeds(tuple(point for k, point in enumerate(self.points) if k not in indices))


class Mark(NamedTuple):
    """One trajectory: a seed's, or one of those that the flow view shows, by its number."""

    kind: Literal["seed", "trajectory"]
    index: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected, and what is under the mouse in whatever view: all views light it up."""

    marks: tuple[Mark, ...] = ()
    hovered: Mark | None = None

    def of(self, kind: str) -> tuple[int, ...]:
        """The numbers of the selected of a kind, in the order they were selected."""
        return tuple(mark.index for mark in self.marks if mark.kind == kind)

    @property
    def seed(self) -> int | None:
        """The seed that was selected last: what keys act upon."""
        return next(iter(reversed(self.of("seed"))), None)

    def hovering(self, mark: Mark | None) -> Selection:
        """The same with something else under the mouse."""
        return dataclasses.replace(self, hovered=mark)

    def toggled(self, *marks: Mark) -> Selection:
        """With more selected; what was selected already is no longer."""
        kept = tuple(mark for mark in self.marks if mark not in marks)
        return dataclasses.replace(self, marks=kept + tuple(mark for mark in marks if mark not in self.marks))

    def among(self, seeds: int) -> Selection:
        """Without seeds that are not there any more."""
        kept = tuple(mark for mark in self.marks if mark.kind != "seed" or mark.index < seeds)
        lost = self.hovered is not None and self.hovered.kind == "seed" and self.hovered.index >= seeds
        return Selection(kept, None if lost else self.hovered)


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    """What the trainer is doing, and why it stopped if something stopped it."""

    phase: Phase = Phase.IDLE
    message: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """Which moment of a run is on show: the one of an iteration, or the latest."""

    iteration: int | None = None
    #: It is being dragged: pictures follow the hand, as well as there is time for.
    held: bool = False
