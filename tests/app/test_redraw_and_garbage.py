import gc
import time

import pytest

from odeviz.app.garbage import GarbageCollector
from odeviz.app.redraw import FRAME, LONGEST, RedrawLoop


@pytest.fixture
def loop(qtbot):
    loop = RedrawLoop()
    yield loop
    loop.stop()
    loop.deleteLater()


@pytest.fixture
def ticks(loop):
    seen = []
    loop.tick.connect(lambda passed: seen.append((time.perf_counter(), passed)))
    return seen


def test_a_burst_of_wakes_is_one_tick(qtbot, loop, ticks):
    for _ in range(5):
        loop.wake()
    qtbot.wait(60)
    assert len(ticks) == 1


def test_it_ticks_on_while_going_and_stops(qtbot, loop, ticks):
    loop.set_going(True)
    qtbot.waitUntil(lambda: len(ticks) >= 4, timeout=5000)
    loop.set_going(False)
    qtbot.wait(40)
    reached = len(ticks)
    qtbot.wait(60)
    assert len(ticks) == reached


def test_after_a_paint_the_next_tick_waits_twice_as_long(qtbot, loop, ticks):
    loop.gap = 2.0
    loop.set_going(True)
    qtbot.waitUntil(lambda: len(ticks) >= 1, timeout=5000)
    painted, reached = time.perf_counter(), len(ticks)
    loop.painted(0.05)
    qtbot.waitUntil(lambda: len(ticks) > reached, timeout=5000)
    assert ticks[reached][0] - painted >= 0.099


def test_pictures_do_not_stand_still_as_long_again_as_the_machine_once_did(qtbot, loop, ticks):
    loop.set_going(True)
    qtbot.waitUntil(lambda: len(ticks) >= 1, timeout=5000)
    reached = len(ticks)
    # A paint during which the machine slept for an hour.
    loop.painted(3600.0)
    qtbot.waitUntil(lambda: len(ticks) > reached, timeout=5000)


def test_time_does_not_jump_after_a_long_pause(qtbot, loop, ticks):
    loop.set_going(True)
    qtbot.waitUntil(lambda: len(ticks) >= 1, timeout=5000)
    time.sleep(2 * LONGEST)
    reached = len(ticks)
    qtbot.waitUntil(lambda: len(ticks) > reached, timeout=5000)
    assert max(passed for _, passed in ticks) <= LONGEST


def test_being_late_does_not_add_up_from_frame_to_frame(loop):
    loop.gap = 0.0
    loop.set_going(True)
    due = loop._allowed = time.perf_counter() - FRAME / 4
    loop._on_timeout()
    assert loop._allowed == pytest.approx(due + FRAME, abs=1e-9)
    loop.floor.leave()
    # After a rest frames are counted anew.
    loop._allowed = time.perf_counter() - 1.0
    loop._on_timeout()
    assert loop._allowed > time.perf_counter()


def test_what_is_under_the_hand_does_not_wait_for_its_frame_but_for_the_gap(loop):
    loop.gap = 1.0
    loop.set_going(True)
    loop._allowed = time.perf_counter()
    loop._on_timeout()
    frame, ticked = loop._allowed, loop._ended
    loop.wake(under_hand=True)
    assert frame - loop._began == pytest.approx(FRAME, abs=0.002)
    assert loop._allowed - ticked < 0.5 * FRAME
    loop.painted(0.1)
    loop.wake(under_hand=True)
    assert loop._allowed - loop._ended >= 0.1, "a long paint is rested from"


def test_python_does_not_collect_by_itself_until_the_collector_is_stopped(qtbot):
    assert gc.isenabled()
    collector = GarbageCollector()
    assert not gc.isenabled()
    collector.stop()
    assert gc.isenabled()
    collector.deleteLater()


def test_cycles_are_collected_on_the_timer(qtbot):
    class Node:
        pass

    collector = GarbageCollector()
    gc.collect()
    count = []
    for _ in range(2000):
        node = Node()
        node.me = node
    collector.collect()
    count = sum(type(item) is Node for item in gc.get_objects())
    collector.stop()
    collector.deleteLater()
    assert count < 100


def test_paints_at_rest_do_not_add_up(qtbot, loop, ticks):
    for _ in range(10):
        time.sleep(0.02)
        loop.painted(0.01)
    assert loop._allowed - time.perf_counter() < 0.05
    loop.wake()
    qtbot.waitUntil(lambda: len(ticks) == 1, timeout=5000)
