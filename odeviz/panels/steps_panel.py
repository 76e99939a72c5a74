"""The steps a solver took: their size against time, and how large the error of each was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from odeviz.analysis.results import FlowResult, StepTable
from odeviz.panels.panel import Panel
from odeviz.widgets.legend import Key, Legend
from odeviz.widgets.plot import Plot, grown
from odeviz.widgets.primitives import Dots, Segments, pen
from odeviz.widgets.theme import Theme

_EMPTY = "No solve yet.\nThe steps appear with the first trajectories."
#: What is drawn for an error of zero, or one too small for the scale.
_LEAST_ERROR = 1e-6


class StepsPanel(Panel):
    """Step size h against t as stairs on a log scale, rejected steps as red crosses; below, the scaled error."""

    key = "steps"
    title = "Steps"
    about = "Each step the solver tried: its size h at time t, and its error relative to the tolerance."

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.legend = Legend(theme, parent=self)
        self.sizes = Plot(theme, "", "step size h", log_y=True, parent=self)
        self.errors = Plot(theme, "t", "error / tolerance", log_y=True, parent=self)
        self.sizes.setToolTip("Size h of each step over the time it covers. Small where f changes fast.")
        self.errors.setToolTip(
            "Scaled error of each step: at most 1 is accepted, above it the step is repeated."
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.legend)
        column.addWidget(self.sizes, 3)
        column.addWidget(self.errors, 2)
        for plot in (self.sizes, self.errors):
            # Equal widths, so that both time axes lie exactly above each other.
            plot.getAxis("left").setWidth(58)
        self._stairs, self._crosses = Segments(), Segments()
        self._stems, self._dots, self._failed = Segments(), Dots(), Segments()
        self._limit = pg.InfiniteLine(pos=0.0, angle=0)
        for plot, items in (
            (self.sizes, (self._stairs, self._crosses)),
            (self.errors, (self._limit, self._stems, self._dots, self._failed)),
        ):
            for item in items:
                plot.addItem(item, ignoreBounds=True)
        self._h: tuple[float, float] | None = None
        self._e: tuple[float, float] | None = None
        self._steps: StepTable | None = None
        self.restyle()
        self.set_steps(None)

    def set_steps(self, steps: StepTable | None, flow: FlowResult | None = None) -> None:
        """Draw a solve's steps; ``flow`` tells the time range and the message where the solver stopped."""
        self._steps = steps
        empty = steps is None or not len(steps.t)
        self.sizes.set_message(_EMPTY if empty else "")
        self.errors.setVisible(not empty and bool(np.isfinite(steps.error).any()))
        if empty:
            none = np.empty((0, 4))
            for item in (self._stairs, self._crosses, self._stems, self._failed):
                item.set_segments(none)
            self._dots.set_points(np.empty((0, 2)), np.empty(0, dtype=np.intp))
            self.legend.set_keys([])
            return
        span = (
            (float(flow.t[0]), float(flow.t[-1]))
            if flow is not None
            else (0.0, float((steps.t + steps.h).max()))
        )
        self._draw_sizes(steps, span)
        self._draw_errors(steps, span)
        self._tell(steps, flow)

    def restyle(self) -> None:
        c = self.theme.colors
        self._stairs.set_pen(pen(c.accent, 2.0))
        self._crosses.set_pen(pen(c.danger, 1.5), smooth=True)
        self._failed.set_pen(pen(c.danger, 1.5), smooth=True)
        self._stems.set_pen(pen(c.accent, 1.0, 0.5))
        limit = pen(c.danger, 1.0)
        limit.setDashPattern([4, 4])
        self._limit.setPen(limit)
        clear = QColor(0, 0, 0, 0)
        self._dots.set_looks([(QColor(c.accent), clear)], 5)
        self.update()

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)
        # Crosses are sized in pixels.
        self._redraw_crosses()

    def _draw_sizes(self, steps: StepTable, span: tuple[float, float]) -> None:
        size = np.log10(np.maximum(np.abs(steps.h), 1e-15))
        self._h = grown(self._h, float(size.min()), float(size.max()) + 1e-3)
        self.sizes.setRange(xRange=span, yRange=self._h, padding=0.0)
        taken = steps.accepted
        t0, t1, level = steps.t[taken], (steps.t + steps.h)[taken], size[taken]
        flat = np.stack([t0, level, t1, level], axis=1)
        rise = np.stack([t0[1:], level[:-1], t0[1:], level[1:]], axis=1)
        self._stairs.set_segments(np.ascontiguousarray(np.concatenate([flat, rise]), dtype=np.float64))
        self._redraw_crosses()

    def _draw_errors(self, steps: StepTable, span: tuple[float, float]) -> None:
        if not self.errors.isVisibleTo(self):
            return
        known = np.isfinite(steps.error)
        level = np.log10(np.maximum(steps.error, _LEAST_ERROR))
        lo, hi = float(level[known].min()), max(float(level[known].max()), 0.0)
        self._e = grown(self._e, lo, hi + 0.05)
        self.errors.setRange(xRange=span, yRange=self._e, padding=0.0)
        taken = known & steps.accepted
        ends = (steps.t + steps.h)[taken]
        base = np.full(len(ends), self._e[0] - 1.0)
        self._stems.set_segments(np.ascontiguousarray(np.stack([ends, base, ends, level[taken]], axis=1)))
        points = np.stack([ends, level[taken]], axis=1)
        self._dots.set_points(points, np.zeros(len(points), dtype=np.intp))
        self._redraw_crosses()

    def _redraw_crosses(self) -> None:
        steps = self._steps
        if steps is None:
            return
        lost = ~steps.accepted
        for plot, item, values in (
            (self.sizes, self._crosses, np.maximum(np.abs(steps.h), 1e-15)),
            (self.errors, self._failed, np.maximum(np.nan_to_num(steps.error, nan=1.0), _LEAST_ERROR)),
        ):
            view = plot.getViewBox()
            width, height = view.viewPixelSize()
            where = (steps.t + steps.h)[lost] if item is self._failed else (steps.t + 0.5 * steps.h)[lost]
            item.set_segments(crosses(where, np.log10(values[lost]), 3.5 * width, 3.5 * height))

    def _tell(self, steps: StepTable, flow: FlowResult | None) -> None:
        taken = np.abs(steps.h[steps.accepted])
        keys = [Key("accepted", "accent", value=str(int(steps.accepted.sum())))]
        if np.isfinite(steps.error).any():
            keys.append(Key("rejected", "danger", "cross", str(int((~steps.accepted).sum()))))
        if len(taken):
            keys.append(Key("h", "muted", "dot", f"{taken.min():.2g} … {taken.max():.2g}"))
        self.legend.set_keys(keys)
        self.legend.setToolTip(flow.message if flow is not None and flow.message else "")


def crosses(x: NDArray[Any], y: NDArray[Any], dx: float, dy: float) -> NDArray[np.float64]:
    """Segments of crosses at points, reaching dx and dy from each."""
    up = np.stack([x - dx, y - dy, x + dx, y + dy], axis=1)
    down = np.stack([x - dx, y + dy, x + dx, y - dy], axis=1)
    return np.ascontiguousarray(np.concatenate([up, down]), dtype=np.float64)
