"""What is known at the point under the mouse: asked for as the mouse moves and as time goes on."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from odeviz.analysis.results import ProbeResult
from odeviz.app.main_window import MainWindow
from odeviz.app.redraw import RedrawLoop
from odeviz.bridge import ProbeRequest, SolveService
from odeviz.state import Workbench
from odeviz.training.snapshot import Snapshot


class Probing(QObject):
    """Joins the mouse over the flow view, the solver and the card with what is known there."""

    def __init__(
        self,
        bench: Workbench,
        service: SolveService,
        window: MainWindow,
        redraw: RedrawLoop,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bench, self._service, self._window, self._redraw = bench, service, window, redraw
        self._point: tuple[float, float] | None = None
        window.flow.hovered.connect(self._on_hovered)
        window.flow.hover_left.connect(self._on_left)

    def ask(self, snapshot: Snapshot, shown: ProbeResult | None) -> None:
        """Ask for the point under the mouse, unless that is what is shown."""
        if self._point is None or self._service.is_open("probe"):
            return
        request = ProbeRequest(self._point, self._bench.playhead.t, self._bench.projection.still)
        if shown is None or (shown.point, shown.t) != (request.point, request.t):
            self._service.ask(snapshot, request)

    def show(self, probe: ProbeResult) -> None:
        """Show an answer while the mouse is still there."""
        if self._point is not None:
            self._window.flow.set_probe(probe)

    @Slot(float, float)
    def _on_hovered(self, x: float, y: float) -> None:
        self._point = (x, y)
        self._redraw.wake()

    @Slot()
    def _on_left(self) -> None:
        self._point = None
        self._service.withdraw("probe")
        self._window.flow.set_probe(None)
