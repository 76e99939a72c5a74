"""No silent death: an exception nobody caught is told in one sentence, and its traceback is kept for a report."""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from odeviz.training.trouble import Trouble


class ErrorHooks(QObject):
    """Catches what reaches ``sys.excepthook`` and ``threading.excepthook``, and tells it on the GUI thread."""

    #: A :class:`Trouble`, on the GUI thread.
    caught = Signal(object)

    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._before = (sys.excepthook, threading.excepthook)
        self._told: set[str] = set()
        self._arrived.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def restore(self) -> None:
        """Put the hooks back that were there before."""
        sys.excepthook, threading.excepthook = self._before

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(details)
        self._arrived.emit(Trouble(Trouble.of(error).sentence, details))

    def _on_thread_exception(self, args: Any) -> None:
        if args.exc_type is not SystemExit:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    @Slot(object)
    def _tell(self, trouble: Trouble) -> None:
        # A paint that fails fails sixty times a second: once is enough.
        if trouble.details not in self._told:
            self._told.add(trouble.details)
            self.caught.emit(trouble)
