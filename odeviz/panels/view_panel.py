"""Views of the model: its task's own and those of any flow, chosen by name, with a sentence on what is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from odeviz.panels.chart_grid import ChartGrid
from odeviz.panels.lit_dots import Crowd
from odeviz.panels.maps_plot import MapsPlot
from odeviz.panels.panel import Later, Panel, at_once
from odeviz.panels.table_view import TableView
from odeviz.panels.view_controls import ViewControls
from odeviz.tasks.chart import Chart, Charts, Maps, Picture, Table
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.numerals import thousands
from odeviz.tasks.registry import task_of
from odeviz.tasks.task import View
from odeviz.widgets.aside_combo import AsideCombo
from odeviz.widgets.progress_line import ProgressLine
from odeviz.widgets.short_label import ShortLabel
from odeviz.widgets.theme import Theme

_DRAWING = "Drawing…"
_OLD = "This picture is of iteration {:,}: it takes long, and is drawn anew when training pauses."
#: From this height on there is room for the sentence about a view; below it, the share of the height that the one
#: about its picture may have, and the lines it has in any panel.
_ROOMY, _SHARE, _LEAST = 480, 0.25, 2


class ViewPanel(Panel):
    """Shows the picture it is given, and emits what a person chose, moved or pointed at."""

    key = "view"
    title = "Views"
    about = (
        "Charts, maps and tables of this model: what its task wants to see, and what any flow can be asked."
    )

    #: The key of the view that a person chose.
    chosen = Signal(str)
    #: A control was moved: the view's key, the control's, and the value; within the two other signals.
    adjusted = Signal(str, str, float)
    adjust_started = Signal()
    adjust_finished = Signal()
    #: A person pointed at a time of the flow.
    time_picked = Signal(float)
    #: The :class:`Mark` of a trajectory under the mouse, or None; and those to be selected, and whether others stay.
    marked = Signal(object)
    selected = Signal(object, bool)

    #: What it says where there is no view, and where that is because states jump.
    nothing: ClassVar[str] = "This model has no views of its own."
    nothing_of_jumps: ClassVar[str] = nothing
    #: How many charts and maps are held ready: as many as pictures often have.
    spares: ClassVar[tuple[int, int]] = (4, 6)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._views: tuple[View, ...] = ()
        self._values: Mapping[str, Mapping[str, float]] = {}
        #: The view that shall be shown once it is offered.
        self._wish = ""
        self._experiment: Experiment | None = None
        self.picture: Picture | None = None
        self._choice = AsideCombo(theme, self)
        self._choice.setSizeAdjustPolicy(AsideCombo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._choice.setMinimumContentsLength(8)
        self._choice.setAccessibleName("View")
        self._choice.activated.connect(self._activated)
        self._about = QLabel(self)
        self._note = ShortLabel(self)
        self.controls = ViewControls(theme, self._choice, self)
        self.controls.moved.connect(self._moved)
        self.controls.drag_started.connect(self.adjust_started)
        self.controls.drag_finished.connect(self.adjust_finished)
        self._progress = ProgressLine(theme, self)
        for label in (self._about, self._note):
            label.setProperty("role", "caption")
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._message = QLabel(_DRAWING, self)
        self._message.setProperty("role", "muted")
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._charts = ChartGrid(theme, self)
        self._maps = MapsPlot(theme, self)
        for page in (self._charts, self._maps):
            page.time_picked.connect(self.time_picked)
            page.marked.connect(self.marked)
            page.selected.connect(self.selected)
        self._table = TableView(self)
        self._stack = QStackedWidget(self)
        for page in (self._message, self._charts, self._maps, self._table):
            self._stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(6)
        for widget in (self._choice, self._about, self.controls, self._progress, self._note):
            holder = QVBoxLayout()
            column.addLayout(holder)
            holder.setContentsMargins(12, 0, 12, 0)
            holder.addWidget(widget)
        column.insertWidget(4, self._stack, 1)
        self.set_views(())

    @property
    def views(self) -> tuple[View, ...]:
        """All that are offered."""
        return self._views

    @property
    def view(self) -> str:
        """The key of the view on show; "" where there is none."""
        return str(self._choice.currentData() or "")

    @property
    def current(self) -> View | None:
        """The view on show."""
        return next((view for view in self._views if view.key == self.view), None)

    def set_views(
        self, own: Sequence[View], common: Sequence[View] = (), experiment: Experiment | None = None
    ) -> None:
        """The task's own views and, below a line, the common ones; the one on show stays if it is among them."""
        views = (*own, *common)
        if views == self._views and experiment == self._experiment and views:
            return
        self._experiment = experiment
        if views == self._views and views:
            self._show_controls()
            return
        before, self._wish, self._views = self._wish or self.view, "", views
        self._choice.clear()
        for k, view in enumerate(views):
            if own and k == len(own):
                self._choice.insertSeparator(k)
            self._choice.addItem(view.title, view.key)
            self._choice.setItemData(self._choice.count() - 1, view.about, Qt.ItemDataRole.ToolTipRole)
        self._choice.setCurrentIndex(max(0, self._choice.findData(before)) if views else -1)
        self._choice.setEnabled(bool(views))
        # An empty list would only say that something is missing.
        self._choice.setVisible(bool(views) or experiment is None)
        self.set_picture(None)

    def choose(self, key: str) -> None:
        """Show another view, if it is offered or among the next that are; nothing is emitted."""
        place = self._choice.findData(key)
        self._wish = "" if place >= 0 else key
        if place >= 0 and key != self.view:
            self._choice.setCurrentIndex(place)
            self.set_picture(None)

    def set_values(self, values: Mapping[str, Mapping[str, float]]) -> None:
        """What a person has set of the views' controls, by the views' keys."""
        self._values = values
        self._show_controls()

    def set_picture(self, picture: Picture | None, later: Later = at_once) -> None:
        """Draw what was asked for, its charts ``later``; None says that it is on its way."""
        self.picture = picture
        shown = self.current
        if picture is None:
            # Of which model the next is, is told when it is there.
            self.set_age(None)
            self._note.give_back()
        self._about.setText(shown.about if shown is not None else "")
        self._make_room()
        self._message.setText(_DRAWING if shown is not None or self._experiment is None else self._why_none())
        self._show_controls()
        self._progress.set_share(getattr(picture, "progress", 1.0))
        note = picture.note if picture is not None else ""
        self._note.setText(note)
        self._note.setVisible(bool(note))
        # First in sight, and so of its size, then drawn.
        if isinstance(picture, Chart):
            self._stack.setCurrentWidget(self._charts)
            self._charts.set_charts(Charts(picture.title, (picture,)), later)
        elif isinstance(picture, Charts):
            self._stack.setCurrentWidget(self._charts)
            self._charts.set_charts(picture, later)
        elif isinstance(picture, Maps):
            self._stack.setCurrentWidget(self._maps)
            self._maps.set_maps(picture, later)
        elif isinstance(picture, Table):
            self._stack.setCurrentWidget(self._table)
            self._table.set_table(picture)
        else:
            self._stack.setCurrentWidget(self._message)

    def _why_none(self) -> str:
        jumps = self._experiment is not None and task_of(self._experiment).jumps
        return self.nothing_of_jumps if jumps else self.nothing

    def set_message(self, text: str) -> None:
        """What is said as long as there is no picture."""
        if self.picture is None and self.current is not None:
            self._message.setText(text)

    def set_age(self, iteration: int | None, old: bool = False) -> None:
        """The iteration of the model that the picture is of, and whether it has to do while training goes on."""
        there = iteration is not None and self.picture is not None
        self._choice.set_aside(
            (f"iteration {thousands(iteration)}", f"it. {thousands(iteration)}") if there else (),
            there and old,
        )
        about = self.current.about if self.current is not None else ""
        self._choice.setToolTip(f"{about}\n{_OLD.format(iteration)}" if there and old else about)

    def add_spare(self) -> bool:
        """Make one more plot for the pictures to come, which takes long; False if there are enough."""
        charts, maps = self.spares
        return self._charts.add_spare(charts) or self._maps.add_spare(maps)

    def set_time(self, t: float, later: Later = at_once) -> None:
        """The playhead's time, shown on charts over time, on paths and on the pictures of a film, perhaps ``later``."""
        self._charts.set_time(t, later)
        self._maps.set_time(t)

    def set_crowd(self, crowd: Crowd) -> None:
        """The trajectories of the flow view, which charts and maps of states can mark."""
        self._charts.set_crowd(crowd)
        self._maps.set_crowd(crowd)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """In a low panel the picture comes first: what a view is for is then in a tooltip."""
        roomy = self.height() >= self.theme.px(_ROOMY)
        self._about.setVisible(bool(self._about.text()) and roomy)
        lines = int(_SHARE * self.height() / self._note.fontMetrics().lineSpacing())
        self._note.set_lines(0 if roomy else max(lines, _LEAST))

    def _show_controls(self) -> None:
        shown, experiment = self.current, self._experiment
        there = shown.controls(experiment) if shown is not None and experiment is not None else ()
        self.controls.set_controls(there, self._values.get(self.view, {}))

    @Slot(str, float)
    def _moved(self, key: str, value: float) -> None:
        self.adjusted.emit(self.view, key, value)

    def _activated(self, index: int) -> None:
        self.set_picture(None)
        self.chosen.emit(self._choice.itemData(index))
