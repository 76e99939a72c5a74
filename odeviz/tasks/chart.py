"""What a task's own view shows: charts, maps and tables as frozen arrays. No torch, no Qt.

Panels and exporters draw these without knowing the task.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.numerals import figure, percent, thousands

Floats = NDArray[np.floating[Any]]

#: What a curve stands for; themes give each its colour. ``model`` is the one on show; ``class0`` ... are classes.
Role = Literal[
    "model", "truth", "data", "baseline", "second", "muted", "class0", "class1", "class2", "class3", "class4",
    "class5", "class6", "class7", "class8", "class9",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Curve:
    """Points ``x, y [n]``, joined or not; NaN leaves a gap."""

    label: str
    x: Floats
    y: Floats
    role: Role = "model"
    style: Literal["line", "dashed", "points", "bars"] = "line"
    #: A band from ``low [n]`` to ``high [n]`` around the curve.
    low: Floats | None = None
    high: Floats | None = None
    #: Of less weight than the others: drawn thin and faint, without an entry in the legend.
    faint: bool = False
    #: The flow's times ``[n]`` along a path, ascending, so that a dot can ride on it with the playhead.
    t: Floats | None = None
    #: The trajectory whose curve it is, by its number in the flow's crowd, so that it can be pointed at.
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over common axes."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    x_log: bool = False
    y_log: bool = False
    #: One unit is as long on both axes.
    equal: bool = False
    #: The x axis is the flow's time, so that the playhead can be shown on it.
    over_time: bool = False
    #: The axes are the plane's, and this is the flow's time whose states it shows, so that trajectories can be marked
    #: on it; of all times, they are marked where the playhead is, each with its way.
    at: float | Literal["playhead"] | None = None
    #: What the axes show: x0, x1, y0, y1; by default all of the curves.
    frame: tuple[float, float, float, float] | None = None
    #: What is seen, in one sentence with its figures.
    note: str = ""
    #: The share of it that has been measured: below 1 it is shown while the rest is on its way.
    progress: float = 1.0


@dataclass(frozen=True, slots=True)
class Map:
    """Values ``[ny, nx]`` over a rectangle x0, x1, y0, y1; row 0 is the lowest y. ``points [n, 2]`` lie on top."""

    title: str
    extent: tuple[float, float, float, float]
    values: Floats
    points: Floats | None = None
    #: The flow's time that it shows, where a film has one for each picture.
    t: float | None = None
    #: The flow's time whose states it lies over, so that trajectories can be marked on it; a film's is its own ``t``.
    at: float | None = None
    #: Whole numbers ``[ny, nx]`` that are written in a matrix's cells, whose colours are ``values``.
    counts: Floats | None = None


@dataclass(frozen=True, slots=True)
class Maps:
    """Maps in rows of ``columns``, on one colour scale each or all on one."""

    title: str
    maps: tuple[Map, ...]
    columns: int
    shared: bool = False
    #: Values of both signs about zero, on a diverging scale.
    diverging: bool = False
    #: What the values are, with their unit: the title of the colour scale.
    scale: str = ""
    #: What the axes are called; without names the maps have no axes.
    axes: tuple[str, str] | None = None
    #: One unit is as long on both axes.
    equal: bool = True
    #: The cells of a matrix, each of one colour: what stands beside its rows, from the lowest, and below its columns.
    matrix: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures under headings."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    #: The row of the model on show.
    current: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Charts:
    """Several charts in rows of ``columns``."""

    title: str
    charts: tuple[Chart, ...]
    columns: int = 1
    note: str = ""


Picture = Chart | Charts | Maps | Table


def cell_text(value: str | float) -> str:
    """A table's value as it is shown: counts in full, other numbers to four digits, a dash for NaN."""
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return "–"
    whole = float(value).is_integer() and abs(value) < 1e9
    return thousands(value) if whole else figure(value, 4)


def cell_lines(one: Map) -> list[list[tuple[str, str]]]:
    """What is written in each cell of a matrix, its count and its share of the row; nothing without counts."""
    if one.counts is None:
        return []
    return [
        [(cell_text(float(each)), percent(float(each / row.sum())) if each else "") for each in row]
        for row in one.counts
    ]


def cell_sentence(maps: Maps, one: Map, row: int, column: int) -> str:
    """What is counted in a cell of a matrix, such as "8 taken for 1: 2 of 43 (4.7 %)"."""
    assert maps.matrix is not None
    assert one.counts is not None
    rows, columns = maps.matrix
    counted, all_ = float(one.counts[row, column]), float(one.counts[row].sum())
    share = f" ({percent(counted / all_, 1)})" if counted else ""
    as_ = maps.axes[0] if maps.axes is not None else "as"
    return f"{rows[row]} {as_} {columns[column]}: {cell_text(counted)} of {cell_text(all_)}{share}"


def frozen(values: Any) -> Floats:
    """Values as a read-only array of their own."""
    array = np.array(values)
    array.setflags(write=False)
    return array
