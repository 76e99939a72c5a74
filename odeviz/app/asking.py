"""What the solver is asked about the flow: the requests, made of what the workbench says."""

from __future__ import annotations

import time

from odeviz.analysis.filming import TRAJECTORIES
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import Extent
from odeviz.app.background import Background
from odeviz.app.comparison import Comparison
from odeviz.app.coverage import Coverage
from odeviz.app.flow_extras import FlowExtras
from odeviz.bridge import CostRequest, FieldRequest, FlowRequest, SceneRequest, SeedsRequest, SolveService
from odeviz.state import Range, Workbench
from odeviz.tasks.registry import task_of
from odeviz.training.snapshot import Snapshot

#: Points along a trajectory, and times at which the vector field is evaluated: at rest, and while training.
FRAMES, QUICK_FRAMES = 49, 31
FIELD_TIMES, QUICK_TIMES = 33, 13
#: Arrows a side of the solved part of the plane, about.
ARROWS = 28
#: While pictures follow one another, the solver's error is measured on fewer trajectories, so many seconds apart.
MEASURED, MEASURE_PERIOD = 64, 3.0
#: And the pinned setting is solved with so many seconds apart: each time training pays for it.
COMPARE_PERIOD = 0.5


class Asking:
    """Puts each question of a picture; when, is not its business. Nothing is asked while there is no model."""

    def __init__(
        self,
        bench: Workbench,
        service: SolveService,
        background: Background,
        extras: FlowExtras,
        comparison: Comparison,
    ) -> None:
        self._bench, self._service = bench, service
        self._background, self._extras, self._comparison = background, extras, comparison
        #: How many trajectories the flow view shows.
        self.trajectories = TRAJECTORIES
        self._coverage = Coverage()
        #: Solves follow a hand: the one under way is let finish.
        self.dragging = False
        #: What the trajectories on show, or on their way, were asked for, and of which model.
        self._flow: tuple[Snapshot, FlowRequest] | None = None
        self._field_of: Snapshot | None = None
        self._measure_after = self._compare_after = 0.0
        #: Through which projection the scene was asked for that is on show, or on its way.
        self.looking = Projection()

    def forget(self) -> None:
        """Another model is about to be shown."""
        self._measure_after = self._compare_after = 0.0
        self._flow = None

    @property
    def extent(self) -> Extent | None:
        """The part of the plane that is solved for; None until the scene is known."""
        return self._coverage.extent

    def place(self, scene: Extent | None) -> None:
        """The scene is new: it lies here."""
        self._coverage.place(scene)
        self._field_of = None

    def see(self, seen: Range) -> bool:
        """This part of the plane is seen; True if another has to be solved for."""
        other = self._coverage.see(seen)
        if other:
            self._field_of = None
        return other

    def scene(self) -> None:
        """Where the plane lies, and its data."""
        if self._bench.snapshot is not None:
            self.looking = self._bench.projection.still
            self._service.ask(self._bench.snapshot, SceneRequest(projection=self.looking))

    def flow(self) -> None:
        """The trajectories."""
        bench, snapshot = self._bench, self._bench.snapshot
        if snapshot is not None:
            self._service.withdraw("cost")
            frames = QUICK_FRAMES if bench.hurried or self.dragging else FRAMES
            seen = bench.projection.still
            request = FlowRequest(bench.choice, self.crowd(snapshot), frames, projection=seen)
            self._flow = snapshot, request
            self._service.ask(snapshot, request, patient=self.dragging)

    def seeds(self) -> None:
        """The trajectories of the seeds."""
        seeds, snapshot = self._bench.seeds.points, self._bench.snapshot
        if seeds and snapshot is not None:
            request = SeedsRequest(seeds, self._bench.choice, projection=self._bench.projection.still)
            self._service.ask(snapshot, request, patient=self.dragging)

    def field(self) -> None:
        """The vector field, once for each model; in space there are no arrows."""
        bench, snapshot = self._bench, self._bench.snapshot
        seen = bench.projection.still
        if snapshot is None or self.extent is None or self._field_of is snapshot or bench.projection.in_space:
            return
        self._field_of = snapshot
        times = QUICK_TIMES if bench.hurried else FIELD_TIMES
        self._service.ask(snapshot, FieldRequest(self.extent, n=ARROWS, times=times, projection=seen))

    def cost(self) -> None:
        """The error of the solve; while pictures follow one another now and then, and of fewer trajectories."""
        bench, snapshot = self._bench, self._bench.snapshot
        if snapshot is None:
            return
        many = self.crowd(snapshot)
        if bench.hurried:
            if time.perf_counter() < self._measure_after:
                return
            self._measure_after, many = time.perf_counter() + MEASURE_PERIOD, MEASURED
        self._service.ask(snapshot, CostRequest(bench.choice, many, projection=bench.projection.still))

    def extras(self) -> None:
        """What some layers want."""
        if self._bench.snapshot is not None:
            self._extras.ask(self.extent, self.crowd(self._bench.snapshot), self._bench.hurried)

    def pinned(self) -> None:
        """The same trajectories, of the same model, with the pinned setting."""
        if self._flow is None:
            return
        if self._bench.hurried:
            if time.perf_counter() < self._compare_after:
                return
            self._compare_after = time.perf_counter() + COMPARE_PERIOD
        self._comparison.ask(*self._flow, hurried=self._bench.hurried, dragged=self.dragging)

    def background(self) -> None:
        """The density or decision behind it all."""
        self._background.renew(self.extent, self._bench.hurried)

    def crowd(self, snapshot: Snapshot) -> int:
        """How many trajectories a flow of this model has."""
        return min(self.trajectories, task_of(snapshot.experiment).crowd)
