"""The steps that the selected trajectories would take alone: asked for while the panel of steps is seen.

Where every trajectory has steps of its own, the ticks of the time bar are those of the one selected.
"""

from __future__ import annotations

from odeviz.analysis.overlays import AloneResult
from odeviz.app.asking import Asking
from odeviz.app.main_window import MainWindow
from odeviz.bridge import AloneRequest, SolveService
from odeviz.state import Mark, Workbench
from odeviz.training.snapshot import Snapshot

#: Trajectories whose steps are drawn at most: more stairs cannot be told apart.
MOST = 6


class OwnSteps:
    """Asks for the steps of what is selected or hovered, once for each model and setting."""

    kind = AloneRequest.kind

    def __init__(self, bench: Workbench, service: SolveService, window: MainWindow, asking: Asking) -> None:
        self._bench, self._service, self._window, self._asking = bench, service, window, asking
        self._asked: tuple[Snapshot, AloneRequest] | None = None

    def forget(self) -> None:
        """Another model is about to be shown."""
        self._asked = None
        self._service.withdraw(self.kind)
        self._window.steps.set_alone(None)
        self._window.time_bar.set_own(None)

    def ask(self, snapshot: Snapshot) -> None:
        """Called on every tick: ask for what is lit and not known, and forget it when nothing is."""
        marks, bench = self._lit(), self._bench
        if not marks or not (bench.choice.own_steps or self._window.is_seen(self._window.steps)):
            if self._asked is not None:
                self.forget()
            return
        seeds = bench.seeds.points if any(mark.kind == "seed" for mark in marks) else ()
        request = AloneRequest(marks, seeds, bench.choice, self._asking.crowd(snapshot))
        if self._asked is None or self._asked[0] is not snapshot or self._asked[1] != request:
            self._asked = snapshot, request
            # What is under way is let finish: pictures follow the hand.
            self._service.ask(snapshot, request, patient=True)

    def show(self, alone: AloneResult) -> None:
        """Draw an answer."""
        if self._asked is not None and self._asked[1].choice == alone.choice:
            self._window.steps.set_alone(alone)
            own = alone.choice.own_steps and alone.marks
            self._window.time_bar.set_own(alone.steps[0] if own else None, *alone.marks[:1] if own else ())

    def _lit(self) -> tuple[Mark, ...]:
        """The hovered one, and those that were selected last."""
        selection = self._bench.selection
        lit = dict.fromkeys(([selection.hovered] if selection.hovered else []) + list(selection.marks[::-1]))
        return tuple(lit)[:MOST]
