"""Figures of a task's own views: charts, maps and tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from odeviz.exporting.palette import mix, readable
from odeviz.exporting.style import COLUMN, ink, letters, look, name_y, new_figure, page
from odeviz.tasks.chart import Chart, Charts, Curve, Map, Maps, Picture, Table, cell_lines, cell_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


def _color(role: str) -> str:
    """The colour of what a curve stands for."""
    colors = ink()
    named = {
        "model": colors.accent, "truth": colors.text, "data": colors.path, "baseline": colors.classes[1],
        "second": colors.classes[2], "muted": colors.muted,
    }  # fmt: skip
    return named[role] if role in named else colors.of_class(int(role.removeprefix("class")))


#: A legend of more names stands beside the curves.
_MOST_NAMES = 6
#: More points than this are a crowd.
_CROWD = 200
#: Charts stand beside each other while each has this many inches on paper.
_LEAST = 1.6
#: The share of a figure's width that maps take beside axes and scale; a digit's width in its letters' size, with room
#: beside it; points of the smallest digits.
_DRAWN_UPON, _DIGIT, _LEAST_DIGITS = 0.7, 0.75, 3.5


def view_figure(*, picture: Picture) -> Figure:
    """A chart, several charts, maps or a table, whichever ``picture`` is."""
    if isinstance(picture, Chart):
        crowded = _is_crowded(picture)
        width, height = page(0.7, 1.4 if crowded else 1.0)
        if crowded and width < 1.2 * COLUMN:
            height += letters(0.15) * math.ceil(len(_named(picture)) / 2)
        figure = new_figure(width, height)
        _chart(figure.add_subplot(), picture, figure.get_figwidth(), above=_is_full(picture))
        return figure
    if isinstance(picture, Charts):
        return _charts(picture)
    if isinstance(picture, Maps):
        return _maps(picture)
    return _table(picture)


def _charts(charts: Charts) -> Figure:
    width = look().width or COLUMN * (1.0 if charts.columns == 1 else 2.0)
    columns = max(1, min(charts.columns, int(width / letters(_LEAST))))
    rows = math.ceil(len(charts.charts) / columns)
    room = width / columns
    shared = _same_names(charts)
    height = rows * letters(0.62) * COLUMN * (room / COLUMN) ** 0.6
    figure = new_figure(width, height + letters(0.2) * bool(shared))
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, chart in zip(places, charts.charts, strict=False):
        _chart(axes, chart, room, legend=not shared)
        axes.set_title(chart.title, loc="left")
    for axes in places[len(charts.charts) :]:
        axes.set_axis_off()
    if shared:
        handles, names = places[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 2 * columns))
    return figure


def _chart(axes: Axes, chart: Chart, room: float, legend: bool = True, above: bool = False) -> None:
    """Draw a chart that has ``room`` inches of width, its legend among the curves, ``above`` or beside them."""
    axes.set_xscale("log" if chart.x_log else "linear")
    axes.set_yscale("log" if chart.y_log else "linear")
    axes.set_xlabel(chart.x_label)
    name_y(axes, chart.y_label)
    if chart.equal:
        axes.set_aspect("equal", adjustable="datalim" if chart.frame is None else "box")
    if chart.frame is not None:
        x0, x1, y0, y1 = _widened(chart, chart.frame) if chart.equal else chart.frame
        axes.set_xlim(x0, x1)
        axes.set_ylim(y0, y1)
    for order, curve in enumerate(chart.curves):
        _curve(axes, curve, order)
    if not legend:
        return
    if _is_crowded(chart) and room > 1.2 * COLUMN:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.8)
    elif _is_crowded(chart):
        axes.figure.legend(loc="outside lower center", ncols=2, handlelength=1.4)
    elif _named(chart) and above:
        axes.figure.legend(loc="outside upper left", ncols=len(_named(chart)), handlelength=1.4)
    elif _named(chart):
        axes.legend(loc="best", handlelength=1.4)


def _widened(chart: Chart, frame: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A frame stays while a slider moves what is in it; a figure, which stands still, has room for all its lines."""
    lines = [np.stack([curve.x, curve.y]) for curve in chart.curves if curve.style != "points"]
    points = np.concatenate([np.reshape(frame, (2, 2)), *lines], axis=1).astype(np.float64)
    points = points[:, np.isfinite(points).all(axis=0)]
    low, high = points.min(axis=1), points.max(axis=1)
    room = 0.03 * (high - low)
    x0, x1, y0, y1 = frame
    return (
        min(x0, low[0] - room[0] * (low[0] < x0)), max(x1, high[0] + room[0] * (high[0] > x1)),
        min(y0, low[1] - room[1] * (low[1] < y0)), max(y1, high[1] + room[1] * (high[1] > y1)),
    )  # fmt: skip


