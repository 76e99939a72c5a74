"""The seeds over time: each coordinate of their trajectories against t, and of the trajectories that are selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from odeviz.analysis.results import FlowResult
from odeviz.panels.flow_layers import at_time
from odeviz.panels.flow_paths import MANY, nearest_path
from odeviz.panels.lit_dots import extends
from odeviz.panels.panel import Panel
from odeviz.state.nouns import Mark, Selection
from odeviz.tasks.own_time import FLOW_TIME, OwnTime
from odeviz.widgets.legend import Key, Legend
from odeviz.widgets.lines import StraightLine
from odeviz.widgets.plot import Plot, grown
from odeviz.widgets.primitives import Dots, Segments, bounds, pen, polyline
from odeviz.widgets.theme import Theme

_EMPTY = "No seeds yet.\nClick in the flow view to set one, or Shift-drag there to select trajectories."
#: Pixels from a curve within which the mouse is over it.
NEAR = 6.0
_NONE = np.empty((0, 4))


class SeriesPanel(Panel):
    """One plot a coordinate over a common time. Hover and click select as in the flow view; a drag moves the time."""

    key = "series"
    title = "Over time"
    about = (
        "Each coordinate of your seeds' trajectories against t, and of the trajectories that are selected."
    )

    #: The :class:`Mark` under the mouse, or None.
    marked = Signal(object)
    #: :class:`Mark` objects to be selected, and whether what is selected already stays so.
    selected = Signal(object, bool)
    #: The time a person has dragged to.
    time_picked = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._seeds: FlowResult | None = None
        self._crowd: FlowResult | None = None
        self._selection = Selection()
        self._names: Sequence[str] = ()
        self._time, self._scrubbing = 0.0, False
        self.legend = Legend(theme, parent=self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.legend)
        self.plots: list[_Coordinate] = []
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.restyle()

    def set_names(self, names: Sequence[str]) -> None:
        """What the coordinates are called; as many plots as there are."""
        if tuple(names) == tuple(self._names):
            return
        self._names = tuple(names)
        while len(self.plots) < len(names):
            plot = _Coordinate(self.theme, self)
            plot.viewport().installEventFilter(self)
            plot.scene().sigMouseMoved.connect(plot.over)
            self.plots.append(plot)
            self._column.addWidget(plot, 1)
        for k, plot in enumerate(self.plots):
            plot.setVisible(k < len(names))
            if k < len(names):
                plot.set_axis("left", names[k])
                plot.set_axis("bottom", "t" if k == len(names) - 1 else "")
        self._draw()

    def set_seeds(self, flow: FlowResult | None) -> None:
        """The trajectories of the seeds, or none."""
        self._seeds = flow
        self._draw()

    def set_crowd(self, flow: FlowResult | None) -> None:
        """The trajectories of the flow view, of which those are drawn that are selected or hovered."""
        self._crowd = flow
        self._draw()

    def set_selection(self, selection: Selection) -> None:
        """What is selected and hovered, wherever that was done."""
        self._selection = selection
        self._draw()

    def set_time(self, t: float) -> None:
        """The playhead's time."""
        self._time = t
        for plot in self.plots:
            plot.set_time(self._clock.own(t))

    def restyle(self) -> None:
        for plot in self.plots:
            plot.restyle_lines()
        self._draw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._selection.marks:
            self.selected.emit((), False)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        plot = next((one for one in self.plots if one.viewport() is watched), None)
        if plot is None:
            return False
        if kind == QEvent.Type.Leave:
            self.marked.emit(None)
        elif kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            mark = self.mark_at(plot, plot.mapToScene(event.position().toPoint()))
            self._scrubbing = mark is None
            if mark is not None:
                self.selected.emit((mark,), extends(event))
            else:
                self.time_picked.emit(self._clock.flow(plot.time_at(event.position())))
        elif (
            kind == QEvent.Type.MouseMove and event.buttons() & Qt.MouseButton.LeftButton and self._scrubbing
        ):
            self.time_picked.emit(self._clock.flow(plot.time_at(event.position())))
        return False

    def mark_at(self, plot: _Coordinate, scene: QPointF) -> Mark | None:
        """The seed or selected trajectory whose curve passes under a point of a plot's scene."""
        box = plot.getViewBox()
        point, pixel = box.mapSceneToView(scene), box.viewPixelSize()
        best: tuple[float, Mark] | None = None
        for kind, curves, numbers in self._curves(self.plots.index(plot)):
            if curves.shape[1]:
                index, away = nearest_path(curves, point, pixel)
                if away <= NEAR and (best is None or away < best[0]):
                    best = (away, Mark(kind, numbers[index]))  # type: ignore[arg-type]
        return None if best is None else best[1]

    # Inside

    @property
    def _clock(self) -> OwnTime:
        """The time of a person's own data, over which their trajectories are drawn."""
        flow = self._crowd if self._crowd is not None else self._seeds
        return FLOW_TIME if flow is None else flow.clock

    def _curves(self, coordinate: int) -> list[tuple[str, NDArray[np.float64], list[int]]]:
        """Kind, curves ``[T, n, 2]`` of t and a coordinate, and the numbers they have among their kind."""
        result = []
        for kind, flow in (("seed", self._seeds), ("trajectory", self._crowd)):
            if flow is None or coordinate >= flow.paths.shape[2]:
                continue
            numbers = list(range(flow.paths.shape[1])) if kind == "seed" else self._lit("trajectory", flow)
            values = np.asarray(flow.paths[:, numbers, coordinate], dtype=np.float64)
            t = np.broadcast_to(flow.clock.own(np.asarray(flow.t, dtype=np.float64))[:, None], values.shape)
            result.append((kind, np.stack([t, values], axis=2), numbers))
        return result

    def _lit(self, kind: str, flow: FlowResult) -> list[int]:
        over = self._selection.hovered
        lit = [*self._selection.of(kind), *([over.index] if over is not None and over.kind == kind else [])]
        return sorted({k for k in lit if k < flow.paths.shape[1]})

    def _draw(self) -> None:
        there = False
        for k, plot in enumerate(self.plots[: len(self._names)]):
            curves = self._curves(k)
            there = there or any(len(numbers) for _, _, numbers in curves)
            plot.show_curves(curves, self._selection)
            plot.set_time(self._clock.own(self._time))
        for k, plot in enumerate(self.plots):
            plot.setVisible(k < len(self._names) and (there or k == 0))
        if self.plots:
            self.plots[0].set_message("" if there else _EMPTY)
        seeds = 0 if self._seeds is None else self._seeds.paths.shape[1]
        keys = [Key("seeds", "seed", value=str(seeds))] if seeds else []
        chosen = len(self._selection.of("trajectory"))
        keys += [Key("selected trajectories", "selected", value=str(chosen))] if chosen else []
        self.legend.set_keys(keys)
        self.legend.setVisible(bool(keys))


