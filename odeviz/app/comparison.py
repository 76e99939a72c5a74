"""The solver setting that is pinned: its solve is shown under the present one's, its cost beside."""

from __future__ import annotations

import dataclasses

from odeviz.analysis.results import FlowResult, SolverChoice
from odeviz.app.main_window import MainWindow
from odeviz.bridge import FlowRequest, PinnedRequest, SolveService
from odeviz.state import Workbench
from odeviz.training.snapshot import Snapshot


class Comparison:
    """Asks for the pinned setting's solve of the trajectories on show, once for each model."""

    kind = PinnedRequest.kind

    def __init__(self, bench: Workbench, service: SolveService, window: MainWindow) -> None:
        self._bench, self._service, self._window = bench, service, window
        self._asked: tuple[Snapshot, PinnedRequest] | None = None

    def forget(self) -> None:
        """What was compared is not what is on show any more."""
        self._asked = None
        self._service.withdraw(self.kind)
        self._show(self._bench.pinned, None)

    def outlive(self, snapshot: Snapshot) -> None:
        """Another model is on show: what the one before did is of no use."""
        if self._asked is not None and self._asked[0] is not snapshot:
            self.forget()

    def ask(self, snapshot: Snapshot, flow: FlowRequest) -> None:
        """Solve what ``flow`` asked for with the pinned setting, if there is one and that is not known."""
        pinned = self._bench.pinned
        if pinned is None:
            return
        request = PinnedRequest(pinned, **{name: getattr(flow, name) for name in _SAME})
        if self._asked is None or self._asked[0] is not snapshot or self._asked[1] != request:
            self.forget()
            self._asked = snapshot, request
            self._service.ask(snapshot, request)

    def show(self, flow: FlowResult) -> None:
        """Draw the answer."""
        self._show(self._bench.pinned, flow if flow.choice == self._bench.pinned else None)

    def _show(self, choice: SolverChoice | None, flow: FlowResult | None) -> None:
        self._window.solver_bar.set_pinned(choice, flow)
        self._window.flow.set_pinned(flow)


#: What the pinned solve has in common with the one on show.
_SAME = tuple(field.name for field in dataclasses.fields(FlowRequest) if field.name != "choice")
