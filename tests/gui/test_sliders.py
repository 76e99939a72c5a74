import math
import sys

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent

from odeviz.widgets.log_slider import LogSlider
from odeviz.widgets.track import Track


@pytest.fixture
def slider(show):
    return show(LogSlider, 1e-1, 1e-9, size=(400, 40))


def at(slider, number):
    return QPoint(round(slider.place(math.log10(number))), slider.height() // 3)


def test_setting_a_number_emits_nothing(qtbot, slider):
    with qtbot.assertNotEmitted(slider.number_changed):
        slider.set_number(1e-4)
    assert slider.number == pytest.approx(1e-4)


def test_a_drag_emits_numbers_between_its_start_and_its_end(qtbot, slider):
    seen = []
    slider.drag_started.connect(lambda: seen.append("start"))
    slider.number_changed.connect(seen.append)
    slider.drag_finished.connect(lambda: seen.append("end"))
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=at(slider, 1e-3))
    qtbot.mouseMove(slider, at(slider, 1e-5))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at(slider, 1e-5))
    assert (seen[0], seen[-1]) == ("start", "end")
    assert seen[1] == pytest.approx(1e-3, rel=0.1)
    assert seen[-2] == pytest.approx(1e-5, rel=0.1)


def test_a_key_is_one_whole_drag(qtbot, slider):
    slider.set_number(1e-4)
    with qtbot.waitSignals(
        [slider.drag_started, slider.number_changed, slider.drag_finished], order="strict"
    ):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert slider.number < 1e-4


def test_home_and_end_go_to_the_ends(qtbot, slider):
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert slider.number == pytest.approx(1e-9)
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    assert slider.number == pytest.approx(1e-1)


def test_whole_numbers_are_rounded(show):
    slider = show(LogSlider, 1, 10, size=(400, 40))
    slider.set_ends(1, 1000, whole=True)
    slider.set_number(37)
    assert slider.number == 37.0


def test_the_wheel_moves_it_by_a_step(qtbot, show):
    track = show(Track, 0.0, 1.0, size=(300, 32))
    event = QWheelEvent(
        QPointF(150, 16), QPointF(150, 16), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    with qtbot.waitSignal(track.value_changed) as moved:
        track.wheelEvent(event)
    assert moved.args == [pytest.approx(0.01)]


def test_a_value_outside_the_range_is_kept_within(show):
    track = show(Track, 0.0, 1.0, size=(300, 32))
    track.set_value(7.0)
    assert track.value == 1.0


def test_a_paint_that_fails_reaches_the_exception_hook_and_not_the_process(show, monkeypatch):
    track = show(Track, 0.0, 1.0, size=(300, 32))
    failures = []
    with monkeypatch.context() as patch:
        patch.setattr(sys, "excepthook", lambda *failure: failures.append(failure))
        patch.setattr(track, "paint_groove", None)
        track.grab()
    assert failures[0][0] is TypeError
