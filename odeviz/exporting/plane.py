"""Figures of the plane: the flow with its layers, a density, a classifier's decision."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    Floats,
    FlowResult,
    Ints,
)
from odeviz.exporting.palette import channels, mix
from odeviz.exporting.style import COLUMN, extent_of, ink, letters, look, new_figure, notes, plane

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


def flow_figure(
    *,
    flow: FlowResult | None = None,
    field: FieldResult | None = None,
    density: DensityResult | None = None,
    decision: DecisionResult | None = None,
    data: DataResult | None = None,
    time: float | None = None,
    extent: Extent | None = None,
    lines: str = "arrows",
    color: str = "class",
    trajectories: int = 300,
) -> Figure:
    """The plane with every layer that is given: density or decision, field, trajectories, data.

    ``time`` (default: the end) chooses the field's time and where on the trajectories the points stand.
    ``lines`` draws the field as "arrows" or "streamlines"; ``color`` colours trajectories by "class" or
    by "time". At most ``trajectories`` curves are drawn, evenly chosen; the points are all drawn.
    Raises ``ValueError`` when no layer is given or an option is not one of those named.
    """
    _one_of("lines", lines, ("arrows", "streamlines"))
    _one_of("color", color, ("class", "time"))
    if all(layer is None for layer in (flow, field, density, decision, data)):
        raise ValueError("a flow figure needs at least one of flow, field, density, decision, data")
    extent = extent or _common_extent(flow, field, density, decision, data)
    if time is None:
        time = next((float(r.t[-1]) for r in (flow, field) if r is not None), None)
    by_time = flow is not None and (color == "time" or is_unlabelled(flow))
    figure = new_figure(*size_of(extent, bar=by_time))
    axes = figure.add_subplot()
    plane(axes, extent)
    paint_background(axes, decision if decision is not None else density)
    if field is not None:
        (paint_arrows if lines == "arrows" else _paint_streamlines)(axes, field, time)
    if data is not None:
        paint_data(axes, data, faint=flow is not None)
    if flow is not None:
        paint_paths(axes, flow, by_time, trajectories)
        paint_heads(axes, flow, time, by_time)
        if by_time:
            time_bar(axes, flow)
    if time is not None:
        notes(axes, f"t = {time:.2f}")
    return figure


def density_figure(*, density: DensityResult, data: DataResult | None = None) -> Figure:
    """log p(z, t) as a heat map with contours every two nats, a colour bar in nats, and the mass above it."""
    figure = new_figure(*size_of(density.extent, bar=True))
    axes = figure.add_subplot()
    plane(axes, density.extent)
    image = paint_density(axes, density)
    if data is not None:
        axes.scatter(*data.points.T, s=1.2, c=ink().text, linewidths=0, alpha=0.7, zorder=4)
    density_bar(axes, image)
    notes(axes, f"t = {density.t:.2f}", f"mass {density.mass:.3f}")
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
        decision_bar(axes)
    notes(axes, f"t = {decision.t:.2f}")
    return figure


def is_unlabelled(flow: FlowResult) -> bool:
    """Whether no trajectory belongs to a class: then they are coloured by time."""
    return bool((flow.labels < 0).all())


def size_of(extent: Extent, bar: bool) -> tuple[float, float]:
    """One column wide unless the look says otherwise, as high as the picture needs beside labels and colour bar."""
    width = look().width or COLUMN
    room = width - letters(1.02 if bar else 0.44)
    shape = (extent.y1 - extent.y0) / (extent.x1 - extent.x0) if extent.equal else 0.75
    return width, min(max(room * shape, 0.6), 2 * width) + letters(0.5)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def _common_extent(
    flow: FlowResult | None,
    field: FieldResult | None,
    density: DensityResult | None,
    decision: DecisionResult | None,
    data: DataResult | None,
) -> Extent:
    for background in (density, decision):
        if background is not None:
            return background.extent
    if field is not None:
        return Extent(float(field.x[0]), float(field.x[-1]), float(field.y[0]), float(field.y[-1]))
    clouds = [flow.paths] if flow is not None else []
    return extent_of(*clouds, *([data.points] if data is not None else []))


def _evenly(count: int, most: int) -> Ints:
    """At most ``most`` of ``count`` indices, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


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


