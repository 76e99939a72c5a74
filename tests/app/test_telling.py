"""Messages: what goes wrong shows as a toast, and all that was said is in the log."""

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QEnterEvent, QGuiApplication

from odeviz.app.dialogs import Dialogs
from odeviz.bridge import Trouble
from odeviz.state.log import Log, Note
from odeviz.widgets import toasts


@pytest.fixture
def told(rig, qtbot):
    rig.window.show()
    qtbot.waitExposed(rig.window)
    return rig


def fail(rig, sentence="It broke.", title="Saving failed", details="Traceback: line 1"):
    Dialogs(rig.window, rig.control.log).trouble(Trouble(sentence, details), title)
    return rig.control.telling.toasts.shown[-1]


def test_a_failure_shows_as_a_toast_whose_details_unfold_and_can_be_copied(told, qtbot):
    toast = fail(told)
    assert toast.isVisible()
    assert not toast.details.isVisible()
    low = toast.height()
    qtbot.mouseClick(toast.fold, Qt.MouseButton.LeftButton)
    assert toast.details.isVisible()
    assert toast.height() > low
    qtbot.mouseClick(toast.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "Saving failed: It broke.\nTraceback: line 1"
    corner = toast.mapTo(told.window, toast.rect().bottomRight())
    assert corner.x() < told.window.width()
    assert corner.y() < told.window.statusBar().y()


def test_a_key_dismisses_the_newest_and_the_next_in_line_comes(told, qtbot):
    for k in range(toasts.MOST + 1):
        fail(told, f"Failure {k}.")
    shown = told.control.telling.toasts
    assert len(shown.shown) == toasts.MOST
    told.window.actions_["dismiss"].trigger()
    assert [each.message.text for each in shown.shown] == ["Failure 0.", "Failure 1.", "Failure 3."]
    qtbot.mouseClick(shown.shown[0].close_button, Qt.MouseButton.LeftButton)
    qtbot.keyClick(shown.shown[0], Qt.Key.Key_Delete)
    assert [each.message.text for each in shown.shown] == ["Failure 3."]
    corner = shown.shown[0].mapTo(told.window, QPoint(0, 0))
    assert QRect(corner, shown.shown[0].size()) == QRect(shown.pos(), shown.shown[0].size())
    while shown.shown:
        told.window.actions_["dismiss"].trigger()
    assert not shown.isVisible()


def test_a_warning_goes_by_itself_but_waits_under_the_mouse(told, qtbot, monkeypatch):
    monkeypatch.setitem(toasts.STAYS, "warning", 1)
    told.control.log.tell(Note("It was stiff.", "warning"))
    shown = told.control.telling.toasts
    toast = shown.shown[0]
    toast.leaveEvent(QEvent(QEvent.Type.Leave))
    assert toast.waiting
    point = QPointF(5, 5)
    toast.enterEvent(QEnterEvent(point, point, point))
    assert not toast.waiting
    toast.leaveEvent(QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: not shown.shown)


def test_the_status_bar_tells_what_was_done_for_a_while_and_what_is_so_until_it_is_not(
    rig, qtbot, monkeypatch
):
    monkeypatch.setattr("odeviz.app.telling._LONGEST", 1)
    status = rig.window.status
    rig.bench.say("Stopped at iteration 3.", lasting=True)
    rig.bench.say("Reading a.csv…")
    assert not rig.control.telling._passing.isActive()
    with qtbot.waitSignal(rig.bench.message_changed, check_params_cb=lambda text: text == ""):
        rig.bench.say("Saved a.odeviz.")
        assert status._message.text() == "Saved a.odeviz."
    assert status._message.text() == ""
    rig.bench.say("Stopped at iteration 3.", lasting=True)
    assert not rig.control.telling._passing.isActive()


def test_a_file_that_cannot_be_opened_is_told_once_and_its_details_name_it(told, qtbot, tmp_path):
    path = tmp_path / "broken.odeviz"
    path.write_bytes(b"no model")
    told.control.dialogs = told.control.documents.dialogs = Dialogs(told.window, told.control.log)
    told.control.documents.open(path)
    qtbot.waitUntil(lambda: bool(told.control.telling.toasts.shown))
    toast = told.control.telling.toasts.shown[-1]
    assert toast.fold.isVisible()
    assert toast.details.toPlainText().startswith(f"{path}\n")
    assert toast.message.text not in told.window.status._message.text()


def test_the_log_keeps_what_was_said_once_and_finds_it_again(told, qtbot):
    fail(told)
    told.bench.say("Saving failed: It broke.")
    told.bench.say("Saved a.odeviz.")
    told.bench.say("Reading b.csv…")
    panel = told.window.log
    assert len(panel.notes()) == 2
    told.control.do("log")
    assert panel.isVisible()
    qtbot.keyClicks(panel.words, "broke")
    assert [note.text for note in panel.notes()] == ["It broke."]
    panel.list.setCurrentIndex(panel.list.model().index(0, 0))
    assert panel.details.toPlainText() == "Traceback: line 1"
    qtbot.mouseClick(panel.copy_button, Qt.MouseButton.LeftButton)
    assert "error: Saving failed: It broke.\nTraceback: line 1" in QGuiApplication.clipboard().text()
    QGuiApplication.clipboard().clear()
    qtbot.keyClick(panel, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().count("It broke.") == 1
    panel.words.clear()
    panel.level.setCurrentIndex(2)
    assert len(panel.notes()) == 1
    qtbot.mouseClick(panel.clear_button, Qt.MouseButton.LeftButton)
    assert told.control.log.notes == ()
    assert panel.notes() == []


def test_the_log_forgets_the_oldest():
    log = Log()
    for k in range(600):
        log.tell(Note(str(k)))
    assert (len(log.notes), log.notes[0].text) == (500, "100")


def test_the_log_opens_at_its_newest_and_stays_there_until_it_is_scrolled_back(told, qtbot):
    for k in range(80):
        told.control.log.tell(Note(f"Number {k}."))
    panel = told.window.log
    told.control.do("log")
    qtbot.waitUntil(lambda: panel.list.verticalScrollBar().maximum() > 0)
    panel.grab()
    bar = panel.list.verticalScrollBar()
    assert bar.value() == bar.maximum()
    bar.setValue(3)
    told.control.log.tell(Note("One more."))
    panel.grab()
    assert bar.value() == 3
    told.control.do("log")
    assert not panel.isVisible(), "once more, and it goes"
