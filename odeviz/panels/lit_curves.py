"""Curves of a chart that belong to trajectories: pointed at and selected there, and lit up from anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QMouseEvent

from odeviz.panels.flow_paths import nearest_path
from odeviz.panels.lit_dots import NEAR, extends
from odeviz.panels.strands import on_axis
from odeviz.state.nouns import Mark, Selection
from odeviz.tasks.chart import Chart
from odeviz.widgets.lines import CurveLine
from odeviz.widgets.plot import Plot
from odeviz.widgets.primitives import pen
from odeviz.widgets.theme import Theme


class LitCurves(QObject):
    """Draws those selected and the one under the mouse over a chart's others.

    A press on a curve ends here: event filters installed before this object do not see it.
    """

    #: The :class:`Mark` under the mouse, or None; and those to be selected, and whether what is selected stays so.
    marked = Signal(object)
    selected = Signal(object, bool)

    def __init__(self, theme: Theme, plot: Plot) -> None:
        super().__init__(plot)
        self._theme, self._plot = theme, plot
        #: Each trajectory's curve ``[n, 2]`` as it lies on the axes.
        self._curves: dict[int, NDArray[np.float64]] = {}
        #: Those of as many points ``[n, curves, 2]``, looked at together, with their trajectories.
        self._stacks: list[tuple[list[int], NDArray[np.float64]]] = []
        self._selection = Selection()
        self.chosen, self.over = (CurveLine(connect="finite", antialias=True) for _ in range(2))
        for z, item in ((17, self.chosen), (18, self.over)):
            item.setZValue(z)
            item.hide()
            plot.addItem(item)
        plot.viewport().setMouseTracking(True)
        plot.viewport().installEventFilter(self)

    def set_chart(self, chart: Chart | None) -> None:
        """The chart whose curves they are."""
        curves = () if chart is None else chart.curves
        self._curves = {
            curve.of: np.stack([on_axis(curve.x, chart.x_log), on_axis(curve.y, chart.y_log)], axis=1)
            for curve in curves
            if curve.of is not None and chart is not None
        }
        known = {k: curve[np.isfinite(curve).all(axis=1)] for k, curve in self._curves.items()}
        lengths: dict[int, list[int]] = {}
        for k, curve in known.items():
            lengths.setdefault(len(curve), []).append(k)
        self._stacks = [(ks, np.stack([known[k] for k in ks], axis=1)) for n, ks in lengths.items() if n]
        self._draw()

    def set_selection(self, selection: Selection) -> None:
        """What is selected and hovered, wherever that was done."""
        if selection != self._selection:
            self._selection = selection
            self._draw()

    def restyle(self) -> None:
        """Take the theme's colours again."""
        self.chosen.setPen(pen(self._theme.colors.selected, 2.2))
        self.over.setPen(pen(self._theme.colors.text, 2.4))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not self._curves or not isinstance(event, QMouseEvent):
            return False
        if event.type() == QEvent.Type.MouseMove and not event.buttons():
            mark = self.mark_at(event)
            over = Qt.CursorShape.SplitHCursor if mark is None else Qt.CursorShape.PointingHandCursor
            self._plot.viewport().setCursor(over)
            if mark != self._selection.hovered:
                self.marked.emit(mark)
        elif event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            mark = self.mark_at(event)
            if mark is not None:
                self.selected.emit((mark,), extends(event))
            return mark is not None
        return False

    def mark_at(self, event: QMouseEvent) -> Mark | None:
        """The trajectory whose curve is under the mouse."""
        box = self._plot.getViewBox()
        point = box.mapSceneToView(self._plot.mapToScene(event.position().toPoint()))
        pixel = box.viewPixelSize()
        found = []
        for ks, curves in self._stacks:
            k, away = nearest_path(curves, point, pixel)
            found.append((away, ks[k]))
        away, k = min(found, default=(np.inf, 0))
        return Mark("trajectory", k) if away <= NEAR else None

    def _draw(self) -> None:
        hovered = self._selection.hovered
        over = [hovered.index] if hovered is not None and hovered.kind == "trajectory" else []
        for item, wanted in ((self.chosen, self._selection.of("trajectory")), (self.over, over)):
            lines: list[Any] = [self._curves[k] for k in wanted if k in self._curves]
            item.setVisible(bool(lines))
            if lines:
                gap = np.full((1, 2), np.nan)
                item.setData(*np.concatenate([part for line in lines for part in (line, gap)]).T)
