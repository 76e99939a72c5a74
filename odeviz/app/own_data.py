"""A person's own data in the window: imported from a CSV file, dropped on it, or drawn with the mouse."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QDialog, QWidget

from odeviz.app.dialogs import Dialogs
from odeviz.app.draw_dialog import DrawDialog
from odeviz.app.main_window import MainWindow
from odeviz.bridge import JobRunner, Trouble
from odeviz.state import Workbench
from odeviz.storage.own_data import OwnData, load_own
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.own_data import OWN, check_own
from odeviz.tasks.registry import TASKS
from odeviz.tasks.task import Task

DATA_FILES = "Tables (*.csv *.txt *.tsv)"
#: What a dropped file must be called to be taken for data, not for a model.
SUFFIXES = (".csv", ".txt", ".tsv")


class OwnDataControl(QObject):
    """Turns a file or a drawing into an experiment that learns from it. A mistake is told, and nothing changes."""

    #: The :class:`Experiment` that learns from the data, the :class:`OwnData`, and where they come from.
    ready = Signal(object, object, str)
    #: A file cannot be used: the sentence.
    failed = Signal(str)

    def __init__(
        self,
        bench: Workbench,
        window: MainWindow,
        jobs: JobRunner,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bench, self._window, self._jobs, self._dialogs = bench, window, jobs, dialogs

    def ask(self) -> None:
        """Ask for a file and learn from it."""
        path = self._dialogs.data_to_open(DATA_FILES)
        if path is not None:
            self.read(path)

    def read(self, path: Path) -> None:
        """Learn from a CSV file: with the task of the form, or where that takes none, a density of its points."""
        task = self._taker()
        self._bench.say(f"Reading {path.name}…")
        work: Callable[[], OwnData] = partial(load_own, path, task.own)
        self._jobs.submit(
            work,
            lambda own: self._take(task, own, path.name),
            lambda trouble: self._fail(f"{path.name} could not be imported", trouble),
        )

    def draw(self) -> None:
        """Let a person draw points."""
        self._dialogs.run(self._draw_dialog)

    def _draw_dialog(self, parent: QWidget) -> QDialog:
        dialog = DrawDialog(self._window.theme, parent)
        dialog.drawn.connect(self._on_drawn)
        return dialog

    @Slot(object)
    def _on_drawn(self, own: OwnData) -> None:
        self._take(self._taker("points"), own, "Your drawing")

    def _taker(self, kind: str = "") -> Task:
        """The form's task if it takes such data; else the first that does."""
        now = TASKS[self._bench.experiment.task]
        if now.own and kind in ("", now.own):
            return now
        return next(task for task in TASKS.values() if task.own == (kind or "points"))

    def _take(self, task: Task, own: OwnData, origin: str) -> None:
        now = self._bench.experiment
        try:
            if now.task == task.name:
                experiment = now.with_setting("data.name", OWN)
            else:
                experiment = Experiment.of(
                    task.name, {"data.name": OWN, "seed": now.seed, "device": now.device}
                )
            check_own(task.own, experiment, own.arrays)
        except ValueError as error:
            self._fail(
                f"{origin} cannot be learnt from", Trouble(f"{str(error)[:1].upper()}{str(error)[1:]}.")
            )
            return
        self.ready.emit(experiment, own, origin)

    def _fail(self, title: str, trouble: Trouble) -> None:
        self._bench.say(f"{title}: {trouble.sentence}")
        self.failed.emit(trouble.sentence)
        self._dialogs.trouble(trouble if trouble.unexpected else Trouble(trouble.sentence), title)
