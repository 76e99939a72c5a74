"""From the workbench to the pictures: asks the solver what the panels show, and hands them the answers.

Nothing is drawn when an answer arrives: answers wait for the next tick of the redraw loop, so that a burst
of them is one paint.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from odeviz.analysis.results import Extent, FlowResult, SolverChoice
from odeviz.app.main_window import MainWindow
from odeviz.app.redraw import RedrawLoop
from odeviz.bridge import (
    Answer,
    CostRequest,
    DecisionRequest,
    DensityRequest,
    FieldRequest,
    FlowRequest,
    FrameCache,
    Phase,
    ProbeRequest,
    Scene,
    SceneRequest,
    SeedsRequest,
    SolveService,
)
from odeviz.state import Playhead, Seeds, TrainingStatus, Workbench
from odeviz.tasks.experiment import Experiment
from odeviz.training.snapshot import Snapshot

#: Grid points a side of the background while training, and the tolerance it is then solved with at least.
QUICK_GRID, QUICK_TOLERANCE = 40, 1e-2
TRAJECTORIES = 300
#: While training, the solver rests this many times as long as it worked: training needs the interpreter too.
REST = 3.0


class Pictures(QObject):
    """Joins workbench, solve service and the panels that show results."""

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
        #: The latest result of every kind: what an export draws.
        self.results: dict[str, Any] = {}
        #: How many trajectories the flow view shows.
        self.trajectories = TRAJECTORIES
        self._arrived: dict[str, Answer] = {}
        self._scene_of: tuple[Any, ...] | None = None
        self._extent: Extent | None = None
        self._frames: FrameCache[Any] | None = None
        self._frame: Any = None
        self._dragging = False
        self._behind = False
        self._worked = 0.0
        self._rest_until = 0.0
        self._hover: tuple[float, float] | None = None
        self._announced = True
        service.answered.connect(self._on_answered)
        bench.snapshot_changed.connect(self._on_snapshot)
        bench.choice_changed.connect(self._on_choice)
        bench.seeds_changed.connect(self._on_seeds)
        bench.playhead_changed.connect(self._on_playhead)
        bench.layers_changed.connect(self._on_layers)
        bench.training_changed.connect(self._on_training)
        for key in ("density", "steps"):
            window.docks[key].visibilityChanged.connect(self._on_panel_shown)
        window.flow.hovered.connect(self._on_hovered)
        window.flow.hover_left.connect(self._on_hover_left)

    @property
    def training(self) -> bool:
        return self.bench.training.phase is Phase.TRAINING

    @property
    def settled(self) -> bool:
        """Whether all that belongs to the playhead's time is drawn, as finely as it will be."""
        kinds = ("scene", "flow", "cost", "seeds", "field")
        if self._behind or self._arrived or any(self.service.is_open(kind) for kind in kinds):
            return False
        fine = self._frames is None or self._frames.is_finest(self.bench.playhead.t)
        return "flow" in self.results and fine

    def forget(self) -> None:
        """Another model is about to be shown: take back what was asked for the one before."""
        self.service.withdraw()
        self._arrived.clear()
        self.results.clear()
        self._frames = self._frame = None
        self._behind = False
        self._rest_until = 0.0
        self._announced = False

    @Slot()
    def drag_started(self) -> None:
        """The tolerance slider or a seed is being dragged: solves follow the hand."""
        self._dragging = True

    @Slot()
    def drag_finished(self) -> None:
        """The drag is over: what was left out meanwhile is asked for."""
        self._dragging = False
        if self.bench.snapshot is not None:
            self._ask_flow()
            self._ask_seeds()
            self._renew_background()

    # What changes.

    @Slot(object)
    def _on_snapshot(self, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        scene_of = _scene_key(snapshot.experiment)
        if scene_of != self._scene_of:
            self._scene_of = scene_of
            self._extent = None
            self.service.ask(snapshot, SceneRequest())
        self._behind = True
        self.redraw.wake()

    @Slot(object)
    def _on_choice(self, choice: SolverChoice) -> None:
        self.window.solver_bar.set_choice(choice)
        if self.bench.snapshot is None:
            return
        self._ask_flow()
        self._ask_seeds()
        if not self._dragging:
            self._renew_background()

    @Slot(object)
    def _on_seeds(self, seeds: Seeds) -> None:
        if not seeds.points:
            self.service.withdraw("seeds")
            self._arrived.pop("seeds", None)
            self.results.pop("seeds", None)
        self._show_seeds()
        self._ask_seeds()

    @Slot(object)
    def _on_layers(self, layers: Any) -> None:
        self.window.flow.set_layers(layers)
        self._renew_background()

    @Slot(object)
    def _on_training(self, status: TrainingStatus) -> None:
        if not self.training:
            # What was drawn quickly while training is drawn well now.
            self._behind = self.bench.snapshot is not None
            self._rest_until = 0.0
            self.redraw.wake()
        else:
            self.service.withdraw("cost")
            self._frames = None

    @Slot(object)
    def _on_playhead(self, playhead: Playhead) -> None:
        self.redraw.wake()

    @Slot(float, float)
    def _on_hovered(self, x: float, y: float) -> None:
        self._hover = (x, y)
        self.redraw.wake()

    @Slot()
    def _on_hover_left(self) -> None:
        self._hover = None
        self.service.withdraw("probe")
        self._arrived.pop("probe", None)
        self.window.flow.set_probe(None)

    # Asking.

    def refresh(self) -> None:
        """Called on every tick: ask for the newest snapshot's pictures once the last ones are there."""
        snapshot = self.bench.snapshot
        if snapshot is None:
            return
        if self._hover is not None and not self.service.is_open("probe"):
            self._probe(snapshot)
        if not self._behind or self._extent is None:
            return
        if self.training and (self._cycle_open() or time.perf_counter() < self._rest_until):
            return
        self._behind = False
        self._worked = 0.0
        self._ask_flow()
        self._ask_seeds()
        self.service.ask(snapshot, FieldRequest(self._extent))
        self._renew_background()

    def _cycle_open(self) -> bool:
        return any(self.service.is_open(kind) for kind in ("scene", "flow", "field", "seeds", "background"))

    def _ask_flow(self) -> None:
        snapshot, choice = self.bench.snapshot, self.bench.choice
        if snapshot is None:
            return
        self.service.ask(snapshot, FlowRequest(choice, self.trajectories), patient=self._dragging)
        if self._dragging or self.training:
            self.service.withdraw("cost")
        else:
            self.service.ask(snapshot, CostRequest(choice, self.trajectories))

    def _ask_seeds(self) -> None:
        seeds, snapshot = self.bench.seeds.points, self.bench.snapshot
        if seeds and snapshot is not None:
            self.service.ask(snapshot, SeedsRequest(seeds, self.bench.choice), patient=self._dragging)

    def _probe(self, snapshot: Snapshot) -> None:
        assert self._hover is not None
        request = ProbeRequest(self._hover, self.bench.playhead.t)
        shown = self.results.get("probe")
        if shown is None or (shown.point, shown.t) != (request.point, request.t):
            self.service.ask(snapshot, request)

    def _renew_background(self) -> None:
        """Start the background again: the frames shown so far stay until new ones replace them."""
        self.service.withdraw("background")
        self._arrived.pop("background", None)
        if self.bench.snapshot is None or self._extent is None:
            return
        if not self.bench.layers["background"] and not self.window.is_seen(self.window.density):
            return
        if self.training:
            self._frames = None
            choice = self.bench.choice
            loose = max(choice.rtol, QUICK_TOLERANCE)
            quick = dataclasses.replace(choice, rtol=loose, atol=loose)
            self._ask_background(self.bench.playhead.t, QUICK_GRID, quick)
        else:
            self._frames = FrameCache(self.bench.playhead.t1)
            self._ask_next_frame()

    def _ask_next_frame(self) -> None:
        if self._frames is None or self.service.is_open("background"):
            return
        head = self.bench.playhead
        wanted = self._frames.next_wanted(head.t, still=not head.playing)
        if wanted is not None:
            self._ask_background(*wanted, self.bench.choice)

    def _ask_background(self, t: float, n: int, choice: SolverChoice) -> None:
        snapshot = self.bench.snapshot
        if snapshot is not None and self._extent is not None:
            density = snapshot.experiment.task == "density"
            request = (DensityRequest if density else DecisionRequest)(t, self._extent, n, choice)
            self.service.ask(snapshot, request)

    # Answers.

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if answer.trouble is not None:
            self.troubled.emit(answer.trouble)
            return
        if answer.result is None:
            return
        kind = answer.request.kind
        self._worked += answer.seconds
        self._rest_until = time.perf_counter() + REST * self._worked
        if kind == "background" and self._frames is not None:
            self._frames.store(answer.request.t, answer.request.n, answer.result)
            self._ask_next_frame()
        self._arrived[kind] = answer
        self.redraw.wake()

    def show(self, most: int | None = None) -> None:
        """Called on every tick: draw what has arrived since the last, and the playhead's time.

        ``most`` is how many answers may be drawn in this tick; the others wait for the next ones.
        """
        for kind in list(self._arrived)[:most]:
            # What was drawn before it may have made it stale.
            answer = self._arrived.pop(kind, None)
            if answer is None:
                continue
            self.results[kind] = answer.result
            getattr(self, f"_show_{kind}")(answer.result)
        self._show_frame()
        if self._arrived:
            self.redraw.wake()
        t = self.bench.playhead.t
        self.window.flow.set_time(t)
        self.window.time_bar.set_time(t)
        if not self._announced and {"flow", "background"} <= self.results.keys():
            self._announced = True
            self.shown.emit()

    def _show_scene(self, scene: Scene) -> None:
        self._extent = scene.extent
        self.window.flow.set_extent(scene.extent)
        self.window.flow.set_data(scene.data)
        self.window.density.set_data(scene.data)
        self._set_end(scene.t1)
        self._behind = True
        self.redraw.wake()

    def _show_flow(self, flow: FlowResult) -> None:
        self._set_end(float(flow.t[-1]))
        window = self.window
        window.flow.set_flow(flow)
        window.flow.set_message(flow.message if flow.status != "success" else self.bench.training.message)
        window.time_bar.set_steps(flow.steps)
        if window.is_seen(window.steps):
            window.steps.set_steps(flow.steps, flow)
        window.solver_bar.set_cost(flow)

    def _show_cost(self, flow: FlowResult) -> None:
        self.window.solver_bar.set_cost(flow)

    def _show_seeds(self, flow: FlowResult | None = None) -> None:
        seeds = self.bench.seeds
        # A trajectory for each seed, or none: those of another number of seeds are stale.
        flow = flow or self.results.get("seeds")
        if flow is not None and flow.paths.shape[1] != len(seeds.points):
            flow = None
        self.window.flow.set_seeds(seeds.points or None, flow, seeds.selected)

    def _show_field(self, field: Any) -> None:
        self.window.flow.set_field(field)

    def _show_probe(self, probe: Any) -> None:
        if self._hover is not None:
            self.window.flow.set_probe(probe)

    def _show_frame(self) -> None:
        """The stored frame nearest to the playhead, if there are frames."""
        frame = self._frames.nearest(self.bench.playhead.t) if self._frames is not None else None
        if frame is not None:
            self._show_background(frame)

    def _show_background(self, frame: Any) -> None:
        if self._frames is not None:
            frame = self._frames.nearest(self.bench.playhead.t) or frame
        if frame is self._frame:
            return
        self._frame = self.results["background"] = frame
        flow, panel = self.window.flow, self.window.density
        density = hasattr(frame, "log_density")
        self.window.docks["density"].setWindowTitle("Density" if density else "Decision")
        if density:
            flow.set_density(frame)
        else:
            flow.set_decision(frame)
        if self.window.is_seen(panel):
            (panel.set_density if density else panel.set_decision)(frame)

    @Slot(bool)
    def _on_panel_shown(self, shown: bool) -> None:
        """A panel that was hidden missed what was drawn meanwhile."""
        frame, flow = self.results.get("background"), self.results.get("flow")
        if not shown:
            return
        if flow is not None and self.window.is_seen(self.window.steps):
            self.window.steps.set_steps(flow.steps, flow)
        if frame is not None and self.window.is_seen(self.window.density):
            self._frame = None
            self._show_background(frame)
        if frame is None:
            self._renew_background()

    def _set_end(self, t1: float) -> None:
        if t1 != self.bench.playhead.t1:
            self.bench.set_playhead(self.bench.playhead.with_end(t1))
            if self._frames is not None:
                self._renew_background()


def _scene_key(experiment: Experiment) -> tuple[Any, ...]:
    """What the view's rectangle and data depend on."""
    return experiment.task, experiment.data, experiment.seed
