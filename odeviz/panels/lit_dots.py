"""Where the selected and the hovered trajectories are, on any plane that shows states of one time or of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent

from odeviz.analysis.results import FlowResult
from odeviz.panels.flow_layers import at_time
from odeviz.panels.flow_paths import MANY
from odeviz.state.nouns import Mark, Selection
from odeviz.widgets.lines import CurveLine
from odeviz.widgets.plot import Plot
from odeviz.widgets.primitives import pen
from odeviz.widgets.theme import Theme

#: Pixels from a trajectory within which the mouse is over it.
NEAR = 9.0


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
            if len(away) and away.min() <= NEAR:
                return Mark(kind, int(away.argmin()))  # type: ignore[arg-type]
        return None

    def lit(self, t: float, theme: Theme) -> list[tuple[Mark, tuple[float, float], str]]:
        """What is selected or hovered: where it is at a time, and its colour."""
        wanted = dict.fromkeys(self.selection.marks, theme.colors.selected)
        if self.selection.hovered is not None:
            wanted[self.selection.hovered] = theme.colors.text
        found = []
        for mark, color in wanted.items():
            places = self.places(mark.kind, t)
            if mark.index < len(places) and np.isfinite(places[mark.index]).all():
                x, y = places[mark.index].tolist()
                found.append((mark, (x, y), color))
        return found

    def path(self, mark: Mark) -> NDArray[np.float64]:
        """The way ``[T, 2]`` of a trajectory that is there."""
        return np.asarray(self.flows[mark.kind].paths[:, mark.index], dtype=np.float64)


class LitPlane(QObject):
    """Marks trajectories on a plot of the plane, and lets them be pointed at there as in the flow view.

    A press on a trajectory ends here: event filters installed before this object do not see it.
    A dot for every selected trajectory, and one for what is under the mouse in whatever view; with ``paths`` the way
    that each of them takes, too.
    """

    #: The :class:`Mark` under the mouse, or None; and those to be selected, and whether what is selected stays so.
    marked = Signal(object)
    selected = Signal(object, bool)

    def __init__(self, theme: Theme, plot: Plot, parent: QObject | None = None) -> None:
        super().__init__(parent or plot)
        self._theme, self._plot = theme, plot
        self._crowd = Crowd()
        #: The time whose states the plot shows; None where it shows none.
        self._t: float | None = None
        self._paths = False
        #: What is drawn: marks, where they are and in which colours.
        self._drawn: tuple[Any, ...] = ()
        #: How the mouse looks where nothing is under it, and whether a click there selects nothing.
        self.idle, self.clears = Qt.CursorShape.ArrowCursor, True
        self.dots, self.lines = (
            pg.ScatterPlotItem(size=10),
            CurveLine(connect="finite", antialias=True),
        )
        for z, item in ((19, self.lines), (20, self.dots)):
            item.setZValue(z)
            plot.addItem(item)
        plot.viewport().setMouseTracking(True)
        plot.viewport().installEventFilter(self)

    def set_crowd(self, crowd: Crowd) -> None:
        """The trajectories that can be marked, and those that are."""
        self._crowd = crowd
        self._draw()

    def set_time(self, t: float | None, paths: bool = False) -> None:
        """Mark them where they are at ``t``; with None nothing is marked."""
        if (t, paths) != (self._t, self._paths):
            self._t, self._paths = t, paths
            self._draw()

    def restyle(self) -> None:
        """Take the theme's colours again."""
        self._drawn = ()
        self._draw()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.Leave:
            self.marked.emit(None)
        elif self._t is not None and isinstance(event, QMouseEvent):
            # Where a click means something else, a drag does as well.
            if kind == QEvent.Type.MouseMove and (self.clears or not event.buttons()):
                mark = self.mark_at(event)
                over = self.idle if mark is None else Qt.CursorShape.PointingHandCursor
                self._plot.viewport().setCursor(over)
                self.marked.emit(mark)
            elif kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
                mark = self.mark_at(event)
                if mark is not None or self.clears:
                    self.selected.emit((mark,) if mark is not None else (), extends(event))
                return mark is not None
        return False

    def mark_at(self, event: QMouseEvent) -> Mark | None:
        """The trajectory that is under the mouse."""
        box = self._plot.getViewBox()
        point = box.mapSceneToView(self._plot.mapToScene(event.position().toPoint()))
        return None if self._t is None else self._crowd.nearest(point, box.viewPixelSize(), self._t)

    def _draw(self) -> None:
        lit = [] if self._t is None else self._crowd.lit(self._t, self._theme)
        what = (*((mark, *place, color) for mark, place, color in lit), self._paths)
        if what == self._drawn:
            # Nothing has moved: a repaint at every tick would cost as much as the flow's own.
            return
        self._drawn = what
        spots = [{"pos": place, "brush": QColor(color)} for _, place, color in lit]
        if spots or len(self.dots.data):
            # Many with rings would run into one blot.
            many = len(spots) > MANY
            self.dots.setData(
                spots, size=5 if many else 10, pen=None if many else pen(self._theme.colors.base, 1.5)
            )
        gap = np.full((1, 2), np.nan)
        ways = [part for mark, _, _ in lit for part in (self._crowd.path(mark), gap)] if self._paths else []
        self.lines.setVisible(bool(ways))
        if ways:
            self.lines.setData(*np.concatenate(ways).T, pen=pen(self._theme.colors.text, 1.5))


def extends(event: QMouseEvent) -> bool:
    """Whether what is selected already stays so: Shift or Ctrl is held."""
    held = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
    return bool(event.modifiers() & held)
