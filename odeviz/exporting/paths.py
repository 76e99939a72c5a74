"""Trajectories in figures: coloured by class, time, speed or cost, with the scale of their colours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from odeviz.analysis.results import FieldResult, Floats, FlowResult, Ints
from odeviz.exporting.marks import Mark, mark_of
from odeviz.exporting.palette import channels
from odeviz.exporting.style import ink
from odeviz.tasks.classes import Classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

#: What trajectories can be coloured by.
COLOURS = ("class", "time", "speed", "nfe")
#: Colours of a scale: one compound path each, as few objects keep SVG and PDF small.
_BINS = 64


@dataclass(frozen=True, slots=True)
class Shades:
    """Where on a scale from ``low`` to ``high`` each piece of each trajectory lies: shares ``[T - 1, B]``."""

    title: str
    share: Floats
    low: float
    high: float


def shades_of(color: str, flow: FlowResult, nfe: Floats | None = None) -> Shades | None:
    """How a flow is coloured; None for classes, and where what ``color`` asks for is not known: as in the window.

    Trajectories of no class have one colour then.
    """
    shape = (len(flow.t) - 1, flow.paths.shape[1])
    if color == "speed" and flow.speed is not None:
        speed = np.nan_to_num(np.asarray(flow.speed, dtype=np.float64), nan=0.0, posinf=0.0)
        middle = (speed[:-1] + speed[1:]) / 2
        low, high = (float(value) for value in np.quantile(middle, [0.02, 0.98]))
        return Shades("‖dz/dt‖", (middle - low) / max(high - low, 1e-12), low, high)
    if color == "nfe" and nfe is not None and len(nfe) == shape[1] and np.isfinite(nfe).any():
        low, high = float(np.nanmin(nfe)), float(np.nanmax(nfe))
        share = np.nan_to_num((nfe - low) / max(high - low, 1e-12), nan=1.0)
        return Shades("NFE", np.broadcast_to(share, shape), low, high)
    if color == "time":
        low, high = float(flow.t[0]), float(flow.t[-1])
        middle = ((flow.t[:-1] + flow.t[1:]) / 2 - low) / max(high - low, 1e-12)
        low, high = flow.clock.own(low), flow.clock.own(high)
        return Shades("t", np.broadcast_to(middle[:, None], shape), low, high)
    return None


def is_unlabelled(flow: FlowResult) -> bool:
    """Whether no trajectory belongs to a class."""
    return bool((flow.labels < 0).all())


def until(flow: FlowResult, shades: Shades | None, time: float | None) -> tuple[FlowResult, Shades | None]:
    """Trajectories as far as they have come at a time, with the colours they have over all times."""
    stop = at(flow, time) + 1
    if stop == len(flow.t):
        return flow, shades
    if shades is not None:
        shades = replace(shades, share=shades.share[: stop - 1])
    return replace(flow, t=flow.t[:stop], paths=flow.paths[:stop]), shades


def paint_paths(axes: Axes, flow: FlowResult, shades: Shades | None, most: int) -> None:
    """Trajectories, at most so many, coloured by a scale or, without one, by class; none that have not begun."""
    if len(flow.t) < 2:
        return
    chosen = np.unique(
        np.linspace(0, flow.paths.shape[1] - 1, min(flow.paths.shape[1], most)).round().astype(np.int64)
    )
    if shades is None:
        _paint_by_class(axes, flow, chosen)
    else:
        _paint_by_scale(axes, flow, chosen, shades)


def paint_heads(axes: Axes, flow: FlowResult, time: float | None, plain: bool, small: bool = False) -> None:
    """The states at a time; ``plain`` ones are not coloured by class."""
    points = flow.paths[at(flow, time)]
    many = small or len(points) > 300
    scatter(
        axes, points, flow.labels, 1.6 if many else 5.0, plain,
        edgecolors=ink().ground, linewidths=0.0 if many else 0.3, zorder=6,
    )  # fmt: skip


def scatter(axes: Axes, points: Floats, labels: Ints, size: float, plain: bool = False, **how: Any) -> None:
    """Points ``[n, 2]`` in their classes' colours, unless they are ``plain``; of many classes each has a mark."""
    known = np.where(labels < 0, -1, labels)
    marks = [mark_of(int(label), int(known.max(initial=-1)) + 1) for label in known]
    colors = np.array([ink().text if plain else ink().of_class(int(label)) for label in known])
    for mark in dict.fromkeys(marks):
        mine = np.array([each == mark for each in marks])
        shape, reach = outline(mark)
        axes.scatter(*points[mine].T, s=size * reach**2, c=colors[mine], marker=shape, **how)


