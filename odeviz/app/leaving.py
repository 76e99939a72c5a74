"""Leaving a model that is not saved: by closing the window, by showing another, by starting again.

The rule of what is asked about, :func:`is_missed`: what a person could not have again at once. That is a file's model
or session that is not as its file has it any more; a person's own data, unless a file has them; a model trained with
settings of a person's own; and any that was trained for :data:`LONG_RUN`. A short run of a preset goes without a
word. Starting again keeps data and settings: it asks about long runs alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from odeviz.app.dialogs import Dialogs
from odeviz.app.documents import Documents
from odeviz.bridge import Phase, Trainer
from odeviz.state import Workbench
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.experiment_string import nearest_preset
from odeviz.tasks.numerals import thousands
from odeviz.tasks.own_data import OWN
from odeviz.tasks.task import Arrays
from odeviz.training.snapshot import Snapshot

#: Seconds of training from which on any run is worth a question.
LONG_RUN = 60.0


def is_missed(snapshot: Snapshot | None, unsaved: bool, in_file: bool, data_in_file: bool = False) -> bool:
    """Whether a person would miss a model, ``unsaved`` if it was trained since it was opened, perhaps from a file.

    A person's own data would be missed unless they are in a file as they are.
    """
    if snapshot is None or in_file:
        return unsaved
    if snapshot.experiment.data.name == OWN and not data_in_file:
        return True
    return unsaved and (snapshot.seconds >= LONG_RUN or not is_preset(snapshot.experiment))


def is_preset(experiment: Experiment) -> bool:
    """Whether all settings are those of a preset."""
    near = nearest_preset(experiment)
    return near is not None and near.experiment == experiment


class Leaving(QObject):
    """Asks whether the model on show may go."""

    def __init__(
        self,
        bench: Workbench,
        trainer: Trainer,
        documents: Documents,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bench, self._trainer, self._documents, self._dialogs = bench, trainer, documents, dialogs
        #: What waits until the model on show has been saved.
        self._after_saving: Callable[[], object] | None = None
        #: A person's own data as they were read, and the file that has them.
        self._read: tuple[Arrays, Path] | None = None
        #: The window is closing, and asks nothing any more.
        self.closing = False
        documents.saved.connect(self._on_saved)
        documents.failed.connect(self._on_failed)

    def leave(self, then: Callable[[], object]) -> None:
        """Do what replaces the model on show: at once, after it was saved, or not if a person keeps it."""
        if self.may_leave(then):
            then()

    def may_leave(self, after_saving: Callable[[], object]) -> bool:
        """Whether the model on show may go now; if it shall be saved first, ``after_saving`` is called after that."""
        self._after_saving = None
        bench = self._bench
        if self.closing or not is_missed(
            bench.latest, bench.unsaved, bench.path is not None, self._data_in_file
        ):
            return True
        answer = self._dialogs.keep_changes(self._told())
        if answer == "save":
            if self._trainer.phase is Phase.TRAINING:
                self._trainer.pause()
            self._after_saving = after_saving
            if not self._documents.save():
                self._after_saving = None
        return answer == "discard"

    def were_read(self, data: Arrays, path: Path | None) -> None:
        """A person's own data that are learnt from now, and their file, if they have one."""
        self._read = None if path is None else (data, path)

    @property
    def _data_in_file(self) -> bool:
        """Whether the data that are learnt from lie in a file, as far as one can know without reading it."""
        return self._read is not None and self._read[0] is self._bench.data and self._read[1].is_file()

    def start_again(self, start: Callable[[], object]) -> None:
        """Do what throws the run away, after a question if it was a long one."""
        snapshot = self._bench.latest
        if snapshot is None or snapshot.seconds < LONG_RUN:
            start()
        else:
            self.leave(start)

    def _told(self) -> str:
        """What would be lost, in a sentence."""
        path, snapshot = self._bench.path, self._bench.latest
        name = path.name if path is not None else "The model"
        if self._documents.only_view_changed:
            return f"What {name} shows was changed and is not saved."
        if snapshot is None:
            return f"{name} was changed and is not saved."
        if path is None and snapshot.experiment.data.name == OWN:
            if self._data_in_file:
                return "What was learnt from your own data is not saved."
            learnt = " and what was learnt from them" if snapshot.iteration else ""
            return f"Your own data{learnt} are not saved."
        if snapshot.seconds >= LONG_RUN:
            name += (
                f" ({thousands(snapshot.iteration)} iterations, {_duration(snapshot.seconds)} of training)"
            )
        elif path is None and not is_preset(snapshot.experiment):
            return f"{name} was trained with settings of your own and is not saved."
        return f"{name} was trained and is not saved."

    @Slot()
    def _on_saved(self) -> None:
        after, self._after_saving = self._after_saving, None
        if after is not None:
            self._bench.set_document(self._bench.path, unsaved=False)
            after()

    @Slot()
    def _on_failed(self) -> None:
        self._after_saving = None


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
