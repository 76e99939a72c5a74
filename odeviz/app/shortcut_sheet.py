"""All shortcuts on one sheet, made from the registry of actions, and what mouse and keys do in the flow view."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from odeviz.app.actions import ACTIONS, MENUS

#: What no action does: keys and gestures, and what they mean, by where they are made.
GESTURES: dict[str, tuple[tuple[str, str], ...]] = {
    "Flow view": (
        ("Click, Insert", "Start a trajectory there, or in the middle"),
        ("Drag a seed", "Move it, and watch its trajectory follow"),
        ("Arrow keys, with Shift", "Nudge the selected seeds, finely"),
        ("Shift+click, Shift+drag", "Select one more, or all in a box"),
        ("N, Ctrl+A, Esc", "Select the next seed, all, none"),
        ("Delete, Ctrl+C", "Remove the selected seeds, copy their coordinates"),
        ("Drag, wheel", "Pan and zoom"),
        ("Drag; middle drag", "Turn what has a depth; pan it"),
        ("Right click", "What there is to do with a seed"),
        ("Double click, F", "Fit the view to the data"),
    ),
    "Time bar and sliders": (
        ("Arrow keys", "A small step"),
        ("Page Up, Page Down", "A large step"),
        ("Home, End", "To the ends"),
    ),
}
#: Columns at most, and pixels they may take.
_COLUMNS, _WIDEST = 3, 1160
#: A title, and lines of keys and what they do.
Section = tuple[str, list[tuple[str, str]]]


class ShortcutSheet(QDialog):
    """The sections in columns of about the same length."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        scroll = QScrollArea()
        widest = _WIDEST if parent is None else min(_WIDEST, parent.window().width())
        for columns in range(_COLUMNS, 0, -1):
            # Fewer where the text is large, or the window small.
            scroll.setWidget(_page(columns))
            if scroll.widget().sizeHint().width() + 36 <= widest:
                break
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setAccessibleName(self.windowTitle())
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 12, 12)
        layout.addWidget(scroll)
        layout.addWidget(close)
        wanted = scroll.widget().sizeHint()
        self.resize(min(wanted.width() + 36, widest), min(wanted.height() + 60, 700))


def _sections() -> list[Section]:
    """Title of each section, and its keys with what they do."""
    found: list[Section] = []
    for menu in MENUS:
        known = [spec for spec in ACTIONS if spec.menu == menu and spec.shortcut]
        for submenu in dict.fromkeys(["", *(spec.submenu for spec in known)]):
            specs = [spec for spec in known if spec.submenu == submenu]
            lines = [(_native(spec.shortcut), spec.title.rstrip("…")) for spec in specs]
            if lines:
                found.append((submenu or menu, lines))
    return found + [(title, list(lines)) for title, lines in GESTURES.items()]


def _page(columns: int) -> QWidget:
    """All sections, in so many columns."""
    page = QWidget()
    row = QHBoxLayout(page)
    row.setContentsMargins(20, 16, 20, 16)
    row.setSpacing(40)
    for column in _columns(_sections(), columns):
        grid = QGridLayout()
        row.addLayout(grid, 1)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        for title, lines in column:
            _fill(grid, title, lines)
        grid.setRowStretch(grid.rowCount(), 1)
    return page


def _columns(sections: list[Section], most: int) -> list[list[Section]]:
    """The sections in their order, cut where the longest column is the shortest."""

    def length(column: Sequence[Section]) -> int:
        return sum(len(lines) + 2 for _, lines in column)

    cuts = combinations(range(1, len(sections)), most - 1)
    parts = ([sections[i:j] for i, j in pairwise((0, *cut, len(sections)))] for cut in cuts)
    return min(parts, key=lambda columns: max(map(length, columns)))


def _fill(grid: QGridLayout, title: str, lines: list[tuple[str, str]]) -> None:
    heading = QLabel(title)
    heading.setProperty("role", "section")
    heading.setContentsMargins(0, 12 if grid.rowCount() > 1 else 0, 0, 2)
    grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
    for keys, what in lines:
        row = grid.rowCount()
        grid.addWidget(QLabel(what), row, 0)
        label = QLabel(keys)
        label.setProperty("role", "muted")
        grid.addWidget(label, row, 1, Qt.AlignmentFlag.AlignRight)


def _native(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
