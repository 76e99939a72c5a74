"""The flow view's layers of the field: contours, streamlines, tracers, nullclines, states at rest, the boundary."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from odeviz.analysis.overlays import BorderResult, RestResult, StreamResult, TracerResult
from odeviz.analysis.results import DecisionResult, DensityResult, FieldResult, frozen
from odeviz.analysis.streamlines import velocity_at
from odeviz.exporting.overlays import LOG_ODDS, NATS_BELOW
from odeviz.panels.flow_layers import Layer, at_time, box_of, density_values
from odeviz.tasks.numerals import figure
from odeviz.widgets.contours import contour_segments, zero_segments
from odeviz.widgets.primitives import Dots, Segments, bounds, pen, polyline
from odeviz.widgets.strokes import Strokes
from odeviz.widgets.theme import Theme

_NONE = np.empty((0, 4))


class ContourLayer(Layer):
    """Lines of equal density a nat apart, or of equal probability."""

    def __init__(self, theme: Theme) -> None:
        self._lines = Segments()
        super().__init__(theme, [self._lines], -18)
        self._shown: DensityResult | DecisionResult | None = None
        self._drawn = True
        self._on = True

    def show_result(self, result: DensityResult | DecisionResult | None) -> None:
        """The density or decision whose contours are drawn, as long as the layer is shown."""
        self._shown, self._drawn = result, False
        self._draw()

    def set_visible(self, on: bool) -> None:
        self._on = on
        super().set_visible(on)
        self._draw()

    def restyle(self) -> None:
        self._lines.set_pen(pen(self.theme.colors.text, 1.0, 0.45), smooth=True)

    def _draw(self) -> None:
        if self._drawn or not self._on:
            return
        self._drawn = True
        self._lines.set_segments(_NONE if self._shown is None else contours(self._shown))


def contours(result: DensityResult | DecisionResult) -> NDArray[np.float64]:
    """Segments ``[n, 4]`` of a density's or a decision's contours."""
    box = box_of(result.extent)
    if isinstance(result, DecisionResult):
        return contour_segments(result.log_odds(0), box, list(LOG_ODDS))
    peak = float(np.log(density_values(result)[1]))
    floor = np.maximum(result.log_density, peak - 50)
    return contour_segments(floor, box, [peak - nats for nats in NATS_BELOW])


class StreamLayer(Layer):
    """Curves along the field, an arrow head in the middle of each."""

    def __init__(self, theme: Theme) -> None:
        self._lines = Segments()
        super().__init__(theme, [self._lines], -1)
        self._t: NDArray[Any] = np.zeros(1)
        self._curves: NDArray[Any] | None = None
        self._head = 0.0

    def show_result(self, result: StreamResult | None) -> None:
        """Draw a result's curves, if it has any."""
        self._curves = None if result is None else result.lines
        if result is None or self._curves is None:
            self._lines.set_segments(_NONE)
            return
        self._t = result.field.t
        self._head = 0.014 * float(result.field.x[-1] - result.field.x[0])

    def set_time(self, t: float) -> None:
        if self._curves is None:
            return
        curves = at_time(self._t, self._curves, t)
        middle = curves.shape[1] // 2
        way = curves[:, middle + 1] - curves[:, middle - 1]
        length = np.hypot(way[:, 0], way[:, 1])[:, None]
        along = way / np.maximum(length, 1e-12)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        # Where the flow hardly moves there is no direction to tell.
        size = self._head * np.minimum(1.0, length / self._head)
        tip = curves[:, middle] + 0.5 * size * along
        barbs = [np.concatenate([tip, tip - size * (along + s * 0.6 * across)], axis=1) for s in (1, -1)]
        lines = polyline(curves.transpose(1, 0, 2))
        self._lines.set_segments(np.concatenate([lines, *barbs]))

    def restyle(self) -> None:
        # One pixel: antialiased lines any wider take ten times as long.
        self._lines.set_pen(pen(self.theme.colors.field, 1.0, 1.0), smooth=True)


