"""The log: everything the window has told, with its time and its details."""

from __future__ import annotations

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
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from odeviz.panels.panel import Panel
from odeviz.state.log import LEVELS, MOST, Note
from odeviz.widgets.theme import Theme

_SHOWN = (("All messages", "info"), ("Warnings and errors", "warning"), ("Errors", "error"))
_ROLES = {"info": "muted", "warning": "warning", "error": "danger"}
_EMPTY, _NONE = "Nothing has been told yet.", "No message is like this."


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
        self.list = QTreeWidget(self)
        self.list.setHeaderLabels(["Time", "Level", "Message"])
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
        self.list.itemSelectionChanged.connect(self._show_details)
        self._filter()

    def add(self, note: Note) -> None:
        """One more note, at the end."""
        item = QTreeWidgetItem([note.clock, note.level, note.line])
        item.setData(0, Qt.ItemDataRole.UserRole, note)
        item.setToolTip(2, note.line)
        item.setForeground(1, QColor(getattr(self.theme.colors, _ROLES[note.level])))
        bar = self.list.verticalScrollBar()
        at_end = bar.value() >= bar.maximum()
        self.list.addTopLevelItem(item)
        item.setHidden(not self._wanted(note))
        if self.list.topLevelItemCount() > MOST:
            self.list.takeTopLevelItem(0)
        if at_end:
            self.list.scrollToBottom()
        self._show_state()

    def clear(self) -> None:
        """Show none."""
        self.list.clear()
        self._show_state()

    def notes(self) -> list[Note]:
        """Those on show."""
        return [_note(item) for item in self._items() if not item.isHidden()]

    @Slot()
    def copy(self) -> None:
        """The selected notes with their details to the clipboard; all on show where none is selected."""
        chosen = [_note(item) for item in self._items() if item.isSelected() and not item.isHidden()]
        QGuiApplication.clipboard().setText("\n".join(note.whole for note in chosen or self.notes()))

    def restyle(self) -> None:
        for item in self._items():
            item.setForeground(1, QColor(getattr(self.theme.colors, _ROLES[_note(item).level])))
        super().restyle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 0)
        row.setSpacing(8)
        row.addWidget(self.words, 1)
        for widget in (self.level, self.copy_button, self.clear_button):
            row.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 8)
        column.setSpacing(8)
        column.addLayout(row)
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._both.setContentsMargins(12, 0, 12, 0)
        self._both.setSpacing(8)
        self._both.addWidget(self._stack, 3)
        self._both.addWidget(self.details, 2)
        column.addLayout(self._both, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        # The details stand beside the list where there is room, else below it.
        wide = self.width() > 2 * self.height()
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._both.direction() != direction:
            self._both.setDirection(direction)
        super().resizeEvent(event)

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _wanted(self, note: Note) -> bool:
        text = f"{note.line} {note.details}".lower()
        grave = LEVELS.index(note.level) >= LEVELS.index(self.level.currentData())
        return grave and all(word in text for word in self.words.text().lower().split())

    @Slot()
    def _filter(self) -> None:
        for item in self._items():
            item.setHidden(not self._wanted(_note(item)))
        self._show_state()

    def _show_state(self) -> None:
        """The list, or a sentence where it is empty; what can be done with what is shown."""
        some = bool(self.notes())
        self._message.setText(_NONE if self.list.topLevelItemCount() else _EMPTY)
        self._stack.setCurrentWidget(self.list if some else self._message)
        self.copy_button.setEnabled(some)
        self.clear_button.setEnabled(bool(self.list.topLevelItemCount()))
        self._show_details()

    @Slot()
    def _show_details(self) -> None:
        chosen = [item for item in self.list.selectedItems() if not item.isHidden()]
        text = _note(chosen[0]).details if len(chosen) == 1 else ""
        self.details.setPlainText(text)
        self.details.setVisible(bool(text))


def _note(item: QTreeWidgetItem) -> Note:
    note: Note = item.data(0, Qt.ItemDataRole.UserRole)
    return note
