"""What exports are made from: the panels and what they show at the moment."""

from __future__ import annotations

from typing import Any

from odeviz.app.exports import Shown
from odeviz.app.main_window import MainWindow
from odeviz.app.pictures import Pictures
from odeviz.state import Workbench, offered


class ExportSource:
    """Looks at the window; changes nothing."""

    def __init__(self, bench: Workbench, pictures: Pictures, window: MainWindow) -> None:
        self._bench, self._pictures, self._window = bench, pictures, window

    @property
    def panels(self) -> list[Any]:
        """All that show something."""
        return [
            self._window.flow,
            *(dock.widget() for dock in self._window.docks.values() if dock is not None),
        ]

    def in_hand(self) -> str:
        """The export of the panel that has the focus; the flow's otherwise."""
        here = self._window.focusWidget()
        for panel in self.panels:
            if here is not None and (panel is here or panel.isAncestorOf(here)):
                return self.key_of(panel.key)
        return "flow"

    def key_of(self, panel: str) -> str:
        """A panel's export: of one that has views, the view on show."""
        views = {"view": self._window.view, "precision": self._window.precision}
        return views[panel].view if panel in views else panel

    def shown(self) -> Shown | None:
        """What is shown now; None without a model."""
        snapshot, window = self._bench.snapshot, self._window
        if snapshot is None:
            return None
        # The tracers are the window's own: nobody is asked for them.
        results = {**self._pictures.results, "tracers": window.flow.tracers}
        panels = (window.view, window.precision)
        views = tuple(view for panel in panels for view in panel.views)
        there = {
            panel.view: panel.key for panel in panels
            if panel.picture is not None and results.get(panel.key) is not None
        }  # fmt: skip
        return Shown(
            snapshot, results, self._bench.playhead.t, self._bench.choice, views, there, self._bench.projection,
            self._bench.latest or snapshot, self._layers_on(), self._bench.colouring, self._bench.range,
            self._bench.kept, self._bench.selection.of("trajectory"), tuple(window.flow.axis_names()),
        )  # fmt: skip

    def _layers_on(self) -> tuple[str, ...]:
        """The flow view's layers that are offered and shown."""
        return tuple(key for key in offered(self._bench.stage) if self._bench.layers[key])
