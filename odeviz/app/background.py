"""The background of the plane, density or decision: quick while training, a moving picture otherwise."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

from odeviz.analysis.results import DensityResult, Extent, SolverChoice
from odeviz.app.main_window import MainWindow
from odeviz.app.settling import Settling
from odeviz.bridge import Answer, DecisionRequest, DensityRequest, FrameCache, SolveService, Wanted
from odeviz.state import Workbench, offered
from odeviz.tasks.registry import task_of

#: Grid points a side while training, and the tolerance that is then the tightest.
QUICK_GRID, QUICK_TOLERANCE = 40, 1e-2
#: The tightest tolerance of a first look at a time: a picture so coarse does not show more.
GLANCE_TOLERANCE = 1e-3
#: A frame further from the playhead than this share of the flow's time, for so many seconds, is of another time.
APART, FORGIVEN = 0.12, 0.3
#: What to ask for, by what a task shows behind its flow.
_REQUESTS = {"density": DensityRequest, "decision": DecisionRequest}


class Background:
    """Asks for the frames of the background and hands the one of the playhead's time to the panels.

    While training it is one coarse frame a cycle. Otherwise all frames of the flow are filled in, coarse
    first, whenever the solver has nothing more urgent to do, so that playing shows the density move; and where the
    playhead rests or is dragged, a coarse frame of that very time comes before all others, and then a fine one.
    A coarse one also follows the solver's slider.
    """

    kind = "background"

    def __init__(self, bench: Workbench, service: SolveService, window: MainWindow) -> None:
        self._bench, self._service, self._window = bench, service, window
        self._extent: Extent | None = None
        self._frames: FrameCache[Any] | None = None
        #: What the frames are of.
        self._of: tuple[Any, ...] = ()
        #: The frame that was asked for last.
        self._asked: Wanted | None = None
        #: The frame on show.
        self.frame: Any = None
        #: Since when that frame is of another time than the flow.
        self._apart_since = math.inf
        self.settling = Settling(window)
        self.settling.settled.connect(self._follow_slider)

    def forget(self) -> None:
        """Another model is about to be shown."""
        self._frames = self.frame = None

    def take_away(self) -> None:
        """What is shown in the flow view is of the model before."""
        snapshot = self._bench.snapshot
        behind = "" if snapshot is None else task_of(snapshot.experiment).behind(snapshot.experiment)
        self._window.docks["density"].setWindowTitle("Decision" if behind == "decision" else "Density")
        self._window.flow.set_density(None)

    def pause(self) -> None:
        """Ask for no more frames until :meth:`renew`."""
        self._service.withdraw(self.kind)
        self._frames = None

    def outlive(self, choice: SolverChoice) -> None:
        """Another solver is chosen: frames of the one before are of no use, if it would make others.

        While its slider is dragged, one coarse frame comes along each time that the hand rests, or now and then.
        """
        if self._bench.dragging:
            self.settling.stir()
            if self._frames is None:
                # A frame on its way is let finish.
                return
        if self._frames is None or self._of[2] != choice.shared:
            self.pause()

    @property
    def finest(self) -> bool:
        """Whether the frame at the playhead is as fine as it will be."""
        if self._service.is_open(self.kind) and self._frames is None:
            return False
        head = self._bench.playhead
        return self._frames is None or self._frames.is_finest(head.t, still=not head.playing)

    def renew(self, extent: Extent | None, training: bool) -> None:
        """Begin again unless the frames are of the same; what is shown stays until it is replaced."""
        snapshot, bench = self._bench.snapshot, self._bench
        of = (id(snapshot), extent, bench.choice.shared, bench.projection.still, bench.playhead.t1)
        if self._frames is not None and of == self._of and not training and self._wanted():
            self._ask_next()
            return
        self.pause()
        self._extent, self._of = extent, of
        if not self._there():
            return
        if training:
            quick = Wanted(self._bench.playhead.t, QUICK_GRID, awaited=True)
            self._ask(quick, _loosened(self._bench.choice, QUICK_TOLERANCE))
        else:
            self._frames = FrameCache(self._bench.playhead.t1)
            self._asked = None
            self._ask_next()

    def rescale(self, t1: float) -> None:
        """The flow's end time has become known, or has changed: frames of another range are useless."""
        if self._frames is not None and self._frames.t1 != t1:
            self.renew(self._extent, training=False)

    def follow(self) -> None:
        """Called on every tick: a playhead at rest at another time is not kept waiting by frames of other times."""
        head = self._bench.playhead
        if self._frames is None or head.playing:
            return
        wanted, asked = self._frames.next_wanted(head.t, still=True), self._asked
        if (
            wanted is None
            or not wanted.awaited
            or (asked is not None and asked.awaited and asked.t == wanted.t)
        ):
            return
        # The first look at a time is let finish, so that the picture follows the hand; finer ones make room.
        glanced = asked is not None and asked.awaited and asked.n == self._frames.glances[0]
        self._ask(wanted, self._choice_for(wanted), patient=glanced)

    def take(self, answer: Answer) -> None:
        """Keep an answer, and ask for the next frame."""
        request = answer.request
        if self._frames is not None and isinstance(request, DensityRequest | DecisionRequest):
            self._frames.store(request.t, request.n, answer.result)
            self._ask_next()

    def show(self, frame: Any = None) -> bool:
        """Draw the frame of the playhead's time, or ``frame`` where there are no others; True if it is new."""
        if self._frames is not None:
            frame = self._frames.nearest(self._bench.playhead.t) or frame
        self._fade(self.frame if frame is None else frame)
        if frame is None or frame is self.frame:
            return False
        self.frame = frame
        flow, density = self._window.flow, isinstance(frame, DensityResult)
        self._window.docks["density"].setWindowTitle("Density" if density else "Decision")
        (flow.set_density if density else flow.set_decision)(frame)
        return True

    def _fade(self, frame: Any) -> None:
        """Let what belongs to another time than the flow's step back, once it has done so for a while."""
        head, now = self._bench.playhead, time.monotonic()
        if frame is None or abs(frame.t - head.t) <= APART * head.t1:
            self._apart_since = math.inf
        else:
            self._apart_since = min(self._apart_since, now)
        self._window.flow.set_background_faded(now - self._apart_since > FORGIVEN)

    def show_panel(self) -> None:
        """Draw the frame on show in the panel of its own, if that is seen; None while there is none of this model."""
        panel = self._window.density
        if self.frame is None:
            panel.set_density(None)
        elif isinstance(self.frame, DensityResult) and self._window.is_seen(panel):
            panel.set_density(self.frame)
        elif self._window.is_seen(panel):
            panel.set_decision(self.frame)

    def _wanted(self) -> bool:
        layers = self._bench.layers
        return layers["background"] or layers["contours"] or self._window.is_seen(self._window.density)

    def _there(self) -> bool:
        """Whether the model has a background, and somebody wants to see it."""
        snapshot = self._bench.snapshot
        if snapshot is None or self._extent is None:
            return False
        behind = task_of(snapshot.experiment).behind(snapshot.experiment)
        return bool(behind) and "background" in offered(self._bench.stage) and self._wanted()

    def _follow_slider(self) -> None:
        """What lies behind the flow under the hand, so coarse that the next flow is not kept waiting."""
        if self._bench.dragging and self._frames is None and self._there():
            coarse = Wanted(self._bench.playhead.t, QUICK_GRID, awaited=True)
            self._ask(coarse, _loosened(self._bench.choice, QUICK_TOLERANCE), patient=True)

    def _ask_next(self) -> None:
        if self._frames is None or self._service.is_open(self.kind):
            return
        head = self._bench.playhead
        wanted = self._frames.next_wanted(head.t, still=not head.playing)
        if wanted is not None:
            self._ask(wanted, self._choice_for(wanted))

    def _choice_for(self, wanted: Wanted) -> SolverChoice:
        choice = self._bench.choice
        if self._frames is not None and wanted.awaited and wanted.n == self._frames.glances[0]:
            return _loosened(choice, GLANCE_TOLERANCE)
        return choice

    def _ask(self, wanted: Wanted, choice: SolverChoice, patient: bool = False) -> None:
        snapshot = self._bench.snapshot
        if snapshot is not None and self._extent is not None:
            self._asked = wanted
            choice = choice.shared
            ask = _REQUESTS[task_of(snapshot.experiment).behind(snapshot.experiment)]
            seen = self._bench.projection.still
            smooth = not self._bench.hurried
            request = ask(wanted.t, self._extent, wanted.n, choice, wanted.awaited, seen, smooth)
            self._service.ask(snapshot, request, patient=patient)


def _loosened(choice: SolverChoice, tolerance: float) -> SolverChoice:
    """The choice with a tolerance no tighter than this."""
    loose = max(choice.rtol, tolerance)
    return dataclasses.replace(choice, rtol=loose, atol=loose)
