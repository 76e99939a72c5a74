"""A model's picture on its card in the gallery: its flow, small, with no axes and no words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from odeviz.analysis.results import DataResult, DecisionResult, DensityResult, Extent, FlowResult
from odeviz.exporting.palette import Palette, channels, palette
from odeviz.exporting.style import drawing, new_figure
from odeviz.storage.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Pixels a side: twice what the gallery shows, for screens of two device pixels a pixel.
SIDE = 224
#: Trajectories, and the largest number of points.
_PATHS, _POINTS = 60, 400


def save_card(
    path: Path | str,
    extent: Extent,
    flow: FlowResult,
    background: DensityResult | DecisionResult | None = None,
    data: DataResult | None = None,
    *,
    dark: bool = False,
) -> None:
    """Write a PNG of ``SIDE x SIDE`` pixels: the background, some trajectories and where they end, the data."""
    colors = palette(dark)
    with drawing(), atomic_write(path) as temporary:
        figure = new_figure(SIDE / 100, SIDE / 100)
        figure.set_layout_engine("none")
        figure.patch.set_facecolor(colors.ground)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_xlim(extent.x0, extent.x1)
        axes.set_ylim(extent.y0, extent.y1)
        if isinstance(background, DensityResult):
            _density(axes, background, colors)
        elif isinstance(background, DecisionResult):
            _decision(axes, background, colors)
        _paths(axes, flow, colors, faint=isinstance(background, DensityResult))
        if data is not None:
            for label in np.unique(data.labels[:_POINTS]):
                chosen = data.points[:_POINTS][data.labels[:_POINTS] == label]
                axes.scatter(*chosen.T, s=2.0, color=colors.of_class(int(label)), linewidths=0, zorder=4)
        figure.savefig(temporary, dpi=100, format="png", facecolor=colors.ground, metadata={"Software": None})


def _density(axes: Axes, density: DensityResult, colors: Palette) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    values = np.exp(np.nan_to_num(density.log_density, nan=-np.inf))
    top = float(np.quantile(values, 0.995)) or 1.0
    ramp = LinearSegmentedColormap.from_list("card", [colors.ground, colors.classes[0], colors.text])
    e = density.extent
    axes.imshow(
        values, origin="lower", extent=(e.x0, e.x1, e.y0, e.y1), cmap=ramp, vmin=0.0, vmax=top, aspect="auto",
        interpolation="bilinear",
    )  # fmt: skip


def _decision(axes: Axes, decision: DecisionResult, colors: Palette) -> None:
    strength = 0.35
    ground = np.array(channels(colors.ground))
    inks = np.array([channels(colors.of_class(k)) for k in range(len(decision.probability))])
    share = np.nan_to_num(np.moveaxis(decision.probability, 0, -1))
    image = (1.0 - strength) * ground + strength * share @ inks
    e = decision.extent
    axes.imshow(
        np.clip(image, 0.0, 1.0), origin="lower", extent=(e.x0, e.x1, e.y0, e.y1), aspect="auto",
        interpolation="bilinear",
    )  # fmt: skip


def _paths(axes: Axes, flow: FlowResult, colors: Palette, faint: bool) -> None:
    from matplotlib.collections import LineCollection

    chosen = np.linspace(0, flow.paths.shape[1] - 1, min(_PATHS, flow.paths.shape[1])).astype(int)
    paths = [flow.paths[:, k][np.isfinite(flow.paths[:, k]).all(axis=1)] for k in chosen]
    inks = [colors.of_class(int(flow.labels[k])) for k in chosen]
    axes.add_collection(
        LineCollection(paths, colors=inks, linewidths=0.5, alpha=0.3 if faint else 0.6, zorder=2)
    )
    ends = np.array([path[-1] for path in paths if len(path)])
    if len(ends) and not faint:
        axes.scatter(*ends.T, s=4.0, c=[ink for ink, path in zip(inks, paths, strict=True) if len(path)],
                     linewidths=0, zorder=3)  # fmt: skip
