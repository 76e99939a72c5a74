"""The model's views: asks for the chosen one while its panel can be seen, and again when what it follows moves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Slot

from odeviz.analysis.results import SolverChoice
from odeviz.app.main_window import MainWindow
from odeviz.app.waiting import Waiting
from odeviz.bridge import Answer, Phase, SolveService, ViewRequest
from odeviz.panels.panel import Later, at_once
from odeviz.panels.view_panel import ViewPanel
from odeviz.state import Workbench
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.task import View
from odeviz.tasks.viewpoint import Viewpoint
from odeviz.training.snapshot import Snapshot

#: Seconds that a view of many parts measures before it shows what it has.
PATIENCE = 0.15
#: While playing, a view that follows the playhead rests as long as it took, and at least this many seconds.
REST = 0.1
#: While training, a view rests this many times as long as it took.
HURRIED_REST = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a picture depends on."""

    snapshot: Snapshot
    view: str
    choice: SolverChoice
    viewpoint: Viewpoint
    pinned: SolverChoice | None = None

    @property
    def by_hand(self) -> bool:
        """Whether it is a first look, as something it depends on is moving."""
        return self.viewpoint.patience == 0.0

    def is_for(self, other: Wanted | None) -> bool:
        """Whether it is the very same picture; two snapshots are compared by identity."""
        return (
            other is not None
            and self.snapshot is other.snapshot
            and (self.view, self.choice, self.viewpoint, self.pinned)
            == (other.view, other.choice, other.viewpoint, other.pinned)
        )


