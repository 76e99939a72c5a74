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

    def ask(
        self, snapshot: Snapshot, flow: FlowRequest, hurried: bool = False, dragged: bool = False
    ) -> None:
        """Solve what ``flow`` asked of a model with the pinned setting, if there is one and that is not known.

        Where models follow one another its error is left out. While the present setting is ``dragged`` a solve of the
        same model will do, however many times it was asked for.
        """
        pinned, before = self._bench.pinned, self._asked
        if pinned is None or (dragged and before is not None and before[0] is snapshot):
            return
        same = {name: getattr(flow, name) for name in _SAME}
        request = PinnedRequest(pinned, measured=not hurried, **same)
        if before is None or before[0] is not snapshot or before[1] != request:
            # What is on show stays until this is there.
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
