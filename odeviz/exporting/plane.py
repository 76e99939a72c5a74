"""Figures of the plane: the flow with its layers, a density, a classifier's decision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from odeviz.analysis.overlays import BorderResult, EffortResult, RestResult, StreamResult, TracerResult
from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    Floats,
    FlowResult,
)
from odeviz.exporting.hatching import paint_unreached
from odeviz.exporting.overlays import PAINTERS, Over, paint_over
from odeviz.exporting.palette import channels, mix
from odeviz.exporting.paths import (
    COLOURS,
    at,
    class_keys,
    is_unlabelled,
    paint_heads,
    paint_paths,
    plain_bar,
    scale_bar,
    scatter,
    shades_of,
    until,
)
from odeviz.exporting.style import COLUMN, extent_of, ink, letters, look, new_figure, notes, plane
from odeviz.tasks.classes import Classes
from odeviz.tasks.own_time import FLOW_TIME

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

#: log p is shown down to this far below its maximum, in nats: a factor of 22,000 in density.
DEPTH = 10.0

#: The same where the density is only a background, which shows where most of the mass is.
_PALE_DEPTH = 6.0

#: How much of a class's colour a certain decision has; the rest is the ground.
STRENGTH = 0.55


#: The layers a flow figure can show, by the window's own keys, and those that it shows unless it is told.
LAYERS = ("background", "arrows", "data", "trajectories", "particles", *PAINTERS)
SHOWN = ("background", "arrows", "data", "trajectories", "particles")


def flow_figure(
    *,
    flow: FlowResult | None = None,
    field: FieldResult | None = None,
    density: DensityResult | None = None,
    decision: DecisionResult | None = None,
    data: DataResult | None = None,
    stream: StreamResult | None = None,
    boundary: BorderResult | None = None,
    rest: RestResult | None = None,
    effort: EffortResult | None = None,
    pinned: FlowResult | None = None,
    seeds: FlowResult | None = None,
    tracers: TracerResult | None = None,
    time: float | None = None,
    extent: Extent | None = None,
    layers: Sequence[str] = SHOWN,
    color: str = "class",
    trajectories: int = 300,
) -> Figure:
    """The plane with those of the ``layers`` whose results are given.

    ``time`` (default: the end) chooses the field's time and how far the trajectories have come. ``color``
    colours trajectories by "class", "time", "speed" or "nfe", which needs ``effort``. At most ``trajectories`` curves
    are drawn, evenly chosen; the points are all drawn.
    Raises ``ValueError`` when nothing is given or an option is not one of those named.
    """
    _check_flow(color, layers, (flow, field, density, decision, data, stream))
    extent = extent or _common_extent(flow, field, density, decision, data, stream)
    if time is None:
        time = next((float(r.t[-1]) for r in (flow, field) if r is not None), None)
    drawn = flow if "trajectories" in layers else None
    shades = None if drawn is None else shades_of(color, drawn, None if effort is None else effort.nfe)
    figure = new_figure(*size_of(extent, bar=shades is not None))
    axes = figure.add_subplot()
    plane(axes, extent)
    background = decision if decision is not None else density
    _paint_ground(axes, background, field, data, layers, time, faint=flow is not None)
    if drawn is not None:
        paint_paths(axes, *until(drawn, shades, time), trajectories)
    if flow is not None and "particles" in layers:
        paint_heads(axes, flow, time, plain=shades is not None or is_unlabelled(flow))
    if drawn is not None and shades is not None:
        scale_bar(axes, shades)
    over = Over(background, stream, boundary, rest, flow, pinned, seeds, tracers)
    paint_over(axes, tuple(layers), over, time if time is not None else 0.0)
    _legend(axes, _class_keys(flow, data, layers, color))
    if time is not None:
        notes(axes, f"t = {(flow.clock if flow is not None else FLOW_TIME).told(time)}")
    return figure


def _paint_ground(
    axes: Axes,
    background: DensityResult | DecisionResult | None,
    field: FieldResult | None,
    data: DataResult | None,
    layers: Sequence[str],
    time: float | None,
    faint: bool,
) -> None:
    """What lies below the trajectories of a flow figure."""
    if "background" in layers:
        paint_background(axes, background)
    if field is not None and "arrows" in layers:
        paint_arrows(axes, field, time)
    if data is not None and "data" in layers:
        paint_data(axes, data, faint)


def _class_keys(
    flow: FlowResult | None, data: DataResult | None, layers: Sequence[str], color: str
) -> list[Any]:
    """The classes that a flow figure's colours tell apart, for its legend."""
    if flow is not None and color == "class" and {"trajectories", "particles"} & set(layers):
        return class_keys(flow.labels, flow.classes)
    return class_keys(data.labels, data.classes) if data is not None and "data" in layers else []