def _plain_bar(bar: Any, label: str) -> None:
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, pad=2)
    bar.set_label(label, labelpad=3)


def density_bar(axes: Axes | list[Axes], image: Any) -> None:
    """The scale of log p beside one plane or several."""
    figure = (axes[0] if isinstance(axes, list) else axes).figure
    bar = figure.colorbar(image, ax=axes, extend="min", aspect=24, pad=0.02)
    _plain_bar(bar, "log p(z, t) (nats)")


def decision_bar(axes: Axes | list[Axes]) -> None:
    """The scale of two classes' probability beside one plane or several."""
    from matplotlib.cm import ScalarMappable

    figure = (axes[0] if isinstance(axes, list) else axes).figure
    bar = figure.colorbar(ScalarMappable(cmap=_two_class_map(STRENGTH)), ax=axes, aspect=24, pad=0.02)
    _plain_bar(bar, "probability of class 1")
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
    return image


def _paint_pale_density(axes: Axes, density: DensityResult, top: float | None) -> None:
    """Density as a background: the ground where there is none, so that what lies on top stays legible."""
    from matplotlib.colors import LinearSegmentedColormap

    values, low, high = _clipped(density.log_density, _PALE_DEPTH, top)
    ramp = LinearSegmentedColormap.from_list("pale", [ink().ground, mix(ink().ground, ink().accent, 0.45)])
    _image(axes, values, density.extent, cmap=ramp, vmin=low, vmax=high)


def _two_class_map(strength: float) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    ends = [mix(ink().ground, ink().of_class(c), strength) for c in (0, 1)]
    return LinearSegmentedColormap.from_list("classes", [ends[0], ink().ground, ends[1]])


def paint_decision(axes: Axes, decision: DecisionResult, strength: float) -> None:
    """The likeliest class's colour, mixed with the ground by how far it is ahead of a guess."""
    p = np.asarray(decision.probability, dtype=np.float64)
    best = p.argmax(axis=0)
    sure = strength * (p.max(axis=0) - 1 / len(p)) / (1 - 1 / len(p))
    colors = np.array([channels(ink().of_class(c)) for c in range(len(p))])
    ground = np.array(channels(ink().ground))
    image = ground + (colors[best] - ground) * np.nan_to_num(sure)[..., None]
    _image(axes, np.clip(image, 0, 1), decision.extent)
    x, y = _centres(decision.extent, best.shape)
    # Between two cells log-odds change evenly, probabilities in a jump: their boundary would be a staircase.
    scores = np.log(np.maximum(p, 1e-30))
    for c in range(1 if len(p) == 2 else 0, len(p)):
        lead = scores[c] - np.delete(scores, c, axis=0).max(axis=0)
        if lead.min() < 0 < lead.max():
            axes.contour(x, y, lead, levels=[0.0], colors=ink().text, linewidths=0.8, zorder=2)


def _at(result: FlowResult | FieldResult, time: float | None) -> int:
    """Index of the sample nearest a time; the last one for no time."""
    return len(result.t) - 1 if time is None else int(np.abs(result.t - time).argmin())


def paint_arrows(axes: Axes, field: FieldResult, time: float | None) -> None:
    """Arrows whose length is the speed, the longest (98th percentile) one grid cell and a bit."""
    velocity = field.velocity[_at(field, time)]
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


def _paint_streamlines(axes: Axes, field: FieldResult, time: float | None) -> None:
    velocity = np.asarray(field.velocity[_at(field, time)], dtype=np.float64)
    speed = np.hypot(velocity[..., 0], velocity[..., 1])
    if not np.nanmax(speed, initial=0.0) > 0:
        return
    x, y = (
        np.linspace(field.x[0], field.x[-1], len(field.x)),
        np.linspace(field.y[0], field.y[-1], len(field.y)),
    )
    axes.streamplot(
        x, y, velocity[..., 0], velocity[..., 1], color=mix(ink().ground, ink().field, 0.8), density=1.3,
        linewidth=0.3 + 0.7 * speed / np.nanmax(speed), arrowsize=0.5, zorder=1.5,
    )  # fmt: skip