class TracerLayer(Layer):
    """Points that drift along the field at the playhead's time, with tails; each begins anew after a while."""

    #: How many, positions remembered of each, and seconds a point lives.
    count, tail, life = 2000, 9, 2.6
    #: Seconds in which the flow's whole time passes.
    seconds = 4.0

    def __init__(self, theme: Theme) -> None:
        self._tails = Strokes()
        super().__init__(theme, [self._tails], 5)
        self._field: FieldResult | None = None
        self._rng = np.random.default_rng(0)
        self._trail = np.zeros((self.tail, self.count, 2))
        self._age = np.zeros(self.count)
        self._velocity: NDArray[np.float64] | None = None

    def show_result(self, result: StreamResult | None) -> None:
        """Drift along this field; the points stay where they are."""
        first = self._field is None
        self._field = None if result is None else result.field
        if self._field is None:
            self._velocity = None
            self._tails.set_runs(_NONE, ())
            return
        f = self._field
        corners = np.array([[f.x[0], f.y[0]], [f.x[-1], f.y[-1]]], dtype=np.float64)
        self._origin, self._span = corners[0], corners[1] - corners[0]
        self._cell = self._span / [len(f.x) - 1, len(f.y) - 1]
        self._tails.set_bounds(bounds(corners))
        if first or not self._inside(self._trail[0]).any():
            self._spawn(np.arange(self.count))
            self._age = self._rng.uniform(0.0, self.life, self.count)
        self.set_time(float(f.t[0]))

    def set_time(self, t: float) -> None:
        if self._field is not None:
            there = np.asarray(at_time(self._field.t, self._field.velocity, t), dtype=np.float64)
            self._velocity = np.nan_to_num(there) / self._cell

    def advance(self, seconds: float) -> None:
        """Drift on for so long, by the midpoint method."""
        if self._velocity is None or self._field is None or seconds <= 0.0:
            return
        h = seconds * float(self._field.t[-1] - self._field.t[0]) / self.seconds
        here = self._trail[0]
        places = (here - self._origin) / self._cell
        half = places + h / 2 * velocity_at(self._velocity, places)
        there = self._origin + (places + h * velocity_at(self._velocity, half)) * self._cell
        # The array moves on by one place: the newest position is written over the oldest.
        self._trail = np.roll(self._trail, 1, axis=0)
        self._trail[0] = there
        self._age += seconds
        self._spawn(np.flatnonzero((self._age > self.life) | ~self._inside(there)))
        lines = np.concatenate([self._trail[1:], self._trail[:-1]], axis=2)[::-1].reshape(-1, 4)
        ends = [(k + 1) * self.count for k in range(self.tail - 1)]
        self._tails.set_runs(np.ascontiguousarray(lines), ends)

    @property
    def result(self) -> TracerResult | None:
        """The points as they are drawn now."""
        return None if self._field is None else TracerResult(frozen(self._trail.copy()))

    def restyle(self) -> None:
        steps = self.tail - 1
        color = QColor(self.theme.colors.text)
        pens = [pen(color, 1.0, 0.75 * ((k + 1) / steps) ** 1.5) for k in range(steps)]
        # Where the field is at rest a line has no length, and without a cap nothing would be drawn of it.
        pens[-1].setCapStyle(Qt.PenCapStyle.SquareCap)
        self._tails.set_pens(pens)

    def _inside(self, points: NDArray[Any]) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = ((points >= self._origin) & (points <= self._origin + self._span)).all(
            axis=1
        )
        return inside

    def _spawn(self, which: NDArray[np.intp]) -> None:
        self._trail[:, which] = self._origin + self._span * self._rng.random((len(which), 2))
        self._age[which] = 0.0


class NullclineLayer(Layer):
    """Where the first component of the field is zero, and where the second is."""

    def __init__(self, theme: Theme) -> None:
        self._first, self._second = Segments(), Segments()
        super().__init__(theme, [self._first, self._second], 6)
        self._field: FieldResult | None = None

    def show_result(self, result: StreamResult | None) -> None:
        """The field whose components are looked at."""
        self._field = None if result is None else result.field
        if self._field is None:
            for item in (self._first, self._second):
                item.set_segments(_NONE)

    def set_time(self, t: float) -> None:
        f = self._field
        if f is None:
            return
        velocity = np.nan_to_num(np.asarray(at_time(f.t, f.velocity, t), dtype=np.float64))
        for k, item in enumerate((self._first, self._second)):
            item.set_segments(zero_segments(np.asarray(f.x), np.asarray(f.y), velocity[..., k]))

    def restyle(self) -> None:
        c = self.theme.colors
        self._first.set_pen(pen(c.classes[2], 2.0), smooth=True)
        self._second.set_pen(pen(c.classes[3], 2.0), smooth=True)