def _legend(axes: Axes, keys: list[Any]) -> None:
    """Name the classes and what lies over the plane in as many columns as there is room for, below a higher figure."""
    over, _ = axes.get_legend_handles_labels()
    handles = [*keys, *over]
    if not handles:
        return
    width, height = axes.figure.get_size_inches()
    wide = letters(0.054) * (5 + max(len(str(handle.get_label())) for handle in handles))
    columns = min(len(handles), max(1, int(width / wide)))
    rows = math.ceil(len(handles) / columns)
    axes.figure.set_size_inches(width, height + rows * letters(0.16))
    axes.figure.legend(
        handles=handles, loc="outside lower center", ncols=math.ceil(len(handles) / rows), handlelength=1.4,
        columnspacing=1.2, handletextpad=0.5, borderpad=0.0,
    )  # fmt: skip


def density_figure(*, density: DensityResult, data: DataResult | None = None) -> Figure:
    """log p(z, t) as a heat map with contours every two nats, a colour bar in nats, and the mass above it."""
    figure = new_figure(*size_of(density.extent, bar=True))
    axes = figure.add_subplot()
    plane(axes, density.extent)
    image = paint_density(axes, density)
    if data is not None:
        axes.scatter(*data.points.T, s=1.2, c=ink().text, linewidths=0, alpha=0.7, zorder=4)
    density_bar(axes, image)
    notes(axes, f"t = {density.t:.2f}", f"mass in view {density.mass:.3f}")
    return figure


def decision_figure(*, decision: DecisionResult, data: DataResult | None = None) -> Figure:
    """Class regions, paler where the classifier is unsure, and the boundary; two classes get a colour bar."""
    classes = len(decision.probability)
    figure = new_figure(*size_of(decision.extent, bar=classes == 2))
    axes = figure.add_subplot()
    plane(axes, decision.extent)
    paint_decision(axes, decision, strength=STRENGTH)
    if data is not None:
        paint_data(axes, data, faint=False)
    if classes == 2:
        decision_bar(axes, decision.classes)
    notes(axes, f"t = {decision.t:.2f}")
    return figure


def size_of(extent: Extent, bar: bool) -> tuple[float, float]:
    """One column wide unless the look says otherwise, as high as the picture needs beside labels and colour bar."""
    width = look().width or COLUMN
    room = width - letters(1.02 if bar else 0.44)
    shape = (extent.y1 - extent.y0) / (extent.x1 - extent.x0) if extent.equal else 0.75
    return width, min(max(room * shape, 0.6), 2 * width) + letters(0.5)


def _check_flow(color: str, layers: Sequence[str], given: Sequence[Any]) -> None:
    _one_of("color", color, COLOURS)
    for layer in layers:
        _one_of("layers", layer, LAYERS)
    if all(each is None for each in given):
        raise ValueError("a flow figure needs at least one of flow, field, density, decision, data, stream")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def _common_extent(
    flow: FlowResult | None,
    field: FieldResult | None,
    density: DensityResult | None,
    decision: DecisionResult | None,
    data: DataResult | None,
    stream: StreamResult | None = None,
) -> Extent:
    for background in (density, decision):
        if background is not None:
            return background.extent
    field = field if field is not None or stream is None else stream.field
    if field is not None:
        return Extent(float(field.x[0]), float(field.x[-1]), float(field.y[0]), float(field.y[-1]))
    clouds = [flow.paths] if flow is not None else []
    return extent_of(*clouds, *([data.points] if data is not None else []))


def _clipped(
    log_density: Floats, depth: float = DEPTH, top: float | None = None
) -> tuple[Floats, float, float]:
    """Values cut to the shown range, and that range; impossible places (-inf, NaN) get the lowest value.

    ``top`` is the largest value where several pictures share the range.
    """
    finite = log_density[np.isfinite(log_density)]
    high = top if top is not None else float(finite.max()) if finite.size else 0.0
    low = high - depth
    return np.nan_to_num(np.maximum(log_density, low), nan=low), low, high


