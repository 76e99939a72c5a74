"""After a crash: what was not saved is offered in a bar, which waits, and put back if it is wanted."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from odeviz.app.autosave import Autosave, LeftOver
from odeviz.app.leaving import Leaving
from odeviz.app.main_window import MainWindow
from odeviz.tasks.experiment_string import called
from odeviz.tasks.numerals import thousands


class Restoring(QObject):
    """Joins what an earlier process left behind and the window's notice."""

    #: A :class:`LeftOver` shall be shown.
    restored = Signal(object)

    def __init__(
        self,
        autosave: Autosave,
        leaving: Leaving,
        window: MainWindow,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._autosave, self._leaving, self._window = autosave, leaving, window
        autosave.offered.connect(self._on_offered)

    def restore(self) -> None:
        """Show what was left behind; what is on show may be saved first."""
        if self._autosave.left_over is not None:
            self._leaving.leave(partial(self._restore, self._autosave.left_over))

    def _restore(self, left: LeftOver) -> None:
        if self._autosave.take() is left:
            self.restored.emit(left)
            self._autosave.taken_over(left)

    @Slot(object)
    def _on_offered(self, left: LeftOver | None) -> None:
        window = self._window
        held = window.notice.isAncestorOf(window.focusWidget() or window)
        window.notice.tell("" if left is None else _sentence(left))
        if held and left is None:
            # Else Qt gives the keyboard to the next button, and Return would press it.
            window.flow.setFocus()


def _sentence(left: LeftOver) -> str:
    name = called(left.snapshot.experiment)
    what = f"“{name}”" if name else "the model"
    now = datetime.now()
    when = f"saved at {left.when:%H:%M}" if left.when.date() == now.date() else f"saved on {left.when:%d %B}"
    # In a narrow window the time does not stand alone in its line.
    when = when.replace(" ", "\N{NO-BREAK SPACE}")
    return f"odeviz ended unexpectedly. Restore {what} at iteration {thousands(left.snapshot.iteration)}, {when}?"
