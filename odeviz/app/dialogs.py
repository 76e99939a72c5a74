"""Everything the window asks or says in a dialog, behind one object, so that tests can answer instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QHeaderView, QMessageBox, QTreeView, QWidget

import odeviz
from odeviz.app.shortcut_sheet import ShortcutSheet
from odeviz.bridge import Trouble
from odeviz.state.log import Log, Note

MODEL_FILES = "odeviz models (*.odeviz)"
SESSION_FILES = "odeviz sessions (*.odeviz-session)"
_ALL_FILES = "odeviz models and sessions (*.odeviz *.odeviz-session)"


def file_dialog(parent: QWidget | None, title: str, folder: Path, kinds: str) -> QFileDialog:
    """The system's dialog, or where it has none Qt's, with columns that can be read."""
    dialog = QFileDialog(parent, title, str(folder), kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    table = dialog.findChild(QTreeView, "treeView")
    if table is not None:
        header = table.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        height = dialog.fontMetrics().height()
        dialog.resize(52 * height, 32 * height)
    return dialog


class Dialogs:
    """Asks a person. Every question returns None (or "cancel") when it was left unanswered."""

    def __init__(self, parent: QWidget, log: Log) -> None:
        self._parent, self._log = parent, log

    def model_to_open(self, folder: Path) -> Path | None:
        return self._chosen(file_dialog(self._parent, "Open a model or a session", folder, _ALL_FILES))[0]

    def data_to_open(self, kinds: str) -> Path | None:
        return self._chosen(file_dialog(self._parent, "Import data", Path.home(), kinds))[0]

    def file_to_save(self, title: str, suggestion: Path, kinds: str) -> Path | None:
        """``kinds`` are file filters; a name without a suffix gets that of the filter that was chosen."""
        dialog = file_dialog(self._parent, title, suggestion.parent, kinds)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile(suggestion.name)
        path, kind = self._chosen(dialog)
        if path is None:
            return None
        chosen = re.search(r"\*(\.[\w-]+)", kind)
        return path if path.suffix else path.with_suffix(chosen[1] if chosen else suggestion.suffix)

    def _chosen(self, dialog: QFileDialog) -> tuple[Path | None, str]:
        """The file that was chosen, None if none was, and the kind of files then listed."""
        chosen = dialog.selectedFiles() if dialog.exec() else []
        kind = dialog.selectedNameFilter()
        dialog.deleteLater()
        return Path(chosen[0]) if chosen else None, kind

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

    def give_up(self, sentence: str, keep: str, stop: str) -> bool:
        """Whether what a sentence says is under way may be given up; ``keep`` and ``stop`` name the two answers."""
        box = QMessageBox(self._parent)
        box.setWindowTitle("odeviz")
        box.setText(sentence)
        going_on = box.addButton(keep, QMessageBox.ButtonRole.RejectRole)
        stopping = box.addButton(stop, QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(going_on)
        box.setEscapeButton(going_on)
        box.exec()
        given_up = box.clickedButton() is stopping
        box.deleteLater()
        return given_up

    def trouble(self, trouble: Trouble, title: str) -> None:
        """Say what went wrong, in nobody's way."""
        self._log.tell(Note(trouble.sentence, "error", title, trouble.details))

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
