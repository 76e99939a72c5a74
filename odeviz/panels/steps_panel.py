"""The steps a solver took: their size against time, and how large the error of each was."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from odeviz.analysis.overlays import AloneResult
from odeviz.analysis.results import FlowResult, StepTable
from odeviz.panels.cost_table import theirs
from odeviz.panels.flow_paths import nearest_path
from odeviz.panels.lit_dots import NEAR, extends
from odeviz.panels.panel import Panel
from odeviz.state.nouns import Mark, Selection
from odeviz.tasks.numerals import figure, thousands
from odeviz.widgets.legend import Key, Legend
from odeviz.widgets.lines import StraightLine
from odeviz.widgets.plot import Plot, grown
from odeviz.widgets.primitives import Dots, Segments, pen, polyline
from odeviz.widgets.theme import Theme

_EMPTY = "No solve yet.\nThe steps appear with the first trajectories."
#: What a trajectory is called where there is little room.
_SHORT = {"seed": "seed ", "trajectory": ""}
#: What is drawn for an error of zero, or one too small for the scale.
_LEAST_ERROR = 1e-6


class StepsPanel(Panel):
    """Step size h against t as stairs on a log scale, rejected steps as red crosses; below, the scaled error.

    Of selected trajectories the steps that each would take alone lie over those of all; a drag moves the time.
    """

    key = "steps"
    title = "Steps"
    about = "Each step the solver tried: its size h at time t, and its error relative to the tolerance."

    #: The :class:`Mark` whose steps are under the mouse, or None; and those to be selected, and whether others stay.
    marked = Signal(object)
    selected = Signal(object, bool)
    #: The time a person has dragged to.
    time_picked = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.legend = Legend(theme, parent=self, rows=2)
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
        self._stairs, self._crosses = Segments(), Dots(cross=True)
        self._stems, self._dots, self._failed = Segments(), Dots(), Dots(cross=True)
        self._limit = StraightLine(pos=0.0, angle=0)
        self._halo, self._alone, self._over = Segments(), Segments(), Segments()
        self._now = tuple(StraightLine(angle=90) for _ in range(2))
        for plot, items in (
            (self.sizes, (self._now[0], self._stairs, self._crosses, self._halo, self._alone, self._over)),
            (self.errors, (self._now[1], self._limit, self._stems, self._dots, self._failed)),
        ):
            for item in items:
                plot.addItem(item)
            plot.getAxis("bottom").set_ends(True)
            plot.viewport().setMouseTracking(True)
            plot.viewport().installEventFilter(self)
        self._shown: tuple[StepTable | None, FlowResult | None] = None, None
        self._own: dict[Mark, NDArray[np.float64]] = {}
        self._hovered: Mark | None = None
        self._scrubbing = False
        self._h: tuple[float, float] | None = None
        self._e: tuple[float, float] | None = None
        self.restyle()
        self.set_steps(None)

    def set_steps(self, steps: StepTable | None, flow: FlowResult | None = None) -> None:
        """Draw a solve's steps; ``flow`` tells the time range and the message where the solver stopped."""
        self._shown = steps, flow
        for line in self._now:
            line.setVisible(steps is not None and len(steps.t) > 0)
        if steps is None or not len(steps.t):
            self.sizes.set_message(_EMPTY)
            self.errors.hide()
            for lines in (self._stairs, self._stems, self._halo, self._alone, self._over):
                lines.set_segments(np.empty((0, 4)))
            for dots in (self._crosses, self._dots, self._failed):
                _place(dots, np.empty(0), np.empty(0))
            self.legend.set_keys([])
            return
        self.sizes.set_message("")
        self.errors.setVisible(bool(np.isfinite(steps.error).any()))
        span = (float(flow.t[0]), float(flow.t[-1])) if flow is not None else (0.0, float(steps.ends.max()))
        self._draw_sizes(steps, span)
        self._draw_errors(steps, span)
        self._draw_own()
        self._tell(steps, flow)

    def set_alone(self, alone: AloneResult | None) -> None:
        """The steps that selected trajectories take when each is solved alone: stairs over those of all together."""
        if alone is None and not self._own:
            return
        own = {} if alone is None else dict(zip(alone.marks, alone.steps, strict=True))
        self._own = {Mark(*mark): _stairs_of(steps) for mark, steps in own.items() if steps.accepted.any()}  # type: ignore[arg-type]
        self._dress_stairs()
        self.set_steps(*self._shown)

    def set_selection(self, selection: Selection) -> None:
        """What is hovered, wherever that was done, is drawn strong."""
        if selection.hovered != self._hovered:
            self._hovered = selection.hovered
            self._draw_own()

    def set_time(self, t: float) -> None:
        """The playhead's time."""
        for line in self._now:
            line.setValue(t)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        plot = next((plot for plot in (self.sizes, self.errors) if plot.viewport() is watched), None)
        if kind == QEvent.Type.Leave and self._own:
            self.marked.emit(None)
        if plot is None or not isinstance(event, QMouseEvent) or not self._now[0].isVisible():
            return False
        held = bool(event.buttons() & Qt.MouseButton.LeftButton)
        point = plot.getViewBox().mapSceneToView(plot.mapToScene(event.position().toPoint()))
        mark = self.mark_at(point) if plot is self.sizes else None
        if kind == QEvent.Type.MouseButtonPress and held:
            self._scrubbing = mark is None
            if mark is not None:
                self.selected.emit((mark,), extends(event))
        elif kind == QEvent.Type.MouseMove and not (held and self._scrubbing):
            over = Qt.CursorShape.SplitHCursor if mark is None else Qt.CursorShape.PointingHandCursor
            plot.viewport().setCursor(over)
            if mark != self._hovered and self._own:
                self.marked.emit(mark)
        if held and self._scrubbing:
            self.time_picked.emit(point.x())
        return False

    def mark_at(self, point: QPointF) -> Mark | None:
        """The trajectory whose own stairs pass under a point of the upper plot."""
        pixel = self.sizes.getViewBox().viewPixelSize()
        away = {mark: nearest_path(stairs[:, None], point, pixel)[1] for mark, stairs in self._own.items()}
        best = min(away, key=lambda mark: away[mark], default=None)
        return best if best is not None and away[best] <= NEAR else None

    def restyle(self) -> None:
        for plot in (self.sizes, self.errors):
            # Equal widths, so that both time axes lie exactly above each other.
            plot.getAxis("left").setWidth(self.theme.px(58))
        c = self.theme.colors
        self._dress_stairs()
        self._halo.set_pen(pen(c.base, 5.0, 0.8), smooth=True)
        self._alone.set_pen(pen(c.text, 1.5, 0.75), smooth=True)
        self._over.set_pen(pen(c.text, 2.4), smooth=True)
        for line in self._now:
            line.setPen(pen(c.muted, 1.0))
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
        every = np.concatenate([size, *(stairs[:, 1] for stairs in self._own.values())])
        self._h = grown(self._h, float(every.min()), float(every.max()) + 1e-3)
        self.sizes.setRange(xRange=span, yRange=self._h, padding=0.0)
        taken = steps.accepted
        self._stairs.set_segments(polyline(_stairs_of(steps)[:, None]))
        # A rejected step stands over the middle of the stretch it failed to take.
        _place(self._crosses, (steps.t + 0.5 * steps.h)[~taken], size[~taken])

    def _dress_stairs(self) -> None:
        """Beside the steps of single trajectories those of all recede."""
        self._stairs.set_pen(pen(self.theme.colors.accent, 2.0, 0.5 if self._own else 1.0), smooth=True)

    def _draw_own(self) -> None:
        over = [stairs for mark, stairs in self._own.items() if mark == self._hovered]
        rest = [stairs for mark, stairs in self._own.items() if mark != self._hovered]
        for item, each in ((self._alone, rest), (self._over, over), (self._halo, over)):
            lines = [polyline(stairs[:, None]) for stairs in each]
            item.set_segments(np.concatenate(lines) if lines else np.empty((0, 4)))

    def _draw_errors(self, steps: StepTable, span: tuple[float, float]) -> None:
        if not self.errors.isVisibleTo(self):
            return
        known = np.isfinite(steps.error)
        level = np.log10(np.maximum(steps.error, _LEAST_ERROR))
        lo, hi = float(level[known].min()), max(float(level[known].max()), 0.0)
        self._e = grown(self._e, lo, hi + 0.05)
        self.errors.setRange(xRange=span, yRange=self._e, padding=0.0)
        taken = known & steps.accepted
        ends = steps.ends[taken]
        base = np.full(len(ends), self._e[0] - 1.0)
        self._stems.set_segments(np.ascontiguousarray(np.stack([ends, base, ends, level[taken]], axis=1)))
        _place(self._dots, ends, level[taken])
        lost = known & ~steps.accepted
        _place(self._failed, (steps.t + steps.h)[lost], level[lost])

    def _tell(self, steps: StepTable, flow: FlowResult | None) -> None:
        taken = np.abs(steps.h[steps.accepted])
        whose = None if flow is None else flow.costliest
        keys = [Key("accepted", "accent", value=thousands(steps.accepted.sum()))]
        if np.isfinite(steps.error).any():
            keys.append(Key("rejected", "danger", "cross", thousands((~steps.accepted).sum())))
        if self._own:
            keys[0] = dataclasses.replace(keys[0], name="all together" if whose is None else "costliest")
            counts = [(len(stairs) // 2, mark) for mark, stairs in self._own.items()]
            keys[1:1] = [
                Key(f"{_SHORT[mark.kind]}{mark.index + 1} alone", "text", value=thousands(n))
                for n, mark in counts
            ]
        elif len(taken):
            keys.append(Key("h", "muted", "dot", f"{figure(taken.min(), 2)} … {figure(taken.max(), 2)}"))
        self.legend.set_keys(keys)
        told = "" if flow is None else flow.message
        self.legend.setToolTip(told if whose is None else f"{theirs(whose)} {told}".rstrip())


def _stairs_of(steps: StepTable) -> NDArray[np.float64]:
    """The accepted steps as a line ``[2 n, 2]`` of t and log10 of the size, level over each step."""
    taken = steps.accepted
    size = np.log10(np.maximum(np.abs(steps.h[taken]), 1e-15))
    ends = np.stack([steps.t[taken], steps.ends[taken]], axis=1)
    return np.stack([ends.ravel(), np.repeat(size, 2)], axis=1).astype(np.float64)


def _place(dots: Dots, x: NDArray[Any], y: NDArray[Any]) -> None:
    dots.set_points(np.stack([x, y], axis=1), np.zeros(len(x), dtype=np.intp))
