"""The flow view's trajectories: coloured by class, time, speed or cost, and those that are selected or hovered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from odeviz.analysis.results import FlowResult
from odeviz.exporting.marks import mark_of
from odeviz.exporting.palette import palette
from odeviz.panels.flow_layers import Layer, at_time, frame_at
from odeviz.tasks.numerals import thousands
from odeviz.widgets.plot import Plot
from odeviz.widgets.primitives import Dots, Segments, bounds, pen, polyline
from odeviz.widgets.scale_key import Scale
from odeviz.widgets.strokes import Strokes
from odeviz.widgets.theme import Theme
from odeviz.widgets.trail import PATIENCE, Trail

#: Colours of a scale, and slabs of depth: from far to near.
BINS, SLABS = 10, 8
#: Up to so many trails are drawn without steps in them; it takes half as long again.
SMOOTH = 400
Floats = NDArray[np.float64]
#: As many selected curves are still drawn thick.
MANY = 24


@dataclass(frozen=True, slots=True)
class Colouring:
    """The colour of every segment, and what the colours mean."""

    bins: NDArray[np.int64]  # [T - 1, B]
    colors: tuple[QColor, ...]
    scale: Scale


def ramp(theme: Theme, count: int) -> list[QColor]:
    """Colours of equal steps that stand out from the ground at both ends."""
    colours = pg.colormap.get(palette(theme.dark).time_map)
    low, high = (0.22, 1.0) if theme.dark else (0.0, 0.86)
    return [QColor(*colours.map(share, mode="byte")[:3]) for share in np.linspace(low, high, count)]


def colouring(key: str, flow: FlowResult, nfe: NDArray[Any] | None, theme: Theme) -> Colouring:
    """How a flow is coloured by ``key``; by class where what it asks for is not known."""
    frames, count = len(flow.t) - 1, flow.paths.shape[1]
    shape = (max(frames, 0), count)
    if key == "time":
        low, high = float(flow.t[0]), float(flow.t[-1])
        middle = ((flow.t[:-1] + flow.t[1:]) / 2 - low) / max(high - low, 1e-12)
        limits = flow.clock.own(low), flow.clock.own(high)
        return _scaled("t", np.broadcast_to(middle[:, None], shape), limits, theme)
    if key == "speed" and flow.speed is not None:
        speed = np.nan_to_num(np.asarray(flow.speed, dtype=np.float64), nan=0.0, posinf=0.0)
        middle = (speed[:-1] + speed[1:]) / 2
        low, high = (float(v) for v in np.quantile(middle, [0.02, 0.98])) if middle.size else (0.0, 1.0)
        return _scaled("‖dz/dt‖", (middle - low) / max(high - low, 1e-12), (low, high), theme)
    if key == "nfe" and nfe is not None and len(nfe) == count and np.isfinite(nfe).any():
        low, high = float(np.nanmin(nfe)), float(np.nanmax(nfe))
        share = np.nan_to_num((nfe - low) / max(high - low, 1e-12), nan=1.0)
        return _scaled("NFE", np.broadcast_to(share, shape), (low, high), theme)
    labels = np.unique(flow.labels)
    bins = np.broadcast_to(np.searchsorted(labels, flow.labels), shape)
    colors = tuple(QColor(theme.colors.of_class(int(label))) for label in labels)
    known = flow.classes
    there = [int(label) for label in labels if label >= 0]
    named = [
        (known.name(int(label)), color) for label, color in zip(labels, colors, strict=True) if label >= 0
    ]
    if len(named) < 2:
        return Colouring(bins.astype(np.int64), colors, Scale(known.title))
    marks = tuple(mark_of(label, max(there) + 1) for label in there)
    return Colouring(bins.astype(np.int64), colors, Scale(known.title, tuple(named), marks=marks))


def _scaled(title: str, share: NDArray[Any], limits: tuple[float, float], theme: Theme) -> Colouring:
    bins = np.clip((share * BINS).astype(np.int64), 0, BINS - 1)
    colors = tuple(ramp(theme, BINS))
    return Colouring(bins, colors, Scale(title, (), colors, limits))


class _Group:
    """The segments of one colour, in order of time, with how many there are before each frame."""

    def __init__(self, rows: NDArray[np.intp], lines: Floats, frames: int, count: int, item: Trail) -> None:
        self.lines = np.ascontiguousarray(lines[rows])
        self.path = rows % count
        self.before = np.searchsorted(rows, np.arange(frames + 1) * count)
        self.item = item
        item.set_segments(self.lines)

    def bend(self, frame: int, heads: Floats) -> None:
        """Let the segments of a frame end at ``heads [B, 2]``."""
        mine = slice(self.before[frame], self.before[frame + 1])
        self.lines[mine, 2:] = heads[self.path[mine]]


class TrajectoryLayer(Layer):
    """Trails from t0 to the playhead; thick over them the one under the mouse, and those that are selected."""

    def __init__(self, theme: Theme) -> None:
        self._deep = Strokes()
        self._halo, self._hovered, self._chosen = Segments(), Segments(), Segments()
        #: Where those are that are selected or under the mouse: at the start there is nothing else to be seen of them.
        self.heads = Dots()
        super().__init__(theme, [self._deep, self._halo, self._chosen, self._hovered, self.heads], 10)
        for item in (self._halo, self._chosen, self._hovered, self.heads):
            item.setZValue(item.zValue() + 15)
        self._groups: list[_Group] = []
        #: One for each colour, and some that were for colours no longer there.
        self._drawn: list[Trail] = []
        self._flow: FlowResult | None = None
        self._paths: Floats = np.empty((2, 0, 2))
        self._near: Floats | None = None
        self._order = self._run = np.empty(0, dtype=np.intp)
        self._by = "class"
        self._nfe: NDArray[Any] | None = None
        self._marked: tuple[int | None, tuple[int, ...]] = (None, ())
        self._cut = 0
        self._on = True
        #: What the colours mean.
        self.scale = Scale("")

    def show_result(self, flow: FlowResult | None, paths: Floats, near: Floats | None, plot: Plot) -> None:
        """Draw the finite ``paths [T, B, 2]`` of a flow; in space ``near [T, B]`` tells what lies before what."""
        self._flow, self._paths, self._near, self._plot = flow, paths, near, plot
        self._recolour()

    def set_colouring(self, key: str, nfe: NDArray[Any] | None) -> None:
        """Colour by class, time, speed, or the evaluations ``nfe [B]`` of each trajectory if they are known."""
        if key == self._by and nfe is None and self._nfe is None:
            # Told so for every model that is opened, while the paths on show are still those of the one before.
            return
        self._by, self._nfe = key, nfe
        self._recolour()

    def set_marked(self, hovered: int | None, chosen: Sequence[int]) -> None:
        """Which trajectory is under the mouse, and which are selected: the others step back."""
        self._marked = (hovered, tuple(chosen))
        self._thin_out()
        for item in self._drawn:
            item.setOpacity(0.3 if chosen else 1.0)
        self._deep.setOpacity(0.3 if chosen else 1.0)

    @property
    def whole(self) -> bool:
        """Whether everything that is seen is drawn."""
        return all(item.whole or not item.isVisible() for item in self._drawn)

    def set_visible(self, on: bool) -> None:
        self._on = on
        super().set_visible(on)

    def nearest(self, point: QPointF, pixel: tuple[float, float], t: float) -> tuple[int, float] | None:
        """The trajectory nearest to a point, and how many pixels of ``pixel`` size it is away."""
        if not self._paths.shape[1] or not self._on or self._flow is None:
            return None
        return nearest_path(self._past(t), point, pixel)

    def told(self, index: int) -> str:
        """What is known of a trajectory, in a few words."""
        if self._flow is None or index >= len(self._flow.labels):
            return ""
        label = int(self._flow.labels[index])
        words = [f"trajectory {index + 1}"] + ([self._flow.classes.told(label)] if label >= 0 else [])
        if self._nfe is not None and index < len(self._nfe) and np.isfinite(self._nfe[index]):
            words.append(f"NFE {thousands(self._nfe[index])}")
        return ", ".join(words)

    def inside(self, box: tuple[float, float, float, float], t: float) -> list[int]:
        """The trajectories whose heads lie in a rectangle x0, x1, y0, y1."""
        if self._flow is None or not self._on:
            return []
        x, y = at_time(self._flow.t, self._paths, t).T
        return np.flatnonzero((box[0] <= x) & (x <= box[1]) & (box[2] <= y) & (y <= box[3])).tolist()

    def set_time(self, t: float) -> None:
        if self._flow is None:
            return
        frame, share = frame_at(self._flow.t, t)
        heads = at_time(self._flow.t, self._paths, t)
        if self._near is None:
            self._grow(frame, share, heads)
        else:
            self._sort(frame, share, heads)
        hovered, chosen = self._marked
        past = self._past(t)
        known = [k for k in chosen if k < past.shape[1]]
        self._chosen.set_segments(polyline(past[:, known]))
        over = [hovered] if hovered is not None and hovered < past.shape[1] else []
        self._hovered.set_segments(polyline(past[:, over]))
        raised = over if len(known) > MANY else sorted({*known, *over})
        self._halo.set_segments(polyline(past[:, raised]))
        self.heads.set_points(
            heads[known + over], np.array([0] * len(known) + [1] * len(over), dtype=np.intp)
        )

    def restyle(self) -> None:
        c = self.theme.colors
        self._halo.set_pen(pen(c.base, 5.0, 0.75), smooth=True)
        self._thin_out()
        self._hovered.set_pen(pen(c.text, 2.4), smooth=True)
        self._recolour()

    # Inside

    def _thin_out(self) -> None:
        """Thick curves tell a few apart; many would run into one blot, which takes long to paint besides."""
        many = len(self._marked[1]) > MANY
        c = self.theme.colors
        self._chosen.set_pen(pen(c.selected, 1.0 if many else 2.4), smooth=not many)
        ring = QColor(c.base)
        self.heads.set_looks([(QColor(c.selected), ring), (QColor(c.text), ring)], 6.0 if many else 9.0)

    def _past(self, t: float) -> Floats:
        assert self._flow is not None
        frame, share = frame_at(self._flow.t, t)
        past = self._paths[: frame + 1]
        if share:
            past = np.concatenate([past, at_time(self._flow.t, self._paths, t)[None]])
        return past

    def _recolour(self) -> None:
        self._groups.clear()
        self._deep.set_runs(np.empty((0, 4)), ())
        flow, paths = self._flow, self._paths
        if flow is None or not paths.shape[1]:
            self.scale = Scale("")
            self._trails(0)
            for item in (self._halo, self._chosen, self._hovered):
                item.set_segments(np.empty((0, 4)))
            self.heads.set_points(np.empty((0, 2)), np.empty(0, dtype=np.intp))
            self._flow = None
            return
        coloured = colouring(self._by, flow, self._nfe, self.theme)
        self.scale = coloured.scale
        frames, count = len(paths) - 1, paths.shape[1]
        smooth = count <= SMOOTH
        alpha = float(np.clip((7.0 if smooth else 5.5) / np.sqrt(count), 0.22, 0.8))
        self._cut, self._lines = 0, polyline(paths)
        if self._near is not None:
            self._trails(0)
            self._stack(coloured, alpha)
            return
        flat = coloured.bins.ravel()
        runs = [(np.flatnonzero(flat == k), color) for k, color in enumerate(coloured.colors)]
        runs = [(rows, color) for rows, color in runs if len(rows)]
        for (rows, color), item in zip(runs, self._trails(len(runs)), strict=True):
            item.set_pen(pen(color, 1.0, alpha), smooth=smooth)
            self._groups.append(_Group(rows, self._lines, frames, count, item))

    def _trails(self, count: int) -> list[Trail]:
        """So many trails; those there are already are used again, and those too many are emptied."""
        while len(self._drawn) < count:
            item = Trail()
            item.setZValue(10)
            item.setVisible(self._on)
            item.setOpacity(0.3 if self._marked[1] else 1.0)
            self._plot.addItem(item)
            self._drawn.append(item)
            self.items.append(item)
        for k, item in enumerate(self._drawn):
            item.patience = PATIENCE / max(count, 1)
            if k >= count:
                item.set_segments(np.empty((0, 4)))
        return self._drawn[:count]

    def _grow(self, frame: int, share: float, heads: Floats) -> None:
        for group in self._groups:
            # The segment the playhead was in is whole again, the one it is in now ends at the playhead.
            group.bend(self._cut, self._paths[self._cut + 1])
            if share:
                group.bend(frame, heads)
            reached = group.before[frame + 1] if share else group.before[frame]
            group.item.set_count(int(reached), fixed=int(group.before[frame]))
        self._cut = min(frame, len(self._paths) - 2)

    def _stack(self, coloured: Colouring, alpha: float) -> None:
        """Order all segments from far to near in slabs of depth, fainter the farther."""
        assert self._near is not None
        depth = (self._near[:-1] + self._near[1:]) / 2
        slab = np.clip((depth * SLABS).astype(np.int64), 0, SLABS - 1)
        run = (slab * len(coloured.colors) + coloured.bins).ravel()
        self._order = np.argsort(run, kind="stable")
        self._run = run[self._order]
        shades = [min(1.0, alpha * (0.45 + 1.1 * (k + 0.5) / SLABS)) for k in range(SLABS)]
        self._deep.set_pens([pen(color, 1.0, shade) for shade in shades for color in coloured.colors])
        self._deep.set_bounds(bounds(self._paths.reshape(-1, 2)))

    def _sort(self, frame: int, share: float, heads: Floats) -> None:
        count = self._paths.shape[1]
        reached = (frame + (share > 0)) * count
        there = self._order < reached
        rows, run = self._order[there], self._run[there]
        lines = self._lines[rows]
        if share:
            partial = rows >= frame * count
            lines[partial, 2:] = heads[rows[partial] % count]
        ends = np.cumsum(np.bincount(run, minlength=len(self._deep.pens)))
        self._deep.set_runs(np.ascontiguousarray(lines), ends.tolist())


def nearest_path(past: Floats, point: QPointF, pixel: tuple[float, float]) -> tuple[int, float]:
    """Which of the paths ``[frames, B, 2]``, at least one, passes nearest to a point, and at how many pixels."""
    size = np.array(pixel)
    away = (past - [point.x(), point.y()]) / size
    if len(away) == 1:
        distance = np.hypot(away[0, :, 0], away[0, :, 1])
    else:
        start, way = away[:-1], np.diff(away, axis=0)
        square = np.maximum((way * way).sum(axis=-1), 1e-12)
        share = np.clip(-(start * way).sum(axis=-1) / square, 0.0, 1.0)
        nearest = start + share[..., None] * way
        distance = np.sqrt((nearest * nearest).sum(axis=-1).min(axis=0))
    index = int(distance.argmin())
    return index, float(distance[index])
