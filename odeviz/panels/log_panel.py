"""The log: everything the window has told, with its time and its details."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from odeviz.panels.panel import Panel
from odeviz.state.log import LEVELS, MOST, Note
from odeviz.widgets.rows import Index, Rows
from odeviz.widgets.theme import Theme

_SHOWN = (("All messages", "info"), ("Warnings and errors", "warning"), ("Errors", "error"))
_ROLES = {"info": "muted", "warning": "warning", "error": "danger"}
_HEADINGS = ("Time", "Level", "Message")
_EMPTY, _NONE = "Nothing has been told yet.", "No message is like this."


class _Notes(Rows):
    """The notes on show."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(len(_HEADINGS), parent)
        self._theme = theme

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        note: Note = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return (note.clock, note.level, note.line)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == 2:
            return note.line
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == 1:
            return QColor(getattr(self._theme.colors, _ROLES[note.level]))
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        return _HEADINGS[section] if role == Qt.ItemDataRole.DisplayRole else None


class LogPanel(Panel):
    """Shows notes, newest last; the selected one's details are below."""

    key = "log"
    title = "Log"
    about = "Everything the window has told since it was opened: when, how grave, what, and the details."

    clear_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.words = QLineEdit(self)
        self.words.setPlaceholderText("Filter: words of a message")
        self.words.setAccessibleName("Filter messages")
        self.words.setToolTip("Show only messages that have all these words")
        self.words.setClearButtonEnabled(True)
        self.level = QComboBox(self)
        self.level.setAccessibleName("Messages shown")
        self.level.setToolTip("How grave a message must be to be shown")
        for title, level in _SHOWN:
            self.level.addItem(title, level)
        self.copy_button, self.clear_button = QPushButton("Copy", self), QPushButton("Clear", self)
        self.copy_button.setToolTip(
            "Copy the selected messages with their details, or all that are shown  (Ctrl+C)"
        )
        self.clear_button.setToolTip("Forget all messages")
        self._every: list[Note] = []
        self._shown = _Notes(theme, self)
        self.list = QTreeView(self)
        self.list.setModel(self._shown)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setAccessibleName("Messages")
        for column in (0, 1):
            self.list.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.details = QPlainTextEdit(self)
        self.details.setReadOnly(True)
        self.details.setAccessibleName("Details of the message")
        self.details.hide()
        self._message = QLabel(_EMPTY, self)
        self._message.setProperty("role", "muted")
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._message)
        self._stack.addWidget(self.list)
        self._lay_out()
        self.words.textChanged.connect(self._filter)
        self.level.currentIndexChanged.connect(self._filter)
        self.copy_button.clicked.connect(self.copy)
        self.clear_button.clicked.connect(self.clear_wanted)
        self.list.selectionModel().selectionChanged.connect(self._show_details)
        #: Whether the newest note stays in sight, whatever comes and however high the list is.
        self._follows = True
        bar = self.list.verticalScrollBar()
        bar.rangeChanged.connect(self._on_range)
        bar.valueChanged.connect(self._on_scrolled)
        self._filter()

    def add(self, note: Note) -> None:
        """One more note, at the end."""
        self._every.append(note)
        if self._wanted(note):
            self._shown.append(note)
        if len(self._every) > MOST and self._every.pop(0) is next(iter(self._shown.rows), None):
            self._shown.drop_first()
        self._show_state()

    @Slot(int, int)
    def _on_range(self, low: int, high: int) -> None:
        if self._follows:
            self.list.verticalScrollBar().setValue(high)

    @Slot(int)
    def _on_scrolled(self, value: int) -> None:
        self._follows = value >= self.list.verticalScrollBar().maximum()

    def clear(self) -> None:
        """Show none."""
        self._every.clear()
        self._shown.show_rows(())
        self._show_state()

    def notes(self) -> list[Note]:
        """Those on show."""
        return list(self._shown.rows)

    @Slot()
    def copy(self) -> None:
        """The selected notes with their details to the clipboard; all on show where none is selected."""
        QGuiApplication.clipboard().setText("\n".join(note.whole for note in self._chosen() or self.notes()))

    def restyle(self) -> None:
        self.list.viewport().update()
        super().restyle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 8)
        column.setSpacing(8)
        row = QHBoxLayout()
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        column.addLayout(row)
        column.addLayout(self._both, 1)
        row.setContentsMargins(12, 8, 12, 0)
        row.setSpacing(8)
        row.addWidget(self.words, 1)
        for widget in (self.level, self.copy_button, self.clear_button):
            row.addWidget(widget)
        self._both.setContentsMargins(12, 0, 12, 0)
        self._both.setSpacing(8)
        self._both.addWidget(self._stack, 3)
        self._both.addWidget(self.details, 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        # The details stand beside the list where there is room, else below it.
        wide = self.width() > 2 * self.height()
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._both.direction() != direction:
            self._both.setDirection(direction)
        super().resizeEvent(event)

    def _chosen(self) -> list[Note]:
        """The selected notes, the oldest first."""
        rows = sorted(index.row() for index in self.list.selectionModel().selectedRows())
        return [self._shown.rows[row] for row in rows]

    def _wanted(self, note: Note) -> bool:
        text = f"{note.line} {note.details}".lower()
        grave = LEVELS.index(note.level) >= LEVELS.index(self.level.currentData())
        return grave and all(word in text for word in self.words.text().lower().split())

    @Slot()
    def _filter(self) -> None:
        self._shown.show_rows([note for note in self._every if self._wanted(note)])
        self._show_state()

    def _show_state(self) -> None:
        """The list, or a sentence where it is empty; what can be done with what is shown."""
        some = bool(self.notes())
        self._message.setText(_NONE if self._every else _EMPTY)
        self._stack.setCurrentWidget(self.list if some else self._message)
        self.copy_button.setEnabled(some)
        self.clear_button.setEnabled(bool(self._every))
        self._show_details()

    @Slot()
    def _show_details(self) -> None:
        chosen = self._chosen()
        text = chosen[0].details if len(chosen) == 1 else ""
        self.details.setPlainText(text)
        self.details.setVisible(bool(text))