class BorderLayer(Layer):
    """The decision boundary, carried back from t1 to the playhead's time."""

    def __init__(self, theme: Theme) -> None:
        self._halo, self._line = Segments(), Segments()
        super().__init__(theme, [self._halo, self._line], 8)
        self._shown: BorderResult | None = None

    def show_result(self, result: BorderResult | None) -> None:
        """Draw a boundary, or nothing."""
        self._shown = result
        if result is None:
            for item in (self._halo, self._line):
                item.set_segments(_NONE)

    def set_time(self, t: float) -> None:
        if self._shown is None:
            return
        curve = at_time(self._shown.t, self._shown.curve, t)
        lines = np.concatenate([curve[:-1], curve[1:]], axis=1)
        lines = np.ascontiguousarray(lines[np.isfinite(lines).all(axis=1)], dtype=np.float64)
        for item in (self._halo, self._line):
            item.set_segments(lines)

    def restyle(self) -> None:
        c = self.theme.colors
        self._halo.set_pen(pen(c.base, 4.5, 0.6), smooth=True)
        self._line.set_pen(pen(c.accent, 2.2), smooth=True)


class RestLayer(Layer):
    """States at rest at the playhead's time: filled where stable, hollow where not, crosses for saddles."""

    def __init__(self, theme: Theme) -> None:
        self._dots, self._crosses = Dots(), Dots(cross=True)
        super().__init__(theme, [self._dots, self._crosses], 35)
        self._shown: RestResult | None = None
        self._points: NDArray[Any] = np.empty((0, 2))
        self._now: NDArray[np.integer[Any]] = np.empty(0, dtype=np.int64)

    def show_result(self, result: RestResult | None, points: NDArray[Any]) -> None:
        """Draw a result's points where they are seen, ``points [n, 2]``."""
        self._shown, self._points = result, points
        self._now = np.empty(0, dtype=np.int64)
        if result is None:
            self._place()

    def set_time(self, t: float) -> None:
        if self._shown is not None:
            now = self._shown.at(t)
            self._now = now
            self._place()

    def at(self, point: QPointF, pixel: tuple[float, float], reach: float = 9.0) -> str:
        """What the point at rest under the mouse is, in a few words; "" if there is none."""
        if self._shown is None or not len(self._now):
            return ""
        away = (self._points[self._now] - [point.x(), point.y()]) / np.array(pixel)
        distance = np.hypot(away[:, 0], away[:, 1])
        nearest = int(distance.argmin())
        if distance[nearest] > reach:
            return ""
        k = int(self._now[nearest])
        return f"{self._shown.kinds[k]}, λ = {eigenvalue_text(self._shown.eigenvalues[k])}"

    def restyle(self) -> None:
        c = self.theme.colors
        rim, ground = QColor(c.text), QColor(c.base)
        self._dots.set_looks([(rim, ground), (ground, rim)], 10)
        self._crosses.set_looks([(rim, ground)], 9)

    def _place(self) -> None:
        kinds = [] if self._shown is None else [self._shown.kinds[k] for k in self._now]
        saddle = np.array([kind == "saddle" for kind in kinds], dtype=bool)
        hollow = np.array([not kind.startswith("stable") for kind in kinds], dtype=np.intp)
        points = self._points[self._now] if len(self._now) else np.empty((0, 2))
        self._dots.set_points(points[~saddle], hollow[~saddle])
        self._crosses.set_points(points[saddle], np.zeros(int(saddle.sum()), dtype=np.intp))


def eigenvalue_text(values: NDArray[Any]) -> str:
    """The first eigenvalues of a state at rest; a pair of conjugates is written once."""
    shown = []
    for value in values[:4]:
        if abs(value.imag) <= 1e-6 * abs(value):
            shown.append(figure(value.real))
        elif value.imag > 0:
            shown.append(f"{figure(value.real)} ± {figure(value.imag)}i")
    return (", ".join(shown) + (", …" if len(values) > 4 else "")).replace("-", "−")
