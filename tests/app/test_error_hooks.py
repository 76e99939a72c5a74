import sys
import threading

import pytest

from odeviz.app.errors import ErrorHooks


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
