"""The questions that the window asks, answered with keys and mouse."""

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

import odeviz
from odeviz.app.dialogs import Dialogs
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