class _Coordinate(Plot):
    """One coordinate against time."""

    def __init__(self, theme: Theme, panel: SeriesPanel) -> None:
        super().__init__(theme, "", " ", parent=panel)
        self.getAxis("bottom").set_ends(True)
        self._panel = panel
        self._plain, self._halo, self._lit, self._over = Segments(), Segments(), Segments(), Segments()
        self._heads = Dots()
        self._now = StraightLine(angle=90)
        for z, item in enumerate((self._plain, self._halo, self._lit, self._over, self._now, self._heads)):
            item.setZValue(z)
            self.addItem(item)
        self._limits: tuple[float, float] | None = None
        self._lines: list[NDArray[np.float64]] = []
        #: Times ``[T]``, places among the lines, and points ``[T, n, 2]`` of those that have these times.
        self._together: list[tuple[NDArray[np.float64], list[int], NDArray[np.float64]]] = []
        self.restyle_lines()

    def show_curves(
        self, curves: Sequence[tuple[str, NDArray[np.float64], list[int]]], selection: Selection
    ) -> None:
        """Draw curves, those of selected marks thick, the one under the mouse on top."""
        plain, lit, over = [], [], []
        for kind, values, numbers in curves:
            for place, number in enumerate(numbers):
                mark, line = Mark(kind, number), values[:, [place]]  # type: ignore[arg-type]
                line = line[np.isfinite(line).all(axis=(1, 2))]
                if len(line) < 2:
                    continue
                (over if mark == selection.hovered else lit if mark in selection.marks else plain).append(
                    line
                )
        for item, lines in (
            (self._plain, plain),
            (self._lit, lit),
            (self._over, over),
            (self._halo, over if len(lit) > MANY else lit + over),
        ):
            item.set_segments(np.concatenate([polyline(line) for line in lines]) if lines else _NONE)
        self._dress(len(lit))
        self._lines = plain + lit + over
        self._together = _by_times(self._lines)
        self._now.setVisible(bool(self._lines))
        if self._lines:
            every = np.concatenate([line[:, 0] for line in self._lines])
            self._limits = grown(self._limits, float(every[:, 1].min()), float(every[:, 1].max()))
            span = (float(every[:, 0].min()), float(every[:, 0].max()))
            self.setRange(xRange=span, yRange=self._limits, padding=0.0)
            self._heads.set_points(np.zeros((len(self._lines), 2)), np.zeros(len(self._lines), dtype=np.intp))
            self._heads.set_bounds(bounds(every))
        else:
            self._heads.set_points(np.empty((0, 2)), np.empty(0, dtype=np.intp))

    def set_time(self, t: float) -> None:
        """The playhead's line, and the curves' values there."""
        self._now.setValue(t)
        if self._lines:
            heads = np.empty((len(self._lines), 2))
            for times, rows, paths in self._together:
                heads[rows] = at_time(times, paths, t)
            self._heads.move(heads)

    def time_at(self, position: QPointF) -> float:
        """The time under a point of the view port."""
        return float(self.getViewBox().mapSceneToView(self.mapToScene(position.toPoint())).x())

    def restyle_lines(self) -> None:
        """Take the theme's colours again."""
        c, theme = self._theme.colors, self._theme
        self.getAxis("left").setWidth(theme.px(46))
        self._plain.set_pen(pen(c.seed, 1.3, 0.55), smooth=True)
        self._halo.set_pen(pen(c.base, 5.0, 0.8), smooth=True)
        self._dress(0)
        self._over.set_pen(pen(c.text, 2.4), smooth=True)
        self._now.setPen(pen(c.muted, 1.0))
        self._heads.set_looks([(QColor(c.text), theme.qcolor(c.base))], 6)

    def _dress(self, lit: int) -> None:
        """Thick curves tell a few apart; of ``lit`` as many as here they would make one blot."""
        chosen = self._theme.colors.selected
        self._lit.set_pen(pen(chosen, 1.0, 0.6) if lit > MANY else pen(chosen, 2.2), smooth=lit <= MANY)

    def over(self, scene: QPointF) -> None:
        """The mouse is at a point of the scene."""
        mark: Any = self._panel.mark_at(self, scene)
        self.viewport().setCursor(
            Qt.CursorShape.PointingHandCursor if mark is not None else Qt.CursorShape.SplitHCursor
        )
        self._panel.marked.emit(mark)


def _by_times(
    lines: Sequence[NDArray[np.float64]],
) -> list[tuple[NDArray[np.float64], list[int], NDArray[np.float64]]]:
    """Lines ``[T, 1, 2]`` over the same times side by side, so that all of them are read at once."""
    groups: dict[bytes, list[int]] = {}
    for row, line in enumerate(lines):
        groups.setdefault(line[:, 0, 0].tobytes(), []).append(row)
    return [
        (lines[rows[0]][:, 0, 0], rows, np.concatenate([lines[row] for row in rows], axis=1))
        for rows in groups.values()
    ]
