"""What every test needs: no screen, and a check that nothing is left behind."""

import gc
import os
import threading

import pytest

# Before Qt is imported by anyone.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def nothing_left(qapp):
    """After the test: no top-level widget, running thread or ticking timer that was not there before."""
    from PySide6.QtCore import QCoreApplication, QEvent, QTimer

    def collect():
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qapp.processEvents()
        gc.collect()

    def ticking():
        return [
            timer
            for timer in gc.get_objects()
            if isinstance(timer, QTimer) and _alive(timer) and timer.isActive()
        ]

    collect()
    widgets, threads, timers = (
        set(map(id, qapp.topLevelWidgets())),
        set(threading.enumerate()),
        set(map(id, ticking())),
    )
    yield
    collect()
    assert [widget for widget in qapp.topLevelWidgets() if id(widget) not in widgets] == []
    assert [thread for thread in threading.enumerate() if thread not in threads] == []
    assert [timer for timer in ticking() if id(timer) not in timers] == []


def _alive(item):
    from shiboken6 import isValid

    return isValid(item)
