"""A task's maps in the window: a grid of small heat maps, each with its title and points.

The axes stand once, at the left of the first column and below the last row; all maps are of one size nevertheless.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from odeviz.panels.cell_numbers import CellNumbers
from odeviz.panels.lit_dots import Crowd, LitPlane
from odeviz.panels.panel import Later, at_once
from odeviz.tasks.chart import Map, Maps
from odeviz.tasks.numerals import power
from odeviz.widgets.color_bar import ColorBar
from odeviz.widgets.heat_map import HeatMap
from odeviz.widgets.plot import Plot
from odeviz.widgets.primitives import pen
from odeviz.widgets.theme import Theme

#: Room for the axes, in pixels: at the left, and below.
_LEFT, _BELOW = 44, 38
#: Beside a matrix, pixels at the left that are not its rows' names.
_BESIDE = 30
#: Values below this share of a scale's length are written as 0.
_NOTHING = 1e-3
#: A scale has at most so many steps between its numbers.
_TICKS = 6
#: Maps smaller than this have no axes.
_SMALLEST = 64


class MapsPlot(QWidget):
    """Draws :class:`Maps`. Of a film, the picture nearest to the playhead is framed; a click picks a picture's time."""

    time_picked = Signal(float)
    #: The :class:`Mark` of the trajectory under the mouse, or None; and those to be selected, and whether others stay.
    marked = Signal(object)
    selected = Signal(object, bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._crowd = Crowd()
        self._maps: Maps | None = None
        self._cells: list[_Cell] = []
        self._t = 0.0
        self._bar = ColorBar(theme, self)
        self._grid = QGridLayout()
        self._grid.setSpacing(6)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 8)
        row.addLayout(self._grid, 1)
        row.addWidget(self._bar)
        theme.changed.connect(self.restyle)

    def set_maps(self, maps: Maps | None, later: Later = at_once) -> None:
        """Draw these maps, all but the first perhaps later."""
        self._maps = maps
        shown = () if maps is None else maps.maps
        for cell in self._cells[len(shown) :]:
            cell.hide()
            self._grid.removeWidget(cell)
        self._show_scale()
        for k in range(len(shown)):
            draw = partial(self._set_map, maps, k)
            if k:
                later(f"map {k}", draw)
            else:
                draw()

    def add_spare(self, count: int) -> bool:
        """Make one more cell unless there are so many already; True if one was made."""
        if len(self._cells) >= count:
            return False
        cell = _Cell(self._theme, self)
        cell.hide()
        cell.time_picked.connect(self.time_picked)
        cell.lit.marked.connect(self.marked)
        cell.lit.selected.connect(self.selected)
        self._cells.append(cell)
        return True

    def _set_map(self, maps: Maps, k: int) -> None:
        """Draw the map at place ``k``, unless others are shown by now."""
        if maps is not self._maps:
            return
        while self.add_spare(k + 1):
            pass
        self._grid.removeWidget(self._cells[k])
        self._grid.addWidget(self._cells[k], k // maps.columns, k % maps.columns)
        self._draw(k)
        self._cells[k].show()
        self._make_room()
        self._frame()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Show the axes where there is room for them, and give all maps one size."""
        maps = self._maps
        if maps is None:
            return
        count, columns = len(maps.maps), maps.columns
        rows = -(-count // columns)
        gap, left, below = self._grid.spacing(), self._left(maps), self._theme.px(_BELOW)
        bar = self._bar.width() + gap if self._bar.isVisibleTo(self) else 0
        wide = (self.width() - 16 - bar - left - gap * (columns - 1)) / columns
        high = (self.height() - 8 - below - gap * (rows - 1)) / max(rows, 1) - self.fontMetrics().height()
        named = maps.axes is not None and min(wide, high) >= _SMALLEST
        for k, cell in enumerate(self._cells[:count]):
            cell.set_axes(maps, named and k % columns == 0, named and k + columns >= count, left)
        for k in range(max(columns, self._grid.columnCount())):
            share = (round(wide) + left * (named and k == 0)) if k < columns else 0
            self._grid.setColumnStretch(k, max(share, 0))
        for k in range(max(rows, self._grid.rowCount())):
            share = (
                (round(high) + self.fontMetrics().height() + below * (named and k == rows - 1))
                if k < rows
                else 0
            )
            self._grid.setRowStretch(k, max(share, 0))

    def _left(self, maps: Maps) -> int:
        """Pixels of the axis at the left: a matrix has names beside it."""
        names = maps.matrix[0] if maps.matrix is not None else ()
        letters = QFontMetrics(self._theme.font(-1))
        longest = max((letters.horizontalAdvance(name) for name in names), default=0)
        return max(self._theme.px(_LEFT), longest + self._theme.px(_BESIDE))

    def set_time(self, t: float) -> None:
        """The playhead's time."""
        if t != self._t:
            self._t = t
            self._frame()

    def set_crowd(self, crowd: Crowd) -> None:
        """The trajectories that can be marked on maps of states, and those that are."""
        self._crowd = crowd
        for cell in self._cells:
            cell.lit.set_crowd(crowd)

    def _frame(self) -> None:
        shown = () if self._maps is None else self._maps.maps
        times = [one.t for one in shown if one.t is not None]
        nearest = min(times, key=lambda t: abs(t - self._t)) if times else None
        for cell, one in zip(self._cells, shown, strict=False):
            cell.set_framed(one.t is not None and one.t == nearest)

    def restyle(self) -> None:
        """Take the theme's colours again."""
        if self._maps is None:
            return
        self._show_scale()
        for k in range(min(len(self._maps.maps), len(self._cells))):
            self._draw(k)
        self._frame()

    def _draw(self, k: int) -> None:
        maps = self._maps
        assert maps is not None
        one_scale = maps.shared or len(maps.maps) == 1
        values = [one.values for one in (maps.maps if one_scale else maps.maps[k : k + 1])]
        limits = levels(values, maps.diverging, maps.matrix is not None)
        self._cells[k].draw(maps.maps[k], limits, maps, titled=not one_scale and bool(maps.scale))
        self._cells[k].lit.set_crowd(self._crowd)

    def _show_scale(self) -> None:
        maps = self._maps
        if maps is None:
            return
        one_scale = maps.shared or len(maps.maps) == 1
        self._bar.setVisible(one_scale and bool(maps.scale))
        colours = diverging_map(self._theme) if maps.diverging else self._theme.density_map
        stops = [(share, colours.map(share, mode="qcolor")) for share in np.linspace(0.0, 1.0, 9)]
        counted = maps.matrix is not None
        low, high = levels([one.values for one in maps.maps], maps.diverging, counted)
        # A matrix has counts, or shares, which are at most 1.
        ticks = round_ticks(low, high, whole=counted and high > 1.0)
        labels = [((tick - low) / (high - low), _text(tick, 6)) for tick in ticks]
        self._bar.set_scale(maps.scale, stops, labels)


class _Cell(QWidget):
    time_picked = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._t: float | None = None
        self._framed = False
        self._title = QLabel(self)
        self._title.setProperty("role", "caption")
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._plot = Plot(theme, " ", " ", grid=False, parent=self)
        self._plot.setMinimumSize(24, 24)
        self._plot.getAxis("left").setStyle(hideOverlappingLabels=True)
        self._plot.showAxis("left", False)
        self._plot.showAxis("bottom", False)
        self._plot.set_margins(0, 0, 0, 0)
        self._image, self._points = HeatMap(), pg.ScatterPlotItem(size=3, pen=None)
        self._plot.addItem(self._image)
        self._plot.addItem(self._points)
        self._numbers = CellNumbers(theme)
        self._plot.addItem(self._numbers)
        self._plot.viewport().installEventFilter(self)
        self.lit = LitPlane(theme, self._plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._title)
        column.addWidget(self._plot, 1)

    def set_axes(self, maps: Maps, left: bool, below: bool, width: int) -> None:
        """Which axes stand beside this map, and how wide the one at its left is."""
        self._plot.getAxis("left").setWidth(width)
        self._plot.getAxis("bottom").setHeight(self._theme.px(_BELOW))
        for name, label, shown, ticks in zip(
            ("bottom", "left"),
            maps.axes or ("", ""),
            (below, left),
            (maps.matrix or (None, None))[::-1],
            strict=True,
        ):
            self._plot.showAxis(name, shown)
            if shown:
                self._plot.set_axis(name, label)
                self._plot.getAxis(name).setTicks(None if ticks is None else [list(enumerate(ticks))])

    def draw(self, one: Map, limits: tuple[float, float], maps: Maps, titled: bool) -> None:
        """``titled`` names the scale's ends in the title."""
        self._t = one.t
        film = one.t is not None
        self.lit.idle = Qt.CursorShape.PointingHandCursor if film else Qt.CursorShape.ArrowCursor
        self.lit.clears = not film
        self._plot.viewport().setCursor(self.lit.idle)
        self.lit.set_time(one.t if one.at is None else one.at)
        self.lit.restyle()
        diverging = maps.diverging
        x0, x1, y0, y1 = one.extent
        box = QRectF(x0, y0, x1 - x0, y1 - y0)
        scale = diverging_map(self._theme) if diverging else self._theme.density_map
        ends = f"\n±{_text(limits[1])}" if diverging else f"\n{_from_to(*limits)}"
        self._title.setText(one.title + (ends if titled else ""))
        self._title.setToolTip(self._title.text())
        self._image.smooth = maps.matrix is None
        self._plot.setAspectLocked(maps.equal)
        self._image.setLookupTable(scale.getLookupTable(nPts=256), update=False)
        values = np.nan_to_num(np.asarray(one.values, dtype=np.float32), nan=limits[0])
        self._image.setImage(values, autoLevels=False, levels=limits)
        self._image.setRect(box)
        low, high = limits
        self._numbers.set_matrix(maps, one, scale.map((values - low) / (high - low), mode="byte"))
        dots = np.empty((0, 2)) if one.points is None else np.asarray(one.points)
        brush = QColor(self._theme.colors.path)
        brush.setAlphaF(0.45)
        self._points.setData(dots[:, 0], dots[:, 1], brush=brush)
        self._plot.setRange(box, padding=0.0)
        self._framed = False
        self._plot.getViewBox().setBorder(None)

    def set_framed(self, framed: bool) -> None:
        """Frame it: it is what the playhead is nearest to."""
        if framed != self._framed:
            self._framed = framed
            self._plot.getViewBox().setBorder(pen(self._theme.colors.accent, 2.0) if framed else None)
            # A border's outer half lies outside what it says it covers, and would be left behind.
            self._plot.viewport().update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress and self._t is not None:
            self.time_picked.emit(self._t)
        return super().eventFilter(watched, event)


def levels(values: list[np.ndarray], diverging: bool, counted: bool = False) -> tuple[float, float]:
    """The lowest and highest value of several arrays, about zero where both signs count, from it what is counted."""
    every = np.concatenate([np.asarray(each, dtype=np.float64).ravel() for each in values] or [np.zeros(1)])
    every = every[np.isfinite(every)]
    if not len(every):
        return 0.0, 1.0
    low, high = 0.0 if counted else float(every.min()), float(every.max())
    if diverging:
        high = max(abs(low), abs(high)) or 1.0
        return -high, high
    return (low, high) if high > low else (low, low + 1.0)


def round_ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Two to seven multiples of 1, 2 or 5 times a power of ten, or of whole numbers, from ``low`` to ``high``."""
    decade = 10.0 ** math.floor(math.log10((high - low) / _TICKS))
    step = next(lead * decade for lead in (1, 2, 5, 10) if lead * decade * _TICKS >= high - low)
    step = max(step, 1.0) if whole else step
    # A limit that is a tick but for rounding is one.
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [k * step for k in range(first, last + 1)]


def diverging_map(theme: Theme) -> pg.ColorMap:
    """From the second class' colour through the ground to the first's."""
    c = theme.colors
    return pg.ColorMap([0.0, 0.5, 1.0], [QColor(c.classes[1]), QColor(c.base), QColor(c.classes[0])])


def _text(value: float, digits: int = 2) -> str:
    return power(float(f"{value:.{digits}g}")).replace("-", "−")


def _from_to(low: float, high: float) -> str:
    """The ends of a scale above its map, which is narrow: two powers of ten have one digit each."""
    two, one = (_ends(low, high, (0.0, 1.0), digits) for digits in (2, 1))
    return " … ".join(one if all("10" in end and "·" in end for end in two) else two)


def _ends(low: float, high: float, shares: Sequence[float], digits: int = 2) -> list[str]:
    """Values at shares of a scale; what is nothing beside its length is 0."""
    values = [low + share * (high - low) for share in shares]
    return [_text(value if abs(value) > _NOTHING * (high - low) else 0.0, digits) for value in values]
