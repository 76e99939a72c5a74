"""The model's views: asks for the one that is chosen while its panel can be seen."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Slot

from odeviz.analysis.diagnostics import common_views
from odeviz.app.main_window import MainWindow
from odeviz.bridge import Phase, SolveService, ViewRequest
from odeviz.state import Workbench
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import task_of


class TaskViews(QObject):
    """Joins workbench, solve service and the views panel."""

    def __init__(
        self, bench: Workbench, service: SolveService, window: MainWindow, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._bench, self._service, self._window = bench, service, window
        #: What the picture on show, or on its way, was asked for.
        self._asked: tuple[Any, ...] | None = None
        window.view.chosen.connect(self._on_chosen)

    def offer(self, experiment: Experiment) -> None:
        """Offer the views of the experiment's task, and those of any flow."""
        self._window.view.set_views(task_of(experiment).views_of(experiment), common_views(experiment))

    def forget(self) -> None:
        """Another model is about to be shown."""
        self._asked = None
        self._window.view.set_picture(None)

    def catch_up(self) -> None:
        """The panel may have come into sight: ask if its picture is not what it should be."""
        if self._asked != self._wanted():
            self.ask()

    def ask(self) -> None:
        """Ask for the view that is chosen, if the panel can be seen."""
        wanted, snapshot = self._wanted(), self._bench.snapshot
        if self._put_off():
            return
        self._asked = wanted
        if wanted is not None and snapshot is not None:
            self._service.ask(snapshot, ViewRequest(self._window.view.view, self._bench.choice))

    def show(self, picture: Any) -> None:
        """Draw the answer."""
        self._window.view.set_picture(picture)
        self.set_time(self._bench.playhead.t)

    def set_time(self, t: float) -> None:
        """The playhead's time."""
        self._window.view.set_time(t)

    @Slot(str)
    def _on_chosen(self, key: str) -> None:
        self.ask()

    def _put_off(self) -> bool:
        """Whether the picture on show has to do, because another would hold up those that follow one another."""
        panel = self._window.view
        hurried = self._bench.training.phase is Phase.TRAINING or self._bench.replay.held
        return hurried and panel.picture is not None and panel.current is not None and panel.current.heavy

    def _wanted(self) -> tuple[Any, ...] | None:
        """What the picture depends on; None while nobody can see it."""
        panel = self._window.view
        if not panel.view or self._bench.snapshot is None or not self._window.is_seen(panel):
            return None
        return panel.view, self._bench.choice, self._bench.snapshot
