"""What only some layers of the flow view need: asked for while one of them is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from odeviz.analysis.overlays import EffortResult
from odeviz.analysis.results import Extent
from odeviz.app.main_window import MainWindow
from odeviz.bridge import (
    BorderRequest,
    EffortRequest,
    Request,
    RestRequest,
    SolveService,
    StreamRequest,
)
from odeviz.state import Workbench, colourings, offered

#: Nodes of the grid that is followed and its times: at rest, and while training.
STREAM, QUICK_STREAM = (65, 17), (33, 5)


@dataclass(frozen=True, slots=True)
class _Now:
    """What requests are made of."""

    bench: Workbench
    extent: Extent
    crowd: int
    training: bool

    def shows(self, *layers: str) -> bool:
        there = offered(self.bench.stage)
        return any(key in there and self.bench.layers[key] for key in layers)


def _stream(now: _Now) -> Request | None:
    if not now.shows("streamlines", "tracers", "nullclines"):
        return None
    n, times = QUICK_STREAM if now.training else STREAM
    return StreamRequest(now.extent, n, times, now.shows("streamlines"), now.bench.projection.still)


def _rest(now: _Now) -> Request | None:
    return RestRequest(now.bench.projection.still, quick=now.training) if now.shows("rest") else None


def _border(now: _Now) -> Request | None:
    return BorderRequest() if now.shows("boundary") else None


def _effort(now: _Now) -> Request | None:
    wanted = now.bench.colouring == "nfe" and "nfe" in colourings(now.bench.stage)
    if not wanted or not now.shows("trajectories"):
        return None
    return EffortRequest(now.bench.choice, now.crowd)


#: What is asked for by kind; None where no layer wants it.
_WANTED: Mapping[str, Callable[[_Now], Request | None]] = {
    "stream": _stream, "border": _border, "rest": _rest, "effort": _effort,
}  # fmt: skip


class FlowExtras:
    """Asks for what layers want, once for each snapshot, and hands the answers to the flow view."""

    kinds = tuple(_WANTED)

    def __init__(self, bench: Workbench, service: SolveService, window: MainWindow) -> None:
        self._bench, self._service, self._window = bench, service, window
        #: What was asked for last of each kind, and of which snapshot.
        self._asked: dict[str, tuple[Any, Request]] = {}
        self._effort: EffortResult | None = None

    def forget(self) -> None:
        """What is shown is of another model, or of another projection: take it away."""
        for kind in self.kinds:
            self._service.withdraw(kind)
        self._asked.clear()
        self._effort = None
        flow = self._window.flow
        flow.set_stream(None)
        flow.set_border(None)
        flow.set_rest(None)

    def ask(self, extent: Extent | None, crowd: int, training: bool) -> None:
        """Ask for what is wanted and not known yet."""
        snapshot = self._bench.snapshot
        if snapshot is None or extent is None:
            return
        now = _Now(self._bench, extent, crowd, training)
        for kind, make in _WANTED.items():
            request = make(now)
            if request is None:
                self._service.withdraw(kind)
                self._asked.pop(kind, None)
            elif self._asked.get(kind) != (snapshot, request):
                self._asked[kind] = (snapshot, request)
                self._service.ask(snapshot, request)

    def show(self, kind: str, result: Any) -> None:
        """Draw an answer."""
        flow = self._window.flow
        shows = {"stream": flow.set_stream, "border": flow.set_border, "rest": flow.set_rest}
        if kind == "effort":
            self._effort = result
            self.show_colouring()
        elif kind in self._asked:
            shows[kind](result)

    def show_colouring(self) -> None:
        """Colour the paths in the chosen way, or by class where that means nothing here."""
        key, ways = self._bench.colouring, colourings(self._bench.stage)
        nfe = self._effort.nfe if key == "nfe" and self._effort is not None else None
        self._window.flow.set_colouring(key if key in ways else "class", nfe, ways)
