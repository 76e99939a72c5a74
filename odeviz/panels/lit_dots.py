"""Where the selected and the hovered trajectories are at one time, on any plane that shows states of that time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from odeviz.analysis.results import FlowResult
from odeviz.panels.flow_layers import at_time
from odeviz.state.nouns import Mark, Selection
from odeviz.widgets.primitives import pen
from odeviz.widgets.theme import Theme

#: Pixels from a trajectory within which the mouse is over it.
_NEAR = 9.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """The trajectories there are, of seeds and others, and which of them are selected and hovered."""

    flows: Mapping[str, FlowResult] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)

    def having(self, kind: str, flow: FlowResult | None) -> Crowd:
        """With these trajectories of a kind, or none."""
        others = {key: one for key, one in self.flows.items() if key != kind}
        return replace(self, flows=others if flow is None else {**others, kind: flow})

    def places(self, kind: str, t: float) -> NDArray[np.float64]:
        """Where the trajectories of a kind are at a time, ``[n, 2]``."""
        flow = self.flows.get(kind)
        if flow is None or flow.paths.shape[-1] != 2:
            return np.empty((0, 2))
        return np.asarray(at_time(flow.t, flow.paths, t), dtype=np.float64)

    def nearest(self, point: QPointF, pixel: tuple[float, float], t: float) -> Mark | None:
        """The trajectory that is under the mouse at that time, if there is one; seeds first."""
        for kind in ("seed", "trajectory"):
            places = self.places(kind, t)
            away = np.hypot(*((places - [point.x(), point.y()]) / np.array(pixel)).T)
            away = np.where(np.isfinite(away), away, np.inf)
            if len(away) and away.min() <= _NEAR:
                return Mark(kind, int(away.argmin()))  # type: ignore[arg-type]
        return None


class LitDots(pg.ScatterPlotItem):
    """A dot for every selected trajectory, and one for what is under the mouse in whatever view."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(size=10)
        self._theme = theme
        self.setZValue(20)

    def show_crowd(self, crowd: Crowd, t: float) -> None:
        """Draw them where they are at ``t``."""
        colors, selection = self._theme.colors, crowd.selection
        wanted = dict.fromkeys(selection.marks, colors.accent)
        if selection.hovered is not None:
            wanted[selection.hovered] = colors.text
        spots: list[dict[str, Any]] = []
        for mark, color in wanted.items():
            places = crowd.places(mark.kind, t)
            if mark.index < len(places) and np.isfinite(places[mark.index]).all():
                spots.append({"pos": places[mark.index], "brush": QColor(color)})
        if spots or len(self.data):
            self.setData(spots, pen=pen(colors.base, 1.5))