def paint_data(axes: Axes, data: DataResult, faint: bool) -> None:
    size, alpha, edge = (2.5, 0.45, 0.0) if faint else (5.0, 0.9, 0.3)
    for label in np.unique(data.labels):
        axes.scatter(
            *data.points[data.labels == label].T, s=size, c=ink().of_class(int(label)), alpha=alpha,
            linewidths=edge, edgecolors=ink().ground, zorder=3,
        )  # fmt: skip


def paint_paths(axes: Axes, flow: FlowResult, by_time: bool, most: int) -> None:
    """Trajectories, at most so many, coloured by class or by time."""
    chosen = _evenly(flow.paths.shape[1], most)
    if by_time:
        _paint_paths_by_time(axes, flow, chosen)
    else:
        _paint_paths_by_class(axes, flow, chosen)


def _paint_paths_by_class(axes: Axes, flow: FlowResult, chosen: Ints) -> None:
    from matplotlib.collections import LineCollection

    for label in np.unique(flow.labels[chosen]):
        curves = [
            flow.paths[:, b][np.isfinite(flow.paths[:, b]).all(axis=1)]
            for b in chosen
            if flow.labels[b] == label
        ]
        color = ink().of_class(int(label))
        axes.add_collection(
            LineCollection(curves, colors=color, linewidths=0.4, alpha=0.6, zorder=5), autolim=False
        )


def _time_colours() -> Colormap:
    """The map of times without the tenth that would vanish on the ground."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    ends = (0.12, 1.0) if _is_dark() else (0.0, 0.88)
    return ListedColormap(colormaps[ink().time_map](np.linspace(*ends, 256)))


def _is_dark() -> bool:
    return sum(channels(ink().ground)) < 1.5


def time_bar(axes: Axes, flow: FlowResult) -> None:
    """The scale of times beside the plane."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    norm = Normalize(float(flow.t[0]), float(flow.t[-1]))
    bar = axes.figure.colorbar(ScalarMappable(norm=norm, cmap=_time_colours()), ax=axes, aspect=24, pad=0.02)
    _plain_bar(bar, "t")
    bar.ax.yaxis.label.set(rotation=0, verticalalignment="center", style="italic")
    bar.ax.yaxis.labelpad = 8


def _paint_paths_by_time(axes: Axes, flow: FlowResult, chosen: Ints) -> None:
    """One compound path for each interval of time: as few objects as colours keep SVG and PDF small."""
    from matplotlib.collections import PathCollection
    from matplotlib.colors import Normalize
    from matplotlib.path import Path

    ramp, norm = _time_colours(), Normalize(float(flow.t[0]), float(flow.t[-1]))
    starts, ends = flow.paths[:-1, chosen], flow.paths[1:, chosen]
    codes = np.array([Path.MOVETO, Path.LINETO], dtype=Path.code_type)
    compound = []
    for a, b in zip(starts, ends, strict=True):
        pair = np.stack([a, b], axis=1)
        pair = pair[np.isfinite(pair).all(axis=(1, 2))]
        compound.append(Path(pair.reshape(-1, 2), np.tile(codes, len(pair))))
    kept = [k for k, path in enumerate(compound) if len(path.vertices)]
    middles = (flow.t[:-1] + flow.t[1:]) / 2
    axes.add_collection(
        PathCollection(
            [compound[k] for k in kept], facecolors="none", edgecolors=ramp(norm(middles[kept])),
            linewidths=0.45, alpha=0.8, zorder=5, capstyle="round",
        ),
        autolim=False,
    )  # fmt: skip


def paint_heads(axes: Axes, flow: FlowResult, time: float | None, by_time: bool, small: bool = False) -> None:
    points = flow.paths[_at(flow, time)]
    colors = [ink().text if by_time else ink().of_class(int(label)) for label in flow.labels]
    many = small or len(points) > 300
    axes.scatter(
        *points.T,
        s=1.6 if many else 5,
        c=colors,
        edgecolors=ink().ground,
        linewidths=0.0 if many else 0.3,
        zorder=6,
    )
