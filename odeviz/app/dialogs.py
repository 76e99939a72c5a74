"""Everything the window asks or says in a dialog, behind one object, so that tests can answer instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QMessageBox,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

import odeviz
from odeviz.app.actions import ACTIONS, MENUS
from odeviz.app.errors import TroubleDialog
from odeviz.bridge import Trouble

MODEL_FILES = "odeviz models (*.odeviz)"
SESSION_FILES = "odeviz sessions (*.odeviz-session)"
_ALL_FILES = "odeviz models and sessions (*.odeviz *.odeviz-session)"


class Dialogs:
    """Asks a person. Every question returns None (or "cancel") when it was left unanswered."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def model_to_open(self, folder: Path) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(
            self._parent, "Open a model or a session", str(folder), _ALL_FILES
        )
        return Path(name) if name else None

    def data_to_open(self, kinds: str) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self._parent, "Import data", str(Path.home()), kinds)
        return Path(name) if name else None

    def file_to_save(self, title: str, suggestion: Path, kinds: str) -> Path | None:
        """``kinds`` are file filters; a name without a suffix gets that of the suggestion."""
        name, _ = QFileDialog.getSaveFileName(self._parent, title, str(suggestion), kinds)
        if not name:
            return None
        path = Path(name)
        return path if path.suffix else path.with_suffix(suggestion.suffix)

    def keep_changes(self, sentence: str) -> str:
        """``save``, ``discard`` or ``cancel``, where a sentence says what would be lost."""
        buttons = QMessageBox.StandardButton
        box = QMessageBox(self._parent)
        box.setWindowTitle("odeviz")
        box.setText(sentence)
        box.setInformativeText("Save it first?")
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        answer = box.exec()
        box.deleteLater()
        return {buttons.Save: "save", buttons.Discard: "discard"}.get(buttons(answer), "cancel")

    def trouble(self, trouble: Trouble, title: str) -> None:
        """Say what went wrong, without blocking."""
        TroubleDialog(trouble, title, self._parent).open()

    def shortcuts(self) -> None:
        ShortcutSheet(self._parent).open()

    def about(self) -> None:
        QMessageBox.about(
            self._parent,
            "About odeviz",
            f"<b>odeviz {odeviz.__version__}</b><br>A workbench for neural ordinary differential equations: "
            "train one, watch what it does to space, take it apart, take the pictures home.<br><br>MIT licence.",
        )

    def run(self, make: Callable[[QWidget], QDialog]) -> None:
        """Open a dialog made for the window; it destroys itself when it is closed."""
        dialog = make(self._parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()


class ShortcutSheet(QDialog):
    """All shortcuts, by menu, and what the mouse does."""

    GESTURES = (
        ("Click in the flow view", "Start a trajectory there"),
        ("Drag a seed", "Move it, and watch its trajectory follow"),
        ("Delete", "Remove the selected seed"),
        ("Drag, wheel", "Pan and zoom"),
        ("Double click, F", "Fit the view to the data"),
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        for menu in MENUS:
            rows = [(spec.shortcut, spec.title.rstrip("…")) for spec in ACTIONS if spec.menu == menu]
            rows = [(_native(keys), title) for keys, title in rows if keys]
            if rows:
                self._section(grid, menu, rows)
        self._section(grid, "Flow view", list(self.GESTURES))
        page = QWidget()
        page.setLayout(grid)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll)
        layout.addWidget(close)
        self.resize(460, 620)

    @staticmethod
    def _section(grid: QGridLayout, title: str, rows: list[tuple[str, str]]) -> None:
        heading = QLabel(title)
        heading.setProperty("role", "section")
        heading.setContentsMargins(0, 12 if grid.rowCount() > 1 else 0, 0, 2)
        grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
        for keys, what in rows:
            row = grid.rowCount()
            grid.addWidget(QLabel(what), row, 0)
            label = QLabel(keys)
            label.setProperty("role", "muted")
            grid.addWidget(label, row, 1, Qt.AlignmentFlag.AlignRight)


def _native(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
