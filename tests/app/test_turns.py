import pytest
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer

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
