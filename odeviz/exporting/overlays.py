"""What lies over the plane in figures: contours, streamlines, nullclines, a boundary, states at rest, seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from odeviz.analysis.overlays import BorderResult, RestResult, StreamResult, TracerResult
from odeviz.analysis.results import DecisionResult, DensityResult, Floats, FlowResult
from odeviz.exporting.marks import mark_of
from odeviz.exporting.palette import mix
from odeviz.exporting.paths import outline
from odeviz.exporting.style import ink, letters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Contours: nats below the highest density, and log-odds of the first class where its probability is 0.1, 0.25, 0.75
#: and 0.9. As in the window.
NATS_BELOW = (5.0, 4.0, 3.0, 2.0, 1.0)
LOG_ODDS = tuple(math.log(share / (1.0 - share)) for share in (0.1, 0.25, 0.75, 0.9))
#: Length of a streamline's arrow head, as a share of the picture's width.
_HEAD = 0.02


@dataclass(frozen=True, slots=True)
class Over:
    """What a flow figure may be drawn over with, as far as it is known."""

    background: DensityResult | DecisionResult | None = None
    stream: StreamResult | None = None
    boundary: BorderResult | None = None
    rest: RestResult | None = None
    flow: FlowResult | None = None
    pinned: FlowResult | None = None
    seeds: FlowResult | None = None
    tracers: TracerResult | None = None


def paint_over(axes: Axes, layers: tuple[str, ...], over: Over, t: float) -> None:
    """The layers of these names, of what is known of them."""
    for key, paint in PAINTERS.items():
        if key in layers:
            paint(axes, over, t)


def _between(times: Floats, values: Floats, t: float) -> Floats:
    """``values [T, ...]`` interpolated at ``t``."""
    last = len(times) - 1
    k = int(np.clip(np.searchsorted(times, t, side="right") - 1, 0, last))
    if k == last:
        return values[last]
    share = float(np.clip((t - times[k]) / (times[k + 1] - times[k]), 0.0, 1.0))
    result: Floats = values[k] + share * (values[k + 1] - values[k])
    return result


def _contours(axes: Axes, over: Over, t: float) -> None:
    shown = over.background
    if shown is None:
        return
    if isinstance(shown, DecisionResult):
        values, levels = shown.log_odds(0), np.array(LOG_ODDS)
    else:
        known = shown.log_density[np.isfinite(shown.log_density)]
        peak = float(known.max()) if known.size else 0.0
        values, levels = np.maximum(shown.log_density, peak - 50), peak - np.array(NATS_BELOW)
    values = np.ma.masked_invalid(values)
    e, (ny, nx) = shown.extent, values.shape
    x = e.x0 + (e.x1 - e.x0) * (np.arange(nx) + 0.5) / nx
    y = e.y0 + (e.y1 - e.y0) * (np.arange(ny) + 0.5) / ny
    levels = levels[(levels > values.min()) & (levels < values.max())]
    if len(levels):
        axes.contour(x, y, values, levels=levels, colors=ink().text, linewidths=0.4, alpha=0.6, zorder=1)


def _streamlines(axes: Axes, over: Over, t: float) -> None:
    from matplotlib.collections import LineCollection

    if over.stream is None or over.stream.lines is None:
        return
    curves = _between(over.stream.field.t, over.stream.lines, t)
    middle = curves.shape[1] // 2
    way = curves[:, middle + 1] - curves[:, middle - 1]
    length = np.hypot(way[:, 0], way[:, 1])
    moving = length > 0.01 * max(float(length.max(initial=0.0)), 1e-12)
    along = way[moving] / length[moving, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    x0, x1 = axes.get_xlim()
    size = _HEAD * abs(x1 - x0)
    tip = curves[moving, middle] + 0.5 * size * along
    heads = np.stack([tip - size * (along + 0.5 * across), tip, tip - size * (along - 0.5 * across)], axis=1)
    color = mix(ink().ground, ink().field, 0.85)
    how = {"colors": color, "linewidths": 0.5, "zorder": 1.4}
    axes.add_collection(LineCollection([*curves, *heads], **how), autolim=False)


def _tracers(axes: Axes, over: Over, t: float) -> None:
    from matplotlib.collections import LineCollection

    if over.tracers is None:
        return
    trail = over.tracers.trail
    last = len(trail) - 1
    for k in range(last):
        # As in the window: the older, the fainter.
        alpha = 0.75 * ((last - k) / last) ** 1.5
        how = {"colors": ink().text, "linewidths": 0.5, "alpha": alpha, "zorder": 1.5}
        # So many strokes would make a drawing heavy.
        lines = LineCollection(np.stack([trail[k + 1], trail[k]], axis=1), rasterized=True, **how)
        axes.add_collection(lines, autolim=False)


def _nullclines(axes: Axes, over: Over, t: float) -> None:
    if over.stream is None:
        return
    field = over.stream.field
    velocity = np.nan_to_num(np.asarray(_between(field.t, field.velocity, t), dtype=np.float64))
    names = (axes.get_xlabel().split("   ")[0], axes.get_ylabel())
    for k, name in enumerate(names):
        values, color = velocity[..., k], ink().classes[2 + k]
        if values.min() < 0.0 < values.max():
            axes.contour(field.x, field.y, values, levels=[0.0], colors=color, linewidths=1.1, zorder=4)
            axes.plot([], [], color=color, linewidth=1.1, label=f"d{name}/dt = 0")


def _boundary(axes: Axes, over: Over, t: float) -> None:
    if over.boundary is not None:
        curve = _between(over.boundary.t, over.boundary.curve, t)
        axes.plot(*curve.T, color=ink().ground, linewidth=2.6, alpha=0.6, zorder=4.4)
        axes.plot(*curve.T, color=ink().accent, linewidth=1.3, zorder=4.5, label="boundary, carried back")


def _pinned(axes: Axes, over: Over, t: float) -> None:
    from matplotlib.collections import LineCollection

    if over.pinned is not None:
        curves = [curve[np.isfinite(curve).all(axis=1)] for curve in over.pinned.paths.swapaxes(0, 1)]
        how = {"colors": ink().text, "linewidths": 0.5, "linestyles": "dotted", "alpha": 0.6, "zorder": 4.8}
        axes.add_collection(LineCollection(curves, **how), autolim=False)
        c = over.pinned.choice
        each = ", steps per sample" if c.own_steps else ""
        axes.plot(
            [], [], color=ink().text, linewidth=0.8, linestyle="dotted", label=f"pinned: {c.method}{each}"
        )


def _base(axes: Axes, over: Over, t: float) -> None:
    if over.flow is None:
        return
    known = np.maximum(over.flow.labels, -1)
    for label in np.unique(known).tolist():
        color = ink().of_class(label) if label >= 0 else ink().text
        shape, reach = outline(mark_of(label, int(known.max()) + 1))
        axes.scatter(
            *over.flow.paths[0, known == label].T, s=5 * reach**2, marker=shape, facecolors="none", edgecolors=color,
            linewidths=0.5, zorder=5.5,
        )  # fmt: skip


def _seeds(axes: Axes, over: Over, t: float) -> None:
    if over.seeds is not None:
        for path in over.seeds.paths.swapaxes(0, 1):
            axes.plot(*path.T, color=ink().ground, linewidth=2.4, alpha=0.7, zorder=6.8)
            axes.plot(*path.T, color=ink().accent, linewidth=1.2, zorder=6.9)
        how = {"color": ink().accent, "edgecolors": ink().ground, "linewidths": 0.5, "zorder": 7}
        axes.scatter(*over.seeds.paths[0].T, s=14, **how)


def _rest(axes: Axes, over: Over, t: float) -> None:
    if over.rest is None:
        return
    now = over.rest.at(t)
    kinds = np.array([over.rest.kinds[k] for k in now])
    points = over.rest.points[now]
    for label, (mark, fill) in _FATES.items():
        mine = np.array([_fate(kind) == label for kind in kinds], dtype=bool)
        if mine.any():
            how: dict[str, Any] = {"zorder": 8, "marker": mark, "s": letters(20)}
            if mark == "x":
                how |= {"color": ink().text, "linewidths": 1.2}
            else:
                face = ink().text if fill else ink().ground
                how |= {"facecolors": face, "edgecolors": ink().text, "linewidths": 0.9}
            axes.scatter(*points[mine].T, label=", ".join(dict.fromkeys(kinds[mine])), **how)


#: Marks of states at rest: filled where stable, hollow where not, crosses for saddles.
_FATES = {"stable": ("o", True), "unstable": ("o", False), "saddle": ("x", False)}


def _fate(kind: str) -> str:
    return "saddle" if kind == "saddle" else "stable" if kind.startswith("stable") else "unstable"


#: What paints each layer, the lowest first.
PAINTERS: Mapping[str, Callable[[Axes, Over, float], None]] = {
    "contours": _contours, "streamlines": _streamlines, "tracers": _tracers, "nullclines": _nullclines,
    "boundary": _boundary, "pinned": _pinned, "base": _base, "seeds": _seeds, "rest": _rest,
}  # fmt: skip
