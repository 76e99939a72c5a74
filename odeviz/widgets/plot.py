"""A quiet plot: thin axes, muted grid, fixed ranges, dressed by the theme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QGraphicsGridLayout, QLabel, QSizePolicy, QWidget

from odeviz.widgets.theme import Theme
from odeviz.widgets.value_axis import ValueAxis

#: Pixels of a plot's height and width that its axes and margins take.
_ROOM = 40
#: What a plot asks for; layouts stretch it.
#: Times that an axis may ask for more room for one range.
_ROUNDS = 4
_HINT = (160, 120)


class _Ground(pg.GraphicsWidget):
    """A view box with an axis on its left and one below.

    pyqtgraph's own plot item makes two more axes, a title, and a menu of some thirty widgets for each plot.
    """

    def __init__(self, box: pg.ViewBox | None, axes: Mapping[str, pg.AxisItem]) -> None:
        super().__init__()
        expanding = QSizePolicy.Policy.Expanding
        self.setSizePolicy(expanding, expanding)
        self.box = box if box is not None else pg.ViewBox(enableMenu=False)
        grid = QGraphicsGridLayout()
        self.setLayout(grid)
        grid.setContentsMargins(1, 1, 1, 1)
        grid.setSpacing(0)
        grid.addItem(self.box, 0, 1)
        for name, row, column in (("left", 0, 0), ("bottom", 1, 1)):
            axis = axes[name]
            axis.linkToView(self.box)
            axis.setFlag(axis.GraphicsItemFlag.ItemNegativeZStacksBehindParent)
            grid.addItem(axis, row, column)
        grid.setRowStretchFactor(0, 100)
        grid.setColumnStretchFactor(1, 100)


class Plot(pg.GraphicsView):
    """A plot with no menu, no mouse and no auto-range; whoever draws sets the ranges."""

    def __init__(
        self,
        theme: Theme,
        x: str = "",
        y: str = "",
        *,
        log_y: bool = False,
        grid: bool = True,
        view_box: pg.ViewBox | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._axes = {"left": ValueAxis("left"), "bottom": ValueAxis("bottom")}
        self._axes["left"].log = log_y
        self._ground = _Ground(view_box, self._axes)
        self._making_room = False
        self._box = self._ground.box
        self.enableMouse(False)
        self.setCentralItem(self._ground)
        expanding = QSizePolicy.Policy.Expanding
        self.setSizePolicy(expanding, expanding)
        self._box.setMouseEnabled(False, False)
        self._box.disableAutoRange()
        self._box.setDefaultPadding(0.0)
        # Else the view follows its range in the paint, and what that changes is painted once more.
        self._box.sigRangeChanged.connect(self._follow_range)
        self._box.sigResized.connect(self._follow_range)
        # A plot that has keys of its own asks for the keyboard.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(_name(x, y))
        # Room for half a tick label beyond the last tick.
        self.set_margins(4, 8, 14, 4)
        for name, axis in self._axes.items():
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=-4 if name == "bottom" else 0, tickTextOffset=6, maxTickLevel=0)
            axis.setZValue(-1000)
        self._message = QLabel(self)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._message.setProperty("role", "muted")
        self._message.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._message.hide()
        self._grid = 40 if grid else False
        self._labels = {"bottom": x, "left": y}
        self.restyle()
        theme.changed.connect(self.restyle)

    # What pyqtgraph calls so; ranges are those of the values, where a graphics view's own are of its scene.

    def getViewBox(self) -> pg.ViewBox:
        return self._box

    def getAxis(self, name: str) -> ValueAxis:
        """The axis ``left`` or ``bottom``."""
        return self._axes[name]

    def showAxis(self, name: str, show: bool = True) -> None:
        # An axis gives up its room in these two, and not in setVisible.
        axis = self._axes[name]
        axis.show() if show else axis.hide()

    def addItem(self, item: pg.GraphicsObject) -> None:
        # Nobody asks for the bounds of what has fixed ranges.
        self._box.addItem(item, ignoreBounds=True)

    def removeItem(self, item: pg.GraphicsObject) -> None:
        self._box.removeItem(item)

    def setRange(self, rect: QRectF | None = None, **ranges: Any) -> None:
        self._box.setRange(rect, **ranges)

    def viewRange(self) -> list[list[float]]:
        return self._box.viewRange()

    def setAspectLocked(self, locked: bool) -> None:
        self._box.setAspectLocked(locked)

    def set_margins(self, left: float, top: float, right: float, bottom: float) -> None:
        """Pixels around the axes."""
        self._ground.setContentsMargins(left, top, right, bottom)
        self._axes["bottom"].beyond = right

    def restyle(self) -> None:
        """Take the theme's colours and fonts again."""
        c = self._theme.colors
        self.setBackground(c.base)
        font = self._theme.font(-1)
        for name, text in self._labels.items():
            axis = self.getAxis(name)
            axis.setPen(pg.mkPen(c.grid, width=1))
            axis.setTextPen(c.muted)
            axis.setTickFont(font)
            if text:
                axis.setLabel(text, **{"color": c.muted, "font-size": f"{font.pixelSize()}px"})
            else:
                axis.showLabel(False)
            axis.setGrid(self._grid)
        self._name_axes()

    def set_axis(self, name: str, label: str, log: bool = False) -> None:
        """The label of the axis ``bottom`` or ``left``, and whether what is drawn are log10 of its values."""
        if self._labels[name] != label:
            self._labels[name] = label
            self.setAccessibleName(_name(self._labels["bottom"], self._labels["left"]))
            self.restyle()
        if self.getAxis(name).log != log:
            self.getAxis(name).set_log(log)

    def set_log_y(self, log: bool) -> None:
        """Whether the curves' y values are log10 of what the axis says."""
        self.getAxis("left").set_log(log)

    def set_message(self, text: str) -> None:
        """A sentence in the middle of an empty plot, whose axes have no numbers then; "" takes it away."""
        if text == self._message.text():
            return
        self._message.setText(text)
        self._message.setVisible(bool(text))
        for name in self._labels:
            self.getAxis(name).setStyle(showValues=not text)
        self._place_message()

    def _follow_range(self, *changed: object) -> None:
        self._box.updateMatrix()
        for axis in self._axes.values():
            # Where both scales are locked, other room makes another range, and that may need the first room again:
            # while room is made, an axis takes more and gives none back.
            axis.style["autoReduceTextSpace"] = not self._making_room
            if axis.isVisible():
                axis.prepare()
        if self._making_room:
            return
        # Else an axis whose numbers need other room gets it after the paint, and all is painted once more.
        self._making_room = True
        try:
            for _ in range(_ROUNDS):
                if self._ground.layout().isActivated():
                    break
                self._ground.layout().activate()
        finally:
            self._making_room = False

    def sizeHint(self) -> QSize:
        """The same for all: a scene asks for the room it has had, and of two plots the larger one would stay so."""
        return QSize(*_HINT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_message()
        if hasattr(self, "_labels"):
            self._name_axes()

    def _name_axes(self) -> None:
        """Cut the axes' names to what the plot has room for, and put each in the middle of its axis."""
        font = self._theme.font(-1)
        for name, room in (("left", self.height() - _ROOM), ("bottom", self.width() - _ROOM)):
            text = QFontMetrics(font).elidedText(self._labels[name], Qt.TextElideMode.ElideRight, room)
            axis = self.getAxis(name)
            if text and axis.labelText != text:
                axis.setLabel(
                    text, **{"color": self._theme.colors.muted, "font-size": f"{font.pixelSize()}px"}
                )
            # An axis places its name when it is resized, but not when the name becomes another.
            axis.resizeEvent(None)

    def _place_message(self) -> None:
        if hasattr(self, "_message"):
            self._message.setGeometry(self.rect().adjusted(48, 24, -24, -40))


def grown(limits: tuple[float, float] | None, lo: float, hi: float) -> tuple[float, float]:
    """Axis limits that hold [lo, hi], kept while they still do and are not more than three times too wide.

    Limits that move at every update would cost a relayout of the axis each time.
    """
    span = max(hi - lo, 1e-9 * max(1.0, abs(lo), abs(hi)), 1e-12)
    if limits is not None and limits[0] <= lo and hi <= limits[1] and limits[1] - limits[0] <= 3 * span:
        return limits
    return lo - 0.06 * span, hi + 0.12 * span


def _name(x: str, y: str) -> str:
    """What a plot is called for those who do not see it."""
    return f"{y} against {x}" if x and y else "Plot"
