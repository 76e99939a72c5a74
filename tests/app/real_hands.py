"""Mouse and keys of the X server, for tests of a real window."""

import os
import subprocess

import pytest

#: For tests that need a screen of their own, which ``tests/real_window.sh`` gives them.
ON_A_SCREEN = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") != "xcb",
    reason="needs a screen and a window manager: tests/real_window.sh",
)


def xdo(*words):
    subprocess.run(["xdotool", *map(str, words)], check=True, timeout=10)


def point_at(widget, at=None):
    there = widget.mapToGlobal(widget.rect().center() if at is None else at)
    xdo("mousemove", there.x(), there.y())
    return there


def click(widget, at=None):
    point_at(widget, at)
    xdo("click", 1)


def drag(qtbot, start, end, done):
    """Press, move in small steps as a hand does, and let go once that is ``done``."""
    xdo("mousemove", start.x(), start.y(), "mousedown", 1)
    for k in range(1, 13):
        way = (end - start) * k / 12
        xdo("mousemove", start.x() + way.x(), start.y() + way.y())
        qtbot.wait(20)
    xdo("mouseup", 1)
    qtbot.waitUntil(done)