def _centres(extent: Extent, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Midpoints of the grid's cells along x and y."""
    ny, nx = shape[:2]
    dx, dy = (extent.x1 - extent.x0) / nx, (extent.y1 - extent.y0) / ny
    return extent.x0 + dx * (np.arange(nx) + 0.5), extent.y0 + dy * (np.arange(ny) + 0.5)


def _image(axes: Axes, values: Floats, extent: Extent, **how: Any) -> Any:
    edges = (extent.x0, extent.x1, extent.y0, extent.y1)
    return axes.imshow(values, extent=edges, origin="lower", interpolation="bilinear", zorder=0, **how)


def density_bar(axes: Axes | list[Axes], image: Any) -> None:
    """The scale of log p beside one plane or several."""
    figure = (axes[0] if isinstance(axes, list) else axes).figure
    bar = figure.colorbar(image, ax=axes, extend="min", aspect=24, pad=0.02)
    plain_bar(bar, "log p(z, t) (nats)")


def decision_bar(axes: Axes | list[Axes], classes: Classes) -> None:
    """The scale of two classes' probability beside one plane or several."""
    from matplotlib.cm import ScalarMappable

    figure = (axes[0] if isinstance(axes, list) else axes).figure
    bar = figure.colorbar(ScalarMappable(cmap=_two_class_map(STRENGTH)), ax=axes, aspect=24, pad=0.02)
    plain_bar(bar, f"probability of {classes.told(1)}")
    bar.ax.axhline(0.5, color=ink().text, linewidth=0.8)


def paint_background(
    axes: Axes, background: DensityResult | DecisionResult | None, top: float | None = None
) -> None:
    """A density or a decision behind a flow; ``top`` is the largest log p of all pictures it belongs to."""
    if isinstance(background, DecisionResult):
        paint_decision(axes, background, strength=0.3)
    elif background is not None:
        _paint_pale_density(axes, background, top)


def paint_density(axes: Axes, density: DensityResult, top: float | None = None) -> Any:
    """log p with contours every two nats; returns the image, of which a scale is made."""
    values, low, high = _clipped(density.log_density, top=top)
    image = _image(axes, values, density.extent, cmap=ink().density_map, vmin=low, vmax=high)
    x, y = _centres(density.extent, values.shape)
    levels = np.arange(math.ceil(low / 2) * 2, high, 2.0)
    levels = levels[(levels > values.min()) & (levels < values.max())]
    if len(levels):
        axes.contour(x, y, values, levels=levels, colors=ink().ground, linewidths=0.4, alpha=0.7)
    paint_unreached(axes, density)
    return image


def _paint_pale_density(axes: Axes, density: DensityResult, top: float | None) -> None:
    """Density as a background: the ground where there is none, so that what lies on top stays legible."""
    from matplotlib.colors import LinearSegmentedColormap

    values, low, high = _clipped(density.log_density, _PALE_DEPTH, top)
    ramp = LinearSegmentedColormap.from_list("pale", [ink().ground, mix(ink().ground, ink().accent, 0.45)])
    _image(axes, values, density.extent, cmap=ramp, vmin=low, vmax=high)
    paint_unreached(axes, density)


def _two_class_map(strength: float) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    ends = [mix(ink().ground, ink().of_class(c), strength) for c in (0, 1)]
    return LinearSegmentedColormap.from_list("classes", [ends[0], ink().ground, ends[1]])


def paint_decision(axes: Axes, decision: DecisionResult, strength: float) -> None:
    """The likeliest class's colour, mixed with the ground by how far it is ahead of a guess."""
    p = np.nan_to_num(np.asarray(decision.probability, dtype=np.float64), nan=1 / len(decision.probability))
    best = p.argmax(axis=0)
    sure = strength * (p.max(axis=0) - 1 / len(p)) / (1 - 1 / len(p))
    colors = np.array([channels(ink().of_class(c)) for c in range(len(p))])
    ground = np.array(channels(ink().ground))
    image = ground + (colors[best] - ground) * np.nan_to_num(sure)[..., None]
    _image(axes, np.clip(image, 0, 1), decision.extent)
    paint_unreached(axes, decision)
    x, y = _centres(decision.extent, best.shape)
    for c in range(1 if len(p) == 2 else 0, len(p)):
        lead = np.ma.masked_invalid(decision.lead(c))
        if lead.min() < 0 < lead.max():
            axes.contour(x, y, lead, levels=[0.0], colors=ink().text, linewidths=0.8, zorder=2)


def paint_arrows(axes: Axes, field: FieldResult, time: float | None) -> None:
    """Arrows whose length is the speed, the longest (98th percentile) one grid cell and a bit."""
    velocity = field.velocity[at(field, time)]
    stride = max(1, round(len(field.x) / 22))
    inner = slice(stride // 2, None, stride)
    u, v = velocity[inner, inner, 0], velocity[inner, inner, 1]
    x, y = field.x[inner], field.y[inner]
    cell = [float(axis[1] - axis[0]) if len(axis) > 1 else 1.0 for axis in (x, y)]
    speed = np.hypot(u / cell[0], v / cell[1])
    longest = float(np.nanpercentile(speed, 98)) or 1.0
    shrink = 1.1 / longest * np.minimum(1.0, longest / np.maximum(speed, 1e-30))
    axes.quiver(
        x, y, u * shrink, v * shrink, color=ink().field, alpha=0.75, zorder=1.5, pivot="mid",
        angles="xy", scale_units="xy", scale=1.0, width=0.0028, headwidth=4, headlength=4.5, headaxislength=4,
    )  # fmt: skip


def paint_data(axes: Axes, data: DataResult, faint: bool, small: bool = False) -> None:
    """A data set's points; ``small`` ones leave something to be seen of what lies behind them in a small picture."""
    size, alpha, edge = (0.6 if small else 2.5, 0.45, 0.0) if faint else (5.0, 0.9, 0.3)
    how = {"alpha": alpha, "linewidths": edge, "edgecolors": ink().ground, "zorder": 3}
    scatter(axes, data.points, data.labels, size, **how)
