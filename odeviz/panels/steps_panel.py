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
        self.errors = Plot(theme, "t", "error", log_y=True, parent=self)
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
        self._stairs, self._crosses = Segments(), Dots(cross=True)
        self._stems, self._dots, self._failed = Segments(), Dots(), Dots(cross=True)
        self._limit = pg.InfiniteLine(pos=0.0, angle=0)
        for plot, items in (
            (self.sizes, (self._stairs, self._crosses)),
            (self.errors, (self._limit, self._stems, self._dots, self._failed)),
        ):
            for item in items:
                plot.addItem(item, ignoreBounds=True)
        self._h: tuple[float, float] | None = None
        self._e: tuple[float, float] | None = None
        self.restyle()
        self.set_steps(None)

    def set_steps(self, steps: StepTable | None, flow: FlowResult | None = None) -> None:
        """Draw a solve's steps; ``flow`` tells the time range and the message where the solver stopped."""
        if steps is None or not len(steps.t):
            self.sizes.set_message(_EMPTY)
            self.errors.hide()
            for lines in (self._stairs, self._stems):
                lines.set_segments(np.empty((0, 4)))
            for dots in (self._crosses, self._dots, self._failed):
                _place(dots, np.empty(0), np.empty(0))
            self.legend.set_keys([])
            return
        self.sizes.set_message("")
        self.errors.setVisible(bool(np.isfinite(steps.error).any()))
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
        self._stairs.set_pen(pen(c.accent, 2.0), smooth=True)
        self._stems.set_pen(pen(c.accent, 1.0, 0.5))
        limit = pen(c.danger, 1.0)
        limit.setDashPattern([4, 4])
        self._limit.setPen(limit)
        clear = QColor(0, 0, 0, 0)
        self._dots.set_looks([(QColor(c.accent), clear)], 5)
        for dots in (self._crosses, self._failed):
            dots.set_looks([(QColor(c.danger), clear)], 7)
        self.update()

    def _draw_sizes(self, steps: StepTable, span: tuple[float, float]) -> None:
        size = np.log10(np.maximum(np.abs(steps.h), 1e-15))
        self._h = grown(self._h, float(size.min()), float(size.max()) + 1e-3)
        self.sizes.setRange(xRange=span, yRange=self._h, padding=0.0)
        taken = steps.accepted
        t0, t1, level = steps.t[taken], (steps.t + steps.h)[taken], size[taken]
        flat = np.stack([t0, level, t1, level], axis=1)
        rise = np.stack([t0[1:], level[:-1], t0[1:], level[1:]], axis=1)
        self._stairs.set_segments(np.ascontiguousarray(np.concatenate([flat, rise]), dtype=np.float64))
        # A rejected step stands over the middle of the stretch it failed to take.
        _place(self._crosses, (steps.t + 0.5 * steps.h)[~taken], size[~taken])

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
        _place(self._dots, ends, level[taken])
        lost = known & ~steps.accepted
        _place(self._failed, (steps.t + steps.h)[lost], level[lost])

    def _tell(self, steps: StepTable, flow: FlowResult | None) -> None:
        taken = np.abs(steps.h[steps.accepted])
        keys = [Key("accepted", "accent", value=str(int(steps.accepted.sum())))]
        if np.isfinite(steps.error).any():
            keys.append(Key("rejected", "danger", "cross", str(int((~steps.accepted).sum()))))
        if len(taken):
            keys.append(Key("h", "muted", "dot", f"{taken.min():.2g} … {taken.max():.2g}"))
        self.legend.set_keys(keys)
        self.legend.setToolTip(flow.message if flow is not None and flow.message else "")


def _place(dots: Dots, x: NDArray[Any], y: NDArray[Any]) -> None:
    dots.set_points(np.stack([x, y], axis=1), np.zeros(len(x), dtype=np.intp))
