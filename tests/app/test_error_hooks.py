import sys
import threading

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog

from odeviz.app.errors import ErrorHooks, TroubleDialog
from odeviz.bridge import Trouble


@pytest.fixture
def hooks(qtbot, capsys):
    before = sys.excepthook, threading.excepthook
    hooks = ErrorHooks()
    yield hooks
    hooks.restore()
    assert (sys.excepthook, threading.excepthook) == before
    hooks.deleteLater()


def raise_and_report(error):
    try:
        raise error
    except type(error) as caught:
        sys.excepthook(type(caught), caught, caught.__traceback__)


def test_an_uncaught_exception_is_told_with_its_traceback(qtbot, hooks):
    with qtbot.waitSignal(hooks.caught, timeout=5000) as caught:
        raise_and_report(KeyError("width"))
    assert "KeyError" in caught.args[0].sentence
    assert "raise_and_report" in caught.args[0].details


def test_an_exception_in_a_thread_is_told_on_the_gui_thread(qtbot, hooks):
    with qtbot.waitSignal(hooks.caught, timeout=5000) as caught:
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
    assert "division by zero" in caught.args[0].sentence


def test_the_same_exception_is_told_once(qtbot, hooks):
    seen = []
    hooks.caught.connect(seen.append)
    for _ in range(3):
        raise_and_report(ValueError("again"))
    qtbot.waitUntil(lambda: len(seen) == 1, timeout=5000)
    qtbot.wait(10)
    assert len(seen) == 1


def test_details_unfold_and_can_be_copied(qtbot):
    dialog = TroubleDialog(Trouble("It broke.", "Traceback: line 1"))
    qtbot.addWidget(dialog)
    assert isinstance(dialog, QDialog)
    assert dialog.text.isHidden()
    dialog.fold.click()
    assert not dialog.text.isHidden()
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == "Traceback: line 1"


def test_without_details_there_is_nothing_to_unfold(qtbot):
    dialog = TroubleDialog(Trouble("The file is empty."))
    qtbot.addWidget(dialog)
    assert dialog.fold.isHidden()