def _same_names(charts: Charts) -> bool:
    """Whether one legend tells all charts' curves."""
    names = [[(curve.label, curve.role, curve.style) for curve in _named(chart)] for chart in charts.charts]
    return len(names) > 1 and bool(names[0]) and all(each == names[0] for each in names)


def _named(chart: Chart) -> list[Curve]:
    return [curve for curve in chart.curves if curve.label and not curve.faint]


def _is_crowded(chart: Chart) -> bool:
    """Whether a legend among the curves would hide them."""
    return len(_named(chart)) > _MOST_NAMES


def _is_full(chart: Chart) -> bool:
    """Whether bars or a crowd of points leave no place for a legend among them."""
    return any(curve.style == "bars" or _is_crowd(curve) for curve in chart.curves)


def _is_crowd(curve: Curve) -> bool:
    return curve.style == "points" and len(curve.x) > _CROWD


def _curve(axes: Axes, curve: Curve, order: int) -> None:
    color = _color(curve.role)
    label = curve.label if curve.label and not curve.faint else "_"
    if curve.low is not None and curve.high is not None:
        axes.fill_between(curve.x, curve.low, curve.high, color=color, alpha=0.18, linewidth=0, zorder=1)
    weight, alpha = (0.5, 0.4) if curve.faint else (1.1, 1.0)
    if curve.style == "points":
        size = 2.0 if _is_crowd(curve) else 3.0
        if curve.role == "data" and _is_crowd(curve):
            # A paler ground, so that what lies upon it stands out.
            color = mix(color, ink().ground, 0.55)
        axes.plot(
            curve.x, curve.y, "o", color=color, markersize=size, markeredgewidth=0, alpha=alpha, label=label,
            zorder=2 + order, rasterized=len(curve.x) > 5000,
        )  # fmt: skip
    elif curve.style == "bars":
        half = 0.5 * float(np.median(np.diff(curve.x))) if len(curve.x) > 1 else 0.4
        edges = np.concatenate([curve.x - half, curve.x[-1:] + half])
        # One outline: bars of their own would leave hairlines between them.
        axes.stairs(np.nan_to_num(curve.y), edges, fill=True, color=color, alpha=0.55, label=label, zorder=1)
    else:
        style = "--" if curve.style == "dashed" else "-"
        axes.plot(
            curve.x, curve.y, style, color=color, linewidth=weight, alpha=alpha, label=label, zorder=2 + order
        )


def _maps(maps: Maps) -> Figure:
    rows = math.ceil(len(maps.maps) / maps.columns)
    width = look().width or COLUMN * (1.0 if maps.columns < 3 else 2.0)
    shapes = [(one.extent[3] - one.extent[2]) / (one.extent[1] - one.extent[0]) for one in maps.maps]
    shape = min(max([0.4, *shapes]), 1.6)
    figure = new_figure(width, (width / maps.columns * shape + letters(0.2)) * rows)
    places = figure.subplots(rows, maps.columns, squeeze=False).ravel()
    finite = [np.asarray(one.values)[np.isfinite(one.values)] for one in maps.maps]
    everything = np.concatenate(finite) if finite else np.zeros(1)
    one_scale = maps.shared or len(maps.maps) == 1
    images = [
        _map(axes, one, everything if one_scale else own, maps)
        for axes, one, own in zip(places, maps.maps, finite, strict=False)
    ]
    if maps.scale:
        for group in (
            [list(places[: len(images)])] if one_scale else [[axes] for axes in places[: len(images)]]
        ):
            bar = figure.colorbar(
                images[list(places).index(group[0])], ax=group, shrink=0.8, aspect=30, pad=0.02
            )
            if one_scale:
                bar.set_label(maps.scale)
            bar.outline.set_linewidth(0.4)
    for axes in places[len(maps.maps) :]:
        axes.set_axis_off()
    return figure


