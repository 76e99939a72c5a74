"""The density at the playhead's time, with contours, scale and mass; for a classifier, class probabilities."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from odeviz.analysis.results import DataResult, DecisionResult, DensityResult, Extent
from odeviz.bridge.requests import COARSE
from odeviz.panels.flow_field import ContourLayer
from odeviz.panels.flow_layers import BackgroundLayer, DotsLayer, box_of, decision_image, density_values
from odeviz.panels.lit_dots import Crowd, LitPlane
from odeviz.panels.panel import Panel
from odeviz.tasks.doubts import MASS_MARGIN
from odeviz.tasks.numerals import percent, power
from odeviz.widgets.color_bar import ColorBar
from odeviz.widgets.legend import Key, Legend
from odeviz.widgets.plot import Plot
from odeviz.widgets.theme import Theme

_EMPTY = "Drawing…"
_NONE = "This model has no density in the plane, and decides nothing there."
_DEEP = (
    "The flow is seen in space, where nothing lies behind it.\nChoose a plane above the flow to see it here."
)
_ABOUT = (
    "Contours lie one nat apart: each is e times less dense than the next one in.\n"
    "Mass in view: p summed over the part of the plane that is shown; over the whole plane it is 1."
)
_SUMMED = (
    "p summed over the cells in view. Over the whole plane it is 1; "
    f"the solver's tolerance and the grid leave it up to {percent(MASS_MARGIN)} off."
)
_WRONG = (
    "p summed over the cells in view. All of it is there, so that this should be 1: "
    "the solver's tolerance is too coarse, or the grid is for so sharp a density. Tighten the tolerance to see which."
)
_HASTY = (
    "p summed over the cells in view. Over the whole plane it is 1; this hasty picture, on few cells and at a coarse "
    "tolerance, may be some percent off."
)
_PEAK = "the highest p of the cells in view: closer in, with finer cells, it may be higher."
#: Nats below its peak at which a density has ended: what lies beyond is less than the margin of its mass.
_ENDED = math.log(1e-4)
#: Cells of a picture that is no hasty one, whose sum is too coarse to judge by.
_FINE = COARSE**2


class DensityPanel(Panel):
    """A heat map with contour lines a nat apart and a colour bar, or decision regions."""

    key = "density"
    title = "Density"
    about = "The density p(z, t) at the playhead's time, or the class probabilities of states at that time."

    #: The :class:`Mark` of a trajectory under the mouse, or None; and those to be selected, and whether others stay.
    marked = Signal(object)
    selected = Signal(object, bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._shown: DensityResult | DecisionResult | None = None
        self._empty = _EMPTY
        self._extent: Extent | None = None
        self.legend = Legend(theme, parent=self, rows=3)
        self.plot = Plot(theme, grid=False, parent=self)
        self.plot.setAspectLocked(True)
        self.bar = ColorBar(theme, self)
        self._map, self._contours = BackgroundLayer(theme), ContourLayer(theme)
        self._data = DotsLayer(theme, -5, 3.0, 0.3, rim=False, plain="data")
        for item in (*self._map.items, *self._contours.items, *self._data.items):
            self.plot.addItem(item)
        self._points: DataResult | None = None
        self._crowd = Crowd()
        #: What the points on show were chosen for.
        self._points_for: tuple[Extent | None, float | None] = None, None
        self.lit, self._time = LitPlane(theme, self.plot), 0.0
        self.lit.marked.connect(self.marked)
        self.lit.selected.connect(self.selected)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.legend)
        row = QHBoxLayout()
        column.addLayout(row, 1)
        row.setSpacing(0)
        row.addWidget(self.plot, 1)
        row.addWidget(self.bar)
        self.setToolTip(_ABOUT)
        self.restyle()
        self.set_density(None)

    def set_density(self, density: DensityResult | None) -> None:
        """Draw a density, or say that there is none."""
        self._shown = density
        self._draw()

    def set_decision(self, decision: DecisionResult | None) -> None:
        """Draw class probabilities, or say that there are none."""
        self._shown = decision
        self._draw()

    def set_there(self, there: bool, flat: bool = True) -> None:
        """Whether the model has anything to show here, and whether it is seen in a plane, where that can be shown."""
        empty = (_EMPTY if there else _NONE) if flat else _DEEP
        if empty != self._empty or (self._shown is not None and not there):
            self._empty, self._shown = empty, self._shown if there else None
            self._draw()

    def set_data(self, data: DataResult | None) -> None:
        """The data set's points, faint over a density."""
        self._points = data
        self._show_points()

    def set_crowd(self, crowd: Crowd) -> None:
        """The trajectories of the flow view, and those that are selected or hovered in any view."""
        self.lit.set_crowd(crowd)
        before, self._crowd = self._crowd, crowd
        if crowd.flows.get("trajectory") is not before.flows.get("trajectory"):
            self._show_points()

    def set_time(self, t: float) -> None:
        """The playhead's time."""
        self._time = t
        self.lit.set_time(t if self._shown is not None else None)

    def _show_points(self) -> None:
        """The data within the map. Over regions of a later time the trajectories' points then: the data are no more."""
        shown, flow, known = self._shown, self._crowd.flows.get("trajectory"), self._points
        self._points_for = _points_for(shown)
        if isinstance(shown, DecisionResult) and flow is not None and (flow.labels >= 0).any():
            known = DataResult(self._crowd.places("trajectory", shown.t), flow.labels)
        elif isinstance(shown, DecisionResult) and shown.t > 0.0:
            known = None
        if known is None or shown is None:
            self._data.show_data(known)
            return
        e, (x, y) = shown.extent, known.points.T
        # What is not finite lies nowhere.
        there = (e.x0 <= x) & (x <= e.x1) & (e.y0 <= y) & (y <= e.y1)
        self._data.show_data(DataResult(known.points[there], known.labels[there], known.classes))

    def restyle(self) -> None:
        for layer in (self._map, self._contours, self._data, self.lit):
            layer.restyle()
        self._draw()

    def _draw(self) -> None:
        shown = self._shown
        self.set_time(self._time)
        self.plot.set_message(self._empty if shown is None else "")
        self._data.set_visible(shown is not None)
        if self._points_for != _points_for(shown):
            self._show_points()
        self._map.show_result(shown)
        self._contours.show_result(shown)
        if shown is None:
            self.bar.set_scale("", (), ())
            self.legend.set_keys([])
            return
        if isinstance(shown, DensityResult):
            self._tell_density(shown)
        else:
            self._tell_decision(shown)
        if shown.extent != self._extent:
            self._extent = shown.extent
            self.plot.setRange(box_of(shown.extent), padding=0.0)

    def _tell_density(self, shown: DensityResult) -> None:
        top = density_values(shown)[1]
        stops = [(s, self.theme.density_map.map(s, mode="qcolor")) for s in np.linspace(0.0, 1.0, 9)]
        labels = [(s, f"{np.log(top * s):.1f}".replace("-", "−")) for s in (1.0, 0.5, 0.25, 0.1)]
        self.bar.set_scale("log p, nats", stops, labels)
        self.legend.set_keys(
            [
                Key("p at", "text", "text", f"t = {shown.t:.2f}"),
                _mass(shown),
                Key("peak", "muted", "text", peak_text(top), _PEAK),
                *_unreached(shown),
            ]
        )

    def _tell_decision(self, shown: DecisionResult) -> None:
        self.legend.set_keys(
            [
                Key("probability at", "text", "text", f"t = {shown.t:.2f}"),
                *(Key(shown.classes.told(k), f"classes.{k}", "dot") for k in range(len(shown.probability))),
                *_unreached(shown),
            ]
        )
        if len(shown.probability) == 2:
            corner = np.array([[[0.0, 0.5, 1.0]], [[1.0, 0.5, 0.0]]])
            row = decision_image(DecisionResult(shown.t, shown.extent, corner, 0), self.theme)[0]
            stops = [(s, QColor(*map(int, row[i]))) for i, s in enumerate((0.0, 0.5, 1.0))]
            self.bar.set_scale(
                f"p({shown.classes.told(0)})", stops, [(s, f"{s:g}") for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
            )
        else:
            self.bar.set_scale("", (), ())


def _points_for(shown: DensityResult | DecisionResult | None) -> tuple[Extent | None, float | None]:
    """What the points over a map depend on: where it lies, and the time of regions."""
    if shown is None:
        return None, None
    return shown.extent, shown.t if isinstance(shown, DecisionResult) else None


def peak_text(value: float) -> str:
    """Three digits in as many letters for all values alike: the row does not jump while time plays."""
    return f"{value:.3f}" if 0.01 <= value < 100 else power(float(f"{value:.2e}"))


def _unreached(shown: DensityResult | DecisionResult) -> list[Key]:
    """What is hatched, if anything is."""
    share = float(shown.unreached.mean())
    return [Key("not reached", "muted", "hatch", percent(share))] if share else []


def _mass(shown: DensityResult) -> Key:
    """The mass in view, and that it is wrong where it cannot be so. Short, so that the row stays one."""
    mass = shown.mass
    if np.isnan(mass):
        return Key("mass in view", "muted", "text", "–")
    if shown.log_density.size < _FINE:
        return Key("mass in view", "muted", "text", f"{mass:.3f}", _HASTY)
    if mass > 1.0 + MASS_MARGIN:
        return Key("mass above 1", "danger", "cross", f"{mass:.3f}", _WRONG)
    if mass < 1.0 - MASS_MARGIN and _all_in_view(shown):
        return Key("mass below 1", "danger", "cross", f"{mass:.3f}", _WRONG)
    return Key("mass in view", "muted", "text", f"{mass:.3f}", _SUMMED)


def _all_in_view(shown: DensityResult) -> bool:
    """Whether the density has as good as ended where the view does."""
    log_p = shown.log_density
    edge = np.concatenate([log_p[0], log_p[-1], log_p[:, 0], log_p[:, -1]])
    # What was not reached is NaN, and no sum of it is whole.
    return bool(edge.max() < log_p.max() + _ENDED)
