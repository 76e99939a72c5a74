"""The questions that the window asks, answered with keys and mouse."""

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QTreeView, QWidget

import odeviz
from odeviz.app.dialogs import MODEL_FILES, Dialogs, file_dialog
from odeviz.state.log import Log


@pytest.fixture
def dialogs(qtbot, nothing_left):
    parent = QWidget()
    yield Dialogs(parent, Log(parent))
    parent.deleteLater()


def answered(ask, how):
    """What is asked, and the answer to it."""
    seen = []

    def answer():
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        seen.append(box.text())
        if how == "escape":
            QTest.keyClick(box, Qt.Key.Key_Escape)
        elif how == "return":
            QTest.keyClick(box, Qt.Key.Key_Return)
        else:
            (button,) = [
                each for each in box.findChildren(QPushButton) if each.text().replace("&", "") == how
            ]
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(0, answer)
    given = ask()
    return *seen, given


@pytest.mark.parametrize(
    ("how", "answer"), [("return", "save"), ("escape", "cancel"), ("Discard", "discard"), ("Save", "save")]
)
def test_unsaved_changes_are_saved_by_return_and_kept_by_escape(how, answer, dialogs):
    assert answered(lambda: dialogs.keep_changes("It was trained."), how) == ("It was trained.", answer)


@pytest.mark.parametrize(("how", "given_up"), [("return", False), ("escape", False), ("Stop", True)])
def test_what_is_under_way_is_given_up_by_its_own_button_only(how, given_up, dialogs):
    asked = answered(lambda: dialogs.give_up("A film is being written.", "Go on", "Stop"), how)
    assert asked == ("A film is being written.", given_up)


def test_about_says_version_and_licence_and_closes_by_a_key(dialogs):
    told, _ = answered(dialogs.about, "return")
    assert f"odeviz {odeviz.__version__}" in told
    assert "MIT licence" in told


def test_a_file_to_save_gets_the_suffix_of_its_kind_unless_it_has_one(dialogs, tmp_path, monkeypatch):
    typed = []
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda dialog: [str(tmp_path / typed[-1])])
    monkeypatch.setattr(
        QFileDialog, "exec", lambda dialog: dialog.labelText(QFileDialog.DialogLabel.Accept) != ""
    )
    for name, there in (("a", "a.odeviz"), ("b.txt", "b.txt")):
        typed.append(name)
        found = dialogs.file_to_save("Save the model", tmp_path / "model.odeviz", MODEL_FILES)
        assert found == tmp_path / there
    monkeypatch.setattr(QFileDialog, "exec", lambda dialog: False)
    assert dialogs.file_to_save("Save the model", tmp_path / "model.odeviz", MODEL_FILES) is None
    assert dialogs.model_to_open(tmp_path) is None


def test_the_columns_of_a_list_of_files_can_be_read(qtbot, tmp_path):
    for name, size in (("a.odeviz", 2_345_678), ("b.csv", 12)):
        (tmp_path / name).write_bytes(b"." * size)
    dialog = file_dialog(None, "Open", tmp_path, "All files (*)")
    qtbot.addWidget(dialog)
    dialog.show()
    table = dialog.findChild(QTreeView, "treeView")
    qtbot.waitUntil(lambda: table.model().rowCount(table.rootIndex()) == 2)
    qtbot.waitUntil(
        lambda: all(table.header().sectionSize(k) >= table.sizeHintForColumn(k) for k in range(1, 4))
    )
    assert table.header().length() <= table.viewport().width()