class TaskViews(QObject):
    """Joins workbench, solve service and one panel of views; ``request`` is what it asks."""

    def __init__(
        self,
        bench: Workbench,
        service: SolveService,
        window: MainWindow,
        panel: ViewPanel,
        request: type[ViewRequest] = ViewRequest,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bench, self._service, self._window, self._panel = bench, service, window, panel
        self._request = request
        #: What the picture on show, or on its way, was asked for, and when.
        self._asked: Wanted | None = None
        self._asked_at = self._rest_until = 0.0
        #: The picture on show is of parts that have been measured; others are still missing.
        self._unfinished = False
        #: The iteration that the picture on show is of.
        self._iteration: int | None = None
        #: The solver's slider is being dragged.
        self._solver_dragged = False
        #: Whose views are offered.
        self._offered: Experiment | None = None
        self._waiting = Waiting(service, request.kind, lambda: bench.training.phase is Phase.TRAINING, self)
        panel.chosen.connect(self._on_chosen)
        panel.adjust_started.connect(bench.begin_drag)
        panel.adjusted.connect(bench.adjust)
        panel.adjust_finished.connect(bench.end_drag)
        bench.values_changed.connect(panel.set_values)
        bench.snapshot_changed.connect(self._tell_age)

    @property
    def kind(self) -> str:
        """The kind of its requests."""
        return self._request.kind

    @property
    def settled(self) -> bool:
        """Whether the picture is there, whole."""
        if self._service.is_open(self.kind):
            return False
        wanted = self._wanted()
        return wanted is None or self._put_off() or (wanted.is_for(self._asked) and not self._unfinished)

    def offer(self, experiment: Experiment, own: Sequence[View], common: Sequence[View] = ()) -> None:
        """Offer views of an experiment: its task's own, and those of any flow."""
        self._offered = experiment
        self._panel.set_views(own, common, experiment)

    def forget(self) -> None:
        """Another model is about to be shown."""
        self._asked, self._unfinished = None, False
        self._waiting.end()
        self._panel.set_picture(None)

    def catch_up(self) -> None:
        """The panel may have come into sight: ask if its picture is not what it should be."""
        self.set_time(self._bench.playhead.t)
        self.ask()

    def drag_solver(self, dragged: bool) -> None:
        """Whether the solver's slider is being dragged."""
        self._solver_dragged = dragged

    def ask(self) -> None:
        """Ask for the view that is chosen, if the panel can be seen and does not show it already."""
        wanted = self._wanted()
        if wanted is None:
            self._asked = None
        elif self._hurried and self._panel.picture is not None and time.monotonic() < self._rest_until:
            # The trajectories come first: the picture on show has to do a little longer.
            return
        elif not self._put_off() and (self._unfinished or not wanted.is_for(self._asked)):
            self._ask(wanted)

    def follow(self, calm: bool) -> None:
        """Called on every tick: ask again if something that the picture depends on has moved.

        Unless ``calm``, only what is under a hand is asked for: the trajectories come first.
        """
        wanted = self._wanted()
        if wanted is None or (wanted.is_for(self._asked) and (wanted.by_hand or not self._unfinished)):
            return
        if (not wanted.by_hand and (not calm or self._hurried)) or self._put_off():
            return
        if self._service.is_open(self.kind):
            # A look that is on its way is let finish, so that the picture follows the hand.
            if self._asked is not None and (self._asked.by_hand or wanted.is_for(self._asked)):
                return
        elif wanted.by_hand and self._bench.playhead.playing and time.monotonic() < self._rest_until:
            return
        self._ask(wanted)

    def show(self, later: Later, answer: Answer) -> None:
        """Draw the answer, some of it ``later``, unless another view has been chosen since."""
        request, picture = answer.request, answer.result
        if isinstance(request, ViewRequest) and request.view != self._panel.view:
            return
        now = time.monotonic()
        took = now - self._asked_at
        self._rest_until = now + max(HURRIED_REST * took if self._hurried else took, REST)
        self._unfinished = getattr(picture, "progress", 1.0) < 1.0
        self._waiting.end()
        self._panel.set_picture(picture, lambda name, draw: later(f"{self.kind}, {name}", draw))
        self._iteration = answer.snapshot.iteration
        self._tell_age()

    def set_time(self, t: float, later: Later = at_once) -> None:
        """The playhead's time, drawn in pieces, perhaps ``later``, where it can be seen."""
        if self._window.is_seen(self._panel):
            self._panel.set_time(t, lambda name, draw: later(f"{self.kind}, {name}", draw))

    def _ask(self, wanted: Wanted) -> None:
        self._asked, self._asked_at, self._unfinished = wanted, time.monotonic(), False
        request = self._request(wanted.view, wanted.choice, wanted.viewpoint, wanted.pinned)
        if self._panel.picture is None:
            self._waiting.begin(self._panel.set_message)
        self._service.ask(wanted.snapshot, request)

    @Slot(str)
    def _on_chosen(self, key: str) -> None:
        # Whoever chooses the one on show waits for its picture, too.
        self._asked = None
        self._waiting.end()
        self.ask()

    @Slot()
    def _tell_age(self) -> None:
        """Of which iteration the picture is. Views that are drawn on and on are a little behind, and never old."""
        snapshot, view = self._bench.snapshot, self._panel.current
        heavy = view is not None and view.heavy
        self._panel.set_age(
            self._iteration, heavy and snapshot is not None and snapshot.iteration != self._iteration
        )

    def _put_off(self) -> bool:
        """Whether the picture on show has to do, because another would hold up those that follow one another."""
        panel = self._panel
        return (
            self._hurried and panel.picture is not None and panel.current is not None and panel.current.heavy
        )

    @property
    def _hurried(self) -> bool:
        """Whether models follow one another: in training, or as its history is scrubbed."""
        return self._bench.training.phase is Phase.TRAINING or self._bench.replay.held

    def _wanted(self) -> Wanted | None:
        """What the picture depends on; None while nobody can see it."""
        panel, bench = self._panel, self._bench
        view = panel.current
        if view is None or bench.snapshot is None or not self._window.is_seen(panel):
            return None
        if self._offered not in (None, bench.snapshot.experiment):
            # The views are still those of the model before.
            return None
        head, timed = bench.playhead, "time" in view.follows
        moving = (
            panel.controls.dragging
            or (timed and (head.playing or self._window.time_bar.track.dragging))
            or (view.live and self._solver_dragged)
        )
        viewpoint = Viewpoint(
            t=head.t if timed else None,
            start=self._start() if "selection" in view.follows else None,
            values=tuple(sorted(bench.values.get(view.key, {}).items())),
            patience=0.0 if moving else PATIENCE,
        )
        pinned = bench.pinned.shared if view.live and bench.pinned is not None else None
        return Wanted(bench.snapshot, view.key, bench.choice.shared, viewpoint, pinned)

    def _start(self) -> tuple[float, ...] | None:
        """Where the seed starts that is selected."""
        seed = self._bench.selection.seed
        return None if seed is None else self._bench.seeds.points[seed]
