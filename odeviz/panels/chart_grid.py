"""Several charts in rows of a panel: as large as there is room for, and where there is little, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from odeviz.panels.chart_plot import ROWS, ChartPlot, keys_of
from odeviz.panels.lit_dots import Crowd
from odeviz.panels.panel import Later, at_once
from odeviz.tasks.chart import Chart, Charts
from odeviz.widgets.legend import Key, Legend
from odeviz.widgets.theme import Theme

#: Pixels of the numbers below a chart, and of what they are called.
_NUMBERS = 36
#: Several charts are at least so wide, and beside their numbers so high, each with its title: lower ones tell nothing.
_NARROWEST, _LOWEST = 150, 84
#: One of the plane is squeezed to nothing when it is low: it is at least such a share of its width high, or so many
#: pixels.
_SQUARE, _LOW_ENOUGH = 0.65, 220


class ChartGrid(QWidget):
    """Charts in rows; what they have in common is said once: their legend, and the axis of those in one column.

    Where they would be too narrow there are fewer columns, and where they would be too low, they are scrolled.
    """

    time_picked = Signal(float)
    marked = Signal(object)
    selected = Signal(object, bool)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._crowd = Crowd()
        self._t = 0.0
        self._plots: list[ChartPlot] = []
        #: Row and column of each plot; -1 for nowhere.
        self._places: list[tuple[int, int]] = []
        self._shown: Charts | None = None
        self._later: Later = at_once
        #: Columns that the charts stand in now.
        self._columns = 1
        self._legend = Legend(theme, parent=self, rows=ROWS)
        self._sheet = QWidget()
        self._grid = QGridLayout(self._sheet)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidgetResizable(True)
        self._scroll.setAccessibleName("Charts")
        self._scroll.setWidget(self._sheet)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._legend)
        column.addWidget(self._scroll, 1)

    def set_charts(self, charts: Charts, later: Later) -> None:
        self._shown, self._columns = charts, self._columns_for(charts)
        common = _common_keys(charts.charts)
        self._legend.set_keys(common)
        self._legend.setVisible(bool(common))
        for k, plot in enumerate(self._plots[len(charts.charts) :], len(charts.charts)):
            plot.hide()
            plot.set_chart(None)
            self._place(plot, k, 0)
        self._share_room()
        self._later = later
        count = len(charts.charts)
        for k in range(count):
            if k >= len(self._plots) or self._plots[k].isHidden():
                # First in sight, and so of its size, then drawn.
                later(f"place of chart {k}", partial(self._show_chart, charts, k))
        for k in range(count):
            later(f"chart {k}", partial(self._set_chart, charts, k, keyed=not common))

    def add_spare(self, count: int) -> bool:
        """Make one more plot unless there are so many already; True if one was made."""
        if len(self._plots) >= count:
            return False
        plot = ChartPlot(self._theme, self._sheet)
        plot.hide()
        plot.time_picked.connect(self.time_picked)
        plot.marked.connect(self.marked)
        plot.selected.connect(self.selected)
        plot.set_crowd(self._crowd)
        self._plots.append(plot)
        self._places.append((-1, 0))
        return True

    def _show_chart(self, charts: Charts, k: int) -> None:
        """Make room for the chart at place ``k``, unless others are shown by now."""
        if charts is self._shown:
            while self.add_spare(k + 1):
                pass
            self._place(self._plots[k], k, self._columns)
            self._plots[k].show()

    def _set_chart(self, charts: Charts, k: int, keyed: bool) -> None:
        """Draw the chart at place ``k``, unless others are shown by now."""
        if charts is not self._shown:
            return
        every = charts.charts
        last, one_axis, one_scale = k == len(every) - 1, self._one_axis(), self._one_scale()
        self._place(self._plots[k], k, self._columns)
        self._plots[k].set_time(self._t)
        self._plots[k].set_chart(
            every[k], len(every) > 1, keyed, last or not one_axis, last or not one_scale, one_scale
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._shown is not None and self._columns_for(self._shown) != self._columns:
            self.set_charts(self._shown, self._later)
        else:
            self._share_room()

    def _columns_for(self, charts: Charts) -> int:
        """As many as are asked for, if each is wide enough."""
        return max(1, min(charts.columns, self.width() // self._theme.px(_NARROWEST)))

    def _share_room(self) -> None:
        """All charts are of one size, also those to come; numbers that stand below the last come on top."""
        if self._shown is None:
            return
        rows = -(-len(self._shown.charts) // self._columns)
        numbers = self._theme.px(_NUMBERS)
        below = numbers if self._one_scale() else 0
        room = self.height() - self._legend.height() * self._legend.isVisible() - below
        # The first is seen whole.
        least = max(self._theme.px(_LOWEST), min(self._square(), room - numbers)) + (0 if below else numbers)
        high = max(room // max(rows, 1), least if rows > 1 else 1)
        low = rows * high > room
        self._sheet.setMinimumHeight(rows * (high + self._grid.spacing()) + below if low else 0)
        # By keys it is scrolled only where there is something to scroll.
        self._scroll.setFocusPolicy(Qt.FocusPolicy.StrongFocus if low else Qt.FocusPolicy.NoFocus)
        for row in range(max(rows, self._grid.rowCount())):
            self._grid.setRowStretch(row, high + below * (row == rows - 1) if row < rows else 0)
        for column in range(max(self._columns, self._grid.columnCount())):
            self._grid.setColumnStretch(column, int(column < self._columns))

    def _square(self) -> int:
        """How high each of several charts of the plane shall be, beside its numbers; 0 for other charts."""
        if self._shown is None or not any(
            chart.equal or chart.at is not None for chart in self._shown.charts
        ):
            return 0
        return min(round(_SQUARE * self.width() / self._columns), self._theme.px(_LOW_ENOUGH))

    def _place(self, plot: ChartPlot, k: int, columns: int) -> None:
        """Put a plot where it belongs among ``columns``; nowhere for none."""
        place = divmod(k, columns) if columns else (-1, 0)
        if place != self._places[k]:
            self._places[k] = place
            self._grid.removeWidget(plot)
            if columns:
                self._grid.addWidget(plot, *place)

    def _one_axis(self) -> bool:
        """Whether what stands below the last chart names the axes of all."""
        charts = self._shown.charts if self._shown is not None else ()
        return self._columns == 1 and len({chart.x_label for chart in charts}) == 1

    def _one_scale(self) -> bool:
        """Whether the numbers below the last chart are those of all: each covers the flow's time."""
        charts = self._shown.charts if self._shown is not None else ()
        return self._one_axis() and all(chart.over_time for chart in charts)

    def set_crowd(self, crowd: Crowd) -> None:
        self._crowd = crowd
        for plot in self._plots:
            plot.set_crowd(crowd)

    def set_time(self, t: float, later: Later = at_once) -> None:
        """The playhead's time; what of it is to be seen is drawn chart by chart, perhaps ``later``."""
        self._t = t
        for k, plot in enumerate(self._plots):
            if plot.follows:
                later(f"chart {k}", partial(plot.set_time, t))


def _common_keys(charts: Sequence[Chart]) -> list[Key]:
    """The entries of one legend for several charts that name the same curves; none where they name others."""
    each = [keys for keys in map(keys_of, charts) if keys]
    every = list(dict.fromkeys(key for keys in each for key in keys))
    same = len(charts) > 1 and len({key.name for key in every}) == len(every)
    return every if same and each and set.intersection(*map(set, each)) else []
