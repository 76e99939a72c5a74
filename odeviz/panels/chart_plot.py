"""A task's chart in the window: curves, points, bars and bands over common axes, with a legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from odeviz.panels.lit_curves import LitCurves
from odeviz.panels.lit_dots import Crowd, LitPlane
from odeviz.panels.riders import Riders
from odeviz.panels.strands import Strand, is_crowd, look, on_axis, on_sheet, same, segments, sized, strands
from odeviz.tasks.chart import Chart, Curve
from odeviz.widgets.legend import Key, Legend, shade
from odeviz.widgets.lines import CurveLine, FaintLines, StraightLine
from odeviz.widgets.plot import Plot, grown
from odeviz.widgets.primitives import pen
from odeviz.widgets.theme import Theme

#: The theme's colour for what a curve stands for.
ROLES = {
    "model": "accent", "truth": "text", "data": "path", "baseline": "classes.1", "second": "classes.2",
    "muted": "muted", **{f"class{k}": f"classes.{k}" for k in range(10)},
}  # fmt: skip
_KINDS = {"line": "line", "dashed": "dash", "points": "dot", "bars": "dot"}
#: Rows of a legend at most; and the chart's height, at the system's text size, from which it may have more than one.
ROWS = 4
_HIGH = 220
#: A range smaller than this share of the values is rounding: it is widened to that other share of them.
_ROUNDING, _WIDENED = 1e-6, 0.1

#: Pixels of a left axis whose chart stands above or below others of the same times.
_LEFT = 48


class ChartPlot(QWidget):
    """Draws a :class:`Chart`; ``set_time`` moves the playhead's line on a chart over time, and dots along paths.

    Curves that are the same objects as before are left as they are drawn.
    """

    #: A person pointed at a time, on a chart over time.
    time_picked = Signal(float)
    #: The :class:`Mark` of the trajectory under the mouse, or None; and those to be selected, and whether others stay.
    marked = Signal(object)
    selected = Signal(object, bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._chart: Chart | None = None
        self._keyed = True
        #: What is drawn of each strand, by its place among the strands.
        self._drawn: dict[int, tuple[Strand, list[Any]]] = {}
        self._axes: tuple[bool, bool] = (False, False)
        self._t = 0.0
        self._x: tuple[float, float] | None = None
        self._y: tuple[float, float] | None = None
        self._title = QLabel(self)
        self._title.setProperty("role", "section")
        self._title.setContentsMargins(12, 6, 12, 0)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._title.hide()
        self.legend = Legend(theme, parent=self, rows=ROWS)
        # Until a chart has keys: a place that is shown before its chart shall not be lower than with it.
        self.legend.hide()
        self.plot = Plot(theme, " ", " ", parent=self)
        self._now = StraightLine(angle=90)
        self._now.setZValue(5)
        self.plot.addItem(self._now)
        self._now.hide()
        self.riders = Riders()
        self.riders.setZValue(1000)
        self.plot.addItem(self.riders)
        self._scrubbing = False
        self._named = self._numbered = True
        self._aligned = False
        self.plot.viewport().installEventFilter(self)
        self.lit, self.lit_curves = LitPlane(theme, self.plot), LitCurves(theme, self.plot)
        for lit in (self.lit, self.lit_curves):
            lit.marked.connect(self.marked)
            lit.selected.connect(self.selected)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._title)
        column.addWidget(self.legend)
        column.addWidget(self.plot, 1)
        theme.changed.connect(self.restyle)
        self.restyle()

    def set_chart(
        self,
        chart: Chart | None,
        titled: bool = False,
        keyed: bool = True,
        named: bool = True,
        numbered: bool = True,
        aligned: bool = False,
    ) -> None:
        """Draw a chart: with its title above when it is one of several, its legend, its x axis named and numbered.

        ``aligned`` gives its left axis the width that all such charts have.
        """
        same = self._chart is not None and chart is not None and self._chart.title == chart.title
        if not same:
            self._x = self._y = None
        self._chart, self._keyed = chart, keyed
        title = chart.title if titled and chart is not None else ""
        self._title.setVisible(bool(title))
        self._title.setText(title)
        self._title.setToolTip(title)
        self._named, self._numbered, self._aligned = named, numbered, aligned
        self._draw()
        self._show_below()

    def set_time(self, t: float) -> None:
        """The playhead's time."""
        if t != self._t:
            self._t = t
            if self._now.isVisible():
                self._now.setValue(t)
            self.riders.set_time(t)
            self._mark()

    def set_crowd(self, crowd: Crowd) -> None:
        """The trajectories that can be marked, and those that are."""
        self.lit.set_crowd(crowd)
        self.lit_curves.set_selection(crowd.selection)

    @property
    def follows(self) -> bool:
        """Whether the playhead's time moves anything that is drawn."""
        return self._chart is not None and (
            self._chart.over_time or self._chart.at == "playhead" or self.riders.any
        )

    def restyle(self) -> None:
        """Take the theme's colours again."""
        self._now.setPen(pen(self._theme.colors.muted, 1.0))
        self._forget()
        self._draw()
        self._show_below()
        self.lit.restyle()
        self.lit_curves.restyle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.legend.set_rows(ROWS if self.height() >= self._theme.px(_HIGH) else 1)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel:
            # Charts are not zoomed: the wheel scrolls what they stand in.
            event.ignore()
            return True
        if isinstance(event, QMouseEvent) and self._chart is not None and self._chart.over_time:
            held = bool(event.buttons() & Qt.MouseButton.LeftButton)
            if event.type() == QEvent.Type.MouseButtonPress:
                self._scrubbing = held
            # A press on a trajectory does not come here: what follows it is no drag through time.
            self._scrubbing = self._scrubbing and held
            if self._scrubbing:
                box = self.plot.getViewBox()
                x = box.mapSceneToView(self.plot.mapToScene(event.position().toPoint())).x()
                self.time_picked.emit(min(max(x, box.viewRange()[0][0]), box.viewRange()[0][1]))
        return super().eventFilter(watched, event)

    def _show_below(self) -> None:
        # An axis that is told again how it is draws its ticks again.
        axis, named = self.plot.getAxis("bottom"), self._named and self._chart is not None
        if axis.style["showValues"] != self._numbered:
            axis.setStyle(showValues=self._numbered)
        if axis.label.isVisible() != named:
            axis.showLabel(named)
        # Where charts share their numbers, the same time stands at the same place.
        left, width = self.plot.getAxis("left"), self._theme.px(_LEFT) if self._aligned else None
        if left.fixedWidth != width:
            left.setWidth(width)

    def _mark(self) -> None:
        """Mark the trajectories where they are at the time that the chart shows."""
        at = None if self._chart is None else self._chart.at
        self.lit.set_time(self._t if at == "playhead" else at, paths=at == "playhead")

    def _forget(self, *places: int) -> None:
        """Take away what is drawn of the strands at these places, or of all."""
        for k in places or list(self._drawn):
            for item in self._drawn.pop(k)[1]:
                self.plot.removeItem(item)

    def _draw(self) -> None:
        chart = self._chart
        over_time = chart is not None and chart.over_time
        self.lit.clears = not over_time
        self.lit.idle = Qt.CursorShape.SplitHCursor if over_time else Qt.CursorShape.ArrowCursor
        self._mark()
        self.lit_curves.set_chart(chart)
        self._now.setVisible(over_time)
        self._now.setValue(self._t)
        self.plot.viewport().setCursor(self.lit.idle)
        if chart is None:
            self._forget()
            self.legend.set_keys([])
            self._ride(())
            return
        for name, label, log in (
            ("bottom", chart.x_label, chart.x_log),
            ("left", chart.y_label, chart.y_log),
        ):
            self.plot.set_axis(name, label, log)
        self.plot.getAxis("bottom").set_ends(chart.over_time)
        self.plot.setAspectLocked(chart.equal)
        if self._axes != (chart.x_log, chart.y_log):
            self._axes = (chart.x_log, chart.y_log)
            self._forget()
        every = strands(chart.curves)
        stale = [k for k, (strand, _) in self._drawn.items() if k >= len(every) or not same(strand, every[k])]
        stale = [k for k in stale if k >= len(every) or not self._renew(chart, every[k], k)]
        if stale:
            self._forget(*stale)
        for k, strand in enumerate(every):
            if k not in self._drawn:
                self._drawn[k] = (strand, [])
                self._add(chart, strand, k)
        self._fit(chart)
        self._ride(chart.curves)
        keys = keys_of(chart) if self._keyed else []
        self.legend.set_keys(keys)
        self.legend.setVisible(bool(keys))

    def _ride(self, curves: Sequence[Curve]) -> None:
        paths = [curve for curve in curves if curve.t is not None]
        fills = [shade(self._theme, ROLES[curve.role]) for curve in paths]
        self.riders.set_paths(paths, fills, self._theme.colors.base, self._t)

    def _add(self, chart: Chart, strand: Strand, order: int) -> None:
        curve = strand[0]
        color = shade(self._theme, ROLES[curve.role])
        alpha, width = (0.35, 1.0) if curve.faint else (1.0, 2.0)
        if is_crowd(curve):
            lines = FaintLines()
            lines.set_pen(pen(color, width, alpha), smooth=True)
            lines.set_segments(segments(chart, strand))
            self._put(lines, order)
            return
        x, y = on_sheet(chart, curve)
        if curve.low is not None and curve.high is not None:
            edges = [CurveLine(x, on_axis(edge, chart.y_log)) for edge in (curve.low, curve.high)]
            fill = QColor(color)
            fill.setAlphaF(0.18)
            self._put(pg.FillBetweenItem(*edges, brush=fill), order, -100)
        if curve.style == "points":
            many, size = sized(curve)
            keep = np.isfinite(x) & np.isfinite(y)
            brush = QColor(color)
            # A crowd of data is the ground for what lies upon it.
            brush.setAlphaF(
                0.5 if curve.faint else 0.9 if not many else 0.35 if curve.role == "data" else 0.65
            )
            self._put(pg.ScatterPlotItem(x[keep], y[keep], size=size, pen=None, brush=brush), order)
        elif curve.style == "bars":
            brush = QColor(color)
            brush.setAlphaF(0.55)
            # One outline: bars of their own would leave gaps of a pixel here and there.
            bars = CurveLine(
                bar_edges(x), np.nan_to_num(y), stepMode="center", fillLevel=0.0, brush=brush, pen=None
            )
            self._put(bars, order, -50)
        else:
            line = pen(color, width, alpha)
            if curve.style == "dashed":
                line.setDashPattern([4, 3])
                line.setStyle(Qt.PenStyle.CustomDashLine)
            self._put(CurveLine(x, y, pen=line, connect="finite", antialias=True), order)

    def _renew(self, chart: Chart, strand: Strand, k: int) -> bool:
        """Give what is drawn at place ``k`` its new values; False if more than those has changed.

        New items for every picture of a model in training would cost more than all else that is drawn.
        """
        before, items = self._drawn[k]
        curve = strand[0]
        if curve.style == "bars" or curve.low is not None or look(before[0]) != look(curve):
            return False
        if is_crowd(curve):
            items[0].set_segments(segments(chart, strand))
            self._drawn[k] = strand, items
            return True
        x, y = on_sheet(chart, curve)
        if curve.style == "points":
            keep = np.isfinite(x) & np.isfinite(y)
            x, y = x[keep], y[keep]
        items[0].setData(x, y)
        self._drawn[k] = strand, items
        return True

    def _put(self, item: Any, order: int, lift: float = 0.0) -> None:
        item.setZValue(order + lift)
        self.plot.addItem(item)
        self._drawn[order][1].append(item)

    def _fit(self, chart: Chart) -> None:
        if chart.frame is not None:
            x0, x1, y0, y1 = chart.frame
            self._x, self._y = (x0, x1), (y0, y1)
            self.plot.setRange(xRange=self._x, yRange=self._y, padding=0.0)
            return
        x = _together(chart.x_log, [curve.x for curve in chart.curves])
        y = _together(
            chart.y_log,
            [part for c in chart.curves for part in (c.y, c.low, c.high) if part is not None]
            + [np.zeros(1) for c in chart.curves if c.style == "bars" and not chart.y_log],
        )
        if not len(x) or not len(y):
            return
        x, y = _widened(x), _widened(y)
        span = float(np.ptp(x)) or 1.0
        margin = 0.04 * span if chart.equal or not chart.over_time else 0.0
        self._x = grown(self._x, float(x.min()), float(x.max())) if chart.equal else (
            float(x.min()) - margin, float(x.max()) + margin
        )  # fmt: skip
        self._y = grown(self._y, float(y.min()), float(y.max()))
        self.plot.setRange(xRange=self._x, yRange=self._y, padding=0.0)


def keys_of(chart: Chart) -> list[Key]:
    """The legend's entries of a chart."""
    named = [curve for curve in chart.curves if curve.label and not curve.faint]
    return [Key(c.label, ROLES[c.role], _KINDS[c.style]) for c in named]


def bar_edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """The edges ``[n + 1]`` of equal bars about ``centres [n]``."""
    half = 0.5 * float(np.median(np.diff(centres))) if len(centres) > 1 else 0.4
    return np.concatenate([centres - half, centres[-1:] + half])


def _widened(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values whose range is more than rounding, of which ticks could tell nothing."""
    low, high = float(values.min()), float(values.max())
    size = max(abs(low), abs(high))
    if high - low > _ROUNDING * size:
        return values
    room = _WIDENED * size or 1.0
    return np.array([low - room, high + room])


def _together(log: bool, parts: list[NDArray[Any]]) -> NDArray[np.float64]:
    values = np.concatenate([on_axis(part, log).ravel() for part in parts]) if parts else np.empty(0)
    return values[np.isfinite(values)]
