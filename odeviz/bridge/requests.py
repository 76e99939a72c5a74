"""What the window can ask of a snapshot: frozen questions that know how to put themselves to a study.

Adding a question is adding a class here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from odeviz.analysis.filming import film_of_time, film_of_training, with_shares
from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import DataResult, Extent, SolverChoice
from odeviz.tasks.viewpoint import WHOLE, Viewpoint
from odeviz.training.snapshot import Snapshot


class Cancel(Protocol):
    """Anything that can be asked whether to stop, for example ``threading.Event``."""

    def is_set(self) -> bool: ...


class Request(Protocol):
    """A question: ``answer`` puts it to an :class:`odeviz.analysis.study.Study`; None means cancelled."""

    #: Requests of one kind replace each other.
    kind: ClassVar[str]

    #: The lowest goes first. From :data:`BACKGROUND` on, a request makes room for those before it.
    @property
    def urgency(self) -> int: ...

    def answer(self, study: Any, cancel: Cancel) -> Any: ...


#: Cells a side below which a boundary would have corners.
COARSE = 64
#: The task's own plane.
OWN = Projection()


def _seen(study: Any, projection: Projection) -> Any:
    """The study through a projection."""
    return study if projection == OWN else study.through(projection)


#: Requests at least this unurgent are interrupted, and taken up again, when something more urgent is asked.
BACKGROUND = 5
#: What is waited for in the background itself: it interrupts what is not.
INTERRUPTING = BACKGROUND + 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What stays the same for all snapshots of a run: the view's rectangle, the times, the data."""

    extent: Extent
    t1: float
    data: DataResult
    space: SpaceResult = field(default_factory=SpaceResult)


@dataclass(frozen=True, slots=True)
class SceneRequest:
    """The view's rectangle and ``points`` points of the data."""

    points: int = 1000
    projection: Projection = OWN
    kind: ClassVar[str] = "scene"
    urgency: ClassVar[int] = 0

    def answer(self, study: Any, cancel: Cancel) -> Scene | None:
        study = _seen(study, self.projection)
        data = study.data(self.points)
        return None if data is None else Scene(study.extent, study.t1, data, study.space)


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """What is known at one point at one time."""

    point: tuple[float, float]
    t: float
    projection: Projection = OWN
    kind: ClassVar[str] = "probe"
    urgency: ClassVar[int] = 1

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return _seen(study, self.projection).probe(self.point, self.t, cancel=cancel)


@dataclass(frozen=True, slots=True)
class SeedsRequest:
    """Trajectories through the points a person has set."""

    #: Points of the plane, or states where those have more than two dimensions.
    seeds: tuple[tuple[float, ...], ...]
    choice: SolverChoice
    frames: int = 121
    projection: Projection = OWN
    kind: ClassVar[str] = "seeds"
    urgency: ClassVar[int] = 2

    def answer(self, study: Any, cancel: Cancel) -> Any:
        import numpy as np

        points = np.asarray(self.seeds, dtype=np.float32)
        labels = np.full(len(points), -1, dtype=np.int64)
        return _seen(study, self.projection).flow(
            points, labels, self.choice, frames=self.frames, with_error=False, cancel=cancel
        )


@dataclass(frozen=True, slots=True)
class FlowRequest:
    """Trajectories of ``count`` points of the data (classification) or the base distribution (density)."""

    choice: SolverChoice
    count: int = 400
    frames: int = 61
    seed: int = 0
    projection: Projection = OWN
    kind: ClassVar[str] = "flow"
    urgency: ClassVar[int] = 3

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return self._flow(study, cancel, with_error=False)

    def _flow(self, study: Any, cancel: Cancel, with_error: bool) -> Any:
        study = _seen(study, self.projection)
        points, labels = study.default_seeds(self.count, self.seed)
        return study.flow(
            points, labels, self.choice, frames=self.frames, with_error=with_error, cancel=cancel
        )


@dataclass(frozen=True, slots=True)
class CostRequest(FlowRequest):
    """The same trajectories with their error against a tight reference: before the background fills in."""

    kind: ClassVar[str] = "cost"
    urgency: ClassVar[int] = BACKGROUND

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return self._flow(study, cancel, with_error=True)


@dataclass(frozen=True, slots=True)
class PinnedRequest(CostRequest):
    """The same for the setting that is pinned; its error only where it is ``measured``, which takes longest."""

    measured: bool = True
    kind: ClassVar[str] = "pinned"

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return self._flow(study, cancel, with_error=self.measured)


@dataclass(frozen=True, slots=True)
class FieldRequest:
    """The vector field on about ``n x n`` nodes at ``times`` times."""

    extent: Extent
    n: int = 25
    times: int = 33
    projection: Projection = OWN
    kind: ClassVar[str] = "field"
    urgency: ClassVar[int] = 4

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return _seen(study, self.projection).field(self.extent, n=self.n, times=self.times, cancel=cancel)


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """One of the task's own views, or of those that any flow has."""

    view: str
    choice: SolverChoice
    viewpoint: Viewpoint = WHOLE
    #: Another setting to show beside the choice.
    pinned: SolverChoice | None = None
    kind: ClassVar[str] = "view"

    @property
    def urgency(self) -> int:
        """A first look follows a hand."""
        return INTERRUPTING if self.viewpoint.patience == 0.0 else INTERRUPTING + 1

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return study.view(self.view, self.choice, cancel=cancel, viewpoint=self.viewpoint, pinned=self.pinned)


