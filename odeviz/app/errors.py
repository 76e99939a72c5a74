"""No silent death: an exception nobody caught is told in one sentence, with the details to unfold and copy."""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from odeviz.bridge import Trouble


class TroubleDialog(QDialog):
    """A sentence, and the details behind a button."""

    def __init__(self, trouble: Trouble, title: str = "Something went wrong", parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._details = trouble.details
        heading = QLabel(title)
        heading.setProperty("role", "title")
        sentence = QLabel(trouble.sentence)
        sentence.setWordWrap(True)
        sentence.setMinimumWidth(420)
        sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text = QPlainTextEdit(trouble.details)
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setMinimumHeight(220)
        self.text.hide()

        self.fold = QPushButton("Details")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._unfold)
        self.copy = QPushButton("Copy details")
        self.copy.clicked.connect(self._copy)
        self.fold.setVisible(bool(trouble.details))
        self.copy.setVisible(bool(trouble.details))
        for button in (self.fold, self.copy):
            button.setAutoDefault(False)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        close.button(QDialogButtonBox.StandardButton.Close).setDefault(True)

        buttons = QHBoxLayout()
        buttons.addWidget(self.fold)
        buttons.addWidget(self.copy)
        buttons.addStretch()
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(12)
        layout.addWidget(heading)
        layout.addWidget(sentence)
        layout.addWidget(self.text)
        layout.addLayout(buttons)

    @Slot(bool)
    def _unfold(self, shown: bool) -> None:
        self.text.setVisible(shown)
        self.adjustSize()

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)


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
