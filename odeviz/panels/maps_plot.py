"""A task's maps in the window: a grid of small heat maps, each with its title and points."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from odeviz.tasks.chart import Map, Maps
from odeviz.widgets.plot import Plot
from odeviz.widgets.primitives import HeatMap
from odeviz.widgets.theme import Theme


class MapsPlot(QWidget):
    """Draws :class:`Maps`."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._maps: Maps | None = None
        self._cells: list[_Cell] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(8, 0, 8, 8)
        self._grid.setSpacing(6)
        theme.changed.connect(self.restyle)

    def set_maps(self, maps: Maps | None) -> None:
        """Draw these maps."""
        self._maps = maps
        shown = () if maps is None else maps.maps
        while len(self._cells) < len(shown):
            self._cells.append(_Cell(self._theme, self))
        for k, cell in enumerate(self._cells):
            self._grid.removeWidget(cell)
            cell.setVisible(k < len(shown))
            if maps is not None and k < len(shown):
                self._grid.addWidget(cell, k // maps.columns, k % maps.columns)
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours again."""
        maps = self._maps
        if maps is None:
            return
        together = levels([one.values for one in maps.maps], maps.diverging)
        for cell, one in zip(self._cells, maps.maps, strict=False):
            limits = together if maps.shared else levels([one.values], maps.diverging)
            cell.draw(one, limits, maps.diverging)


class _Cell(QWidget):
    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = QLabel(self)
        self._title.setProperty("role", "caption")
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._plot = Plot(theme, grid=False, parent=self)
        self._plot.setAspectLocked(True)
        self._plot.hideAxis("left")
        self._plot.hideAxis("bottom")
        self._plot.plotItem.setContentsMargins(0, 0, 0, 0)
        self._image, self._points = HeatMap(), pg.ScatterPlotItem(size=3, pen=None)
        self._plot.addItem(self._image, ignoreBounds=True)
        self._plot.addItem(self._points, ignoreBounds=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._title)
        column.addWidget(self._plot, 1)

    def draw(self, one: Map, limits: tuple[float, float], diverging: bool) -> None:
        x0, x1, y0, y1 = one.extent
        box = QRectF(x0, y0, x1 - x0, y1 - y0)
        scale = diverging_map(self._theme) if diverging else self._theme.density_map
        self._title.setText(one.title)
        self._image.setLookupTable(scale.getLookupTable(nPts=256), update=False)
        values = np.nan_to_num(np.asarray(one.values, dtype=np.float32), nan=limits[0])
        self._image.setImage(values, autoLevels=False, levels=limits)
        self._image.setRect(box)
        dots = np.empty((0, 2)) if one.points is None else np.asarray(one.points)
        brush = QColor(self._theme.colors.path)
        brush.setAlphaF(0.45)
        self._points.setData(dots[:, 0], dots[:, 1], brush=brush)
        self._plot.setRange(box, padding=0.0)


def levels(values: list[np.ndarray], diverging: bool) -> tuple[float, float]:
    """The lowest and highest value of several arrays, about zero where both signs count."""
    every = np.concatenate([np.asarray(each, dtype=np.float64).ravel() for each in values] or [np.zeros(1)])
    every = every[np.isfinite(every)]
    if not len(every):
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    if diverging:
        high = max(abs(low), abs(high)) or 1.0
        return -high, high
    return (low, high) if high > low else (low, low + 1.0)


def diverging_map(theme: Theme) -> pg.ColorMap:
    """From the second class' colour through the ground to the first's."""
    c = theme.colors
    return pg.ColorMap([0.0, 0.5, 1.0], [QColor(c.classes[1]), QColor(c.base), QColor(c.classes[0])])
