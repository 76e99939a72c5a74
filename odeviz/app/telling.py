"""One way to tell things: all that is said goes to the log; what went wrong also shows as a toast.

The status bar tells what was done, for some seconds, and what is so until something else is said.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Slot

from odeviz.app.main_window import MainWindow
from odeviz.bridge import Phase
from odeviz.state import Workbench
from odeviz.state.log import Log, Note
from odeviz.widgets.toasts import Message, Toasts

#: Milliseconds that the status bar tells what was done: so many, more for each letter of it, and at most.
_STAYS, _PER_LETTER, _LONGEST = 6000, 50, 15000
#: Pixels of the log's height when it is first shown.
_HEIGHT = 190


class Telling(QObject):
    """Joins workbench, log, log panel and toasts."""

    def __init__(self, bench: Workbench, log: Log, window: MainWindow, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bench, self.log, self._window = bench, log, window
        self.toasts = Toasts(window.theme, window, foot=window.statusBar().sizeHint().height() + 12)
        self.toasts.setObjectName("toasts")
        self._passing = QTimer(self)
        self._passing.setSingleShot(True)
        self._passing.timeout.connect(self._pass)
        bench.message_changed.connect(self._on_message)
        log.added.connect(self._on_note)
        log.cleared.connect(window.log.clear)
        window.log.clear_wanted.connect(log.clear)

    def dismiss(self) -> None:
        """The newest toast goes."""
        self.toasts.dismiss()

    def show_log(self) -> None:
        """The log's panel, with the keyboard in its filter; once more, from within it, and it goes."""
        dock = self._window.docks["log"]
        if self._window.log.isAncestorOf(self._window.focusWidget() or self._window):
            dock.close()
            self._window.flow.setFocus()
            return
        first = dock.isHidden()
        dock.show()
        dock.raise_()
        if first:
            self._window.resizeDocks([dock], [self._window.theme.px(_HEIGHT)], Qt.Orientation.Vertical)
        self.toasts.clear()
        self._window.log.words.setFocus()

    @Slot(str)
    def _on_message(self, text: str) -> None:
        if text and not self._bench.lasting:
            self._passing.start(min(_STAYS + _PER_LETTER * len(text), _LONGEST))
        else:
            self._passing.stop()
        # What was only begun is no news.
        if text and not text.endswith("…"):
            troubled = self._bench.training.phase is Phase.TROUBLE and text == self._bench.training.message
            self.log.tell(Note(text, "warning" if troubled else "info"))

    @Slot()
    def _pass(self) -> None:
        self._bench.say("")

    @Slot(object)
    def _on_note(self, note: Note) -> None:
        self._window.log.add(note)
        if note.level != "info" and not self._window.is_seen(self._window.log):
            self.toasts.tell(Message(note.text, note.level, note.title, note.details))
