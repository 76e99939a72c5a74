"""From the workbench to the pictures: what has changed decides what the solver is asked, and when."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from odeviz.analysis.diagnostics import PRECISION, common_views
from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import SolverChoice
from odeviz.app.asking import Asking
from odeviz.app.background import Background
from odeviz.app.comparison import Comparison
from odeviz.app.flow_extras import FlowExtras
from odeviz.app.main_window import MainWindow
from odeviz.app.own_steps import OwnSteps
from odeviz.app.probing import Probing
from odeviz.app.redraw import RedrawLoop
from odeviz.app.settling import Settling
from odeviz.app.showing import Showing
from odeviz.app.task_views import TaskViews
from odeviz.bridge import Answer, Phase, PrecisionRequest, Scene, SolveService
from odeviz.state import Range, Replay, Seeds, TrainingStatus, Workbench
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import task_of
from odeviz.tasks.settings import find
from odeviz.training.snapshot import Snapshot


class Pictures(QObject):
    """Joins workbench and solve service; :class:`Showing` draws what is answered.

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
        self.comparison = Comparison(bench, service, window)
        self.showing = Showing(
            bench, window, redraw, self.background, self.extras, self.comparison, self.probing,
            {"view": self.views, "precision": self.precision}, self,
        )  # fmt: skip
        self.asking = Asking(bench, service, self.background, self.extras, self.comparison)
        self.own_steps = OwnSteps(bench, service, window, self.asking)
        self.showing.draws(OwnSteps.kind, self.own_steps.show)
        #: While training, the solver rests this many times as long as it worked.
        self.rest = 0.0
        self._scene_of: tuple[Any, ...] | None = None
        self._solver_dragged = False
        #: The snapshot on show is newer than the pictures.
        self._behind = False
        #: The trajectories are newer than the rest; asked for in the tick after they were drawn.
        self._rest_due = self._just_drawn = False
        #: What is seen of the plane has left what is solved for.
        self._moved = False
        self.settling = Settling(self)
        self.settling.settled.connect(redraw.wake)
        self._worked = self._idle_until = 0.0
        self._join()

    def _join(self) -> None:
        bench, window = self.bench, self.window
        self.showing.scene_shown.connect(self._on_scene_shown)
        self.showing.flow_shown.connect(self._on_flow_shown)
        self.showing.completed.connect(self.shown)
        self.service.answered.connect(self._on_answered)
        bench.snapshot_changed.connect(self._on_snapshot)
        bench.choice_changed.connect(self._on_choice)
        bench.pinned_changed.connect(self._on_pinned)
        bench.seeds_changed.connect(self._on_seeds)
        bench.projection_changed.connect(self._on_projection)
        bench.colouring_changed.connect(self._on_looks)
        bench.stage_changed.connect(self._on_looks)
        bench.layers_changed.connect(self._on_layers)
        bench.training_changed.connect(self._on_training)
        bench.replay_changed.connect(self._on_replay)
        window.flow.seen.connect(self._on_seen)
        # A window that was painted before has said so to nobody.
        self.asking.see(window.flow.seen_range)
        for moved in (bench.playhead_changed, bench.values_changed, bench.selection_changed):
            moved.connect(self._on_moved)
        for ended in (window.view.adjust_finished, window.precision.adjust_finished):
            ended.connect(self.redraw.wake)
        window.time_bar.track.drag_finished.connect(self.redraw.wake)
        for key in ("density", "steps", "view", "precision"):
            window.docks[key].visibilityChanged.connect(self._on_panel_shown)

    @property
    def seen(self) -> Projection:
        """How the pictures on show are seen: a projection just chosen has to be solved for first."""
        return self.showing.seen

    @property
    def settled(self) -> bool:
        """Whether all that belongs to the playhead's time is drawn, as finely as it will be."""
        kinds = ("scene", "flow", "cost", "pinned", "seeds", "field", OwnSteps.kind, *FlowExtras.kinds)
        waiting = self._behind or self._rest_due or self._moved or not self.showing.at_rest
        waiting |= not self.window.flow.paths.whole
        if not all(board.settled for board in self._boards):
            return False
        if waiting or any(self.service.is_open(kind) for kind in kinds):
            return False
        return "flow" in self.results and self.background.finest

    @property
    def results(self) -> dict[str, Any]:
        """The latest result of every kind."""
        return self.showing.results

    @property
    def space(self) -> SpaceResult:
        """How the states on show lie in the picture."""
        return self.showing.space

    def forget(self) -> None:
        """Another model is about to be shown: take back what was asked for the one before."""
        self.service.withdraw()
        self.showing.forget()
        self.background.forget()
        for board in self._boards:
            board.forget()
        self.extras.forget()
        self.comparison.forget()
        self.own_steps.forget()
        self.asking.forget()
        self._scene_of = None
        self._behind = self._rest_due = False
        self._idle_until = 0.0

    @Slot()
    def drag_started(self) -> None:
        """The tolerance slider or a seed is being dragged: solves follow the hand."""
        self.asking.dragging, self._solver_dragged = True, False
        for board in self._boards:
            board.drag_solver(True)

    @Slot()
    def drag_finished(self) -> None:
        """The drag is over: what was left out meanwhile is asked for."""
        self.asking.dragging = False
        for board in self._boards:
            board.drag_solver(False)
        if self._solver_dragged:
            self._ask_flow()
        self.asking.seeds()

    # What changes.

    @Slot(object)
    def _on_snapshot(self, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        scene_of = _scene_key(snapshot)
        if scene_of != self._scene_of:
            self._scene_of = scene_of
            # What is on its way is of another model, which may have had another background or none.
            self.background.pause()
            self.asking.place(None)
            self.asking.scene()
            self.showing.later("docks", partial(self._turn_to_views, snapshot.experiment))
        self.showing.later("views", partial(self._offer_views, snapshot.experiment))
        self._behind = True
        self.redraw.wake()

    def _offer_views(self, experiment: Experiment) -> None:
        """What accuracy costs has a panel of its own."""
        own, common = task_of(experiment).views_of(experiment), common_views(experiment)
        self.views.offer(experiment, own, [view for view in common if view.key not in PRECISION])
        self.precision.offer(experiment, [view for view in common if view.key in PRECISION])

    def _turn_to_views(self, experiment: Experiment) -> None:
        """What has no background has no panel that shows it: the task's own views take its place."""
        about, window = task_of(experiment), self.window
        there = bool(about.behind(experiment))
        window.solver_bar.set_solves(experiment.applies(find(experiment, "solver.method")), about.jumps)
        window.density.set_there(there)
        window.behind.offer(there)

    @Slot(object)
    def _on_choice(self, choice: SolverChoice) -> None:
        self.window.solver_bar.set_choice(choice)
        self._solver_dragged = True
        # Frames of the solver before are of no use, and would only hold up the picture under the hand.
        self.background.outlive(choice)
        self._ask_flow()
        self.asking.seeds()

    @Slot(object)
    def _on_pinned(self, choice: SolverChoice | None) -> None:
        self.comparison.forget()
        self.asking.pinned()
        self.redraw.wake()

    @Slot(object)
    def _on_seeds(self, seeds: Seeds) -> None:
        if not seeds.points:
            self.service.withdraw("seeds")
            self.showing.drop("seeds")
            self.results.pop("seeds", None)
        self.showing.show_seeds()
        self.asking.seeds()

    @Slot(object)
    def _on_projection(self, projection: Projection) -> None:
        """Another side of what is shown is drawn at once; for another projection all is solved for again."""
        snapshot, asked = self.bench.snapshot, self.asking.looking
        if projection.still == asked == self.showing.seen.still:
            self.showing.turn(projection)
        elif projection.still != asked and snapshot is not None:
            self.background.pause()
            self.asking.place(None)
            self.asking.scene()
            self._behind = True
        self.redraw.wake()

    @Slot()
    def _on_looks(self) -> None:
        self.asking.extras()

    @Slot(object)
    def _on_layers(self, layers: Any) -> None:
        self.window.flow.set_layers(layers)
        self._renew_background()
        self.asking.extras()

    @Slot(object)
    def _on_training(self, status: TrainingStatus) -> None:
        # What was drawn quickly while training is drawn well afterwards.
        self._behind = self.bench.snapshot is not None
        self._idle_until = 0.0
        if status.phase is Phase.TRAINING:
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
    def _on_seen(self, seen: Range) -> None:
        self._moved |= self.asking.see(seen)
        if self._moved:
            # Until the hand rests the old pictures stay, panned and zoomed.
            self.settling.stir()
            self.redraw.wake()

    @Slot()
    def _on_moved(self) -> None:
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
        if self.window.is_seen(self.window.density):
            if self.background.frame is None:
                self._renew_background()
            self.background.show_panel()

    def show(self) -> None:
        """Called on every tick: draw what has arrived, and the playhead's time."""
        self.showing.show()

    # Asking.

    def refresh(self) -> None:
        """Called on every tick, after :meth:`show`: ask for what is missing."""
        snapshot = self.bench.snapshot
        if snapshot is None:
            return
        if not self.showing.seen.in_space and self.showing.seen.still == self.bench.projection.still:
            # Where the mouse is, is known only through what is seen.
            self.probing.ask(snapshot, self.results.get("probe"))
        self.own_steps.ask(snapshot)
        calm = not (self.asking.dragging or self._rest_due or self._behind or self.service.is_open("flow"))
        for board in self._boards:
            board.follow(calm)
        if self._just_drawn:
            # The paint comes after this tick; the rest is asked for in the next.
            self._just_drawn = False
            self.redraw.wake()
        elif self._rest_due and not self.service.is_open("flow"):
            self._rest_due = False
            self._ask_rest()
        elif self._moved and not (self._behind or self.bench.hurried or self.service.is_open("flow")):
            if not self.settling.waiting:
                self._moved = False
                self._ask_around()
        elif self._behind and self.asking.extent is not None and not self._must_wait():
            self._behind = self._moved = False
            self._worked = 0.0
            if task_of(snapshot.experiment).scene_follows_model or self.bench.projection.kind != "plane":
                self.asking.scene()
            self._ask_flow()
            self.asking.seeds()

    def _must_wait(self) -> bool:
        """While training, a new cycle starts when the last has been drawn and training had its time."""
        if not self.bench.hurried:
            return False
        resting = not self.bench.replay.held and time.perf_counter() < self._idle_until
        return self.service.busy or self.showing.waits or resting

    def _ask_flow(self) -> None:
        self.asking.flow()
        self._rest_due = self.bench.snapshot is not None

    def _ask_rest(self) -> None:
        self.asking.field()
        self.asking.extras()
        if self.asking.dragging:
            self.asking.pinned()
            return
        self.asking.cost()
        self.asking.pinned()
        self._moved = False
        self._renew_background()
        for board in self._boards:
            board.ask()

    def _ask_around(self) -> None:
        """Other parts of the plane are seen: what lies there."""
        self.asking.field()
        self.asking.extras()
        self._renew_background()

    def _renew_background(self) -> None:
        self.showing.drop("background")
        self.asking.background()

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
        if answer.request.kind == "background":
            self.background.take(answer)
        self.showing.take(answer)

    @Slot(object)
    def _on_scene_shown(self, scene: Scene) -> None:
        before = self.asking.extent
        self.asking.place(scene.extent)
        # A scene that follows the model is asked for with every picture: only another extent needs new ones.
        self._behind |= self.asking.extent != before

    @Slot()
    def _on_flow_shown(self) -> None:
        # Where pictures follow one another the rest is asked for at once.
        self._just_drawn = not self.bench.hurried


def _scene_key(snapshot: Snapshot) -> tuple[Any, ...]:
    """What the view's rectangle and data depend on."""
    experiment = snapshot.experiment
    own = tuple(map(id, snapshot.data.values()))
    return experiment.task, experiment.data, experiment.options, experiment.field, experiment.seed, own
