"""The numbers that a person sets of a view: a slider each, in as many columns as there is room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from odeviz.tasks.viewpoint import Control
from odeviz.widgets.slider_row import SliderRow, SlimSlider
from odeviz.widgets.theme import Theme

#: The least length of a slider.
_SLIDER = 110
_GAP = 16


class ViewControls(QWidget):
    """Shows :class:`Control` entries and their values."""

    moved = Signal(str, float)
    drag_started = Signal()
    drag_finished = Signal()

    def __init__(self, theme: Theme, heir: QWidget, parent: QWidget | None = None) -> None:
        """``heir`` has the keyboard after a slider that goes."""
        super().__init__(parent)
        self._theme, self._heir = theme, heir
        self._controls: tuple[Control, ...] = ()
        self.rows: dict[str, SliderRow] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(_GAP)
        self._grid.setVerticalSpacing(0)
        self._column, self._columns = 1, 0
        self.hide()
        theme.changed.connect(self._measure)

    def set_controls(self, controls: Sequence[Control], values: Mapping[str, float]) -> None:
        """Show these, at the values given or their defaults."""
        if tuple(controls) != self._controls:
            self._controls = tuple(controls)
            held = self.window().focusWidget()
            if held is not None and self.isAncestorOf(held):
                self._heir.setFocus()
            for row in self.rows.values():
                row.hide()
                row.deleteLater()
            self.rows = {one.key: self._row(one) for one in controls}
            self._measure()
            self.setVisible(bool(controls))
        for one in controls:
            self.rows[one.key].set_value(values.get(one.key, one.default))

    @property
    def dragging(self) -> bool:
        """Whether a person holds one of the sliders."""
        return any(row.slider.dragging for row in self.rows.values())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _row(self, one: Control) -> SliderRow:
        slider = SlimSlider(self._theme, one.lo, one.hi, one.default, one.whole)
        row = SliderRow(self._theme, one.key, one.label, one.about, slider, one.text, self)
        row.moved.connect(self.moved)
        row.drag_started.connect(self.drag_started)
        row.drag_finished.connect(self.drag_finished)
        return row

    def _measure(self) -> None:
        """Names and values have the room of the widest."""
        rooms = [row.room() for row in self.rows.values()]
        room = [max(each) for each in zip(*rooms, strict=True)]
        for row in self.rows.values():
            row.set_room(*room)
        self._column = sum(room) + self._theme.px(_SLIDER)
        self._columns = 0
        self._place()

    def _place(self) -> None:
        columns = min(max(1, self.width() // (self._column + _GAP)), max(len(self.rows), 1))
        if columns == self._columns:
            return
        self._columns = columns
        for k, row in enumerate(self.rows.values()):
            self._grid.removeWidget(row)
            self._grid.addWidget(row, k // columns, k % columns)
        for k in range(self._grid.columnCount()):
            self._grid.setColumnStretch(k, 1 if k < columns else 0)
