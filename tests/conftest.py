"""What every test needs: no screen, and a check that nothing is left behind."""

import gc
import os
import threading

import pytest

# Before Qt is imported by anyone.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before torch is imported, here or in a process that a test starts: on a busy machine two threads that wait for each
# other at every operation on a small tensor take ten times as long as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A process for each window would take most of a test's time; those that test it ask for it.
os.environ.setdefault("ODEVIZ_TRAIN_IN", "thread")


@pytest.fixture(scope="session")
def small_heap():
    """Keep what was imported so far out of every later collection, which would take most of a test's time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def nothing_left(qapp, small_heap):
    """After the test: no top-level widget, running thread or ticking timer that was not there before."""
    from PySide6.QtCore import QCoreApplication, QEvent, QTimer

    def ticking():
        # By type: asking some libraries' objects for their __class__ raises a warning.
        found = [item for item in gc.get_objects() if issubclass(type(item), QTimer)]
        return [timer for timer in found if _alive(timer) and timer.isActive()]

    widgets, timers = {id(widget) for widget in qapp.topLevelWidgets()}, {id(timer) for timer in ticking()}
    threads = set(threading.enumerate())
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
    gc.collect()
    assert [widget for widget in qapp.topLevelWidgets() if id(widget) not in widgets] == []
    assert [thread for thread in threading.enumerate() if thread not in threads] == []
    assert [timer for timer in ticking() if id(timer) not in timers] == []
    # What was imported during the test stays to the end, like what was there before.
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item):
    """While its window still stands: no test has made Python know a layout's items.

    They go with their widgets unnoticed, and whatever takes their place in memory crashes when it is deleted (PySide6
    6.10): a layout is put into another before it is filled, and nobody calls ``itemAt``.
    """
    if "qapp" in item.fixturenames:
        assert wrapped_layout_items() == []


def wrapped_layout_items():
    """The items of layouts that Python knows but has not made."""
    from PySide6.QtWidgets import QLayout, QLayoutItem
    from shiboken6 import createdByPython, getAllValidWrappers

    items = [each for each in getAllValidWrappers() if isinstance(each, QLayoutItem)]
    return [each for each in items if not isinstance(each, QLayout) and not createdByPython(each)]


def _alive(item):
    from shiboken6 import isValid

    return isValid(item)
