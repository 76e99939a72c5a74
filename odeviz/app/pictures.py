"""From the workbench to the pictures: asks the solver what the panels show, and hands them the answers.

Nothing is drawn when an answer arrives: answers wait for the next tick of the redraw loop, so that a burst
of them is one paint.
"""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from odeviz.analysis.diagnostics import PRECISION, common_views
from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import Extent, FlowResult, SolverChoice
from odeviz.app.background import Background
from odeviz.app.comparison import Comparison
from odeviz.app.flow_extras import FlowExtras
from odeviz.app.main_window import MainWindow
from odeviz.app.probing import Probing
from odeviz.app.redraw import RedrawLoop
from odeviz.app.task_views import TaskViews
from odeviz.bridge import (
    Answer,
    CostRequest,
    FieldRequest,
    FlowRequest,
    Phase,
    PrecisionRequest,
    Scene,
    SceneRequest,
    SeedsRequest,
    SolveService,
)
from odeviz.state import Playhead, Replay, Seeds, TrainingStatus, Workbench
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import task_of
from odeviz.tasks.settings import find
from odeviz.training.snapshot import Snapshot

TRAJECTORIES = 300
#: Points along a trajectory, and times at which the vector field is evaluated: at rest, and while training.
FRAMES, QUICK_FRAMES = 49, 31
FIELD_TIMES, QUICK_TIMES = 33, 13
#: Arrows a side of the plane, and how much larger than the data's square the solved part of the plane is: a
#: view that is a little wider than tall is filled to its edges.
ARROWS, MARGIN = 27, 1.1
#: While pictures follow one another, the solver's error is measured on fewer trajectories, so many seconds apart.
MEASURED, MEASURE_PERIOD = 64, 3.0