def _map(axes: Axes, one: Map, scale: np.ndarray, maps: Maps) -> AxesImage:
    diverging = maps.diverging
    low, high = (float(scale.min()), float(scale.max())) if len(scale) else (0.0, 1.0)
    low = low if maps.matrix is None else 0.0
    if diverging:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    cmap = "RdBu_r" if diverging else ink().density_map
    image = axes.imshow(
        one.values,
        origin="lower",
        extent=one.extent,
        cmap=cmap,
        vmin=low,
        vmax=high,
        interpolation="bilinear" if maps.matrix is None else "nearest",
        aspect="equal" if maps.equal else "auto",
    )
    if one.points is not None:
        axes.plot(
            *np.asarray(one.points).T, "o", color=ink().path, markersize=1.2, markeredgewidth=0, alpha=0.5
        )
    _cells(axes, one, image, maps.columns)
    axes.set_xlim(one.extent[0], one.extent[1])
    axes.set_ylim(one.extent[2], one.extent[3])
    axes.set_title(one.title)
    _map_axes(axes, maps)
    return image


def _cells(axes: Axes, one: Map, image: AxesImage, columns: int) -> None:
    """Write a matrix's counts in its cells, with their shares of the row where there is room, or not if there is none.

    ``columns`` are those of maps that share the figure's width.
    """
    lines = cell_lines(one)
    if not lines:
        return
    x0, x1, y0, y1 = one.extent
    wide, high = (x1 - x0) / len(lines[0]), (y1 - y0) / len(lines)
    room = 72.0 * _DRAWN_UPON * axes.figure.get_figwidth() / columns / len(lines[0])
    longest = max(len(count) for row in lines for count, _ in row)
    size = min(letters(7.0), room / (_DIGIT * longest), room * high / wide / 1.2)
    if size < _LEAST_DIGITS:
        return
    both = room >= letters(7.0) * 4 * _DIGIT and room * high / wide >= letters(7.0) * 2.6
    colors = image.cmap(image.norm(one.values))[..., :3]
    for i, row in enumerate(lines):
        for k, (count, share) in enumerate(row):
            ground = "#" + "".join(f"{round(255 * float(c)):02X}" for c in colors[i, k])
            axes.text(
                x0 + (k + 0.5) * wide, y0 + (i + 0.5) * high, f"{count}\n{share}" if both and share else count,
                ha="center", va="center", fontsize=size, color=readable(ground, faint=count == "0"),
            )  # fmt: skip


def _map_axes(axes: Axes, maps: Maps) -> None:
    """Name the axes of the outer maps alone; without names there are none."""
    if maps.axes is None:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    if maps.matrix is not None:
        rows, columns = maps.matrix
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel(maps.axes[0])
    name_y(axes, maps.axes[1])
    axes.label_outer()


def _table(table: Table) -> Figure:
    texts = [[cell_text(value) for value in row] for row in table.rows]
    widths = [max(map(len, column)) + 3 for column in zip(table.columns, *texts, strict=True)]
    figure = new_figure(max(1.5, 0.07 * sum(widths)), 0.22 * (len(texts) + 1) + 0.1)
    axes = figure.add_subplot()
    axes.set_axis_off()
    if not texts:
        return figure
    shares = [width / sum(widths) for width in widths]
    drawn = axes.table(
        texts, colLabels=list(table.columns), colWidths=shares, bbox=[0, 0, 1, 1], edges="horizontal"
    )
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(letters(7))
    for (row, column), cell in drawn.get_celld().items():
        cell.set_linewidth(0.4)
        # Names stand at the left, numbers at the right, each below its heading.
        side = "left" if isinstance(table.rows[0][column], str) else "right"
        cell.set_text_props(horizontalalignment=side)
        cell.PAD = 0.06
        cell.set_edgecolor(ink().muted)
        if row == 0 or (table.current is not None and row - 1 == table.current):
            cell.get_text().set_fontweight("bold")
    return figure
