import time

import pytest
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer

from odeviz.app.painting_window import PaintingWindow
from odeviz.app.redraw import RedrawLoop
from odeviz.app.turns import Turns


@pytest.fixture
def turns(qtbot):
    turns = Turns()
    yield turns
    turns.clear()
    turns.deleteLater()


def test_each_has_a_turn_of_the_event_loop_and_a_later_call_takes_an_earlier_ones_place(qtbot, turns):
    seen = []
    turns.give("a", lambda: seen.append("a"))
    turns.give("b", lambda: (seen.append("b"), QTimer.singleShot(0, lambda: seen.append("between"))))
    turns.give("a", lambda: seen.append("a again"))
    turns.give("c", lambda: seen.append("c"))
    assert (seen, turns.due) == ([], ("a", "b", "c"))
    qtbot.waitUntil(lambda: not turns.due)
    assert seen == ["a again", "b", "between", "c"]


def test_what_raises_holds_up_nothing_and_what_is_forgotten_is_not_done(qtbot, turns):
    seen = []

    def fail():
        raise ValueError("no picture")

    turns.give("a", fail)
    turns.give("b", lambda: seen.append("b"))
    with qtbot.captureExceptions() as caught:
        qtbot.waitUntil(lambda: seen == ["b"])
    assert [str(error) for _, error, _ in caught] == ["no picture"]
    turns.give("c", lambda: seen.append("c"))
    turns.give("d", lambda: seen.append("d"), lasting=True)
    turns.clear()
    qtbot.waitUntil(lambda: not turns.due)
    assert seen == ["b", "d"]


def test_what_gives_itself_again_comes_after_the_others(qtbot, turns):
    seen = []
    turns.give("a", lambda: (seen.append("a"), turns.give("a", lambda: seen.append("a again"))))
    turns.give("b", lambda: seen.append("b"))
    qtbot.waitUntil(lambda: len(seen) == 3)
    assert seen == ["a", "b", "a again"]


def test_a_tick_and_what_follows_it_never_come_before_the_other_is_painted(qtbot, turns):
    loop, seen = RedrawLoop(), []
    turns = Turns(loop, loop.floor)
    loop.tick.connect(lambda seconds: seen.append("tick"))
    turns.give("turn", lambda: seen.append("turn"))
    # Both are due, and fire before anything that has been posted.
    loop._on_timeout()
    turns.take()
    assert seen == ["tick"], "it is not painted yet"
    qtbot.waitUntil(lambda: seen == ["tick", "turn"])
    turns.give("again", lambda: (seen.append("again"), loop._on_timeout()))
    qtbot.waitUntil(lambda: seen[2:] == ["again", "tick"])
    loop.stop()
    loop.deleteLater()


def test_a_question_within_a_turn_holds_up_nobody(qtbot, turns):
    seen, question = [], QEventLoop()
    turns.give("asks", lambda: (question.exec(), seen.append("answered")))
    turns.give("other", lambda: (seen.append("other"), question.quit()))
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == ["other", "answered"]
    QCoreApplication.processEvents()
    turns.give("after", lambda: seen.append("after"))
    qtbot.waitUntil(lambda: seen[-1] == "after")


def work(milliseconds):
    """Be busy for so long."""
    until = time.perf_counter() + milliseconds / 1000
    while time.perf_counter() < until:
        pass


class Noting(PaintingWindow):
    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def paintEvent(self, event):
        super().paintEvent(event)
        self.seen.append("paint")


@pytest.fixture
def noting(qtbot):
    window = Noting([])
    window.loop = RedrawLoop(window)
    window.painted.connect(window.loop.painted)
    window.loop.floor.lasted.connect(window.paint_apart)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: "paint" in window.seen)
    qtbot.wait(20)
    window.seen.clear()
    return window


@pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)
def test_timers_come_between_long_work_and_its_paint(qtbot, noting):
    def tick(seconds):
        timer.start(0)
        work(5)
        noting.seen.append("work")
        noting.update()

    timer = QTimer(noting)
    timer.setSingleShot(True)
    timer.timeout.connect(lambda: noting.seen.append("timer"))
    noting.loop.tick.connect(tick)
    noting.loop.wake()
    qtbot.waitUntil(lambda: len(noting.seen) == 3)
    assert noting.seen == ["work", "timer", "paint"]


@pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)
def test_nobody_has_the_floor_before_long_work_is_painted_or_if_nothing_is_soon_after(qtbot, noting):
    floor, seen = noting.loop.floor, noting.seen
    floor.left.connect(lambda: seen.append("free"))
    assert floor.take()
    work(5)
    noting.update()
    floor.done()
    assert not floor.take()
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == ["paint", "free"]
    assert floor.take()
    work(5)
    floor.done()
    qtbot.waitUntil(lambda: len(seen) == 3)
    assert seen[2] == "free"
