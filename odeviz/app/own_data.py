"""A person's own data in the window: imported from a CSV file, dropped on it, or drawn with the mouse."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QDialog, QWidget

from odeviz.app.dialogs import Dialogs
from odeviz.app.draw_dialog import DrawDialog
from odeviz.app.main_window import MainWindow
from odeviz.bridge import JobRunner, Trouble
from odeviz.state import Workbench
from odeviz.storage.own_data import OwnData, load_own
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.own_data import OWN, classes_of
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
        #: The points and labels that were drawn last, to go on with: the model on show may have been kept instead.
        self._drawing: tuple[Any, Any] | None = None

    def ask(self) -> None:
        """Ask for a file and learn from it."""
        path = self._dialogs.data_to_open(DATA_FILES)
        if path is not None:
            self.read(path)

    def read(self, path: Path) -> None:
        """Learn from a CSV file: with the task of the form, or where that takes none, a density of its points."""
        self._bench.say(f"Reading {path.name}…")
        work: Callable[[], tuple[Experiment, OwnData]] = partial(
            _read, path, self._taker(), self._bench.experiment
        )
        self._jobs.submit(
            work,
            lambda read: self.ready.emit(*read, path.name),
            lambda trouble: self._fail(path.name, trouble.about(str(path))),
        )

    def draw(self) -> None:
        """Let a person draw points, or go on with those drawn last."""
        self._dialogs.run(self._draw_dialog)

    def _draw_dialog(self, parent: QWidget) -> QDialog:
        dialog = DrawDialog(self._window.theme, parent)
        if self._drawing is not None:
            dialog.canvas.show_drawing(*self._drawing)
        dialog.drawn.connect(self._on_drawn)
        dialog.left.connect(self._keep_drawing)
        return dialog

    @Slot(object, object)
    def _keep_drawing(self, points: Any, labels: Any) -> None:
        self._drawing = (points, labels) if len(points) else None

    @Slot(object)
    def _on_drawn(self, own: OwnData) -> None:
        try:
            experiment = _learning_from(own, _drawn_for(own, self._taker("points")), self._bench.experiment)
        except ValueError as error:
            self._fail("Your drawing", Trouble.of(error))
            return
        self.ready.emit(experiment, own, "Your drawing")

    def _taker(self, kind: str = "") -> Task:
        """The form's task if it takes such data; else the first that does."""
        now = TASKS[self._bench.experiment.task]
        if now.own and kind in ("", now.own):
            return now
        return next(task for task in TASKS.values() if task.own == (kind or "points"))

    def _fail(self, origin: str, trouble: Trouble) -> None:
        self._dialogs.trouble(trouble, refusal(origin))
        self._bench.say("")
        self.failed.emit(trouble.sentence)


def refusal(origin: str) -> str:
    """The title of what is told when a file's data cannot be used."""
    return f"{origin} cannot be learnt from"


def _read(path: Path, task: Task, now: Experiment) -> tuple[Experiment, OwnData]:
    """Data from a file, and an experiment that learns from them; raises ``ValueError``."""
    own = load_own(path, task.own)
    if task.needs_labels and not _classes(own):
        task = _other(task)
    return _learning_from(own, task, now), own


def _classes(own: OwnData) -> int:
    """How many classes points are of; 0 without labels."""
    return len(classes_of(own.arrays["labels"]))


def _drawn_for(own: OwnData, task: Task) -> Task:
    """The task for points that were drawn: several classes are to be told apart, one is a density."""
    return task if task.needs_labels == (_classes(own) > 1) else _other(task)


def _other(task: Task) -> Task:
    """The first task that learns from the same kind of data with labels, where this one needs none, or without."""
    return next(
        each for each in TASKS.values() if each.own == task.own and each.needs_labels != task.needs_labels
    )


def _learning_from(own: OwnData, task: Task, now: Experiment) -> Experiment:
    """The form's experiment, or the task's own, learning from the data; ``ValueError`` if it cannot."""
    if now.task == task.name:
        experiment = now.with_setting("data.name", OWN)
    else:
        experiment = Experiment.of(task.name, {"data.name": OWN, "seed": now.seed, "device": now.device})
    task.check_data(experiment, own.arrays)
    return experiment