def outline(mark: Mark) -> tuple[Any, float]:
    """A mark as matplotlib takes it, and how much larger it must be asked for than a circle."""
    if not mark:
        return "o", 1.0
    return [*mark, mark[0]], max(abs(value) for corner in mark for value in corner)


def class_keys(labels: Ints, classes: Classes) -> list[Any]:
    """An entry of a legend for each class among the labels ``[n]``, if there are several."""
    from matplotlib.lines import Line2D

    there = [int(label) for label in np.unique(labels) if label >= 0]
    if len(there) < 2:
        return []
    keys = []
    for label in there:
        shape, reach = outline(mark_of(label, max(there) + 1))
        color, name = ink().of_class(label), classes.told(label)
        keys.append(
            Line2D(
                [],
                [],
                color=color,
                marker=shape,
                markersize=3.5 * reach,
                markeredgewidth=0,
                ls="",
                label=name,
            )
        )
    return keys


def scale_bar(axes: Axes, shades: Shades) -> None:
    """The scale of the colours beside the plane."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    norm = Normalize(shades.low, shades.high)
    bar = axes.figure.colorbar(ScalarMappable(norm=norm, cmap=_colours()), ax=axes, aspect=24, pad=0.02)
    plain_bar(bar, shades.title)
    if shades.title == "t":
        bar.ax.yaxis.label.set(rotation=0, verticalalignment="center", style="italic")
        bar.ax.yaxis.labelpad = 8


def plain_bar(bar: Any, label: str) -> None:
    """A colour bar without a frame."""
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, pad=2)
    bar.set_label(label, labelpad=3)


def at(result: FlowResult | FieldResult, time: float | None) -> int:
    """Index of the sample nearest a time; the last one for no time."""
    return len(result.t) - 1 if time is None else int(np.abs(result.t - time).argmin())


def _paint_by_class(axes: Axes, flow: FlowResult, chosen: Ints) -> None:
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


def _colours() -> Colormap:
    """The map of times without the tenth that would vanish on the ground."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    ends = (0.12, 1.0) if sum(channels(ink().ground)) < 1.5 else (0.0, 0.88)
    return ListedColormap(colormaps[ink().time_map](np.linspace(*ends, 256)))


def _paint_by_scale(axes: Axes, flow: FlowResult, chosen: Ints, shades: Shades) -> None:
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    pieces = np.stack([flow.paths[:-1, chosen], flow.paths[1:, chosen]], axis=2)  # [T - 1, n, 2, 2]
    bins = np.clip((shades.share[:, chosen] * _BINS).astype(np.int64), 0, _BINS - 1)
    whole = np.isfinite(pieces).all(axis=(2, 3))
    codes = np.array([Path.MOVETO, Path.LINETO], dtype=Path.code_type)
    there = np.unique(bins[whole])
    compound = []
    for k in there:
        mine = pieces[whole & (bins == k)]
        compound.append(Path(mine.reshape(-1, 2), np.tile(codes, len(mine))))
    axes.add_collection(
        PathCollection(
            compound, facecolors="none", edgecolors=_colours()((there + 0.5) / _BINS),
            linewidths=0.45, alpha=0.8, zorder=5, capstyle="round",
        ),
        autolim=False,
    )  # fmt: skip
