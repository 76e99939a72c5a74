import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from odeviz.analysis.results import StepTable
from odeviz.panels.time_bar import TimeBar
from odeviz.tasks.own_time import OwnTime


@pytest.fixture
def bar(show, steps):
    bar = show(TimeBar, size=(600, 44))
    bar.set_range(0.0, 2.0)
    bar.set_steps(steps)
    return bar


def test_showing_a_time_emits_nothing(qtbot, bar):
    with qtbot.assertNotEmitted(bar.time_changed):
        bar.set_time(0.5)
    assert bar.track.value == 0.5


def test_the_time_is_told_in_a_persons_own(bar):
    bar.set_time(0.5)
    assert bar._read.text() == "t = 0.500"
    bar.set_clock(OwnTime(10.0, start=100.0, since="noon"))
    assert bar._read.text() == "t = 105"
    assert "since noon" in bar._read.toolTip()
    assert bar.track.spoken().startswith("t = 105 of 120;")
    assert bar.track.value == 0.5


def test_a_drag_on_the_track_moves_the_playhead(qtbot, bar):
    x = round(bar.track.place(1.5))
    with qtbot.waitSignal(bar.time_changed) as moved:
        qtbot.mouseClick(bar.track, Qt.MouseButton.LeftButton, pos=QPoint(x, 20))
    assert moved.args == [pytest.approx(1.5, abs=0.01)]


def test_keys_move_the_playhead(qtbot, bar):
    bar.set_time(1.0)
    with qtbot.waitSignal(bar.time_changed) as moved:
        qtbot.keyClick(bar, Qt.Key.Key_Right)
    assert moved.args == [pytest.approx(1.02)]
    qtbot.keyClick(bar, Qt.Key.Key_Home)
    assert bar.track.value == 0.0
    qtbot.keyClick(bar, Qt.Key.Key_End)
    assert bar.track.value == 2.0


def test_space_asks_to_play_and_then_to_pause(qtbot, bar):
    with qtbot.waitSignal(bar.play_toggled) as asked:
        qtbot.keyClick(bar, Qt.Key.Key_Space)
    assert asked.args == [True]
    bar.set_playing(True)
    with qtbot.waitSignal(bar.play_toggled) as asked:
        qtbot.keyClick(bar, Qt.Key.Key_Space)
    assert asked.args == [False]


def test_buttons_say_what_they_were_asked(qtbot, bar):
    with qtbot.waitSignal(bar.loop_toggled) as asked:
        qtbot.mouseClick(bar._loop, Qt.MouseButton.LeftButton)
    assert asked.args == [False]
    with qtbot.waitSignal(bar.play_toggled) as asked:
        qtbot.mouseClick(bar._play, Qt.MouseButton.LeftButton)
    assert asked.args == [True]
    with qtbot.waitSignal(bar.rewound):
        qtbot.mouseClick(bar._rewind, Qt.MouseButton.LeftButton)


def test_choosing_a_speed_emits_it_and_showing_one_does_not(qtbot, bar):
    with qtbot.assertNotEmitted(bar.speed_changed):
        bar.set_speed(2.0)
    with qtbot.waitSignal(bar.speed_changed) as chosen:
        qtbot.keyClick(bar._speed, Qt.Key.Key_Down)
    assert chosen.args == [4.0]


def test_rejected_steps_are_drawn_in_the_danger_colour(bar, theme, steps):
    x = round(bar.track.place(0.9))
    reds = [bar.track.grab().toImage().pixelColor(x, y).red() for y in range(12)]
    bar.set_steps(None)
    bare = [bar.track.grab().toImage().pixelColor(x, y).red() for y in range(12)]
    assert reds != bare


def test_the_reading_keeps_its_width(bar):
    bar.set_time(0.0)
    width = bar._read.width()
    bar.set_time(1.234)
    assert bar._read.text() == "t = 1.234"
    assert bar._read.width() == width


def test_the_track_has_a_row_of_its_own_where_it_would_be_short(bar, qtbot):
    for width, below in ((700, False), (330, True), (700, False)):
        bar.resize(width, 90)
        bar.layout().activate()
        qtbot.waitUntil(lambda width=width: bar.track.width() > width / 3)
        assert (bar.track.y() > bar._play.geometry().center().y()) == below


def test_a_step_that_an_event_cut_short_has_its_tick_at_the_event(bar):
    steps = StepTable(
        np.array([0.0, 0.25, 0.5]), np.array([0.25, 0.75, 0.5]), np.full(3, 0.5), np.ones(3, dtype=bool)
    )
    bar.set_steps(steps)
    assert bar.track._accepted.tolist() == [0.0, 0.25, 0.5, 1.0]