class Pictures(QObject):
    """Joins workbench, solve service and the panels that show results.

    The trajectories come first. What takes longer (the error of the solve, the background) is asked for once
    they are painted, so that it does not hold up the picture a person waits for.
    """

    #: A solver failed with an exception: a :class:`odeviz.bridge.Trouble`.
    troubled = Signal(object)
    #: The first picture of a model is complete.
    shown = Signal()

    def __init__(
        self,
        bench: Workbench,
        service: SolveService,
        window: MainWindow,
        redraw: RedrawLoop,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.bench, self.service, self.window, self.redraw = bench, service, window, redraw
        self.background = Background(bench, service, window)
        self.views = TaskViews(bench, service, window, window.view, parent=self)
        self.precision = TaskViews(bench, service, window, window.precision, PrecisionRequest, self)
        self._boards = (self.views, self.precision)
        self.extras = FlowExtras(bench, service, window)
        self.probing = Probing(bench, service, window, redraw, self)
        #: How the states on show lie in the picture, and through which projection they are seen.
        self.space, self._seen = SpaceResult(), Projection()
        self.comparison = Comparison(bench, service, window)
        #: What the trajectories on show, or on their way, were asked for.
        self._flow_request: FlowRequest | None = None
        #: The latest result of every kind: what an export draws.
        self.results: dict[str, Any] = {}
        #: How many trajectories the flow view shows.
        self.trajectories = TRAJECTORIES
        #: While training, the solver rests this many times as long as it worked.
        self.rest = 0.0
        self._arrived: dict[str, Answer] = {}
        self._scene_of: tuple[Any, ...] | None = None
        self._extent: Extent | None = None
        self._field_of: Snapshot | None = None
        self._dragging = self._solver_dragged = False
        #: The snapshot on show is newer than the pictures.
        self._behind = False
        #: The trajectories are newer than the rest; asked for in the tick after they were drawn.
        self._rest_due = self._just_drawn = False
        self._worked = self._idle_until = 0.0
        self._announced = True
        #: The error last measured, with which solver, and when it is due again while training.
        self._error: tuple[SolverChoice | None, float] = None, math.nan
        self._measure_after = 0.0
        service.answered.connect(self._on_answered)
        bench.snapshot_changed.connect(self._on_snapshot)
        bench.choice_changed.connect(self._on_choice)
        bench.pinned_changed.connect(self._on_pinned)
        bench.seeds_changed.connect(self._on_seeds)
        bench.projection_changed.connect(self._on_projection)
        bench.colouring_changed.connect(self._on_looks)
        bench.stage_changed.connect(self._on_looks)
        bench.playhead_changed.connect(self._on_playhead)
        bench.layers_changed.connect(self._on_layers)
        bench.training_changed.connect(self._on_training)
        bench.replay_changed.connect(self._on_replay)
        for panel in (window.view, window.precision):
            panel.adjust_finished.connect(redraw.wake)
        bench.values_changed.connect(self._on_playhead)
        bench.selection_changed.connect(self._on_playhead)
        window.time_bar.track.drag_finished.connect(redraw.wake)
        for key in ("density", "steps", "view", "precision"):
            window.docks[key].visibilityChanged.connect(self._on_panel_shown)

    @property
    def training(self) -> bool:
        return self.bench.training.phase is Phase.TRAINING

    @property
    def hurried(self) -> bool:
        """Whether pictures follow one another: each as good as there is time for."""
        replay = self.bench.replay
        return replay.held or (self.training and replay.iteration is None)

    @property
    def settled(self) -> bool:
        """Whether all that belongs to the playhead's time is drawn, as finely as it will be."""
        kinds = ("scene", "flow", "cost", "pinned", "seeds", "field", *FlowExtras.kinds)
        waiting = self._behind or self._rest_due or self._arrived
        if not all(board.settled for board in self._boards):
            return False
        if waiting or any(self.service.is_open(kind) for kind in kinds):
            return False
        return "flow" in self.results and self.background.finest

    @property
    def _complete(self) -> bool:
        """Whether everything of the first picture is there."""
        snapshot = self.bench.snapshot
        behind = snapshot is not None and task_of(snapshot.experiment).behind(snapshot.experiment)
        return "flow" in self.results and ("background" in self.results or not behind)

    def forget(self) -> None:
        """Another model is about to be shown: take back what was asked for the one before."""
        self.service.withdraw()
        self._arrived.clear()
        self.results.clear()
        self.background.forget()
        for board in self._boards:
            board.forget()
        self.extras.forget()
        self.comparison.forget()
        self._scene_of = None
        self._behind = self._rest_due = False
        self._idle_until = self._measure_after = 0.0
        self._error = None, math.nan
        self._announced = False

    @Slot()
    def drag_started(self) -> None:
        """The tolerance slider or a seed is being dragged: solves follow the hand."""
        self._dragging, self._solver_dragged = True, False
        for board in self._boards:
            board.drag_solver(True)

    @Slot()
    def drag_finished(self) -> None:
        """The drag is over: what was left out meanwhile is asked for."""
        self._dragging = False
        for board in self._boards:
            board.drag_solver(False)
        if self._solver_dragged:
            self._ask_flow()
        self._ask_seeds()

    # What changes.

    @Slot(object)
    def _on_snapshot(self, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        self._offer_views(snapshot.experiment)
        scene_of = _scene_key(snapshot)
        if scene_of != self._scene_of:
            self._scene_of = scene_of
            self._extent = None
            self._turn_to_views(snapshot.experiment)
            self._ask_scene(snapshot)
        self.comparison.outlive(snapshot)
        self._behind = True
        self.redraw.wake()

    def _offer_views(self, experiment: Experiment) -> None:
        """What accuracy costs has a panel of its own."""
        own, common = task_of(experiment).views_of(experiment), common_views(experiment)
        self.views.offer(experiment, own, [view for view in common if view.key not in PRECISION])
        self.precision.offer(experiment, [view for view in common if view.key in PRECISION])

    def _turn_to_views(self, experiment: Experiment) -> None:
        """What has no background leaves the panel that shows it empty: the task's own views take its place."""
        about, window = task_of(experiment), self.window
        there = bool(about.behind(experiment))
        window.solver_bar.set_solves(experiment.applies(find(experiment, "solver.method")))
        window.density.set_there(there)
        if not there and about.views and window.is_seen(window.density):
            window.docks["view"].raise_()

    @Slot(object)
    def _on_choice(self, choice: SolverChoice) -> None:
        self.window.solver_bar.set_choice(choice)
        self._solver_dragged = True
        # Frames of the solver before are of no use, and would only hold up the picture under the hand.
        self.background.pause()
        self._ask_flow()
        self._ask_seeds()

    @Slot(object)
    def _on_pinned(self, choice: SolverChoice | None) -> None:
        self.comparison.forget()
        self._ask_pinned()
        self.redraw.wake()

    def _ask_pinned(self) -> None:
        snapshot = self.bench.snapshot
        if snapshot is not None and self._flow_request is not None and not self.hurried:
            self.comparison.ask(snapshot, self._flow_request)

    @Slot(object)
    def _on_seeds(self, seeds: Seeds) -> None:
        if not seeds.points:
            self.service.withdraw("seeds")
            self._arrived.pop("seeds", None)
            self.results.pop("seeds", None)
        self._show_seeds()
        self._ask_seeds()

    @Slot(object)
    def _on_projection(self, projection: Projection) -> None:
        """Another side of what is shown is drawn at once; for another projection all is solved for again."""
        snapshot = self.bench.snapshot
        if projection.still == self._seen.still:
            self._seen = projection
            self.window.flow.set_projection(self.space, projection)
        elif snapshot is not None:
            self.background.pause()
            self._extent = None
            self._ask_scene(snapshot)
            self._behind = True
        self.redraw.wake()

    @Slot()
    def _on_looks(self) -> None:
        """Other layers are wanted, or other colours."""
        self._ask_extras()

    @Slot(object)
    def _on_layers(self, layers: Any) -> None:
        self.window.flow.set_layers(layers)
        self._renew_background()
        self._ask_extras()

    @Slot(object)
    def _on_training(self, status: TrainingStatus) -> None:
        # What was drawn quickly while training is drawn well afterwards.
        self._behind = self.bench.snapshot is not None
        self._idle_until = 0.0
        if self.training:
            # What is left of the pictures at rest would only hold up those of the training.
            self.service.withdraw("cost")
            self.background.pause()
        self.redraw.wake()

    @Slot(object)
    def _on_replay(self, replay: Replay) -> None:
        if not replay.held:
            # What followed the hand is drawn well when it lets go.
            self._behind = self.bench.snapshot is not None
            self._idle_until = 0.0
        self.redraw.wake()

    @Slot(object)
    def _on_playhead(self, playhead: Playhead) -> None:
        self.redraw.wake()

    @Slot(bool)
    def _on_panel_shown(self, shown: bool) -> None:
        """A panel that was behind a tab missed what was drawn meanwhile."""
        if not shown:
            return
        flow = self.results.get("flow")
        if flow is not None and self.window.is_seen(self.window.steps):
            self.window.steps.set_steps(flow.steps, flow)
        for board in self._boards:
            board.catch_up()
        if self.window.is_seen(self.window.density) and not self.background.show(again=True):
            self._renew_background()

    # Asking.

    def refresh(self) -> None:
        """Called on every tick, after :meth:`show`: ask for what is missing."""
        snapshot = self.bench.snapshot
        if snapshot is None:
            return
        if not self._seen.in_space:
            self.probing.ask(snapshot, self.results.get("probe"))
        calm = not (self._dragging or self._rest_due or self._behind or self.service.is_open("flow"))
        for board in self._boards:
            board.follow(calm)
        if self._just_drawn:
            # The paint comes after this tick; the rest is asked for in the next.
            self._just_drawn = False
            self.redraw.wake()
        elif self._rest_due and not self.service.is_open("flow"):
            self._rest_due = False
            self._ask_rest(snapshot)
        elif self._behind and self._extent is not None and not self._must_wait():
            self._behind = False
            self._worked = 0.0
            if task_of(snapshot.experiment).scene_follows_model or self.bench.projection.kind != "plane":
                self._ask_scene(snapshot)
            self._ask_flow()
            self._ask_seeds()

    def _must_wait(self) -> bool:
        """While training, a new cycle starts when the last has been drawn and training had its time."""
        if not self.hurried:
            return False
        resting = not self.bench.replay.held and time.perf_counter() < self._idle_until
        return self.service.busy or bool(self._arrived) or resting

    def _ask_scene(self, snapshot: Snapshot) -> None:
        self.service.ask(snapshot, SceneRequest(projection=self.bench.projection.still))

    def _ask_extras(self) -> None:
        snapshot = self.bench.snapshot
        if snapshot is not None:
            self.extras.ask(self._extent, self._crowd(snapshot), self.hurried)

    def _ask_flow(self) -> None:
        snapshot, choice = self.bench.snapshot, self.bench.choice
        if snapshot is not None:
            self.service.withdraw("cost")
            frames, seen = QUICK_FRAMES if self.hurried else FRAMES, self.bench.projection.still
            self._flow_request = request = FlowRequest(choice, self._crowd(snapshot), frames, projection=seen)
            self.service.ask(snapshot, request, patient=self._dragging)
            self._rest_due = True

    def _crowd(self, snapshot: Snapshot) -> int:
        return min(self.trajectories, task_of(snapshot.experiment).crowd)

    def _ask_seeds(self) -> None:
        seeds, snapshot = self.bench.seeds.points, self.bench.snapshot
        if seeds and snapshot is not None:
            request = SeedsRequest(seeds, self.bench.choice, projection=self.bench.projection.still)
            self.service.ask(snapshot, request, patient=self._dragging)

    def _ask_rest(self, snapshot: Snapshot) -> None:
        seen = self.bench.projection.still
        if self._extent is not None and self._field_of is not snapshot and not seen.in_space:
            self._field_of = snapshot
            times = QUICK_TIMES if self.hurried else FIELD_TIMES
            self.service.ask(snapshot, FieldRequest(self._extent, n=ARROWS, times=times, projection=seen))
        self._ask_extras()
        if self._dragging:
            return
        if not self.hurried:
            self.service.ask(snapshot, CostRequest(self.bench.choice, self._crowd(snapshot), projection=seen))
        elif time.perf_counter() >= self._measure_after:
            self._measure_after = time.perf_counter() + MEASURE_PERIOD
            self.service.ask(snapshot, CostRequest(self.bench.choice, MEASURED, projection=seen))
        self._ask_pinned()
        self._renew_background()
        for board in self._boards:
            board.ask()

    def _renew_background(self) -> None:
        self._arrived.pop("background", None)
        self.background.renew(self._extent, self.hurried)

    # Answers.

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if answer.trouble is not None:
            self.troubled.emit(answer.trouble)
            return
        if answer.result is None:
            return
        self._worked += answer.seconds
        self._idle_until = time.perf_counter() + self.rest * self._worked
        kind = answer.request.kind
        if kind == "background":
            self.background.take(answer)
        self._arrived[kind] = answer
        self.redraw.wake()

    def show(self, most: int | None = None) -> None:
        """Called on every tick: draw what has arrived since the last, and the playhead's time.

        ``most`` is how many answers may be drawn in this tick; the others wait for the next ones.
        """
        for kind in list(self._arrived)[:most]:
            # What was drawn before it may have made it stale.
            answer = self._arrived.pop(kind, None)
            if answer is not None:
                self.results[kind] = answer.result
                if kind in FlowExtras.kinds:
                    self.extras.show(kind, answer.result)
                else:
                    getattr(self, f"_show_{kind}")(answer.result)
        self._show_background()
        if self._arrived:
            self.redraw.wake()
        t = self.bench.playhead.t
        self.window.flow.set_time(t)
        self.window.series.set_time(t)
        if self.window.is_seen(self.window.density):
            self.window.density.set_lit(self.window.flow.lit())
        self.window.time_bar.set_time(t)
        for board in self._boards:
            board.set_time(t)
        if not self._announced and self._complete:
            self._announced = True
            self.shown.emit()

    def _show_scene(self, scene: Scene) -> None:
        self._show_space(scene)
        extent = _with_margin(scene.extent)
        # A scene that follows the model is asked for with every picture: only another extent needs new ones.
        self._behind |= extent != self._extent
        self._extent = extent
        self._field_of = None
        self.window.flow.set_extent(scene.extent)
        self.window.series.set_names(self.window.flow.axis_names())
        self.window.flow.set_data(scene.data)
        self.window.density.set_data(scene.data)
        self._set_end(scene.t1)

    def _show_space(self, scene: Scene) -> None:
        projection = self.bench.projection
        if projection.still != self._seen.still:
            # What is on show was seen in another way.
            self.extras.forget()
            self.window.flow.set_flow(None)
            self.window.flow.set_field(None)
            for kind in ("flow", "seeds"):
                self.results.pop(kind, None)
        self.space, self._seen = scene.space, projection
        self.bench.set_space(scene.space.dim, scene.space.over_time)
        self.window.flow.set_projection(scene.space, projection)

    def _show_flow(self, flow: FlowResult) -> None:
        self._just_drawn = True
        self._set_end(float(flow.t[-1]))
        window = self.window
        window.flow.set_flow(flow)
        window.series.set_crowd(flow)
        window.flow.set_message(flow.message if flow.status != "success" else self.bench.training.message)
        window.time_bar.set_steps(flow.steps)
        if window.is_seen(window.steps):
            window.steps.set_steps(flow.steps, flow)
        # The latest error measured with this solver has to do until the next.
        known, error = self._error
        self.window.solver_bar.set_cost(
            dataclasses.replace(flow, error=error) if self.hurried and known == flow.choice else flow
        )

    def _show_cost(self, flow: FlowResult) -> None:
        self._error = flow.choice, flow.error
        if not self.hurried:
            self.window.solver_bar.set_cost(flow)

    def _show_pinned(self, flow: FlowResult) -> None:
        self.comparison.show(flow)

    def _show_seeds(self, flow: FlowResult | None = None) -> None:
        seeds = self.bench.seeds
        # A trajectory for each seed, or none: those of another number of seeds are stale.
        flow = flow or self.results.get("seeds")
        if flow is not None and flow.paths.shape[1] != len(seeds.points):
            flow = None
        there = bool(seeds.points) and self.space.fits(seeds.points)
        points = self.space.place(np.array(seeds.points)) if there else None
        self.window.flow.set_seeds(points, flow if there else None)
        self.window.series.set_seeds(flow if there else None)

    def _show_view(self, picture: Any) -> None:
        self.views.show(picture)

    def _show_precision(self, picture: Any) -> None:
        self.precision.show(picture)

    def _show_field(self, field: Any) -> None:
        self.window.flow.set_field(field)

    def _show_probe(self, probe: Any) -> None:
        self.probing.show(probe)

    def _show_background(self, frame: Any = None) -> None:
        self.background.follow()
        if self.background.show(frame):
            self.results["background"] = self.background.frame

    def _set_end(self, t1: float) -> None:
        if t1 != self.bench.playhead.t1:
            self.bench.set_playhead(self.bench.playhead.with_end(t1))
            self.background.rescale(t1)


def _scene_key(snapshot: Snapshot) -> tuple[Any, ...]:
    """What the view's rectangle and data depend on."""
    experiment = snapshot.experiment
    own = tuple(map(id, snapshot.data.values()))
    return experiment.task, experiment.data, experiment.options, experiment.field, experiment.seed, own


def _with_margin(extent: Extent) -> Extent:
    x, y = (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2
    w, h = MARGIN * (extent.x1 - extent.x0) / 2, MARGIN * (extent.y1 - extent.y0) / 2
    return dataclasses.replace(extent, x0=x - w, x1=x + w, y0=y - h, y1=y + h)