@dataclass(frozen=True, slots=True)
class PrecisionRequest(ViewRequest):
    """A view of what accuracy costs: measured piece by piece, after the others."""

    kind: ClassVar[str] = "precision"

    @property
    def urgency(self) -> int:
        return INTERRUPTING if self.viewpoint.patience == 0.0 else INTERRUPTING + 2


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """What lies behind the flow at one time; ``awaited`` if it is to be shown, not kept for later."""

    t: float
    extent: Extent
    n: int
    choice: SolverChoice
    awaited: bool = True
    projection: Projection = OWN
    #: Few cells are made more beside a boundary, which would have corners.
    smooth: bool = True
    kind: ClassVar[str] = "background"

    @property
    def urgency(self) -> int:
        """Frames for later go after the views."""
        return INTERRUPTING if self.awaited else INTERRUPTING + 3


@dataclass(frozen=True, slots=True)
class DensityRequest(FrameRequest):
    """log p(z, t) on about ``n x n`` cells."""

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return study.density(self.t, self.extent, self.n, self.choice, cancel=cancel)


@dataclass(frozen=True, slots=True)
class DecisionRequest(FrameRequest):
    """Class probabilities on about ``n x n`` cells."""

    def answer(self, study: Any, cancel: Cancel) -> Any:
        seen = _seen(study, self.projection)
        return seen.decision(
            self.t, self.extent, self.n, self.choice, cancel=cancel, finer=self.smooth and self.n < COARSE
        )


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """The vector field on a finer grid, and with ``lines`` curves along it."""

    extent: Extent
    n: int
    times: int
    lines: bool
    projection: Projection = OWN
    kind: ClassVar[str] = "stream"
    urgency: ClassVar[int] = BACKGROUND - 1

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return _seen(study, self.projection).streams(self.extent, self.n, self.times, self.lines, cancel)


@dataclass(frozen=True, slots=True)
class BorderRequest:
    """The decision boundary run back by the flow."""

    kind: ClassVar[str] = "border"
    urgency: ClassVar[int] = BACKGROUND

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return study.border(cancel)


@dataclass(frozen=True, slots=True)
class EffortRequest:
    """What each of the trajectories of a :class:`FlowRequest` costs alone."""

    choice: SolverChoice
    count: int
    kind: ClassVar[str] = "effort"
    urgency: ClassVar[int] = BACKGROUND

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return study.effort(self.count, self.choice, cancel)


@dataclass(frozen=True, slots=True)
class AloneRequest:
    """The steps that seeds and trajectories of a :class:`FlowRequest` take when each is solved alone."""

    #: "seed" or "trajectory", and which.
    marks: tuple[tuple[str, int], ...]
    seeds: tuple[tuple[float, ...], ...]
    choice: SolverChoice
    count: int
    kind: ClassVar[str] = "alone"
    urgency: ClassVar[int] = BACKGROUND - 1

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return study.alone(self.marks, self.seeds, self.count, self.choice, cancel)


@dataclass(frozen=True, slots=True)
class RestRequest:
    """Fixed points of the field held fast at several times; fewer for a ``quick`` look."""

    projection: Projection = OWN
    quick: bool = False
    kind: ClassVar[str] = "rest"
    urgency: ClassVar[int] = BACKGROUND + 1

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return _seen(study, self.projection).rest(3 if self.quick else 9, cancel)


@dataclass(frozen=True, slots=True)
class FilmRequest:
    """The flow, density or decision at shares of the flow's time; ``report`` is told how far it is."""

    panel: str
    shares: tuple[float, ...]
    choice: SolverChoice
    #: What stands above a picture: its ``time``, or its share of the whole time (``shares``).
    captions: str = "time"
    #: Of the flow; None: all.
    layers: tuple[str, ...] | None = None
    report: Callable[[int, int], None] | None = field(default=None, compare=False)
    kind: ClassVar[str] = "film"
    urgency: ClassVar[int] = BACKGROUND

    def answer(self, study: Any, cancel: Cancel) -> Any:
        film = film_of_time(
            study, self.panel, self.shares, self.choice, None, self.report, cancel, self.layers
        )
        return film if film is None or self.captions == "time" else with_shares(film, self.shares)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingFilmRequest:
    """What a run's models do, one checkpoint after another."""

    run: Snapshot
    choice: SolverChoice
    panel: str = ""
    layers: tuple[str, ...] | None = None
    report: Callable[[int, int], None] | None = field(default=None, compare=False)
    kind: ClassVar[str] = "film"
    urgency: ClassVar[int] = BACKGROUND

    def answer(self, study: Any, cancel: Cancel) -> Any:
        return film_of_training(self.run, self.choice, self.panel, self.report, cancel, self.layers)
