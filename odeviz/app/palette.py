"""The command palette: everything in the registry, found by typing."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QHeaderView, QLineEdit, QTreeView, QVBoxLayout, QWidget

from odeviz.app.actions import ACTIONS, Actions, ActionSpec
from odeviz.app.search_words import search_words
from odeviz.widgets.icons import icon
from odeviz.widgets.menu import plain
from odeviz.widgets.rows import ROOT, Index, Rows
from odeviz.widgets.theme import Theme


def score(query: str, spec: ActionSpec, title: str = "") -> int | None:
    """How well an action fits what was typed (less is better), or None if it does not.

    Every word must fit: best as the start of one of the title's words, then in the title, elsewhere, as the starts
    of several words run together (``expfig``), and last with a letter or two wrong. ``title`` is what the action is
    called now, where that is not the title of its ``spec``.
    """
    title = (title or spec.title).lower()
    parts = re.findall(r"\w+", title)
    everything = f"{title} {spec.menu} {spec.submenu} {spec.tooltip} {search_words(spec.key)}".lower()
    total = 0
    for word in query.lower().split():
        if any(part.startswith(word) for part in parts):
            continue
        if word in title:
            total += 1
        elif word in everything:
            total += 3
        elif _runs_together(word, parts):
            total += 4
        elif len(word) > 3 and difflib.get_close_matches(word, parts, n=1, cutoff=0.75):
            total += 5
        else:
            return None
    return total


def _runs_together(word: str, parts: list[str]) -> bool:
    """Whether a word is made of the starts of some of these, in their order."""
    if not word:
        return True
    for place, part in enumerate(parts):
        common = next(
            (k for k, (a, b) in enumerate(zip(word, part, strict=False)) if a != b), min(len(word), len(part))
        )
        if any(_runs_together(word[taken:], parts[place + 1 :]) for taken in range(common, 0, -1)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Row:
    """An action that fits: what it is called, where it stands, its keys. Without a key it is a message.

    Its icon is held by name: a ``QIcon`` that goes with the widget that Qt deletes crashes the binding.
    """

    key: str
    title: str
    place: str = ""
    keys: str = ""
    tooltip: str = ""
    icon: str = ""


class Found(Rows):
    """The actions that fit, as :class:`Row`."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(3, parent)
        self._theme, self._muted = theme, QColor(theme.colors.muted)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not self.rows[index.row()].key:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (row.title, row.place, row.keys)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.tooltip
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return icon(row.icon, self._theme) if row.icon else None
        if role == Qt.ItemDataRole.ForegroundRole and column:
            return self._muted
        if role == Qt.ItemDataRole.TextAlignmentRole and column == 2:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


#: Pixels from the window's upper edge.
_TOP = 90


class CommandPalette(QDialog):
    """A line to type in and the actions that fit; Return does the selected one."""

    #: The key of the chosen action.
    chosen = Signal(str)

    def __init__(self, actions: Actions, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("palette")
        self._actions, self._theme = actions, theme
        self.line = QLineEdit()
        self.line.setPlaceholderText("Type what you want to do")
        self.line.setAccessibleName("Command")
        self.line.textChanged.connect(self._filter)
        self.line.returnPressed.connect(self._choose)
        self.line.installEventFilter(self)
        self.rows = Found(theme, self)
        self.list = QTreeView()
        self.list.setModel(self.rows)
        self.list.setHeaderHidden(True)
        self.list.setIconSize(QSize(theme.px(16), theme.px(16)))
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            self.list.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.list.setAccessibleName("Commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.clicked.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(self.line)
        layout.addWidget(self.list)
        high = theme.px(420)
        if parent is not None:
            # However large the text, it ends within the window.
            high = min(high, parent.height() - _TOP - 2 * layout.spacing())
        self.resize(theme.px(520), high)
        if parent is not None:
            corner = parent.mapToGlobal(parent.rect().topLeft())
            self.move(corner.x() + (parent.width() - self.width()) // 2, corner.y() + _TOP)
        self._filter("")
        self.line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in keys:
            self.list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    @Slot(str)
    def _filter(self, text: str) -> None:
        titles = {spec.key: plain(self._actions[spec.key].text()) for spec in ACTIONS}
        rated = [(score(text, spec, titles[spec.key]), place, spec) for place, spec in enumerate(ACTIONS)]
        fitting = sorted((rate, place, spec) for rate, place, spec in rated if rate is not None)
        rows = [self._row(spec, titles[spec.key]) for _, _, spec in fitting if self._offered(spec)]
        self.rows.show_rows(rows or [Row("", f"Nothing that can be done now fits “{text.strip()}”")])
        if rows:
            self.list.setCurrentIndex(self.rows.index(0, 0))
        else:
            self.list.setFirstColumnSpanned(0, ROOT, True)

    def _offered(self, spec: ActionSpec) -> bool:
        return spec.key != "palette" and self._actions[spec.key].isEnabled()

    def _row(self, spec: ActionSpec, title: str) -> Row:
        place = " › ".join(part for part in (spec.menu, spec.submenu) if part)
        keys = self._actions[spec.key].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        return Row(spec.key, title.rstrip("…"), place, keys, spec.tooltip, spec.icon)

    @Slot()
    def _choose(self) -> None:
        index = self.list.currentIndex()
        if index.isValid():
            key = self.rows.rows[index.row()].key
            self.accept()
            self.chosen.emit(key)
