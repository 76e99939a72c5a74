"""An experiment as one line of text: copied to the clipboard, pasted from it, or given on the command line."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from odeviz.app.dialogs import Dialogs
from odeviz.bridge import Trouble
from odeviz.state import Workbench
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.experiment_string import experiment_string, nearest_preset, read_experiment_string
from odeviz.tasks.own_data import OWN

#: Letters of a text that cannot be used which its trouble's details quote.
_QUOTED = 500


class ExperimentStrings(QObject):
    """Copies the edited experiment and reads others. What cannot be used is told, and nothing changes."""

    #: What to call an :class:`Experiment` that was read, and the experiment: fresh weights are to be shown.
    ready = Signal(str, object)
    #: A line cannot be used: the sentence.
    failed = Signal(str)

    def __init__(self, bench: Workbench, dialogs: Dialogs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bench, self._dialogs = bench, dialogs

    def copy(self) -> None:
        """Put the edited experiment on the clipboard."""
        try:
            line = experiment_string(self._bench.experiment)
        except ValueError as error:
            self._fail("The experiment cannot be copied", f"{_sentence(error)} Save a session instead.")
            return
        QGuiApplication.clipboard().setText(line)
        self._bench.say(f"Copied {line}")

    def paste(self) -> None:
        """Show the clipboard's experiment."""
        text = QGuiApplication.clipboard().text()
        if text.strip():
            self.open(text)
        else:
            self._fail("The experiment cannot be pasted", "There is no text on the clipboard.")

    def open(self, text: str) -> bool:
        """Show an experiment's line; False if it cannot be used, which is told."""
        try:
            experiment = read_experiment_string(text)
            if experiment.data.name == OWN:
                raise ValueError("it learns from somebody's own data, which a line of text does not hold")
        except ValueError as error:
            self._fail("The experiment cannot be used", _sentence(error), text[:_QUOTED])
            return False
        self.ready.emit(title_of(experiment), experiment)
        return True

    def _fail(self, title: str, sentence: str, details: str = "") -> None:
        self._dialogs.trouble(Trouble(sentence, details), title)
        self.failed.emit(sentence)


def title_of(experiment: Experiment) -> str:
    """What people call an experiment: the preset it is near, and by how many settings it differs."""
    near = nearest_preset(experiment)
    if near is None:
        return f"{experiment.task} of {experiment.data.name}"
    count = len(near.experiment.changed(experiment))
    return f"{near.title} with {count} other setting{'s' * (count > 1)}" if count else near.title


def _sentence(error: ValueError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
