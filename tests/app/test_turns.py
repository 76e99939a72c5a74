import pytest
from PySide6.QtCore import QTimer

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
    turns.clear()
    qtbot.wait(20)
    assert seen == ["b"]


def test_what_gives_itself_again_comes_after_the_others(qtbot, turns):
    seen = []
    turns.give("a", lambda: (seen.append("a"), turns.give("a", lambda: seen.append("a again"))))
    turns.give("b", lambda: seen.append("b"))
    qtbot.waitUntil(lambda: len(seen) == 3)
    assert seen == ["a", "b", "a again"]
