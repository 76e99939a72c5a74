"""Guidance: what am I seeing, for the panel that has the keyboard or whose question mark is pressed; and the tour."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, QRect, QSettings, Slot
from PySide6.QtWidgets import QDialog, QWidget

from odeviz.app.dialogs import Dialogs
from odeviz.app.guide_card import GuideCard
from odeviz.app.help_marks import HelpMarks
from odeviz.app.main_window import MainWindow
from odeviz.app.tour import Tour
from odeviz.panels.guides import GUIDES
from odeviz.panels.panel import Panel
from odeviz.panels.view_panel import ViewPanel
from odeviz.state import LAYERS, Workbench, offered
from odeviz.tasks.experiment_string import nearest_preset
from odeviz.tasks.own_data import OWN
from odeviz.tasks.registry import task_of
from odeviz.widgets.toasts import Message, Toasts

Parts = list[tuple[str, str]]
_OFFER = "Six short steps show what moves, what to press and what to drag. You find the tour again in the Help menu."


class Guidance(QObject):
    """Joins guides, question marks and tour to one window."""

    def __init__(
        self, bench: Workbench, window: MainWindow, dialogs: Dialogs, toasts: Toasts,
        settings: QSettings | None, parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._bench, self._window, self._dialogs = bench, window, dialogs
        self._toasts, self._settings = toasts, settings
        self.tour = Tour(window, window.theme, self)
        self.marks = HelpMarks(window, self)
        self.marks.asked.connect(self.explain)
        for changed in (bench.layers_changed, bench.seeds_changed, bench.stage_changed):
            changed.connect(self._describe_flow)
        self._describe_flow()
        for button in (window.flow.bar.help, window.time_bar.help, window.solver_bar.help):
            button.clicked.connect(self._explain_asked)

    def explain_focused(self) -> None:
        """The panel that has the keyboard; the flow where none has."""
        here = self._window.focusWidget()
        inside = (
            p for p in self._panels().values() if here is not None and (p is here or p.isAncestorOf(here))
        )
        self.explain(next((panel.key for panel in inside), "flow"))

    @Slot(str)
    def explain(self, key: str) -> None:
        """Say what one sees in a panel."""
        self._asked = key
        self._dialogs.run(self._card)

    @Slot()
    def _describe_flow(self) -> None:
        """Tell assistive tools what is drawn in the flow view."""
        bench, flow = self._bench, self._window.flow
        layers = ", ".join(LAYERS[key].title for key in offered(bench.stage) if bench.layers[key])
        seeds = f"{len(bench.seeds.points)} seeds" if bench.seeds.points else "No seeds"
        flow.setAccessibleDescription(f"{flow.about} Layers: {layers}. {seeds}.")

    @Slot()
    def _explain_asked(self) -> None:
        self.explain(self.sender().objectName())

    def offer_tour(self) -> None:
        """Once, to whom opens the window for the first time."""
        if self._settings is None or self._settings.value("guidance/tour_offered"):
            return
        self._settings.setValue("guidance/tour_offered", True)
        self._toasts.tell(Message(_OFFER, "info", "New here?"), [self._window.actions_["tour"]])

    def _panels(self) -> Mapping[str, Panel]:
        window = self._window
        docked = [dock.widget() for dock in window.docks.values()]
        there = [window.flow, window.time_bar, window.solver_bar, *docked]
        return {panel.key: panel for panel in there if isinstance(panel, Panel)}

    def _card(self, parent: QWidget) -> QDialog:
        panel = self._panels()[self._asked]
        key = "decision" if panel.key == "density" and self._behind() == "decision" else panel.key
        now = _NOW.get(panel.key)
        card = GuideCard(
            self._window.theme, GUIDES[key], now(self._bench, panel) if now is not None else (), parent
        )
        window = self._window
        place = QRect(panel.mapToGlobal(panel.rect().topLeft()), panel.size())
        card.stand_by(place, QRect(window.mapToGlobal(window.rect().topLeft()), window.size()))
        return card

    def _behind(self) -> str:
        experiment = self._bench.running or self._bench.experiment
        return task_of(experiment).behind(experiment)


def _of_flow(bench: Workbench, panel: Panel) -> Parts:
    """The preset's own words, and the layers that are shown."""
    experiment = bench.running or bench.experiment
    near = nearest_preset(experiment) if experiment.data.name != OWN else None
    parts = [(near.title, f"{near.sentence} {near.look_for}")] if near is not None else []
    there = [LAYERS[key] for key in offered(bench.stage) if bench.layers[key]]
    return [*parts, ("Layers on show", "\n".join(f"{layer.title}: {layer.about}" for layer in there))]


def _of_views(bench: Workbench, panel: Panel) -> Parts:
    view = panel.current if isinstance(panel, ViewPanel) else None
    return [(view.title, view.about)] if view is not None else []


def _of_loss(bench: Workbench, panel: Panel) -> Parts:
    task = task_of(bench.running or bench.experiment)
    loss, figure = task.loss, task.headline
    unit = f" in {loss.unit}" if loss.unit else ""
    return [(task.title, f"The loss is the {loss.label}{unit}; beside it, on fresh data: {figure.label}.")]


#: What is said beside a panel's guide about what it shows now.
_NOW: Mapping[str, Callable[[Workbench, Panel], Parts]] = {
    "flow": _of_flow, "view": _of_views, "precision": _of_views, "loss": _of_loss,
}  # fmt: skip
